use super::*;

fn user(name: &str, password: &str, is_delegation_token: bool) -> SaslCredentials {
    let (username, password) = (name.to_owned(), password.to_owned());
    SaslCredentials::Password { username, password, is_delegation_token }
}

fn sent(step: SaslStep) -> String {
    match step {
        SaslStep::Send(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn begin(mechanism: SaslMechanism, credentials: SaslCredentials) -> (SaslExchange, String) {
    let (exchange, first) =
        SaslExchange::begin(mechanism, credentials, "rOprNGfwEbeRWgbNEkqO").unwrap();
    (exchange, String::from_utf8(first).unwrap())
}

/// An exchange of SCRAM with the messages of both sides.
struct Vector {
    mechanism: SaslMechanism,
    server_first: &'static str,
    client_last: &'static str,
    server_last: &'static str,
}

/// RFC 7677, section 3.
const SHA_256: Vector = Vector {
    mechanism: SaslMechanism::ScramSha256,
    server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    client_last: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    server_last: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

/// The same user and password; no RFC has a vector for SHA-512, the proofs are OpenSSL's.
const SHA_512: Vector = Vector {
    mechanism: SaslMechanism::ScramSha512,
    server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    client_last: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
    server_last: "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
};

fn salted(exchange: &mut SaslExchange, server_first: &str) -> SaslStep {
    match exchange.handle_challenge(server_first.as_bytes()).unwrap() {
        SaslStep::Salt(request) => exchange.handle_salted_password(request.compute()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn scram_says_what_the_rfc_says() {
    for vector in [SHA_256, SHA_512] {
        let (mut exchange, first) = begin(vector.mechanism, user("user", "pencil", false));
        assert_eq!(first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(sent(salted(&mut exchange, vector.server_first)), vector.client_last);
        let last = exchange.handle_challenge(vector.server_last.as_bytes()).unwrap();
        assert!(matches!(last, SaslStep::Done));
        assert_eq!(exchange.handle_challenge(b"").err(), Some(SaslError::Unexpected));
    }
}

#[test]
fn a_broker_that_does_not_know_the_password_is_found_out() {
    for (last, expected) in [
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G0=", SaslError::ServerProof),
        ("v=", SaslError::ServerProof),
        ("e=other-error", SaslError::Refused("other-error".to_owned())),
        ("x=1", SaslError::Malformed("it has no proof")),
        ("v=!", SaslError::Malformed("the proof")),
    ] {
        let (mut exchange, _) = begin(SHA_256.mechanism, user("user", "pencil", false));
        salted(&mut exchange, SHA_256.server_first);
        assert_eq!(exchange.handle_challenge(last.as_bytes()).err(), Some(expected), "{last}");
    }
}

#[test]
fn what_a_broker_asks_for_is_checked_before_any_work_is_done() {
    let nonce = "r=rOprNGfwEbeRWgbNEkqOx";
    for (first, expected) in [
        (format!("{nonce},s=QQ==,i=4095"), SaslError::Iterations(4095)),
        (format!("{nonce},s=QQ==,i=1000001"), SaslError::Iterations(1_000_001)),
        (format!("{nonce},s=QQ==,i=-1"), SaslError::Malformed("the count of iterations")),
        (format!("{nonce},s=Q,i=4096"), SaslError::Malformed("the salt")),
        (format!("{nonce},i=4096"), SaslError::Malformed("it has no salt")),
        ("m=ext,r=x".to_owned(), SaslError::Malformed("it has no nonce")),
        ("r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096".to_owned(), SaslError::Nonce),
        ("r=another,s=QQ==,i=4096".to_owned(), SaslError::Nonce),
        (String::new(), SaslError::Malformed("it has no nonce")),
    ] {
        let (mut exchange, _) = begin(SHA_256.mechanism, user("user", "pencil", false));
        assert_eq!(exchange.handle_challenge(first.as_bytes()).err(), Some(expected), "{first}");
    }
}

#[test]
fn delegation_tokens_are_announced_and_names_are_escaped() {
    let (_, first) = begin(SaslMechanism::ScramSha256, user("a=b,c", "x", true));
    assert_eq!(first, "n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO,tokenauth=true");
}

#[test]
fn plain_is_one_message_and_nothing_may_follow() {
    let (mut exchange, first) = begin(SaslMechanism::Plain, user("alice", "secret", false));
    assert_eq!(first, "\0alice\0secret");
    assert!(matches!(exchange.handle_challenge(b""), Ok(SaslStep::Done)));
    assert_eq!(exchange.handle_challenge(b"").err(), Some(SaslError::Unexpected));
    for (name, password) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "a\0b")] {
        let refused = SaslExchange::begin(SaslMechanism::Plain, user(name, password, false), "n");
        assert!(matches!(refused, Err(SaslError::Credentials(_))), "{name:?} {password:?}");
    }
}

fn token(value: &str, extensions: &[(&str, &str)]) -> SaslCredentials {
    let mut sasl = SaslExtensions::default();
    for (key, value) in extensions {
        sasl.add(key, value).unwrap();
    }
    SaslCredentials::Token { token: value.to_owned(), extensions: sasl }
}

#[test]
fn a_token_is_sent_with_its_extensions_and_a_refusal_is_acknowledged() {
    let credentials = token("aa.bb.", &[("traceId", "12 3"), ("cluster", "x")]);
    let (mut exchange, first) = begin(SaslMechanism::OAuthBearer, credentials);
    assert_eq!(first, "n,,\x01auth=Bearer aa.bb.\x01traceId=12 3\x01cluster=x\x01\x01");
    assert_eq!(sent(exchange.handle_challenge(b"{\"status\":\"invalid_token\"}").unwrap()), "\x01");
    assert_eq!(exchange.handle_challenge(b"").err(), Some(SaslError::Unexpected));

    let (mut exchange, first) = begin(SaslMechanism::OAuthBearer, token("t", &[]));
    assert_eq!(first, "n,,\x01auth=Bearer t\x01\x01");
    assert!(matches!(exchange.handle_challenge(b""), Ok(SaslStep::Done)));
}

#[test]
fn nothing_can_be_smuggled_in_beside_a_token() {
    for value in ["", "a\x01auth=Bearer b", "a b", "ä"] {
        let refused = SaslExchange::begin(SaslMechanism::OAuthBearer, token(value, &[]), "n");
        assert!(matches!(refused, Err(SaslError::Credentials(_))), "{value:?}");
    }
    for (key, value) in [("auth", "x"), ("", "x"), ("a1", "x"), ("a", ""), ("a", "x\x01b=c")] {
        assert!(SaslExtensions::default().add(key, value).is_err(), "{key:?} {value:?}");
    }
}

#[test]
fn credentials_of_the_other_kind_are_refused() {
    for (mechanism, credentials) in [
        (SaslMechanism::Plain, token("t", &[])),
        (SaslMechanism::ScramSha256, token("t", &[])),
        (SaslMechanism::OAuthBearer, user("a", "b", false)),
    ] {
        let refused = SaslExchange::begin(mechanism, credentials, "n");
        assert!(matches!(refused, Err(SaslError::Credentials(_))), "{mechanism}");
    }
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{:?} {:?}", user("alice", "hunter2", false), token("hunter2", &[]));
    assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    let (exchange, _) = begin(SaslMechanism::ScramSha256, user("alice", "hunter2", false));
    assert!(!format!("{exchange:?}").contains("hunter2"));
}

#[test]
fn mechanisms_are_found_by_their_names() {
    for name in ["OAUTHBEARER", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        assert_eq!(SaslMechanism::parse(name).map(SaslMechanism::name), Some(name));
    }
    assert_eq!(SaslMechanism::parse("GSSAPI"), None);
}

//! Authentication of a whole client, with a broker played by hand.

use bytes::Bytes;
use hand_made::Scram;
use kavka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kavka_protocol::server::decode_request_body;
use kavka_protocol::{ApiKey, StrBytes};

use super::*;
use crate::testing::{Listener, Peer, metadata, network};

mod hand_made;

fn builder(mechanism: &str, password: &str) -> (ClientBuilder, Listener) {
    let (pipes, listener) = network();
    let jaas = format!(r#"ScramLoginModule required username="alice" password="{password}";"#);
    let properties = [
        ("bootstrap.servers", "a:9092"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", mechanism),
        ("sasl.jaas.config", &jaas),
    ];
    (ClientBuilder::new(properties).with_connect(pipes), listener)
}

/// As far as the choice of the mechanism, of which the broker offers PLAIN and both of SCRAM.
async fn greet(listener: &mut Listener) -> Peer {
    let (_, mut peer) = listener.accept_ready().await;
    let request = peer.expect(ApiKey::SaslHandshake).await;
    let body: SaslHandshakeRequest = decode_request_body(&request).unwrap();
    let offered = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
    let code = if offered.contains(&&*body.mechanism) { 0 } else { 33 };
    let answer = SaslHandshakeResponse::default()
        .with_error_code(code)
        .with_mechanisms(offered.map(StrBytes::from_static_str).to_vec());
    peer.answer::<SaslHandshakeRequest>(&request, &answer).await;
    peer
}

/// Answers the next SaslAuthenticate as `respond` says.
async fn authenticate(peer: &mut Peer, respond: impl FnOnce(&[u8]) -> SaslAuthenticateResponse) {
    let request = peer.expect(ApiKey::SaslAuthenticate).await;
    let body: SaslAuthenticateRequest = decode_request_body(&request).unwrap();
    peer.answer::<SaslAuthenticateRequest>(&request, &respond(&body.auth_bytes)).await;
}

fn bytes(message: String) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from(message))
}

fn refusal(sentence: &'static str) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::SaslAuthenticationFailed.code())
        .with_error_message(Some(StrBytes::from_static_str(sentence)))
}

#[tokio::test]
async fn a_client_that_knows_the_password_is_let_in_by_a_broker_that_knows_its_verifier() {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let (builder, mut listener) = builder(mechanism, "s3cret");
        let broker = tokio::spawn(async move {
            let mut peer = greet(&mut listener).await;
            let mut scram = Scram::new(mechanism, "s3cret");
            authenticate(&mut peer, |first| bytes(scram.first(first))).await;
            authenticate(&mut peer, |last| bytes(scram.last(last).expect("the proof"))).await;
            peer.answer_metadata(&metadata(&[(1, "a", 9092)])).await;
        });
        builder.connect().await.unwrap();
        broker.await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_a_wrong_mechanism_and_an_end_give_three_different_errors() {
    let (builder, mut listener) = builder("SCRAM-SHA-256", "hunter2");
    let broker = tokio::spawn(async move {
        let mut peer = greet(&mut listener).await;
        let mut scram = Scram::new("SCRAM-SHA-256", "s3cret");
        authenticate(&mut peer, |first| bytes(scram.first(first))).await;
        authenticate(&mut peer, |last| {
            assert_eq!(scram.last(last), None);
            refusal("Authentication failed due to invalid credentials")
        })
        .await;
    });
    let wrong_password = builder.connect().await.unwrap_err();
    broker.await.unwrap();
    assert_eq!(wrong_password.code(), Some(ErrorCode::SaslAuthenticationFailed));
    assert!(!wrong_password.is_retriable());
    let text = wrong_password.to_string();
    assert!(text.contains("a:9092 refused this client's credentials for SCRAM-SHA-256"), "{text}");
    assert!(text.contains("due to invalid credentials"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    let (builder, mut listener) = self::builder("OAUTHBEARER", "x");
    let token = crate::StaticToken::new(crate::Token::new("t"));
    let broker = tokio::spawn(async move { greet(&mut listener).await });
    let wrong_mechanism = builder.with_token_provider(token).connect().await.unwrap_err();
    broker.await.unwrap();
    assert_eq!(wrong_mechanism.code(), Some(ErrorCode::UnsupportedSaslMechanism));
    let text = wrong_mechanism.to_string();
    assert!(text.contains("does not accept the SASL mechanism OAUTHBEARER there, only PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"), "{text}");

    let (builder, mut listener) = self::builder("PLAIN", "hunter2");
    let broker = tokio::spawn(async move {
        let mut peer = greet(&mut listener).await;
        peer.expect(ApiKey::SaslAuthenticate).await;
    });
    let ended = builder.connect().await.unwrap_err();
    broker.await.unwrap();
    assert_eq!(ended.kind(), ErrorKind::ConnectionLost);
    let text = ended.to_string();
    assert!(text.contains("closed the connection during SASL authentication with PLAIN"), "{text}");
}

#[tokio::test]
async fn a_broker_that_cannot_prove_itself_is_not_believed() {
    let (builder, mut listener) = builder("SCRAM-SHA-256", "s3cret");
    let broker = tokio::spawn(async move {
        let mut peer = greet(&mut listener).await;
        let mut scram = Scram::new("SCRAM-SHA-256", "s3cret");
        authenticate(&mut peer, |first| bytes(scram.first(first))).await;
        authenticate(&mut peer, |_| bytes("v=aGVsbG8=".to_owned())).await;
    });
    let error = builder.connect().await.unwrap_err();
    broker.await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("could not prove that it knows"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_says_nothing_is_given_up_in_the_time_for_setting_up() {
    let (builder, mut listener) = builder("PLAIN", "x");
    let broker = tokio::spawn(async move {
        let mut peer = greet(&mut listener).await;
        peer.expect(ApiKey::SaslAuthenticate).await;
        let started = now();
        assert!(peer.next_request().await.is_none());
        now() - started
    });
    let connecting = tokio::spawn(builder.connect());
    assert_eq!(broker.await.unwrap(), Duration::from_secs(10));
    connecting.abort();
}

#[tokio::test]
async fn stores_that_cannot_be_read_are_named_before_anything_is_connected() {
    let (pipes, _listener) = network();
    let properties = [
        ("bootstrap.servers", "a:9092"),
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/no/such/store.jks"),
    ];
    let error = ClientBuilder::new(properties).with_connect(pipes).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(
        text.contains("ssl.truststore.location=/no/such/store.jks: it cannot be read"),
        "{text}"
    );
}

//! [`Authentication`]: a client proves who it is, on a new connection or on one whose session ends
//! (KIP-152, KIP-368).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kavka_protocol::{
    ErrorCode, SaltedPassword, SaltedPasswordRequest, SaslCredentials, SaslError, SaslExchange,
    SaslMechanism, SaslStep, StrBytes,
};

/// One authentication, from the choice of the mechanism to the broker's consent.
///
/// `begin` and every `handle_*` say what is to be done next; after a failure the connection is of no
/// more use.
#[derive(Debug)]
pub(crate) struct Authentication {
    mechanism: SaslMechanism,
    phase: Phase,
}

/// Handshake → Credentials → Exchange
#[derive(Debug)]
enum Phase {
    Handshake,
    Credentials,
    Exchange(SaslExchange),
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    Handshake(SaslHandshakeRequest),
    Authenticate(SaslAuthenticateRequest),
    Work(Work),
    /// The broker knows this client now, for `lifetime` if it sets a limit.
    Done {
        lifetime: Option<Duration>,
    },
}

/// What cannot be done here: it takes IO, entropy, or a long time.
#[derive(Debug)]
pub(crate) enum Work {
    Credentials,
    Salt(SaltedPasswordRequest),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum WorkDone {
    /// With a nonce nobody can foresee.
    Credentials(SaslCredentials, String),
    Failed(String),
    Salted(SaltedPassword),
}

/// Why the client is not let in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AuthenticationFailure {
    /// The exchange went wrong on this side.
    Exchange(SaslMechanism, SaslError),
    /// The broker does not have the mechanism.
    Mechanism { wanted: SaslMechanism, offered: Arc<[String]> },
    /// There are no credentials to send.
    NoCredentials(Arc<str>),
    /// The broker refuses what was sent.
    Refused { mechanism: SaslMechanism, code: ErrorCode, sentence: Option<Arc<str>> },
}

impl Authentication {
    pub(crate) fn begin(mechanism: SaslMechanism) -> (Self, Next) {
        let name = StrBytes::from_static_str(mechanism.name());
        let request = SaslHandshakeRequest::default().with_mechanism(name);
        (Self { mechanism, phase: Phase::Handshake }, Next::Handshake(request))
    }

    pub(crate) fn mechanism(&self) -> SaslMechanism {
        self.mechanism
    }

    pub(crate) fn handle_handshake(
        &mut self,
        answer: &SaslHandshakeResponse,
    ) -> Result<Next, AuthenticationFailure> {
        match ErrorCode::from_code(answer.error_code) {
            None => {
                self.phase = Phase::Credentials;
                Ok(Next::Work(Work::Credentials))
            }
            Some(ErrorCode::UnsupportedSaslMechanism) => Err(AuthenticationFailure::Mechanism {
                wanted: self.mechanism,
                offered: answer.mechanisms.iter().map(ToString::to_string).collect(),
            }),
            Some(code) => Err(self.refused(code, None)),
        }
    }

    pub(crate) fn handle_work(&mut self, done: WorkDone) -> Result<Next, AuthenticationFailure> {
        match (done, &mut self.phase) {
            (WorkDone::Credentials(credentials, nonce), Phase::Credentials) => {
                let begun = SaslExchange::begin(self.mechanism, credentials, &nonce);
                let (exchange, first) = begun.map_err(|error| self.failed(error))?;
                self.phase = Phase::Exchange(exchange);
                Ok(authenticate(first))
            }
            (WorkDone::Salted(password), Phase::Exchange(exchange)) => {
                let step = exchange.handle_salted_password(password);
                self.follow(step, None)
            }
            (WorkDone::Failed(why), _) => Err(AuthenticationFailure::NoCredentials(why.into())),
            _ => Err(self.failed(SaslError::Unexpected)),
        }
    }

    pub(crate) fn handle_authenticate(
        &mut self,
        answer: &SaslAuthenticateResponse,
    ) -> Result<Next, AuthenticationFailure> {
        if let Some(code) = ErrorCode::from_code(answer.error_code) {
            return Err(self.refused(code, answer.error_message.as_deref()));
        }
        let Phase::Exchange(exchange) = &mut self.phase else {
            return Err(self.failed(SaslError::Unexpected));
        };
        let lifetime = u64::try_from(answer.session_lifetime_ms).ok().filter(|millis| *millis > 0);
        let step = exchange.handle_challenge(&answer.auth_bytes);
        self.follow(step, lifetime.map(Duration::from_millis))
    }

    fn follow(
        &self,
        step: Result<SaslStep, SaslError>,
        lifetime: Option<Duration>,
    ) -> Result<Next, AuthenticationFailure> {
        match step.map_err(|error| self.failed(error))? {
            SaslStep::Send(bytes) => Ok(authenticate(bytes)),
            SaslStep::Salt(request) => Ok(Next::Work(Work::Salt(request))),
            SaslStep::Done => Ok(Next::Done { lifetime }),
        }
    }

    fn failed(&self, error: SaslError) -> AuthenticationFailure {
        AuthenticationFailure::Exchange(self.mechanism, error)
    }

    fn refused(&self, code: ErrorCode, sentence: Option<&str>) -> AuthenticationFailure {
        let sentence = sentence.filter(|sentence| !sentence.is_empty()).map(Arc::from);
        AuthenticationFailure::Refused { mechanism: self.mechanism, code, sentence }
    }
}

fn authenticate(bytes: Vec<u8>) -> Next {
    Next::Authenticate(SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(bytes)))
}

impl fmt::Display for AuthenticationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(mechanism, error) => {
                write!(f, "and this client cannot authenticate with {mechanism}: {error}")
            }
            Self::Mechanism { wanted, offered } => write!(
                f,
                "does not accept the SASL mechanism {wanted} there, only {}; set sasl.mechanism",
                offered.join(", ")
            ),
            Self::NoCredentials(why) => {
                write!(f, "wants credentials, and there are none to send: {why}")
            }
            Self::Refused { code: ErrorCode::IllegalSaslState, .. } => f.write_str(
                "does not authenticate with SASL there; set security.protocol to PLAINTEXT or SSL, \
                 or connect to another port",
            ),
            Self::Refused { mechanism, code, sentence } => {
                write!(f, "refused this client's credentials for {mechanism} ({code}")?;
                if let Some(sentence) = sentence {
                    write!(f, ": {sentence}")?;
                }
                f.write_str(match mechanism {
                    SaslMechanism::OAuthBearer => "); check the token and where it comes from",
                    _ => "); check the user name and the password in sasl.jaas.config",
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> WorkDone {
        let (username, password) = ("alice".to_owned(), "secret".to_owned());
        let user = SaslCredentials::Password { username, password, is_delegation_token: false };
        WorkDone::Credentials(user, "nonce".to_owned())
    }

    fn answered(bytes: &'static [u8]) -> SaslAuthenticateResponse {
        SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from_static(bytes))
    }

    /// As far as the first SaslAuthenticate.
    fn begun(mechanism: SaslMechanism) -> (Authentication, Bytes) {
        let (mut machine, first) = Authentication::begin(mechanism);
        assert!(
            matches!(first, Next::Handshake(request) if &*request.mechanism == mechanism.name())
        );
        let next = machine.handle_handshake(&SaslHandshakeResponse::default()).unwrap();
        assert!(matches!(next, Next::Work(Work::Credentials)));
        match machine.handle_work(credentials()).unwrap() {
            Next::Authenticate(request) => (machine, request.auth_bytes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn plain_needs_one_request_and_the_broker_limits_the_session() {
        let (mut machine, first) = begun(SaslMechanism::Plain);
        assert_eq!(first, &b"\0alice\0secret"[..]);
        let answer = answered(b"").with_session_lifetime_ms(5000);
        let next = machine.handle_authenticate(&answer).unwrap();
        assert!(matches!(next, Next::Done { lifetime: Some(l) } if l == Duration::from_secs(5)));
        let (mut machine, _) = begun(SaslMechanism::Plain);
        let next = machine.handle_authenticate(&answered(b"")).unwrap();
        assert!(matches!(next, Next::Done { lifetime: None }));
    }

    #[test]
    fn the_password_is_salted_elsewhere() {
        let (mut machine, first) = begun(SaslMechanism::ScramSha256);
        assert_eq!(first, &b"n,,n=alice,r=nonce"[..]);
        let next = machine.handle_authenticate(&answered(b"r=nonce1,s=QUJD,i=4096")).unwrap();
        let Next::Work(Work::Salt(request)) = next else { panic!("{next:?}") };
        let next = machine.handle_work(WorkDone::Salted(request.compute())).unwrap();
        assert!(matches!(next, Next::Authenticate(_)));
        let failure = machine.handle_authenticate(&answered(b"v=QUJD")).unwrap_err();
        let expected =
            AuthenticationFailure::Exchange(SaslMechanism::ScramSha256, SaslError::ServerProof);
        assert_eq!(failure, expected);
    }

    #[test]
    fn a_wrong_mechanism_a_wrong_password_and_a_listener_without_sasl_are_told_apart() {
        let (mut machine, _) = Authentication::begin(SaslMechanism::ScramSha512);
        let names = ["PLAIN", "OAUTHBEARER"].map(StrBytes::from_static_str).to_vec();
        let answer = SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(names);
        assert_eq!(
            machine.handle_handshake(&answer).unwrap_err().to_string(),
            "does not accept the SASL mechanism SCRAM-SHA-512 there, only PLAIN, OAUTHBEARER; set \
             sasl.mechanism"
        );
        let answer = SaslHandshakeResponse::default().with_error_code(34);
        let text = machine.handle_handshake(&answer).unwrap_err().to_string();
        assert!(text.starts_with("does not authenticate with SASL there"), "{text}");

        let (mut machine, _) = begun(SaslMechanism::Plain);
        let sentence = StrBytes::from_static_str("Invalid username or password");
        let answer = answered(b"").with_error_code(58).with_error_message(Some(sentence));
        assert_eq!(
            machine.handle_authenticate(&answer).unwrap_err().to_string(),
            "refused this client's credentials for PLAIN (SASL_AUTHENTICATION_FAILED (58): Invalid \
             username or password); check the user name and the password in sasl.jaas.config"
        );
    }

    #[test]
    fn without_credentials_it_says_why() {
        let (mut machine, _) = Authentication::begin(SaslMechanism::OAuthBearer);
        machine.handle_handshake(&SaslHandshakeResponse::default()).unwrap();
        let failure = machine.handle_work(WorkDone::Failed("no token".to_owned())).unwrap_err();
        assert!(failure.to_string().ends_with("there are none to send: no token"));
    }

    #[test]
    fn an_answer_out_of_turn_is_a_failure() {
        let (mut machine, _) = Authentication::begin(SaslMechanism::Plain);
        assert!(machine.handle_authenticate(&answered(b"")).is_err());
        assert!(machine.handle_work(credentials()).is_err());
        let (mut machine, _) = begun(SaslMechanism::Plain);
        assert!(machine.handle_authenticate(&answered(b"more")).is_err());
    }
}

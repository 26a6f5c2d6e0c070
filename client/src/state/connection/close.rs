//! Why connections end, and how to tell that the other side is no Kafka broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kavka_protocol::{
    ApiKey, CorrelationId, DecodeError, ErrorCode, SaslMechanism, UnsupportedApi,
};

use crate::state::authentication::AuthenticationFailure;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CloseReason {
    /// Nobody drives it any more: the client is gone.
    Abandoned,
    AuthenticationFailed(AuthenticationFailure),
    AuthenticationTimedOut(Duration),
    /// No connection came about; the text says what each address answered.
    ConnectFailed(Arc<str>),
    ConnectTimedOut(Duration),
    /// The other side closed it during the exchange of SASL.
    EndedInAuthentication(SaslMechanism),
    /// The other side closed it during the handshake.
    EndedInHandshake,
    /// The other side closed it upon the first request.
    EndedUnanswered,
    /// The other side closed it.
    Ended,
    /// What came could no longer be cut into answers, on a connection that was fine before.
    Garbled(DecodeError),
    HandshakeRefused(ErrorCode),
    HandshakeTimedOut(Duration),
    Idle,
    Io(Arc<str>),
    Malformed(DecodeError),
    Misordered {
        expected: CorrelationId,
        found: CorrelationId,
    },
    /// The broker is older than authentication in its present form.
    NoSasl(UnsupportedApi),
    NotKafka(&'static str),
    RequestTimedOut(ApiKey),
    Retired,
    /// One side does not believe the other's certificate, or they have no cipher in common.
    Untrusted(Arc<str>),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abandoned => f.write_str("is no longer talked to: the client is closed"),
            Self::AuthenticationFailed(failure) => failure.fmt(f),
            Self::AuthenticationTimedOut(limit) => write!(
                f,
                "was not done with SASL authentication within {} ms \
                 (socket.connection.setup.timeout.ms)",
                limit.as_millis()
            ),
            Self::ConnectFailed(why) => write!(f, "cannot be reached: {why}"),
            Self::ConnectTimedOut(limit) => {
                write!(f, "cannot be reached: no connection within {} ms", limit.as_millis())
            }
            Self::Ended => f.write_str("closed the connection"),
            Self::EndedInAuthentication(mechanism) => write!(
                f,
                "closed the connection during SASL authentication with {mechanism}, without saying \
                 why: check sasl.mechanism and security.protocol, and the broker's log"
            ),
            Self::EndedUnanswered => f.write_str(
                "closed the connection upon the first request: if it asks for SASL, set \
                 security.protocol to SASL_PLAINTEXT or SASL_SSL",
            ),
            Self::EndedInHandshake => f.write_str(
                "closed the connection during the handshake: it may expect another \
                 security.protocol, or be no Kafka broker of 0.11 or later",
            ),
            Self::HandshakeRefused(code) => write!(f, "refused the handshake with {code}"),
            Self::HandshakeTimedOut(limit) => {
                write!(
                    f,
                    "accepted the connection but said nothing within {} ms",
                    limit.as_millis()
                )
            }
            Self::Idle => f.write_str("was not used for connections.max.idle.ms"),
            Self::Io(why) => write!(f, "lost the connection: {why}"),
            Self::Garbled(error) | Self::Malformed(error) => {
                write!(f, "sent bytes that break Kafka's protocol: {error}")
            }
            Self::Misordered { expected, found } => {
                write!(f, "answered request {found} where {expected} was due")
            }
            Self::NoSasl(unsupported) => {
                write!(f, "cannot authenticate this client: {unsupported}")
            }
            Self::NotKafka("TLS") => f.write_str(
                "answered with TLS, not Kafka; set security.protocol to SSL or SASL_SSL",
            ),
            Self::NotKafka(other) => write!(f, "answered with {other}, not Kafka"),
            Self::RequestTimedOut(api) => write!(f, "left a {api:?} request unanswered"),
            Self::Retired => f.write_str("is no longer at this address"),
            Self::Untrusted(why) => write!(f, "cannot be talked to over TLS: {why}"),
        }
    }
}

/// Names the protocol of a peer that is not Kafka by the first bytes it sent.
pub(super) fn foreign_protocol(input: &[u8]) -> Option<&'static str> {
    let first = input.first_chunk::<4>()?;
    match first {
        b"HTTP" | b"<!DO" | b"<htm" | b"<HTM" => Some("HTTP"),
        b"SSH-" => Some("SSH"),
        [0x15 | 0x16, 0x03, ..] => Some("TLS"),
        _ => {
            let length = i32::from_be_bytes(*first);
            let plausible = (0..=HANDSHAKE_LIMIT).contains(&length);
            (!plausible).then_some("something else")
        }
    }
}

/// An answer to ApiVersions has a few hundred bytes; the first bytes of HTTP, TLS and SSH read as a
/// length are far beyond this.
const HANDSHAKE_LIMIT: i32 = 1 << 20;

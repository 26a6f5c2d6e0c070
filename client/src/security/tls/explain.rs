//! What a failed handshake means and what can be done, in the words of the properties.

use std::fmt;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use x509_parser::time::ASN1Time;

/// One side did not believe the other, or they have nothing in common: trying again is no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandshakeError(String);

impl HandshakeError {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The handshake's failure inside of `error`, if that is what it is.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HandshakeError {}

impl From<HandshakeError> for io::Error {
    fn from(error: HandshakeError) -> Self {
        Self::other(error)
    }
}

/// The failure of a handshake with `host`, whose certificate was looked for in `store`.
pub(super) fn handshake(error: io::Error, host: &str, store: &str) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return io::Error::new(io::ErrorKind::UnexpectedEof, ENDED);
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(cause) => HandshakeError(explain(cause, host, store)).into(),
        None => error,
    }
}

/// With TLS 1.3 a broker says only after the handshake that it does not want this client; `None` for
/// errors of other kinds.
pub(crate) fn refused_after_handshake(error: &io::Error) -> Option<HandshakeError> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => refusal(*alert).map(HandshakeError),
        _ => None,
    }
}

fn explain(error: &Error, host: &str, store: &str) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem, host, store),
        Error::AlertReceived(alert) => {
            refusal(*alert).unwrap_or_else(|| format!("it ended the TLS handshake: {alert:?}"))
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS there; check the port and security.protocol".to_owned()
        }
        Error::PeerIncompatible(_) => NOTHING_IN_COMMON.to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn certificate(problem: &CertificateError, host: &str, store: &str) -> String {
    match problem {
        CertificateError::Expired => "its certificate has expired; renew it".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired on {}; renew it", date(*not_after))
        }
        CertificateError::NotValidYet => {
            "its certificate is not valid yet; check the clocks".to_owned()
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let from = date(*not_before);
            format!("its certificate is valid only from {from} on; check the clocks")
        }
        CertificateError::UnknownIssuer => format!(
            "its certificate is signed by nobody in {store}; put the authority or the certificate \
             itself there"
        ),
        CertificateError::NotValidForName => other_name(host, &[]),
        CertificateError::NotValidForNameContext { presented, .. } => other_name(host, presented),
        other => format!("its certificate cannot be accepted: {other}"),
    }
}

fn other_name(host: &str, presented: &[String]) -> String {
    let names: Vec<&str> = presented.iter().map(|name| readable(name)).collect();
    let others = match names.is_empty() {
        true => "for another host".to_owned(),
        false => format!("for {}", names.join(", ")),
    };
    format!(
        "its certificate is {others}, not for {host}; connect by a name in it, or leave \
         ssl.endpoint.identification.algorithm empty to skip this check"
    )
}

/// `DnsName("a.example")` without what is around the name.
fn readable(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

/// What the broker has against this client.
fn refusal(alert: AlertDescription) -> Option<String> {
    match alert {
        AlertDescription::CertificateRequired => {
            Some("it wants a certificate from this client; set ssl.keystore.location".to_owned())
        }
        AlertDescription::AccessDenied
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::UnknownCA
        | AlertDescription::UnsupportedCertificate => Some(format!(
            "it wants a certificate from this client that it can accept ({alert:?}); check \
             ssl.keystore.location"
        )),
        AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity
        | AlertDescription::ProtocolVersion => Some(NOTHING_IN_COMMON.to_owned()),
        _ => None,
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

const ENDED: &str = "it closed the connection during the TLS handshake: it may expect another \
    security.protocol, or a certificate from this client";

const NOTHING_IN_COMMON: &str = "it has no TLS version or cipher suite in common with this client, or \
    wants a certificate from it; check ssl.enabled.protocols, ssl.cipher.suites and \
    ssl.keystore.location";

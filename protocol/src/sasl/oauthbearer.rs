//! OAUTHBEARER (RFC 7628) as Kafka speaks it (KIP-255, KIP-342).

use super::{SaslError, SaslStep};

/// Pairs that are sent along with a token (KIP-342), in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaslExtensions(Vec<(String, String)>);

impl SaslExtensions {
    /// Adds a pair: the key consists of Latin letters, the value of printable ASCII and blanks.
    pub fn add(&mut self, key: &str, value: &str) -> Result<(), SaslError> {
        if key.is_empty() || key == AUTH || !key.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(SaslError::Credentials("an extension's name must consist of letters"));
        }
        let printable = |byte| matches!(byte, 0x21..=0x7e | b' ' | b'\t' | b'\r' | b'\n');
        if value.is_empty() || !value.bytes().all(printable) {
            return Err(SaslError::Credentials("an extension's value must be printable ASCII"));
        }
        self.0.push((key.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// The exchange after the first message.
#[derive(Debug, Default)]
pub(super) struct OAuthBearer {
    is_refused: bool,
}

impl OAuthBearer {
    /// Nothing means yes. Anything else is why not, and must be answered once more before the broker
    /// says it in its error message too.
    pub(super) fn handle_challenge(&mut self, challenge: &[u8]) -> Result<SaslStep, SaslError> {
        if self.is_refused {
            return Err(SaslError::Unexpected);
        }
        if challenge.is_empty() {
            return Ok(SaslStep::Done);
        }
        self.is_refused = true;
        Ok(SaslStep::Send(vec![SEPARATOR]))
    }
}

/// The first message.
pub(super) fn message(token: &str, extensions: &SaslExtensions) -> Result<Vec<u8>, SaslError> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SaslError::Credentials("the token is empty or not in its compact form"));
    }
    let mut message = b"n,,\x01auth=Bearer ".to_vec();
    message.extend_from_slice(token.as_bytes());
    for (key, value) in &extensions.0 {
        message.push(SEPARATOR);
        message.extend_from_slice(key.as_bytes());
        message.push(b'=');
        message.extend_from_slice(value.as_bytes());
    }
    message.extend_from_slice(&[SEPARATOR, SEPARATOR]);
    Ok(message)
}

/// Stands between pairs.
const SEPARATOR: u8 = 1;

/// The key of the token itself.
const AUTH: &str = "auth";

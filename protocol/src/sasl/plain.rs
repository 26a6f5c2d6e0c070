//! PLAIN (RFC 4616).

use super::SaslError;

/// The one message there is; nobody is acted for but the user.
pub(super) fn message(username: &str, password: &str) -> Result<Vec<u8>, SaslError> {
    if username.is_empty() || username.contains('\0') {
        return Err(SaslError::Credentials("the user name is empty or contains a NUL"));
    }
    if password.is_empty() || password.contains('\0') {
        return Err(SaslError::Credentials("the password is empty or contains a NUL"));
    }
    Ok(["", username, password].join("\0").into_bytes())
}

//! What an authentication needs done beside the connection: credentials, entropy, slow cryptography.

use std::sync::Arc;

use super::connect::BoxFuture;
use crate::security::Login;
use crate::state::authentication::{Work, WorkDone};

/// Does it. Dropping the future gives up; a password that is being salted is salted to the end on its
/// own thread.
pub(super) fn perform(work: Work, login: Option<Arc<Login>>) -> BoxFuture<'static, WorkDone> {
    match work {
        Work::Credentials => Box::pin(async move {
            let Some(login) = login else { return WorkDone::Failed(NO_LOGIN.to_owned()) };
            match (login.credentials().await, nonce()) {
                (Ok(credentials), Ok(nonce)) => WorkDone::Credentials(credentials, nonce),
                (Err(why), _) | (_, Err(why)) => WorkDone::Failed(why),
            }
        }),
        Work::Salt(request) => Box::pin(async move {
            match tokio::task::spawn_blocking(move || request.compute()).await {
                Ok(salted) => WorkDone::Salted(salted),
                Err(error) => WorkDone::Failed(error.to_string()),
            }
        }),
    }
}

/// 192 random bits, printable.
fn nonce() -> Result<String, String> {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

const NO_LOGIN: &str = "sasl.jaas.config is not set";

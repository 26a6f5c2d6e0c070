//! [`Admin`]: looking after a cluster and its topics.

mod cluster;
mod topics;

use std::fmt;

use crate::client::{Client, wait_for_retry};
use crate::error::Result;
use crate::io::now;

pub use topics::NewTopic;

/// Administrative requests; cheap to clone.
///
/// Every call repeats what can be repeated until `default.api.timeout.ms`. Dropping a future gives up
/// the answer; a request that was already sent is carried out all the same.
#[derive(Clone)]
pub struct Admin {
    client: Client,
}

impl Admin {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes `attempt` until it succeeds, fails for good, or the time of one call is up.
    async fn retried<T>(&self, attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
        let deadline = now() + self.client.config().default_api_timeout;
        let mut backoff = self.client.backoff();
        loop {
            match attempt().await {
                Err(error) if error.is_retriable() => {
                    self.client.metadata().request_refresh();
                    wait_for_retry(&mut backoff, deadline, error).await?;
                }
                outcome => return outcome,
            }
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! [`Admin`]: looking after a cluster and its topics.

mod cluster;
mod topics;

use std::fmt;
use std::sync::Arc;

use kavka_protocol::ApiKey;
use kavka_protocol::messages::MetadataResponse;

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

    /// Asks for metadata until that succeeds, fails for good, or the time of one call is up.
    async fn metadata(&self, topics: Option<&[&str]>) -> Result<MetadataResponse> {
        let network = self.client.network();
        let topics = || topics.map(|topics| topics.iter().map(|topic| Arc::from(*topic)).collect());
        let deadline = now() + self.client.config().default_api_timeout;
        let mut backoff = self.client.backoff();
        let asking = async {
            loop {
                match network.metadata(topics(), false, false).await {
                    Err(error) if error.is_retriable() => {
                        wait_for_retry(&mut backoff, deadline, error).await?;
                    }
                    outcome => return outcome,
                }
            }
        };
        self.client.within_api_timeout(ApiKey::Metadata, asking).await
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! [`Admin`]: looking after a cluster and its topics.

mod cluster;
mod topics;

use std::fmt;

use crate::client::Client;

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
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! What a cluster consists of, by Metadata.

use super::Admin;
use crate::error::Result;
use crate::state::metadata;
use crate::topic::Cluster;

impl Admin {
    /// Asks for the cluster's id, controller and brokers.
    pub async fn describe_cluster(&self) -> Result<Cluster> {
        let response = self.client.ask_for_metadata(Some(&[]), Ok).await?;
        Ok(metadata::cluster(&response))
    }
}

//! [`Search`]: partitions that are added to topics, and topics that come to match, while a scan without an end reads.

use futures::future::{BoxFuture, FutureExt};
use kavka_connector::{Discovery, Split};

use crate::error::Error;
use crate::table::KafkaSource;

/// Looks for new partitions time and again. One of a scan's readers has it, and reads what it finds.
pub(crate) struct Search {
    source: KafkaSource,
    discovery: Discovery,
    /// Waits, and looks once.
    running: BoxFuture<'static, Result<Vec<Split>, Error>>,
}

impl Search {
    pub(crate) fn new(source: KafkaSource, discovery: Discovery) -> Self {
        let running = look(&source, &discovery);
        Self { source, discovery, running }
    }

    /// The next partitions that are found. A search that fails is said to have failed, and the next one comes in its
    /// time. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Vec<Split> {
        loop {
            let outcome = (&mut self.running).await;
            let found = outcome.unwrap_or_else(|error| {
                let table = self.source.name();
                tracing::warn!("new partitions of table {table} were looked for in vain: {error}");
                Vec::new()
            });
            let partitions = found.iter().map(|split| split.topic_partition.clone());
            self.discovery.known.extend(partitions);
            self.running = look(&self.source, &self.discovery);
            if !found.is_empty() {
                let names = found.iter().map(|split| split.topic_partition.to_string());
                let (table, names) = (self.source.name(), names.collect::<Vec<_>>().join(", "));
                tracing::info!("table {table} has the new partitions {names}");
                return found;
            }
        }
    }
}

fn look(
    source: &KafkaSource,
    discovery: &Discovery,
) -> BoxFuture<'static, Result<Vec<Split>, Error>> {
    let (source, discovery) = (source.clone(), discovery.clone());
    let look = async move {
        tokio::time::sleep(discovery.interval).await;
        source.new_splits(&discovery.known).await
    };
    look.boxed()
}

//! [`ProducerBuilder`]: from properties, and what cannot be said in them, to a producer.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use kavka_protocol::BrokerId;
use tracing::Instrument;

use super::driver::Driver;
use super::shared::{Reported, Shared};
use super::{Handle, Partitioner, Producer};
use crate::client::Client;
use crate::config::{ProducerConfig, Properties};
use crate::error::Result;
use crate::topic::BrokerNode;

/// What can be set beside the properties of a [`Producer`].
pub struct ProducerBuilder {
    client: Client,
    overrides: Properties,
    partitioner: Option<Arc<dyn Partitioner>>,
}

impl Client {
    /// A producer; `overrides` stand above the client's properties.
    ///
    /// ```no_run
    /// # async fn example(client: kavka_client::Client) -> Result<(), kavka_client::Error> {
    /// use kavka_client::OutgoingRecord;
    /// let producer = client.producer([("compression.type", "zstd")])?;
    /// let orders = [("42", "{\"price\": 7}"), ("43", "{\"price\": 9}")];
    /// let records = orders.iter().map(|(id, order)| {
    ///     OutgoingRecord::to("orders").key(id.as_bytes()).value(order.as_bytes())
    /// });
    /// producer.send_batch(records).await?.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn producer(&self, overrides: impl Into<Properties>) -> Result<Producer> {
        self.producer_builder(overrides).start()
    }

    /// The same, for what cannot be said in properties.
    pub fn producer_builder(&self, overrides: impl Into<Properties>) -> ProducerBuilder {
        ProducerBuilder { client: self.clone(), overrides: overrides.into(), partitioner: None }
    }
}

impl ProducerBuilder {
    /// Chooses partitions with `partitioner`, whatever the properties `partitioner.*` say.
    pub fn with_partitioner(mut self, partitioner: impl Partitioner + 'static) -> Self {
        self.partitioner = Some(Arc::new(partitioner));
        self
    }

    /// The producer; see [`Client::producer`].
    pub fn start(self) -> Result<Producer> {
        let Self { client, overrides, partitioner } = self;
        let properties = client.with_overrides(overrides)?;
        let config = Arc::new(ProducerConfig::resolve(&properties)?);
        let client_id = &client.config().client_id;
        let shared = Shared::new(&config, partitioner, client_id, fastrand::u64(..));
        let nearby = nearby(&client, &config);
        shared.lock().topics.change_surroundings(|around| around.nearby = nearby);
        let shared = Arc::new(shared);
        let driver = Driver::new(client.clone(), &config, Arc::clone(&shared));
        let span = tracing::debug_span!("producer", client_id);
        client.runtime().spawn(driver.run().instrument(span));
        Ok(Producer(Arc::new(Handle { client, config, shared }), Reported::default()))
    }
}

impl fmt::Debug for ProducerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerBuilder")
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

/// The brokers in the rack of the producer, if that matters to it.
pub(super) fn nearby(client: &Client, config: &ProducerConfig) -> Option<BTreeSet<BrokerId>> {
    let is_near = |broker: &&BrokerNode| broker.rack.as_deref() == Some(&*config.client_rack);
    config.partitioner_rack_aware.then(|| {
        let brokers = client.metadata().cluster().brokers;
        brokers.iter().filter(is_near).map(|broker| broker.id).collect()
    })
}

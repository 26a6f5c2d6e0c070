//! [`Consumer`]: reads assigned partitions ahead of the application and hands out what was fetched,
//! undecoded.

mod driver;
mod fetch;
mod membership;
mod request;
mod shared;

use std::fmt;
use std::sync::Arc;

use kavka_protocol::{Decompressor, Offset, TopicPartition};
use tokio::task::AbortHandle;
use tracing::Instrument;

pub use fetch::{Fetch, FetchedBatches};
pub(crate) use membership::Consumers;

use crate::client::Client;
use crate::config::{ConsumerConfig, Properties};
use crate::error::{Error, ErrorKind, Result};
use crate::state::fetch::{FetchStatus, Fetcher, StartOffset};
use crate::stats::{ConsumerCounts, ConsumerStats, FetchCounts};
use driver::Driver;
use shared::Shared;

/// Reads partitions that the application assigns.
///
/// A task of its own fetches ahead of [`Consumer::poll`], one request per broker at a time, within
/// `kavka.prefetch.bytes`, which the consumers of one client share equally. What the application was
/// handed counts until it drops it: an application that keeps everything gets no more.
///
/// Dropping a consumer ends its task without waiting. What it handed out stays valid.
pub struct Consumer {
    shared: Arc<Shared>,
    task: AbortHandle,
    /// How many records one poll may hand out.
    max_poll_records: Option<usize>,
    /// Opens batches that are handed out in parts.
    decompressor: Decompressor,
    /// Bytes handed out since other tasks of this thread last had a turn.
    without_pause: usize,
}

impl Client {
    /// A consumer without assignment; `overrides` stand above the client's properties.
    ///
    /// ```no_run
    /// # async fn example(client: kavka_client::Client) -> Result<(), kavka_client::Error> {
    /// use kavka_client::{StartOffset, protocol::{Decompressor, TopicPartition}};
    /// let mut consumer = client.consumer([("isolation.level", "read_committed")])?;
    /// consumer.assign([(TopicPartition::new("orders", 0), StartOffset::Earliest)]);
    /// let mut decompressor = Decompressor::default();
    /// loop {
    ///     for fetched in consumer.poll().await?.into_partitions() {
    ///         for batch in fetched.batches() {
    ///             let body = batch?.body(&mut decompressor)?;
    ///             for record in body.records() {
    ///                 println!("{:?}", record?.value());
    ///             }
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    pub fn consumer(&self, overrides: impl Into<Properties>) -> Result<Consumer> {
        let properties = self.with_overrides(overrides)?;
        let config = Arc::new(ConsumerConfig::resolve(&properties)?);
        let membership = self.consumers().join(config.prefetch_bytes);
        let client_id = &self.config().client_id;
        let counts = ConsumerCounts::new(client_id);
        let fetcher = Fetcher::new(&config, membership.budget(), counts, fastrand::u64(..));
        let shared = Arc::new(Shared::new(fetcher, FetchCounts::new(client_id)));
        let max_poll_records = config.max_poll_records;
        let driver = Driver::new(self.clone(), config, Arc::clone(&shared), membership);
        let span = tracing::debug_span!("consumer", client_id);
        let task = self.runtime().spawn(driver.run().instrument(span)).abort_handle();
        let decompressor = Decompressor::default();
        Ok(Consumer { shared, task, max_poll_records, decompressor, without_pause: 0 })
    }
}

impl Consumer {
    /// Reads these partitions and no others from now on, each from the start given, whatever was
    /// read of it before. None of them is paused.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = (TopicPartition, StartOffset)>) {
        let partitions = partitions.into_iter().collect();
        self.shared.change(|fetcher| fetcher.assign(partitions));
    }

    /// Reads these partitions, too, each from the start given. One that is read already starts anew; all
    /// others go on where they are, with what was fetched of them.
    pub fn add(&mut self, partitions: impl IntoIterator<Item = (TopicPartition, StartOffset)>) {
        let partitions = partitions.into_iter().collect();
        self.shared.change(|fetcher| fetcher.add(partitions));
    }

    /// Stops reading these partitions; what was fetched of them and not handed out is dropped.
    pub fn unassign(&mut self, partitions: &[TopicPartition]) {
        self.shared.change(|fetcher| fetcher.unassign(partitions));
    }

    /// Goes on reading an assigned partition at `to`.
    pub fn seek(&mut self, topic_partition: &TopicPartition, to: StartOffset) -> Result<()> {
        if self.shared.change(|fetcher| fetcher.seek(topic_partition, to)) {
            return Ok(());
        }
        let message = "the partition is not assigned to this consumer; assign it first";
        Err(Error::new(ErrorKind::InvalidArgument, message)
            .with_topic_partition(topic_partition.clone()))
    }

    /// Neither fetches nor hands out these partitions until they are resumed or assigned anew. What
    /// was fetched already is kept. Partitions that are not assigned are passed over.
    pub fn pause(&mut self, partitions: &[TopicPartition]) {
        self.shared.change(|fetcher| fetcher.pause(partitions));
    }

    /// Takes back [`Consumer::pause`].
    pub fn resume(&mut self, partitions: &[TopicPartition]) {
        self.shared.change(|fetcher| fetcher.resume(partitions));
    }

    /// The next offset to be handed out; `None` until a symbolic start is resolved, and for a
    /// partition that is not assigned.
    ///
    /// It moves when [`Consumer::poll`] hands something out, also across markers of transactions and
    /// gaps, so it reaches the end of a log whose last offsets hold no records.
    pub fn position(&self, topic_partition: &TopicPartition) -> Option<Offset> {
        self.shared.with(|fetcher| fetcher.position(topic_partition))
    }

    /// How many offsets lie between the position and the end of what may be read: the high watermark,
    /// or under `read_committed` the last stable offset, as the last answer of a broker had it. `None`
    /// until there was one, and for a partition that is not assigned.
    pub fn lag(&self, topic_partition: &TopicPartition) -> Option<u64> {
        self.explain(topic_partition).lag()
    }

    /// What is assigned, in the order that it was.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared.with(|fetcher| fetcher.assignment().map(|(tp, _)| tp.clone()).collect())
    }

    /// What of it is paused.
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.shared.with(|fetcher| {
            let paused = fetcher.assignment().filter(|(_, is_paused)| *is_paused);
            paused.map(|(tp, _)| tp.clone()).collect()
        })
    }

    /// How the fetching of a partition stands: what to look at when nothing arrives.
    pub fn explain(&self, topic_partition: &TopicPartition) -> FetchStatus {
        self.shared.with(|fetcher| fetcher.status(topic_partition))
    }

    /// What was read so far, by partition and by broker, and how much memory is taken for what.
    pub fn stats(&self) -> ConsumerStats {
        self.shared.stats()
    }

    /// Waits for data or news: batches, an end that was reached, a position that is known or was
    /// reset. At most one fetched piece of each partition comes at a time, so that none is starved; with
    /// `max.poll.records` set, at most so many records come, and what was fetched beyond them stays for
    /// the next calls without being fetched again. Where nothing is assigned, or everything is paused, it
    /// waits until that is changed.
    ///
    /// Leaders that move, brokers that are away and the like are handled inside. An error names the
    /// partition, its offset and the broker as far as they are known; polling again tries again.
    /// Dropping the future loses nothing: what it would have returned comes with the next call.
    pub async fn poll(&mut self) -> Result<Fetch> {
        if self.without_pause >= PAUSE_AFTER {
            self.without_pause = 0;
            tokio::task::yield_now().await;
        }
        let fetch = self.shared.next(self.max_poll_records, &mut self.decompressor).await?;
        self.without_pause += fetch.partitions().map(FetchedBatches::size_in_bytes).sum::<usize>();
        Ok(fetch)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}

/// An application that always finds something fetched would never let the task run that fetches
/// more, where both share one thread.
const PAUSE_AFTER: usize = 256 << 10;

#[cfg(test)]
mod tests;

//! [`Producer`]: writing records.
//!
//! Handles append records, in wire form, straight into the batch that will be sent; one task per
//! producer compresses the batches, sends them and tells their senders what became of them.

mod builder;
#[cfg(test)]
mod conversations;
mod delivery;
mod driver;
mod partitioner;
mod record;
mod shared;
#[cfg(test)]
mod tests;
mod topics;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kavka_protocol::{ApiKey, Timestamp};
use tokio::sync::futures::Notified;

pub use builder::ProducerBuilder;
use delivery::Ticket;
pub use delivery::{BatchDelivery, Delivery, RecordMetadata};
pub use partitioner::{Partitioner, Partitions, TopicPartitioner, UnplacedRecord};
pub use record::OutgoingRecord;
use shared::{Clock, Hurdle, Reported, Shared, Turn};

use crate::client::Client;
use crate::config::ProducerConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::io::now;
use crate::state::metadata::Interest;
use crate::stats::ProducerStats;

/// Writes records; cheap to clone, all clones are the same producer.
///
/// Records of one partition are written in the order in which they were accepted. With
/// `enable.idempotence`, which is the default, each is written once, whatever happens on the way.
/// The last clone to be dropped ends the producer without waiting: what was not acknowledged by then
/// may be lost, so [`flush`](Self::flush) or [`close`](Self::close) before.
#[derive(Clone)]
pub struct Producer(Arc<Handle>, Reported);

struct Handle {
    client: Client,
    config: Arc<ProducerConfig>,
    shared: Arc<Shared>,
}

impl Producer {
    /// Hands over one record. Many at once are handed over much faster by
    /// [`send_batch`](Self::send_batch).
    ///
    /// Ready when the record is accepted, which is at once unless `buffer.memory` is used up or
    /// nothing is known of the topic yet; that is waited for up to `max.block.ms`. What it returns
    /// tells when the record is acknowledged. Dropping the future before it is ready takes the
    /// record back.
    ///
    /// ```no_run
    /// # async fn example(producer: kavka_client::Producer) -> Result<(), kavka_client::Error> {
    /// use kavka_client::OutgoingRecord;
    /// let delivery = producer.send(OutgoingRecord::to("orders").key(b"42").value(b"{}")).await?;
    /// println!("written at {:?}", delivery.await?.offset);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(&self, record: OutgoingRecord<'_>) -> Result<Delivery> {
        let mut delivery = None;
        let accepted = self.accept(std::slice::from_ref(&record), |ticket, index, timestamp| {
            let completion = Arc::clone(&ticket.completion);
            delivery = Some(Delivery::new(completion, index, timestamp));
        });
        accepted.await.map_err(|(_, error)| error)?;
        delivery.ok_or_else(|| Error::closed("producer"))
    }

    /// Hands over many records; the fast way.
    ///
    /// Ready when all of them are accepted, see [`send`](Self::send). When one is not, the error
    /// says which; those before it were accepted. Dropping the future before it is ready leaves it
    /// open how many were accepted.
    pub async fn send_batch<'a>(
        &self,
        records: impl IntoIterator<Item = OutgoingRecord<'a>>,
    ) -> Result<BatchDelivery> {
        let mut records = records.into_iter();
        let mut chunk = Vec::with_capacity(records.size_hint().0.clamp(1, CHUNK));
        let mut delivery = BatchDelivery::default();
        let mut before = 0;
        loop {
            // The caller's iterator may take its time: it does not run under the lock.
            chunk.clear();
            chunk.extend(records.by_ref().take(CHUNK));
            if chunk.is_empty() {
                return Ok(delivery);
            }
            let accepted = self.accept(&chunk, |ticket, index, _| delivery.add(ticket, index));
            let accepted = accepted.await;
            let has_closed = accepted.map_err(|(place, error)| at_record(before + place, error))?;
            before += chunk.len();
            if has_closed {
                // What is closed can leave while it is in the caches, and answers can be heard.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Sends what is accepted without waiting for `linger.ms`, and waits until it is acknowledged or
    /// given up.
    ///
    /// An error is a failure of any record, whichever clone has sent it, since the last flush of this
    /// clone, also where a [`Delivery`] reported it: after a flush that succeeds nothing is missing. A
    /// new clone counts from where the one it was made from does. Of several flushes of one clone at
    /// the same time one is told. Dropping the future stops the waiting, not the sending.
    pub async fn flush(&self) -> Result<()> {
        self.0.shared.flush(&self.1).await
    }

    /// Accepts no more records, flushes, and ends the producer and all its clones.
    ///
    /// After `deadline` what is not acknowledged is given up, and the error says how much that was.
    /// Dropping the future ends the producer if it was the last clone; the others can then only flush.
    pub async fn close(self, deadline: Duration) -> Result<()> {
        self.0.shared.refuse(Error::closed("producer"));
        let flushed = tokio::time::timeout(deadline, self.flush()).await;
        let left = self.0.shared.lock().accumulator.unsettled();
        self.0.shared.end(Error::closed("producer"));
        flushed.unwrap_or_else(|_| {
            let limit = deadline.as_millis();
            let message =
                format!("{left} batches were not acknowledged within {limit} ms and are given up");
            Err(Error::new(ErrorKind::Timeout, message))
        })
    }

    /// What was done so far, by partition, and what waits.
    pub fn stats(&self) -> ProducerStats {
        self.0.shared.stats()
    }

    /// Appends all records, waiting where that is needed; `note` learns where each has gone. Says
    /// whether there are batches that take no more records. An error comes with the place of the record
    /// it is about.
    async fn accept(
        &self,
        records: &[OutgoingRecord<'_>],
        mut note: impl FnMut(&mut Ticket, usize, Timestamp),
    ) -> Result<bool, (usize, Error)> {
        // Whoever sends for long without a pause lets the others work now and then.
        tokio::task::coop::consume_budget().await;
        let shared = &*self.0.shared;
        let (mut done, mut deadline, mut turn) = (0, None, None);
        loop {
            let mut news = std::pin::pin!(shared.news());
            if turn.is_some() {
                // From here on no news of memory is missed.
                news.as_mut().enable();
            }
            let rest = records.get(done..).unwrap_or_default();
            let Appended { count, hurdle, has_closed } =
                append(shared, rest, turn.is_some(), &mut note);
            done += count;
            let (Some(hurdle), Some(record)) = (hurdle, records.get(done)) else {
                return Ok(has_closed);
            };
            if count > 0 {
                deadline = None;
            }
            let limit = *deadline.get_or_insert_with(|| now() + self.0.config.max_block);
            let overcome = self.overcome(hurdle, record, &mut turn, news, limit).await;
            overcome.map_err(|error| (done, error))?;
        }
    }

    /// Waits until what `record` has met may be out of the way.
    async fn overcome<'s>(
        &'s self,
        hurdle: Hurdle,
        record: &OutgoingRecord<'_>,
        turn: &mut Option<Turn<'s>>,
        news: Pin<&mut Notified<'_>>,
        limit: Instant,
    ) -> Result<()> {
        if !matches!(hurdle, Hurdle::Full) {
            // Others are not to wait for memory behind somebody who waits for something else.
            *turn = None;
        }
        match hurdle {
            Hurdle::Full if turn.is_none() => {
                *turn = self.0.shared.turn(limit).await;
                turn.as_ref().map(drop).ok_or_else(|| self.no_memory())
            }
            Hurdle::Full => {
                tokio::time::timeout_at(limit.into(), news).await.map_err(|_| self.no_memory())
            }
            Hurdle::UnknownTopic => self.learn(record.topic, limit).await,
            Hurdle::UnknownPartition { partition, count } => {
                self.learn_partition(record.topic, partition, count, limit).await
            }
            Hurdle::Refused(error) => Err(error),
        }
    }

    /// Waits until `topic` is known, and created if that is wanted.
    async fn learn(&self, topic: &str, deadline: Instant) -> Result<()> {
        let client = &self.0.client;
        let known = client.metadata().wait_for_topic(topic, interest(client), deadline).await?;
        self.0.shared.learn(&known)
    }

    /// Asks the cluster whether it has the partition by now.
    async fn learn_partition(
        &self,
        topic: &str,
        partition: i32,
        count: i32,
        deadline: Instant,
    ) -> Result<()> {
        let unknown = |count| {
            let message = format!("topic {topic:?} has no partition {partition}; it has {count}");
            Err(Error::new(ErrorKind::UnknownPartition, message))
        };
        if partition < 0 {
            return unknown(count);
        }
        let asked = tokio::time::timeout_at(deadline.into(), self.0.client.topic(topic)).await;
        let fresh = Arc::new(asked.map_err(|_| self.not_told(topic, partition))??);
        self.0.shared.learn(&fresh)?;
        match fresh.partition(partition) {
            Some(_) => Ok(()),
            None => unknown(i32::try_from(fresh.partitions.len()).unwrap_or(i32::MAX)),
        }
    }

    fn not_told(&self, topic: &str, partition: i32) -> Error {
        let limit = self.0.config.max_block.as_millis();
        let message = format!(
            "no broker said within max.block.ms={limit} whether topic {topic:?} has a partition \
             {partition} by now"
        );
        Error::new(ErrorKind::Timeout, message).with_api(ApiKey::Metadata)
    }

    fn no_memory(&self) -> Error {
        let ProducerConfig { buffer_memory, max_block, .. } = *self.0.config;
        let limit = max_block.as_millis();
        let message = format!(
            "buffer.memory={buffer_memory} has been used up for max.block.ms={limit}: records come \
             faster than the brokers take them"
        );
        Error::new(ErrorKind::Timeout, message)
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.end(Error::closed("producer"));
    }
}

/// What is wanted with topics that are written to.
fn interest(client: &Client) -> Interest {
    match client.config().allow_auto_create_topics {
        true => Interest::Write,
        // Nobody will create it: what is missing is missing.
        false => Interest::Read,
    }
}

/// What came of appending records.
struct Appended {
    /// How many were appended.
    count: usize,
    /// What the next one met.
    hurdle: Option<Hurdle>,
    /// There are batches that take no more records.
    has_closed: bool,
}

/// Appends records under one lock until one meets a hurdle.
fn append(
    shared: &Shared,
    records: &[OutgoingRecord<'_>],
    is_first: bool,
    note: &mut impl FnMut(&mut Ticket, usize, Timestamp),
) -> Appended {
    let clock = Clock::read();
    shared.with(|state| {
        let (mut count, mut hurdle) = (0, None);
        for record in records {
            match state.append(record, is_first, clock) {
                Ok(to) => note(to.ticket, to.index, record.timestamp.unwrap_or(clock.wall())),
                Err(met) => {
                    hurdle = Some(met);
                    break;
                }
            }
            count += 1;
        }
        Appended { count, hurdle, has_closed: state.accumulator.has_closed() }
    })
}

/// `error`, which came of the record at `place` of a call.
fn at_record(place: usize, error: Error) -> Error {
    if place == 0 {
        return error;
    }
    let message =
        format!("record {place} of the call, all before it being accepted: {}", error.message());
    let named = Error::new(error.kind(), message).with_maybe_written(error.may_have_been_written());
    match error.place().topic_partition.clone() {
        Some(topic_partition) => named.with_topic_partition(topic_partition),
        None => named,
    }
}

/// How many records are appended under one lock.
const CHUNK: usize = 256;

//! What the handles of a producer and its task share: records on their way, under one lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use kavka_protocol::{Timestamp, TopicPartition};
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex as TurnMutex, MutexGuard as TurnGuard, Notify};
use tokio::time::timeout_at;

use super::delivery::Ticket;
use super::partitioner::Partitioner;
use super::record::OutgoingRecord;
use super::topics::Topics;
use crate::config::ProducerConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::io::now;
use crate::state::produce::{Accumulator, AppendedTo, BatchId, Limits, Refusal, Settled};
use crate::stats::{ProducerCounts, ProducerStats};
use crate::topic::TopicMetadata;

/// One producer, as its handles and its task see it.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) counts: ProducerCounts,
    /// Wakes the task.
    wake: Notify,
    /// Wakes those who wait for memory, or for batches to be settled.
    settled: Notify,
    /// Those who wait for memory do so one after the other, so that a large record is not starved
    /// by small ones.
    turn: TurnMutex<()>,
}

pub(super) struct State {
    pub(super) accumulator: Accumulator<Ticket>,
    pub(super) topics: Topics,
    /// How many wait for memory.
    line: usize,
    /// Why nothing is accepted any more.
    end: Option<Error>,
    /// Whether nothing is sent any more either.
    is_over: bool,
    failures: Failures,
}

/// The records that were given up, as far as flushes have to know.
#[derive(Default)]
struct Failures {
    /// How many batches, or parts of them, have failed.
    count: u64,
    /// The first failure since a flush reported one.
    first: Option<Error>,
    is_reported: bool,
}

/// Up to which failure the flushes of one handle have reported them.
#[derive(Default)]
pub(super) struct Reported(AtomicU64);

/// The time of a call.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    now: Instant,
    wall: Timestamp,
}

/// What keeps a record from being accepted at once.
pub(super) enum Hurdle {
    /// `buffer.memory` is used up.
    Full,
    /// Nothing is known of the topic.
    UnknownTopic,
    /// The topic has no such partition, as far as is known.
    UnknownPartition {
        partition: i32,
        count: i32,
    },
    Refused(Error),
}

/// The first place in the line of those who wait for memory: as long as there is a line, nobody else
/// opens batches.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    guard: Option<TurnGuard<'a, ()>>,
}

impl Shared {
    pub(super) fn new(
        config: &Arc<ProducerConfig>,
        partitioner: Option<Arc<dyn Partitioner>>,
        client_id: &str,
        seed: u64,
    ) -> Self {
        let state = State {
            accumulator: Accumulator::new(limits(config)),
            topics: Topics::new(Arc::clone(config), partitioner, seed),
            line: 0,
            end: None,
            is_over: false,
            failures: Failures::default(),
        };
        let (wake, settled) = (Notify::new(), Notify::new());
        let counts = ProducerCounts::new(client_id);
        Self { state: Mutex::new(state), counts, wake, settled, turn: TurnMutex::new(()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the machine, then lets the task act on what was called.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let _panicking = WakeOnPanic(&self.wake);
        let (result, wake) = {
            let mut state = self.lock();
            let result = act(&mut state);
            (result, state.accumulator.take_wake())
        };
        if wake {
            self.wake.notify_one();
        }
        result
    }

    /// Until the task is to look at everything again.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Nothing is accepted any more, because of `error`; what was is still sent.
    pub(super) fn refuse(&self, error: Error) {
        self.lock().end.get_or_insert(error);
        self.settled.notify_waiters();
    }

    /// Nothing is accepted or sent any more; `error` says why, unless something else did before, which
    /// is then returned.
    pub(super) fn end(&self, error: Error) -> Error {
        let error = self.lock().end(error);
        self.wake.notify_one();
        self.settled.notify_waiters();
        error
    }

    /// Whether `end` was called.
    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// Takes over what is known of a topic, unless that cannot be true.
    pub(super) fn learn(&self, metadata: &Arc<TopicMetadata>) -> Result<()> {
        let State { accumulator, topics, .. } = &mut *self.lock();
        topics.learn(metadata, |partition| accumulator.partition(&partition))
    }

    /// Takes back the memory of what is settled and tells everybody who waits for it.
    pub(super) fn settle(&self, settled: Vec<Settled<Ticket>>, spares: Vec<BytesMut>) {
        if settled.is_empty() && spares.is_empty() {
            return;
        }
        self.with(|state| {
            settled.iter().for_each(|settled| state.note(settled));
            spares.into_iter().for_each(|spare| state.accumulator.handle_spare(spare));
        });
        for settled in settled {
            let completion = Arc::clone(&settled.ticket.completion);
            let partition = completion.topic_partition();
            self.counts.note_settled(partition, settled.records, settled.result.is_ok());
            completion.settle(settled);
        }
        self.settled.notify_waiters();
    }

    /// Waits until everything appended before is settled; an error is the first failure since the
    /// last time that one was reported, if there was any since `reported`.
    pub(super) async fn flush(&self, reported: &Reported) -> Result<()> {
        let mark = self.with(|state| state.accumulator.flush());
        self.wake.notify_one();
        self.settled_before(mark).await;
        match self.lock().failures.report(reported) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn settled_before(&self, mark: BatchId) {
        loop {
            let mut news = std::pin::pin!(self.news());
            // From here on no news is missed.
            news.as_mut().enable();
            if self.lock().accumulator.is_settled_before(mark) {
                return;
            }
            news.await;
        }
    }

    /// Waits in line for memory.
    pub(super) async fn turn(&self, deadline: Instant) -> Option<Turn<'_>> {
        timeout_at(deadline.into(), Turn::new(self).wait()).await.ok()
    }

    /// What was done so far.
    pub(super) fn stats(&self) -> ProducerStats {
        let (buffered_bytes, batches) = {
            let accumulator = &self.lock().accumulator;
            (accumulator.reserved(), accumulator.unsettled())
        };
        ProducerStats { partitions: self.counts.snapshot(), buffered_bytes, batches }
    }

    /// Ready at the next news of settled batches after it was first polled or enabled.
    pub(super) fn news(&self) -> Notified<'_> {
        self.settled.notified()
    }
}

impl State {
    /// Puts a record into the batch it belongs to.
    #[inline]
    pub(super) fn append(
        &mut self,
        record: &OutgoingRecord<'_>,
        is_first: bool,
        clock: Clock,
    ) -> Result<AppendedTo<'_, Ticket>, Hurdle> {
        if let Some(error) = &self.end {
            return Err(Hurdle::Refused(error.clone()));
        }
        let Self { accumulator, topics, line, .. } = self;
        let topic = topics.find(record.topic).ok_or(Hurdle::UnknownTopic)?;
        let chosen = || topic.choose(record, |index| accumulator.waiting(index));
        let partition = record.partition.unwrap_or_else(chosen);
        let Some(index) = topic.index(partition) else {
            return Err(Hurdle::UnknownPartition { partition, count: topic.count() });
        };
        let may_open = is_first || *line == 0;
        let wire = record.wire(clock.wall);
        match accumulator.append(index, wire, may_open, clock.now, Ticket::new) {
            Ok(appended) => {
                if record.partition.is_none() {
                    topic.handle_appended(partition, appended.size, appended.is_batch_full);
                }
                Ok(appended)
            }
            Err(refusal) => Err(hurdle(refusal, record.topic, partition)),
        }
    }

    fn note(&mut self, settled: &Settled<Ticket>) {
        self.accumulator.handle_settled(settled);
        if let Err(error) = &settled.result {
            self.failures.note(error);
        }
    }

    fn end(&mut self, error: Error) -> Error {
        if !std::mem::replace(&mut self.is_over, true) {
            self.end = Some(error.clone());
        }
        self.end.clone().unwrap_or(error)
    }
}

impl Failures {
    fn note(&mut self, error: &Error) {
        self.count += 1;
        if self.first.is_none() || std::mem::take(&mut self.is_reported) {
            self.first = Some(error.clone());
        }
    }

    /// The failure to tell the owner of `reported` of.
    fn report(&mut self, reported: &Reported) -> Option<Error> {
        if reported.0.swap(self.count, Ordering::Relaxed) == self.count {
            return None;
        }
        self.is_reported = true;
        self.first.clone()
    }
}

impl Clone for Reported {
    /// A new handle knows what the one it was made from does.
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Clock {
    pub(super) fn read() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Timestamp::try_from(since_epoch.as_millis()).unwrap_or(Timestamp::MAX);
        Self { now: now(), wall }
    }

    /// The time that a record without one gets.
    pub(super) fn wall(self) -> Timestamp {
        self.wall
    }
}

/// Wakes the task when an application's partitioner panics: records before the one it was asked about
/// were accepted.
struct WakeOnPanic<'s>(&'s Notify);

impl Drop for WakeOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.notify_one();
        }
    }
}

impl<'a> Turn<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().line += 1;
        Self { shared, guard: None }
    }

    async fn wait(mut self) -> Self {
        self.guard = Some(self.shared.turn.lock().await);
        self
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.lock().line -= 1;
    }
}

#[cold]
fn hurdle(refusal: Refusal, topic: &str, partition: i32) -> Hurdle {
    let error = match refusal {
        Refusal::Full => return Hurdle::Full,
        Refusal::TooLarge { size, property, limit } => Error::new(
            ErrorKind::RecordTooLarge,
            format!("the record takes {size} bytes, more than {property}={limit}"),
        ),
        Refusal::Encode(error) => Error::from(error),
    };
    Hurdle::Refused(error.with_topic_partition(TopicPartition::new(topic, partition)))
}

fn limits(config: &ProducerConfig) -> Limits {
    Limits {
        batch_size: config.batch_size,
        linger: config.linger,
        buffer_memory: config.buffer_memory,
        max_request_size: config.max_request_size,
        delivery_timeout: config.delivery_timeout,
        compression: config.compression,
        compression_level: config.compression_level,
    }
}

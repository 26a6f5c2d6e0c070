//! Batches on their way to the brokers, from the moment they are taken until they are settled.

mod failure;
mod judge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kavka_protocol::messages::ProduceResponse;
use kavka_protocol::{BrokerId, Compression, Compressor, PartitionBatch, TopicId, TopicPartition};

use super::availability::Availability;
use super::batch::{Acknowledged, Batch};
use super::planner::Planner;
use super::sequencer::{EntryNumber, Next, Sequencer};
use super::{Identity, OpenBatch, PartitionIndex, Settled};
use crate::error::Error;
use crate::state::backoff::Backoff;
use crate::state::metadata::LeaderHint;
use crate::state::timers::{earliest, is_reached};

/// Decides what is sent to whom and when, and what becomes of every batch.
///
/// `handle_ready` says that a partition has a due batch, `handle_leader` who leads it, `handle_topic`
/// which topic has its name. `poll_request`
/// yields what to send, `leaderless` what it does not know whom to send to; how each request ended is reported through `handle_answer`. Every batch
/// taken comes out of `poll_settled`, in one piece or in parts; `take_spares` yields the memory of
/// batches, to be used again. `poll_identity` asks for a producer
/// id, `poll_hint` passes on what brokers say about leaders, `take_stale` whether the metadata seems
/// out of date. After a fatal error everything is settled with it and nothing more is sent.
pub(crate) struct Sender<T> {
    settings: SenderSettings,
    sequencer: Sequencer<T>,
    planner: Planner,
    availability: Availability,
    compressor: Compressor,
    requests: BTreeMap<RequestNumber, Request>,
    next_request: u64,
    /// Partitions whose next attempt has to wait.
    waiting: BTreeSet<(Instant, PartitionIndex)>,
    /// Partitions that cannot go on before there is an identity.
    unidentified: BTreeSet<PartitionIndex>,
    identity: IdentityRequest,
    settled: VecDeque<Settled<T>>,
    spares: Vec<BytesMut>,
    hints: VecDeque<LeaderHint>,
    /// How the last request to a broker failed, until one succeeds.
    troubles: BTreeMap<BrokerId, Error>,
    /// No batch is given up before; looked at again when it has passed.
    first_expiry: Option<Instant>,
    is_stale: bool,
    fatal: Option<Error>,
}

/// The properties that a [`Sender`] obeys.
#[derive(Clone, Debug)]
pub(crate) struct SenderSettings {
    /// `enable.idempotence`
    pub(crate) is_idempotent: bool,
    /// `max.in.flight.requests.per.connection`
    pub(crate) max_in_flight: usize,
    /// `max.request.size`
    pub(crate) max_request_size: usize,
    /// `partitioner.availability.timeout.ms`, unless it is zero
    pub(crate) availability_timeout: Option<Duration>,
    /// `retries`
    pub(crate) retries: u32,
    /// `delivery.timeout.ms`
    pub(crate) delivery_timeout: Duration,
    /// `retry.backoff.ms` and `retry.backoff.max.ms`
    pub(crate) backoff: Backoff,
    /// `compression.type`
    pub(crate) compression: Compression,
    /// `compression.<type>.level`
    pub(crate) compression_level: Option<i32>,
}

/// Names a request among all that ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestNumber(u64);

/// A request that is due.
#[derive(Debug)]
pub(crate) struct ProducePlan {
    /// By which `handle_answer` knows it.
    pub(crate) number: RequestNumber,
    /// To whom it goes.
    pub(crate) broker: BrokerId,
    /// One batch for each of some partitions.
    pub(crate) batches: Vec<PartitionBatch>,
    /// For how long each of them has waited since it was opened; `None` where it was sent before.
    pub(crate) waited: Vec<Option<Duration>>,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is written, and the broker was asked not to answer.
    Unasked,
    /// The broker answered.
    Response(ProduceResponse),
    /// There will be no answer.
    Lost(Error),
}

struct Request {
    broker: BrokerId,
    attempts: VecDeque<Attempt>,
}

/// One batch within a request.
struct Attempt {
    partition: PartitionIndex,
    number: EntryNumber,
    topic_partition: TopicPartition,
    topic_id: Option<TopicId>,
}

enum IdentityRequest {
    Idle,
    UnderWay { backoff: Backoff },
    Failed { error: Error, backoff: Backoff, until: Instant },
}

impl<T: Clone> Sender<T> {
    pub(crate) fn new(settings: SenderSettings) -> Self {
        let in_line = match settings.is_idempotent {
            true => settings.max_in_flight.min(REMEMBERED_BATCHES),
            false => settings.max_in_flight,
        };
        Self {
            sequencer: Sequencer::new(settings.is_idempotent, in_line),
            planner: Planner::new(settings.max_in_flight),
            availability: Availability::new(settings.availability_timeout),
            settings,
            compressor: Compressor::default(),
            requests: BTreeMap::new(),
            next_request: 0,
            waiting: BTreeSet::new(),
            unidentified: BTreeSet::new(),
            identity: IdentityRequest::Idle,
            settled: VecDeque::new(),
            spares: Vec::new(),
            hints: VecDeque::new(),
            troubles: BTreeMap::new(),
            first_expiry: None,
            is_stale: false,
            fatal: None,
        }
    }

    /// The partition has come to have a due batch.
    pub(crate) fn handle_ready(&mut self, index: PartitionIndex) {
        self.planner.offer(index);
    }

    /// Who leads the partition. What a former leader refused is worth an attempt at another one at once.
    pub(crate) fn handle_leader(&mut self, index: PartitionIndex, leader: Option<BrokerId>) {
        let is_news = leader.is_some() && leader != self.planner.leader(index);
        self.planner.set_leader(index, leader);
        if is_news && self.sequencer.hurry(index) {
            self.planner.offer(index);
        }
    }

    /// Which topic has the partition's name: another one after it was deleted and created again.
    pub(crate) fn handle_topic(&mut self, index: PartitionIndex, topic_id: Option<TopicId>) {
        self.sequencer.set_topic(index, topic_id);
    }

    /// How the request that `poll_identity` asked for ended.
    pub(crate) fn handle_identity(&mut self, result: Result<Identity, Error>, now: Instant) {
        match result {
            Ok(identity) => {
                self.identity = IdentityRequest::Idle;
                self.sequencer.handle_identity(identity);
                while let Some(index) = self.unidentified.pop_first() {
                    self.planner.offer(index);
                }
            }
            Err(error) if judge::is_worth_another(&error) => self.postpone_identity(error, now),
            Err(error) => self.die(error),
        }
    }

    /// Time has passed: attempts are due again, or batches are too old.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((until, index)) = self.waiting.first().copied()
            && until <= now
        {
            self.waiting.pop_first();
            self.planner.offer(index);
        }
        if is_reached(self.first_expiry, now) {
            for batch in self.sequencer.expire(now) {
                self.planner.offer(batch.partition);
                let error = self.timed_out(&batch);
                self.settle(batch, Err(error));
            }
            self.first_expiry = self.sequencer.deadline();
        }
    }

    /// A batch was not taken in time.
    pub(crate) fn handle_expired(&mut self, batch: OpenBatch<T>) {
        let error = self.never_sent(batch.partition, &batch.topic_partition);
        self.settled.push_back(batch.settle(error));
    }

    /// Gives up every batch, whether its fate is known or not.
    pub(crate) fn give_up(&mut self, error: &Error) {
        for batch in self.sequencer.expire_all() {
            let error = error
                .clone()
                .with_topic_partition(batch.topic_partition.clone())
                .with_maybe_written(batch.maybe_written);
            self.settle(batch, Err(error));
        }
    }

    /// The next request to send now. `take` yields the oldest due batch of a partition.
    pub(crate) fn poll_request(
        &mut self,
        now: Instant,
        mut take: impl FnMut(PartitionIndex) -> Option<OpenBatch<T>>,
    ) -> Option<ProducePlan> {
        while self.fatal.is_none() {
            let broker = self.planner.poll_broker(now)?;
            let chosen = self.choose(broker, now, &mut take);
            if !chosen.is_empty() {
                return Some(self.plan(broker, &chosen, now));
            }
        }
        None
    }

    /// Whether a producer id has to be asked for now; `handle_identity` takes the outcome.
    pub(crate) fn poll_identity(&mut self, now: Instant) -> bool {
        if !self.sequencer.needs_identity() || self.fatal.is_some() {
            return false;
        }
        let backoff = match &self.identity {
            IdentityRequest::Idle => self.settings.backoff.clone(),
            IdentityRequest::Failed { backoff, until, .. } if *until <= now => backoff.clone(),
            IdentityRequest::Failed { .. } | IdentityRequest::UnderWay { .. } => return false,
        };
        self.identity = IdentityRequest::UnderWay { backoff };
        true
    }

    /// The next batch, or part of one, whose fate is known.
    pub(crate) fn poll_settled(&mut self) -> Option<Settled<T>> {
        self.settled.pop_front()
    }

    /// Memory of batches that is not needed any more.
    pub(crate) fn take_spares(&mut self) -> Vec<BytesMut> {
        std::mem::take(&mut self.spares)
    }

    /// What a broker said about the leader of a partition.
    pub(crate) fn poll_hint(&mut self) -> Option<LeaderHint> {
        self.hints.pop_front()
    }

    /// Whether something happened that speaks for newer metadata; asking resets it.
    pub(crate) fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.is_stale)
    }

    /// Whether the partition has batches that were taken and are not settled.
    pub(crate) fn has_batches(&self, index: PartitionIndex) -> bool {
        self.sequencer.has_batches(index)
    }

    /// Partitions that may have something to send, and nobody who takes it.
    pub(crate) fn leaderless(&self) -> impl Iterator<Item = PartitionIndex> {
        self.planner.leaderless()
    }

    /// The brokers whose partitions had better not be chosen, if they are others than before; ask when
    /// `poll_request` has no more.
    pub(crate) fn poll_unavailable(&mut self, now: Instant) -> Option<BTreeSet<BrokerId>> {
        let Self { availability, planner, waiting, .. } = self;
        availability.poll(now, |broker| {
            let is_of = |(_, index): &(_, PartitionIndex)| planner.leader(*index) == Some(broker);
            planner.is_busy(broker, now) || waiting.iter().any(is_of)
        })
    }

    /// When to call `handle_timeout` and poll again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.waiting.first().map(|(until, _)| *until);
        let identity = match &self.identity {
            IdentityRequest::Failed { until, .. } => Some(*until),
            IdentityRequest::Idle | IdentityRequest::UnderWay { .. } => None,
        };
        let availability = self.availability.poll_timeout();
        let planner = self.planner.poll_timeout();
        earliest([waiting, identity, self.first_expiry, planner, availability])
    }

    /// The error after which nothing works any more.
    pub(crate) fn fatal(&self) -> Option<&Error> {
        self.fatal.as_ref()
    }

    /// Partitions in turn, as many as fit into one request.
    fn choose(
        &mut self,
        broker: BrokerId,
        now: Instant,
        take: &mut impl FnMut(PartitionIndex) -> Option<OpenBatch<T>>,
    ) -> Vec<(PartitionIndex, EntryNumber)> {
        let (mut chosen, mut size) = (Vec::new(), 0);
        for _ in 0..self.planner.waiting(broker) {
            let Some(index) = self.planner.next_partition(broker) else {
                break;
            };
            let Some((number, length)) = self.next_entry(index, broker, now, take) else {
                continue;
            };
            size += length;
            if size > self.settings.max_request_size && !chosen.is_empty() {
                self.planner.offer_first(index);
                break;
            }
            self.sequencer.sent(index, number, broker);
            self.planner.offer(index);
            chosen.push((index, number));
        }
        chosen
    }

    /// What the partition sends next, if it can send anything.
    fn next_entry(
        &mut self,
        index: PartitionIndex,
        broker: BrokerId,
        now: Instant,
        take: &mut impl FnMut(PartitionIndex) -> Option<OpenBatch<T>>,
    ) -> Option<(EntryNumber, usize)> {
        loop {
            match self.sequencer.next(index, broker, now) {
                Next::Entry(number, length) => return Some((number, length)),
                Next::NewBatch => self.admit(take(index)?, now),
                Next::Wait(until) => {
                    self.waiting.insert((until, index));
                    return None;
                }
                Next::Blocked => {
                    if self.sequencer.needs_identity() {
                        self.unidentified.insert(index);
                    }
                    return None;
                }
            }
        }
    }

    fn admit(&mut self, open: OpenBatch<T>, now: Instant) {
        let (batch, sealed) = open.seal(&mut self.compressor, self.settings.backoff.clone());
        match sealed {
            Ok(sealed) => {
                self.first_expiry = earliest([self.first_expiry, Some(batch.deadline)]);
                self.sequencer.push(batch.partition, batch, sealed, now);
            }
            Err(error) => {
                let error = Error::from(error).with_topic_partition(batch.topic_partition.clone());
                self.settle(batch, Err(error));
            }
        }
        let spare = self.compressor.take_spare();
        if spare.capacity() > 0 {
            self.spares.push(spare);
        }
    }

    fn settle(&mut self, mut batch: Batch<T>, result: Result<Acknowledged, Error>) {
        let wire = std::mem::take(&mut batch.wire);
        self.settled.push_back(batch.settle(result));
        // What was compressed lies in memory of another size.
        if self.settings.compression == Compression::None
            && let Ok(spare) = wire.try_into_mut()
        {
            self.spares.push(spare);
        }
    }

    fn plan(
        &mut self,
        broker: BrokerId,
        chosen: &[(PartitionIndex, EntryNumber)],
        now: Instant,
    ) -> ProducePlan {
        let number = RequestNumber(self.next_request);
        self.next_request += 1;
        let (mut batches, mut waited) = (Vec::new(), Vec::new());
        let mut attempts = VecDeque::new();
        for (partition, entry) in chosen.iter().copied() {
            let Some(batch) = self.sequencer.batch(partition, entry) else {
                continue;
            };
            let topic_partition = batch.topic_partition.clone();
            let topic_id = self.sequencer.topic(partition);
            batches.push(PartitionBatch {
                topic_partition: topic_partition.clone(),
                topic_id,
                records: batch.wire.clone(),
            });
            let is_first = batch.attempts == 1;
            waited.push(is_first.then(|| now.saturating_duration_since(batch.opened)));
            attempts.push_back(Attempt { partition, number: entry, topic_partition, topic_id });
        }
        self.requests.insert(number, Request { broker, attempts });
        self.planner.sent(broker);
        self.availability.sent(broker, now);
        ProducePlan { number, broker, batches, waited }
    }

    fn postpone_identity(&mut self, error: Error, now: Instant) {
        let mut backoff = match &self.identity {
            IdentityRequest::UnderWay { backoff } => backoff.clone(),
            IdentityRequest::Failed { backoff, .. } => backoff.clone(),
            IdentityRequest::Idle => self.settings.backoff.clone(),
        };
        let until = now + backoff.next();
        self.identity = IdentityRequest::Failed { error, backoff, until };
    }

    /// Nothing this producer sends will be accepted any more.
    fn die(&mut self, error: Error) {
        self.give_up(&error);
        self.fatal.get_or_insert(error);
    }
}

/// How many batches per producer and partition a broker remembers to recognise repetitions.
const REMEMBERED_BATCHES: usize = 5;

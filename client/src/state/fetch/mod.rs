//! Fetching without IO: positions, what to ask which broker for, and what has arrived.

mod answer;
mod buffer;
mod contents;
mod counted;
mod leadership;
mod parts;
mod planner;
mod positions;
mod replica;
mod reset;
mod session;
mod stage;
mod status;
mod topic_id;
mod validation;

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use kavka_protocol::{
    BatchBody, BatchView, BrokerId, DecodeError, IsolationLevel, LeaderEpoch, Offset,
    TopicPartition,
};

pub(crate) use answer::{FetchAnswer, LookupAnswer};
pub(crate) use buffer::Piece;
pub(crate) use leadership::{ClusterView, Leadership, MissingPart};
pub(crate) use planner::FetchPlan;
pub(crate) use reset::End;
pub use reset::{PositionReset, ResetCause};
pub(crate) use session::{FINAL_EPOCH, SessionId, SessionPart};
pub use stage::StartOffset;
pub use status::{FetchState, FetchStatus};
pub(crate) use validation::{EpochEndOffset, ValidationAnswer, ValidationPlan};

use crate::config::{ConsumerConfig, OffsetReset};
use crate::error::Error;
use crate::state::backoff::{Backoff, Jitter};
use crate::state::metadata::LeaderHint;
use crate::stats::ConsumerCounts;
use buffer::Buffer;
use planner::{FetchLimits, Planner, Stock};
use positions::{Positions, Version};
use stage::Stage;

/// Reads the assigned partitions of one consumer.
///
/// The application assigns, seeks, pauses and takes deliveries. After each of these, and after each
/// `handle_*`, the shell carries out `poll_leader_hint`, `poll_metadata`, `poll_lookup`,
/// `poll_validation`, `poll_fetch` and `poll_reset` until they yield nothing, and comes back at
/// `poll_timeout`. Every plan is answered once: with what arrived or with the failure.
#[derive(Debug)]
pub(crate) struct Fetcher {
    isolation: IsolationLevel,
    reset: OffsetReset,
    retry_backoff: Backoff,
    /// Drawn once per answer: partitions that were refused together are asked for together, and do
    /// not each wait for the answer that another one waits for.
    jitter: Jitter,
    positions: Positions,
    planner: Planner,
    buffer: Buffer,
    /// Partitions with something to tell the application, oldest first.
    failed: VecDeque<TopicPartition>,
    /// What went wrong with a broker as a whole.
    fault: Option<Error>,
    /// Partitions that came to their end without data since the last delivery.
    arrivals: Vec<(TopicPartition, Version)>,
    /// Positions that had to be left since the last delivery.
    resets: Vec<PositionReset>,
    /// The same, for the log.
    unlogged: Vec<PositionReset>,
    /// Whether a position moved without data.
    has_moved: bool,
    /// Whether some leader may have to be asked about a position.
    has_questions: bool,
    metadata: Option<MetadataNeed>,
    /// Whether fresh metadata was asked for and has not come yet.
    is_refreshing: bool,
    hints: Vec<LeaderHint>,
    /// How long a replica that a leader names is read without asking the leader again.
    replica_lease: Duration,
    /// Whether some partition is fetched from another broker than before.
    have_sources_moved: bool,
    /// How many pieces have arrived so far.
    arrived: u64,
    /// What has been read so far.
    counts: ConsumerCounts,
}

/// What comes of one poll.
#[derive(Debug)]
pub(crate) enum Handout {
    Delivery(Delivery),
    /// First this has to be opened; the answer goes to `handle_opened`.
    Unopened(Unopened),
}

/// A batch of which only a part is to be handed out.
#[derive(Debug)]
pub(crate) struct Unopened {
    pub(crate) batch: BatchView,
    topic_partition: TopicPartition,
    version: Version,
}

/// What the application gets at one poll.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) pieces: Vec<Piece>,
    /// Partitions whose end was just reached, with the position there.
    pub(crate) ends: Vec<(TopicPartition, Offset)>,
    /// Positions that lay outside of their log and go on elsewhere.
    pub(crate) resets: Vec<PositionReset>,
}

/// Where logs begin or end, to be asked of one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookupPlan {
    pub(crate) broker: BrokerId,
    pub(crate) partitions: Vec<LookupPartition>,
}

/// One question of a [`LookupPlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookupPartition {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) end: End,
    version: Version,
}

/// What the machine has to be told about leaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataNeed {
    /// What is known already; answered through `handle_metadata`.
    Known,
    /// What the cluster says when asked anew; answered through `handle_refresh`.
    Fresh,
}

impl Fetcher {
    /// A machine that keeps at most `budget` bytes in flight, buffered and with the application, and
    /// counts in `counts` what it hands out; `seed` spreads out what it repeats.
    pub(crate) fn new(
        config: &ConsumerConfig,
        budget: usize,
        counts: ConsumerCounts,
        seed: u64,
    ) -> Self {
        let limits = FetchLimits {
            max_bytes: usize::try_from(config.fetch_max_bytes).unwrap_or(0),
            max_partition_bytes: usize::try_from(config.max_partition_fetch_bytes).unwrap_or(0),
        };
        let mut retry_backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max, seed);
        Self {
            jitter: retry_backoff.draw(),
            retry_backoff,
            isolation: config.isolation_level,
            reset: config.auto_offset_reset,
            positions: Positions::default(),
            planner: Planner::new(limits, budget),
            buffer: Buffer::default(),
            failed: VecDeque::new(),
            fault: None,
            arrivals: Vec::new(),
            resets: Vec::new(),
            unlogged: Vec::new(),
            has_moved: false,
            has_questions: false,
            metadata: None,
            is_refreshing: false,
            hints: Vec::new(),
            replica_lease: config.metadata_max_age,
            have_sources_moved: false,
            arrived: 0,
            counts,
        }
    }

    /// Replaces the assignment. Every partition starts anew, also one that was assigned before;
    /// none is paused.
    pub(crate) fn assign(&mut self, partitions: Vec<(TopicPartition, StartOffset)>) {
        let wanted: HashSet<&TopicPartition> =
            partitions.iter().map(|(partition, _)| partition).collect();
        self.positions.retain(|partition| wanted.contains(partition));
        self.buffer.clear();
        self.arrivals.clear();
        self.resets.clear();
        self.has_moved = false;
        self.fault = None;
        self.add(partitions);
    }

    /// Assigns `partitions`, too. One that is assigned already starts anew; the others go on.
    pub(crate) fn add(&mut self, partitions: Vec<(TopicPartition, StartOffset)>) {
        for (partition, start) in partitions {
            self.forget(&partition);
            self.positions.assign(partition, start);
        }
        self.planner.handle_sources(&self.positions);
        self.has_questions = true;
        self.metadata = self.metadata.or(Some(MetadataNeed::Known));
    }

    /// Stops reading `partitions`; what was fetched of them is dropped.
    pub(crate) fn unassign(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.positions.unassign(partition);
            self.forget(partition);
        }
        self.planner.handle_sources(&self.positions);
    }

    /// Goes on reading at `start`; `false` when the partition is not assigned.
    pub(crate) fn seek(&mut self, partition: &TopicPartition, start: StartOffset) -> bool {
        self.forget(partition);
        self.has_questions = true;
        self.positions.seek(partition, start)
    }

    /// Neither fetches nor delivers these until they are resumed; what was fetched is kept.
    pub(crate) fn pause(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, true);
    }

    pub(crate) fn resume(&mut self, partitions: &[TopicPartition]) {
        self.set_paused(partitions, false);
    }

    /// The application dropped `bytes` of what it was given.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.planner.release(bytes);
    }

    /// Changes how many bytes may be in flight, buffered and with the application.
    pub(crate) fn set_budget(&mut self, budget: usize) {
        self.planner.set_limit(budget);
    }

    /// The next offset to be delivered, once it is known.
    pub(crate) fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.positions.get(partition)?.delivered()
    }

    /// What is assigned, in the order that it was, and whether it is paused.
    pub(crate) fn assignment(&self) -> impl Iterator<Item = (&TopicPartition, bool)> {
        self.positions.iter().map(|(partition, position)| (partition, position.is_paused))
    }

    /// The topics that the metadata has to cover.
    pub(crate) fn topics(&self) -> HashSet<&str> {
        self.positions.iter().map(|(partition, _)| &*partition.topic).collect()
    }

    /// What the application should get now: an error that stands at a position it has reached, or
    /// data with at most `limit` records, ends and moved positions.
    pub(crate) fn poll_delivery(&mut self, limit: Option<usize>) -> Option<Result<Handout, Error>> {
        if let Some(error) = self.fault.take().or_else(|| self.take_failure()) {
            return Some(Err(error));
        }
        let positions = &self.positions;
        let taken = self.buffer.take(limit, |partition| positions.may_deliver(partition));
        if let Some((topic_partition, batch)) = taken.unopened {
            let version = self.positions.get(&topic_partition)?.version;
            return Some(Ok(Handout::Unopened(Unopened { batch, topic_partition, version })));
        }
        let (mut ends, pieces) = (self.take_arrivals(), taken.pieces);
        let resets = std::mem::take(&mut self.resets);
        ends.extend(pieces.iter().filter_map(|piece| self.deliver(piece)));
        let has_moved = std::mem::take(&mut self.has_moved);
        let is_worth_it = has_moved || !pieces.is_empty() || !ends.is_empty();
        is_worth_it.then_some(Ok(Handout::Delivery(Delivery { pieces, ends, resets })))
    }

    /// A batch was opened, or cannot be.
    pub(crate) fn handle_opened(
        &mut self,
        unopened: &Unopened,
        body: Result<BatchBody, DecodeError>,
    ) {
        let Unopened { batch, topic_partition, version } = unopened;
        if self.positions.current(topic_partition, *version).is_some() {
            self.buffer.handle_opened(topic_partition, batch, body);
        }
    }

    /// Whether the application should look.
    pub(crate) fn has_news(&self) -> bool {
        self.has_moved
            || self.fault.is_some()
            || !self.failed.is_empty()
            || !self.arrivals.is_empty()
            || self.buffer.has_any(|partition| self.positions.may_deliver(partition))
    }

    /// The next fetch to send.
    pub(crate) fn poll_fetch(&mut self) -> Option<FetchPlan> {
        let positions = &self.positions;
        let stock = Stock {
            buffered: self.buffer.bytes(),
            is_deliverable: self.buffer.has_any(|partition| positions.may_deliver(partition)),
        };
        let plan = self.planner.poll_fetch(positions, stock)?;
        for partition in self.planner.asked(plan.broker) {
            if let Some(position) = self.positions.get_mut(partition) {
                position.asked_at = Some(plan.broker);
            }
        }
        Some(plan)
    }

    /// The fetch sessions that brokers keep, to be ended with the consumer.
    pub(crate) fn sessions(&self) -> Vec<(BrokerId, SessionId)> {
        self.planner.sessions()
    }

    /// The next lookup of log starts and ends to send.
    pub(crate) fn poll_lookup(&mut self) -> Option<LookupPlan> {
        let buffer = &self.buffer;
        let (broker, partitions) = self.has_questions.then(|| {
            self.positions.questions(&self.planner, |partition, position, leader| {
                let version = position.version;
                let Stage::Lookup { lookup, .. } = &mut position.stage else { return None };
                if lookup.is_asked || !buffer.is_empty_of(partition) {
                    return None;
                }
                lookup.is_asked = true;
                let (topic_partition, end) = (partition.clone(), lookup.wanted());
                Some(LookupPartition { topic_partition, leader_epoch: leader.epoch, end, version })
            })
        })??;
        Some(LookupPlan { broker, partitions })
    }

    /// The next position that had to be left, for the log.
    pub(crate) fn poll_reset(&mut self) -> Option<PositionReset> {
        self.unlogged.pop()
    }

    /// What the machine has to be told about leaders now.
    pub(crate) fn poll_metadata(&mut self) -> Option<MetadataNeed> {
        let need = self.metadata.take();
        self.is_refreshing |= need == Some(MetadataNeed::Fresh);
        need
    }

    /// The next word of a broker about who leads a partition instead of it.
    pub(crate) fn poll_leader_hint(&mut self) -> Option<LeaderHint> {
        self.hints.pop()
    }

    /// When `handle_timeout` has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [self.positions.poll_timeout(), self.planner.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], is_paused: bool) {
        for partition in partitions {
            if let Some(position) = self.positions.get_mut(partition) {
                position.is_paused = is_paused;
            }
        }
    }

    /// The oldest failure whose partition has nothing left to deliver before it.
    fn take_failure(&mut self) -> Option<Error> {
        let positions = &self.positions;
        let is_failed = |partition: &TopicPartition| {
            positions.get(partition).is_some_and(|position| position.failure.is_some())
        };
        self.failed.retain(is_failed);
        let due = self.failed.iter().position(|partition| {
            self.positions.may_deliver(partition) && self.buffer.is_empty_of(partition)
        })?;
        let partition = self.failed.remove(due)?;
        let position = self.positions.get_mut(&partition)?;
        let failure = position.failure.take();
        position.counted(&partition, &mut self.counts).note_failure();
        if position.needs_leader() || position.is_orphaned {
            self.metadata = Some(MetadataNeed::Fresh);
        }
        self.has_questions = true;
        failure
    }

    /// The ends that partitions have come to without data, unless they have moved on.
    fn take_arrivals(&mut self) -> Vec<(TopicPartition, Offset)> {
        let arrivals = std::mem::take(&mut self.arrivals).into_iter();
        arrivals
            .filter_map(|(partition, version)| {
                let offset = self.positions.current(&partition, version)?.end_reached()?;
                Some((partition, offset))
            })
            .collect()
    }

    /// The application has left the position of `partition`: what belongs to it is of no use.
    fn forget(&mut self, partition: &TopicPartition) {
        self.buffer.discard(partition);
        self.resets.retain(|reset| reset.topic_partition != *partition);
    }

    /// Moves the position behind what is being handed out; yields the end if it is there.
    fn deliver(&mut self, piece: &Piece) -> Option<(TopicPartition, Offset)> {
        self.planner.hold(piece.size);
        let position = self.positions.get_mut(&piece.topic_partition)?;
        position.deliver(piece.next);
        position.note_handout(&piece.topic_partition, &piece.contents, &mut self.counts);
        position.announce_end().map(|offset| (piece.topic_partition.clone(), offset))
    }
}

#[cfg(test)]
mod tests;

//! `Positions`: what is assigned, how far each partition has been read, and which life of the
//! position that is.
//!
//! Three offsets must not be confused: `fetched` is the next offset to ask a broker for,
//! `delivered` the next one to hand to the application, and a committed offset (kept elsewhere)
//! the next one after a restart. `delivered <= fetched`; the difference lies in the buffer.

use std::time::Instant;

use indexmap::IndexMap;
use kavka_protocol::{BrokerId, LeaderEpoch, Offset, TopicPartition};

use super::leadership::Leadership;
use super::reset::{End, Lookup};
use crate::error::Error;

/// Where reading a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOffset {
    /// The oldest record still in the log.
    Earliest,
    /// The end of the log: only records written from now on.
    Latest,
    /// This offset; outside of the log, `auto.offset.reset` decides.
    At(Offset),
}

/// One life of a position. Every assignment, seek and reset begins a new one, so that an answer to
/// a request of an earlier life is recognised and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64);

/// Who leads a partition, as the metadata has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) broker: BrokerId,
    pub(crate) epoch: Option<LeaderEpoch>,
}

/// How far a partition has been read.
///
/// ```text
/// Lookup ──answer──► Fetching ──out of range──► Lookup
/// ```
#[derive(Debug)]
pub(crate) enum Stage {
    /// No usable offset: a broker has to say where the log begins or ends, once what was fetched
    /// before has been delivered.
    Lookup { delivered: Option<Offset>, lookup: Lookup },
    /// Being read.
    Fetching { delivered: Offset, fetched: Offset },
}

/// One assigned partition.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) version: Version,
    pub(crate) stage: Stage,
    pub(crate) is_paused: bool,
    pub(crate) leader: Option<Leader>,
    /// The broker with a fetch of this partition outstanding, in whichever life it was sent.
    pub(crate) asked_at: Option<BrokerId>,
    /// When data last came, as a count of arrivals: those who waited longest are asked for first.
    pub(crate) served: u64,
    /// How often in a row this partition was refused.
    pub(crate) refusals: u32,
    /// Not asked for until then.
    pub(crate) retry_at: Option<Instant>,
    /// How many metadata answers in a row did not know the partition.
    pub(crate) missing: u32,
    /// What the application must be told before anything more is fetched.
    pub(crate) failure: Option<Error>,
    /// The first offset that may not be read yet, as of the last answer.
    pub(crate) log_end: Option<Offset>,
    /// Whether the application knows that it is at the end.
    pub(crate) is_end_announced: bool,
}

/// The assignment.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    partitions: IndexMap<TopicPartition, Position>,
    last_version: u64,
    /// The earliest `retry_at` of all.
    next_retry: Option<Instant>,
}

impl Positions {
    /// Starts to read `partition` at `start`, whatever was known about it.
    pub(crate) fn assign(&mut self, partition: TopicPartition, start: StartOffset) {
        let version = self.next_version();
        let mut position = Position::new(version, start);
        position.asked_at = self.partitions.get(&partition).and_then(|old| old.asked_at);
        self.partitions.insert(partition, position);
    }

    pub(crate) fn unassign(&mut self, partition: &TopicPartition) -> bool {
        self.partitions.shift_remove(partition).is_some()
    }

    /// Unassigns everything that `stays` does not hold for.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&TopicPartition) -> bool) {
        self.partitions.retain(|partition, _| stays(partition));
    }

    /// Goes on reading at `start`; `false` when the partition is not assigned.
    pub(crate) fn seek(&mut self, partition: &TopicPartition, start: StartOffset) -> bool {
        let version = self.next_version();
        let Some(position) = self.partitions.get_mut(partition) else {
            return false;
        };
        position.restart(version, Stage::from(start));
        true
    }

    /// Leaves the present position for what `stage` says, after a broker refused it; the version of
    /// the new one.
    pub(crate) fn reset(&mut self, partition: &TopicPartition, stage: Stage) -> Version {
        let version = self.next_version();
        if let Some(position) = self.partitions.get_mut(partition) {
            position.restart(version, stage);
        }
        version
    }

    /// Does not ask for `partition` before `at`.
    pub(crate) fn delay(&mut self, partition: &TopicPartition, at: Instant) {
        if let Some(position) = self.partitions.get_mut(partition) {
            position.retry_at = Some(at);
            self.next_retry = Some(self.next_retry.map_or(at, |next| next.min(at)));
        }
    }

    /// Ends the delays that are over at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.next_retry.is_none_or(|at| at > now) {
            return;
        }
        for position in self.partitions.values_mut() {
            position.retry_at = position.retry_at.filter(|at| *at > now);
        }
        self.next_retry = self.partitions.values().filter_map(|position| position.retry_at).min();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_retry
    }

    pub(crate) fn get(&self, partition: &TopicPartition) -> Option<&Position> {
        self.partitions.get(partition)
    }

    pub(crate) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Position> {
        self.partitions.get_mut(partition)
    }

    /// The partition, if its position still lives the life that a request was made in.
    pub(crate) fn current(
        &mut self,
        partition: &TopicPartition,
        version: Version,
    ) -> Option<&mut Position> {
        self.partitions.get_mut(partition).filter(|position| position.version == version)
    }

    /// Whether the application may get data of `partition`.
    pub(crate) fn may_deliver(&self, partition: &TopicPartition) -> bool {
        self.partitions.get(partition).is_some_and(|position| !position.is_paused)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Position)> {
        self.partitions.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&TopicPartition, &mut Position)> {
        self.partitions.iter_mut()
    }

    fn next_version(&mut self) -> Version {
        self.last_version += 1;
        Version(self.last_version)
    }
}

impl Position {
    fn new(version: Version, start: StartOffset) -> Self {
        Self {
            version,
            stage: start.into(),
            is_paused: false,
            leader: None,
            asked_at: None,
            served: 0,
            refusals: 0,
            retry_at: None,
            missing: 0,
            failure: None,
            log_end: None,
            is_end_announced: false,
        }
    }

    fn restart(&mut self, version: Version, stage: Stage) {
        self.version = version;
        self.stage = stage;
        self.refusals = 0;
        self.retry_at = None;
        self.failure = None;
        self.is_end_announced = false;
    }

    /// The next offset to hand to the application, if it is known.
    pub(crate) fn delivered(&self) -> Option<Offset> {
        match self.stage {
            Stage::Fetching { delivered, .. } => Some(delivered),
            Stage::Lookup { delivered, .. } => delivered,
        }
    }

    /// Moves the position behind what is being handed to the application.
    pub(crate) fn deliver(&mut self, next: Offset) {
        self.is_end_announced &= self.delivered() == Some(next);
        match &mut self.stage {
            Stage::Fetching { delivered, .. } => *delivered = next,
            Stage::Lookup { delivered, .. } => *delivered = Some(next),
        }
    }

    /// The next offset to ask a broker for, if it is known.
    pub(crate) fn fetched(&self) -> Option<Offset> {
        match self.stage {
            Stage::Fetching { fetched, .. } => Some(fetched),
            Stage::Lookup { .. } => None,
        }
    }

    /// Data came: the next request starts behind it.
    pub(crate) fn advance(&mut self, next: Offset, arrival: u64) {
        self.served = arrival;
        self.refusals = 0;
        if let Stage::Fetching { fetched, .. } = &mut self.stage {
            *fetched = next;
        }
    }

    /// Asks `leader` from now on, and at once.
    pub(crate) fn follow(&mut self, leader: Leader) {
        self.leader = Some(leader);
        self.missing = 0;
        self.retry_at = None;
    }

    /// Whether metadata with this `leadership` is to be acted on. That nobody leads the partition
    /// counts once per delay, however often it is said.
    pub(crate) fn is_news(&self, leadership: Leadership) -> bool {
        match leadership {
            Leadership::Led(leader) => self.leader != Some(leader),
            Leadership::Unknown => false,
            _ => self.leader.is_some() || self.needs_leader(),
        }
    }

    /// Whether somebody has to say who leads the partition.
    pub(crate) fn needs_leader(&self) -> bool {
        self.leader.is_none() && self.retry_at.is_none() && self.failure.is_none()
    }

    /// Whether nothing stands against asking a broker for more.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_paused && self.retry_at.is_none() && self.failure.is_none()
    }

    /// The offset reached, when that is the end of what may be read: everything before it was
    /// delivered and the log had nothing more when last asked.
    pub(crate) fn end_reached(&self) -> Option<Offset> {
        let Stage::Fetching { delivered, fetched } = self.stage else {
            return None;
        };
        let end = self.log_end?;
        (delivered == fetched && delivered >= end).then_some(delivered)
    }

    /// The end reached, once for each time that it is.
    pub(crate) fn announce_end(&mut self) -> Option<Offset> {
        let offset = self.end_reached().filter(|_| !self.is_end_announced)?;
        self.is_end_announced = true;
        Some(offset)
    }
}

impl Stage {
    /// Read from `offset` on.
    pub(crate) fn at(offset: Offset) -> Self {
        Self::Fetching { delivered: offset, fetched: offset }
    }

    fn lookup(lookup: Lookup) -> Self {
        Self::Lookup { delivered: None, lookup }
    }
}

impl From<StartOffset> for Stage {
    fn from(start: StartOffset) -> Self {
        match start {
            StartOffset::At(offset) => Self::at(offset),
            StartOffset::Earliest => Self::lookup(Lookup::start(End::Earliest)),
            StartOffset::Latest => Self::lookup(Lookup::start(End::Latest)),
        }
    }
}

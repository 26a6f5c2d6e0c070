//! `Positions`: what is assigned, whom each partition is read from, and which life of its position
//! that is.

use std::time::Instant;

use indexmap::IndexMap;
use kavka_protocol::{BrokerId, Offset, TopicId, TopicPartition};

use super::leadership::Leadership;
use super::planner::Planner;
use super::replica::Source;
use super::stage::{FetchPosition, Progress, Stage, StartOffset};
use crate::error::Error;
use crate::state::metadata::Leader;
use crate::state::timers::{earliest, is_reached};
use crate::stats::Counted;

/// One life of a position. Every assignment, seek and reset begins a new one, so that an answer to
/// a request of an earlier life is recognised and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64);

/// One assigned partition.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) version: Version,
    pub(crate) stage: Stage,
    pub(crate) is_paused: bool,
    /// The topic that has the name, as far as is known.
    pub(crate) topic_id: Option<TopicId>,
    /// Whether the position is one in that topic, and not in one that had the name before or after: a
    /// broker has given data by the id, or the cluster has confirmed it since.
    pub(crate) is_in_topic: bool,
    /// Whether that topic is gone, and nobody has said where to go on in the one that has its name now.
    pub(crate) is_orphaned: bool,
    pub(crate) leader: Option<Leader>,
    pub(crate) source: Source,
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
    /// The first offset that is still there, as far as a broker has said.
    pub(crate) log_start: Option<Offset>,
    /// Where what is read is counted, once there is something.
    pub(crate) counted: Option<Counted>,
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
    /// When the first of the sources changes back.
    next_source: Option<Instant>,
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

    /// Reads `partition` from `source` from now on.
    pub(crate) fn read_from(&mut self, partition: &TopicPartition, source: Source) {
        if let Some(position) = self.partitions.get_mut(partition) {
            position.source = source;
            self.next_source = earliest([self.next_source, source.until()]);
        }
    }

    /// Goes back to the leader of partitions whose replica `is_gone`.
    pub(crate) fn leave_replicas(&mut self, is_gone: impl Fn(&TopicPartition, BrokerId) -> bool) {
        for (partition, position) in &mut self.partitions {
            if position.source.replica().is_some_and(|replica| is_gone(partition, replica)) {
                position.source = Source::Leader;
            }
        }
    }

    /// Ends the delays that are over at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if !is_reached(self.next_retry, now) {
            return;
        }
        for position in self.partitions.values_mut() {
            position.retry_at = position.retry_at.filter(|at| *at > now);
        }
        self.next_retry = self.partitions.values().filter_map(|position| position.retry_at).min();
    }

    /// Goes back to the leader where it is time to. Says whether it was anywhere.
    pub(crate) fn handle_sources(&mut self, now: Instant) -> bool {
        if !is_reached(self.next_source, now) {
            return false;
        }
        for position in self.partitions.values_mut() {
            if is_reached(position.source.until(), now) {
                position.source = Source::Leader;
            }
        }
        self.next_source = earliest(self.partitions.values().map(|one| one.source.until()));
        true
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        earliest([self.next_retry, self.next_source])
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

    /// What `ask` has to know of the first leader that can be asked something now.
    pub(crate) fn questions<Q>(
        &mut self,
        planner: &Planner,
        mut ask: impl FnMut(&TopicPartition, &mut Position, Leader) -> Option<Q>,
    ) -> Option<(BrokerId, Vec<Q>)> {
        let mut plan: Option<(BrokerId, Vec<Q>)> = None;
        for (partition, position) in &mut self.partitions {
            let is_free = position.retry_at.is_none() && position.failure.is_none();
            let Some(leader) = position.leader.filter(|_| is_free) else { continue };
            let is_other = plan.as_ref().is_some_and(|(broker, _)| *broker != leader.broker);
            if is_other || planner.is_delayed(leader.broker) {
                continue;
            }
            if let Some(question) = ask(partition, position, leader) {
                plan.get_or_insert((leader.broker, Vec::new())).1.push(question);
            }
        }
        plan
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
            topic_id: None,
            is_in_topic: false,
            is_orphaned: false,
            leader: None,
            source: Source::Leader,
            asked_at: None,
            served: 0,
            refusals: 0,
            retry_at: None,
            missing: 0,
            failure: None,
            log_end: None,
            log_start: None,
            counted: None,
            is_end_announced: false,
        }
    }

    fn restart(&mut self, version: Version, stage: Stage) {
        self.version = version;
        self.stage = stage;
        self.refusals = 0;
        self.retry_at = None;
        self.failure = None;
        self.is_in_topic = false;
        self.is_orphaned = false;
        self.is_end_announced = false;
    }

    /// The next offset to hand to the application, if it is known.
    pub(crate) fn delivered(&self) -> Option<Offset> {
        match &self.stage {
            Stage::Fetching(progress) | Stage::Validating { progress, .. } => {
                Some(progress.delivered.offset)
            }
            Stage::Lookup { delivered, .. } => *delivered,
        }
    }

    /// Moves the position behind what is being handed to the application.
    pub(crate) fn deliver(&mut self, next: FetchPosition) {
        self.is_end_announced &= self.delivered() == Some(next.offset);
        match &mut self.stage {
            Stage::Fetching(progress) | Stage::Validating { progress, .. } => {
                progress.delivered = next;
            }
            Stage::Lookup { delivered, .. } => *delivered = Some(next.offset),
        }
    }

    /// What a broker is to be asked for next, if that may be done now.
    pub(crate) fn fetched(&self) -> Option<FetchPosition> {
        match self.stage {
            Stage::Fetching(Progress { fetched, .. }) => Some(fetched),
            Stage::Lookup { .. } | Stage::Validating { .. } => None,
        }
    }

    /// How far it has been read, unless a broker has to say where to read.
    pub(crate) fn progress(&self) -> Option<Progress> {
        match self.stage {
            Stage::Fetching(progress) | Stage::Validating { progress, .. } => Some(progress),
            Stage::Lookup { .. } => None,
        }
    }

    /// Data came: the next request starts behind it.
    pub(crate) fn advance(&mut self, next: FetchPosition, arrival: u64) {
        self.served = arrival;
        self.refusals = 0;
        if let Stage::Fetching(progress) = &mut self.stage {
            progress.fetched = next;
        }
    }

    /// The broker to fetch from.
    pub(crate) fn fetched_from(&self) -> Option<BrokerId> {
        self.leader.map(|leader| self.source.replica().unwrap_or(leader.broker))
    }

    /// Asks `leader` from now on, and at once; first of all for the log that was read until now.
    pub(crate) fn follow(&mut self, leader: Leader) {
        self.leader = Some(leader);
        self.source = Source::Leader;
        self.missing = 0;
        self.retry_at = None;
        if let Some(progress) = self.progress() {
            self.stage = Stage::validating(progress);
        }
    }

    /// Whether an answer of `leader` tells nothing any more, because there is another one, or another
    /// epoch of it.
    pub(crate) fn has_left(&self, leader: Leader) -> bool {
        self.leader.is_some_and(|present| present != leader)
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
        let is_held = self.is_paused || self.is_orphaned;
        !is_held && self.retry_at.is_none() && self.failure.is_none()
    }

    /// The offset reached, when that is the end of what may be read: everything before it was
    /// delivered and the log had nothing more when last asked.
    pub(crate) fn end_reached(&self) -> Option<Offset> {
        let Stage::Fetching(Progress { delivered, fetched }) = self.stage else {
            return None;
        };
        let (end, reached) = (self.log_end?, delivered.offset);
        (reached == fetched.offset && reached >= end).then_some(reached)
    }

    /// The end reached, once for each time that it is.
    pub(crate) fn announce_end(&mut self) -> Option<Offset> {
        let offset = self.end_reached().filter(|_| !self.is_end_announced)?;
        self.is_end_announced = true;
        Some(offset)
    }
}

//! `Planner`: which broker is asked next, for which partitions, and for how many bytes.
//!
//! One budget bounds what is on its way, buffered and held by the application together. A broker
//! has at most one fetch outstanding; that fetch reserves the most it may bring. Brokers take turns
//! and none overtakes another that waits for room; within a request, partitions that waited longest
//! stand first, since brokers fill answers from the front.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use indexmap::{Equivalent, IndexMap};
use kavka_protocol::{BrokerId, LeaderEpoch, Offset, TopicId, TopicPartition};

use super::positions::{Position, Positions, Version};
use super::session::{FetchSession, NO_SESSION, SessionId, SessionPart};
use super::stage::FetchPosition;
use crate::state::metadata::Leader;

/// The limits a fetch keeps, from the consumer's properties.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchLimits {
    /// `fetch.max.bytes`
    pub(crate) max_bytes: usize,
    /// `max.partition.fetch.bytes`
    pub(crate) max_partition_bytes: usize,
}

/// One fetch to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FetchPlan {
    pub(crate) broker: BrokerId,
    pub(crate) max_bytes: usize,
    pub(crate) max_partition_bytes: usize,
    /// Whether the broker may name a replica that is nearer to this client.
    pub(crate) may_name_replica: bool,
    /// What of it the broker has to be told.
    pub(crate) session: SessionPart,
}

/// What one fetch asks of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedPartition {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) topic_id: Option<TopicId>,
    pub(crate) offset: Offset,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    /// The epoch of the record before `offset`: the broker says if it has another one there.
    pub(crate) last_fetched_epoch: Option<LeaderEpoch>,
}

/// In which life of its position, at which offset and under which leader a partition was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) version: Version,
    pub(crate) offset: Offset,
    pub(crate) leader: Leader,
    pub(crate) topic_id: Option<TopicId>,
}

/// A fetch that has not been answered yet, or just was.
#[derive(Debug)]
pub(crate) struct Outstanding {
    reserved: usize,
    partitions: IndexMap<TopicPartition, Asked>,
}

/// What fills the budget besides the requests on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    pub(crate) buffered: usize,
    /// Whether the application would get something if it asked now.
    pub(crate) is_deliverable: bool,
}

/// Decides what to fetch.
///
/// Call `poll_fetch` until `None`; report each plan's end, whatever it was, through `finish`.
#[derive(Debug)]
pub(crate) struct Planner {
    limits: FetchLimits,
    /// The byte budget.
    limit: usize,
    /// What the application was given and has not dropped yet.
    held: usize,
    brokers: IndexMap<BrokerId, Broker>,
    turns: u64,
}

#[derive(Debug, Default)]
struct Broker {
    outstanding: Option<Outstanding>,
    session: FetchSession,
    /// How many assigned partitions are fetched from it.
    serves: usize,
    /// Not asked before then.
    retry_at: Option<Instant>,
    failures: u32,
    /// When it was last asked, as a count of requests.
    turn: u64,
}

impl Planner {
    pub(crate) fn new(limits: FetchLimits, limit: usize) -> Self {
        Self { limits, limit, held: 0, brokers: IndexMap::new(), turns: 0 }
    }

    /// The next fetch to send. The broker whose turn it is waits for room in the budget, and the
    /// others behind it; but when the application waits for data and does not itself hold all of
    /// the budget, every broker may send one request, so that nothing buffered for a paused
    /// partition, and no batch larger than the budget, stops the rest.
    pub(crate) fn poll_fetch(&mut self, positions: &Positions, stock: Stock) -> Option<FetchPlan> {
        let available = self.available(stock.buffered);
        let is_starving = !stock.is_deliverable && self.held < self.limit;
        if self.reserve(1) > available && !is_starving {
            return None;
        }
        for broker in self.idle_brokers() {
            let wanted = wanted(positions, broker);
            if wanted.is_empty() {
                continue;
            }
            let reserve = self.reserve(wanted.len());
            if reserve > available && !is_starving {
                return None;
            }
            return Some(self.plan(broker, reserve, wanted));
        }
        None
    }

    /// The fetch at `broker` is over: its reservation ends.
    pub(crate) fn finish(&mut self, broker: BrokerId) -> Option<Outstanding> {
        let outstanding = self.brokers.get_mut(&broker)?.outstanding.take();
        self.brokers.retain(|_, broker| broker.is_of_use());
        outstanding
    }

    /// The fetch session with `broker`.
    pub(crate) fn session(&mut self, broker: BrokerId) -> Option<&mut FetchSession> {
        self.brokers.get_mut(&broker).map(|broker| &mut broker.session)
    }

    /// The sessions that brokers keep for this consumer.
    pub(crate) fn sessions(&self) -> Vec<(BrokerId, SessionId)> {
        let sessions = self.brokers.iter().map(|(id, broker)| (*id, broker.session.id()));
        sessions.filter(|(_, session)| *session != NO_SESSION).collect()
    }

    /// Does not ask `broker` before `at`.
    pub(crate) fn delay(&mut self, broker: BrokerId, at: Instant) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.retry_at = Some(at);
        }
    }

    /// Counts one more failure in a row of `broker`.
    pub(crate) fn count_failure(&mut self, broker: BrokerId) -> u32 {
        let Some(broker) = self.brokers.get_mut(&broker) else { return 1 };
        broker.failures = broker.failures.saturating_add(1);
        broker.failures
    }

    pub(crate) fn forget_failures(&mut self, broker: BrokerId) {
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.failures = 0;
        }
    }

    /// Takes over where the assigned partitions are fetched from.
    pub(crate) fn handle_sources(&mut self, positions: &Positions) {
        for broker in self.brokers.values_mut() {
            broker.serves = 0;
        }
        for broker in positions.iter().filter_map(|(_, position)| position.fetched_from()) {
            self.brokers.entry(broker).or_default().serves += 1;
        }
        self.brokers.retain(|_, broker| broker.is_of_use());
    }

    /// The application was given `bytes`.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.held = self.held.saturating_add(bytes);
    }

    /// The application dropped `bytes` of what it was given.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Changes the budget; what exceeds the new one is not fetched again until there is room.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Ends the delays that are over at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for broker in self.brokers.values_mut() {
            broker.retry_at = broker.retry_at.filter(|at| *at > now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.brokers.values().filter_map(|broker| broker.retry_at).min()
    }

    /// Whether `broker` is not to be asked for the moment, after a failure or a throttle.
    pub(crate) fn is_delayed(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.retry_at.is_some())
    }

    /// Whether the last request to `broker` failed.
    pub(crate) fn has_failed(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.failures > 0)
    }

    /// Whether `broker` has a fetch to answer.
    pub(crate) fn is_asked(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.outstanding.is_some())
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// What the fetch outstanding at `broker` asks for, whether it names it or not.
    pub(crate) fn asked(&self, broker: BrokerId) -> impl Iterator<Item = &TopicPartition> {
        let outstanding = self.brokers.get(&broker).and_then(|broker| broker.outstanding.as_ref());
        outstanding.into_iter().flat_map(Outstanding::partitions)
    }

    /// What the requests on their way may bring.
    pub(crate) fn reserved(&self) -> usize {
        let outstanding = self.brokers.values().filter_map(|broker| broker.outstanding.as_ref());
        outstanding.map(|outstanding| outstanding.reserved).sum()
    }

    fn available(&self, buffered: usize) -> usize {
        let used = self.reserved().saturating_add(buffered).saturating_add(self.held);
        self.limit.saturating_sub(used)
    }

    /// The brokers that may be asked, longest waiting first.
    fn idle_brokers(&self) -> Vec<BrokerId> {
        let mut idle: Vec<_> = self.brokers.iter().filter(|(_, broker)| broker.is_idle()).collect();
        idle.sort_by_key(|(_, broker)| broker.turn);
        idle.into_iter().map(|(id, _)| *id).collect()
    }

    /// The most that a fetch of `partitions` may bring. Two answers of every broker fit into the
    /// budget: one being worked on, one on its way.
    fn reserve(&self, partitions: usize) -> usize {
        let sources = self.brokers.values().filter(|broker| broker.serves > 0).count();
        let share = self.limit / (2 * sources.max(1));
        let asked = self.limits.max_partition_bytes.saturating_mul(partitions);
        asked.min(self.limits.max_bytes).min(share).max(1)
    }

    fn plan(&mut self, id: BrokerId, reserve: usize, wanted: Vec<Wanted<'_>>) -> FetchPlan {
        self.turns += 1;
        let broker = self.brokers.entry(id).or_default();
        broker.turn = self.turns;
        broker.outstanding = Some(Outstanding {
            reserved: reserve,
            partitions: wanted
                .iter()
                .map(|wanted| (wanted.partition.clone(), wanted.asked))
                .collect(),
        });
        let max_partition_bytes = self.limits.max_partition_bytes.min(reserve);
        let may_name_replica = wanted.iter().all(|wanted| wanted.may_move);
        let wanted = wanted.iter().map(PlannedPartition::from).collect();
        let session = broker.session.plan(wanted, max_partition_bytes);
        FetchPlan { broker: id, max_bytes: reserve, max_partition_bytes, may_name_replica, session }
    }
}

impl Broker {
    fn is_idle(&self) -> bool {
        self.outstanding.is_none() && self.retry_at.is_none() && self.serves > 0
    }

    fn is_of_use(&self) -> bool {
        self.outstanding.is_some() || self.serves > 0 || self.session.id() != NO_SESSION
    }
}

impl Outstanding {
    /// Everything that was asked for.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.partitions.keys()
    }

    /// The names of the topics that were asked for by their ids.
    pub(crate) fn topic_names(&self) -> HashMap<TopicId, Arc<str>> {
        let named = self.partitions.iter();
        named.filter_map(|(tp, asked)| Some((asked.topic_id?, Arc::clone(&tp.topic)))).collect()
    }

    /// Takes out what was asked for a partition that an answer names.
    pub(crate) fn take(&mut self, topic: &str, partition: i32) -> Option<(TopicPartition, Asked)> {
        self.partitions.swap_remove_entry(&Name { topic, partition })
    }

    /// What no answer was taken for.
    pub(crate) fn into_rest(self) -> impl Iterator<Item = (TopicPartition, Asked)> {
        self.partitions.into_iter()
    }
}

/// A partition by the name in an answer, for a lookup that builds no key.
#[derive(Hash)]
struct Name<'a> {
    topic: &'a str,
    partition: i32,
}

impl Equivalent<TopicPartition> for Name<'_> {
    fn equivalent(&self, key: &TopicPartition) -> bool {
        self.partition == key.partition && self.topic == &*key.topic
    }
}

/// A partition that can be fetched now.
struct Wanted<'a> {
    partition: &'a TopicPartition,
    asked: Asked,
    last_fetched_epoch: Option<LeaderEpoch>,
    may_move: bool,
    served: u64,
}

impl<'a> Wanted<'a> {
    fn new(partition: &'a TopicPartition, position: &Position) -> Option<Self> {
        let FetchPosition { offset, epoch } = position.fetched()?;
        let (version, topic_id) = (position.version, position.topic_id);
        let asked = Asked { version, offset, leader: position.leader?, topic_id };
        let is_free = position.is_ready() && position.asked_at.is_none();
        // The log of a replica that is behind ends before the position, and yet is the same.
        let last_fetched_epoch = epoch.filter(|_| position.source.replica().is_none());
        let (may_move, served) = (position.source.may_move(), position.served);
        is_free.then_some(Self { partition, asked, last_fetched_epoch, may_move, served })
    }
}

impl From<&Wanted<'_>> for PlannedPartition {
    fn from(wanted: &Wanted<'_>) -> Self {
        Self {
            topic_partition: wanted.partition.clone(),
            topic_id: wanted.asked.topic_id,
            offset: wanted.asked.offset,
            leader_epoch: wanted.asked.leader.epoch,
            last_fetched_epoch: wanted.last_fetched_epoch,
        }
    }
}

/// What can be fetched from `broker`, longest waiting first.
fn wanted(positions: &Positions, broker: BrokerId) -> Vec<Wanted<'_>> {
    let mut wanted: Vec<_> = positions
        .iter()
        .filter(|(_, position)| position.fetched_from() == Some(broker))
        .filter_map(|(partition, position)| Wanted::new(partition, position))
        .collect();
    wanted.sort_by_key(|wanted| wanted.served);
    wanted
}

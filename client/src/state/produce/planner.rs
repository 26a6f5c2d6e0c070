//! Which broker gets which partitions in its next request.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::time::Instant;

use kavka_protocol::BrokerId;

use super::PartitionIndex;

/// Lines up partitions that have something to send before the broker that leads them.
///
/// `offer` says that a partition may have something. `poll_broker` names a broker that may be sent
/// a request; `next_partition` then yields, in turn, the partitions to put into it. Every request
/// is counted by `sent` and `answered`.
pub(super) struct Planner {
    max_in_flight: usize,
    leaders: Vec<Place>,
    brokers: BTreeMap<BrokerId, Queue>,
    /// Those that are offered while nobody is known to lead them.
    leaderless: BTreeSet<PartitionIndex>,
    /// The broker named last, so that the others come first next time.
    last: Option<BrokerId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    leader: Option<BrokerId>,
    /// It is in the queue of its leader, once and in no other, or will be when that is known.
    is_offered: bool,
}

#[derive(Default)]
struct Queue {
    partitions: VecDeque<PartitionIndex>,
    in_flight: usize,
    /// Nothing is sent before: the broker asked for it (KIP-219).
    muted_until: Option<Instant>,
}

impl Planner {
    /// A planner that allows `max.in.flight.requests.per.connection` requests at a time.
    pub(super) fn new(max_in_flight: usize) -> Self {
        let (leaders, brokers, leaderless) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { max_in_flight, leaders, brokers, leaderless, last: None }
    }

    /// The partition may have something to send.
    pub(super) fn offer(&mut self, index: PartitionIndex) {
        let place = self.place(index);
        if std::mem::replace(&mut place.is_offered, true) {
            return;
        }
        match place.leader {
            Some(leader) => {
                self.brokers.entry(leader).or_default().partitions.push_back(index);
            }
            None => drop(self.leaderless.insert(index)),
        }
    }

    /// The partition keeps its turn: it did not fit into the request.
    pub(super) fn offer_first(&mut self, index: PartitionIndex) {
        let place = self.place(index);
        let Some(leader) = place.leader.filter(|_| !place.is_offered) else {
            return self.offer(index);
        };
        place.is_offered = true;
        self.brokers.entry(leader).or_default().partitions.push_front(index);
    }

    /// The partition is led by `leader` from now on.
    pub(super) fn set_leader(&mut self, index: PartitionIndex, leader: Option<BrokerId>) {
        let place = self.place(index);
        let former = std::mem::replace(&mut place.leader, leader);
        if former == leader || !std::mem::take(&mut place.is_offered) {
            return;
        }
        // A place left behind would be a second one when the leader comes back, and a request has room for one
        // batch of a partition only.
        match former.and_then(|former| self.brokers.get_mut(&former)) {
            Some(queue) => queue.partitions.retain(|queued| *queued != index),
            None => drop(self.leaderless.remove(&index)),
        }
        self.offer(index);
    }

    /// A request to `broker` is under way.
    pub(super) fn sent(&mut self, broker: BrokerId) {
        self.brokers.entry(broker).or_default().in_flight += 1;
    }

    /// A request to `broker` has ended, however it did.
    pub(super) fn answered(&mut self, broker: BrokerId) {
        if let Some(queue) = self.brokers.get_mut(&broker) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
    }

    /// `broker` is not to be sent anything before `until`.
    pub(super) fn mute(&mut self, broker: BrokerId, until: Instant) {
        let queue = self.brokers.entry(broker).or_default();
        queue.muted_until = queue.muted_until.max(Some(until));
    }

    /// The next broker that has partitions waiting and may be sent a request; each in turn.
    pub(super) fn poll_broker(&mut self, now: Instant) -> Option<BrokerId> {
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.brokers.range((after, Bound::Unbounded));
        let found =
            later.chain(&self.brokers).find(|(_, queue)| queue.is_open(self.max_in_flight, now));
        let (broker, _) = found?;
        self.last = Some(*broker);
        self.last
    }

    /// The next partition to put into a request to `broker`.
    pub(super) fn next_partition(&mut self, broker: BrokerId) -> Option<PartitionIndex> {
        let index = self.brokers.get_mut(&broker)?.partitions.pop_front()?;
        self.place(index).is_offered = false;
        Some(index)
    }

    /// How many partitions wait for `broker`.
    pub(super) fn waiting(&self, broker: BrokerId) -> usize {
        self.brokers.get(&broker).map_or(0, |queue| queue.partitions.len())
    }

    /// Whether something is left for `broker` to take or to answer, or it has asked for a pause.
    pub(super) fn is_busy(&self, broker: BrokerId, now: Instant) -> bool {
        self.brokers.get(&broker).is_some_and(|queue| {
            queue.in_flight > 0
                || !queue.partitions.is_empty()
                || queue.muted_until.is_some_and(|until| until > now)
        })
    }

    /// When a broker that has partitions waiting may be sent a request again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.brokers
            .values()
            .filter(|queue| queue.has_turn(self.max_in_flight))
            .filter_map(|queue| queue.muted_until)
            .min()
    }

    /// Those that may have something to send, and nobody to send it to.
    pub(super) fn leaderless(&self) -> impl Iterator<Item = PartitionIndex> {
        self.leaderless.iter().copied()
    }

    pub(super) fn leader(&self, index: PartitionIndex) -> Option<BrokerId> {
        self.leaders.get(index.0).and_then(|place| place.leader)
    }

    fn place(&mut self, index: PartitionIndex) -> &mut Place {
        if self.leaders.len() <= index.0 {
            self.leaders.resize(index.0 + 1, Place::default());
        }
        &mut self.leaders[index.0]
    }
}

impl Queue {
    fn is_open(&self, max_in_flight: usize, now: Instant) -> bool {
        self.has_turn(max_in_flight) && self.muted_until.is_none_or(|until| until <= now)
    }

    fn has_turn(&self, max_in_flight: usize) -> bool {
        !self.partitions.is_empty() && self.in_flight < max_in_flight
    }
}

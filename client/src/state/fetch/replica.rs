//! Reading from a replica that is nearer than the leader (KIP-392): the leader names it to a client that
//! says which rack it is in.

use std::time::{Duration, Instant};

use kavka_protocol::{BrokerId, FetchedPartition, TopicPartition};

use super::{Fetcher, MetadataNeed};
use crate::state::metadata::LeaderHint;

/// Which copy of a partition is fetched.
///
/// ```text
/// Leader ──named one──► Replica ──of no use──► LeaderAlone
///   ▲                      │                        │
///   └────── lease over ────┴──── after a while ─────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The leader's, unless it names a replica.
    Leader,
    /// The replica's; then the leader is asked again.
    Replica { broker: BrokerId, until: Instant },
    /// The leader's, which is not asked for a replica: the one that it named was of no use, and it might
    /// name it again.
    LeaderAlone { until: Instant },
}

impl Source {
    /// The broker to fetch from instead of the leader.
    pub(crate) fn replica(self) -> Option<BrokerId> {
        match self {
            Self::Replica { broker, .. } => Some(broker),
            Self::Leader | Self::LeaderAlone { .. } => None,
        }
    }

    /// Whether the leader may name a replica.
    pub(crate) fn may_move(self) -> bool {
        !matches!(self, Self::LeaderAlone { .. })
    }

    /// When the leader is asked again, and for a replica too.
    pub(crate) fn until(self) -> Option<Instant> {
        match self {
            Self::Leader => None,
            Self::Replica { until, .. } | Self::LeaderAlone { until } => Some(until),
        }
    }
}

impl Fetcher {
    /// A broker said from which replica `partition` should be fetched, if it said anything. A lease is
    /// not renewed by saying the same again.
    pub(super) fn prefer(
        &mut self,
        partition: &TopicPartition,
        replica: Option<BrokerId>,
        now: Instant,
    ) {
        let (Some(replica), Some(position)) = (replica, self.positions.get(partition)) else {
            return;
        };
        if position.fetched_from() == Some(replica) {
            return;
        }
        let is_leader = position.leader.is_some_and(|leader| leader.broker == replica);
        let source = match is_leader {
            true => Source::Leader,
            false => Source::Replica { broker: replica, until: now + self.replica_lease },
        };
        self.positions.read_from(partition, source);
        self.have_sources_moved = true;
    }

    /// Goes back to the leader if `broker` is the replica that `partition` is fetched from.
    pub(super) fn leave_replica(
        &mut self,
        partition: &TopicPartition,
        broker: BrokerId,
        now: Instant,
    ) -> bool {
        let position = self.positions.get(partition);
        if position.and_then(|position| position.source.replica()) != Some(broker) {
            return false;
        }
        let source = Source::LeaderAlone { until: now + SHUNNED };
        self.positions.read_from(partition, source);
        self.have_sources_moved = true;
        true
    }

    /// What a replica refuses, the leader decides.
    pub(super) fn handle_replica_refusal(
        &mut self,
        partition: &TopicPartition,
        refused: &FetchedPartition,
    ) {
        if let Some((leader, epoch)) = refused.current_leader {
            let topic_partition = partition.clone();
            let topic_id = refused.topic.id();
            self.hints.push(LeaderHint { topic_partition, topic_id, leader, epoch });
        }
        self.metadata = Some(MetadataNeed::Fresh);
    }

    /// Lets the planner know what has changed since the last time.
    pub(super) fn settle_sources(&mut self) {
        if std::mem::take(&mut self.have_sources_moved) {
            self.planner.handle_sources(&self.positions);
        }
    }
}

/// How long a leader is not asked for replicas after one that it named was of no use. It goes on naming a
/// dead broker until that one's session with the controller is over, which takes nine seconds.
const SHUNNED: Duration = Duration::from_secs(30);

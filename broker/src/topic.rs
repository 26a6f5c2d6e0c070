//! Topics: their names, settings and partitions.

use kavka_protocol::{BrokerId, ErrorCode, LeaderEpoch, Offset, TopicId};

use crate::{
    leader_epochs::LeaderEpochs, log::PartitionLog, producer_state::ProducerStates,
    topic_config::TopicConfig,
};

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) config: TopicConfig,
    pub(crate) partitions: Vec<Partition>,
}

/// One partition: who serves it and what it holds.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The leader first.
    pub(crate) replicas: Vec<BrokerId>,
    pub(crate) leader_epoch: LeaderEpoch,
    leader_epochs: LeaderEpochs,
    pub(crate) log: PartitionLog,
    pub(crate) producers: ProducerStates,
}

impl Partition {
    /// An empty partition; the first replica leads it.
    pub(crate) fn new(replicas: Vec<BrokerId>) -> Self {
        Self {
            replicas,
            leader_epoch: LeaderEpoch(0),
            leader_epochs: LeaderEpochs::default(),
            log: PartitionLog::default(),
            producers: ProducerStates::default(),
        }
    }

    /// Makes `to` the leader, of a new epoch. A node without a replica takes over the old leader's.
    pub(crate) fn move_leader(&mut self, to: BrokerId) {
        match self.replicas.iter().position(|replica| *replica == to) {
            Some(index) => self.replicas.swap(0, index),
            None => self.replicas.splice(..1, [to]).for_each(drop),
        }
        self.leader_epoch = LeaderEpoch(self.leader_epoch.0 + 1);
        self.leader_epochs.begin(self.leader_epoch, self.log.end());
    }

    /// Makes `to` the leader, which lacks the batches that reach beyond `end`; returns how much memory
    /// that freed.
    pub(crate) fn elect_uncleanly(&mut self, to: BrokerId, end: Offset) -> usize {
        let freed = self.log.truncate(end);
        let end = self.log.end();
        self.leader_epochs.truncate(end);
        self.producers.truncate(end);
        self.move_leader(to);
        freed
    }

    /// Where `epoch`, or the last one before it, ends in the log; `None` for one that is to come.
    pub(crate) fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.leader_epochs.end_of(epoch, self.log.start(), self.log.end())
    }

    /// Whether somebody who believes in `epoch` means the present leader.
    pub(crate) fn check_epoch(&self, epoch: Option<LeaderEpoch>) -> Result<(), ErrorCode> {
        match epoch {
            Some(epoch) if epoch < self.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if epoch > self.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// The node that leads it.
    pub(crate) fn leader(&self) -> BrokerId {
        self.replicas.first().copied().unwrap_or(FIRST_NODE)
    }
}

/// What is needed to create a topic.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) replicas: Vec<Replicas>,
    pub(crate) config: TopicConfig,
}

impl NewTopic {
    /// Partitions spread over the nodes.
    pub(crate) fn spread(partitions: i32, factor: usize, config: TopicConfig) -> Self {
        let replicas = (0..partitions).map(|_| Replicas::Spread(factor)).collect();
        Self { replicas, config }
    }
}

/// Where the replicas of a new partition go.
#[derive(Debug, Clone)]
pub(crate) enum Replicas {
    /// So many, on nodes that follow one another.
    Spread(usize),
    /// On these nodes.
    Given(Vec<BrokerId>),
}

impl Replicas {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Spread(factor) => *factor,
            Self::Given(replicas) => replicas.len(),
        }
    }

    /// The nodes; spread ones begin at the node after `first` others.
    pub(crate) fn resolve(self, nodes: usize, first: usize) -> Vec<BrokerId> {
        match self {
            Self::Given(replicas) => replicas,
            Self::Spread(factor) => {
                let ids: Vec<BrokerId> = (1..).map(BrokerId).take(nodes).collect();
                ids.into_iter().cycle().skip(first % nodes.max(1)).take(factor).collect()
            }
        }
    }
}

/// Whether Kafka allows the name for a topic; the error says what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() {
        return Err("Topic name is invalid: it is empty".to_owned());
    }
    if matches!(name, "." | "..") {
        return Err("Topic name is invalid: '.' and '..' are not allowed".to_owned());
    }
    if name.len() > MAX_NAME_LENGTH {
        return Err(format!(
            "Topic name is invalid: it is longer than {MAX_NAME_LENGTH} characters"
        ));
    }
    if !name.bytes().all(legal) {
        return Err(format!(
            "Topic name is invalid: '{name}' has characters other than ASCII letters and digits, \
             '.', '_' and '-'"
        ));
    }
    Ok(())
}

/// Names of topics become names of directories on real brokers.
const MAX_NAME_LENGTH: usize = 249;

/// The node that serves where nothing else is known.
const FIRST_NODE: BrokerId = BrokerId(1);

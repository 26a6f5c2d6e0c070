//! What the cluster says about topics, partitions, brokers and offsets.

use std::sync::Arc;

use kavka_protocol::{BrokerId, LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

/// A topic as the cluster described it.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicMetadata {
    /// Its name.
    pub name: Arc<str>,
    /// Its id, which changes when it is deleted and created again; brokers before 2.8 have none.
    pub id: Option<TopicId>,
    /// Whether it belongs to Kafka itself.
    pub is_internal: bool,
    /// Its partitions in ascending order.
    pub partitions: Vec<PartitionMetadata>,
}

/// A partition as the cluster described it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionMetadata {
    /// Its number within the topic.
    pub partition: i32,
    /// The broker that takes reads and writes; `None` while there is none.
    pub leader: Option<BrokerId>,
    /// How often leadership has changed; brokers before 2.1 do not say.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The brokers that hold a copy.
    pub replicas: Vec<BrokerId>,
    /// Those of them that are in sync.
    pub isr: Vec<BrokerId>,
    /// Those of them that are offline.
    pub offline: Vec<BrokerId>,
}

impl TopicMetadata {
    /// Whether the partitions are numbered from 0 without gaps, as those of every topic are.
    pub(crate) fn is_whole(&self) -> bool {
        self.partitions.iter().zip(0..).all(|(partition, number)| partition.partition == number)
    }

    /// The partition with this number.
    pub fn partition(&self, partition: i32) -> Option<&PartitionMetadata> {
        let at = self.partitions.binary_search_by_key(&partition, |p| p.partition).ok()?;
        self.partitions.get(at)
    }
}

/// A broker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerNode {
    /// Its id.
    pub id: BrokerId,
    /// The host it listens on.
    pub host: Arc<str>,
    /// The port it listens on.
    pub port: u16,
    /// The rack it says it stands in.
    pub rack: Option<String>,
}

/// A cluster as one of its brokers described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Its id.
    pub id: Option<String>,
    /// The broker that takes administrative requests.
    pub controller: Option<BrokerId>,
    /// Its brokers in ascending order.
    pub brokers: Vec<BrokerNode>,
}

/// Which offset of a partition is asked for.
///
/// A broker that is too old for one refuses with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported),
/// which names it and the version of ListOffsets that it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first that is still in the log.
    Earliest,
    /// The first that the leader holds itself, and not only in tiered storage (KIP-405; from Kafka 3.6 on).
    /// Without tiered storage that is `Earliest`.
    EarliestLocal,
    /// The first that is not in tiered storage yet (KIP-1023; from Kafka 4.2 on). Without tiered storage
    /// there is none.
    EarliestPendingUpload,
    /// The one the next record will have.
    Latest,
    /// The last that is in tiered storage (KIP-1005; from Kafka 3.9 on). Without tiered storage there is
    /// none.
    LatestTiered,
    /// That of the first record at or after this time.
    Timestamp(Timestamp),
    /// That of the record with the latest time.
    MaxTimestamp,
}

/// An offset as the leader of its partition gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// The partition.
    pub topic_partition: TopicPartition,
    /// The offset; `None` when no record is at or after the time asked for, or none is in tiered storage.
    pub offset: Option<Offset>,
    /// The time of the record at that offset, when a time was asked for.
    pub timestamp: Option<Timestamp>,
    /// The leader epoch of that record.
    pub leader_epoch: Option<LeaderEpoch>,
}

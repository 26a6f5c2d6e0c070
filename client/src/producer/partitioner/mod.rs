//! Which partition a record goes to when its sender does not say.

mod custom;
mod murmur2;
mod round_robin;
mod sticky;

pub use custom::{Partitioner, TopicPartitioner, UnplacedRecord};
use fastrand::Rng;
pub(super) use murmur2::partition_for_key;
use round_robin::RoundRobin;
use sticky::Sticky;

use super::record::OutgoingRecord;
use crate::config::{PartitionerClass, ProducerConfig};

/// Chooses partitions for one topic; every topic has its own.
pub(super) struct Placement {
    strategy: Strategy,
    /// `partitioner.ignore.keys`
    ignores_keys: bool,
}

enum Strategy {
    Custom(Box<dyn TopicPartitioner>),
    RoundRobin(RoundRobin),
    /// For records without a key, or whose key does not count.
    Sticky(Sticky),
}

/// The partitions of a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partitions {
    /// How many there are; they are numbered from 0.
    pub(super) count: i32,
    /// Those that have a leader, ascending.
    pub(super) available: Vec<i32>,
    /// Those of them that are best for records which may go anywhere.
    pub(super) preferred: Vec<i32>,
}

impl Placement {
    /// What the application has given.
    pub(super) fn custom(partitioner: Box<dyn TopicPartitioner>) -> Self {
        Self { strategy: Strategy::Custom(partitioner), ignores_keys: true }
    }

    /// The partitioner that the properties name; `seed` is where chance comes from.
    pub(super) fn new(config: &ProducerConfig, seed: u64) -> Self {
        let random = Rng::with_seed(seed);
        let sticky = |ignores_keys, is_adaptive| {
            let sticky = Sticky::new(config.batch_size, is_adaptive, random.clone());
            Self { strategy: Strategy::Sticky(sticky), ignores_keys }
        };
        match config.partitioner_class {
            PartitionerClass::Default => {
                sticky(config.partitioner_ignore_keys, config.partitioner_adaptive)
            }
            PartitionerClass::UniformSticky => sticky(true, false),
            PartitionerClass::RoundRobin => {
                let strategy = Strategy::RoundRobin(RoundRobin::new(random.clone()));
                Self { strategy, ignores_keys: true }
            }
        }
    }

    /// The partition for `record`, of a topic that has at least one; `waiting` says how many batches a
    /// partition has that wait to be sent.
    #[inline]
    pub(super) fn choose(
        &mut self,
        record: &OutgoingRecord<'_>,
        partitions: &Partitions,
        waiting: impl Fn(i32) -> usize,
    ) -> i32 {
        match (&mut self.strategy, record.key) {
            (_, Some(key)) if !self.ignores_keys => partition_for_key(key, partitions.count),
            (Strategy::Custom(partitioner), _) => {
                partitioner.partition(&record.unplaced(), partitions)
            }
            (Strategy::RoundRobin(round_robin), _) => round_robin.choose(partitions),
            (Strategy::Sticky(sticky), _) => sticky.choose(partitions, waiting),
        }
    }

    /// A record that `choose` placed took `size` bytes; perhaps its batch has no room for another.
    #[inline]
    pub(super) fn handle_appended(&mut self, partition: i32, size: usize, is_batch_full: bool) {
        if let Strategy::Sticky(sticky) = &mut self.strategy {
            sticky.handle_appended(partition, size, is_batch_full);
        }
    }
}

impl Partitions {
    /// How many there are; they are numbered from 0.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Those that have a leader, ascending.
    pub fn available(&self) -> &[i32] {
        &self.available
    }

    /// One of the best that can be written to; any at all when none can.
    fn any(&self, random: &mut Rng) -> i32 {
        match random.choice(&self.preferred) {
            Some(partition) => *partition,
            None => random.i32(0..self.count.max(1)),
        }
    }

    /// One of the best that can be written to, the more likely the fewer batches it has `waiting` compared with
    /// the one that has most; `None` where that makes no difference.
    fn any_but_busy(&self, random: &mut Rng, waiting: impl Fn(i32) -> usize) -> Option<i32> {
        let loads = || self.preferred.iter().map(|partition| waiting(*partition));
        let most = loads().max().filter(|most| loads().any(|load| load < *most))?;
        let weights = || loads().map(|load| most + 1 - load);
        let mut drawn = random.usize(0..weights().sum());
        let place = weights().position(|weight| match drawn.checked_sub(weight) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        place.and_then(|place| self.preferred.get(place).copied())
    }
}

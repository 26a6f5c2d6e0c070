//! The topics a producer writes to, as its senders need them: which partitions, in which turn.

use std::collections::HashMap;
use std::sync::Arc;

use kavka_protocol::{ApiKey, TopicPartition};

use super::partitioner::{Partitioner, Partitions};
use crate::config::ProducerConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::state::produce::PartitionIndex;
use crate::topic::TopicMetadata;

/// Every topic written to so far.
pub(super) struct Topics {
    config: Arc<ProducerConfig>,
    seed: u64,
    topics: Vec<Topic>,
    by_name: HashMap<Arc<str>, usize>,
    /// Where the last one asked for is: records mostly come in runs of one topic.
    last: usize,
}

/// One topic.
pub(super) struct Topic {
    metadata: Arc<TopicMetadata>,
    partitions: Partitions,
    /// By the partition's number.
    indices: Vec<PartitionIndex>,
    partitioner: Partitioner,
}

impl Topics {
    /// No topics yet; `seed` is where chance comes from.
    pub(super) fn new(config: Arc<ProducerConfig>, seed: u64) -> Self {
        Self { config, seed, topics: Vec::new(), by_name: HashMap::new(), last: 0 }
    }

    /// Takes over what is known of a topic; `register` names its partitions. Fails, and changes
    /// nothing, when these are not numbered as partitions are: a number that came over the wire must not
    /// decide how many there are.
    pub(super) fn learn(
        &mut self,
        metadata: &Arc<TopicMetadata>,
        register: impl FnMut(TopicPartition) -> PartitionIndex,
    ) -> Result<()> {
        if !metadata.is_whole() {
            let message =
                "the answer leaves out partitions of the topic, or names some that cannot be";
            let error = Error::new(ErrorKind::MalformedAnswer, message).with_api(ApiKey::Metadata);
            return Err(error.about_topic(&metadata.name));
        }
        let place = match self.by_name.get(&metadata.name) {
            Some(place) if Arc::ptr_eq(&self.topics[*place].metadata, metadata) => return Ok(()),
            Some(place) => *place,
            None => self.add(metadata),
        };
        let topic = &mut self.topics[place];
        topic.metadata = Arc::clone(metadata);
        topic.partitions = partitions(metadata);
        let name = &topic.metadata.name;
        let numbered =
            (0..topic.partitions.count).map(|number| TopicPartition::new(Arc::clone(name), number));
        topic.indices = numbered.map(register).collect();
        Ok(())
    }

    /// The topic of this name, if anything is known of it.
    #[inline]
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Topic> {
        if self.topics.get(self.last).is_none_or(|topic| *topic.metadata.name != *name) {
            self.last = *self.by_name.get(name)?;
        }
        self.topics.get_mut(self.last)
    }

    /// The names of all.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.topics.iter().map(|topic| Arc::clone(&topic.metadata.name)).collect()
    }

    fn add(&mut self, metadata: &Arc<TopicMetadata>) -> usize {
        let place = self.topics.len();
        self.seed = self.seed.wrapping_add(1);
        let partitioner = Partitioner::new(&self.config, self.seed);
        let (partitions, indices) = (Partitions::default(), Vec::new());
        self.topics.push(Topic {
            metadata: Arc::clone(metadata),
            partitions,
            indices,
            partitioner,
        });
        self.by_name.insert(Arc::clone(&metadata.name), place);
        place
    }
}

impl Topic {
    /// The partition for a record with this key; `waiting` says how many batches of a partition wait.
    #[inline]
    pub(super) fn choose(
        &mut self,
        key: Option<&[u8]>,
        waiting: impl Fn(PartitionIndex) -> usize,
    ) -> i32 {
        let indices = &self.indices;
        let waiting = |partition| {
            let at = usize::try_from(partition).ok().and_then(|at| indices.get(at));
            at.map_or(0, |index| waiting(*index))
        };
        self.partitioner.choose(key, &self.partitions, waiting)
    }

    /// A record that `choose` placed took `size` bytes; perhaps its batch has no room for another.
    #[inline]
    pub(super) fn handle_appended(&mut self, partition: i32, size: usize, is_batch_full: bool) {
        self.partitioner.handle_appended(partition, size, is_batch_full);
    }

    /// The index of the partition with this number, if there is one.
    #[inline]
    pub(super) fn index(&self, partition: i32) -> Option<PartitionIndex> {
        self.indices.get(usize::try_from(partition).ok()?).copied()
    }

    /// How many partitions there are.
    pub(super) fn count(&self) -> i32 {
        self.partitions.count
    }
}

fn partitions(metadata: &TopicMetadata) -> Partitions {
    let count = i32::try_from(metadata.partitions.len()).unwrap_or(i32::MAX);
    let led = metadata.partitions.iter().filter(|partition| partition.leader.is_some());
    Partitions { count, available: led.map(|partition| partition.partition).collect() }
}

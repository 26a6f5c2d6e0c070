//! The topics a producer writes to, as its senders need them: which partitions, in which turn.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kavka_protocol::{ApiKey, BrokerId, TopicPartition};

use super::partitioner::{Partitioner, Partitions, Placement};
use super::record::OutgoingRecord;
use crate::config::{PartitionerClass, ProducerConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::state::produce::PartitionIndex;
use crate::topic::TopicMetadata;

/// Every topic written to so far.
pub(super) struct Topics {
    config: Arc<ProducerConfig>,
    custom: Option<Arc<dyn Partitioner>>,
    surroundings: Surroundings,
    seed: u64,
    topics: Vec<Topic>,
    by_name: HashMap<Arc<str>, usize>,
    /// Where the last one asked for is: records mostly come in runs of one topic.
    last: usize,
}

/// What is known of brokers that makes one partition better than another for records which may go
/// anywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Surroundings {
    /// Those in the rack of the producer, if that matters to it (KIP-1123).
    pub(super) nearby: Option<BTreeSet<BrokerId>>,
    /// Those that have not answered for too long (KIP-794).
    pub(super) silent: BTreeSet<BrokerId>,
}

/// One topic.
pub(super) struct Topic {
    metadata: Arc<TopicMetadata>,
    partitions: Partitions,
    /// By the partition's number.
    indices: Vec<PartitionIndex>,
    placement: Placement,
}

impl Topics {
    /// No topics yet; `seed` is where chance comes from.
    pub(super) fn new(
        config: Arc<ProducerConfig>,
        custom: Option<Arc<dyn Partitioner>>,
        seed: u64,
    ) -> Self {
        let (topics, by_name, surroundings) = (Vec::new(), HashMap::new(), Surroundings::default());
        Self { config, custom, surroundings, seed, topics, by_name, last: 0 }
    }

    /// Looks anew at which partitions are the best, where something is `changed` in what is known.
    pub(super) fn change_surroundings(&mut self, change: impl FnOnce(&mut Surroundings)) {
        let before = self.surroundings.clone();
        change(&mut self.surroundings);
        if self.surroundings == before {
            return;
        }
        for topic in &mut self.topics {
            topic.partitions = partitions(&topic.metadata, &self.config, &self.surroundings);
        }
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
        topic.partitions = partitions(metadata, &self.config, &self.surroundings);
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
        let placement = match &self.custom {
            Some(custom) => Placement::custom(custom.for_topic(&metadata.name)),
            None => Placement::new(&self.config, self.seed),
        };
        let (partitions, indices) = (Partitions::default(), Vec::new());
        self.topics.push(Topic { metadata: Arc::clone(metadata), partitions, indices, placement });
        self.by_name.insert(Arc::clone(&metadata.name), place);
        place
    }
}

impl Topic {
    /// The partition for `record`; `waiting` says how many batches of a partition wait.
    #[inline]
    pub(super) fn choose(
        &mut self,
        record: &OutgoingRecord<'_>,
        waiting: impl Fn(PartitionIndex) -> usize,
    ) -> i32 {
        let indices = &self.indices;
        let waiting = |partition| {
            let at = usize::try_from(partition).ok().and_then(|at| indices.get(at));
            at.map_or(0, |index| waiting(*index))
        };
        self.placement.choose(record, &self.partitions, waiting)
    }

    /// A record that `choose` placed took `size` bytes; perhaps its batch has no room for another.
    #[inline]
    pub(super) fn handle_appended(&mut self, partition: i32, size: usize, is_batch_full: bool) {
        self.placement.handle_appended(partition, size, is_batch_full);
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

fn partitions(
    metadata: &TopicMetadata,
    config: &ProducerConfig,
    surroundings: &Surroundings,
) -> Partitions {
    let count = i32::try_from(metadata.partitions.len()).unwrap_or(i32::MAX);
    let leaders =
        metadata.partitions.iter().filter_map(|known| Some((known.partition, known.leader?)));
    let leaders: Vec<(i32, BrokerId)> = leaders.collect();
    let available = leaders.iter().map(|(partition, _)| *partition).collect();
    let preferred = match config.partitioner_class {
        PartitionerClass::Default => surroundings.best(&leaders),
        PartitionerClass::RoundRobin | PartitionerClass::UniformSticky => Vec::clone(&available),
    };
    Partitions { count, available, preferred }
}

impl Surroundings {
    /// The best of these partitions: nearby and answering, or at least answering, or at least nearby.
    fn best(&self, leaders: &[(i32, BrokerId)]) -> Vec<i32> {
        let is_near =
            |leader: &BrokerId| self.nearby.as_ref().is_none_or(|nearby| nearby.contains(leader));
        let ranks = [(true, true), (false, true), (true, false), (false, false)];
        let mut of_rank = ranks.into_iter().map(|(is_nearby, is_answering)| {
            let is_good = |(_, leader): &&(i32, BrokerId)| {
                (!is_nearby || is_near(leader)) && (!is_answering || !self.silent.contains(leader))
            };
            leaders.iter().filter(is_good).map(|(partition, _)| *partition).collect::<Vec<_>>()
        });
        of_rank.find(|partitions| !partitions.is_empty()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;
    use crate::producer::shared::Shared;
    use crate::topic::PartitionMetadata;

    /// Partitions 0 to 3, led by brokers 1 to 4; nobody leads the last.
    fn topic() -> TopicMetadata {
        let (replicas, isr, offline) = (Vec::new(), Vec::new(), Vec::new());
        let first = PartitionMetadata {
            partition: 0,
            leader: None,
            leader_epoch: None,
            replicas,
            isr,
            offline,
        };
        let led = |partition| PartitionMetadata {
            partition,
            leader: (partition < 3).then_some(BrokerId(partition + 1)),
            ..first.clone()
        };
        let partitions = (0..4).map(led).collect();
        TopicMetadata { name: "orders".into(), id: None, is_internal: false, partitions }
    }

    fn brokers<const N: usize>(ids: [i32; N]) -> BTreeSet<BrokerId> {
        ids.into_iter().map(BrokerId).collect()
    }

    fn preferred(class: &str, surroundings: &Surroundings) -> Vec<i32> {
        let class = [("partitioner.class", class)].into_iter().collect();
        let config = ProducerConfig::resolve(&class).unwrap();
        partitions(&topic(), &config, surroundings).preferred
    }

    #[test]
    fn brokers_nearby_and_answering_come_first_then_answering_ones_then_those_nearby() {
        for (nearby, silent, expected) in [
            (None, brokers([]), vec![0, 1, 2]),
            (None, brokers([2]), vec![0, 2]),
            (None, brokers([1, 2, 3]), vec![0, 1, 2]),
            (Some(brokers([2, 3])), brokers([]), vec![1, 2]),
            (Some(brokers([2, 3])), brokers([3]), vec![1]),
            (Some(brokers([2, 3])), brokers([2, 3]), vec![0]),
            (Some(brokers([2, 3])), brokers([1, 2, 3]), vec![1, 2]),
            (Some(brokers([4])), brokers([]), vec![0, 1, 2]),
            (Some(brokers([])), brokers([1]), vec![1, 2]),
        ] {
            let surroundings = Surroundings { nearby, silent };
            assert_eq!(preferred("", &surroundings), expected, "{surroundings:?}");
        }
    }

    #[test]
    fn partitioners_named_by_their_class_look_at_nothing_but_leaders() {
        let surroundings = Surroundings { nearby: Some(brokers([2])), silent: brokers([1]) };
        for class in ["RoundRobinPartitioner", "UniformStickyPartitioner"] {
            assert_eq!(preferred(class, &surroundings), [0, 1, 2], "{class}");
        }
    }

    #[test]
    fn what_changes_around_a_topic_changes_what_is_best_in_it() {
        let config = ProducerConfig::resolve(&Properties::new()).unwrap();
        let shared = Shared::new(&Arc::new(config), None, "me", 7);
        shared.learn(&Arc::new(topic())).unwrap();
        let topics = &mut shared.lock().topics;
        topics.change_surroundings(|around| around.silent = brokers([1]));
        assert_eq!(topics.find("orders").unwrap().partitions.preferred, [1, 2]);
        topics.change_surroundings(|around| around.nearby = Some(brokers([3])));
        assert_eq!(topics.find("orders").unwrap().partitions.preferred, [2]);
    }
}

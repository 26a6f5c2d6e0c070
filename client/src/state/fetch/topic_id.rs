//! Topics that are deleted and created again under the same name (KIP-516): a position in the one says
//! nothing about the other.

use kavka_protocol::{FetchedTopic, Offset, TopicPartition};

use super::reset::{Lookup, ResetCause};
use super::stage::Stage;
use super::{ClusterView, Fetcher, MetadataNeed};
use crate::error::{Error, ErrorKind};

impl Fetcher {
    /// Compares the topics that are read with those that have their names now.
    pub(super) fn handle_topic_ids(&mut self, view: &impl ClusterView) {
        let known = self.positions.iter().filter_map(|(partition, position)| {
            let id = view.topic_id(partition)?;
            let is_news = position.topic_id != Some(id);
            let is_to_fail = position.is_orphaned && position.failure.is_none();
            (is_news || is_to_fail).then(|| (partition.clone(), id))
        });
        for (partition, id) in known.collect::<Vec<_>>() {
            let Some(position) = self.positions.get_mut(&partition) else { continue };
            position.topic_id = Some(id);
            if position.is_in_topic {
                self.handle_recreation(&partition);
            }
        }
    }

    /// A broker gave data of `partition`. What was asked for by the topic's id is of that topic; what was
    /// asked for by name is of the topic that the cluster has when it is asked now.
    pub(super) fn note_topic(&mut self, partition: &TopicPartition, topic: &FetchedTopic) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        match topic {
            FetchedTopic::Id(_) => position.is_in_topic = true,
            FetchedTopic::Name(_) if position.topic_id.is_some() && !position.is_in_topic => {
                if !self.is_refreshing {
                    self.metadata = Some(MetadataNeed::Fresh);
                }
            }
            FetchedTopic::Name(_) => {}
        }
    }

    /// The cluster was asked after every position was made: they are in the topics that it has.
    pub(super) fn confirm_topic_ids(&mut self, view: &impl ClusterView) {
        for (partition, position) in self.positions.iter_mut() {
            position.is_in_topic |= position
                .topic_id
                .is_some_and(|id| !position.is_orphaned && view.topic_id(partition) == Some(id));
        }
    }

    /// What was fetched of the old topic is delivered; `auto.offset.reset` says where to begin in the new
    /// one.
    fn handle_recreation(&mut self, partition: &TopicPartition) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        // Whoever waits for a lookup has no position yet that could be wrong.
        let Some(progress) = position.progress() else { return };
        let (from, delivered) = (progress.fetched.offset, position.delivered());
        let Some(lookup) = Lookup::instead_of(from, self.reset, ResetCause::Recreated) else {
            position.is_orphaned = true;
            return self.fail(partition, recreated(from));
        };
        self.positions.reset(partition, Stage::Lookup { delivered, lookup });
        self.has_questions = true;
    }
}

fn recreated(position: Offset) -> Error {
    let message = "the topic was deleted and created again: the position is one in the old topic, and \
                   auto.offset.reset is none; seek to where reading shall go on in the new one, or set \
                   auto.offset.reset to earliest or latest";
    Error::new(ErrorKind::TopicRecreated, message).with_offset(position)
}

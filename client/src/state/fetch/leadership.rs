//! Who leads the assigned partitions: what the metadata says, and what follows when it says that
//! nobody does.

use std::time::Instant;

use kavka_protocol::{ApiKey, BrokerId, ErrorCode, TopicId, TopicPartition};

use super::{Fetcher, MetadataNeed};
use crate::error::{Error, ErrorKind};
use crate::state::metadata::Leader;

/// What the metadata says about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leadership {
    /// This broker leads it.
    Led(Leader),
    /// It exists, but has no leader at present.
    Leaderless,
    /// The cluster has no such topic, or the topic no such partition.
    Missing(MissingPart),
    /// The cluster does not tell, for a reason that waiting will not change.
    Refused(ErrorCode),
    /// Not known yet.
    Unknown,
}

/// What of a partition's name does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingPart {
    Topic,
    Partition,
}

/// What the client knows of its cluster.
pub(crate) trait ClusterView {
    fn leadership(&self, partition: &TopicPartition) -> Leadership;

    /// Which topic has the name of this one, where the cluster says.
    fn topic_id(&self, partition: &TopicPartition) -> Option<TopicId>;

    /// Whether `broker` is there and has a copy of `partition`.
    fn is_online(&self, partition: &TopicPartition, broker: BrokerId) -> bool;
}

impl Fetcher {
    /// The metadata is what `view` shows, as far as it is known.
    pub(crate) fn handle_metadata(&mut self, view: &impl ClusterView, now: Instant) {
        self.jitter = self.retry_backoff.draw();
        self.handle_topic_ids(view);
        let news: Vec<_> = self
            .positions
            .iter()
            .map(|(partition, position)| (partition, position, view.leadership(partition)))
            .filter(|(_, position, leadership)| position.is_news(*leadership))
            .map(|(partition, _, leadership)| (partition.clone(), leadership))
            .collect();
        for (partition, leadership) in news {
            self.handle_leadership(&partition, leadership, now);
        }
        self.positions.leave_replicas(|partition, broker| !view.is_online(partition, broker));
        self.planner.handle_sources(&self.positions);
        self.has_questions = true;
        self.want_leaders();
    }

    /// The cluster was asked anew, and the metadata now is what `view` shows.
    pub(crate) fn handle_refresh(&mut self, view: &impl ClusterView, now: Instant) {
        self.is_refreshing = false;
        self.handle_metadata(view, now);
        self.confirm_topic_ids(view);
    }

    /// The cluster was asked anew and refused to answer, for a reason that does not pass by itself:
    /// the application is told, and what it does not know is asked for on.
    pub(crate) fn handle_refused_refresh(&mut self, error: Error) {
        self.is_refreshing = false;
        self.fault = Some(error);
        self.want_leaders();
    }

    /// Asks for fresh metadata while some partition has no leader.
    pub(super) fn want_leaders(&mut self) {
        let is_wanted = self.positions.iter().any(|(_, position)| position.needs_leader());
        if is_wanted && !self.is_refreshing {
            self.metadata = Some(MetadataNeed::Fresh);
        }
    }

    fn handle_leadership(
        &mut self,
        partition: &TopicPartition,
        leadership: Leadership,
        now: Instant,
    ) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        match leadership {
            Leadership::Led(leader) => position.follow(leader),
            Leadership::Unknown => {}
            Leadership::Leaderless => {
                position.leader = None;
                self.count_refusal(partition);
                self.delay(partition, now);
            }
            Leadership::Refused(code) => {
                position.leader = None;
                self.count_refusal(partition);
                self.delay(partition, now);
                self.fail(partition, Error::broker(code).with_api(ApiKey::Metadata));
            }
            Leadership::Missing(part) => {
                position.leader = None;
                position.missing += 1;
                if position.missing >= GONE_AFTER {
                    position.missing = 0;
                    self.fail(partition, missing(partition, part));
                }
                self.count_refusal(partition);
                self.delay(partition, now);
            }
        }
    }
}

fn missing(partition: &TopicPartition, part: MissingPart) -> Error {
    match part {
        MissingPart::Topic => Error::unknown_topic(&partition.topic),
        MissingPart::Partition => {
            let message =
                format!("topic {:?} has no partition {}", partition.topic, partition.partition);
            Error::new(ErrorKind::UnknownPartition, message)
        }
    }
}

/// A topic just made is not known to every broker at once; one that so many refreshes with growing
/// waits between them did not find is gone.
const GONE_AFTER: u32 = 5;

//! The errors that batches are given up with: where, how often tried, what was in the way.

use kavka_protocol::{ApiKey, BrokerId, TopicPartition};

use super::{IdentityRequest, Sender};
use crate::error::{Error, ErrorKind};
use crate::state::produce::PartitionIndex;
use crate::state::produce::batch::Batch;

impl<T> Sender<T> {
    /// The broker, or the way to it, refused the batch for the last time.
    pub(super) fn given_up(&self, batch: &Batch<T>, broker: BrokerId) -> Error {
        let cause = batch.trouble.clone();
        let kind = cause.as_ref().map_or(ErrorKind::ConnectionLost, Error::kind);
        let text = format!("given up after {}", attempts(batch.attempts));
        placed(with_cause(Error::new(kind, text), cause), &batch.topic_partition, Some(broker))
            .with_maybe_written(batch.maybe_written)
    }

    /// The batch was sent, or stood in line behind others that were, until its time was up.
    pub(super) fn timed_out(&self, batch: &Batch<T>) -> Error {
        let leader = self.planner.leader(batch.partition);
        let error = match batch.attempts {
            0 => self.overdue("behind other batches that are not acknowledged"),
            count => self.overdue(&format!("after {}", attempts(count))),
        };
        let known = leader.and_then(|leader| self.troubles.get(&leader));
        let cause = batch.trouble.clone().or_else(|| known.cloned());
        placed(with_cause(error, cause), &batch.topic_partition, leader)
            .with_maybe_written(batch.maybe_written)
    }

    /// The batch was not even taken before its time was up.
    pub(super) fn never_sent(
        &self,
        index: PartitionIndex,
        topic_partition: &TopicPartition,
    ) -> Error {
        let leader = self.planner.leader(index);
        let (error, cause) = match (leader, &self.identity) {
            (None, _) => (self.overdue("while the partition had no leader"), None),
            (_, IdentityRequest::Failed { error, .. }) => {
                (self.overdue("while there was no producer id"), Some(error))
            }
            (Some(leader), _) => (self.overdue("and never sent"), self.troubles.get(&leader)),
        };
        placed(with_cause(error, cause.cloned()), topic_partition, leader)
    }

    fn overdue(&self, circumstances: &str) -> Error {
        let limit = self.settings.delivery_timeout.as_millis();
        let text = format!("not acknowledged within delivery.timeout.ms={limit}, {circumstances}");
        Error::new(ErrorKind::Timeout, text)
    }
}

fn placed(error: Error, topic_partition: &TopicPartition, broker: Option<BrokerId>) -> Error {
    let error = error.with_api(ApiKey::Produce).with_topic_partition(topic_partition.clone());
    match broker {
        Some(broker) => error.with_broker(broker),
        None => error,
    }
}

fn with_cause(error: Error, cause: Option<Error>) -> Error {
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

fn attempts(count: u32) -> String {
    match count {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }
}

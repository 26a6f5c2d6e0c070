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
        let mut error = cause.unwrap_or_else(|| Error::new(ErrorKind::ConnectionLost, "no answer"));
        if batch.attempts > 1 {
            error = error.advise(&format!("given up after {}", attempts(batch.attempts)));
        }
        placed(error, &batch.topic_partition, Some(broker)).with_maybe_written(batch.maybe_written)
    }

    /// The batch was sent, or stood in line behind others that were, until its time was up.
    pub(super) fn timed_out(&self, batch: &Batch<T>) -> Error {
        let leader = self.planner.leader(batch.partition);
        let circumstances = match batch.attempts {
            0 => "behind batches that are not acknowledged either".to_owned(),
            count => format!("after {}", attempts(count)),
        };
        let trouble = batch.trouble.as_ref().or_else(|| self.trouble(leader));
        placed(self.overdue(&circumstances, trouble), &batch.topic_partition, leader)
            .with_maybe_written(batch.maybe_written)
    }

    /// The batch was not even taken before its time was up.
    pub(super) fn never_sent(
        &self,
        index: PartitionIndex,
        topic_partition: &TopicPartition,
    ) -> Error {
        let leader = self.planner.leader(index);
        let error = match (leader, &self.identity) {
            (None, _) => self.overdue("while the partition had no leader", None),
            (_, IdentityRequest::Failed { error, .. }) => {
                self.overdue("while there was no producer id", Some(error))
            }
            _ => self.overdue("and not even sent", self.trouble(leader)),
        };
        placed(error, topic_partition, leader)
    }

    fn overdue(&self, circumstances: &str, trouble: Option<&Error>) -> Error {
        let limit = self.settings.delivery_timeout.as_millis();
        let mut text =
            format!("not acknowledged within delivery.timeout.ms={limit}, {circumstances}");
        if let Some(trouble) = trouble {
            text.push_str(&format!("; the last trouble: {}", trouble.message()));
        }
        Error::new(ErrorKind::Timeout, text)
    }

    fn trouble(&self, broker: Option<BrokerId>) -> Option<&Error> {
        broker.and_then(|broker| self.troubles.get(&broker))
    }
}

fn placed(error: Error, topic_partition: &TopicPartition, broker: Option<BrokerId>) -> Error {
    let error = error.with_api(ApiKey::Produce).with_topic_partition(topic_partition.clone());
    match broker {
        Some(broker) => error.with_broker(broker),
        None => error,
    }
}

fn attempts(count: u32) -> String {
    match count {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }
}

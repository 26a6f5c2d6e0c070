//! Truncation detection (KIP-320): whether the log is still the one that was read.
//!
//! Every record carries the epoch of the leader that appended it. A leader whose log was behind when it
//! was elected uncleanly goes on with other records at offsets that were read before. So a new leader is
//! first asked where the epoch of the last record that was read ends in its log (OffsetForLeaderEpoch);
//! from Fetch version 12 on, brokers answer the same question along with each fetch. An end before the
//! position, or an earlier epoch, means that what was read is not in the log any more.

use std::collections::HashMap;
use std::time::Instant;

use kavka_protocol::{ApiKey, BrokerId, ErrorCode, LeaderEpoch, Offset, TopicPartition};

use super::Fetcher;
use super::positions::{Position, Version};
use super::reset::{Lookup, ResetCause};
use super::stage::{FetchPosition, Progress, Stage};
use crate::error::{Error, ErrorKind};
use crate::state::metadata::Leader;

/// Positions to be compared with the logs of one leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidationPlan {
    pub(crate) broker: BrokerId,
    pub(crate) partitions: Vec<ValidationPartition>,
}

/// One question of a [`ValidationPlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidationPartition {
    pub(crate) topic_partition: TopicPartition,
    pub(crate) leader: Leader,
    /// The epoch of the last record that was read.
    pub(crate) epoch: LeaderEpoch,
    version: Version,
}

/// What a leader says about one epoch of one log.
#[derive(Clone, Debug)]
pub(crate) struct ValidationAnswer {
    pub(crate) topic_partition: TopicPartition,
    /// `Ok(None)`: it knows nothing of this epoch.
    pub(crate) end: Result<Option<EpochEndOffset>, ErrorCode>,
}

/// The latest epoch in a log that is not later than the one asked about, and the offset behind its last
/// record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochEndOffset {
    pub(crate) epoch: LeaderEpoch,
    pub(crate) end_offset: Offset,
}

impl Fetcher {
    /// The next positions to be compared with what their leader has.
    pub(crate) fn poll_validation(&mut self) -> Option<ValidationPlan> {
        if !self.has_questions {
            return None;
        }
        let asked = self.positions.questions(&self.planner, |partition, position, leader| {
            let version = position.version;
            let Stage::Validating { progress, is_asked } = &mut position.stage else { return None };
            let epoch = progress.fetched.epoch.filter(|_| !*is_asked)?;
            *is_asked = true;
            Some(ValidationPartition { topic_partition: partition.clone(), leader, epoch, version })
        });
        let Some((broker, partitions)) = asked else {
            let mut stages = self.positions.iter().map(|(_, position)| &position.stage);
            self.has_questions = stages.any(|stage| !matches!(stage, Stage::Fetching(_)));
            return None;
        };
        Some(ValidationPlan { broker, partitions })
    }

    /// The questions of `plan` were answered, or failed as a whole.
    pub(crate) fn handle_validation(
        &mut self,
        plan: &ValidationPlan,
        answers: Result<Vec<ValidationAnswer>, Error>,
        now: Instant,
    ) {
        self.jitter = self.retry_backoff.draw();
        self.has_questions = true;
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                return self.take_as_valid(plan);
            }
            Err(error) => {
                self.handle_broker_failure(plan.broker, error, now);
                Vec::new()
            }
        };
        let answers: HashMap<_, _> =
            answers.into_iter().map(|answer| (answer.topic_partition, answer.end)).collect();
        for asked in &plan.partitions {
            let answer = answers.get(&asked.topic_partition).copied();
            self.handle_validated(asked, answer, now);
        }
    }

    /// A broker before 2.3 cannot be asked: everything is as it is without this check.
    fn take_as_valid(&mut self, plan: &ValidationPlan) {
        for asked in &plan.partitions {
            if let Some(position) = self.positions.current(&asked.topic_partition, asked.version)
                && let Some(progress) = position.progress()
                && !position.has_left(asked.leader)
            {
                position.stage = Stage::Fetching(progress);
            }
        }
    }

    fn handle_validated(
        &mut self,
        asked: &ValidationPartition,
        answer: Option<Result<Option<EpochEndOffset>, ErrorCode>>,
        now: Instant,
    ) {
        let partition = &asked.topic_partition;
        let Some(position) = self.positions.current(partition, asked.version) else { return };
        if position.has_left(asked.leader) {
            return;
        }
        let Stage::Validating { is_asked, .. } = &mut position.stage else { return };
        *is_asked = false;
        match answer {
            Some(Ok(Some(end))) => self.handle_epoch_end(partition, end),
            Some(Ok(None)) => self.handle_truncation(partition, None),
            Some(Err(code)) => {
                let error = Error::broker(code)
                    .with_api(ApiKey::OffsetForLeaderEpoch)
                    .with_broker(asked.leader.broker);
                self.handle_refusal(partition, code.into(), error, now);
            }
            None => {
                self.count_refusal(partition);
                self.delay(partition, now);
            }
        }
    }

    fn handle_epoch_end(&mut self, partition: &TopicPartition, end: EpochEndOffset) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        let Some(progress) = position.progress() else { return };
        if end.is_before(progress.fetched) {
            return self.handle_truncation(partition, Some(end));
        }
        position.refusals = 0;
        position.stage = Stage::Fetching(progress);
    }

    /// A broker answered a fetch by saying that its log ends differently.
    pub(super) fn handle_divergence(
        &mut self,
        partition: &TopicPartition,
        end: EpochEndOffset,
        now: Instant,
    ) {
        let fetched = self.positions.get(partition).and_then(Position::fetched);
        if fetched.is_some_and(|fetched| end.is_before(fetched)) {
            return self.handle_truncation(partition, Some(end));
        }
        // It does not, and the broker would say the same again.
        self.count_refusal(partition);
        self.delay(partition, now);
    }

    /// What was read last is not in the log. What the application has not got yet is fetched anew,
    /// from a position that has to be compared in its turn.
    fn handle_truncation(&mut self, partition: &TopicPartition, end: Option<EpochEndOffset>) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        let Some(Progress { delivered, fetched }) = position.progress() else { return };
        self.has_questions = true;
        if delivered != fetched {
            self.buffer.discard(partition);
            self.positions.reset(partition, Stage::validating(Progress::at(delivered)));
            return;
        }
        let from = delivered.offset;
        let Some(lookup) = Lookup::instead_of(from, self.reset, ResetCause::Truncated) else {
            return self.fail(partition, truncated(from, end));
        };
        match end {
            Some(end) => self.go_on_at(partition, from, end.before(from), ResetCause::Truncated),
            None => {
                let stage = Stage::Lookup { delivered: Some(from), lookup };
                self.positions.reset(partition, stage);
            }
        }
    }
}

impl EpochEndOffset {
    /// Whether a log with this end does not hold the records before `position`.
    fn is_before(self, position: FetchPosition) -> bool {
        self.end_offset < position.offset || position.epoch.is_some_and(|epoch| self.epoch < epoch)
    }

    /// The last position up to `offset` that a log with this end may share with the one that was read.
    fn before(self, offset: Offset) -> FetchPosition {
        FetchPosition { offset: self.end_offset.min(offset), epoch: Some(self.epoch) }
    }
}

fn truncated(position: Offset, end: Option<EpochEndOffset>) -> Error {
    let parting = match end {
        Some(end) => format!("at offset {} at the latest", end.before(position).offset),
        None => "nobody knows where".to_owned(),
    };
    let message = format!(
        "the log was truncated: it is not the one that was read up to this position any more (they part \
         {parting}), and auto.offset.reset is none; seek to where reading shall go on, or set \
         auto.offset.reset to earliest or latest"
    );
    Error::new(ErrorKind::LogTruncated, message).with_offset(position)
}

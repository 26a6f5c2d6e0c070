//! What becomes of the batches of a request that has ended.

use std::time::{Duration, Instant};

use kavka_protocol::messages::ProduceResponse;
use kavka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kavka_protocol::{ApiKey, BrokerId, Disposition, ErrorCode, LeaderEpoch, TopicId};

use super::{Answer, Attempt, Request, RequestNumber, Sender};
use crate::error::{Error, ErrorKind};
use crate::state::metadata::LeaderHint;
use crate::state::produce::batch::Acknowledged;
use crate::state::produce::outcome::{self, Circumstances, Outcome};
use crate::state::produce::split;

/// What one attempt came to.
struct Verdict {
    outcome: Outcome,
    /// It may have been written.
    leaves_open: bool,
    error: Option<Error>,
    acknowledged: Acknowledged,
}

impl<T: Clone> Sender<T> {
    /// How a request ended.
    pub(crate) fn handle_answer(&mut self, number: RequestNumber, answer: Answer, now: Instant) {
        let Some(mut request) = self.requests.remove(&number) else {
            return;
        };
        self.planner.answered(request.broker);
        if !matches!(answer, Answer::Lost(_)) {
            let has_more = self.planner.is_busy(request.broker, now);
            self.availability.answered(request.broker, has_more, now);
        }
        match answer {
            Answer::Unasked => self.handle_unasked(request, now),
            Answer::Response(response) => {
                self.handle_response(&mut request, &response, now);
                let error = Error::new(
                    ErrorKind::MalformedAnswer,
                    "the answer says nothing about this partition",
                );
                self.handle_loss(request, &error, true, now);
            }
            Answer::Lost(error) => {
                self.is_stale = true;
                self.troubles.insert(request.broker, error.clone());
                let leaves_open = error.may_have_been_written();
                self.handle_loss(request, &error, leaves_open, now);
            }
        }
    }

    fn handle_unasked(&mut self, request: Request, now: Instant) {
        for attempt in request.attempts {
            self.carry_out(&attempt, request.broker, Verdict::acked(Acknowledged::default()), now);
        }
    }

    fn handle_response(&mut self, request: &mut Request, response: &ProduceResponse, now: Instant) {
        self.troubles.remove(&request.broker);
        let throttle = u64::try_from(response.throttle_time_ms).unwrap_or_default();
        if throttle > 0 {
            self.planner.mute(request.broker, now + Duration::from_millis(throttle));
            self.availability.sent(request.broker, now);
        }
        for topic in &response.responses {
            for partition in &topic.partition_responses {
                let Some(attempt) = request.take(topic, partition.index) else {
                    continue;
                };
                let verdict = self.judge(&attempt, request.broker, partition);
                self.carry_out(&attempt, request.broker, verdict, now);
            }
        }
    }

    /// There is no answer for what is left of the request.
    fn handle_loss(&mut self, request: Request, error: &Error, leaves_open: bool, now: Instant) {
        let outcome = if is_worth_another(error) { Outcome::Retry } else { Outcome::Fail };
        for attempt in request.attempts {
            let error = Some(error.clone().with_topic_partition(attempt.topic_partition.clone()));
            let acknowledged = Acknowledged::default();
            let verdict = Verdict { outcome, leaves_open, error, acknowledged };
            self.carry_out(&attempt, request.broker, verdict, now);
        }
    }

    fn judge(
        &mut self,
        attempt: &Attempt,
        broker: BrokerId,
        answer: &PartitionProduceResponse,
    ) -> Verdict {
        let Some(code) = ErrorCode::from_code(answer.error_code) else {
            return Verdict::acked(acknowledged(answer));
        };
        self.note_leader(code, attempt, answer);
        let circumstances = self.circumstances(attempt);
        let error = self
            .explained(code, answer.error_message.as_deref())
            .with_api(ApiKey::Produce)
            .with_broker(broker)
            .with_topic_partition(attempt.topic_partition.clone());
        Verdict {
            outcome: outcome::classify(circumstances, Some(code)),
            leaves_open: outcome::leaves_open(code),
            error: Some(error),
            acknowledged: acknowledged(answer),
        }
    }

    /// What the broker answered, with what the reader can do about it.
    fn explained(&self, code: ErrorCode, sentence: Option<&str>) -> Error {
        let error = Error::broker_said(code, sentence);
        match code {
            ErrorCode::UnsupportedForMessageFormat if self.settings.is_idempotent => error.advise(
                "records of the topic are kept as they were before 0.11 (message.format.version), when \
                 there were no idempotent producers: set enable.idempotence=false",
            ),
            _ => error,
        }
    }

    fn circumstances(&self, attempt: &Attempt) -> Circumstances {
        let Attempt { partition, number, .. } = *attempt;
        let batch = self.sequencer.batch(partition, number);
        Circumstances {
            is_stamped: self.settings.is_idempotent,
            is_oldest: self.sequencer.is_oldest(partition, number),
            is_after_doubt: self.sequencer.is_after_doubt(partition, number),
            maybe_written: batch.is_none_or(|batch| batch.maybe_written),
            records: batch.map_or(0, |batch| batch.records),
        }
    }

    /// Passes on what the answer says about the leader.
    fn note_leader(
        &mut self,
        code: ErrorCode,
        attempt: &Attempt,
        answer: &PartitionProduceResponse,
    ) {
        if code.disposition() != Disposition::RefreshMetadata {
            return;
        }
        let leader = BrokerId::from_wire(answer.current_leader.leader_id.0);
        let epoch = LeaderEpoch::from_wire(answer.current_leader.leader_epoch);
        let (Some(leader), Some(epoch)) = (leader, epoch) else {
            self.is_stale = true;
            return;
        };
        let topic_partition = attempt.topic_partition.clone();
        let topic_id = attempt.topic_id;
        self.hints.push_back(LeaderHint { topic_partition, topic_id, leader, epoch });
    }

    fn carry_out(&mut self, attempt: &Attempt, broker: BrokerId, verdict: Verdict, now: Instant) {
        let Attempt { partition, number, .. } = *attempt;
        self.planner.offer(partition);
        let leader = self.planner.leader(partition);
        let has_moved = leader.is_some_and(|leader| leader != broker);
        let retries = self.settings.retries;
        let Some(batch) = self.sequencer.batch_mut(partition, number) else {
            return self.carry_out_for_shadow(attempt, &verdict);
        };
        batch.maybe_written |= verdict.leaves_open;
        batch.trouble.clone_from(&verdict.error);
        let is_spent = batch.attempts > retries;
        let until = match verdict.outcome {
            Outcome::Acked => now,
            // Leader epochs only go forward, so that it is not sent to and fro.
            _ if has_moved => now,
            _ => now + batch.backoff.next(),
        };
        match verdict.outcome {
            Outcome::Acked => self.settle_acked(attempt, verdict.acknowledged),
            Outcome::Retry if !is_spent => self.sequencer.retry(partition, number, until),
            Outcome::Restamp if !is_spent => self.sequencer.restamp(partition, number, until),
            Outcome::Split => self.split(attempt, broker, now),
            Outcome::Retry | Outcome::Restamp | Outcome::Fail => {
                self.settle_failed(attempt, broker)
            }
            Outcome::Fatal => {
                let error = verdict.error.unwrap_or_else(|| Error::closed("producer"));
                self.die(error);
            }
        }
    }

    /// The records were given up before; what is left to learn is whether the log has them.
    fn carry_out_for_shadow(&mut self, attempt: &Attempt, verdict: &Verdict) {
        match verdict.outcome {
            Outcome::Acked => drop(self.sequencer.acked(attempt.partition, attempt.number)),
            _ => drop(self.sequencer.fail(attempt.partition, attempt.number, true)),
        }
    }

    fn settle_acked(&mut self, attempt: &Attempt, acknowledged: Acknowledged) {
        if let Some(batch) = self.sequencer.acked(attempt.partition, attempt.number) {
            self.settle(batch, Ok(acknowledged));
        }
    }

    fn settle_failed(&mut self, attempt: &Attempt, broker: BrokerId) {
        let batch = self.sequencer.batch(attempt.partition, attempt.number);
        let maybe_written = batch.is_some_and(|batch| batch.maybe_written);
        if let Some(batch) = self.sequencer.fail(attempt.partition, attempt.number, maybe_written) {
            let error = self.given_up(&batch, broker);
            self.settle(batch, Err(error));
        }
    }

    fn split(&mut self, attempt: &Attempt, broker: BrokerId, now: Instant) {
        let Attempt { partition, number, .. } = *attempt;
        let Some(batch) = self.sequencer.batch(partition, number) else {
            return;
        };
        let codec = (self.settings.compression, self.settings.compression_level);
        match split::halves(batch, codec, &mut self.compressor) {
            Some(halves) => self.sequencer.split(partition, number, halves, now),
            None => self.settle_failed(attempt, broker),
        }
    }
}

/// Whether the same request may succeed within `delivery.timeout.ms` after `error`, which is not a
/// broker's answer to it. Credentials that are refused may be believed a moment later: they reach every
/// broker in its own time, and may be replaced.
pub(super) fn is_worth_another(error: &Error) -> bool {
    error.is_retriable() || error.is_authentication()
}

impl Verdict {
    fn acked(acknowledged: Acknowledged) -> Self {
        Self { outcome: Outcome::Acked, leaves_open: false, error: None, acknowledged }
    }
}

impl Request {
    /// Takes out the attempt for this partition; answers come in the order of requests. They give the
    /// topic's id if it was asked for by that, and its name otherwise.
    fn take(&mut self, topic: &TopicProduceResponse, partition: i32) -> Option<Attempt> {
        let id = TopicId::from_wire(topic.topic_id);
        let is_meant = |attempt: &Attempt| match id {
            Some(_) => attempt.topic_id == id,
            None => *attempt.topic_partition.topic == **topic.name,
        };
        let is_it =
            |attempt: &Attempt| attempt.topic_partition.partition == partition && is_meant(attempt);
        let place = self.attempts.iter().position(is_it)?;
        self.attempts.remove(place)
    }
}

fn acknowledged(answer: &PartitionProduceResponse) -> Acknowledged {
    let known = |number: i64| Some(number).filter(|number| *number >= 0);
    Acknowledged {
        base_offset: known(answer.base_offset),
        log_append_time: known(answer.log_append_time_ms),
    }
}

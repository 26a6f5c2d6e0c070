//! One rule each.

use kavka_protocol::messages::produce_response::LeaderIdAndEpoch;
use kavka_protocol::{LeaderEpoch, RecordBatchHeader, TopicId, messages};
use uuid::Uuid;

use super::*;
use crate::state::metadata::LeaderHint;

pub(super) const LEADER: BrokerId = BrokerId(1);
const OTHER: BrokerId = BrokerId(2);

/// A producer with an identity, whose partitions are all led by one broker.
pub(super) fn ready(settings: SenderSettings, partitions: i32) -> Fixture {
    let mut at = Fixture::new(settings, partitions);
    if at.sender.poll_identity(at.now) {
        at.sender.handle_identity(Ok(identity(7)), at.now);
    }
    for index in at.partitions.clone() {
        at.sender.handle_leader(index, Some(LEADER));
    }
    at
}

impl Fixture {
    fn plan(&mut self) -> ProducePlan {
        let mut plans = self.plans();
        assert_eq!(plans.len(), 1, "one request");
        plans.remove(0)
    }

    fn answer(&mut self, plan: &ProducePlan, answer: Answer) {
        self.sender.handle_answer(plan.number, answer, self.now);
    }

    fn fate(&mut self) -> Settled<usize> {
        let mut settled = self.settled();
        assert_eq!(settled.len(), 1, "one batch is settled");
        settled.remove(0)
    }

    fn error(&mut self) -> Error {
        self.fate().result.unwrap_err()
    }
}

fn half() -> String {
    "x".repeat(90)
}

#[test]
fn a_request_has_one_batch_of_each_partition() {
    let mut at = ready(settings(), 2);
    for partition in [0, 0, 1] {
        at.append(partition, &half(), 0).unwrap();
    }
    let plan = at.plan();
    let partitions: Vec<_> =
        plan.batches.iter().map(|batch| batch.topic_partition.partition).collect();
    assert_eq!((plan.broker, partitions), (LEADER, vec![0, 1]));
    at.answer(&plan, response([(0, Ok(0)), (1, Ok(0))]));
    assert_eq!(at.plan().batches.len(), 1);
}

#[test]
fn a_request_is_no_larger_than_allowed_unless_a_single_batch_is() {
    let mut at = ready(SenderSettings { max_request_size: 400, ..settings() }, 3);
    at.append(0, &half(), 0).unwrap();
    at.append(1, &half(), 0).unwrap();
    at.append(2, &"x".repeat(500), 0).unwrap();
    let sizes: Vec<_> = at.plans().iter().map(|plan| plan.batches.len()).collect();
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn five_batches_of_a_partition_are_under_way_once_the_first_is_written() {
    let mut at = ready(settings(), 1);
    for _ in 0..8 {
        at.append(0, &half(), 0).unwrap();
    }
    let first = at.plan();
    at.answer(&first, response([(0, Ok(0))]));
    assert_eq!(at.plans().len(), 5);
}

#[test]
fn max_in_flight_of_one_keeps_the_order_without_idempotence() {
    let mut at = ready(SenderSettings { is_idempotent: false, max_in_flight: 1, ..settings() }, 1);
    at.append(0, &half(), 0).unwrap();
    at.append(0, &half(), 1).unwrap();
    let first = at.plan();
    at.answer(&first, lost(true));
    at.now += BACKOFF * 2;
    assert_eq!(at.plan().batches, first.batches);
    assert!(at.plans().is_empty());
}

#[test]
fn a_lost_request_is_sent_again_with_the_same_bytes_after_a_backoff() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let first = at.plan();
    at.answer(&first, lost(true));
    assert!(at.plans().is_empty(), "not before the backoff is over");
    let again = at.sender.poll_timeout().unwrap();
    assert!((BACKOFF.mul_f64(0.8)..BACKOFF.mul_f64(1.21)).contains(&(again - at.now)));
    at.now = again;
    assert_eq!(at.plan().batches, first.batches);
    assert!(at.sender.take_stale(), "the leader may have moved");
}

#[test]
fn a_duplicate_counts_as_written() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, response([(0, Err(ErrorCode::DuplicateSequenceNumber))]));
    assert_eq!(at.fate().result.unwrap().base_offset, None);
}

#[test]
fn a_topic_in_an_old_format_says_what_to_switch_off() {
    for is_idempotent in [true, false] {
        let mut at = ready(SenderSettings { is_idempotent, ..settings() }, 1);
        at.append(0, "a", 0).unwrap();
        let plan = at.plan();
        at.answer(&plan, response([(0, Err(ErrorCode::UnsupportedForMessageFormat))]));
        let error = at.fate().result.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::UnsupportedForMessageFormat));
        let text = error.to_string();
        assert_eq!(text.contains("set enable.idempotence=false"), is_idempotent, "{text}");
    }
}

#[test]
fn without_acknowledgements_a_written_request_is_a_success() {
    let mut at = ready(SenderSettings { is_idempotent: false, ..settings() }, 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, Answer::Unasked);
    assert_eq!(at.fate().result.unwrap().base_offset, None);
}

#[test]
fn a_batch_that_is_too_large_goes_out_in_halves() {
    let mut at = ready(settings(), 1);
    for text in ["a", "b", "c"] {
        at.append(0, text, 9).unwrap();
    }
    let whole = at.plan();
    at.answer(&whole, response([(0, Err(ErrorCode::MessageTooLarge))]));
    let first = at.plan();
    assert_eq!(values(&first.batches[0].records), ["a", "b"]);
    at.answer(&first, response([(0, Ok(40))]));
    let second = at.plan();
    assert_eq!(values(&second.batches[0].records), ["c"]);
    let header = RecordBatchHeader::parse(&second.batches[0].records).unwrap();
    assert_eq!((header.producer_epoch.unwrap().0, header.base_sequence.unwrap().get()), (0, 2));
    at.answer(&second, response([(0, Ok(42))]));
    let settled = at.settled();
    let parts: Vec<_> =
        settled.iter().map(|part| (part.ticket, part.first, part.records, part.of)).collect();
    assert_eq!(parts, [(9, 0, 2, 3), (9, 2, 1, 3)]);
    assert_eq!(settled[1].result.as_ref().unwrap().base_offset, Some(42));
    assert_eq!(at.accumulator.unsettled(), 0);
}

#[test]
fn a_single_record_that_is_too_large_fails_with_the_brokers_words() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, response([(0, Err(ErrorCode::MessageTooLarge))]));
    let error = at.error();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
    assert!(!error.may_have_been_written());
    let text = error.to_string();
    assert!(
        text.starts_with("Produce at broker 1 for orders-0: MESSAGE_TOO_LARGE (10): "),
        "{text}"
    );
}

#[test]
fn a_batch_is_given_up_when_its_time_is_up_even_while_it_is_under_way() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let first = at.plan();
    at.answer(&first, lost(true));
    at.now += BACKOFF * 2;
    let second = at.plan();
    assert_eq!(at.sender.poll_timeout(), Some(at.now - BACKOFF * 2 + DELIVERY));
    at.now += DELIVERY;
    assert!(at.plans().is_empty());
    let error = at.error();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.may_have_been_written());
    let expected = "Produce at broker 1 for orders-0: not acknowledged within \
                    delivery.timeout.ms=120000, after 2 attempts; the last trouble: \
                    the connection ended; it may have been written all the same";
    assert_eq!(error.to_string(), expected);
    at.answer(&second, response([(0, Ok(0))]));
    assert!(at.settled().is_empty(), "settled is settled");
}

#[test]
fn a_batch_that_was_never_sent_says_what_was_in_the_way() {
    fn no_leader(at: &mut Fixture) {
        at.sender.handle_leader(at.partitions[0], None);
    }
    fn unreachable(at: &mut Fixture) {
        at.append(0, "a", 0).unwrap();
        let plan = at.plan();
        at.answer(&plan, lost(false));
    }
    for (prepare, expected) in [
        (no_leader as fn(&mut Fixture), "while the partition had no leader"),
        (unreachable, "and not even sent; the last trouble: the connection ended"),
    ] {
        let mut at = ready(settings(), 1);
        prepare(&mut at);
        at.append(0, "b", 7).unwrap();
        at.now += DELIVERY;
        at.plans();
        let settled = at.settled().into_iter().find(|settled| settled.ticket == 7).unwrap();
        let error = settled.result.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!error.may_have_been_written());
    }
}

#[test]
fn a_producer_without_an_id_asks_again_and_says_so_when_time_is_up() {
    let mut at = Fixture::new(settings(), 1);
    at.sender.handle_leader(at.partitions[0], Some(LEADER));
    assert!(at.sender.poll_identity(at.now));
    assert!(!at.sender.poll_identity(at.now), "once at a time");
    let error = Error::new(ErrorKind::Timeout, "no broker answered");
    at.sender.handle_identity(Err(error), at.now);
    assert!(!at.sender.poll_identity(at.now), "after a backoff");
    at.append(0, "a", 0).unwrap();
    assert!(at.plans().is_empty());
    at.now += DELIVERY;
    at.plans();
    let error = at.error();
    assert!(error.to_string().contains("while there was no producer id"), "{error}");
    assert!(at.sender.poll_identity(at.now));
}

#[test]
fn retries_are_counted() {
    let mut at = ready(SenderSettings { is_idempotent: false, retries: 1, ..settings() }, 1);
    at.append(0, "a", 0).unwrap();
    for _ in 0..2 {
        let plan = at.plan();
        at.answer(&plan, response([(0, Err(ErrorCode::RequestTimedOut))]));
        at.now += BACKOFF * 2;
    }
    let error = at.error();
    assert!(error.to_string().contains("given up after 2 attempts"), "{error}");
    assert!(error.may_have_been_written(), "the leader had it, the replicas perhaps not");
}

#[test]
fn what_a_batch_was_given_up_for_is_the_cause_of_its_error() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    let refusal = kavka_protocol::EncodeError::Value { field: "topic", value: 1 };
    at.answer(&plan, Answer::Lost(Error::from(refusal)));
    let error = at.error();
    let cause = std::error::Error::source(&error).expect("a cause");
    assert!(cause.to_string().contains("topic"), "{error}: {cause}");
}

#[test]
fn a_fatal_answer_ends_everything() {
    let mut at = ready(settings(), 2);
    at.append(0, "a", 0).unwrap();
    at.append(1, "b", 1).unwrap();
    let plan = at.plan();
    at.answer(&plan, response([(0, Err(ErrorCode::ClusterAuthorizationFailed))]));
    let settled = at.settled();
    assert_eq!(settled.len(), 2);
    assert!(settled.iter().all(|settled| settled.result.is_err()));
    assert!(at.sender.fatal().is_some());
    at.append(0, "c", 2).unwrap();
    assert!(at.plans().is_empty());
}

#[test]
fn a_refused_identity_is_fatal() {
    let mut at = Fixture::new(settings(), 1);
    assert!(at.sender.poll_identity(at.now));
    at.sender.handle_identity(Err(Error::broker(ErrorCode::ClusterAuthorizationFailed)), at.now);
    assert!(at.sender.fatal().is_some());
}

#[test]
fn credentials_that_are_refused_for_a_while_cost_neither_batch_nor_identity() {
    let refused = || Error::broker(ErrorCode::SaslAuthenticationFailed);
    let mut at = Fixture::new(settings(), 1);
    assert!(at.sender.poll_identity(at.now));
    at.sender.handle_identity(Err(refused()), at.now);
    assert!(at.sender.fatal().is_none());
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, Answer::Lost(refused()));
    at.now += BACKOFF * 2;
    let plan = at.plan();
    at.answer(&plan, Answer::Lost(Error::new(ErrorKind::Authentication, "unknown issuer")));
    at.now += DELIVERY;
    assert!(at.plans().is_empty());
    let error = at.error();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains("after 2 attempts; the last trouble: unknown issuer"),
        "{error}"
    );
}

#[test]
fn a_throttled_producer_leaves_the_broker_alone() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    let Answer::Response(answer) = response([(0, Ok(0))]) else {
        unreachable!();
    };
    at.answer(&plan, Answer::Response(answer.with_throttle_time_ms(500)));
    at.append(0, "b", 0).unwrap();
    assert!(at.plans().is_empty());
    at.now += Duration::from_millis(500);
    assert_eq!(at.plans().len(), 1);
}

#[test]
fn a_named_new_leader_is_tried_at_once() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    let Answer::Response(mut answer) = response([(0, Err(ErrorCode::NotLeaderOrFollower))]) else {
        unreachable!();
    };
    answer.responses[0].partition_responses[0].current_leader =
        LeaderIdAndEpoch::default().with_leader_id(messages::BrokerId(2)).with_leader_epoch(4);
    at.answer(&plan, Answer::Response(answer));
    let topic_partition = TopicPartition::new("orders", 0);
    let (topic_id, leader, epoch) = (None, OTHER, LeaderEpoch(4));
    let hint = LeaderHint { topic_partition, topic_id, leader, epoch };
    assert_eq!(at.sender.poll_hint(), Some(hint));
    at.sender.handle_leader(at.partitions[0], Some(OTHER));
    assert_eq!(at.plan().broker, OTHER);
}

#[test]
fn a_new_leader_is_tried_as_soon_as_it_is_known_however_often_it_changes() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let first = at.plan();
    at.answer(&first, lost(true));
    for leader in [OTHER, LEADER, OTHER] {
        assert!(at.plans().is_empty(), "the leader that is known may need a moment");
        at.sender.handle_leader(at.partitions[0], None);
        assert!(at.plans().is_empty());
        at.sender.handle_leader(at.partitions[0], Some(leader));
        let again = at.plan();
        assert_eq!((again.broker, &again.batches), (leader, &first.batches));
        at.answer(&again, response([(0, Err(ErrorCode::NotLeaderOrFollower))]));
        at.sender.handle_leader(at.partitions[0], Some(leader));
    }
}

#[test]
fn what_a_former_leader_refuses_goes_to_the_one_that_is_known_by_then_at_once() {
    for answer in [lost(true), response([(0, Err(ErrorCode::NotLeaderOrFollower))])] {
        let mut at = ready(settings(), 1);
        at.append(0, "a", 0).unwrap();
        let first = at.plan();
        at.sender.handle_leader(at.partitions[0], Some(OTHER));
        assert!(at.plans().is_empty(), "it may still be written where it was sent");
        at.answer(&first, answer);
        let again = at.plan();
        assert_eq!((again.broker, &again.batches), (OTHER, &first.batches));
    }
}

#[test]
fn a_moved_partition_without_a_hint_asks_for_metadata() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, response([(0, Err(ErrorCode::NotLeaderOrFollower))]));
    assert!(at.sender.take_stale());
    assert!(!at.sender.take_stale());
}

#[test]
fn a_batch_that_the_old_topic_did_not_take_goes_to_the_new_one_with_the_same_bytes() {
    let [old, new] = [1, 2].map(Uuid::from_u128);
    let mut at = ready(settings(), 1);
    at.sender.handle_topic(at.partitions[0], Some(TopicId(old)));
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    assert_eq!(plan.batches[0].topic_id, Some(TopicId(old)));
    at.answer(&plan, by_id(response([(0, Err(ErrorCode::UnknownTopicId))]), old));
    assert!(at.sender.take_stale(), "the metadata is out of date");
    at.sender.handle_topic(at.partitions[0], Some(TopicId(new)));
    at.now += BACKOFF * 2;
    let again = at.plan();
    assert_eq!(again.batches[0].topic_id, Some(TopicId(new)));
    assert_eq!(again.batches[0].records, plan.batches[0].records);
    at.answer(&again, by_id(response([(0, Ok(0))]), new));
    assert_eq!(at.fate().result.unwrap().base_offset, Some(0));
}

#[test]
fn an_answer_about_another_topic_says_nothing_about_this_one() {
    let mut at = ready(settings(), 1);
    at.sender.handle_topic(at.partitions[0], Some(TopicId(Uuid::from_u128(1))));
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, by_id(response([(0, Ok(0))]), Uuid::from_u128(2)));
    assert_eq!(at.error().kind(), ErrorKind::MalformedAnswer);
}

#[test]
fn an_answer_that_forgets_a_partition_fails_it_as_possibly_written() {
    let mut at = ready(settings(), 2);
    at.append(0, "a", 0).unwrap();
    at.append(1, "b", 1).unwrap();
    let plan = at.plan();
    at.answer(&plan, response([(1, Ok(0)), (5, Ok(0))]));
    let failed = at.settled().into_iter().find(|settled| settled.ticket == 0).unwrap();
    let error = failed.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedAnswer);
    assert!(error.may_have_been_written());
}

#[test]
fn a_broker_that_cannot_do_it_at_all_is_not_asked_again() {
    let mut at = ready(settings(), 1);
    at.append(0, "a", 0).unwrap();
    let plan = at.plan();
    at.answer(&plan, Answer::Lost(Error::new(ErrorKind::Unsupported, "broker lacks Produce")));
    assert_eq!(at.error().kind(), ErrorKind::Unsupported);
}

#[test]
fn giving_up_settles_everything_and_says_what_may_be_written() {
    let mut at = ready(settings(), 2);
    at.append(0, "a", 0).unwrap();
    at.plan();
    at.append(1, "b", 1).unwrap();
    at.sender.give_up(&Error::closed("producer"));
    let error = at.error();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.may_have_been_written());
    assert_eq!(at.accumulator.unsettled(), 1, "what was not taken is the owner's to settle");
}

//! Produce: what is appended, what is refused, and what a retry gets.

use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::{
    ApiKey, BrokerId, Compression, ErrorCode, ProducerStamp, TopicPartition, decode_response,
    messages::{ProduceRequest, ProduceResponse, produce_response::PartitionProduceResponse},
};

use crate::{
    BrokerConfig,
    cluster::Step,
    log::PartitionLog,
    testing::{
        NEWEST_PRODUCE, World, answer, batch, batch_of, batch_of_size, create, damaged, forged,
        offsets, produce_frame, stamp,
    },
};

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn error(answer: &PartitionProduceResponse) -> Option<ErrorCode> {
    ErrorCode::from_code(answer.error_code)
}

fn log<'a>(world: &'a World, topic: &str) -> &'a PartitionLog {
    &world.cluster.topics[topic].partitions[0].log
}

fn stored(world: &World) -> Bytes {
    Bytes::from(log(world, "orders").read(0, usize::MAX, true).concat())
}

fn send(world: &mut World, batch: Bytes, acks: i16, version: i16) -> ProduceResponse {
    let frame = produce_frame(&orders(), batch, acks, version);
    decode_response::<ProduceRequest>(answer(world.send(&frame).unwrap()), version).unwrap()
}

fn only(response: &ProduceResponse) -> &PartitionProduceResponse {
    &response.responses[0].partition_responses[0]
}

#[test]
fn batches_are_appended_in_every_version() {
    for version in 3..=NEWEST_PRODUCE {
        let mut world = World::with_topic("orders");
        for (count, expected) in [(3, 0), (2, 3)] {
            let response = send(&mut world, batch(count), -1, version);
            let partition = only(&response);
            assert_eq!((partition.error_code, partition.base_offset), (0, expected));
            assert_eq!(partition.log_append_time_ms, -1);
            assert_eq!(partition.log_start_offset, if version >= 5 { 0 } else { -1 });
        }
        assert_eq!(offsets(&stored(&world)), [0, 1, 2, 3, 4], "version {version}");
    }
}

#[test]
fn without_acknowledgement_there_is_no_answer_and_an_error_closes_the_connection() {
    let mut world = World::with_topic("orders");
    let frame = produce_frame(&orders(), batch(1), 0, NEWEST_PRODUCE);
    assert!(matches!(world.send(&frame).unwrap(), Step::Silent));
    assert_eq!(offsets(&stored(&world)), [0]);
    let frame = produce_frame(&TopicPartition::new("orders", 9), batch(1), 0, NEWEST_PRODUCE);
    assert!(matches!(world.send(&frame).unwrap(), Step::Close));
}

#[test]
fn acknowledgements_are_minus_1_0_or_1() {
    for (acks, expected) in [(1, 0), (-1, 0), (2, 21), (-2, 21)] {
        let response = send(&mut World::with_topic("orders"), batch(1), acks, NEWEST_PRODUCE);
        assert_eq!(only(&response).error_code, expected, "acks={acks}");
    }
}

#[test]
fn a_refused_batch_leaves_no_trace() {
    let transactional = ProducerStamp { is_transactional: true, ..stamp(0, 0) };
    for (what, bad, expected) in [
        ("nothing", Bytes::new(), ErrorCode::InvalidRecord),
        ("a damaged batch", damaged(&batch(3), 70, &[0xff]), ErrorCode::CorruptMessage),
        ("a malformed record", forged(&batch(3), 61, &[0x7e]), ErrorCode::InvalidRecord),
        (
            "transactional",
            batch_of(&[1], Compression::None, Some(transactional)),
            ErrorCode::InvalidTxnState,
        ),
        ("too large", batch_of_size(1_100_000), ErrorCode::MessageTooLarge),
    ] {
        let mut world = World::with_topic("orders");
        let answer = world.produce(&orders(), bad);
        assert_eq!((error(&answer), answer.base_offset), (Some(expected), -1), "{what}");
        assert_eq!((log(&world, "orders").end(), world.cluster.retention.held()), (0, 0), "{what}");
    }
}

#[test]
fn the_records_to_blame_are_named_where_an_answer_has_room_for_them() {
    for version in 3..=NEWEST_PRODUCE {
        let mut world = World::with_topic("orders");
        let tomorrow = world.now.timestamp + 24 * 3_600_000;
        let late = batch_of(&[1, tomorrow, 2, tomorrow], Compression::None, None);
        let response = send(&mut world, late, -1, version);
        let partition = only(&response);
        assert_eq!(error(partition), Some(ErrorCode::InvalidTimestamp), "version {version}");
        let places: Vec<_> = partition.record_errors.iter().map(|e| e.batch_index).collect();
        assert_eq!(places, if version >= 8 { &[1, 3][..] } else { &[] }, "version {version}");
        assert_eq!(partition.error_message.is_some(), version >= 8);
    }
}

#[test]
fn the_limit_of_a_batch_is_kafkas_or_the_topics() {
    let large = batch_of_size(1_048_588 - 10);
    assert_eq!(error(&World::with_topic("orders").produce(&orders(), large)), None);
    let mut world = World::new(1);
    world.ask(&create("orders", 1, &[("max.message.bytes", "1000")]), 7);
    assert_eq!(error(&world.produce(&orders(), batch_of_size(900))), None);
    let refused = world.produce(&orders(), batch_of_size(1100));
    assert_eq!(error(&refused), Some(ErrorCode::MessageTooLarge));
}

#[test]
fn zstd_needs_version_7() {
    for (version, expected) in [(6, 76), (7, 0)] {
        let batch = batch_of(&[1], Compression::Zstd, None);
        let response = send(&mut World::with_topic("orders"), batch, 1, version);
        assert_eq!(only(&response).error_code, expected, "version {version}");
    }
}

#[test]
fn unknown_places_are_named_and_never_created() {
    for (topic, partition) in [("orders", 1), ("orders", -1), ("users", 0)] {
        let mut world = World::with_topic("orders");
        let answer = world.produce(&TopicPartition::new(topic, partition), batch(1));
        assert_eq!(error(&answer), Some(ErrorCode::UnknownTopicOrPartition));
        assert_eq!(world.cluster.topics.len(), 1);
    }
}

#[test]
fn the_wrong_node_names_the_right_one() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    for version in [9, NEWEST_PRODUCE] {
        let response = send(&mut world, batch(1), -1, version);
        let partition = only(&response);
        assert_eq!(error(partition), Some(ErrorCode::NotLeaderOrFollower));
        let hint = (partition.current_leader.leader_id.0, partition.current_leader.leader_epoch);
        assert_eq!(hint, if version >= 10 { (2, 1) } else { (-1, -1) });
        assert_eq!(response.node_endpoints.len(), if version >= 10 { 2 } else { 0 });
    }
    world.node = BrokerId(2);
    assert_eq!(error(&world.produce(&orders(), batch(1))), None);
}

#[test]
fn a_retried_batch_is_answered_with_its_first_offset() {
    let mut world = World::with_topic("orders");
    let numbered = |sequence| batch_of(&[1, 2], Compression::None, Some(stamp(0, sequence)));
    world.produce(&orders(), batch(5));
    let answers = [0, 2, 0, 2, 4].map(|sequence| world.produce(&orders(), numbered(sequence)));
    assert_eq!(answers.each_ref().map(error), [None; 5]);
    assert_eq!(answers.map(|answer| answer.base_offset), [5, 7, 5, 7, 9]);
    assert_eq!(offsets(&stored(&world)).len(), 5 + 6);
}

#[test]
fn a_retried_batch_is_answered_with_the_time_of_its_records() {
    for (setting, expected) in [("CreateTime", None), ("LogAppendTime", Some(0))] {
        let mut world = World::new(1);
        world.ask(&create("orders", 1, &[("message.timestamp.type", setting)]), 7);
        let written = world.now.timestamp;
        let numbered = batch_of(&[70, 90, 80], Compression::None, Some(stamp(0, 0)));
        world.produce(&orders(), numbered.clone());
        world.after(Duration::from_secs(1));
        let again = world.produce(&orders(), numbered).log_append_time_ms;
        assert_eq!(again, expected.map_or(90, |since| written + since), "{setting}");
    }
}

#[test]
fn producers_are_forgotten_that_have_been_gone_for_a_day() {
    let mut world = World::with_topic("orders");
    let numbered = |time, sequence| batch_of(&[time], Compression::None, Some(stamp(0, sequence)));
    let begun = world.now.timestamp;
    world.produce(&orders(), numbered(begun, 0));
    for (since, expected) in [
        (Duration::from_secs(24 * 3600 - 1), Some(ErrorCode::OutOfOrderSequenceNumber)),
        // Nobody looks more often than every ten minutes.
        (Duration::from_secs(2), Some(ErrorCode::OutOfOrderSequenceNumber)),
        (Duration::from_secs(600), None),
    ] {
        world.after(since);
        let answer = world.produce(&orders(), numbered(begun, 70));
        assert_eq!(error(&answer), expected, "after {since:?}");
    }
}

#[test]
fn a_missing_batch_and_an_old_epoch_are_refused() {
    let mut world = World::with_topic("orders");
    let numbered =
        |epoch, sequence| batch_of(&[1], Compression::None, Some(stamp(epoch, sequence)));
    world.produce(&orders(), numbered(1, 0));
    let gap = world.produce(&orders(), numbered(1, 2));
    assert_eq!(error(&gap), Some(ErrorCode::OutOfOrderSequenceNumber));
    let fenced = world.produce(&orders(), numbered(0, 1));
    assert_eq!(error(&fenced), Some(ErrorCode::InvalidProducerEpoch));
    assert_eq!(error(&world.produce(&orders(), numbered(1, 1))), None);
}

#[test]
fn log_append_time_is_that_of_the_broker() {
    let mut world = World::new(1);
    world.ask(&create("orders", 1, &[("message.timestamp.type", "LogAppendTime")]), 7);
    let answer = world.produce(&orders(), batch(2));
    assert_eq!(answer.log_append_time_ms, world.now.timestamp);
}

#[test]
fn retention_bounds_the_memory_of_all_topics_together_oldest_first() {
    let limit = 4 << 20;
    let mut world = World::with(BrokerConfig { retention_bytes: limit, ..BrokerConfig::default() });
    world.ask(&create("quiet", 1, &[]), 7);
    world.ask(&create("orders", 1, &[]), 7);
    world.produce(&TopicPartition::new("quiet", 0), batch(1));
    for _ in 0..300 {
        assert_eq!(error(&world.produce(&orders(), batch_of_size(100_000))), None);
        assert!(world.cluster.retention.held() <= limit);
    }
    let (quiet, busy) = (log(&world, "quiet"), log(&world, "orders"));
    assert_eq!((quiet.start(), quiet.end()), (1, 1), "the oldest segment of all went first");
    assert_eq!(busy.end(), 300);
    assert!((255..275).contains(&busy.start()), "{}", busy.start());
    let held = quiet.allocated() + busy.allocated();
    assert_eq!(u64::try_from(held).unwrap(), world.cluster.retention.held());
}

#[test]
fn a_limit_below_one_segment_keeps_the_newest() {
    let mut world = World::with(BrokerConfig { retention_bytes: 0, ..BrokerConfig::default() });
    world.ask(&create("orders", 1, &[]), 7);
    for _ in 0..5 {
        world.produce(&orders(), batch_of_size(12_000));
    }
    let log = log(&world, "orders");
    assert_eq!((log.start(), log.end()), (4, 5));
}

#[test]
fn a_topic_can_keep_less() {
    let mut world = World::new(1);
    world.ask(&create("orders", 1, &[("retention.bytes", "50000")]), 7);
    for _ in 0..100 {
        world.produce(&orders(), batch_of_size(16_000));
    }
    assert!(log(&world, "orders").start() > 90, "{}", log(&world, "orders").start());
    let answer = world.produce(&orders(), batch(1));
    let log = log(&world, "orders");
    assert_eq!(answer.log_start_offset, log.start());
    assert_eq!(u64::try_from(log.allocated()).unwrap(), world.cluster.retention.held());
}

#[test]
fn a_log_that_refuses_a_batch_says_where_it_begins_unless_the_batch_is_damaged_or_too_large() {
    let mut world = World::with_topic("orders");
    world.produce(&orders(), batch_of(&[1, 2, 3], Compression::None, Some(stamp(0, 0))));
    world.cluster.partition_mut("orders", 0).unwrap().log.delete_before(2);
    let good = batch(3);
    for (what, bad, log_start) in [
        ("no records", forged(&good, 57, &[0; 4]), 2),
        ("a gap", batch_of(&[1], Compression::None, Some(stamp(0, 7))), 2),
        ("damaged", damaged(&good, 70, &[0xff]), -1),
        ("too large", batch_of_size(1_100_000), -1),
        ("no batch", Bytes::new(), -1),
        ("two batches", [&good[..], &good].concat().into(), -1),
    ] {
        let refused = world.produce(&orders(), bad);
        assert!(error(&refused).is_some(), "{what}");
        assert_eq!((refused.base_offset, refused.log_start_offset), (-1, log_start), "{what}");
    }
}

#[test]
fn the_script_refuses_a_batch() {
    let mut world = World::with_topic("orders");
    world.cluster.script.fail(ApiKey::Produce, ErrorCode::NotEnoughReplicas, 1);
    let refused = world.produce(&orders(), batch(1));
    assert_eq!(error(&refused), Some(ErrorCode::NotEnoughReplicas));
    assert_eq!(world.produce(&orders(), batch(1)).base_offset, 0);
}

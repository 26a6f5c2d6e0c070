//! Fetch with its long poll, and ListOffsets.

use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::{
    ApiKey, BrokerId, Compression, CorrelationId, ErrorCode, LeaderEpoch, Offset, TopicPartition,
    encode_request,
    messages::{
        DeleteTopicsRequest, FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest,
        TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
    },
};

use crate::{
    cluster::Step,
    testing::{
        World, answer, batch, batch_of, batch_of_size, create, fetch, forged, offsets, parked, walk,
    },
};

const NEWEST: i16 = 12;

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn send(world: &mut World, request: &FetchRequest) -> Step {
    let frame = encode_request(request, NEWEST, CorrelationId(5), "test").unwrap();
    world.send(&frame).unwrap()
}

#[test]
fn records_are_fetched_from_their_offset_in_every_version() {
    for version in 4..=NEWEST {
        let mut world = World::with_topic("orders");
        world.produce(&orders(), batch(3));
        world.produce(&orders(), batch(2));
        let partition = world.fetch(&fetch(&[("orders", 0, 3)]), version).remove(0);
        assert_eq!(partition.error, None, "version {version}");
        assert_eq!((partition.high_watermark, partition.last_stable_offset), (Some(5), Some(5)));
        assert_eq!(partition.log_start_offset, (version >= 5).then_some(0));
        assert_eq!(offsets(&partition.records), [3, 4]);
        assert!(partition.aborted_transactions.is_empty());
    }
}

#[test]
fn what_cannot_be_fetched_is_said_at_once() {
    let mut world = World::with_topic("orders");
    world.produce(&orders(), batch(3));
    world.cluster.partition_mut("orders", 0).unwrap().log.delete_before(2);
    for (topic, partition, offset, expected) in [
        ("orders", 0, 1, ErrorCode::OffsetOutOfRange),
        ("orders", 0, 4, ErrorCode::OffsetOutOfRange),
        ("orders", 0, -1, ErrorCode::OffsetOutOfRange),
        ("orders", 1, 0, ErrorCode::UnknownTopicOrPartition),
        ("users", 0, 0, ErrorCode::UnknownTopicOrPartition),
    ] {
        let answer = world.fetch(&fetch(&[(topic, partition, offset)]), NEWEST).remove(0);
        assert_eq!(answer.error, Some(expected), "{topic}-{partition} at {offset}");
        assert_eq!((answer.high_watermark, answer.records), (None, Bytes::new()));
    }
}

#[test]
fn the_wrong_node_and_the_wrong_epoch_are_refused() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    world.produce(&orders(), batch(1));
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    for (node, epoch, error) in [
        (1, -1, Some(ErrorCode::NotLeaderOrFollower)),
        (1, 1, Some(ErrorCode::NotLeaderOrFollower)),
        (1, 0, Some(ErrorCode::FencedLeaderEpoch)),
        (2, 0, Some(ErrorCode::FencedLeaderEpoch)),
        (2, 2, Some(ErrorCode::UnknownLeaderEpoch)),
        (2, 1, None),
        (2, -1, None),
    ] {
        world.node = BrokerId(node);
        let answer = world.fetch(&in_epoch(epoch), NEWEST).remove(0);
        // Kafka names the leader from version 16 on.
        assert_eq!((answer.error, answer.current_leader), (error, None), "node {node}, {epoch}");
        let listed = world.ask(&list(-1, epoch), 10).topics[0].partitions[0].error_code;
        assert_eq!(ErrorCode::from_code(listed), error, "node {node}, {epoch}");
    }
}

#[test]
fn the_leader_is_named_when_the_script_wants_that() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    world.cluster.script.hints_leaders = true;
    let leader = Some((BrokerId(2), LeaderEpoch(1)));
    for (node, epoch, hint) in [(1, -1, leader), (2, 0, leader), (2, 2, None)] {
        world.node = BrokerId(node);
        let answer = world.fetch(&in_epoch(epoch), NEWEST).remove(0);
        assert_eq!(answer.current_leader, hint, "node {node}, {epoch}");
    }
}

/// A request of a client that believes in a leader's epoch.
fn in_epoch(epoch: i32) -> FetchRequest {
    let mut request = fetch(&[("orders", 0, 0)]).with_max_wait_ms(0);
    request.topics[0].partitions[0].current_leader_epoch = epoch;
    request
}

#[test]
fn bytes_are_shared_out_in_order_and_the_first_batch_always_comes() {
    let mut world = World::new(1);
    world.ask(&create("orders", 2, &[]), 7);
    let size = batch_of_size(10_000).len();
    for partition in [0, 1] {
        for _ in 0..3 {
            world.produce(&TopicPartition::new("orders", partition), batch_of_size(10_000));
        }
    }
    for (max, of_partition, expected) in [
        (0, 1 << 20, [1, 0]),
        (10, 10, [1, 0]),
        (2 * size, 1 << 20, [2, 0]),
        (5 * size, 1 << 20, [3, 2]),
        (1 << 20, 2 * size, [2, 2]),
        (1 << 20, 1, [1, 0]),
        (1 << 20, 1 << 20, [3, 3]),
    ] {
        let positions = fetch(&[("orders", 0, 0), ("orders", 1, 0)]);
        let mut request = positions.with_max_bytes(i32::try_from(max).unwrap());
        for topic in &mut request.topics {
            topic.partitions[0].partition_max_bytes = i32::try_from(of_partition).unwrap();
        }
        let partitions = world.fetch(&request, NEWEST);
        let counts: Vec<_> = partitions.iter().map(|p| offsets(&p.records).len()).collect();
        assert_eq!(counts, expected, "{max} bytes, {of_partition} of a partition");
        let bytes: usize = partitions.iter().map(|p| p.records.len()).sum();
        assert!(bytes <= max.max(size), "{bytes} bytes of {max}");
    }
}

#[test]
fn a_fetch_waits_until_there_is_enough() {
    let mut world = World::with_topic("orders");
    let wanted = i32::try_from(batch(1).len() + 1).unwrap();
    let waiting = parked(send(&mut world, &fetch(&[("orders", 0, 0)]).with_min_bytes(wanted)));
    assert_eq!(waiting.until, world.now.instant + Duration::from_secs(1));
    let before = world.cluster.changes();
    world.produce(&orders(), batch(1));
    assert_ne!(world.cluster.changes(), before, "an append wakes those who wait");
    let waiting = parked(world.resume(waiting));
    world.produce(&orders(), batch(1));
    let partitions = walk(answer(world.resume(waiting)), NEWEST);
    assert_eq!(offsets(&partitions[0].records), [0, 1]);
}

#[test]
fn a_fetch_does_not_wait_for_more_than_it_may_be_given() {
    let mut world = World::with_topic("orders");
    world.produce(&orders(), batch_of_size(1000));
    world.produce(&orders(), batch_of_size(1000));
    let request = fetch(&[("orders", 0, 0)]).with_max_bytes(1500).with_min_bytes(1 << 20);
    let partition = world.fetch(&request, NEWEST).remove(0);
    assert_eq!(partition.records.len(), 1500);
}

#[test]
fn a_fetch_gives_up_when_its_time_is_over() {
    let mut world = World::with_topic("orders");
    let waiting = parked(send(&mut world, &fetch(&[("orders", 0, 0)])));
    world.after(Duration::from_millis(999));
    let waiting = parked(world.resume(waiting));
    world.after(Duration::from_millis(1));
    let partitions = walk(answer(world.resume(waiting)), NEWEST);
    assert_eq!((partitions[0].error, partitions[0].high_watermark), (None, Some(0)));
    assert!(partitions[0].records.is_empty());
}

#[test]
fn a_fetch_that_wants_nothing_or_will_not_wait_is_answered_at_once() {
    let mut world = World::with_topic("orders");
    let position = &[("orders", 0, 0)];
    for request in
        [fetch(position).with_max_wait_ms(0), fetch(position).with_min_bytes(0), fetch(&[])]
    {
        answer(send(&mut world, &request));
    }
}

#[test]
fn a_waiting_fetch_learns_of_a_new_leader_and_of_the_topics_end() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    let moved = parked(send(&mut world, &fetch(&[("orders", 0, 0)])));
    let deleted = parked(send(&mut world, &fetch(&[("orders", 0, 0)])));
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    let partitions = walk(answer(world.resume(moved)), NEWEST);
    assert_eq!(partitions[0].error, Some(ErrorCode::NotLeaderOrFollower));
    let names = vec![TopicName("orders".to_owned().into())];
    world.ask(&DeleteTopicsRequest::default().with_topic_names(names), 5);
    let partitions = walk(answer(world.resume(deleted)), NEWEST);
    assert_eq!(partitions[0].error, Some(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn the_script_fails_a_fetch_but_not_one_that_waits_already() {
    let mut world = World::with_topic("orders");
    let waiting = parked(send(&mut world, &fetch(&[("orders", 0, 0)])));
    world.cluster.script.fail(ApiKey::Fetch, ErrorCode::KafkaStorageError, 1);
    world.produce(&orders(), batch(1));
    let partitions = walk(answer(world.resume(waiting)), NEWEST);
    assert_eq!(partitions[0].error, None);
    let failed = world.fetch(&fetch(&[("orders", 0, 0)]), NEWEST).remove(0);
    assert_eq!(failed.error, Some(ErrorCode::KafkaStorageError));
}

fn list(timestamp: i64, epoch: i32) -> ListOffsetsRequest {
    let partition =
        ListOffsetsPartition::default().with_timestamp(timestamp).with_current_leader_epoch(epoch);
    let topic = ListOffsetsTopic::default().with_name(TopicName("orders".to_owned().into()));
    ListOffsetsRequest::default().with_topics(vec![topic.with_partitions(vec![partition])])
}

/// Error code, offset, timestamp and leader epoch.
fn listed(world: &mut World, timestamp: i64, version: i16) -> (i16, Offset, i64, i32) {
    let answer = world.ask(&list(timestamp, -1), version).topics.remove(0).partitions.remove(0);
    (answer.error_code, answer.offset, answer.timestamp, answer.leader_epoch)
}

#[test]
fn offsets_are_listed_in_every_version() {
    for version in 1..=11 {
        let epoch = |epoch| if version >= 4 { epoch } else { -1 };
        let mut world = World::with_topic("orders");
        assert_eq!(listed(&mut world, -1, version), (0, 0, -1, epoch(0)));
        world.produce(&orders(), batch_of(&[100, 300, 200], Compression::Gzip, None));
        world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(1));
        world.produce(&orders(), batch_of(&[400], Compression::None, None));
        world.cluster.partition_mut("orders", 0).unwrap().log.delete_before(1);
        for (timestamp, expected) in [
            (-1, (0, 4, -1, epoch(1))),
            (-2, (0, 1, -1, epoch(0))),
            (0, (0, 1, 300, epoch(0))),
            (301, (0, 3, 400, epoch(1))),
            (401, (0, -1, -1, -1)),
        ] {
            let listed = listed(&mut world, timestamp, version);
            assert_eq!(listed, expected, "version {version}, {timestamp}");
        }
    }
}

#[test]
fn what_newer_versions_can_ask_for_is_answered_from_there_on() {
    let unsupported = (ErrorCode::UnsupportedVersion.code(), -1, -1, -1);
    for (timestamp, since, expected) in [
        (-3, 7, (0, 1, 300, 0)),
        (-4, 8, (0, 0, -1, 0)),
        (-5, 9, (0, -1, -1, -1)),
        (-6, 11, (0, -1, -1, -1)),
        (-7, 11, unsupported),
    ] {
        for version in 4..=11 {
            let mut world = World::with_topic("orders");
            world.produce(&orders(), batch_of(&[100, 300, 200], Compression::None, None));
            let expected = if version >= since { expected } else { unsupported };
            let listed = listed(&mut world, timestamp, version);
            assert_eq!(listed, expected, "{timestamp} in version {version}");
        }
    }
}

#[test]
fn records_are_found_by_their_own_times_whatever_the_producer_says_is_the_greatest() {
    for (codec, claimed) in
        [(Compression::None, 9_000_i64), (Compression::Lz4, 50), (Compression::Lz4, -1)]
    {
        let mut world = World::with_topic("orders");
        let honest = batch_of(&[100, 300, 200], codec, None);
        let answer = world.produce(&orders(), forged(&honest, 35, &claimed.to_be_bytes()));
        assert_eq!(answer.error_code, 0);
        let expected = [(-3, 1, 300), (250, 1, 300), (301, -1, -1)];
        for (asked, offset, time) in expected {
            let (_, found, found_time, _) = listed(&mut world, asked, 10);
            assert_eq!((found, found_time), (offset, time), "{codec}, {claimed}: {asked}");
        }
    }
}

#[test]
fn the_end_of_a_leaders_epoch_is_told_in_every_version() {
    for version in 2..=4 {
        let mut world = World::with_topic("orders");
        world.produce(&orders(), batch(3));
        world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(1));
        world.produce(&orders(), batch(2));
        for (current, epoch, expected) in [
            (1, 0, (0, 0, 3)),
            (-1, 1, (0, 1, 5)),
            (1, 2, (0, -1, -1)),
            (1, -1, (0, -1, -1)),
            (0, 0, (ErrorCode::FencedLeaderEpoch.code(), -1, -1)),
            (2, 0, (ErrorCode::UnknownLeaderEpoch.code(), -1, -1)),
        ] {
            let partition = OffsetForLeaderPartition::default()
                .with_current_leader_epoch(current)
                .with_leader_epoch(epoch);
            let topic = OffsetForLeaderTopic::default()
                .with_topic(TopicName("orders".to_owned().into()))
                .with_partitions(vec![partition]);
            let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
            let answer = world.ask(&request, version).topics.remove(0).partitions.remove(0);
            let answer = (answer.error_code, answer.leader_epoch, answer.end_offset);
            assert_eq!(answer, expected, "version {version}, epoch {epoch} of {current}");
        }
    }
}

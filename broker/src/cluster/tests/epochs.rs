//! Logs that unclean elections have cut off: what OffsetForLeaderEpoch and Fetch say of them.

use kavka_protocol::{
    BrokerId, ErrorCode, LeaderEpoch, Offset, TopicPartition,
    messages::{
        OffsetForLeaderEpochRequest, TopicName,
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
    },
};

use crate::{
    cluster::Step,
    testing::{World, batch, create, fetch, offsets, parked},
};

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

/// Five records of epoch 0, three of epoch 1 and two of epoch 2, led by node 1.
fn world() -> World {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    for (count, next_leader) in [(5, 2), (3, 1), (2, 1)] {
        world.node = world.cluster.current_leader("orders", 0).unwrap().0;
        world.produce(&orders(), batch(count));
        if count > 2 {
            let partition = world.cluster.partition_mut("orders", 0).unwrap();
            partition.move_leader(BrokerId(next_leader));
        }
    }
    world.node = BrokerId(1);
    world
}

/// As node 2 leads after an election in which the records from 6 on were lost.
fn cut_off() -> World {
    let mut world = world();
    world.cluster.partition_mut("orders", 0).unwrap().elect_uncleanly(BrokerId(2), 6);
    world.node = BrokerId(2);
    world
}

fn end_of(world: &mut World, epoch: i32) -> (i32, Offset) {
    let partition =
        OffsetForLeaderPartition::default().with_current_leader_epoch(3).with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(TopicName("orders".to_owned().into()))
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let answer = world.ask(&request, 4).topics.remove(0);
    assert_eq!((&*answer.topic.0, answer.partitions[0].error_code), ("orders", 0));
    (answer.partitions[0].leader_epoch, answer.partitions[0].end_offset)
}

fn fetch_after(
    world: &mut World,
    offset: Offset,
    last_epoch: i32,
) -> (Option<ErrorCode>, Option<(LeaderEpoch, Offset)>, Vec<Offset>) {
    let mut request = fetch(&[("orders", 0, offset)]);
    request.topics[0].partitions[0].last_fetched_epoch = last_epoch;
    let answer = world.fetch(&request, 12).remove(0);
    (answer.error, answer.diverging_epoch, offsets(&answer.records))
}

#[test]
fn an_unclean_election_cuts_off_batches_and_their_epochs() {
    let mut world = cut_off();
    assert_eq!(end_of(&mut world, 2), (0, 5), "the batch that held offset 6 is gone");
    assert_eq!(end_of(&mut world, 0), (0, 5));
    world.produce(&orders(), batch(4));
    assert_eq!(end_of(&mut world, 3), (3, 9));
    assert_eq!(end_of(&mut world, 2), (0, 5));
}

#[test]
fn a_fetch_behind_the_cut_is_told_where_the_logs_part() {
    let parting = Some((LeaderEpoch(0), 5));
    for (offset, last_epoch, expected) in [
        (7, 1, (None, parting, vec![])),
        (5, 1, (None, parting, vec![])),
        (6, 0, (None, parting, vec![])),
        (5, 0, (None, None, vec![5, 6, 7, 8])),
        (8, 3, (None, None, vec![5, 6, 7, 8])),
        (5, -1, (None, None, vec![5, 6, 7, 8])),
        (5, 4, (Some(ErrorCode::OffsetOutOfRange), None, vec![])),
    ] {
        let mut world = cut_off();
        world.produce(&orders(), batch(4));
        let answer = fetch_after(&mut world, offset, last_epoch);
        assert_eq!(answer, expected, "offset {offset} after {last_epoch}");
    }
}

#[test]
fn a_fetch_that_waits_is_answered_when_the_log_is_cut_off() {
    let mut world = world();
    let mut request = fetch(&[("orders", 0, 10)]);
    request.topics[0].partitions[0].last_fetched_epoch = 2;
    let frame = kavka_protocol::encode_request(&request, 12, kavka_protocol::CorrelationId(5), "t");
    let waiting = parked(world.send(&frame.unwrap()).unwrap());
    world.cluster.partition_mut("orders", 0).unwrap().elect_uncleanly(BrokerId(1), 8);
    assert!(matches!(world.resume(waiting), Step::Reply { .. }));
}

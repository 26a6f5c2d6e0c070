//! Fetching and producing by the ids of topics (KIP-516).

use std::time::Duration;

use kavka_protocol::{
    BrokerId, CorrelationId, ErrorCode, FetchedTopic, PartitionBatch, ProduceBatches, TopicId,
    TopicPartition, decode_response, encode_produce,
    messages::{DeleteTopicsRequest, FetchRequest, MetadataRequest, ProduceRequest, TopicName},
};
use uuid::Uuid;

use crate::{
    cluster::Step,
    testing::{World, answer, batch, create, fetch, offsets},
};

fn id_of_orders(world: &mut World) -> Uuid {
    world.ask(&MetadataRequest::default().with_topics(None), 12).topics[0].topic_id
}

fn recreate(world: &mut World) {
    let name = TopicName("orders".to_owned().into());
    world.ask(&DeleteTopicsRequest::default().with_topic_names(vec![name]), 5);
    world.ask(&create("orders", 1, &[]), 7);
}

fn by_id(id: Uuid) -> FetchRequest {
    let mut request = fetch(&[("orders", 0, 0)]);
    request.topics[0].topic_id = id;
    request
}

#[test]
fn from_version_13_on_topics_are_meant_and_named_by_their_ids() {
    for version in 13..=18 {
        let mut world = World::with_topic("orders");
        world.produce(&TopicPartition::new("orders", 0), batch(3));
        let id = id_of_orders(&mut world);
        let answer = world.fetch(&by_id(id), version).remove(0);
        assert_eq!((answer.topic, answer.error), (FetchedTopic::Id(TopicId(id)), None));
        assert_eq!(offsets(&answer.records), [0, 1, 2], "version {version}");
    }
}

#[test]
fn another_topic_of_the_same_name_is_not_meant() {
    let mut world = World::with_topic("orders");
    let id = id_of_orders(&mut world);
    recreate(&mut world);
    assert_ne!(id_of_orders(&mut world), id);
    let answer = world.fetch(&by_id(id), 18).remove(0);
    assert_eq!(answer.error, Some(ErrorCode::UnknownTopicId));
    assert_eq!(answer.topic, FetchedTopic::Id(TopicId(id)), "named as it was asked for");
}

#[test]
fn ids_of_no_topic_come_behind_what_can_be_read_and_before_unknown_partitions() {
    let mut world = World::with_topic("orders");
    let id = id_of_orders(&mut world);
    let mut request = fetch(&[("orders", 9, 0), ("", 0, 0), ("orders", 0, 0)]).with_max_wait_ms(0);
    for topic in &mut request.topics {
        topic.topic_id = if topic.topic.is_empty() { Uuid::from_u128(7) } else { id };
    }
    let errors: Vec<_> = world.fetch(&request, 18).into_iter().map(|answer| answer.error).collect();
    let unknown = [ErrorCode::UnknownTopicId, ErrorCode::UnknownTopicOrPartition].map(Some);
    assert_eq!(errors, [None, unknown[0], unknown[1]]);
}

fn send_by_id(world: &mut World, id: Uuid, acks: i16) -> Step {
    let batch = PartitionBatch {
        topic_partition: TopicPartition::new("", 0),
        topic_id: Some(TopicId(id)),
        records: batch(3),
    };
    let timeout = Duration::from_secs(1);
    let request = ProduceBatches { acks, timeout, transactional_id: None, batches: &[batch] };
    world.send(&encode_produce(&request, 13, CorrelationId(5), "test").unwrap()).unwrap()
}

fn produce_by_id(world: &mut World, id: Uuid) -> (Uuid, i16, i64) {
    let frame = answer(send_by_id(world, id, -1));
    let response = decode_response::<ProduceRequest>(frame, 13).unwrap();
    let topic = &response.responses[0];
    assert_eq!(&**topic.name, "");
    let partition = &topic.partition_responses[0];
    (topic.topic_id, partition.error_code, partition.base_offset)
}

#[test]
fn records_are_written_to_the_topic_of_the_id_and_to_no_other_of_its_name() {
    let mut world = World::with_topic("orders");
    let id = id_of_orders(&mut world);
    assert_eq!(produce_by_id(&mut world, id), (id, 0, 0));
    assert_eq!(produce_by_id(&mut world, id), (id, 0, 3));
    recreate(&mut world);
    let unknown = ErrorCode::UnknownTopicId.code();
    assert_eq!(produce_by_id(&mut world, id), (id, unknown, -1), "named as it was asked for");
    assert_eq!(produce_by_id(&mut world, Uuid::nil()), (Uuid::nil(), unknown, -1));
    assert!(matches!(send_by_id(&mut world, id, 0), Step::Close), "nobody waits for an answer");
    let id = id_of_orders(&mut world);
    assert_eq!(produce_by_id(&mut world, id), (id, 0, 0));
}

#[test]
fn the_wrong_node_names_the_right_one_of_a_topic_by_id() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    let id = id_of_orders(&mut world);
    let frame = answer(send_by_id(&mut world, id, -1));
    let response = decode_response::<ProduceRequest>(frame, 13).unwrap();
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, ErrorCode::NotLeaderOrFollower.code());
    let hint = &partition.current_leader;
    assert_eq!((hint.leader_id.0, hint.leader_epoch, response.node_endpoints.len()), (2, 1, 2));
}

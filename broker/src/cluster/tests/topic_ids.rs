//! Fetching by the ids of topics (KIP-516).

use kavka_protocol::{
    ErrorCode, FetchedTopic, TopicId, TopicPartition,
    messages::{DeleteTopicsRequest, FetchRequest, MetadataRequest, TopicName},
};
use uuid::Uuid;

use crate::testing::{World, batch, create, fetch, offsets};

fn id_of_orders(world: &mut World) -> Uuid {
    world.ask(&MetadataRequest::default().with_topics(None), 12).topics[0].topic_id
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
    let name = TopicName("orders".to_owned().into());
    world.ask(&DeleteTopicsRequest::default().with_topic_names(vec![name]), 5);
    world.ask(&create("orders", 1, &[]), 7);
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

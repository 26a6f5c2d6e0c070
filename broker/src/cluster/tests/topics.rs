//! Metadata, CreateTopics and DeleteTopics.

use kavka_protocol::{
    BrokerId, ErrorCode, TopicPartition,
    messages::{
        self, CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest, TopicName,
        create_topics_request::CreatableReplicaAssignment, delete_topics_request::DeleteTopicState,
        metadata_request::MetadataRequestTopic, metadata_response::MetadataResponseTopic,
    },
};
use uuid::Uuid;

use crate::{
    BrokerConfig,
    testing::{World, batch, create},
};

fn metadata(topics: &[&str], may_create: bool) -> MetadataRequest {
    let topic = |name: &&str| {
        let name = TopicName((*name).to_owned().into());
        MetadataRequestTopic::default().with_name(Some(name))
    };
    MetadataRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(may_create)
}

fn describe(world: &mut World, topic: &str) -> MetadataResponseTopic {
    world.ask(&metadata(&[topic], false), 12).topics.remove(0)
}

fn create_error(world: &mut World, request: &CreateTopicsRequest) -> Option<ErrorCode> {
    ErrorCode::from_code(world.ask(request, 7).topics[0].error_code)
}

#[test]
fn metadata_names_the_nodes_and_where_they_are() {
    for version in 1..=13 {
        let answer = World::new(3).ask(&MetadataRequest::default(), version);
        let nodes = answer.brokers.iter().map(|node| (node.node_id.0, &*node.host, node.port));
        let nodes: Vec<_> = nodes.collect();
        let host = "127.0.0.1";
        assert_eq!(nodes, [(1, host, 9001), (2, host, 9002), (3, host, 9003)], "version {version}");
        assert_eq!(answer.controller_id.0, 1);
        assert_eq!(answer.cluster_id.is_some(), version >= 2);
    }
}

#[test]
fn partitions_are_spread_over_the_nodes_and_replicas_follow_the_leader() {
    let mut world = World::new(3);
    let mut request = create("orders", 4, &[]);
    request.topics[0].replication_factor = 2;
    assert_eq!(create_error(&mut world, &request), None);
    let topic = describe(&mut world, "orders");
    let replicas = |index: usize| {
        topic.partitions[index].replica_nodes.iter().map(|id| id.0).collect::<Vec<_>>()
    };
    let expected = [[1, 2], [2, 3], [3, 1], [1, 2]];
    assert_eq!([0, 1, 2, 3].map(replicas), expected);
    for partition in &topic.partitions {
        assert_eq!(partition.leader_id, partition.replica_nodes[0]);
        assert_eq!(partition.isr_nodes, partition.replica_nodes);
        assert_eq!(partition.leader_epoch, 0);
    }
    world.ask(&create("users", 1, &[]), 7);
    assert_eq!(describe(&mut world, "users").partitions[0].leader_id.0, 2, "goes on where it was");
}

#[test]
fn asking_for_a_topic_creates_it_for_the_next_time_where_both_sides_want_that() {
    for (client, broker, is_created) in
        [(true, true, true), (false, true, false), (true, false, false)]
    {
        let mut world = World::with(BrokerConfig {
            auto_create_topics: broker,
            default_partitions: 3,
            ..BrokerConfig::default()
        });
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        for (time, expected) in
            [(1, (unknown, 0)), (2, if is_created { (0, 3) } else { (unknown, 0) })]
        {
            let answer = world.ask(&metadata(&["orders"], client), 12).topics.remove(0);
            let found = (answer.error_code, answer.partitions.len());
            assert_eq!(found, expected, "{client} {broker}, asked {time} times");
            assert_eq!(world.cluster.topics.contains_key("orders"), is_created);
        }
    }
}

#[test]
fn all_topics_are_described_when_none_is_named() {
    let mut world = World::new(1);
    world.ask(&create("orders", 1, &[]), 7);
    world.ask(&create("users", 2, &[]), 7);
    for version in 1..=13 {
        let all = world.ask(&MetadataRequest::default().with_topics(None), version).topics;
        let names: Vec<_> = all.iter().map(|topic| topic.name.as_ref().unwrap().as_str()).collect();
        assert_eq!(names, ["orders", "users"], "version {version}");
        assert!(world.ask(&metadata(&[], true), version).topics.is_empty());
    }
}

#[test]
fn a_topic_is_found_by_its_id() {
    let mut world = World::with_topic("orders");
    let id = describe(&mut world, "orders").topic_id;
    let by_id = |id| {
        let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
        MetadataRequest::default().with_topics(Some(vec![topic]))
    };
    let found = world.ask(&by_id(id), 12).topics.remove(0);
    assert_eq!(found.name.unwrap().as_str(), "orders");
    let unknown = world.ask(&by_id(Uuid::from_u128(1)), 12).topics.remove(0);
    assert_eq!(unknown.error_code, ErrorCode::UnknownTopicId.code());
}

#[test]
fn names_kafka_does_not_allow_are_refused_everywhere() {
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "a/b", "ä", &long] {
        let mut world = World::new(1);
        let invalid = ErrorCode::InvalidTopicException;
        assert_eq!(create_error(&mut world, &create(name, 1, &[])), Some(invalid), "{name:?}");
        let answer = world.ask(&metadata(&[name], true), 12).topics.remove(0);
        assert_eq!(answer.error_code, invalid.code(), "{name:?}");
        assert!(world.cluster.topics.is_empty());
    }
    for name in ["a", "a.b", "A-b_9", &long[..249], "..."] {
        assert_eq!(create_error(&mut World::new(1), &create(name, 1, &[])), None, "{name:?}");
    }
}

#[test]
fn a_topic_that_cannot_be_created_is_refused_with_the_reason() {
    let with_factor = |factor| {
        let mut request = create("new", 1, &[]);
        request.topics[0].replication_factor = factor;
        request
    };
    let mut twice = create("new", 1, &[]);
    twice.topics.extend(twice.topics.clone());
    for (request, expected) in [
        (create("orders", 1, &[]), ErrorCode::TopicAlreadyExists),
        (create("new", 0, &[]), ErrorCode::InvalidPartitions),
        (create("new", -2, &[]), ErrorCode::InvalidPartitions),
        (create("new", i32::MAX, &[]), ErrorCode::InvalidPartitions),
        (with_factor(0), ErrorCode::InvalidReplicationFactor),
        (with_factor(3), ErrorCode::InvalidReplicationFactor),
        (twice, ErrorCode::InvalidRequest),
        (create("new", 1, &[("retention.byte", "1")]), ErrorCode::InvalidConfig),
        (create("new", 1, &[("retention.bytes", "much")]), ErrorCode::InvalidConfig),
        (create("new", 1, &[("cleanup.policy", "burn")]), ErrorCode::InvalidConfig),
        (create("new", 1, &[("message.timestamp.type", "Never")]), ErrorCode::InvalidConfig),
        (create("new", 1, &[("max.message.bytes", "-1")]), ErrorCode::InvalidConfig),
    ] {
        let mut world = World::new(2);
        world.ask(&create("orders", 1, &[]), 7);
        let answer = world.ask(&request, 7);
        assert_eq!(answer.topics.len(), 1);
        assert_eq!(answer.topics[0].error_code, expected.code(), "{:?}", answer.topics[0]);
        assert!(answer.topics[0].error_message.is_some());
        assert_eq!(world.cluster.topics.len(), 1);
    }
}

#[test]
fn a_created_topic_is_described_as_it_is() {
    let configs = [("cleanup.policy", "compact"), ("message.timestamp.type", "LogAppendTime")];
    for version in 2..=7 {
        let mut world = World::new(1);
        let mut request = create("orders", 3, &configs);
        request.topics[0].replication_factor = 1;
        let topic = world.ask(&request, version).topics.remove(0);
        assert_eq!(topic.error_code, 0, "version {version}");
        if version >= 5 {
            assert_eq!((topic.num_partitions, topic.replication_factor), (3, 1));
            let given = topic.configs.unwrap();
            let given = given.iter().map(|c| (&*c.name, c.value.as_deref().unwrap()));
            assert_eq!(given.collect::<Vec<_>>(), configs);
        }
        let id = describe(&mut world, "orders").topic_id;
        assert_eq!(topic.topic_id, if version >= 7 { id } else { Uuid::nil() });
    }
}

#[test]
fn validating_a_topic_does_not_create_it() {
    let mut world = World::new(1);
    let request = create("orders", 1, &[]).with_validate_only(true);
    assert_eq!(create_error(&mut world, &request), None);
    assert!(world.cluster.topics.is_empty());
}

#[test]
fn replicas_can_be_placed_by_hand() {
    let placed = |partitions: &[(i32, &[i32])]| {
        let assignment = |(index, nodes): &(i32, &[i32])| {
            let nodes = nodes.iter().map(|id| messages::BrokerId(*id)).collect();
            let assignment = CreatableReplicaAssignment::default().with_partition_index(*index);
            assignment.with_broker_ids(nodes)
        };
        let mut request = create("orders", -1, &[]);
        request.topics[0].assignments = partitions.iter().map(assignment).collect();
        request
    };
    let mut world = World::new(3);
    assert_eq!(create_error(&mut world, &placed(&[(1, &[3, 1]), (0, &[2, 3])])), None);
    let topic = describe(&mut world, "orders");
    assert_eq!([2, 3], [topic.partitions[0].leader_id.0, topic.partitions[1].leader_id.0]);
    for wrong in [
        &[(1, &[1][..])][..],
        &[(0, &[4])],
        &[(0, &[1, 1])],
        &[(0, &[])],
        &[(0, &[1, 2]), (1, &[1])],
    ] {
        let refused = create_error(&mut World::new(3), &placed(wrong));
        assert_eq!(refused, Some(ErrorCode::InvalidReplicaAssignment), "{wrong:?}");
    }
}

#[test]
fn a_deleted_topic_is_gone_with_its_memory() {
    for version in 1..=6 {
        let mut world = World::with_topic("orders");
        world.produce(&TopicPartition::new("orders", 0), batch(1));
        assert!(world.cluster.retention.held() > 0);
        let name = || TopicName("orders".to_owned().into());
        let request = match version {
            6 => {
                let topic = DeleteTopicState::default().with_name(Some(name()));
                DeleteTopicsRequest::default().with_topics(vec![topic])
            }
            _ => DeleteTopicsRequest::default().with_topic_names(vec![name()]),
        };
        let codes = [0, 3].map(|_| world.ask(&request, version).responses[0].error_code);
        assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()], "version {version}");
        assert!(world.cluster.topics.is_empty());
        assert_eq!(world.cluster.retention.held(), 0);
    }
}

#[test]
fn a_topic_is_deleted_by_its_id() {
    let mut world = World::with_topic("orders");
    let id = describe(&mut world, "orders").topic_id;
    let topic = DeleteTopicState::default().with_topic_id(id).with_name(None);
    let request = DeleteTopicsRequest::default().with_topics(vec![topic]);
    let deleted = world.ask(&request, 6).responses.remove(0);
    assert_eq!((deleted.error_code, deleted.name.unwrap().as_str()), (0, "orders"));
    let again = world.ask(&request, 6).responses.remove(0);
    assert_eq!((again.error_code, again.name), (ErrorCode::UnknownTopicId.code(), None));
}

#[test]
fn a_moved_leader_has_a_new_epoch() {
    let mut world = World::new(2);
    world.ask(&create("orders", 1, &[]), 7);
    world.cluster.partition_mut("orders", 0).unwrap().move_leader(BrokerId(2));
    let partition = describe(&mut world, "orders").partitions.remove(0);
    assert_eq!((partition.leader_id.0, partition.leader_epoch), (2, 1));
    assert_eq!(partition.replica_nodes, [messages::BrokerId(2)]);
}

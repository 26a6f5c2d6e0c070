//! Metadata (versions 1 to 13): the nodes, the topics, and who leads which partition.

use std::net::SocketAddr;

use kavka_protocol::{
    BrokerId, ErrorCode,
    messages::{
        self, MetadataRequest, MetadataResponse, TopicName,
        metadata_request::MetadataRequestTopic,
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
    },
};

use super::{text, wire_code};
use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    topic::{Partition, Topic, check_name},
};

/// Describes the topics asked for, all of them when none is named. Creates what may be created and
/// is not there: who asks learns of it when asking again.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: MetadataRequest = call.body()?;
    if call.failure == Some(ErrorCode::RebootstrapRequired) && call.request.version >= 13 {
        return call.reply::<MetadataRequest>(&send_back());
    }
    let may_create = request.allow_auto_topic_creation && cluster.auto_create_topics;
    let topics = match &request.topics {
        Some(topics) => {
            topics.iter().map(|topic| named(cluster, call, topic, may_create)).collect()
        }
        None => cluster.topics.iter().map(|(name, topic)| describe(call, name, topic)).collect(),
    };
    let nodes = cluster.nodes(call.peer);
    let mut response = MetadataResponse::default()
        .with_brokers(nodes.map(|(id, address)| broker(id, address, cluster.rack(id))).collect())
        .with_controller_id(messages::BrokerId(CONTROLLER.0))
        .with_topics(topics);
    if call.request.version >= 2 {
        response.cluster_id = Some(text(cluster.id.clone()));
    }
    call.reply::<MetadataRequest>(&response)
}

/// What is known to the client is out of date as a whole, and nothing is told it here (KIP-1102).
fn send_back() -> MetadataResponse {
    let error = ErrorCode::RebootstrapRequired.code();
    MetadataResponse::default().with_error_code(error)
}

fn broker(id: BrokerId, address: SocketAddr, rack: Option<&str>) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_rack(rack.map(text))
        .with_node_id(messages::BrokerId(id.0))
        .with_host(text(address.ip().to_string()))
        .with_port(address.port().into())
}

/// One topic asked for by name, or by id.
fn named(
    cluster: &mut Cluster,
    call: &Call<'_>,
    asked: &MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let Some(name) = &asked.name else {
        let known = cluster.topic_by_id(asked.topic_id);
        return match (known, call.failure) {
            (Some((name, topic)), None) => describe(call, name, topic),
            (_, failure) => {
                let error = failure.unwrap_or(ErrorCode::UnknownTopicId);
                refuse(error).with_topic_id(asked.topic_id)
            }
        };
    };
    match find_or_create(cluster, call, name, may_create) {
        Ok(topic) => describe(call, name, topic),
        Err(error) => refuse(error).with_name(Some(name.clone())),
    }
}

fn find_or_create<'a>(
    cluster: &'a mut Cluster,
    call: &Call<'_>,
    name: &str,
    may_create: bool,
) -> Result<&'a Topic, ErrorCode> {
    call.permit()?;
    check_name(name).map_err(|_| ErrorCode::InvalidTopicException)?;
    if may_create && !cluster.topics.contains_key(name) {
        let topic = cluster.default_topic();
        cluster.create_topic(name, topic);
        // A broker has the controller create it and does not wait for that.
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    cluster.topics.get(name).ok_or(ErrorCode::UnknownTopicOrPartition)
}

fn refuse(error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_error_code(error.code())
}

fn describe(call: &Call<'_>, name: &str, topic: &Topic) -> MetadataResponseTopic {
    let version = call.request.version;
    let partitions = topic.partitions.iter().zip(0..);
    let mut answer = MetadataResponseTopic::default()
        .with_error_code(wire_code(call.failure))
        .with_name(Some(TopicName(text(name))))
        .with_partitions(
            partitions.map(|(partition, index)| place(version, index, partition)).collect(),
        );
    if version >= 10 {
        answer.topic_id = topic.id.0;
    }
    answer
}

fn place(version: i16, index: i32, partition: &Partition) -> MetadataResponsePartition {
    let replicas = || partition.replicas.iter().map(|id| messages::BrokerId(id.0)).collect();
    let mut answer = MetadataResponsePartition::default()
        .with_partition_index(index)
        .with_leader_id(messages::BrokerId(partition.leader().0))
        .with_replica_nodes(replicas())
        .with_isr_nodes(replicas());
    if version >= 7 {
        answer.leader_epoch = partition.leader_epoch.0;
    }
    answer
}

/// The node that is said to be the controller; every node can do what a controller does.
const CONTROLLER: BrokerId = BrokerId(1);

//! Produce (versions 3 to 13): one checked record batch per partition, appended as it came.

use std::sync::Arc;

use bytes::Bytes;
use kavka_protocol::{
    ErrorCode, Offset, Timestamp, TimestampType, TopicPartition,
    messages::{
        self, ProduceRequest, ProduceResponse,
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::{
            BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
            TopicProduceResponse,
        },
    },
};

use super::text;
use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    producer_state::{Place, Stamp, Verdict},
    validator::{Accepted, Refusal, check_frame, validate},
};

/// Appends what can be appended. With `acks=0` there is no answer; then an error closes the
/// connection, which is how Kafka lets such a producer know.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: ProduceRequest = call.body()?;
    let acks = request.acks;
    let topics: Vec<_> = request
        .topic_data
        .into_iter()
        .map(|topic| write_topic(cluster, call, topic, acks))
        .collect();
    let mut answers = topics.iter().flat_map(|topic| &topic.partition_responses);
    if acks == 0 {
        let failed = answers.any(|partition| partition.error_code != 0);
        return Ok(if failed { Handled::Close } else { Handled::Silent });
    }
    let mut response = ProduceResponse::default();
    if answers.any(|partition| partition.current_leader.leader_id.0 >= 0) {
        response.node_endpoints = endpoints(cluster, call);
    }
    call.reply::<ProduceRequest>(&response.with_responses(topics))
}

fn endpoints(cluster: &Cluster, call: &Call<'_>) -> Vec<NodeEndpoint> {
    let endpoint = |(id, address): (kavka_protocol::BrokerId, std::net::SocketAddr)| {
        NodeEndpoint::default()
            .with_node_id(messages::BrokerId(id.0))
            .with_host(text(address.ip().to_string()))
            .with_port(address.port().into())
    };
    cluster.nodes(call.peer).map(endpoint).collect()
}

fn write_topic(
    cluster: &mut Cluster,
    call: &Call<'_>,
    topic: TopicProduceData,
    acks: i16,
) -> TopicProduceResponse {
    let version = call.request.version;
    let name = topic_name(cluster, version, &topic);
    let mut answers = Vec::with_capacity(topic.partition_data.len());
    for data in topic.partition_data {
        let partition = TopicPartition::new(name.clone().unwrap_or_default(), data.index);
        let written = match name {
            Some(_) => write(cluster, call, &partition, data, acks),
            None => call.permit().and(Err(ErrorCode::UnknownTopicId)).map_err(Refusal::from),
        };
        answers.push(answer(cluster, version, &partition, written));
    }
    TopicProduceResponse::default()
        .with_name(topic.name)
        .with_topic_id(topic.topic_id)
        .with_partition_responses(answers)
}

/// The name of the topic that is meant, if there is one.
fn topic_name(cluster: &Cluster, version: i16, topic: &TopicProduceData) -> Option<Arc<str>> {
    match version {
        ..BY_ID => Some((*topic.name.0).into()),
        _ => cluster.topic_by_id(topic.topic_id).map(|(name, _)| Arc::clone(name)),
    }
}

/// Where a batch lies.
struct Written {
    base_offset: Offset,
    log_append_time: Option<Timestamp>,
    log_start: Offset,
}

fn answer(
    cluster: &Cluster,
    version: i16,
    partition: &TopicPartition,
    written: Result<Written, Refusal>,
) -> PartitionProduceResponse {
    let mut answer = PartitionProduceResponse::default()
        .with_index(partition.partition)
        .with_base_offset(-1)
        .with_log_append_time_ms(-1);
    match written {
        Ok(written) => {
            answer.base_offset = written.base_offset;
            answer.log_append_time_ms = written.log_append_time.unwrap_or(-1);
            answer.log_start_offset = if version >= 5 { written.log_start } else { -1 };
        }
        Err(refusal) => {
            answer.error_code = refusal.error.code();
            let log_start = refusal.log_start.filter(|_| version >= 5);
            answer.log_start_offset = log_start.unwrap_or(-1);
            let leader = cluster.current_leader(&partition.topic, partition.partition);
            let moved = version >= 10 && refusal.error == ErrorCode::NotLeaderOrFollower;
            if let Some((leader, epoch)) = leader.filter(|_| moved) {
                answer.current_leader = LeaderIdAndEpoch::default()
                    .with_leader_id(messages::BrokerId(leader.0))
                    .with_leader_epoch(epoch.0);
            }
            if version >= FIRST_WITH_REASONS {
                explain(&mut answer, refusal);
            }
        }
    }
    answer
}

fn explain(answer: &mut PartitionProduceResponse, refusal: Refusal) {
    let fault = |(place, message)| {
        BatchIndexAndErrorMessage::default()
            .with_batch_index(place)
            .with_batch_index_error_message(Some(text(message)))
    };
    answer.record_errors = refusal.records.into_iter().map(fault).collect();
    answer.error_message = refusal.message.map(text);
}

fn write(
    cluster: &mut Cluster,
    call: &Call<'_>,
    place: &TopicPartition,
    data: PartitionProduceData,
    acks: i16,
) -> Result<Written, Refusal> {
    call.permit()?;
    if !matches!(acks, -1..=1) {
        return Err(ErrorCode::InvalidRequiredAcks.into());
    }
    let log_start =
        cluster.led_by(call.peer.node, &place.topic, place.partition, None)?.log.start();
    let records = data.records.unwrap_or_default();
    check_frame(&records)?;
    append(cluster, call, place, records).map_err(|refusal| refusal.by_log(log_start))
}

/// Appends one batch to a log of this node.
fn append(
    cluster: &mut Cluster,
    call: &Call<'_>,
    place: &TopicPartition,
    records: Bytes,
) -> Result<Written, Refusal> {
    let accepted = check(cluster, call, place, records)?;
    let stamp = Stamp::of(accepted.batch.header())?;
    let known = cluster.partition_mut(&place.topic, place.partition);
    let partition = known.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if let Some(Verdict::Duplicate(Place { base_offset, max_timestamp })) =
        stamp.map(|stamp| partition.producers.check(stamp)).transpose()?
    {
        let log_start = partition.log.start();
        // Kafka says this of a duplicate even where producers set the time.
        return Ok(Written { base_offset, log_append_time: max_timestamp, log_start });
    }
    let appended = partition.log.append(&accepted, partition.leader_epoch);
    let appended = appended.map_err(|_| ErrorCode::InvalidRecord)?;
    if let Some(stamp) = stamp {
        let Accepted { max_timestamp, .. } = accepted;
        let place = Place { base_offset: appended.base_offset, max_timestamp };
        partition.producers.record(stamp, place);
    }
    cluster.appended(place, appended);
    let log_start =
        cluster.partition_mut(&place.topic, place.partition).map_or(0, |p| p.log.start());
    let keeps_append_time = accepted.timestamp_type == TimestampType::LogAppendTime;
    let log_append_time = accepted.max_timestamp.filter(|_| keeps_append_time);
    Ok(Written { base_offset: appended.base_offset, log_append_time, log_start })
}

fn check(
    cluster: &mut Cluster,
    call: &Call<'_>,
    place: &TopicPartition,
    records: Bytes,
) -> Result<Accepted, Refusal> {
    let Cluster { topics, decompressor, .. } = cluster;
    let topic = topics.get(&place.topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    validate(records, call.request.version, &topic.config, decompressor, call.now.timestamp)
}

/// From this version on topics are meant and named by their ids (KIP-516).
const BY_ID: i16 = 13;

/// From this version on an answer says why a batch was refused (KIP-467).
const FIRST_WITH_REASONS: i16 = 8;

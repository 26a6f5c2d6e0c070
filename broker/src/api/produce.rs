//! Produce (versions 3 to 12): one checked record batch per partition, appended as it came.

use bytes::Bytes;
use kavka_protocol::{
    BatchView, Batches, Compression, DecodeError, ErrorCode, Offset, Timestamp, TimestampType,
    TopicPartition,
    messages::{
        self, ProduceRequest, ProduceResponse,
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::{
            LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
        },
    },
};

use super::text;
use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    producer_state::{Stamp, Verdict},
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
    let name = topic.name;
    let mut answers = Vec::with_capacity(topic.partition_data.len());
    for data in topic.partition_data {
        let partition = TopicPartition::new(name.as_str(), data.index);
        let written = write(cluster, call, &partition, data, acks);
        answers.push(answer(cluster, call.request.version, &partition, written));
    }
    TopicProduceResponse::default().with_name(name).with_partition_responses(answers)
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
    written: Result<Written, ErrorCode>,
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
        Err(error) => {
            answer.error_code = error.code();
            let leader = cluster.current_leader(&partition.topic, partition.partition);
            let moved = version >= 10 && error == ErrorCode::NotLeaderOrFollower;
            if let Some((leader, epoch)) = leader.filter(|_| moved) {
                answer.current_leader = LeaderIdAndEpoch::default()
                    .with_leader_id(messages::BrokerId(leader.0))
                    .with_leader_epoch(epoch.0);
            }
        }
    }
    answer
}

fn write(
    cluster: &mut Cluster,
    call: &Call<'_>,
    place: &TopicPartition,
    data: PartitionProduceData,
    acks: i16,
) -> Result<Written, ErrorCode> {
    call.permit()?;
    if !matches!(acks, -1..=1) {
        return Err(ErrorCode::InvalidRequiredAcks);
    }
    let config =
        &cluster.topics.get(&place.topic).ok_or(ErrorCode::UnknownTopicOrPartition)?.config;
    let limit = config.max_message_bytes;
    let retention_bytes = config.retention_bytes;
    let keeps_append_time = config.timestamp_type == TimestampType::LogAppendTime;
    let log_append_time = keeps_append_time.then_some(call.now.timestamp);
    let partition = cluster.led_by(call.peer.node, &place.topic, place.partition, None)?;
    let batch = check(data.records.unwrap_or_default(), limit, call.request.version)?;
    let stamp = Stamp::of(batch.header())?;
    if let Some(Verdict::Duplicate(base_offset)) =
        stamp.map(|stamp| partition.producers.check(stamp)).transpose()?
    {
        let log_start = partition.log.start();
        return Ok(Written { base_offset, log_append_time: None, log_start });
    }
    let epoch = partition.leader_epoch;
    let appended = partition.log.append(batch.bytes(), epoch, log_append_time);
    let appended = appended.map_err(|_| ErrorCode::InvalidRecord)?;
    if let Some(stamp) = stamp {
        partition.producers.record(stamp, appended.base_offset);
    }
    let freed = retention_bytes.map_or(0, |limit| partition.log.trim(limit));
    cluster.retention.freed(freed);
    cluster.appended(place, appended);
    let log_start =
        cluster.partition_mut(&place.topic, place.partition).map_or(0, |p| p.log.start());
    Ok(Written { base_offset: appended.base_offset, log_append_time, log_start })
}

/// The one batch there has to be; what only a reader can see, inside compressed records, is not
/// looked at.
fn check(records: Bytes, limit: usize, version: i16) -> Result<BatchView, ErrorCode> {
    let size = records.len();
    // The older formats are for reading what is in logs already.
    if records.get(MAGIC_AT).is_some_and(|magic| *magic < FIRST_MAGIC_TO_PRODUCE) {
        return Err(ErrorCode::UnsupportedForMessageFormat);
    }
    let batch = Batches::new(records).next().ok_or(ErrorCode::InvalidRecord)?;
    let batch = batch.map_err(|error| refusal(&error))?;
    if batch.size_in_bytes() > limit {
        return Err(ErrorCode::MessageTooLarge);
    }
    batch.check_crc().map_err(|error| refusal(&error))?;
    let count = batch.record_count();
    let is_dense =
        usize::try_from(batch.header().last_offset_delta).is_ok_and(|last| last + 1 == count);
    if batch.size_in_bytes() != size || batch.is_control() || !is_dense {
        return Err(ErrorCode::InvalidRecord);
    }
    if batch.is_transactional() {
        return Err(ErrorCode::InvalidTxnState);
    }
    if batch.compression() == Compression::Zstd && version < FIRST_WITH_ZSTD {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    Ok(batch)
}

fn refusal(error: &DecodeError) -> ErrorCode {
    match error {
        DecodeError::Unsupported { what: "record batch magic", .. } => {
            ErrorCode::UnsupportedForMessageFormat
        }
        DecodeError::Unsupported { .. } => ErrorCode::UnsupportedCompressionType,
        _ => ErrorCode::CorruptMessage,
    }
}

/// Where every format has the byte that tells it from the others.
const MAGIC_AT: usize = 16;
/// Record batches (KIP-98).
const FIRST_MAGIC_TO_PRODUCE: u8 = 2;
/// Producers that speak an older version would not know what zstd is (KIP-110).
const FIRST_WITH_ZSTD: i16 = 7;

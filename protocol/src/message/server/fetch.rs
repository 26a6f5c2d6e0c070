//! Fetch answers (versions 4 to 18), written around record batches that are not copied.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;

use super::super::{
    fetch::{BY_ID, CURRENT_LEADER, DIVERGING_EPOCH, FLEXIBLE, NEWEST, OLDEST},
    fields::{put_length, put_no_tags, put_string},
};
use super::put_response_header;
use crate::{
    error::EncodeError,
    error_code::ErrorCode,
    frame::Frame,
    ids::{BrokerId, CorrelationId, LeaderEpoch, Offset, TopicId},
    varint::put_unsigned_varint,
};

/// The answer to one Fetch request.
#[derive(Debug, Clone, Default)]
pub struct FetchAnswer {
    /// How long this answer was held back.
    pub throttle: Duration,
    /// The fetch session that is kept for this client; 0 is none.
    pub session_id: i32,
    /// Why the request as a whole was refused.
    pub error: Option<ErrorCode>,
    /// The partitions; those of one topic stand side by side.
    pub partitions: Vec<PartitionAnswer>,
}

/// What one partition gives.
#[derive(Debug, Clone, Default)]
pub struct PartitionAnswer {
    /// The topic's name, for versions up to 12.
    pub topic: StrBytes,
    /// The topic's id, for later ones.
    pub topic_id: Option<TopicId>,
    /// The partition's number.
    pub partition: i32,
    /// Why there are no records.
    pub error: Option<ErrorCode>,
    /// The end of what is replicated.
    pub high_watermark: Option<Offset>,
    /// The end of what no open transaction can still change.
    pub last_stable_offset: Option<Offset>,
    /// The first offset the partition still holds.
    pub log_start_offset: Option<Offset>,
    /// Where the log leaves the one that the reader knows: an epoch and where its records end.
    pub diverging_epoch: Option<(LeaderEpoch, Offset)>,
    /// The replica to fetch from instead.
    pub preferred_read_replica: Option<BrokerId>,
    /// Who leads the partition, for those who came to the wrong broker.
    pub current_leader: Option<(BrokerId, LeaderEpoch)>,
    /// Record batches in the order of their offsets.
    pub records: Vec<Bytes>,
}

/// Encodes the answer to a Fetch request that came in `version`. It names no aborted transactions.
pub fn encode_fetch(
    answer: &FetchAnswer,
    version: i16,
    correlation_id: CorrelationId,
) -> Result<Frame, EncodeError> {
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(EncodeError::Value { field: "Fetch version", value: version.into() });
    }
    let flexible = version >= FLEXIBLE;
    let mut fields = BytesMut::with_capacity(ROOM + ROOM * answer.partitions.len());
    put_response_header(&mut fields, correlation_id, i16::from(flexible));
    fields.put_i32(i32::try_from(answer.throttle.as_millis()).unwrap_or(i32::MAX));
    if version >= 7 {
        fields.put_i16(answer.error.map_or(0, ErrorCode::code));
        fields.put_i32(answer.session_id);
    }
    let is_same = |a: &PartitionAnswer, b: &PartitionAnswer| match version {
        ..BY_ID => a.topic == b.topic,
        _ => a.topic_id == b.topic_id,
    };
    let topics = || answer.partitions.chunk_by(is_same);
    let mut payloads = Vec::new();
    put_length(&mut fields, flexible, "topics", Some(topics().count()))?;
    for partitions in topics() {
        if let Some(first) = partitions.first() {
            match version {
                ..BY_ID => put_string(&mut fields, flexible, "topic", Some(first.topic.as_str()))?,
                _ => fields.put_slice(TopicId::to_wire(first.topic_id).as_bytes()),
            }
        }
        put_length(&mut fields, flexible, "partitions", Some(partitions.len()))?;
        for partition in partitions {
            put_partition(&mut fields, version, partition, &mut payloads)?;
        }
        put_no_tags(&mut fields, flexible);
    }
    put_no_tags(&mut fields, flexible);
    Frame::assemble(fields, payloads)
}

fn put_partition(
    fields: &mut BytesMut,
    version: i16,
    partition: &PartitionAnswer,
    payloads: &mut Vec<(usize, Bytes)>,
) -> Result<(), EncodeError> {
    let flexible = version >= FLEXIBLE;
    fields.put_i32(partition.partition);
    fields.put_i16(partition.error.map_or(0, ErrorCode::code));
    fields.put_i64(partition.high_watermark.unwrap_or(-1));
    fields.put_i64(partition.last_stable_offset.unwrap_or(-1));
    if version >= 5 {
        fields.put_i64(partition.log_start_offset.unwrap_or(-1));
    }
    put_length(fields, flexible, "aborted transactions", Some(0))?;
    if version >= 11 {
        fields.put_i32(BrokerId::to_wire(partition.preferred_read_replica));
    }
    let size = partition.records.iter().map(Bytes::len).sum();
    put_length(fields, flexible, "records", Some(size))?;
    payloads.extend(partition.records.iter().map(|batch| (fields.len(), batch.clone())));
    if flexible {
        put_tags(fields, partition);
    }
    Ok(())
}

/// Ends the partition with its tagged fields, in the order of their numbers.
fn put_tags(fields: &mut BytesMut, partition: &PartitionAnswer) {
    let PartitionAnswer { diverging_epoch, current_leader, .. } = partition;
    let count = match (diverging_epoch, current_leader) {
        (None, None) => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    };
    put_unsigned_varint(fields, count);
    if let Some(diverging_epoch) = *diverging_epoch {
        put_diverging_epoch(fields, diverging_epoch);
    }
    if let Some(current_leader) = *current_leader {
        put_current_leader(fields, current_leader);
    }
}

fn put_diverging_epoch(fields: &mut BytesMut, (epoch, end_offset): (LeaderEpoch, Offset)) {
    put_unsigned_varint(fields, DIVERGING_EPOCH);
    put_unsigned_varint(fields, DIVERGING_EPOCH_SIZE);
    fields.put_i32(epoch.0);
    fields.put_i64(end_offset);
    put_no_tags(fields, true);
}

fn put_current_leader(fields: &mut BytesMut, (leader, epoch): (BrokerId, LeaderEpoch)) {
    put_unsigned_varint(fields, CURRENT_LEADER);
    put_unsigned_varint(fields, CURRENT_LEADER_SIZE);
    fields.put_i32(leader.0);
    fields.put_i32(epoch.0);
    put_no_tags(fields, true);
}

/// An epoch, an offset and no tagged fields.
const DIVERGING_EPOCH_SIZE: u32 = 4 + 8 + 1;

/// Two numbers and no tagged fields.
const CURRENT_LEADER_SIZE: u32 = 4 + 4 + 1;

/// Room for the fields of one partition, the topic's name included, in most cases.
const ROOM: usize = 80;

//! Produce requests (versions 3 to 13), written around record batches that are not copied.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;

use super::{
    fields::{put_length, put_no_tags, put_string},
    put_request_header,
};
use crate::{
    error::EncodeError,
    frame::Frame,
    ids::{CorrelationId, TopicId, TopicPartition},
};

/// What one Produce request carries: at most one record batch per partition.
#[derive(Debug, Clone, Copy)]
pub struct ProduceBatches<'a> {
    /// 0 for no answer, 1 for the leader's, -1 for that of all in-sync replicas.
    pub acks: i16,
    /// How long the broker may wait for its replicas.
    pub timeout: Duration,
    /// The transaction the batches belong to.
    pub transactional_id: Option<&'a str>,
    /// The batches, in any order.
    pub batches: &'a [PartitionBatch],
}

/// A record batch and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBatch {
    /// The partition; from version 13 on only its number is sent.
    pub topic_partition: TopicPartition,
    /// The topic's id, without which there is no version 13 (KIP-516).
    pub topic_id: Option<TopicId>,
    /// The batch.
    pub records: Bytes,
}

impl PartitionBatch {
    /// A batch for a partition of the topic that has the name when it arrives.
    pub fn by_name(topic_partition: TopicPartition, records: Bytes) -> Self {
        Self { topic_partition, topic_id: None, records }
    }

    /// Where it goes in `version`, in the order in which that is written. Of two topics that had the
    /// same name one after the other, the name means one and the ids mean both.
    fn place(&self, version: i16) -> ((&str, Option<TopicId>), i32) {
        let id = self.topic_id.filter(|_| version >= BY_ID);
        ((&self.topic_partition.topic, id), self.topic_partition.partition)
    }
}

/// Encodes `request` as one frame whose chunks include the batches as they are.
///
/// The answer is decoded with `decode_response::<messages::ProduceRequest>`.
pub fn encode_produce(
    request: &ProduceBatches<'_>,
    version: i16,
    correlation_id: CorrelationId,
    client_id: &str,
) -> Result<Frame, EncodeError> {
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(EncodeError::Value { field: "Produce version", value: version.into() });
    }
    let flexible = version >= FLEXIBLE;
    let header_version = if flexible { 2 } else { 1 };
    let mut fields = BytesMut::with_capacity(ROOM + ROOM * request.batches.len());
    put_request_header(
        &mut fields,
        ApiKey::Produce,
        version,
        header_version,
        correlation_id,
        client_id,
    )?;
    put_string(&mut fields, flexible, "transactional id", request.transactional_id)?;
    fields.put_i16(request.acks);
    fields.put_i32(i32::try_from(request.timeout.as_millis()).unwrap_or(i32::MAX));
    let payloads = put_topics(&mut fields, version, request.batches)?;
    put_no_tags(&mut fields, flexible);
    Frame::assemble(fields, payloads)
}

/// Writes the topics; returns each batch with the place where it belongs.
fn put_topics(
    fields: &mut BytesMut,
    version: i16,
    batches: &[PartitionBatch],
) -> Result<Vec<(usize, Bytes)>, EncodeError> {
    let flexible = version >= FLEXIBLE;
    let mut sorted: Vec<&PartitionBatch> = batches.iter().collect();
    sorted.sort_by(|a, b| a.place(version).cmp(&b.place(version)));
    let is_twice = |[a, b]: &&[&PartitionBatch; 2]| a.place(version) == b.place(version);
    if let Some([twice, _]) = sorted.array_windows().find(is_twice) {
        let value = twice.topic_partition.partition.into();
        return Err(EncodeError::Value { field: "partition with a second batch", value });
    }
    let topics = || sorted.chunk_by(|a, b| a.place(version).0 == b.place(version).0);
    let mut payloads = Vec::with_capacity(batches.len());
    put_length(fields, flexible, "topics", Some(topics().count()))?;
    for partitions in topics() {
        if let Some(first) = partitions.first() {
            put_topic(fields, version, first)?;
        }
        put_length(fields, flexible, "partitions", Some(partitions.len()))?;
        for PartitionBatch { topic_partition, records, .. } in partitions {
            fields.put_i32(topic_partition.partition);
            put_length(fields, flexible, "records", Some(records.len()))?;
            payloads.push((fields.len(), records.clone()));
            put_no_tags(fields, flexible);
        }
        put_no_tags(fields, flexible);
    }
    Ok(payloads)
}

/// Writes which topic is meant.
fn put_topic(
    fields: &mut BytesMut,
    version: i16,
    batch: &PartitionBatch,
) -> Result<(), EncodeError> {
    let PartitionBatch { topic_partition, topic_id, .. } = batch;
    match topic_id {
        _ if version < BY_ID => {
            put_string(fields, version >= FLEXIBLE, "topic", Some(&topic_partition.topic))?;
        }
        Some(id) => fields.put_slice(id.0.as_bytes()),
        None => {
            return Err(EncodeError::Value {
                field: "absent topic id in version",
                value: version.into(),
            });
        }
    }
    Ok(())
}

/// The first version that carries record batches of format 2.
const OLDEST: i16 = 3;

const NEWEST: i16 = 13;

/// The first version that gives the ids of topics instead of their names (KIP-516).
const BY_ID: i16 = 13;

/// The first version with variable-length lengths and tagged fields.
const FLEXIBLE: i16 = 9;

/// Room for the fields around one batch, the topic's name included, in most cases.
const ROOM: usize = 64;

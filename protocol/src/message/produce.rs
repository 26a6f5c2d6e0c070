//! Produce requests (versions 3 to 12), written around record batches that are not copied.

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
    ids::{CorrelationId, TopicPartition},
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
    pub batches: &'a [(TopicPartition, Bytes)],
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
    let payloads = put_topics(&mut fields, flexible, request.batches)?;
    put_no_tags(&mut fields, flexible);
    Frame::assemble(fields, payloads)
}

/// Writes the topics; returns each batch with the place where it belongs.
fn put_topics(
    fields: &mut BytesMut,
    flexible: bool,
    batches: &[(TopicPartition, Bytes)],
) -> Result<Vec<(usize, Bytes)>, EncodeError> {
    let mut sorted: Vec<&(TopicPartition, Bytes)> = batches.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(twice) = sorted.array_windows().find(|[(a, _), (b, _)]| a == b) {
        let value = twice[0].0.partition.into();
        return Err(EncodeError::Value { field: "partition with a second batch", value });
    }
    let topics = || sorted.chunk_by(|(a, _), (b, _)| a.topic == b.topic);
    let mut payloads = Vec::with_capacity(batches.len());
    put_length(fields, flexible, "topics", Some(topics().count()))?;
    for topic in topics() {
        let name = topic.first().map(|(tp, _)| &*tp.topic);
        put_string(fields, flexible, "topic", name)?;
        put_length(fields, flexible, "partitions", Some(topic.len()))?;
        for (tp, batch) in topic {
            fields.put_i32(tp.partition);
            put_length(fields, flexible, "records", Some(batch.len()))?;
            payloads.push((fields.len(), batch.clone()));
            put_no_tags(fields, flexible);
        }
        put_no_tags(fields, flexible);
    }
    Ok(payloads)
}

/// The first version that carries record batches of format 2.
const OLDEST: i16 = 3;

/// The last version that names topics instead of giving their ids.
const NEWEST: i16 = 12;

/// The first version with variable-length lengths and tagged fields.
const FLEXIBLE: i16 = 9;

/// Room for the fields around one batch, the topic's name included, in most cases.
const ROOM: usize = 64;

//! The Produce writer against the generated decoder.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::{
    messages::{ProduceRequest as Generated, RequestHeader},
    protocol::{Decodable, HeaderVersion},
};

use super::versions;
use crate::{
    error::EncodeError,
    ids::{CorrelationId, TopicPartition},
    message::{ProduceBatches, encode_produce},
};

fn batches() -> Vec<(TopicPartition, Bytes)> {
    [("users", 5, "batch of users-5"), ("orders", 1, "batch of orders-1"), ("users", 0, "b")]
        .map(|(topic, partition, batch)| {
            (TopicPartition::new(topic, partition), Bytes::from(batch))
        })
        .into()
}

fn request(batches: &[(TopicPartition, Bytes)]) -> ProduceBatches<'_> {
    let timeout = Duration::from_secs(30);
    ProduceBatches { acks: -1, timeout, transactional_id: Some("tx"), batches }
}

#[test]
fn the_generated_decoder_reads_what_is_written() {
    for version in versions::<Generated>() {
        let batches = batches();
        let frame = encode_produce(&request(&batches), version, CorrelationId(3), "kavka").unwrap();
        let mut bytes = Bytes::from(frame.chunks().concat());
        assert_eq!(frame.len(), bytes.len());
        assert_eq!(bytes.split_to(4)[..], u32::try_from(bytes.len()).unwrap().to_be_bytes());
        let header = RequestHeader::decode(&mut bytes, Generated::header_version(version)).unwrap();
        assert_eq!((header.request_api_key, header.request_api_version), (0, version));
        assert_eq!((header.correlation_id, header.client_id.as_deref()), (3, Some("kavka")));
        let decoded = Generated::decode(&mut bytes, version).unwrap();
        assert!(bytes.is_empty(), "version {version}");
        assert_eq!(decoded.transactional_id.as_deref().map(|id| id.as_str()), Some("tx"));
        assert_eq!((decoded.acks, decoded.timeout_ms), (-1, 30_000));
        assert_eq!(
            decoded_batches(&decoded),
            [
                ("orders", 1, "batch of orders-1"),
                ("users", 0, "b"),
                ("users", 5, "batch of users-5")
            ]
            .map(|(topic, partition, batch)| (
                topic.to_owned(),
                partition,
                batch.into()
            ))
        );
        assert_eq!(decoded.topic_data.len(), 2, "each topic stands once");
    }
}

fn decoded_batches(request: &Generated) -> Vec<(String, i32, Bytes)> {
    let mut batches = Vec::new();
    for topic in &request.topic_data {
        for partition in &topic.partition_data {
            let records = partition.records.clone().unwrap();
            batches.push((topic.name.to_string(), partition.index, records));
        }
    }
    batches
}

#[test]
fn batches_are_not_copied() {
    let batches = batches();
    let frame = encode_produce(&request(&batches), 12, CorrelationId(3), "kavka").unwrap();
    for (_, batch) in &batches {
        assert!(frame.chunks().iter().any(|chunk| chunk.as_ptr() == batch.as_ptr()));
    }
}

#[test]
fn a_second_batch_for_a_partition_is_refused() {
    let mut batches = batches();
    batches.push(batches[0].clone());
    let error = encode_produce(&request(&batches), 9, CorrelationId(3), "kavka").unwrap_err();
    let refused = EncodeError::Value { field: "partition with a second batch", value: 5 };
    assert_eq!(error, refused);
}

#[test]
fn a_version_that_is_not_spoken_is_refused() {
    for version in [2, 13] {
        let error = encode_produce(&request(&[]), version, CorrelationId(3), "kavka").unwrap_err();
        assert_eq!(error, EncodeError::Value { field: "Produce version", value: version.into() });
    }
}

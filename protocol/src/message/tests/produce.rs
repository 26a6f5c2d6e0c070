//! The Produce writer against the generated decoder.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::{
    messages::{ProduceRequest as Generated, RequestHeader},
    protocol::{Decodable, HeaderVersion},
};
use uuid::Uuid;

use super::versions;
use crate::{
    error::EncodeError,
    ids::{CorrelationId, TopicId, TopicPartition},
    message::{PartitionBatch, ProduceBatches, encode_produce},
};

fn batches() -> Vec<PartitionBatch> {
    [("users", 5, "batch of users-5"), ("orders", 1, "batch of orders-1"), ("users", 0, "b")]
        .map(|(topic, partition, batch)| PartitionBatch {
            topic_partition: TopicPartition::new(topic, partition),
            topic_id: Some(id_of(topic)),
            records: Bytes::from(batch),
        })
        .into()
}

fn id_of(topic: &str) -> TopicId {
    TopicId(Uuid::from_u128(topic.len() as u128))
}

fn request(batches: &[PartitionBatch]) -> ProduceBatches<'_> {
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
            .map(|(topic, partition, batch)| match version {
                ..13 => (topic.to_owned(), Uuid::nil(), partition, batch.into()),
                _ => (String::new(), id_of(topic).0, partition, batch.into()),
            })
        );
        assert_eq!(decoded.topic_data.len(), 2, "each topic stands once");
    }
}

fn decoded_batches(request: &Generated) -> Vec<(String, Uuid, i32, Bytes)> {
    let mut batches = Vec::new();
    for topic in &request.topic_data {
        for partition in &topic.partition_data {
            let records = partition.records.clone().unwrap();
            batches.push((topic.name.to_string(), topic.topic_id, partition.index, records));
        }
    }
    batches
}

#[test]
fn batches_are_not_copied() {
    let batches = batches();
    let frame = encode_produce(&request(&batches), 13, CorrelationId(3), "kavka").unwrap();
    for PartitionBatch { records, .. } in &batches {
        assert!(frame.chunks().iter().any(|chunk| chunk.as_ptr() == records.as_ptr()));
    }
}

#[test]
fn a_second_batch_for_a_partition_is_refused() {
    let mut batches = batches();
    batches.push(batches[0].clone());
    for version in [9, 13] {
        let error = encode_produce(&request(&batches), version, CorrelationId(3), "kavka");
        let refused = EncodeError::Value { field: "partition with a second batch", value: 5 };
        assert_eq!(error.unwrap_err(), refused);
    }
}

#[test]
fn topics_that_had_one_name_are_two_by_their_ids_and_one_by_their_name() {
    let mut batches = batches();
    batches.push(PartitionBatch { topic_id: Some(TopicId(Uuid::max())), ..batches[0].clone() });
    let encode = |version| encode_produce(&request(&batches), version, CorrelationId(3), "kavka");
    let mut frame = Bytes::from(encode(13).unwrap().chunks().concat()).slice(4..);
    RequestHeader::decode(&mut frame, Generated::header_version(13)).unwrap();
    let ids = Generated::decode(&mut frame, 13).unwrap().topic_data;
    let ids: Vec<_> = ids.iter().map(|topic| topic.topic_id).collect();
    assert_eq!(ids, [id_of("orders").0, id_of("users").0, Uuid::max()]);
    encode(12).unwrap_err();
}

#[test]
fn a_topic_without_an_id_is_refused_where_there_are_no_names() {
    let mut batches = batches();
    batches[1].topic_id = None;
    let encode = |version| encode_produce(&request(&batches), version, CorrelationId(3), "kavka");
    let refused = EncodeError::Value { field: "absent topic id in version", value: 13 };
    assert_eq!(encode(13).unwrap_err(), refused);
    encode(12).unwrap();
}

#[test]
fn a_version_that_is_not_spoken_is_refused() {
    for version in [2, 14] {
        let error = encode_produce(&request(&[]), version, CorrelationId(3), "kavka").unwrap_err();
        assert_eq!(error, EncodeError::Value { field: "Produce version", value: version.into() });
    }
}

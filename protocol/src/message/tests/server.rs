//! The broker's half against the client's.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, CreateTopicsRequest, MetadataRequest, TopicName,
    create_topics_request::CreatableTopic, metadata_request::MetadataRequestTopic,
};
use uuid::Uuid;

use super::{SMALL, largest_allocation, samples, versions};
use crate::{
    error::DecodeError,
    error_code::ErrorCode,
    frame::Frame,
    ids::{BrokerId, CorrelationId, LeaderEpoch, TopicId},
    message::{
        FetchResponse, FetchedTopic, decode_response, encode_request,
        server::{
            FetchAnswer, PartitionAnswer, decode_request_body, decode_request_frame, encode_fetch,
            encode_response,
        },
    },
};

/// A frame as it arrives: its chunks as one, without the length.
fn arrived(frame: &Frame) -> Bytes {
    Bytes::from(frame.chunks().concat()).slice(4..)
}

#[test]
fn a_request_arrives_as_it_was_sent_and_so_does_its_answer() {
    for version in versions::<MetadataRequest>() {
        let topic = TopicName(samples::text("orders"));
        let topic = MetadataRequestTopic::default().with_name(Some(topic));
        let sent = MetadataRequest::default().with_topics(Some(vec![topic]));
        let frame = encode_request(&sent, version, CorrelationId(9), "kavka").unwrap();
        let request = decode_request_frame(arrived(&frame)).unwrap();
        assert_eq!((request.api_key, request.version), (ApiKey::Metadata, version));
        assert_eq!(request.correlation_id, CorrelationId(9));
        assert_eq!(request.client_id.as_deref(), Some("kavka"));
        assert_eq!(decode_request_body::<MetadataRequest>(&request), Ok(sent));
        let answer = samples::metadata(version);
        let frame = encode_response::<MetadataRequest>(&answer, version, CorrelationId(9)).unwrap();
        assert_eq!(decode_response::<MetadataRequest>(arrived(&frame), version), Ok(answer));
    }
}

#[test]
fn api_versions_is_answered_with_the_oldest_header_in_every_version() {
    for version in versions::<ApiVersionsRequest>() {
        let answer = samples::api_versions(version);
        let frame =
            encode_response::<ApiVersionsRequest>(&answer, version, CorrelationId(9)).unwrap();
        assert_eq!(arrived(&frame)[..6], [0, 0, 0, 9, 0, 3], "version {version}");
    }
}

#[test]
fn an_unknown_api_is_an_error_and_an_unknown_version_is_not() {
    let header = |key, version| {
        let mut bytes = BytesMut::new();
        bytes.put_i16(key);
        bytes.put_i16(version);
        bytes.put_slice(&[0, 0, 0, 1, 0xff, 0xff, 0]);
        bytes.freeze()
    };
    let refused = DecodeError::Unsupported { what: "api key", value: 4711 };
    assert_eq!(decode_request_frame(header(4711, 0)).unwrap_err(), refused);
    let request = decode_request_frame(header(18, 99)).unwrap();
    assert_eq!((request.api_key, request.version), (ApiKey::ApiVersions, 99));
    assert_eq!(request.client_id, None);
}

#[test]
fn every_truncation_of_a_request_is_an_error() {
    for version in versions::<CreateTopicsRequest>() {
        let topic = CreatableTopic::default().with_name(TopicName(samples::text("orders")));
        let sent = CreateTopicsRequest::default().with_topics(vec![topic]);
        let frame = encode_request(&sent, version, CorrelationId(9), "kavka").unwrap();
        let bytes = arrived(&frame);
        for length in 0..bytes.len() {
            let cut = decode_request_frame(bytes.slice(..length))
                .and_then(|request| decode_request_body::<CreateTopicsRequest>(&request));
            assert!(cut.is_err(), "version {version} cut to {length} bytes: {cut:?}");
        }
    }
}

#[test]
fn a_hostile_count_in_a_request_reserves_nothing() {
    for version in versions::<CreateTopicsRequest>() {
        let header: &[u8] = &[0, 19, 0, version.to_be_bytes()[1], 0, 0, 0, 1, 0xff, 0xff];
        let count: &[u8] = match version {
            ..5 => &[0x7f, 0xff, 0xff, 0xff],
            _ => &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
        };
        let request = decode_request_frame(Bytes::from([header, count].concat())).unwrap();
        let (decoded, largest) =
            largest_allocation(|| decode_request_body::<CreateTopicsRequest>(&request));
        let Err(DecodeError::Malformed { api: ApiKey::CreateTopics, fault, .. }) = decoded else {
            panic!("version {version}: {decoded:?}");
        };
        assert!(matches!(*fault, DecodeError::Count { field: "topics", .. }), "{fault}");
        assert!(largest < SMALL, "version {version}: {largest} bytes");
    }
}

#[test]
fn the_walker_reads_the_fetch_answer_and_its_records_were_not_copied() {
    let records = [Bytes::from("first batch"), Bytes::from("second batch")];
    let partition = |topic, partition| PartitionAnswer {
        topic: samples::text(topic),
        topic_id: Some(TopicId(Uuid::from_u128(topic.len() as u128))),
        partition,
        high_watermark: Some(50),
        last_stable_offset: Some(40),
        log_start_offset: Some(10),
        ..PartitionAnswer::default()
    };
    let full = PartitionAnswer {
        records: records.to_vec(),
        preferred_read_replica: Some(BrokerId(3)),
        ..partition("orders", 0)
    };
    let diverged =
        PartitionAnswer { diverging_epoch: Some((LeaderEpoch(3), 20)), ..partition("orders", 1) };
    let moved = PartitionAnswer {
        error: Some(ErrorCode::NotLeaderOrFollower),
        current_leader: Some((BrokerId(2), LeaderEpoch(6))),
        diverging_epoch: Some((LeaderEpoch(2), 7)),
        ..partition("users", 4)
    };
    let partitions = vec![full, diverged, moved];
    let throttle = Duration::from_millis(9);
    let answer = FetchAnswer { throttle, error: None, session_id: 77, partitions };
    for version in versions::<kafka_protocol::messages::FetchRequest>() {
        let frame = encode_fetch(&answer, version, CorrelationId(9)).unwrap();
        for batch in &records {
            assert!(frame.chunks().iter().any(|chunk| chunk.as_ptr() == batch.as_ptr()));
        }
        let response = FetchResponse::parse(arrived(&frame), version).unwrap();
        assert_eq!((response.throttle(), response.error()), (answer.throttle, None));
        assert_eq!(response.session_id(), if version >= 7 { 77 } else { 0 });
        let read: Vec<_> = response.partitions().map(Result::unwrap).collect();
        assert_eq!(read.len(), 3);
        for (read, sent) in read.iter().zip(&answer.partitions) {
            let topic = match version {
                ..13 => FetchedTopic::Name(sent.topic.clone()),
                _ => FetchedTopic::Id(sent.topic_id.unwrap()),
            };
            assert_eq!(read.topic, topic);
            assert_eq!((read.partition, read.error), (sent.partition, sent.error));
            assert_eq!(read.high_watermark, sent.high_watermark);
            assert_eq!(read.last_stable_offset, sent.last_stable_offset);
            assert_eq!(read.log_start_offset, sent.log_start_offset.filter(|_| version >= 5));
            assert_eq!(read.diverging_epoch, sent.diverging_epoch.filter(|_| version >= 12));
            let replica = sent.preferred_read_replica.filter(|_| version >= 11);
            assert_eq!(read.preferred_read_replica, replica);
            assert_eq!(read.current_leader, sent.current_leader.filter(|_| version >= 12));
            assert_eq!(read.records, sent.records.concat());
        }
    }
}

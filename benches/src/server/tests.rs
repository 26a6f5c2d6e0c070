//! Requests as clients send them, and what they are answered.

use std::net::SocketAddr;

use bytes::Bytes;
use kavka_protocol::{
    ApiKey, BatchBuilder, Batches, Compression, Compressor, CorrelationId, ErrorCode,
    FetchResponse, Frame, ProducerEpoch, ProducerId, ProducerStamp, Request, Sequence, StrBytes,
    decode_api_versions, decode_response, encode_request,
    messages::{
        ApiVersionsRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest,
        TopicName,
        fetch_request::{FetchPartition, FetchTopic},
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    server::decode_request_frame,
    spoken,
};

use super::*;
use crate::{Recording, SHAPES};

fn address() -> SocketAddr {
    "127.0.0.1:9092".parse().unwrap()
}

fn replay() -> Replay {
    let recording = Recording::make(&SHAPES[0], Compression::None, 16_384, 2, 1_000_000).unwrap();
    Replay::new(address(), recording)
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

/// What comes back, without the length in front, and whether it comes at once.
fn ask<R: Request>(broker: &impl Broker, request: &R, version: i16) -> Result<(Bytes, bool)> {
    let frame = encode_request(request, version, CorrelationId(77), "test")?;
    let whole = Bytes::from(frame.chunks().concat());
    let plain = |frame: Frame| Bytes::from(frame.chunks().concat()).slice(4..);
    Ok(match broker.answer(&decode_request_frame(whole.slice(4..))?)? {
        Answer::Now(frame) => (plain(frame), true),
        Answer::Later(frame, _) => (plain(frame), false),
        Answer::Silence => (Bytes::new(), true),
    })
}

fn fetch(partitions: &[(i32, i64)], max_bytes: i32, max_partition_bytes: i32) -> FetchRequest {
    let partitions = partitions.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_partition_max_bytes(max_partition_bytes)
    });
    let topic = FetchTopic::default().with_topic(topic()).with_partitions(partitions.collect());
    FetchRequest::default().with_max_wait_ms(500).with_max_bytes(max_bytes).with_topics(vec![topic])
}

/// A partition, first offset and size of what came, or the error.
type Fetched = (i32, Result<(i64, usize), ErrorCode>);

fn fetched(answer: Bytes, version: i16) -> Vec<Fetched> {
    let response = FetchResponse::parse(answer, version).unwrap();
    assert_eq!((response.error(), response.session_id()), (None, 0));
    let partitions = response.partitions().map(|partition| {
        let partition = partition.unwrap();
        let result = match partition.error {
            Some(error) => Err(error),
            None => {
                let size = partition.records.len();
                let first = Batches::new(partition.records).next();
                Ok((first.map_or(-1, |batch| batch.unwrap().base_offset()), size))
            }
        };
        (partition.partition, result)
    });
    partitions.collect()
}

#[test]
fn a_fetch_brings_whole_batches_within_both_limits_in_every_version() {
    let replay = replay();
    let versions = control::offered(ApiKey::Fetch).unwrap();
    for version in versions.min..=versions.max {
        let request = fetch(&[(1, 0), (0, 0)], 60_000, 40_000);
        let (answer, at_once) = ask(&replay, &request, version).unwrap();
        let [(1, Ok((0, one))), (0, Ok((0, other)))] = fetched(answer, version)[..] else {
            panic!("version {version}");
        };
        assert!(at_once);
        assert!((30_000..=40_000).contains(&one), "{one}");
        assert!((1..=60_000 - one).contains(&other), "{other}");
    }
}

#[test]
fn one_batch_comes_however_little_is_asked_for_but_not_for_every_partition() {
    let (answer, _) = ask(&replay(), &fetch(&[(0, 0), (1, 0)], 10, 10), 12).unwrap();
    let [(0, Ok((0, one))), (1, Ok((-1, 0)))] = fetched(answer, 12)[..] else {
        panic!("one batch");
    };
    assert!(one > 16_000);
}

#[test]
fn behind_the_end_there_is_nothing_and_that_takes_its_time() {
    let replay = replay();
    let (asked, _) = ask(&replay, &list_offsets(-1), 7).unwrap();
    let response = decode_response::<ListOffsetsRequest>(asked, 7).unwrap();
    let end = response.topics[0].partitions[0].offset;
    let (answer, at_once) = ask(&replay, &fetch(&[(0, end)], 1000, 1000), 12).unwrap();
    assert_eq!(fetched(answer, 12), [(0, Ok((-1, 0)))]);
    assert!(!at_once);
    let (answer, at_once) = ask(&replay, &fetch(&[(0, end + 1), (2, 0)], 1000, 1000), 12).unwrap();
    let refused =
        [(0, Err(ErrorCode::OffsetOutOfRange)), (2, Err(ErrorCode::UnknownTopicOrPartition))];
    assert_eq!(fetched(answer, 12), refused);
    assert!(at_once);
}

#[test]
fn a_session_that_was_never_opened_is_not_found() {
    let request = fetch(&[(0, 0)], 1000, 1000).with_session_id(9).with_session_epoch(1);
    let (answer, _) = ask(&replay(), &request, 12).unwrap();
    let response = FetchResponse::parse(answer, 12).unwrap();
    assert_eq!(response.error(), Some(ErrorCode::FetchSessionIdNotFound));
}

fn list_offsets(timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(topic()).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_topics(vec![topic])
}

#[test]
fn clients_learn_what_is_spoken_and_where_the_topic_is_in_every_version() {
    let replay = replay();
    for version in 0..=5 {
        let (answer, _) = ask(&replay, &ApiVersionsRequest::default(), version.min(4)).unwrap();
        let response = decode_api_versions(answer, version.min(4)).unwrap();
        let newest = |asked: ApiKey| {
            let offer = response.api_keys.iter().find(|api| api.api_key == asked as i16);
            offer.map(|offer| offer.max_version)
        };
        // A topic without an id cannot be meant by it: there are clients that would try.
        assert_eq!((newest(ApiKey::Fetch), newest(ApiKey::Produce)), (Some(12), Some(12)));
    }
    let versions = spoken(ApiKey::Metadata).unwrap();
    for version in versions.min..=versions.max {
        let (answer, _) =
            ask(&replay, &MetadataRequest::default().with_topics(None), version).unwrap();
        let response = decode_response::<MetadataRequest>(answer, version).unwrap();
        assert_eq!((&*response.brokers[0].host, response.brokers[0].port), ("127.0.0.1", 9092));
        assert_eq!(response.topics[0].partitions.len(), 2);
    }
    let versions = spoken(ApiKey::ListOffsets).unwrap();
    for version in versions.min..=versions.max {
        let (answer, _) = ask(&replay, &list_offsets(-2), version).unwrap();
        let response = decode_response::<ListOffsetsRequest>(answer, version).unwrap();
        assert_eq!(response.topics[0].partitions[0].offset, 0);
    }
}

/// Two records in one batch.
fn produce(sequence: i32, acks: i16) -> ProduceRequest {
    let mut builder = BatchBuilder::new(Compression::Lz4, None);
    for value in [b"first", b"other"] {
        builder.append(1_700_000_000_000, None, Some(value), []).unwrap();
    }
    let stamp = ProducerStamp {
        producer_id: ProducerId(4000),
        producer_epoch: ProducerEpoch(0),
        base_sequence: Sequence::new(sequence),
        is_transactional: false,
    };
    let batch = builder.seal(&mut Compressor::new()).unwrap().into_stamped(Some(stamp));
    let data = PartitionProduceData::default().with_index(1).with_records(Some(batch));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![data]);
    ProduceRequest::default().with_acks(acks).with_topic_data(vec![topic])
}

#[test]
fn a_sink_counts_what_it_acknowledges_and_offsets_grow() {
    let versions = control::offered(ApiKey::Produce).unwrap();
    for version in versions.min.max(3)..=versions.max {
        let sink = Sink::new(address(), 2);
        for (sequence, offset) in [(0, 0), (2, 2)] {
            let (answer, _) = ask(&sink, &produce(sequence, -1), version).unwrap();
            let response = decode_response::<ProduceRequest>(answer, version).unwrap();
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!((partition.error_code, partition.base_offset), (0, offset));
        }
        let mut expected = Tally::default();
        for (offset, value) in [(0, b"first"), (1, b"other"), (2, b"first"), (3, b"other")] {
            expected.add(offset, value);
        }
        assert_eq!(sink.take_tally(), expected);
        assert_eq!(sink.take_tally(), Tally::default());
    }
}

#[test]
fn a_sink_refuses_what_is_missing_repeated_or_damaged() {
    for sequence in [0, 1, 4] {
        let sink = Sink::new(address(), 2);
        ask(&sink, &produce(0, -1), 9).unwrap();
        assert!(ask(&sink, &produce(sequence, -1), 9).is_err(), "{sequence}");
    }
    let mut request = produce(0, -1);
    let records = &mut request.topic_data[0].partition_data[0].records;
    let mut damaged = records.take().unwrap().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    *records = Some(damaged.into());
    assert!(ask(&Sink::new(address(), 2), &request, 9).is_err());
}

#[test]
fn nothing_is_said_where_no_acknowledgement_is_asked_for() {
    let (answer, _) = ask(&Sink::new(address(), 2), &produce(0, 0), 9).unwrap();
    assert!(answer.is_empty());
}

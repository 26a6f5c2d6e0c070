//! Frames, messages and tagged fields.

use std::fmt::Debug;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};

use super::memory::{generated_codec, own_codec};
use crate::{
    ApiKey, DecodeError, FetchResponse, FetchedPartition, FetchedTopic, Limits, SPOKEN,
    api::codec_version,
    decode_response,
    message::{messages as generated, tagged_fields},
    split_frame,
};

/// Calls a function with the request type of an API that is spoken.
macro_rules! by_api {
    ($api:expr, $run:ident($($argument:expr),*)) => {
        match $api {
            ApiKey::ApiVersions => $run::<generated::ApiVersionsRequest>($($argument),*),
            ApiKey::CreateTopics => $run::<generated::CreateTopicsRequest>($($argument),*),
            ApiKey::DeleteTopics => $run::<generated::DeleteTopicsRequest>($($argument),*),
            ApiKey::Fetch => $run::<generated::FetchRequest>($($argument),*),
            ApiKey::InitProducerId => $run::<generated::InitProducerIdRequest>($($argument),*),
            ApiKey::ListOffsets => $run::<generated::ListOffsetsRequest>($($argument),*),
            ApiKey::Metadata => $run::<generated::MetadataRequest>($($argument),*),
            ApiKey::OffsetForLeaderEpoch => {
                $run::<generated::OffsetForLeaderEpochRequest>($($argument),*)
            }
            ApiKey::Produce => $run::<generated::ProduceRequest>($($argument),*),
            ApiKey::SaslAuthenticate => {
                $run::<generated::SaslAuthenticateRequest>($($argument),*)
            }
            ApiKey::SaslHandshake => $run::<generated::SaslHandshakeRequest>($($argument),*),
            other => panic!("{other:?} is spoken and has no line here"),
        }
    };
}

/// A stream in chunks of any size gives the frames that are in it, and room is made in step with what
/// arrives. The first byte chooses the sizes of the chunks.
pub fn fuzz_frame_reader(data: &[u8]) {
    let Some((&seed, stream)) = data.split_first() else { return };
    let limit = Limits::default().frame_size;
    own_codec(stream.len(), || read_frames(seed, stream, limit, |_| {}));
    let mut frames = Vec::new();
    let end = read_frames(seed, stream, limit, |frame| frames.push(frame));
    let (expected, expected_end) = frames_in(stream, limit);
    assert_eq!((frames, end), (expected, expected_end));
}

/// Whether the stream is refused at some point.
fn read_frames(seed: u8, stream: &[u8], limit: usize, mut take: impl FnMut(Bytes)) -> bool {
    let mut buffer = BytesMut::new();
    let mut rest = stream;
    let mut sizes = (1..).map(|n: usize| 1 + n * usize::from(seed) % 251);
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        buffer.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        loop {
            match split_frame(&mut buffer, limit) {
                Ok(Some(frame)) => take(frame),
                Ok(None) => break,
                Err(_) => return true,
            }
        }
    }
    false
}

fn frames_in(mut stream: &[u8], limit: usize) -> (Vec<Bytes>, bool) {
    let mut frames = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk::<4>() {
        let length = i64::from(i32::from_be_bytes(*prefix));
        if length < 0 || length > limit as i64 {
            return (frames, true);
        }
        let Some(frame) = rest.get(..length as usize) else { break };
        frames.push(Bytes::copy_from_slice(frame));
        stream = &rest[frame.len()..];
    }
    (frames, false)
}

/// An answer of any API in any version spoken is refused by the guard or read by the codec, never
/// the other way round; what was read can be written and read again. The first two bytes choose API
/// and version.
pub fn fuzz_response_any(data: &[u8]) {
    let Some((api, version, answer)) = choose(data) else { return };
    if api == ApiKey::Fetch {
        check_fetch_answer(version, answer);
    }
    by_api!(api, check_answer(version, answer));
}

fn choose(data: &[u8]) -> Option<(ApiKey, i16, &[u8])> {
    let (&[api, version], rest) = data.split_first_chunk()?;
    let (api, versions) = &SPOKEN[usize::from(api) % SPOKEN.len()];
    let version = versions.min + i16::from(version) % (versions.max - versions.min + 1);
    Some((*api, version, rest))
}

fn check_answer<R: Request>(version: i16, answer: &[u8])
where
    R::Response: PartialEq + Debug,
{
    let answer = Bytes::copy_from_slice(answer);
    let decode = || decode_response::<R>(answer.clone(), version);
    let Some(response) = understood(generated_codec(answer.len(), decode)) else { return };
    let mut again = BytesMut::new();
    again.put_i32(0);
    if <R::Response as HeaderVersion>::header_version(version) >= 1 {
        again.put_u8(0);
    }
    let api = ApiKey::try_from(R::KEY).expect("it is spoken");
    let of_codec = codec_version(api, version);
    response.encode(&mut again, of_codec).expect("what was read can be written");
    assert_eq!(decode_response::<R>(again.freeze(), version), Ok(response));
}

/// Behind the guard the codec has nothing to refuse.
fn understood<T>(decoded: Result<T, DecodeError>) -> Option<T> {
    match decoded {
        Ok(message) => Some(message),
        Err(error @ DecodeError::Message { .. }) => panic!("only the codec refuses this: {error}"),
        Err(_) => None,
    }
}

/// The walker reads every answer that the generated codec reads, and reads the same.
fn check_fetch_answer(version: i16, answer: &[u8]) {
    let answer = Bytes::copy_from_slice(answer);
    let whole = answer.as_ptr_range();
    own_codec(answer.len(), || {
        let Ok(response) = FetchResponse::parse(answer.clone(), version) else { return };
        for partition in response.partitions().map_while(Result::ok) {
            let records = partition.records.as_ptr_range();
            assert!(
                partition.records.is_empty()
                    || whole.start <= records.start && records.end <= whole.end
            );
        }
    });
    let Ok(expected) = decode_response::<generated::FetchRequest>(answer.clone(), version) else {
        return;
    };
    let walked = FetchResponse::parse(answer, version).expect("the generated codec reads it");
    let partitions: Vec<_> =
        walked.partitions().map(|one| one.expect("the generated codec reads it")).collect();
    assert_eq!(walked.session_id(), expected.session_id);
    let expected = expected
        .responses
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
    let expected = expected.map(|(topic, one)| {
        let name = topic.topic.to_string();
        expected_facts(if version < 13 { name } else { topic.topic_id.to_string() }, one)
    });
    assert!(partitions.iter().map(facts).eq(expected));
}

type Facts = (String, i32, i16, [i64; 3], Vec<(i64, i64)>, i32, [(i64, i64); 2], Bytes);

fn facts(read: &FetchedPartition) -> Facts {
    let topic = match &read.topic {
        FetchedTopic::Name(name) => name.to_string(),
        FetchedTopic::Id(id) => id.0.to_string(),
    };
    let offsets = [read.high_watermark, read.last_stable_offset, read.log_start_offset];
    (
        topic,
        read.partition,
        read.error.map_or(0, |error| error.code()),
        offsets.map(|offset| offset.unwrap_or(-1)),
        read.aborted_transactions.iter().map(|(id, first)| (id.0, first)).collect(),
        read.preferred_read_replica.map_or(-1, |id| id.0),
        [
            read.diverging_epoch.map_or((-1, -1), |(epoch, end)| (epoch.0.into(), end)),
            read.current_leader.map_or((-1, -1), |(id, epoch)| (id.0.into(), epoch.0.into())),
        ],
        read.records.clone(),
    )
}

fn expected_facts(topic: String, read: &generated::fetch_response::PartitionData) -> Facts {
    let negative = |number: i64| number.max(-1);
    let offsets = [read.high_watermark, read.last_stable_offset, read.log_start_offset];
    let mut aborted: Vec<_> = read.aborted_transactions.iter().flatten().collect();
    aborted.sort_by_key(|one| (one.first_offset, one.producer_id));
    let (diverging, leader) = (&read.diverging_epoch, &read.current_leader);
    let pairs = [
        (diverging.epoch.into(), diverging.end_offset),
        (leader.leader_id.0.into(), leader.leader_epoch.into()),
    ];
    (
        topic,
        read.partition_index,
        read.error_code,
        offsets.map(negative),
        aborted.iter().map(|one| (*one.producer_id, one.first_offset)).collect(),
        read.preferred_read_replica.0.max(-1),
        // Of what is not known nothing is taken.
        pairs.map(|(one, other)| if one < 0 || other < 0 { (-1, -1) } else { (one, other) }),
        read.records.clone().unwrap_or_default(),
    )
}

/// A request of any API in any version spoken, read by the broker's half and written by the client's.
/// The first two bytes choose API and version.
#[cfg(feature = "broker")]
pub fn fuzz_request_any(data: &[u8]) {
    let Some((api, version, body)) = choose(data) else { return };
    by_api!(api, check_request(version, body));
    if api == ApiKey::Produce {
        check_produce_request(version, body);
    }
}

#[cfg(feature = "broker")]
fn decode_request<R: Request>(frame: Bytes) -> Result<R, DecodeError> {
    let request = crate::server::decode_request_frame(frame)?;
    crate::server::decode_request_body(&request)
}

/// The frame of a request of which only the body is given.
#[cfg(feature = "broker")]
fn request_frame<R: Request>(version: i16, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_i16(R::KEY);
    frame.put_i16(version);
    frame.put_i32(7);
    frame.put_i16(-1);
    if R::header_version(version) >= 2 {
        frame.put_u8(0);
    }
    frame.put_slice(body);
    frame.freeze()
}

#[cfg(feature = "broker")]
fn check_request<R: Request + PartialEq + Debug>(version: i16, body: &[u8]) {
    let frame = request_frame::<R>(version, body);
    let decode = || decode_request::<R>(frame.clone());
    let Some(request) = understood(generated_codec(frame.len(), decode)) else { return };
    let again = crate::encode_request(&request, version, crate::CorrelationId(7), "fuzz");
    let again = again.expect("what was read can be written").chunks().concat();
    assert_eq!(decode_request::<R>(Bytes::from(again).slice(4..)), Ok(request));
}

/// What the writer around record batches writes, the generated codec reads.
#[cfg(feature = "broker")]
fn check_produce_request(version: i16, body: &[u8]) {
    let frame = request_frame::<generated::ProduceRequest>(version, body);
    let Ok(read) = decode_request::<generated::ProduceRequest>(frame) else { return };
    let mut batches = Vec::new();
    for topic in &read.topic_data {
        for partition in &topic.partition_data {
            batches.push(crate::PartitionBatch {
                topic_partition: crate::TopicPartition::new(topic.name.as_str(), partition.index),
                // All zeros are an id to the writer: what is not known is not asked of it.
                topic_id: (version >= 13).then_some(crate::TopicId(topic.topic_id)),
                records: partition.records.clone().unwrap_or_default(),
            });
        }
    }
    let place = |batch: &crate::PartitionBatch| {
        let crate::TopicPartition { topic, partition } = batch.topic_partition.clone();
        (topic, batch.topic_id, partition)
    };
    batches.sort_by_key(place);
    let request = crate::ProduceBatches {
        acks: read.acks,
        timeout: std::time::Duration::from_millis(u64::try_from(read.timeout_ms).unwrap_or(0)),
        transactional_id: read.transactional_id.as_ref().map(|id| id.as_str()),
        batches: &batches,
    };
    let written = crate::encode_produce(&request, version, crate::CorrelationId(7), "fuzz");
    let Ok(written) = written else {
        assert!(batches.array_windows().any(|[a, b]| place(a) == place(b)), "{written:?}");
        return;
    };
    let written = Bytes::from(written.chunks().concat()).slice(4..);
    let again = decode_request::<generated::ProduceRequest>(written).expect("it is well formed");
    let again = again.topic_data.iter().flat_map(|topic| {
        let partitions = topic.partition_data.iter();
        partitions.map(|one| (topic.name.as_str(), topic.topic_id, one.index, one.records.clone()))
    });
    let sent = batches.iter().map(|batch| {
        let crate::TopicPartition { topic, partition } = &batch.topic_partition;
        let id = crate::TopicId::to_wire(batch.topic_id);
        (&**topic, id, *partition, Some(batch.records.clone()))
    });
    assert!(again.eq(sent));
}

/// Tagged fields are read in their order, as the bytes that they are.
pub fn fuzz_tagged_fields(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    own_codec(data.len(), || tagged_fields(bytes.clone(), |_, _| {}).map(drop).ok());
    let mut read = Vec::new();
    let rest = tagged_fields(bytes, |tag, field| read.push((tag, field)));
    let expected = tagged_fields_in(data);
    match rest {
        Ok(rest) => assert_eq!(expected, Some((read, rest))),
        Err(_) => assert_eq!(expected, None),
    }
}

fn tagged_fields_in(mut data: &[u8]) -> Option<(Vec<(u32, Bytes)>, Bytes)> {
    let number =
        |data: &mut &[u8]| super::naive::unsigned(data, 32).and_then(|n| u32::try_from(n).ok());
    let count = number(&mut data)?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let tag = number(&mut data)?;
        let size = number(&mut data)? as usize;
        let (field, rest) = data.split_at_checked(size)?;
        fields.push((tag, Bytes::copy_from_slice(field)));
        data = rest;
    }
    Some((fields, Bytes::copy_from_slice(data)))
}

//! Messages against the generated codec, and against hostile bytes.

mod fetch;
mod hostile;
mod produce;
mod samples;
#[cfg(feature = "broker")]
mod server;

use std::fmt::Debug;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiKey, ApiVersionsRequest, ApiVersionsResponse, CreateTopicsRequest, DeleteTopicsRequest,
        InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest,
        ProduceRequest as GeneratedProduceRequest, RequestHeader, SaslAuthenticateRequest,
        SaslHandshakeRequest, api_versions_response::ApiVersion,
    },
    protocol::{Decodable, Encodable, HeaderVersion, Request},
};

use super::*;
use crate::allocations::largest_allocation;
use crate::api::{SPOKEN, api_versions_fallback, codec_version, spoken};
use crate::varint::put_unsigned_varint;

/// What refusing a hostile count may reserve on the way.
const SMALL: usize = 64 << 10;

/// An answer as it arrives: the generated encoding behind a correlation id.
fn answer<R: Request>(response: &R::Response, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    bytes.put_i32(7);
    if <R::Response as HeaderVersion>::header_version(version) >= 1 {
        bytes.put_u8(0);
    }
    response.encode(&mut bytes, codec_version(api_of::<R>().unwrap(), version)).unwrap();
    bytes.to_vec()
}

fn decode<R: Request>(answer: &[u8], version: i16) -> Result<R::Response, DecodeError> {
    decode_response::<R>(Bytes::copy_from_slice(answer), version)
}

fn versions<R: Request>() -> impl Iterator<Item = i16> {
    let versions = spoken(ApiKey::try_from(R::KEY).unwrap()).unwrap();
    versions.min..=versions.max
}

/// Answers with every array filled, at every version spoken.
fn check_answers<R: Request>(sample: impl Fn(i16) -> R::Response)
where
    R::Response: PartialEq + Debug,
{
    for version in versions::<R>() {
        let expected = sample(version);
        let answer = answer::<R>(&expected, version);
        assert_eq!(decode::<R>(&answer, version), Ok(expected), "version {version}");
        check_truncations::<R>(&answer, version);
        check_hostile_counts::<R>(&answer, version);
    }
}

fn check_truncations<R: Request>(answer: &[u8], version: i16)
where
    R::Response: PartialEq + Debug,
{
    for length in 0..answer.len() {
        let cut = decode::<R>(&answer[..length], version);
        assert!(cut.is_err(), "version {version} cut to {length} bytes: {cut:?}");
    }
    let longer = decode::<R>(&[answer, &[0]].concat(), version);
    assert!(longer.is_err(), "version {version} with a byte too many: {longer:?}");
}

/// Puts the greatest count into every place, arrays or not.
///
/// Where the answer still decodes, it was no count, and what was read can be written again.
fn check_hostile_counts<R: Request>(answer: &[u8], version: i16)
where
    R::Response: PartialEq + Debug,
{
    for count in [&i32::MAX.to_be_bytes()[..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 5]] {
        let replaced = if count.len() == 4 { 4 } else { 1 };
        for place in 4..answer.len().saturating_sub(replaced) {
            let hostile = [&answer[..place], count, &answer[place + replaced..]].concat();
            let (decoded, largest) = largest_allocation(|| decode::<R>(&hostile, version));
            let context = format_args!("version {version}, count {count:x?} at byte {place}");
            assert!(largest < SMALL, "{context}: {largest} bytes reserved");
            if let Ok(decoded) = decoded {
                let again = self::answer::<R>(&decoded, version);
                assert_eq!(decode::<R>(&again, version), Ok(decoded), "{context}");
            }
        }
    }
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_api_versions() {
    check_answers::<ApiVersionsRequest>(samples::api_versions);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_create_topics() {
    check_answers::<CreateTopicsRequest>(samples::create_topics);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_delete_topics() {
    check_answers::<DeleteTopicsRequest>(samples::delete_topics);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_init_producer_id() {
    check_answers::<InitProducerIdRequest>(samples::init_producer_id);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_list_offsets() {
    check_answers::<ListOffsetsRequest>(samples::list_offsets);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_metadata() {
    check_answers::<MetadataRequest>(samples::metadata);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_offset_for_leader_epoch() {
    check_answers::<OffsetForLeaderEpochRequest>(samples::offset_for_leader_epoch);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_produce() {
    check_answers::<GeneratedProduceRequest>(samples::produce);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_sasl_authenticate() {
    check_answers::<SaslAuthenticateRequest>(samples::sasl_authenticate);
}

#[test]
fn answers_decode_whole_and_hostile_counts_are_refused_sasl_handshake() {
    check_answers::<SaslHandshakeRequest>(samples::sasl_handshake);
}

#[test]
fn a_hostile_first_array_of_every_answer_is_named_with_api_and_version() {
    let fixed = [&[0, 0, 0, 7, 0, 0, 0, 0][..], &[0x7f, 0xff, 0xff, 0xff]].concat();
    let error = decode::<MetadataRequest>(&fixed, 4).unwrap_err();
    let count = |count| DecodeError::Count { field: "brokers", count, limit: 0 };
    let refused = |version, count| DecodeError::Malformed {
        api: ApiKey::Metadata,
        version,
        fault: Box::new(count),
    };
    assert_eq!(error, refused(4, count(i32::MAX.into())));
    let flexible = [&[0, 0, 0, 7, 0, 0, 0, 0, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    let error = decode::<MetadataRequest>(&flexible, 12).unwrap_err();
    assert_eq!(error, refused(12, count(4_294_967_294)));
    assert_eq!(
        error.to_string(),
        "Metadata version 12: brokers declares 4294967294 elements, \
         but the bytes that remain hold at most 0"
    );
}

#[test]
fn an_unknown_tagged_field_is_passed_over() {
    for tag in [4, 100, 127, 10_000, i32::MAX.unsigned_abs()] {
        let mut answer = answer::<ApiVersionsRequest>(&ApiVersionsResponse::default(), 3);
        assert_eq!(answer.pop(), Some(0), "an answer of defaults ends with no tagged fields");
        answer.push(1);
        put_unsigned_varint(&mut answer, tag);
        answer.extend_from_slice(&[1, 0]);
        assert!(decode::<ApiVersionsRequest>(&answer, 3).is_ok(), "tag {tag}");
    }
}

#[test]
fn a_request_starts_with_the_header_its_version_has() {
    for version in versions::<MetadataRequest>() {
        let request = MetadataRequest::default().with_topics(None);
        let frame = encode_request(&request, version, CorrelationId(42), "kavka").unwrap();
        let mut bytes = Bytes::from(frame.chunks().concat());
        assert_eq!(frame.len(), bytes.len());
        assert_eq!(bytes.split_to(4)[..], u32::try_from(bytes.len()).unwrap().to_be_bytes());
        let header_version = MetadataRequest::header_version(version);
        let header = RequestHeader::decode(&mut bytes, header_version).unwrap();
        assert_eq!(header.request_api_key, MetadataRequest::KEY);
        assert_eq!(header.request_api_version, version);
        assert_eq!(header.correlation_id, 42);
        assert_eq!(header.client_id.as_deref(), Some("kavka"));
        assert_eq!(MetadataRequest::decode(&mut bytes, version).unwrap(), request);
        assert!(bytes.is_empty());
    }
}

#[test]
fn the_correlation_id_stands_in_front() {
    assert_eq!(correlation_id(&[0, 0, 1, 0, 9]), Ok(CorrelationId(256)));
    assert!(correlation_id(&[0, 0, 1]).is_err());
}

#[test]
fn a_value_the_version_cannot_express_is_an_error() {
    let request = MetadataRequest::default().with_allow_auto_topic_creation(false);
    let error = encode_request(&request, 1, CorrelationId(1), "kavka").unwrap_err();
    assert!(matches!(error, EncodeError::Message { api: ApiKey::Metadata, version: 1, .. }));
    let long = "x".repeat(40_000);
    let error = encode_request(&request, 9, CorrelationId(1), &long).unwrap_err();
    assert!(matches!(error, EncodeError::TooLarge { field: "client id", length: 40_000, .. }));
}

#[test]
fn a_broker_that_does_not_speak_the_version_is_asked_again_in_one_it_speaks() {
    let offers = |versions: &[(i16, i16)]| {
        let api = |(min, max): &(i16, i16)| {
            ApiVersion::default().with_api_key(18).with_min_version(*min).with_max_version(*max)
        };
        ApiVersionsResponse::default()
            .with_error_code(35)
            .with_api_keys(versions.iter().map(api).collect())
    };
    for (offered, again) in [(&[][..], 0), (&[(0, 2)], 2), (&[(0, 9)], 4)] {
        let bytes = Bytes::from(answer::<ApiVersionsRequest>(&offers(offered), 0));
        let refused = decode_api_versions(bytes, 4).unwrap();
        assert_eq!(refused.error_code, 35);
        assert_eq!(api_versions_fallback(&refused), again);
    }
    let bytes = Bytes::from(answer::<ApiVersionsRequest>(&samples::api_versions(4), 4));
    assert_eq!(decode_api_versions(bytes, 4), Ok(samples::api_versions(4)));
}

#[test]
fn the_generated_codec_has_every_version_spoken() {
    for (api, versions) in SPOKEN {
        let generated = api.valid_versions();
        let [min, max] = [versions.min, versions.max].map(|version| codec_version(*api, version));
        assert!(generated.min <= min && max <= generated.max, "{api:?}");
    }
}

//! Frames and messages.

use super::{Bomb, Input};
use crate::{
    ApiKey, DecodeError, Limits,
    message::synthetic::{hostile_answer, plain_answer},
};

pub(super) fn bombs() -> Vec<Bomb> {
    let mut bombs = streams();
    bombs.extend(counts());
    bombs.extend(fetch_counts());
    bombs.extend(lengths());
    #[cfg(feature = "broker")]
    bombs.extend(requests());
    bombs
}

fn streams() -> Vec<Bomb> {
    let limit = Limits::DEFAULT.frame_size;
    let bomb = |name, length: i32| Bomb {
        name,
        input: Input::Stream(length.to_be_bytes().to_vec()),
        expected: DecodeError::Length { field: "frame", length: length.into(), minimum: 0, limit },
    };
    vec![
        bomb("a frame of less than nothing", -1),
        bomb("a frame of as little as there is", i32::MIN),
        bomb("a frame of 2 GiB", i32::MAX),
        bomb("a frame of one byte too many", (100 << 20) + 1),
        bomb("a peer that speaks HTTP", i32::from_be_bytes(*b"HTTP")),
    ]
}

fn malformed(api: ApiKey, version: i16, fault: DecodeError) -> DecodeError {
    DecodeError::Malformed { api, version, fault: Box::new(fault) }
}

/// An array of every message that says it has `MOST` elements: `limit` is how many there could be.
fn counts() -> Vec<Bomb> {
    use ApiKey::{ApiVersions, CreateTopics, DeleteTopics, ListOffsets, Metadata, Produce};
    let table: &[(&'static str, ApiKey, i16, &'static str, usize)] = &[
        ("brokers of Metadata 8", Metadata, 8, "brokers", 23),
        ("topics of Metadata 8", Metadata, 8, "topics", 18),
        ("partitions of Metadata 8", Metadata, 8, "partitions", 8),
        ("replica nodes of Metadata 8", Metadata, 8, "replica nodes", 51),
        ("isr nodes of Metadata 8", Metadata, 8, "isr nodes", 48),
        ("offline replicas of Metadata 8", Metadata, 8, "offline replicas", 45),
        ("brokers of Metadata 12", Metadata, 12, "brokers", 24),
        ("topics of Metadata 12", Metadata, 12, "topics", 8),
        ("partitions of Metadata 12", Metadata, 12, "partitions", 11),
        ("replica nodes of Metadata 12", Metadata, 12, "replica nodes", 47),
        ("isr nodes of Metadata 12", Metadata, 12, "isr nodes", 44),
        ("offline replicas of Metadata 12", Metadata, 12, "offline replicas", 42),
        ("api keys of ApiVersions 0", ApiVersions, 0, "api keys", 2),
        ("api keys of ApiVersions 3", ApiVersions, 3, "api keys", 10),
        ("supported features of ApiVersions 3", ApiVersions, 3, "supported features", 2),
        ("finalized features of ApiVersions 3", ApiVersions, 3, "finalized features", 2),
        ("topics of CreateTopics 4", CreateTopics, 4, "topics", 4),
        ("configs of CreateTopics 7", CreateTopics, 7, "configs", 15),
        ("responses of DeleteTopics 6", DeleteTopics, 6, "responses", 2),
        ("partitions of ListOffsets 5", ListOffsets, 5, "partitions", 4),
        ("partitions of ListOffsets 6", ListOffsets, 6, "partitions", 4),
        ("responses of Produce 8", Produce, 8, "responses", 41),
        ("partition responses of Produce 8", Produce, 8, "partition responses", 6),
        ("record errors of Produce 8", Produce, 8, "record errors", 34),
        ("record errors of Produce 9", Produce, 9, "record errors", 32),
        ("node endpoints of Produce 10", Produce, 10, "node endpoints", 2),
    ];
    let bomb =
        |(name, api, version, array, limit): &(&'static str, ApiKey, i16, &'static str, usize)| {
            let body = hostile_answer(*api, *version, array, MOST);
            let fault = DecodeError::Count { field: array, count: MOST.into(), limit: *limit };
            let input = Input::Answer(*api, *version, body);
            Bomb { name, input, expected: malformed(*api, *version, fault) }
        };
    table.iter().map(bomb).collect()
}

/// The walker has names of its own for the same arrays.
fn fetch_counts() -> Vec<Bomb> {
    let bomb = |name, version, array, field, limit| Bomb {
        name,
        input: Input::Fetch(version, hostile_answer(ApiKey::Fetch, version, array, MOST)),
        expected: DecodeError::Count { field, count: MOST.into(), limit },
    };
    vec![
        bomb("topics of Fetch 4", 4, "responses", "topics", 143),
        bomb("partitions of Fetch 4", 4, "partitions", "partitions", 11),
        bomb("topics of Fetch 11", 11, "responses", "topics", 167),
        bomb("partitions of Fetch 11", 11, "partitions", "partitions", 13),
        bomb("transactions of Fetch 11", 11, "aborted transactions", "aborted transactions", 18),
        bomb("topics of Fetch 12", 12, "responses", "topics", 240),
        bomb("partitions of Fetch 12", 12, "partitions", "partitions", 19),
        bomb("transactions of Fetch 12", 12, "aborted transactions", "aborted transactions", 27),
        Bomb {
            name: "records of Fetch 12",
            input: Input::Fetch(12, {
                // An answer of one partition up to its records.
                let head = [&[0; 10][..], &[2, 2, b't', 2], &[0; 30], &[1], &[0; 4]].concat();
                [&head[..], COMPACT_MOST].concat()
            }),
            expected: DecodeError::Truncated {
                field: "records",
                needed: u32::MAX as usize - 1,
                remaining: 0,
            },
        },
        Bomb {
            name: "tagged fields of Fetch 12",
            input: Input::Fetch(12, [&[0; 10][..], &[1], COMPACT_MOST].concat()),
            expected: DecodeError::Truncated { field: "tag", needed: 1, remaining: 0 },
        },
    ]
}

/// Strings, tagged fields and numbers that are longer than what brings them.
fn lengths() -> Vec<Bomb> {
    let limit = Limits::DEFAULT.string_length;
    let length = |length| DecodeError::Length { field: "cluster id", length, minimum: 0, limit };
    // Throttle time, no brokers, and then the cluster id.
    let fixed = |id: &[u8]| [&[0; 8][..], id].concat();
    let compact = |id: &[u8]| [&[0, 0, 0, 0, 1][..], id].concat();
    let bomb = |name, version, body, fault| Bomb {
        name,
        input: Input::Answer(ApiKey::Metadata, version, body),
        expected: malformed(ApiKey::Metadata, version, fault),
    };
    let whole = plain_answer(ApiKey::Metadata, 12);
    let tags = |tags: &[u8]| [&whole[..whole.len() - 1], tags].concat();
    vec![
        bomb(
            "a string of 32767 bytes that are not there",
            8,
            fixed(&[0x7f, 0xff]),
            DecodeError::Truncated { field: "cluster id", needed: 32_767, remaining: 0 },
        ),
        bomb("a string of less than nothing", 8, fixed(&[0xff, 0xfe]), length(-2)),
        bomb("a string of 4 GiB", 12, compact(COMPACT_MOST), length(i64::from(u32::MAX) - 1)),
        bomb("a string of one byte too many", 12, compact(&[0x81, 0x80, 0x02]), length(32_768)),
        bomb(
            "a length that does not end",
            12,
            compact(&[0xff; 10]),
            DecodeError::Varint { field: "cluster id" },
        ),
        bomb(
            "as many tagged fields as there are numbers",
            12,
            tags(COMPACT_MOST),
            DecodeError::Count { field: "tagged fields", count: u32::MAX.into(), limit: 0 },
        ),
        bomb(
            "a tagged field of 4 GiB",
            12,
            tags(&[&[1, 100], COMPACT_MOST].concat()),
            DecodeError::Truncated {
                field: "tagged field",
                needed: u32::MAX as usize,
                remaining: 0,
            },
        ),
        bomb(
            "a tag beyond Kafka's numbers",
            12,
            tags(&[&[1][..], COMPACT_MOST, &[0]].concat()),
            DecodeError::Value { field: "tag", value: u32::MAX.into() },
        ),
        Bomb {
            name: "a known tagged field that ends before its size",
            input: Input::Answer(ApiKey::ApiVersions, 3, vec![0, 0, 1, 0, 0, 0, 0, 1, 3, 2, 1, 1]),
            expected: malformed(
                ApiKey::ApiVersions,
                3,
                DecodeError::Trailing { field: "zk migration ready", bytes: 1 },
            ),
        },
        Bomb {
            name: "a known tagged field that goes on after its size",
            input: Input::Answer(ApiKey::ApiVersions, 3, vec![0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
            expected: malformed(
                ApiKey::ApiVersions,
                3,
                DecodeError::Truncated {
                    field: "finalized features epoch",
                    needed: 8,
                    remaining: 1,
                },
            ),
        },
    ]
}

#[cfg(feature = "broker")]
fn requests() -> Vec<Bomb> {
    use crate::message::synthetic::hostile_request;
    use ApiKey::{CreateTopics, DeleteTopics, Fetch, ListOffsets, Metadata, Produce};
    let table: &[(&'static str, ApiKey, i16, &'static str, usize)] = &[
        ("assignments of a CreateTopics request", CreateTopics, 5, "assignments", 18),
        ("topic names of a DeleteTopics request", DeleteTopics, 3, "topic names", 7),
        ("forgotten topics of a Fetch request", Fetch, 11, "forgotten topics data", 6),
        ("partitions of a ListOffsets request", ListOffsets, 10, "partitions", 4),
        ("topics of a Metadata request", Metadata, 9, "topics", 7),
        ("topic data of a Produce request", Produce, 3, "topic data", 11),
        ("partition data of a Produce request", Produce, 9, "partition data", 8),
    ];
    let bomb =
        |(name, api, version, array, limit): &(&'static str, ApiKey, i16, &'static str, usize)| {
            let body = hostile_request(*api, *version, array, MOST);
            let fault = DecodeError::Count { field: array, count: MOST.into(), limit: *limit };
            let input = Input::Request(*api, *version, body);
            Bomb { name, input, expected: malformed(*api, *version, fault) }
        };
    table.iter().map(bomb).collect()
}

#[cfg(feature = "broker")]
pub(super) fn read_request(api: ApiKey, version: i16, body: &[u8]) -> Result<(), DecodeError> {
    use crate::{
        message::messages as generated,
        server::{RequestFrame, decode_request_body},
    };
    let request = RequestFrame {
        api_key: api,
        version,
        correlation_id: crate::CorrelationId(1),
        client_id: None,
        body: bytes::Bytes::copy_from_slice(body),
    };
    match api {
        ApiKey::CreateTopics => {
            decode_request_body::<generated::CreateTopicsRequest>(&request).map(drop)
        }
        ApiKey::DeleteTopics => {
            decode_request_body::<generated::DeleteTopicsRequest>(&request).map(drop)
        }
        ApiKey::Fetch => decode_request_body::<generated::FetchRequest>(&request).map(drop),
        ApiKey::ListOffsets => {
            decode_request_body::<generated::ListOffsetsRequest>(&request).map(drop)
        }
        ApiKey::Metadata => decode_request_body::<generated::MetadataRequest>(&request).map(drop),
        ApiKey::Produce => decode_request_body::<generated::ProduceRequest>(&request).map(drop),
        other => panic!("{other:?} has no bomb"),
    }
}

/// The greatest count that both forms of an array can announce.
const MOST: u32 = i32::MAX as u32;
/// The greatest number in the compact form.
const COMPACT_MOST: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f];

//! Every message in every version spoken, made from its layout: the generated codec agrees with the
//! layout, and no count gets past the guard.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::*;
use crate::{
    allocations::peak_allocation,
    api::codec_version,
    limits::Limits,
    message::{
        guard,
        layout::{self, Layout},
        synthetic::{self, Synthetic, crowded},
    },
};

/// Calls `$check` with the layout of every message there is and its generated type.
macro_rules! every_message {
    ($check:ident: $($api:ident $request:ident $answer:ident,)*) => {
        $(
            $check::<messages::$answer>(layout::answer_to(ApiKey::$api).unwrap());
            #[cfg(feature = "broker")]
            $check::<messages::$request>(layout::request_of(ApiKey::$api).unwrap());
        )*
        let checked = [$(ApiKey::$api),*];
        assert!(SPOKEN.iter().map(|(api, _)| *api).eq(checked), "an API is missing");
    };
    ($check:ident) => {
        every_message!($check:
            ApiVersions ApiVersionsRequest ApiVersionsResponse,
            CreateTopics CreateTopicsRequest CreateTopicsResponse,
            DeleteTopics DeleteTopicsRequest DeleteTopicsResponse,
            Fetch FetchRequest FetchResponse,
            InitProducerId InitProducerIdRequest InitProducerIdResponse,
            ListOffsets ListOffsetsRequest ListOffsetsResponse,
            Metadata MetadataRequest MetadataResponse,
            OffsetForLeaderEpoch OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
            Produce ProduceRequest ProduceResponse,
            SaslAuthenticate SaslAuthenticateRequest SaslAuthenticateResponse,
            SaslHandshake SaslHandshakeRequest SaslHandshakeResponse,
        );
    };
}

fn each_version(layout: Layout, mut check: impl FnMut(i16)) {
    let versions = spoken(layout.api).unwrap();
    (versions.min..=versions.max).for_each(&mut check);
}

fn decode_bytes<M: Decodable>(
    bytes: &[u8],
    layout: Layout,
    version: i16,
) -> Result<M, DecodeError> {
    guard::decode(Bytes::copy_from_slice(bytes), layout, version, &Limits::default())
}

#[test]
fn the_layout_is_what_the_generated_codec_reads_and_writes() {
    fn check<M: Decodable + Encodable>(layout: Layout) {
        each_version(layout, |version| {
            for unknown in [None, Some(100), Some(70_000)] {
                let sample = synthetic::message(layout, version, unknown);
                let context = format!("{:?} version {version}", layout.api);
                let of_codec = codec_version(layout.api, version);
                let raw = M::decode(&mut &sample.bytes[..], of_codec);
                let mut again = BytesMut::new();
                raw.expect(&context).encode(&mut again, of_codec).expect(&context);
                assert_eq!(again, sample.bytes, "{context}");
                decode_bytes::<M>(&sample.bytes, layout, version).expect(&context);
            }
        });
    }
    every_message!(check);
}

#[test]
fn a_hostile_count_of_every_array_in_every_version_is_named_and_reserves_nothing() {
    fn check<M: Decodable + Debug>(layout: Layout) {
        each_version(layout, |version| {
            let sample = synthetic::message(layout, version, None);
            for (array, place) in &sample.counts {
                check_counts::<M>(layout, version, &sample, array, *place);
            }
        });
    }
    every_message!(check);
}

fn check_counts<M: Decodable + Debug>(
    layout: Layout,
    version: i16,
    sample: &Synthetic,
    array: &'static str,
    place: usize,
) {
    let rest = sample.bytes.len() - place;
    for count in [i64::from(i32::MAX), 1 << 20, i64::try_from(rest).unwrap(), -2] {
        let mut hostile = sample.bytes[..place].to_vec();
        if sample.flexible {
            // The compact form cannot say less than null.
            let Ok(compact) = u32::try_from(count + 1) else { continue };
            put_unsigned_varint(&mut hostile, compact);
            hostile.extend_from_slice(&sample.bytes[place + 1..]);
        } else {
            hostile.extend_from_slice(&i32::try_from(count).unwrap().to_be_bytes());
            hostile.extend_from_slice(&sample.bytes[place + 4..]);
        }
        let (decoded, peak) = peak_allocation(|| decode_bytes::<M>(&hostile, layout, version));
        let context = format!("{:?} version {version}, {count} {array}", layout.api);
        let Err(DecodeError::Malformed { fault, .. }) = decoded else {
            panic!("{context}: {decoded:?}");
        };
        // In a tagged field the size is wrong now, which is noticed first or is what is noticed.
        let named = match *fault {
            DecodeError::Count { field, count: declared, .. } => {
                field == array && declared == count
            }
            _ => false,
        };
        assert!(named, "{context}: {fault}");
        assert!(peak < 1024, "{context}: {peak} bytes reserved");
    }
}

#[test]
fn full_messages_are_read_within_the_memory_rule() {
    fn check<M: Decodable + Debug>(layout: Layout) {
        each_version(layout, |version| {
            for (place, bytes) in crowded::messages(layout, version, 20_000).iter().enumerate() {
                let (read, peak) = peak_allocation(|| decode_bytes::<M>(bytes, layout, version));
                let context = format!("{:?} version {version}, full of {place}", layout.api);
                assert!(read.is_ok(), "{context}: {read:?}");
                assert!((19_000..22_000).contains(&bytes.len()), "{context}: {}", bytes.len());
                assert!(peak <= (64 << 10) + 128 * bytes.len(), "{context}: {peak} bytes");
            }
        });
    }
    every_message!(check);
}

#[test]
fn every_truncation_of_every_message_is_an_error() {
    fn check<M: Decodable + Debug>(layout: Layout) {
        each_version(layout, |version| {
            let sample = synthetic::message(layout, version, Some(100)).bytes;
            for length in 0..sample.len() {
                let cut = decode_bytes::<M>(&sample[..length], layout, version);
                let context = format!("{:?} version {version} cut to {length}", layout.api);
                assert!(matches!(cut, Err(DecodeError::Malformed { .. })), "{context}: {cut:?}");
            }
            let longer = decode_bytes::<M>(&[&sample[..], &[0]].concat(), layout, version);
            let one = DecodeError::Trailing { field: "the last field", bytes: 1 };
            assert!(matches!(longer, Err(DecodeError::Malformed { fault, .. }) if *fault == one));
        });
    }
    every_message!(check);
}

#[test]
fn a_version_that_is_not_spoken_reaches_no_codec() {
    fn check<M: Decodable + Debug>(layout: Layout) {
        let versions = spoken(layout.api).unwrap();
        for version in [versions.min - 1, versions.max + 1, i16::MIN, i16::MAX] {
            let refused = decode_bytes::<M>(&[], layout, version).unwrap_err();
            let value = version.into();
            assert_eq!(refused, DecodeError::Unsupported { what: "message version", value });
        }
    }
    every_message!(check);
}

#[test]
fn no_element_of_an_array_takes_no_bytes_at_all() {
    fn check<M: Decodable>(layout: Layout) {
        each_version(layout, |version| {
            let flexible = version >= layout.flexible_since;
            for field in layout.fields.iter().filter(|field| field.is_in(version)) {
                check_elements(field.kind, version, flexible);
            }
            // Of no message is nothing the wire form, except of the oldest ApiVersions request.
            let empty = decode_bytes::<M>(&[], layout, version);
            assert!(empty.is_err() || layout.fields.iter().all(|field| !field.is_in(version)));
        });
    }
    fn check_elements(kind: layout::Kind, version: i16, flexible: bool) {
        match kind {
            layout::Kind::Array(element) => {
                assert!(element.least_size(version, flexible) > 0);
                check_elements(*element, version, flexible);
            }
            layout::Kind::Struct(fields) => {
                for field in fields.iter().filter(|field| field.is_in(version)) {
                    check_elements(field.kind, version, flexible);
                }
            }
            _ => {}
        }
    }
    every_message!(check);
}

#[test]
fn the_limits_are_those_given_and_each_is_named() {
    let layout = layout::answer_to(ApiKey::Metadata).unwrap();
    let body = synthetic::message(layout, 12, None).bytes;
    let fault = |limits: Limits| {
        let body = Bytes::copy_from_slice(&body);
        match guard::decode::<messages::MetadataResponse>(body, layout, 12, &limits) {
            Err(DecodeError::Malformed { fault, .. }) => *fault,
            other => panic!("{other:?}"),
        }
    };
    let string_length = 2;
    assert_eq!(
        fault(Limits { string_length, ..Limits::default() }),
        DecodeError::Length { field: "host", length: 3, minimum: 0, limit: 2 }
    );
    let control_message_size = body.len() - 1;
    assert_eq!(
        fault(Limits { control_message_size, ..Limits::default() }),
        DecodeError::Length {
            field: "control message",
            length: i64::try_from(body.len()).unwrap(),
            minimum: 0,
            limit: control_message_size,
        }
    );
}

#[cfg(feature = "broker")]
#[test]
fn record_batches_do_not_count_as_control_message() {
    let layout = layout::request_of(ApiKey::Produce).unwrap();
    let body = synthetic::message(layout, 12, None).bytes;
    let records = 4 * b"batch".len();
    let decode = |control_message_size| {
        let limits = Limits { control_message_size, ..Limits::default() };
        let body = Bytes::copy_from_slice(&body);
        guard::decode::<messages::ProduceRequest>(body, layout, 12, &limits).map(|_| ())
    };
    assert_eq!(decode(body.len() - records), Ok(()));
    assert!(decode(body.len() - records - 1).is_err());
}

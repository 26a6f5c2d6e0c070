//! Messages as old brokers keep them: plain and in sets, with what sets them apart from batches.

use super::*;
use crate::{
    compression::Compressor,
    ids::ProducerId,
    record::{
        AbortedTransactions, BatchBody, BatchView, Batches, IsolationLevel, TimestampType,
        VisibleBatches, next_offset_after,
        testing::{Plain, Writer, logged, view},
    },
};

const LEGACY_CODECS: [Compression; 3] = [Compression::Gzip, Compression::Snappy, Compression::Lz4];

/// A message with the right length and checksum.
fn message(
    (magic, bits): (u8, u8),
    offset: Offset,
    timestamp: Timestamp,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Vec<u8> {
    let mut hashed = vec![magic, bits];
    if magic > 0 {
        hashed.extend(timestamp.to_be_bytes());
    }
    for part in [key, value] {
        let length = part.map_or(-1, |part| i32::try_from(part.len()).unwrap());
        hashed.extend(length.to_be_bytes());
        hashed.extend(part.unwrap_or_default());
    }
    let mut crc = flate2::Crc::new();
    crc.update(&hashed);
    let length = u32::try_from(hashed.len() + 4).unwrap();
    [&offset.to_be_bytes()[..], &length.to_be_bytes(), &crc.sum().to_be_bytes(), &hashed].concat()
}

/// Messages without keys whose values are their offsets and whose times count from 1000.
fn plain(magic: u8, offsets: &[Offset]) -> Vec<u8> {
    let each = (1000..).zip(offsets).map(|(time, offset)| {
        message((magic, 0), *offset, time, None, Some(offset.to_string().as_bytes()))
    });
    each.collect::<Vec<_>>().concat()
}

/// The wrapper around `set` at `offset`, with the time 5000.
fn wrapper(magic: u8, codec: Compression, bits: u8, offset: Offset, set: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new();
    let value = compressor.compress(codec, None, set).unwrap();
    let bits = u8::try_from(codec.code()).unwrap() | bits;
    message((magic, bits), offset, 5000, None, Some(value))
}

fn records(bytes: impl Into<Bytes>) -> Vec<Plain> {
    let body = view(bytes).body(&mut Decompressor::new()).unwrap();
    body.records().map(|record| Plain::of(&record.unwrap())).collect()
}

fn offsets(bytes: impl Into<Bytes>) -> Vec<Offset> {
    records(bytes).iter().map(|record| record.offset).collect()
}

fn times(bytes: impl Into<Bytes>) -> Vec<Option<Timestamp>> {
    records(bytes).iter().map(|record| record.timestamp).collect()
}

/// The first error of the batch in `bytes`, wherever it shows.
fn error(bytes: impl Into<Bytes>) -> DecodeError {
    let batch = match Batches::new(bytes.into()).next().expect("a whole batch") {
        Ok(batch) => batch,
        Err(error) => return error,
    };
    let body = match batch.body(&mut Decompressor::new()) {
        Ok(body) => body,
        Err(error) => return error,
    };
    body.records().find_map(Result::err).expect("an error")
}

#[test]
fn a_message_has_the_bytes_and_the_checksum_of_its_format() {
    // Checksums computed elsewhere.
    let format_0 = b"\0\0\0\0\0\0\0\x05\0\0\0\x11\xd0\xa1\xb2\x3e\0\0\0\0\0\x01k\0\0\0\x02hi";
    let format_1 = b"\0\0\0\0\0\0\0\x05\0\0\0\x18\x06\x61\x4b\x6d\x01\0\0\0\0\0\0\0\x03\xe8\xff\xff\xff\xff\0\0\0\x02hi";
    let expected = |timestamp, key: Option<&[u8]>| Plain {
        offset: 5,
        timestamp,
        key: key.map(<[u8]>::to_vec),
        value: Some(b"hi".to_vec()),
        headers: Vec::new(),
    };
    assert_eq!(records(&format_0[..]), [expected(None, Some(b"k"))]);
    assert_eq!(records(&format_1[..]), [expected(Some(1000), None)]);
    let batch = view(&format_1[..]);
    assert_eq!((batch.magic(), batch.base_offset(), batch.next_offset()), (1, 5, 6));
    assert_eq!((batch.record_count(), batch.size_in_bytes()), (1, format_1.len()));
    assert_eq!(
        (batch.max_timestamp(), batch.timestamp_type()),
        (Some(1000), TimestampType::CreateTime)
    );
    assert_eq!((batch.leader_epoch(), batch.producer_id()), (None, None::<ProducerId>));
    assert!(!batch.is_control() && !batch.is_transactional());
}

#[test]
fn nulls_and_empty_parts_are_told_apart() {
    for magic in [0, 1] {
        let bytes = message((magic, 0), 0, 1, Some(b""), None);
        assert_eq!((records(bytes)[0].key.clone(), 0), (Some(Vec::new()), 0));
        let bytes = message((magic, 0), 0, 1, None, Some(b""));
        assert_eq!(records(bytes)[0].value, Some(Vec::new()));
        assert_eq!(records(message((magic, 0), 0, 1, None, None))[0].value, None);
    }
}

#[test]
fn a_message_that_is_not_compressed_is_not_copied() {
    let batch = view(plain(1, &[3]));
    let body = batch.body(&mut Decompressor::new()).unwrap();
    assert_eq!(body.bytes().as_ptr(), batch.bytes().as_ptr());
}

#[test]
fn offsets_in_a_set_are_absolute_in_format_0_and_relative_in_format_1() {
    for codec in LEGACY_CODECS {
        let absolute = wrapper(0, codec, 0, 42, &plain(0, &[40, 41, 42]));
        assert_eq!(offsets(absolute), [40, 41, 42], "{codec}");
        let relative = wrapper(1, codec, 0, 42, &plain(1, &[0, 1, 2]));
        assert_eq!(offsets(relative), [40, 41, 42], "{codec}");
    }
}

#[test]
fn a_set_thinned_out_by_compaction_keeps_its_offsets() {
    let absolute = wrapper(0, Compression::Gzip, 0, 49, &plain(0, &[40, 45, 49]));
    let relative = wrapper(1, Compression::Gzip, 0, 49, &plain(1, &[1, 6, 10]));
    for bytes in [absolute, relative] {
        let batch = view(bytes.clone());
        assert_eq!((batch.last_offset(), batch.next_offset()), (49, 50));
        let body = batch.body(&mut Decompressor::new()).unwrap();
        let header = body.header();
        assert_eq!((header.base_offset, header.last_offset(), header.record_count), (40, 49, 3));
        assert_eq!(offsets(bytes), [40, 45, 49]);
    }
}

#[test]
fn messages_of_a_set_have_their_own_times_unless_the_broker_gave_one() {
    let set = plain(1, &[0, 1]);
    let created = wrapper(1, Compression::Lz4, 0, 1, &set);
    assert_eq!(times(created), [Some(1000), Some(1001)]);
    let appended = wrapper(1, Compression::Lz4, 0x08, 1, &set);
    assert_eq!(view(appended.clone()).timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(times(appended), [Some(5000), Some(5000)]);
    assert_eq!(times(wrapper(0, Compression::Lz4, 0, 1, &plain(0, &[0, 1]))), [None, None]);
    // Messages of format 0 stay without a time whatever their wrapper says.
    let mixed = [plain(0, &[0]), message((1, 0), 1, 7, None, None)].concat();
    assert_eq!(times(wrapper(1, Compression::Lz4, 0x08, 1, &mixed)), [None, Some(5000)]);
}

#[test]
fn a_plain_message_has_the_time_it_is_stored_with() {
    for (bits, kind) in [(0, TimestampType::CreateTime), (0x08, TimestampType::LogAppendTime)] {
        let bytes = message((1, bits), 0, 77, None, None);
        assert_eq!((times(bytes.clone()), view(bytes).timestamp_type()), (vec![Some(77)], kind));
    }
    assert_eq!(times(message((1, 0), 0, -1, None, None)), [None]);
    // The bit has no meaning in format 0.
    let kind = view(message((0, 0x08), 0, 0, None, None)).timestamp_type();
    assert_eq!(kind, TimestampType::NoTimestampType);
}

#[test]
fn the_header_checksum_of_old_lz4_frames_is_not_looked_at() {
    let mut compressor = Compressor::new();
    let set = plain(0, &[0, 1, 2]);
    let mut value = compressor.compress(Compression::Lz4, None, &set).unwrap().to_vec();
    assert_eq!(value[6], 0x82);
    // Before 0.10 Kafka hashed the magic along with the descriptor (KAFKA-3160).
    value[6] = 0x1a;
    assert_eq!(offsets(message((0, 3), 2, 0, None, Some(&value))), [0, 1, 2]);
}

#[test]
fn a_log_of_all_formats_is_read_in_one_walk() {
    let log = [
        plain(0, &[0, 1]),
        wrapper(0, Compression::Snappy, 0, 4, &plain(0, &[2, 3, 4])),
        plain(1, &[5]),
        wrapper(1, Compression::Gzip, 0, 8, &plain(1, &[0, 1, 2])),
        logged(9, &["a", "b"], Writer::Transactional(3)).to_vec(),
    ];
    for (from, isolation) in
        [(0, IsolationLevel::ReadUncommitted), (3, IsolationLevel::ReadCommitted)]
    {
        let aborted = AbortedTransactions::default();
        let mut visible = VisibleBatches::new(log.concat().into(), from, isolation, aborted);
        let mut decompressor = Decompressor::new();
        let seen = visible.by_ref().flat_map(|batch| {
            let body = batch.unwrap().body(&mut decompressor).unwrap();
            body.records().map(|record| record.unwrap().offset()).collect::<Vec<_>>()
        });
        assert_eq!(seen.collect::<Vec<_>>(), (from..=10).collect::<Vec<_>>());
        assert_eq!(visible.next_offset(), 11);
    }
    assert_eq!(next_offset_after(&log.concat().into(), 0), Ok(11));
}

#[test]
fn a_log_cut_short_ends_with_its_last_whole_message() {
    let log =
        [plain(0, &[0]), plain(1, &[1]), wrapper(1, Compression::Gzip, 0, 3, &plain(1, &[0, 1]))];
    let ends: Vec<usize> = log
        .iter()
        .scan(0, |end, batch| {
            *end += batch.len();
            Some(*end)
        })
        .collect();
    let bytes = Bytes::from(log.concat());
    for length in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        let read: Result<Vec<BatchView>, _> = Batches::new(bytes.slice(..length)).collect();
        assert_eq!(read.unwrap().len(), whole, "{length}");
    }
}

#[test]
fn a_set_cut_short_ends_with_its_last_whole_message() {
    let set = plain(1, &[0, 1, 2]);
    let cut = wrapper(1, Compression::Gzip, 0, 11, &set[..set.len() - 1]);
    assert_eq!(offsets(cut), [10, 11]);
    let nothing = wrapper(1, Compression::Gzip, 0, 11, &set[..20]);
    let none = DecodeError::Value { field: "number of messages in a set", value: 0 };
    assert_eq!(error(nothing), none);
}

#[test]
fn a_walk_over_a_set_goes_on_where_it_stood() {
    let batch = view(wrapper(1, Compression::Lz4, 0, 99, &plain(1, &[0, 1, 2, 3, 4])));
    let body = batch.with_floor(96).body(&mut Decompressor::new()).unwrap();
    let mut records = body.records();
    assert_eq!(records.next().unwrap().unwrap().offset(), 96);
    let rest = body.resume(records.position()).map(|record| record.unwrap().offset());
    assert_eq!(rest.collect::<Vec<_>>(), [97, 98, 99]);
}

#[test]
fn a_flipped_bit_is_noticed_outside_and_inside_of_a_set() {
    for magic in [0, 1] {
        let plain = plain(magic, &[7]);
        let set = wrapper(magic, Compression::Snappy, 0, 7, &plain);
        for bytes in [&plain, &set] {
            for at in 12..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x04;
                error(damaged);
            }
        }
        let mut damaged = plain.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        let nested = wrapper(magic, Compression::Snappy, 0, 7, &damaged);
        assert!(matches!(error(nested), DecodeError::Checksum { field: "message", .. }));
    }
}

#[test]
fn what_no_broker_wrote_is_refused_by_name() {
    let gzip = |magic, offset, set: &[u8]| wrapper(magic, Compression::Gzip, 0, offset, set);
    let twice = gzip(1, 0, &gzip(1, 0, &plain(1, &[0])));
    let what = "compression inside a message set";
    assert_eq!(error(twice), DecodeError::Unsupported { what, value: 1 });
    let batch = logged(0, &["a"], Writer::Plain);
    let what = "magic of a message";
    assert_eq!(error(gzip(1, 0, &batch)), DecodeError::Unsupported { what, value: 2 });
    let zstd = wrapper(1, Compression::Zstd, 0, 0, &plain(1, &[0]));
    let what = "compression codec";
    assert_eq!(error(zstd), DecodeError::Unsupported { what, value: 4 });
    let unknown = message((0, 7), 0, 0, None, None);
    assert_eq!(error(unknown), DecodeError::Unsupported { what, value: 7 });
    let null = DecodeError::Null { field: "compressed message set" };
    assert_eq!(error(message((1, 1), 0, 0, None, None)), null);
}

#[test]
fn offsets_of_a_set_grow_and_end_at_its_wrapper() {
    let wrong = |value| DecodeError::Value { field: "message offset", value };
    for (magic, inner, outer, value) in [
        (0, &[5, 5][..], 5, 5),
        (1, &[1, 0], 1, 0),
        (0, &[5, 7], 6, 7),
        (1, &[0, 3], 2, 3),
        (1, &[i64::MAX], 2, i64::MAX),
        (0, &[0, 3_000_000_000], 3_000_000_000, 3_000_000_000),
        (0, &[-1], 3, -1),
    ] {
        let set = wrapper(magic, Compression::Gzip, 0, outer, &plain(magic, inner));
        assert_eq!(error(set), wrong(value), "{magic} {inner:?} {outer}");
    }
    let negative = DecodeError::Value { field: "batch base offset", value: -1 };
    assert_eq!(error(plain(0, &[-1])), negative);
}

#[test]
fn lengths_are_checked_against_what_is_there() {
    for (magic, least) in [(0, 14), (1, 22)] {
        let mut short = plain(magic, &[0]);
        short[8..12].copy_from_slice(&(least as i32 - 1).to_be_bytes());
        let length = DecodeError::Length {
            field: "record batch",
            length: least as i64 - 1,
            minimum: least,
            limit: i32::MAX as usize - 12,
        };
        assert_eq!(error(short), length);
    }
    let with_key_length = |length: i32| {
        let mut bytes = message((0, 0), 0, 0, None, Some(b"value"));
        bytes[18..22].copy_from_slice(&length.to_be_bytes());
        let crc = crc(&bytes).to_be_bytes();
        bytes[12..16].copy_from_slice(&crc);
        bytes
    };
    let negative = DecodeError::Length { field: "message key", length: -2, minimum: 0, limit: 9 };
    assert_eq!(error(with_key_length(-2)), negative);
    let cut = DecodeError::Truncated { field: "message key", needed: 10, remaining: 9 };
    assert_eq!(error(with_key_length(10)), cut);
    let left_over = DecodeError::Trailing { field: "message", bytes: 1 };
    let mut longer = message((0, 0), 0, 0, None, Some(b"value"));
    longer[25] = 4;
    let crc = crc(&longer).to_be_bytes();
    longer[12..16].copy_from_slice(&crc);
    assert_eq!(error(longer), left_over);
}

#[test]
fn damage_that_checksums_do_not_show_never_panics() {
    let set = plain(1, &[0, 1, 2]);
    for at in 0..set.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = set.clone();
            damaged[at] ^= flip;
            let bytes = wrapper(1, Compression::Snappy, 0, 2, &damaged);
            if let Ok(body) = view(bytes).body(&mut Decompressor::new()) {
                assert!(body.records().count() <= 3);
            }
        }
    }
}

#[test]
fn compressed_messages_are_handed_out_in_parts_once_they_are_opened() {
    for codec in LEGACY_CODECS {
        let set = wrapper(1, codec, 0, 14, &plain(1, &[0, 1, 2, 3, 4]));
        let isolation = IsolationLevel::ReadUncommitted;
        let none = AbortedTransactions::default();
        let mut rest = VisibleBatches::new(set.clone().into(), 0, isolation, none);
        assert_eq!(rest.split_off_first(4).unwrap().count(), 0, "{codec}: nobody knows how many");
        let mut body = view(set).with_floor(11).body(&mut Decompressor::new()).unwrap();
        let (first, next) = body.split_off_first(2).unwrap();
        let offsets = |body: &BatchBody| -> Vec<_> {
            body.records().map(|record| record.unwrap().offset()).collect()
        };
        assert_eq!((offsets(&first), next), (vec![11, 12], Some(13)), "{codec}");
        assert_eq!((offsets(&body), body.split_off_first(9).unwrap().1), (vec![13, 14], None));
    }
}

#[test]
fn compressed_messages_are_counted_by_their_offsets_until_they_are_opened() {
    for codec in LEGACY_CODECS {
        for (offsets, counted) in [(&[0, 1, 2, 3, 4][..], [5, 4, 1]), (&[0, 3, 4], [3, 3, 1])] {
            let set = wrapper(1, codec, 0, 14, &plain(1, offsets));
            for (floor, opened) in [10, 11, 14].into_iter().zip(counted) {
                let batch = view(set.clone()).with_floor(floor);
                assert_eq!(batch.most_records() as Offset, 15 - floor, "{codec}, {floor}");
                let body = batch.body(&mut Decompressor::new()).unwrap();
                assert_eq!(batch.with_body(body).most_records(), opened, "{codec}, {floor}");
            }
        }
    }
    assert_eq!(view(plain(1, &[7])).with_floor(3).most_records(), 1, "one message");
}

//! Record batches: what their headers announce, and what the records in them do.

use super::{Bomb, Input};
use crate::{
    Attributes, Compression, Compressor, DecodeError, RecordBatchHeader,
    record::testing::{batch_of, header, record},
    varint::{put_varint, put_varlong},
};

pub(super) fn bombs() -> Vec<Bomb> {
    let mut bombs = headers();
    bombs.extend(counts());
    bombs.extend(records());
    bombs
}

/// A batch of nothing with other bytes in the place of a field.
fn patched(name: &'static str, at: usize, field: &[u8], expected: DecodeError) -> Bomb {
    let mut bytes = batch_of(header(0), &[]).to_vec();
    bytes[at..at + field.len()].copy_from_slice(field);
    Bomb { name, input: Input::Log(bytes), expected }
}

fn headers() -> Vec<Bomb> {
    let length = |length: i32| DecodeError::Length {
        field: "record batch",
        length: length.into(),
        minimum: 49,
        limit: i32::MAX as usize - 12,
    };
    let base = |value| DecodeError::Value { field: "batch base offset", value };
    let delta = |value| DecodeError::Value { field: "batch last offset delta", value };
    let least = i64::MIN.to_be_bytes();
    let most = i64::MAX.to_be_bytes();
    vec![
        patched("a batch of less than nothing", 8, &[0xff; 4], length(-1)),
        patched("a batch of less than its header", 8, &[0, 0, 0, 48], length(48)),
        patched("a batch whose size is no size", 8, &[0x7f, 0xff, 0xff, 0xff], length(i32::MAX)),
        patched("a base offset before all offsets", 0, &least, base(i64::MIN)),
        patched("a base offset after which there is none", 0, &most, base(i64::MAX)),
        patched("a last offset before the first", 23, &[0xff; 4], delta(-1)),
        patched("more records than offsets", 57, &[0, 0, 0, 2], delta(0)),
        patched(
            "less than no records",
            57,
            &[0xff; 4],
            DecodeError::Count { field: "record batch", count: -1, limit: 0 },
        ),
    ]
}

/// Batches of `i32::MAX` records.
fn counts() -> Vec<Bomb> {
    let most = header(i32::MAX);
    let count = |limit| DecodeError::Count { field: "record batch", count: i32::MAX.into(), limit };
    let compression = 1;
    let compressed =
        RecordBatchHeader { attributes: Attributes::parse(compression).unwrap(), ..most };
    let zeros = Compressor::new().compress(Compression::Gzip, None, &[0; 7000]).unwrap().to_vec();
    vec![
        Bomb {
            name: "two thousand million records in no bytes",
            input: Input::Log(batch_of(most, &[]).to_vec()),
            expected: count(0),
        },
        Bomb {
            name: "two thousand million records in a hundred bytes",
            input: Input::Log(batch_of(most, &[0; 100]).to_vec()),
            expected: count(14),
        },
        Bomb {
            name: "two thousand million records in what gzip makes of a few",
            input: Input::Compressed(batch_of(compressed, &zeros).to_vec()),
            expected: count(1000),
        },
    ]
}

/// One record that says something else than it holds.
fn single(name: &'static str, bytes: &[u8], expected: DecodeError) -> Bomb {
    Bomb { name, input: Input::Log(batch_of(header(1), bytes).to_vec()), expected }
}

/// Attributes, time, offset and what follows, with the right length in front.
fn framed(offset_delta: i32, tail: &[i32]) -> Vec<u8> {
    let mut content = vec![0];
    put_varlong(&mut content, 0);
    put_varint(&mut content, offset_delta);
    tail.iter().for_each(|number| put_varint(&mut content, *number));
    let mut record = Vec::new();
    put_varint(&mut record, i32::try_from(content.len()).unwrap());
    [record, content].concat()
}

fn records() -> Vec<Bomb> {
    let most = i32::MAX as usize;
    let truncated = |field, remaining| DecodeError::Truncated { field, needed: most, remaining };
    let negative = |field, limit| DecodeError::Length { field, length: -2, minimum: 0, limit };
    let header_count = |count: i32, limit| DecodeError::Count {
        field: "record headers",
        count: count.into(),
        limit,
    };
    let mut long = Vec::new();
    put_varint(&mut long, i32::MAX);
    long.extend_from_slice(&[0; 10]);
    let late = record(i64::MAX, 0, &[0]);
    vec![
        single("a record of 2 GiB", &long, truncated("record", 10)),
        single(
            "a record that is null",
            &[1, 0, 0, 0, 0, 0, 0],
            DecodeError::Null { field: "record" },
        ),
        single("a key of 2 GiB", &framed(0, &[i32::MAX]), truncated("record key", 0)),
        single("a value of 2 GiB", &framed(0, &[-1, i32::MAX]), truncated("record value", 0)),
        single("a key of less than nothing", &framed(0, &[-2, 0, 0]), negative("record key", 2)),
        single(
            "a value of less than nothing",
            &framed(0, &[-1, -2, 0]),
            negative("record value", 1),
        ),
        single(
            "two thousand million headers",
            &framed(0, &[-1, -1, i32::MAX]),
            header_count(i32::MAX, 0),
        ),
        single("less than no headers", &framed(0, &[-1, -1, -1]), header_count(-1, 0)),
        single(
            "a header key of 2 GiB",
            &framed(0, &[-1, -1, 1, i32::MAX]),
            truncated("record header key", 0),
        ),
        single(
            "an offset outside of the batch",
            &framed(1, &[-1, -1, 0]),
            DecodeError::Value { field: "record offset delta", value: 1 },
        ),
        single(
            "a time after all times",
            &late,
            DecodeError::Value { field: "record timestamp delta", value: i64::MAX },
        ),
        single(
            "a record whose length does not end",
            &[0xff; 12],
            DecodeError::Varint { field: "record" },
        ),
    ]
}

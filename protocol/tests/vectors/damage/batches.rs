//! Record batches.

use bytes::Bytes;
use kavka_protocol::{Batches, Compression, DecodeError, Decompressor};

use super::{MASKS, SMALL, changed, places};
use crate::{
    allocations::largest_allocation,
    cases::{FORMAT_2, Record, Vector},
};

/// The records of `bytes` up to its end or the first error.
fn read(bytes: &Bytes, decompressor: &mut Decompressor) -> (Vec<Record>, Result<(), DecodeError>) {
    let mut records = Vec::new();
    let outcome = Batches::new(bytes.clone()).try_for_each(|batch| {
        for record in batch?.body(decompressor)?.records() {
            let record = record?;
            record.headers().iter().try_for_each(|header| header.map(|_| ()))?;
            records.push(Record::of(&record));
        }
        Ok(())
    });
    (records, outcome)
}

/// Walks `bytes` without keeping anything, and says how much was asked for at once.
fn walk(bytes: &Bytes, decompressor: &mut Decompressor) -> usize {
    let bytes = bytes.clone();
    let walk = || {
        for batch in Batches::new(bytes) {
            let Ok(body) = batch.and_then(|batch| batch.body(decompressor)) else { return };
            for record in body.records() {
                let Ok(record) = record else { return };
                if record.headers().iter().any(|header| header.is_err()) {
                    return;
                }
            }
        }
    };
    largest_allocation(walk).1
}

#[test]
fn batches_cut_short_end_before_the_cut() {
    let mut decompressor = Decompressor::new();
    for vector in Vector::read(FORMAT_2) {
        for encoding in &vector.encodings {
            let whole: Vec<_> = Batches::new(encoding.bytes.clone()).map(Result::unwrap).collect();
            for length in places(encoding.bytes.len()) {
                let (records, outcome) = read(&encoding.bytes.slice(..length), &mut decompressor);
                let context = || format!("{} cut to {length}", vector.context(encoding));
                assert_eq!(outcome, Ok(()), "{}", context());
                let (mut end, mut count) = (0, 0);
                for batch in &whole {
                    end += batch.size_in_bytes();
                    count += if end <= length { batch.record_count() } else { 0 };
                }
                assert_eq!(records, vector.records[..count], "{}", context());
            }
        }
    }
}

/// The offset and the leader epoch are not under the checksum, because brokers write them.
#[test]
fn records_of_changed_batches_are_those_that_were_written() {
    let mut decompressor = Decompressor::new();
    for vector in Vector::read(FORMAT_2) {
        let written: Vec<_> = vector.records.iter().map(without_offset).collect();
        for encoding in &vector.encodings {
            for place in places(encoding.bytes.len()) {
                for mask in MASKS {
                    let bytes = changed(&encoding.bytes, place, mask).into();
                    let (records, outcome) = read(&bytes, &mut decompressor);
                    let records: Vec<_> = records.iter().map(without_offset).collect();
                    let context =
                        || format!("{} with byte {place} ^ {mask:#04x}", vector.context(encoding));
                    assert_eq!(records, written[..records.len()], "{}", context());
                    let is_hashed = place >= HASHED_FROM && place < first_batch(&encoding.bytes);
                    assert!(!is_hashed || outcome.is_err(), "{}: not noticed", context());
                }
            }
        }
    }
}

/// Whoever changes bytes on purpose puts the checksum right.
#[test]
fn changed_batches_with_a_right_checksum_keep_to_the_memory_rule() {
    let mut decompressor = Decompressor::new();
    for vector in Vector::read(FORMAT_2) {
        for encoding in &vector.encodings {
            let end = first_batch(&encoding.bytes);
            for place in places(end) {
                for mask in MASKS {
                    let mut bytes = changed(&encoding.bytes[..end], place, mask);
                    let crc = crc32c::crc32c(&bytes[HASHED_FROM..]);
                    bytes[CRC..HASHED_FROM].copy_from_slice(&crc.to_be_bytes());
                    let allowed = allowed(encoding.codec, bytes.len());
                    let largest = walk(&bytes.into(), &mut decompressor);
                    let context =
                        || format!("{} with byte {place} ^ {mask:#04x}", vector.context(encoding));
                    assert!(largest <= allowed, "{}: {largest} bytes at once", context());
                }
            }
        }
    }
}

/// What may be asked for at once to read a batch of `length` bytes.
fn allowed(codec: Compression, length: usize) -> usize {
    let content = SMALL + length * GREATEST_RATIO;
    match codec {
        // Four bytes may say that a byte comes 128 Ki times.
        Compression::Zstd if cfg!(feature = "zstd") => content.max(ANY_BATCH),
        // A window of a power of two that holds the content, and some blocks.
        Compression::Zstd => 2 * content.max(ANY_BATCH) + BLOCKS,
        _ => content,
    }
}

fn without_offset(record: &Record) -> Record {
    Record { offset: 0, ..record.clone() }
}

fn first_batch(bytes: &Bytes) -> usize {
    Batches::new(bytes.clone()).next().unwrap().unwrap().size_in_bytes()
}

/// What any batch may become, whatever its ratio.
const ANY_BATCH: usize = 8 << 20;
/// Where the checksum is stored.
const CRC: usize = 17;
/// The first byte that the checksum covers.
const HASHED_FROM: usize = 21;
/// What the pure decoder of zstd keeps besides its window.
const BLOCKS: usize = 512 << 10;
/// What decompression may make of a byte.
const GREATEST_RATIO: usize = 1000;

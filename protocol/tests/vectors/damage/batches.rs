//! Record batches and messages of every format.

use bytes::Bytes;
use kavka_protocol::{Batches, Compression, DecodeError, Decompressor};

use super::{MASKS, SMALL, WALK_RATIO, changed, places};
use crate::{
    allocations::peak_allocation,
    cases::{Encoding, FORMATS, Record, Vector},
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

/// Walks `bytes` without keeping anything, and says how much memory it took.
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
    peak_allocation(walk).1
}

/// Calls `check` with every encoding of every vector, and the number of its format.
fn for_all(mut check: impl FnMut(usize, &Vector, &Encoding)) {
    for (magic, file) in FORMATS.iter().enumerate() {
        for vector in Vector::read(file) {
            for encoding in &vector.encodings {
                check(magic, &vector, encoding);
            }
        }
    }
}

#[test]
fn batches_cut_short_end_before_the_cut() {
    let mut decompressor = Decompressor::new();
    for_all(|_, vector, encoding| {
        // Where each batch ends, and how many records there are up to its end.
        let mut ends = vec![(0, 0)];
        for batch in Batches::new(encoding.bytes.clone()).map(Result::unwrap) {
            let (end, count) = ends[ends.len() - 1];
            let records = batch.body(&mut decompressor).unwrap().records().count();
            ends.push((end + batch.size_in_bytes(), count + records));
        }
        for length in places(encoding.bytes.len()) {
            let (records, outcome) = read(&encoding.bytes.slice(..length), &mut decompressor);
            let context = || format!("{} cut to {length}", vector.context(encoding));
            assert_eq!(outcome, Ok(()), "{}", context());
            let whole = ends.partition_point(|(end, _)| *end <= length);
            assert_eq!(records, vector.records[..ends[whole - 1].1], "{}", context());
        }
    });
}

/// The offset and the leader epoch are not under the checksum, because brokers write them.
#[test]
fn records_of_changed_batches_are_those_that_were_written() {
    let mut decompressor = Decompressor::new();
    for_all(|magic, vector, encoding| {
        let written: Vec<_> = vector.records.iter().map(without_offset).collect();
        let hashed = checksum_end(magic)..first_batch(&encoding.bytes);
        for (place, mask) in changes(encoding.bytes.len()) {
            let bytes = changed(&encoding.bytes, place, mask).into();
            let (records, outcome) = read(&bytes, &mut decompressor);
            let records: Vec<_> = records.iter().map(without_offset).collect();
            let context =
                || format!("{} with byte {place} ^ {mask:#04x}", vector.context(encoding));
            assert_eq!(records, written[..records.len()], "{}", context());
            let is_missed = hashed.contains(&place) && outcome.is_ok();
            assert!(!is_missed, "{}: not noticed", context());
        }
    });
}

/// Whoever changes bytes on purpose puts the checksum right.
#[test]
fn changed_batches_with_a_right_checksum_keep_to_the_memory_rule() {
    let mut decompressor = Decompressor::new();
    for_all(|magic, vector, encoding| {
        let end = first_batch(&encoding.bytes);
        for (place, mask) in changes(end) {
            let mut bytes = changed(&encoding.bytes[..end], place, mask);
            let (header, hashed) = bytes.split_at_mut(checksum_end(magic));
            let checksum = header.last_chunk_mut().expect("a checksum");
            *checksum = checksum_of(magic, hashed).to_be_bytes();
            let allowed = allowed(encoding.codec, bytes.len(), place);
            let peak = walk(&bytes.into(), &mut decompressor);
            let context =
                || format!("{} with byte {place} ^ {mask:#04x}", vector.context(encoding));
            assert!(peak <= allowed, "{}: {peak} bytes", context());
        }
    });
}

fn changes(length: usize) -> impl Iterator<Item = (usize, u8)> {
    places(length).flat_map(|place| MASKS.map(|mask| (place, mask)))
}

/// The memory that a batch of `length` bytes may take after one at `place` was changed.
fn allowed(codec: Compression, length: usize, place: usize) -> usize {
    let content = CONTENT.max(length * GREATEST_RATIO);
    match codec {
        // It is still not compressed.
        Compression::None if place > LAST_ATTRIBUTE => SMALL + length * WALK_RATIO,
        // A window of a power of two that holds the content, and some blocks.
        Compression::Zstd if !cfg!(feature = "zstd") => 4 * content + BLOCKS,
        // While it grows, the old buffer is there besides the new one.
        _ => SMALL + 2 * content,
    }
}

fn without_offset(record: &Record) -> Record {
    Record { offset: 0, ..record.clone() }
}

fn first_batch(bytes: &Bytes) -> usize {
    Batches::new(bytes.clone()).next().unwrap().unwrap().size_in_bytes()
}

/// Where the checksum ends and the bytes that it covers begin.
fn checksum_end(magic: usize) -> usize {
    if magic < 2 { 16 } else { 21 }
}

fn checksum_of(magic: usize, hashed: &[u8]) -> u32 {
    if magic < 2 {
        let mut crc = flate2::Crc::new();
        crc.update(hashed);
        return crc.sum();
    }
    crc32c::crc32c(hashed)
}

/// What the pure decoder of zstd keeps besides its window.
const BLOCKS: usize = 512 << 10;
/// What decompression may make of a byte.
const GREATEST_RATIO: usize = 1000;
/// What a batch may become whatever its ratio.
const CONTENT: usize = 8 << 20;
/// The codec is said here or before, in every format.
const LAST_ATTRIBUTE: usize = 22;

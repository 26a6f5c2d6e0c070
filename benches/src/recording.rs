//! A topic's log as brokers keep it, of which only a piece is in memory: the piece repeats.

use bytes::{BufMut, Bytes, BytesMut};
use kavka_bench_line::Tally;
use kavka_protocol::{Batches, Compression, Decompressor, Offset};

use crate::{Case, Result, Shape};

/// The log of every partition of one topic.
///
/// A piece of it is made once, and a partition is that piece many times over: batches of the same bytes, save for their
/// base offsets, which no checksum covers.
#[derive(Clone, Debug)]
pub struct Recording {
    piece: Bytes,
    /// Where each batch of the piece begins, and where the last one ends.
    places: Vec<usize>,
    /// The base offset of every batch of a partition, eight bytes each as on the wire.
    base_offsets: Bytes,
    /// The offset of the first record of each batch of the piece.
    first_offsets: Vec<Offset>,
    records_in_piece: u64,
    /// Of the piece, with offsets from 0.
    values_in_piece: u64,
    partitions: i32,
    repeats: u64,
    payload_in_piece: u64,
}

impl Recording {
    /// At least `volume` bytes of keys and values in `partitions` partitions, in batches that take `batch_size` bytes on
    /// the wire, as Java's producer fills them.
    pub fn make(
        shape: &Shape,
        codec: Compression,
        batch_size: usize,
        partitions: i32,
        volume: u64,
    ) -> Result<Self> {
        let plain_size = batch_size * ratio(shape, codec, batch_size)? / PERCENT;
        let case = Case::new(shape, codec, plain_size, PIECE_SIZE)?;
        let payload_in_piece = case.records * shape.payload_size() as u64;
        let repeats = volume.div_ceil(payload_in_piece * u64::from(partitions.unsigned_abs()));
        Self::repeat(case.log, partitions, repeats, payload_in_piece)
    }

    fn repeat(piece: Bytes, partitions: i32, repeats: u64, payload_in_piece: u64) -> Result<Self> {
        let mut decompressor = Decompressor::new();
        let (mut places, mut first_offsets) = (vec![0], Vec::new());
        let mut tally = Tally::default();
        for batch in Batches::new(piece.clone()) {
            let batch = batch?;
            places.push(places.last().map_or(0, |place| place + batch.bytes().len()));
            first_offsets.push(batch.base_offset());
            for record in batch.body(&mut decompressor)?.records() {
                let record = record?;
                tally.add(record.offset(), record.value().unwrap_or_default());
            }
        }
        let mut base_offsets = BytesMut::new();
        for repeat in 0..repeats {
            for first in &first_offsets {
                base_offsets.put_i64(first + (repeat * tally.records).cast_signed());
            }
        }
        let (records_in_piece, values_in_piece) = (tally.records, tally.values);
        let base_offsets = base_offsets.freeze();
        Ok(Self {
            piece,
            places,
            base_offsets,
            first_offsets,
            records_in_piece,
            values_in_piece,
            partitions,
            repeats,
            payload_in_piece,
        })
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// The offset behind the last record of each partition.
    pub fn end(&self) -> Offset {
        (self.records_in_piece * self.repeats).cast_signed()
    }

    /// What a client has delivered that has read everything.
    pub fn tally(&self) -> Tally {
        let records = self.records_in_piece * self.repeats;
        let last = u128::from(records.saturating_sub(1));
        // Both sides keep what 64 bits hold of it.
        let offsets = (u128::from(records) * last / 2) as u64;
        let values = self.values_in_piece.wrapping_mul(self.repeats);
        Tally { records, offsets, values }.times(self.partitions.unsigned_abs().into())
    }

    /// Keys and values of all partitions, in bytes.
    pub fn payload_size(&self) -> u64 {
        self.payload_in_piece * self.repeats * u64::from(self.partitions.unsigned_abs())
    }

    /// The batches of all partitions, in bytes.
    pub fn log_size(&self) -> u64 {
        self.piece.len() as u64 * self.repeats * u64::from(self.partitions.unsigned_abs())
    }

    /// Whole batches of a partition, beginning with the one that holds `offset`: as many as `limit` bytes hold, and one
    /// at least if `is_first`, for a reader would not get past it otherwise.
    ///
    /// Each batch comes as two slices, its base offset and the rest.
    pub fn read(&self, offset: Offset, limit: usize, is_first: bool) -> Vec<Bytes> {
        let mut slices = Vec::new();
        let mut size = 0;
        let mut at = self.batch_of(offset);
        while at < self.base_offsets.len() / BASE_OFFSET_SIZE {
            let batch = at % self.first_offsets.len();
            let (start, end) = (self.places[batch], self.places[batch + 1]);
            size += end - start;
            if size > limit && !(is_first && slices.is_empty()) {
                break;
            }
            let base_offset = at * BASE_OFFSET_SIZE;
            slices.push(self.base_offsets.slice(base_offset..base_offset + BASE_OFFSET_SIZE));
            slices.push(self.piece.slice(start + BASE_OFFSET_SIZE..end));
            at += 1;
        }
        slices
    }

    /// Which batch of a partition holds `offset`.
    fn batch_of(&self, offset: Offset) -> usize {
        let records = self.records_in_piece.cast_signed();
        let (repeat, within) = (offset.div_euclid(records), offset.rem_euclid(records));
        let batch = self.first_offsets.partition_point(|first| *first <= within) - 1;
        usize::try_from(repeat).unwrap_or(usize::MAX) * self.first_offsets.len() + batch
    }
}

/// How many bytes a hundred bytes of batches make before they are compressed.
fn ratio(shape: &Shape, codec: Compression, batch_size: usize) -> Result<usize> {
    if codec == Compression::None {
        return Ok(PERCENT);
    }
    let probe = Case::new(shape, codec, batch_size, 8 * batch_size)?;
    Ok(usize::try_from(probe.plain_size)? * PERCENT / probe.log.len())
}

/// Bytes of the piece before compression: larger than what one answer holds of a partition, smaller than a cache.
const PIECE_SIZE: usize = 4_000_000;
/// What a batch begins with.
const BASE_OFFSET_SIZE: usize = 8;
const PERCENT: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SHAPES;

    fn recording(codec: Compression) -> Recording {
        Recording::make(&SHAPES[0], codec, 16_384, 3, 30_000_000).unwrap()
    }

    /// What a reader of one partition delivers that asks for `limit` bytes each time.
    fn read_all(recording: &Recording, limit: usize) -> (Tally, usize) {
        let (mut tally, mut bytes, mut next) = (Tally::default(), 0, 0);
        while next < recording.end() {
            let answer = recording.read(next, limit, true).concat();
            assert!(!answer.is_empty());
            bytes += answer.len();
            for batch in Batches::new(answer.into()) {
                let batch = batch.unwrap();
                assert_eq!(batch.base_offset(), next);
                next = batch.next_offset();
                for record in batch.body(&mut Decompressor::new()).unwrap().records() {
                    let record = record.unwrap();
                    tally.add(record.offset(), record.value().unwrap());
                }
            }
        }
        (tally, bytes)
    }

    #[test]
    fn whoever_reads_everything_has_the_tally_and_has_read_the_log_once() {
        for codec in [Compression::None, Compression::Lz4] {
            let recording = recording(codec);
            assert!(recording.payload_size() >= 30_000_000);
            for limit in [1, 100_000, 1 << 20] {
                let (tally, bytes) = read_all(&recording, limit);
                assert_eq!(tally.times(3), recording.tally(), "{codec} {limit}");
                assert_eq!(bytes as u64 * 3, recording.log_size());
            }
        }
    }

    #[test]
    fn batches_take_the_size_on_the_wire_whatever_the_codec() {
        for codec in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let recording = recording(codec);
            let mean = recording.piece.len() / recording.first_offsets.len();
            assert!((13_000..20_000).contains(&mean), "{codec}: {mean}");
        }
    }

    #[test]
    fn an_offset_inside_a_batch_brings_the_batch_and_one_behind_the_end_brings_nothing() {
        let recording = recording(Compression::None);
        let second = recording.first_offsets[1];
        for (offset, expected) in [(second - 1, 0), (second, second), (second + 1, second)] {
            let batch = recording.read(offset, 1, true).concat();
            assert_eq!(batch[..BASE_OFFSET_SIZE], expected.to_be_bytes(), "{offset}");
        }
        assert!(recording.read(recording.end(), 1 << 20, true).is_empty());
        assert!(recording.read(0, 1, false).is_empty());
    }
}

//! Decompression: never beyond the limit, and whatever another decoder reads is read the same.

use std::io::Read;

use bytes::Bytes;

use super::memory::decompression;
use crate::{Compression, Compressor, DecodeError, Decompressor};

/// gzip, against the stream reader of `flate2`.
pub fn fuzz_gzip(data: &[u8]) {
    check(Compression::Gzip, data, read(flate2::read::MultiGzDecoder::new(data)));
}

/// A bare snappy block, against `snap`.
pub fn fuzz_snappy_raw(data: &[u8]) {
    if !data.starts_with(XERIAL) {
        check(Compression::Snappy, data, snappy_block(data));
    }
}

/// Snappy blocks in the framing of the Java library, against a reader of that framing.
pub fn fuzz_snappy_xerial(data: &[u8]) {
    let framed = [XERIAL, &[0, 0, 0, 1, 0, 0, 0, 1], data].concat();
    check(Compression::Snappy, &framed, snappy_blocks(data));
}

/// LZ4 frames, against the reader of `lz4_flex`; and the input as records, written at a level that its
/// first byte chooses.
pub fn fuzz_lz4(data: &[u8]) {
    if let Some((choice, records)) = data.split_first() {
        check_lz4_level(i32::from(choice % 17) + 1, records);
    }
    // It knows kinds of frames that Kafka does not, takes what is cut off for the end, and an empty
    // block, too.
    let mut expected = None;
    if data.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
        let mut reader = lz4_flex::frame::FrameDecoder::new(data);
        expected = read(&mut reader).filter(|plain| !plain.is_empty());
        expected = expected.filter(|_| reader.into_inner().is_empty());
    }
    check(Compression::Lz4, data, expected);
}

fn check_lz4_level(level: i32, records: &[u8]) {
    let mut compressor = Compressor::new();
    let stored = match compressor.compress(Compression::Lz4, Some(level), records) {
        Ok(stored) => stored,
        Err(error) => panic!("level {level} of {} bytes: {error}", records.len()),
    };
    let elsewhere = read(lz4_flex::frame::FrameDecoder::new(stored));
    assert!(elsewhere.as_deref() == Some(records), "level {level} of {} bytes", records.len());
    let plain = Decompressor::new().decompress(Compression::Lz4, Bytes::copy_from_slice(stored));
    assert!(plain.as_deref() == Ok(records), "level {level} of {} bytes", records.len());
}

/// Zstandard, against both readers of the C library; without C, against the stream of `ruzstd`.
///
/// Not C against `ruzstd`: of damaged frames without a checksum each makes something else, and the
/// checksum of the batch keeps those from both.
pub fn fuzz_zstd(data: &[u8]) {
    check(Compression::Zstd, data, whole_zstd(data));
}

#[cfg(feature = "zstd")]
fn whole_zstd(data: &[u8]) -> Option<Vec<u8>> {
    let whole = zstd::bulk::decompress(data, TOO_MUCH as usize).ok()?;
    // The stream is less strict about damaged frames; where both read something, it is the same.
    let streamed = zstd::stream::read::Decoder::new(data).ok().and_then(read);
    if let Some(streamed) = streamed.filter(|plain| (plain.len() as u64) < TOO_MUCH) {
        assert!(whole == streamed, "{} and {} bytes", whole.len(), streamed.len());
    }
    Some(whole)
}

fn check(codec: Compression, data: &[u8], expected: Option<Vec<u8>>) {
    // Where nothing is stored, batches do not ask for it to be decompressed.
    if data.is_empty() {
        return;
    }
    let stored = Bytes::copy_from_slice(data);
    let mut decompressor = Decompressor::with_size_limit(SIZE_LIMIT);
    let read =
        decompression(SIZE_LIMIT + 16 * data.len(), || decompressor.decompress(codec, stored));
    match (read, expected) {
        (Ok(plain), expected) => {
            assert!(plain.len() <= SIZE_LIMIT, "{} bytes", plain.len());
            // Checksums inside of frames are left to that of the batch, so that more is read here.
            if let Some(expected) = expected {
                assert!(plain == expected, "{} and {} bytes", plain.len(), expected.len());
            }
        }
        (Err(DecodeError::DecompressedSize { limit, .. }), Some(expected)) => {
            assert!(expected.len() > limit, "{} bytes are within {limit}", expected.len());
        }
        // Other readers take a frame without its end for one that ended.
        (Err(DecodeError::Truncated { field: "lz4 block length", .. }), _) => {}
        (Err(error), Some(expected)) => {
            panic!("{error}, although there are {} bytes to read", expected.len());
        }
        (Err(_), None) => {}
    }
}

fn read(reader: impl Read) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    reader.take(TOO_MUCH).read_to_end(&mut plain).ok().map(|_| plain)
}

fn snappy_block(block: &[u8]) -> Option<Vec<u8>> {
    let size = snap::raw::decompress_len(block).ok()?;
    if size as u64 >= TOO_MUCH {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(block).ok()
}

fn snappy_blocks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    while !rest.is_empty() {
        if rest.starts_with(XERIAL) {
            rest = rest.get(16..)?;
            continue;
        }
        let (length, blocks) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
        let (block, behind) = blocks.split_at_checked(length)?;
        plain.extend(snappy_block(block)?);
        rest = behind;
    }
    Some(plain)
}

#[cfg(not(feature = "zstd"))]
fn whole_zstd(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    while !data.is_empty() {
        let mut reader =
            ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&mut data, 8 << 20)
                .ok()?;
        reader.by_ref().take(TOO_MUCH).read_to_end(&mut plain).ok()?;
        if plain.len() as u64 >= TOO_MUCH {
            break;
        }
    }
    Some(plain)
}

const XERIAL: &[u8] = b"\x82SNAPPY\0";
/// What may come out here: small, so that fuzzing is quick.
const SIZE_LIMIT: usize = 1 << 20;
/// Where other readers are stopped.
const TOO_MUCH: u64 = 2 << 20;

//! Blocks of every level, read by another reader and looked at byte by byte.

use std::io::Read;

use bytes::Bytes;

use super::*;
use crate::{Compression, Compressor, Decompressor};

const LEVELS: [i32; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 17];

fn json(size: usize) -> Vec<u8> {
    let objects = (0_u64..).flat_map(|n| {
        let (user, amount) = (n * 7919 % 5003, n * 104_729 % 99_991);
        let note = ["paid", "refund", "order", "customer"][(user % 4) as usize];
        format!("{{\"id\":{n},\"user\":\"u{user}\",\"amount\":{amount},\"note\":\"{note}\"}}\n")
            .into_bytes()
    });
    objects.take(size).collect()
}

/// Bytes below `bound` in no order.
fn noise(size: usize, bound: u8) -> Vec<u8> {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let bytes = std::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[3] % bound
    });
    bytes.take(size).collect()
}

fn samples(size: usize) -> [Vec<u8>; 6] {
    let period = |length: usize| (0..size).map(|n| (n % length) as u8).collect();
    [json(size), noise(size, 255), noise(size, 2), vec![0; size], period(2), period(200)]
}

/// Checks that both readers make of `records` what they were.
fn check(compressor: &mut Compressor, level: i32, records: &[u8]) {
    let stored = compressor.compress(Compression::Lz4, Some(level), records).unwrap();
    let plain = Decompressor::new().decompress(Compression::Lz4, Bytes::copy_from_slice(stored));
    assert!(plain.unwrap() == records, "level {level}, {} bytes", records.len());
    let mut plain = Vec::new();
    lz4_flex::frame::FrameDecoder::new(stored).read_to_end(&mut plain).unwrap();
    assert!(plain == records, "level {level}, {} bytes, elsewhere", records.len());
}

#[test]
fn blocks_of_every_level_and_size_are_what_other_readers_read() {
    let mut compressor = Compressor::new();
    for level in LEVELS {
        for size in (0..40).chain([100, 269, 270, 271, 280, 525, 3000]) {
            samples(size).iter().for_each(|records| check(&mut compressor, level, records));
        }
    }
    for level in [1, 4, 8, 10] {
        for size in [(64 << 10) - 1, 64 << 10, (64 << 10) + 1, 70 << 10] {
            samples(size).iter().for_each(|records| check(&mut compressor, level, records));
        }
    }
}

#[test]
fn blocks_end_as_the_format_demands() {
    let mut encoder = HighCompressor::default();
    let mut block = Vec::new();
    for level in [1, 12] {
        for size in (0..100).chain([1000, 1001, 1002, 1003]) {
            for content in samples(size) {
                encoder.compress(&content, level, &mut block);
                check_end(&block, size);
            }
        }
    }
}

/// Walks over the sequences of a block of `size` bytes.
fn check_end(block: &[u8], size: usize) {
    let mut rest = block.iter().copied();
    let (mut at, mut last_start) = (0, None);
    loop {
        let token = usize::from(rest.next().unwrap());
        let literals = read_length(token >> 4, &mut rest);
        at += literals;
        if literals > 0 {
            rest.nth(literals - 1).unwrap();
        }
        if rest.len() == 0 {
            assert!(literals >= 5.min(size), "{literals} literals of {size}");
            break;
        }
        let distance = u16::from_le_bytes([rest.next().unwrap(), rest.next().unwrap()]);
        assert!((1..=at).contains(&usize::from(distance)));
        last_start = Some(at);
        at += MIN_MATCH + read_length(token & 0x0f, &mut rest);
    }
    assert_eq!(at, size);
    assert!(last_start.is_none_or(|start| start + 12 <= size), "{last_start:?} of {size}");
}

fn read_length(half: usize, rest: &mut impl Iterator<Item = u8>) -> usize {
    if half < TOKEN_LIMIT {
        return half;
    }
    let mut length = half;
    loop {
        let byte = rest.next().unwrap();
        length += usize::from(byte);
        if byte < u8::MAX {
            return length;
        }
    }
}

#[test]
fn no_level_makes_more_of_json_than_the_one_below_it_and_all_less_than_the_fast_encoder() {
    let records = json(100_000);
    let mut compressor = Compressor::new();
    let mut size = |level| compressor.compress(Compression::Lz4, level, &records).unwrap().len();
    let mut below = size(None);
    assert_eq!(size(Some(9)), below, "9 stands for the fast encoder");
    for level in LEVELS {
        let size = size(Some(level));
        assert!(size <= below, "level {level}: {size} and {below} bytes");
        if level == 1 {
            assert!(size < below * 9 / 10, "{size} and {below} bytes");
        }
        below = size;
    }
}

#[test]
fn what_repeats_itself_takes_what_its_length_takes() {
    let mut block = Vec::new();
    for period in [1, 2, 3, 4, 7] {
        let content: Vec<u8> = (0..64 << 10).map(|n| (n % period) as u8).collect();
        HighCompressor::default().compress(&content, 1, &mut block);
        assert!(block.len() < content.len() / 255 + 20, "{period}: {} bytes", block.len());
    }
}

#[test]
fn a_block_tells_nothing_of_the_one_before_it() {
    let (mut used, mut block, mut anew) = (HighCompressor::default(), Vec::new(), Vec::new());
    for size in [70, 50_000, 10, 3000] {
        for content in samples(size) {
            used.compress(&content, 10, &mut block);
            HighCompressor::default().compress(&content, 10, &mut anew);
            assert_eq!(block, anew, "{size}");
        }
    }
}

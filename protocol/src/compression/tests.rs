//! Both directions of every codec, against other writers and readers of the formats, and bombs.

use std::io::{Read, Write};

use bytes::Bytes;

use super::*;
use crate::{allocations::largest_allocation, error::DecodeError, limits::Limits};

/// Text that compresses as records do.
fn text(size: usize) -> Vec<u8> {
    let lines =
        (0_u64..).flat_map(|n| format!("order {} of customer {}\n", n * 7919, n % 97).into_bytes());
    lines.take(size).collect()
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    });
    bytes.take(size).collect()
}

fn compressed(codec: Compression, level: Option<i32>, records: &[u8]) -> Vec<u8> {
    Compressor::new().compress(codec, level, records).unwrap().to_vec()
}

fn decompressed(codec: Compression, stored: &[u8]) -> Result<Bytes, DecodeError> {
    Decompressor::new().decompress(codec, Bytes::copy_from_slice(stored))
}

fn size_error(codec: Compression, compressed: usize, limit: usize) -> DecodeError {
    DecodeError::DecompressedSize { codec, compressed, limit }
}

#[test]
fn every_size_survives_the_round_trip() {
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for codec in Compression::ALL {
        for size in [0, 1, 100, 32 << 10, 64 << 10, (64 << 10) + 1, 1_000_003] {
            for records in [text(size), noise(size), vec![7; size.min(50_000)]] {
                let stored = compressor.compress(codec, None, &records).unwrap().to_vec();
                let plain = decompressor.decompress(codec, stored.into()).unwrap();
                assert_eq!(plain, records, "{codec} {size}");
            }
        }
    }
}

#[test]
fn every_level_survives_the_round_trip() {
    let records = text(40_000);
    for codec in Compression::ALL {
        for level in codec.levels().into_iter().flatten().filter(|level| *level > -8) {
            if codec.check_level(level).is_ok() {
                let stored = compressed(codec, Some(level), &records);
                assert_eq!(decompressed(codec, &stored).unwrap(), records, "{codec} {level}");
            }
        }
    }
    let best = compressed(Compression::Gzip, Some(9), &records);
    assert!(best.len() < compressed(Compression::Gzip, Some(1), &records).len());
    let usual = compressed(Compression::Gzip, Some(-1), &records);
    assert_eq!(usual, compressed(Compression::Gzip, None, &records));
}

#[test]
fn levels_outside_of_the_range_are_refused() {
    for (codec, level, levels) in [
        (Compression::Gzip, 0, 1..=9),
        (Compression::Gzip, 10, 1..=9),
        (Compression::Gzip, -2, 1..=9),
        (Compression::Lz4, 0, 1..=17),
        (Compression::Lz4, 18, 1..=17),
        (Compression::Zstd, 23, -131_072..=22),
    ] {
        let error = EncodeError::CompressionLevel { codec, level, levels };
        assert_eq!(codec.check_level(level), Err(error));
    }
    for codec in Compression::ALL {
        assert_eq!(codec.check_level(codec.default_level().unwrap_or(1)), Ok(()));
    }
}

#[test]
fn a_level_that_is_not_built_in_is_refused_by_its_property() {
    let error = EncodeError::Unsupported { what: "compression.zstd.level", value: 19 };
    assert_eq!(error.to_string(), "unsupported: compression.zstd.level=19");
    let expected = if cfg!(feature = "zstd") { Ok(()) } else { Err(error) };
    assert_eq!(Compression::Zstd.check_level(19), expected);
}

#[test]
fn codecs_go_by_kafkas_names() {
    for (codec, name) in Compression::ALL.into_iter().zip(["none", "gzip", "snappy", "lz4", "zstd"])
    {
        assert_eq!(codec.to_string(), name);
        assert_eq!(name.parse(), Ok(codec));
    }
    assert_eq!("LZ4".parse(), Ok(Compression::Lz4));
    assert!("lzma".parse::<Compression>().is_err());
}

#[test]
fn a_buffer_returns_when_the_last_reference_is_dropped() {
    for codec in Compression::ALL.into_iter().skip(1) {
        let stored = Bytes::from(compressed(codec, None, &text(300_000)));
        let mut decompressor = Decompressor::new();
        let first = decompressor.decompress(codec, stored.clone()).unwrap();
        let (at, slice) = (first.as_ptr(), first.slice(10..20));
        drop(first);
        let second = decompressor.decompress(codec, stored.clone()).unwrap();
        assert_ne!(second.as_ptr(), at, "{codec}: the first is still in use");
        drop(slice);
        assert_eq!(decompressor.decompress(codec, stored).unwrap().as_ptr(), at, "{codec}");
    }
}

#[test]
fn a_buffer_that_outlives_its_decompressor_stays_valid() {
    let stored = compressed(Compression::Lz4, None, &text(1000));
    let plain = decompressed(Compression::Lz4, &stored).unwrap();
    let elsewhere = std::thread::spawn(move || plain.to_vec());
    assert_eq!(elsewhere.join().unwrap(), text(1000));
}

#[test]
fn a_short_batch_shows_nothing_of_a_longer_one_before_it() {
    let mut decompressor = Decompressor::new();
    let long = compressed(Compression::Gzip, None, &text(200_000));
    drop(decompressor.decompress(Compression::Gzip, long.into()).unwrap());
    let short = compressed(Compression::Gzip, None, b"short");
    assert_eq!(decompressor.decompress(Compression::Gzip, short.into()).unwrap(), "short");
}

#[test]
fn data_cut_short_is_an_error() {
    for codec in Compression::ALL.into_iter().skip(1) {
        for records in [text(2000), noise(500)] {
            let stored = compressed(codec, None, &records);
            for length in 0..stored.len() {
                let plain = decompressed(codec, &stored[..length]);
                // Between two of its blocks snappy cannot know that one is missing.
                let is_hidden = codec == Compression::Snappy && length == 16;
                assert!(plain.is_err() || is_hidden, "{codec} {length}");
            }
        }
    }
}

#[test]
fn damaged_data_never_panics() {
    for codec in Compression::ALL.into_iter().skip(1) {
        let stored = compressed(codec, None, &text(1000));
        for at in 0..stored.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = stored.clone();
                damaged[at] ^= flip;
                let _ = decompressed(codec, &damaged);
            }
        }
    }
}

#[test]
fn gzip_of_several_members_is_read_as_one() {
    let mut stored = compressed(Compression::Gzip, None, b"one ");
    stored.extend(compressed(Compression::Gzip, None, b"two"));
    assert_eq!(decompressed(Compression::Gzip, &stored).unwrap(), "one two");
    stored.push(7);
    assert!(decompressed(Compression::Gzip, &stored).is_err());
}

#[test]
fn gzip_is_readable_elsewhere() {
    let mut plain = Vec::new();
    let stored = compressed(Compression::Gzip, None, &text(70_000));
    flate2::read::GzDecoder::new(stored.as_slice()).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, text(70_000));
}

#[test]
fn snappy_is_written_in_the_framing_of_java() {
    let records = text(40_000);
    let stored = compressed(Compression::Snappy, None, &records);
    assert_eq!(stored[..16], *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let length = u32::from_be_bytes(stored[16..20].try_into().unwrap()) as usize;
    let first = snap::raw::Decoder::new().decompress_vec(&stored[20..20 + length]).unwrap();
    assert_eq!(first, records[..32 << 10]);
}

#[test]
fn snappy_is_read_bare_and_framed_and_appended() {
    let bare = snap::raw::Encoder::new().compress_vec(&text(90_000)).unwrap();
    assert_eq!(decompressed(Compression::Snappy, &bare).unwrap(), text(90_000));
    let mut framed = compressed(Compression::Snappy, None, b"one ");
    framed.extend(compressed(Compression::Snappy, None, b"two"));
    assert_eq!(decompressed(Compression::Snappy, &framed).unwrap(), "one two");
}

#[test]
fn lz4_is_written_as_java_does_and_readable_elsewhere() {
    let records = text(200_000);
    let stored = compressed(Compression::Lz4, None, &records);
    let mut plain = Vec::new();
    lz4_flex::frame::FrameDecoder::new(stored.as_slice()).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, records);
    assert_eq!(stored[4..6], [0x60, 0x40]);
}

#[test]
fn lz4_frames_of_every_kind_are_read() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let records = [text(300_000), noise(100_000), text(300_000)].concat();
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB]
        {
            for checked in [false, true] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(checked)
                    .content_checksum(checked)
                    .content_size(checked.then_some(records.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&records).unwrap();
                let mut stored = encoder.finish().unwrap();
                assert_eq!(decompressed(Compression::Lz4, &stored).unwrap(), records);
                stored.extend(compressed(Compression::Lz4, None, b"and another frame"));
                let appended = decompressed(Compression::Lz4, &stored).unwrap();
                assert_eq!(appended[records.len()..], *b"and another frame");
            }
        }
    }
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_of_a_stream_is_read_though_it_does_not_say_its_size() {
    for (level, size) in [(1, 0), (3, 10), (3, 300_000), (1, 3_000_000), (19, 90_000)] {
        let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
        encoder.include_checksum(level == 3).unwrap();
        encoder.write_all(&text(size)).unwrap();
        let stored = encoder.finish().unwrap();
        assert_eq!(decompressed(Compression::Zstd, &stored).unwrap(), text(size));
    }
}

#[test]
fn zstd_frames_that_were_appended_are_read() {
    let mut stored = compressed(Compression::Zstd, None, b"one ");
    stored.extend(compressed(Compression::Zstd, None, &text(500_000)));
    let plain = decompressed(Compression::Zstd, &stored).unwrap();
    assert_eq!(plain, [b"one ".to_vec(), text(500_000)].concat());
}

#[test]
fn records_of_nothing_but_padding_are_read() {
    let padded = vec![b' '; 2_000_000];
    for codec in Compression::ALL.into_iter().skip(1) {
        let stored = compressed(codec, None, &padded);
        assert_eq!(decompressed(codec, &stored).unwrap(), padded, "{codec} {}", stored.len());
    }
}

#[test]
fn what_grows_beyond_measure_is_refused() {
    let zeros = vec![0; 12_000_000];
    for codec in [Compression::Gzip, Compression::Zstd] {
        let stored = compressed(codec, None, &zeros);
        let limit = (stored.len() * 1000).max(8 << 20);
        assert!(limit < zeros.len(), "{codec} compresses well enough for this");
        let (plain, largest) = largest_allocation(|| decompressed(codec, &stored));
        assert_eq!(plain, Err(size_error(codec, stored.len(), limit)));
        // Besides the output, the pure zstd decoder keeps what it has not handed over yet.
        assert!(largest <= limit + (2 << 20), "{codec} {largest}");
    }
}

#[test]
fn the_size_limit_is_exact() {
    for codec in Compression::ALL.into_iter().skip(1) {
        let stored = Bytes::from(compressed(codec, None, &text(100_000)));
        let fits = Decompressor::with_size_limit(100_000).decompress(codec, stored.clone());
        assert_eq!(fits.unwrap(), text(100_000));
        for limit in [0, 1, 50_000, 99_999] {
            let error = Decompressor::with_size_limit(limit).decompress(codec, stored.clone());
            assert_eq!(error, Err(size_error(codec, stored.len(), limit)), "{codec}");
        }
    }
}

#[test]
fn there_need_not_be_a_limit() {
    let limits =
        Limits { decompressed_size: usize::MAX, decompressed_ratio: usize::MAX, ..Limits::DEFAULT };
    for codec in Compression::ALL {
        let stored = Bytes::from(compressed(codec, None, &text(300_000)));
        let plain = Decompressor::with_limits(limits).decompress(codec, stored);
        assert_eq!(plain.unwrap(), text(300_000), "{codec}");
    }
}

/// What a hostile handful of bytes may cost.
const SMALL: usize = 512 << 10;

#[test]
fn a_declared_size_is_checked_before_memory_is_reserved() {
    let limit = 8 << 20;
    let snappy_length = b"\xff\xff\xff\xff\x0f\0".to_vec();
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06"[..], &snappy_length].concat();
    let lz4_content = b"\x04\x22\x4d\x18\x68\x40\0\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    let zstd_content = b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\x01\0\0\0\x01\0\0".to_vec();
    for (codec, stored) in [
        (Compression::Snappy, snappy_length),
        (Compression::Snappy, framed),
        (Compression::Lz4, lz4_content),
        (Compression::Zstd, zstd_content),
    ] {
        let (plain, largest) = largest_allocation(|| decompressed(codec, &stored));
        let is_pure_zstd = codec == Compression::Zstd && !cfg!(feature = "zstd");
        if !is_pure_zstd {
            let rule = "a block declares more than it can hold";
            let expected = match codec {
                Compression::Snappy => DecodeError::Compressed { codec, rule },
                _ => size_error(codec, stored.len(), limit),
            };
            assert_eq!(plain, Err(expected));
        }
        assert!(plain.is_err());
        assert!(largest < SMALL, "{codec} {largest}");
    }
}

#[test]
fn a_declared_size_that_is_allowed_is_reserved_only_as_far_as_bytes_can_fill_it() {
    let stored = b"\x28\xb5\x2f\xfd\xe0\0\0\x80\0\0\0\0\0\x01\0\0".to_vec();
    let (_, largest) = largest_allocation(|| decompressed(Compression::Zstd, &stored));
    assert!(largest <= stored.len() * (32 << 10), "{largest}");
}

#[test]
fn lengths_of_blocks_stay_inside_the_data() {
    let snappy = |length: &[u8]| [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"[..], length].concat();
    let broken = |codec, rule| DecodeError::Compressed { codec, rule };
    let cut = |field, needed, remaining| DecodeError::Truncated { field, needed, remaining };
    let most = i32::MAX.unsigned_abs() as usize;
    for (codec, stored, error) in [
        (Compression::Snappy, snappy(b"\x7f\xff\xff\xff"), cut("snappy block", most, 0)),
        (
            Compression::Snappy,
            snappy(b"\xff\xff\xff\xff"),
            broken(Compression::Snappy, "a block has a negative length"),
        ),
        (Compression::Snappy, snappy(b"\0\0"), cut("snappy block length", 4, 2)),
        (
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x60\x40\x82\xff\xff\xff\x7f".to_vec(),
            cut("lz4 block", most, 0),
        ),
        (
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x60\x30\x82\0\0\0\0".to_vec(),
            broken(Compression::Lz4, "its block size is unknown"),
        ),
        (
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x61\x40\0\0\0\0\x82\0\0\0\0".to_vec(),
            broken(Compression::Lz4, "its frame version or dictionary is unknown"),
        ),
        (
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x68\x40\x05\0\0\0\0\0\0\0\x82\0\0\0\0".to_vec(),
            broken(Compression::Lz4, "its content has another size than declared"),
        ),
    ] {
        let (plain, largest) = largest_allocation(|| decompressed(codec, &stored));
        assert_eq!(plain, Err(error));
        assert!(largest < SMALL, "{codec} {largest}");
    }
}

#[test]
fn a_zstd_window_beyond_the_format_is_refused_without_reserving_it() {
    // Window descriptor 0xff: 3.75 TiB; then one empty block.
    let stored = b"\x28\xb5\x2f\xfd\0\xff\x01\0\0";
    let (_, largest) = largest_allocation(|| decompressed(Compression::Zstd, stored));
    assert!(largest < SMALL, "{largest}");
}

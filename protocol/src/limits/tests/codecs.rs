//! Compressed bytes that become too many, or say that they do.

use super::{Bomb, DECOMPRESSED_SIZE, Input};
use crate::{Compression, Compressor, DecodeError};

pub(super) fn bombs() -> Vec<Bomb> {
    let mut bombs = vec![
        broken(
            "snappy of 4 GiB",
            Compression::Snappy,
            b"\xff\xff\xff\xff\x0f\0".to_vec(),
            "a block declares more than it can hold",
        ),
        broken(
            "framed snappy of 4 GiB",
            Compression::Snappy,
            [XERIAL, b"\0\0\0\x06", b"\xff\xff\xff\xff\x0f\0"].concat(),
            "a block declares more than it can hold",
        ),
        too_large(
            "an lz4 frame of 4 GiB",
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x68\x40\0\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec(),
        ),
        broken(
            "a snappy block of less than nothing",
            Compression::Snappy,
            [XERIAL, &[0xff; 4]].concat(),
            "a block has a negative length",
        ),
        Bomb {
            name: "a snappy block of 2 GiB",
            input: Input::Stored(Compression::Snappy, [XERIAL, &[0x7f, 0xff, 0xff, 0xff]].concat()),
            expected: truncated("snappy block", i32::MAX as usize),
        },
        Bomb {
            name: "an lz4 block of 2 GiB",
            input: Input::Stored(
                Compression::Lz4,
                b"\x04\x22\x4d\x18\x60\x40\x82\xff\xff\xff\x7f".to_vec(),
            ),
            expected: truncated("lz4 block", i32::MAX as usize),
        },
        broken(
            "an lz4 block of no known size",
            Compression::Lz4,
            b"\x04\x22\x4d\x18\x60\x30\x82\0\0\0\0".to_vec(),
            "its block size is unknown",
        ),
    ];
    for (name, codec) in [
        ("gzip of nothing but zeros", Compression::Gzip),
        ("snappy of nothing but zeros", Compression::Snappy),
        ("lz4 of nothing but zeros", Compression::Lz4),
        ("zstd of nothing but zeros", Compression::Zstd),
    ] {
        let zeros = vec![0; DECOMPRESSED_SIZE + 1];
        let stored = Compressor::new().compress(codec, None, &zeros).unwrap().to_vec();
        bombs.push(too_large(name, codec, stored));
    }
    #[cfg(feature = "zstd")]
    bombs.extend([
        too_large(
            "a zstd frame of 2^56 bytes",
            Compression::Zstd,
            b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x01\x01\0\0".to_vec(),
        ),
        broken(
            "a zstd window of 3.75 TiB",
            Compression::Zstd,
            b"\x28\xb5\x2f\xfd\0\xff\x01\0\0".to_vec(),
            "it has no frame",
        ),
    ]);
    bombs
}

fn too_large(name: &'static str, codec: Compression, stored: Vec<u8>) -> Bomb {
    let compressed = stored.len();
    let limit = DECOMPRESSED_SIZE;
    let expected = DecodeError::DecompressedSize { codec, compressed, limit };
    Bomb { name, input: Input::Stored(codec, stored), expected }
}

fn broken(name: &'static str, codec: Compression, stored: Vec<u8>, rule: &'static str) -> Bomb {
    let expected = DecodeError::Compressed { codec, rule };
    Bomb { name, input: Input::Stored(codec, stored), expected }
}

const fn truncated(field: &'static str, needed: usize) -> DecodeError {
    DecodeError::Truncated { field, needed, remaining: 0 }
}

const XERIAL: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

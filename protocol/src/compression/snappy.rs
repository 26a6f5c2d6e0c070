//! Snappy: bare blocks as librdkafka writes them, and the framing of the Java library, in which most
//! of what is in Kafka is written: a header, then length-prefixed blocks.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use crate::{
    compression::{Compression, output::Output},
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};

/// Reads either form.
pub(super) fn decompress(input: &[u8], output: &mut Output) -> Result<(), DecodeError> {
    if !input.starts_with(MAGIC) {
        return decompress_block(input, output);
    }
    let mut cursor = Cursor::new(input);
    while !cursor.is_empty() {
        // Streams that were appended to begin anew.
        if cursor.rest().starts_with(MAGIC) {
            cursor.take(FRAME_HEADER.len(), "snappy header")?;
            continue;
        }
        let length = cursor.i32("snappy block length")?;
        let length = usize::try_from(length).map_err(|_| output.broken(NEGATIVE_LENGTH))?;
        decompress_block(cursor.take(length, "snappy block")?, output)?;
    }
    Ok(())
}

fn decompress_block(block: &[u8], output: &mut Output) -> Result<(), DecodeError> {
    let size = decompress_len(block).map_err(|_| output.broken(BROKEN_BLOCK))?;
    if size > block.len().saturating_mul(GREATEST_RATIO) {
        return Err(output.broken(IMPOSSIBLE_LENGTH));
    }
    let written = Decoder::new().decompress(block, output.room(size)?);
    output.advance(written.map_err(|_| output.broken(BROKEN_BLOCK))?);
    Ok(())
}

/// Writes the framing of the Java library.
#[derive(Default)]
pub(super) struct SnappyEncoder {
    encoder: Option<Encoder>,
}

impl SnappyEncoder {
    pub(super) fn compress(
        &mut self,
        records: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        output.extend_from_slice(&FRAME_HEADER);
        for block in records.chunks(BLOCK_SIZE) {
            self.compress_block(block, output).map_err(|cause| EncodeError::Compress {
                codec: Compression::Snappy,
                cause: cause.to_string(),
            })?;
        }
        Ok(())
    }

    fn compress_block(&mut self, block: &[u8], output: &mut Vec<u8>) -> Result<(), snap::Error> {
        let start = output.len();
        output.resize(start + LENGTH_SIZE + max_compress_len(block.len()), 0);
        let (prefix, room) = output
            .get_mut(start..)
            .and_then(|rest| rest.split_first_chunk_mut::<LENGTH_SIZE>())
            .ok_or(snap::Error::BufferTooSmall { given: 0, min: LENGTH_SIZE as u64 })?;
        let written = self.encoder.get_or_insert_with(Encoder::new).compress(block, room)?;
        // A block is at most 32 KiB, so that its length always fits.
        *prefix = u32::try_from(written).unwrap_or_default().to_be_bytes();
        output.truncate(start + LENGTH_SIZE + written);
        Ok(())
    }
}

const MAGIC: &[u8] = b"\x82SNAPPY\0";
/// The magic, the version and the oldest version that can read it.
const FRAME_HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const LENGTH_SIZE: usize = 4;
/// The block size of the Java library.
const BLOCK_SIZE: usize = 32 * 1024;

/// Three bytes repeat at most 64.
const GREATEST_RATIO: usize = 22;

const IMPOSSIBLE_LENGTH: &str = "a block declares more than it can hold";
const BROKEN_BLOCK: &str = "a block is damaged";
const NEGATIVE_LENGTH: &str = "a block has a negative length";

//! LZ4 frames. Their framing is read here and the blocks go straight into the output, without the
//! two buffers in between that a stream reader needs.
//!
//! The checksums inside of frames are not looked at: the checksum of the batch covers every byte.

use lz4_flex::block::{
    CompressTable, DecompressError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};

use crate::{
    compression::{Compression, lz4_hc::HighCompressor, output::Output},
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};

/// Reads all frames in `input`.
pub(super) fn decompress(input: &[u8], output: &mut Output) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(input);
    loop {
        let frame = FrameHeader::read(&mut cursor, output)?;
        frame.decompress_blocks(&mut cursor, output)?;
        if cursor.is_empty() {
            return Ok(());
        }
    }
}

/// What the header of a frame says about its blocks.
struct FrameHeader {
    /// Whether blocks may repeat what is in blocks before them.
    is_linked: bool,
    has_block_checksums: bool,
    has_content_checksum: bool,
    content_size: Option<u64>,
    block_size: usize,
}

impl FrameHeader {
    fn read(cursor: &mut Cursor<'_>, output: &Output) -> Result<Self, DecodeError> {
        if cursor.array("lz4 magic")? != MAGIC {
            return Err(output.broken("it is not an LZ4 frame"));
        }
        let [flags, block_size] = cursor.array("lz4 descriptor")?;
        if flags & VERSION_MASK != VERSION || flags & DICTIONARY != 0 {
            return Err(output.broken("its frame version or dictionary is unknown"));
        }
        let header = Self {
            is_linked: flags & INDEPENDENT == 0,
            has_block_checksums: flags & BLOCK_CHECKSUMS != 0,
            has_content_checksum: flags & CONTENT_CHECKSUM != 0,
            content_size: read_content_size(flags, cursor)?,
            block_size: block_size_of(block_size).ok_or_else(|| output.broken(BLOCK_SIZE_CODE))?,
        };
        cursor.take(1, "lz4 header checksum")?;
        Ok(header)
    }

    fn decompress_blocks(
        &self,
        cursor: &mut Cursor<'_>,
        output: &mut Output,
    ) -> Result<(), DecodeError> {
        let start = output.len();
        self.check_content_size(output)?;
        loop {
            let length = u32::from_le_bytes(cursor.array("lz4 block length")?);
            if length == END_MARK {
                break;
            }
            let block = cursor.take((length & !STORED) as usize, "lz4 block")?;
            self.decompress_block(block, length & STORED != 0, start, output)?;
            if self.has_block_checksums {
                cursor.take(CHECKSUM_SIZE, "lz4 block checksum")?;
            }
        }
        if self.has_content_checksum {
            cursor.take(CHECKSUM_SIZE, "lz4 content checksum")?;
        }
        let size = u64::try_from(output.len() - start).ok();
        if self.content_size.is_some() && self.content_size != size {
            return Err(output.broken("its content has another size than declared"));
        }
        Ok(())
    }

    fn decompress_block(
        &self,
        block: &[u8],
        is_stored: bool,
        frame_start: usize,
        output: &mut Output,
    ) -> Result<(), DecodeError> {
        if block.len() > self.block_size {
            return Err(output.broken(BLOCK_TOO_LARGE));
        }
        if is_stored {
            output.room(block.len())?.copy_from_slice(block);
            output.advance(block.len());
            return Ok(());
        }
        let history = if self.is_linked { (output.len() - frame_start).min(WINDOW) } else { 0 };
        let size = self.block_size.min(block.len().saturating_mul(GREATEST_RATIO));
        let (before, room) = output.room_after(history, size)?;
        let given = room.len();
        let written = match before {
            [] => decompress_into(block, room),
            before => decompress_into_with_dict(block, room, before),
        };
        match written {
            Ok(written) => output.advance(written),
            Err(DecompressError::OutputTooSmall { .. }) if given < size => {
                return Err(output.too_large());
            }
            Err(DecompressError::OutputTooSmall { .. }) => {
                return Err(output.broken(BLOCK_TOO_LARGE));
            }
            Err(_) => return Err(output.broken("a block is damaged")),
        }
        Ok(())
    }

    /// A declared size beyond the limit is refused before anything is decompressed.
    fn check_content_size(&self, output: &mut Output) -> Result<(), DecodeError> {
        match self.content_size.map(usize::try_from) {
            None => Ok(()),
            Some(Ok(size)) => output.check_room(size),
            Some(Err(_)) => Err(output.too_large()),
        }
    }
}

fn read_content_size(flags: u8, cursor: &mut Cursor<'_>) -> Result<Option<u64>, DecodeError> {
    if flags & CONTENT_SIZE == 0 {
        return Ok(None);
    }
    cursor.array("lz4 content size").map(u64::from_le_bytes).map(Some)
}

fn block_size_of(descriptor: u8) -> Option<usize> {
    match descriptor >> 4 & 0x07 {
        4 => Some(64 * 1024),
        5 => Some(256 * 1024),
        6 => Some(1024 * 1024),
        7 => Some(4 * 1024 * 1024),
        _ => None,
    }
}

/// Writes frames as the Java client does: independent blocks of 64 KiB, no checksums.
#[derive(Default)]
pub(super) struct Lz4Encoder {
    table: Option<CompressTable>,
    high: HighCompressor,
    /// Where blocks are made: room for the largest, so that none has to be zeroed anew.
    room: Vec<u8>,
}

impl Lz4Encoder {
    pub(super) fn compress(
        &mut self,
        level: Option<i32>,
        records: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        // The usual level stands for the fast encoder, every other one for the thorough one.
        let level = level.filter(|level| Some(*level) != Compression::Lz4.default_level());
        output.extend_from_slice(&WRITTEN_HEADER);
        for block in records.chunks(WRITTEN_BLOCK_SIZE) {
            self.write_block(level, block, output)?;
        }
        output.extend_from_slice(&END_MARK.to_le_bytes());
        Ok(())
    }

    fn write_block(
        &mut self,
        level: Option<i32>,
        block: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let compressed = match level {
            None => self.compress_fast(block)?,
            Some(level) => {
                self.high.compress(block, level, &mut self.room);
                &self.room
            }
        };
        // What does not become smaller is stored as it is.
        let (content, flag) =
            if compressed.len() < block.len() { (compressed, 0) } else { (block, STORED) };
        // A block is at most 64 KiB, so that its length always fits.
        let length = u32::try_from(content.len()).unwrap_or_default() | flag;
        output.extend_from_slice(&length.to_le_bytes());
        output.extend_from_slice(content);
        Ok(())
    }

    fn compress_fast(&mut self, block: &[u8]) -> Result<&[u8], EncodeError> {
        let size = get_maximum_output_size(block.len());
        if self.room.len() < size {
            self.room.resize(size, 0);
        }
        // The large table also for small blocks: it hashes five bytes instead of four, which is
        // faster and finds more.
        let table = self.table.get_or_insert_with(CompressTable::large);
        let length = compress_into_with_table(block, &mut self.room, table).map_err(|cause| {
            EncodeError::Compress { codec: Compression::Lz4, cause: cause.to_string() }
        })?;
        Ok(self.room.get(..length).unwrap_or_default())
    }
}

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const VERSION_MASK: u8 = 0xc0;
const VERSION: u8 = 0x40;
const INDEPENDENT: u8 = 0x20;
const BLOCK_CHECKSUMS: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const DICTIONARY: u8 = 0x01;
/// In the place of a block's length: there is no further block.
const END_MARK: u32 = 0;
/// In a block's length: the block is not compressed.
const STORED: u32 = 0x8000_0000;
/// A byte lengthens a copy by 255 at most.
const GREATEST_RATIO: usize = 255;
const CHECKSUM_SIZE: usize = 4;
/// How far back LZ4 can refer.
const WINDOW: usize = 64 * 1024;
/// Version 1, independent blocks of at most 64 KiB, and the checksum of these two bytes.
const WRITTEN_HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
/// The block size of the Java client.
const WRITTEN_BLOCK_SIZE: usize = 64 * 1024;

const BLOCK_SIZE_CODE: &str = "its block size is unknown";
const BLOCK_TOO_LARGE: &str = "a block is larger than the frame allows";

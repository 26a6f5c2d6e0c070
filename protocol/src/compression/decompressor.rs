//! Turns the stored records of a batch into plain ones.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    compression::{
        Compression,
        gzip::GzipDecoder,
        lz4,
        output::{Output, Pool},
        snappy,
        zstd::ZstdDecoder,
    },
    error::DecodeError,
};

/// Decompresses batches, one after the other, into buffers that are used again.
///
/// A buffer is in use until the last `Bytes` over it is dropped, on whatever thread. What a few bytes
/// may grow to is limited, so that a hostile batch cannot fill the memory.
pub struct Decompressor {
    pool: Arc<Pool>,
    size_limit: usize,
    gzip: GzipDecoder,
    zstd: ZstdDecoder,
}

impl Decompressor {
    /// A decompressor with the usual limit: 128 MiB for one batch.
    pub fn new() -> Self {
        Self::with_size_limit(SIZE_LIMIT)
    }

    /// A decompressor that refuses batches of more than `size_limit` decompressed bytes.
    pub fn with_size_limit(size_limit: usize) -> Self {
        Self {
            pool: Arc::default(),
            size_limit,
            gzip: GzipDecoder::default(),
            zstd: ZstdDecoder::default(),
        }
    }

    /// The records behind `stored`: itself when it is not compressed.
    pub fn decompress(&mut self, codec: Compression, stored: Bytes) -> Result<Bytes, DecodeError> {
        if codec == Compression::None {
            return Ok(stored);
        }
        let limit = stored.len().saturating_mul(GREATEST_RATIO).max(SMALL_SIZE);
        let limit = limit.min(self.size_limit);
        let mut output = Output::new(&self.pool, codec, stored.len(), limit);
        match codec {
            Compression::None => {}
            Compression::Gzip => self.gzip.decompress(&stored, &mut output)?,
            Compression::Snappy => snappy::decompress(&stored, &mut output)?,
            Compression::Lz4 => lz4::decompress(&stored, &mut output)?,
            Compression::Zstd => self.zstd.decompress(&stored, &mut output)?,
        }
        output.finish()
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").field("size_limit", &self.size_limit).finish_non_exhaustive()
    }
}

/// Many times the largest batch that brokers accept by default.
const SIZE_LIMIT: usize = 128 * 1024 * 1024;
/// About what gzip reaches at most; what grows further is not data.
const GREATEST_RATIO: usize = 1000;
/// What any batch may become: in a batch of zeros, as padded records make it, zstd saves more than the
/// ratio allows. Less than what a reader may keep for the next batch.
const SMALL_SIZE: usize = 8 * 1024 * 1024;

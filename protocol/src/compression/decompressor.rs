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
    limits::Limits,
};

/// Decompresses batches, one after the other, into buffers that are used again.
///
/// A buffer is in use until the last `Bytes` over it is dropped, on whatever thread. What a few bytes
/// may grow to is limited, so that a hostile batch cannot fill the memory.
pub struct Decompressor {
    pool: Arc<Pool>,
    limits: Limits,
    gzip: GzipDecoder,
    zstd: ZstdDecoder,
}

impl Decompressor {
    /// A decompressor with the usual limits: 128 MiB for one batch.
    pub fn new() -> Self {
        Self::with_limits(Limits::DEFAULT)
    }

    /// A decompressor that refuses batches of more than `size_limit` decompressed bytes.
    pub fn with_size_limit(size_limit: usize) -> Self {
        Self::with_limits(Limits { decompressed_size: size_limit, ..Limits::DEFAULT })
    }

    /// A decompressor for batches within `limits`, which also bound the records of a batch and the
    /// headers of a record.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            pool: Arc::default(),
            limits,
            gzip: GzipDecoder::default(),
            zstd: ZstdDecoder::default(),
        }
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The records behind `stored`: itself when it is not compressed.
    pub fn decompress(&mut self, codec: Compression, stored: Bytes) -> Result<Bytes, DecodeError> {
        if codec == Compression::None {
            return Ok(stored);
        }
        let limit = self.limits.decompressed_size_of(stored.len());
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
        f.debug_struct("Decompressor").field("limits", &self.limits).finish_non_exhaustive()
    }
}

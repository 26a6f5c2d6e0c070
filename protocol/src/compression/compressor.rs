//! Turns the plain records of a batch into what is stored.

use std::fmt;

use bytes::BytesMut;

use crate::{
    compression::{
        Compression, gzip::GzipEncoder, lz4::Lz4Encoder, snappy::SnappyEncoder, zstd::ZstdEncoder,
    },
    error::EncodeError,
};

/// Compresses batches, one after the other, with the codecs' state and the memory used again.
#[derive(Default)]
pub struct Compressor {
    output: Vec<u8>,
    spare: BytesMut,
    gzip: GzipEncoder,
    snappy: SnappyEncoder,
    lz4: Lz4Encoder,
    zstd: ZstdEncoder,
}

impl Compressor {
    /// A compressor; a codec's state is made when the codec is first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stored form of `records`, valid until the next call.
    pub fn compress(
        &mut self,
        codec: Compression,
        level: Option<i32>,
        records: &[u8],
    ) -> Result<&[u8], EncodeError> {
        if let Some(level) = level {
            codec.check_level(level)?;
        }
        self.output.clear();
        match codec {
            Compression::None => self.output.extend_from_slice(records),
            Compression::Gzip => self.gzip.compress(level, records, &mut self.output)?,
            Compression::Snappy => self.snappy.compress(records, &mut self.output)?,
            Compression::Lz4 => self.lz4.compress(level, records, &mut self.output)?,
            Compression::Zstd => self.zstd.compress(level, records, &mut self.output)?,
        }
        Ok(&self.output)
    }

    /// The memory of the batch that was compressed last, for the next
    /// [`BatchBuilder`](crate::BatchBuilder); without content.
    pub fn take_spare(&mut self) -> BytesMut {
        std::mem::take(&mut self.spare)
    }

    pub(crate) fn keep_spare(&mut self, mut buffer: BytesMut) {
        buffer.clear();
        self.spare = buffer;
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

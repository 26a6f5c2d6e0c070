//! How much bytes from outside may ask for.

/// What is accepted of what arrives; beyond it there is a [`DecodeError`](crate::DecodeError) that
/// names the field and the limit.
///
/// Whatever the limits are, nothing is reserved that the bytes received could not fill: own codecs
/// take at most 16 times their input and 64 KiB, control messages at most 128 times.
///
/// ```
/// use bytes::BytesMut;
/// use kavka_protocol::{DecodeError, Limits, split_frame};
///
/// let limits = Limits { frame_size: 1000, ..Limits::default() };
/// let mut received = BytesMut::from(&1001_i32.to_be_bytes()[..]);
/// let refused = split_frame(&mut received, limits.frame_size);
/// assert!(matches!(refused, Err(DecodeError::Length { field: "frame", limit: 1000, .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of one frame, its length not counted. 100 MiB, which is also what brokers accept
    /// (`socket.request.max.bytes`).
    pub frame_size: usize,
    /// The bytes of one message besides the record batches in it. 16 MiB: the metadata of several
    /// hundred thousand partitions.
    pub control_message_size: usize,
    /// The bytes of one string in a message. 32,767, which is as much as Kafka accepts.
    pub string_length: usize,
    /// The records of one batch. No limit besides the bytes that are there: a record takes at
    /// least seven.
    pub records_per_batch: usize,
    /// The headers of one record. No limit besides the bytes that are there: a header takes at
    /// least two.
    pub headers_per_record: usize,
    /// The bytes that one compressed batch may become. 128 MiB, many times the largest batch that
    /// brokers accept by default.
    pub decompressed_size: usize,
    /// How many times its size a compressed batch may become, beyond 8 MiB, which any may. 1,000,
    /// about what gzip reaches at most; what grows further is not data.
    pub decompressed_ratio: usize,
}

impl Limits {
    /// The usual limits.
    pub const DEFAULT: Self = Self {
        frame_size: 100 << 20,
        control_message_size: 16 << 20,
        string_length: 32_767,
        records_per_batch: usize::MAX,
        headers_per_record: usize::MAX,
        decompressed_size: 128 << 20,
        decompressed_ratio: 1000,
    };

    /// What `compressed` bytes may become.
    pub(crate) fn decompressed_size_of(&self, compressed: usize) -> usize {
        let grown = compressed.saturating_mul(self.decompressed_ratio).max(SMALL_SIZE);
        grown.min(self.decompressed_size)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What any batch may become: in a batch of zeros, as padded records make it, zstd saves more than the
/// ratio allows. Less than what a reader may keep for the next batch.
const SMALL_SIZE: usize = 8 << 20;

#[cfg(test)]
mod tests;

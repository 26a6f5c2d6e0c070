//! What can be wrong with bytes that arrive (`DecodeError`) and with values that are to be sent
//! (`EncodeError`). Every variant names the field or the rule; nothing here allocates while
//! records are being read.

use std::ops::RangeInclusive;

use kafka_protocol::messages::ApiKey;

use crate::compression::Compression;

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("{field} needs {needed} bytes, but only {remaining} remain")]
    Truncated {
        /// The field being read.
        field: &'static str,
        /// How many bytes it takes.
        needed: usize,
        /// How many bytes there are.
        remaining: usize,
    },
    /// A declared length is negative, below the minimum or above the limit.
    #[error("{field} declares a length of {length} bytes; allowed are {minimum} to {limit}")]
    Length {
        /// The field whose length it is.
        field: &'static str,
        /// The length as declared.
        length: i64,
        /// The least length that makes sense.
        minimum: usize,
        /// The greatest length that is accepted here.
        limit: usize,
    },
    /// A declared number of elements is negative or cannot fit into the bytes that remain.
    #[error("{field} declares {count} elements, but the bytes that remain hold at most {limit}")]
    Count {
        /// The array whose count it is.
        field: &'static str,
        /// The count as declared.
        count: i64,
        /// How many elements could be there at most.
        limit: usize,
    },
    /// A variable-length integer does not end where its type does.
    #[error("{field} is not a valid variable-length integer")]
    Varint {
        /// The field being read.
        field: &'static str,
    },
    /// A number has a value that the protocol does not allow in this place.
    #[error("{field} has the impossible value {value}")]
    Value {
        /// The field being read.
        field: &'static str,
        /// What it holds.
        value: i64,
    },
    /// Text is not UTF-8.
    #[error("{field} is not valid UTF-8")]
    Utf8 {
        /// The field being read.
        field: &'static str,
    },
    /// A field that must be there is null.
    #[error("{field} must not be null")]
    Null {
        /// The field being read.
        field: &'static str,
    },
    /// Bytes are left over after everything that was declared.
    #[error("{field} is followed by {bytes} bytes that belong to nothing")]
    Trailing {
        /// What should have been the last thing.
        field: &'static str,
        /// How many bytes are left over.
        bytes: usize,
    },
    /// The bytes are not what was written: a checksum differs.
    #[error("{field} has the checksum {computed:#010x}, but {stored:#010x} is stored with it")]
    Checksum {
        /// What the checksum is over.
        field: &'static str,
        /// The checksum that travelled with the bytes.
        stored: u32,
        /// The checksum of the bytes that arrived.
        computed: u32,
    },
    /// A feature of the protocol that is not spoken here.
    #[error("unsupported: {what}={value}")]
    Unsupported {
        /// The feature.
        what: &'static str,
        /// Its number on the wire.
        value: i64,
    },
    /// Compressed bytes break a rule of their format.
    #[error("{codec} data cannot be decompressed: {rule}")]
    Compressed {
        /// The format.
        codec: Compression,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// Compressed bytes would grow beyond what is accepted.
    #[error("{codec} data of {compressed} bytes decompresses to more than the limit of {limit}")]
    DecompressedSize {
        /// The format.
        codec: Compression,
        /// The size of the compressed bytes.
        compressed: usize,
        /// The size that the decompressed bytes may have.
        limit: usize,
    },
    /// A control message breaks a rule of the protocol.
    #[error("{api:?} version {version}: {fault}")]
    Malformed {
        /// The API of the message.
        api: ApiKey,
        /// The version it was read as.
        version: i16,
        /// Which rule, and in which field.
        fault: Box<Self>,
    },
    /// A control message could not be read by the generated codec.
    #[error("{api:?} version {version}: {cause}")]
    Message {
        /// The API of the message.
        api: ApiKey,
        /// The version it was read as.
        version: i16,
        /// What the codec says.
        cause: String,
    },
}

/// Why values could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value is longer than the protocol can express.
    #[error("{field} of {length} bytes is longer than the protocol's limit of {limit}")]
    TooLarge {
        /// The field being written.
        field: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A number is outside of what the protocol can express in this place.
    #[error("{field} cannot have the value {value}")]
    Value {
        /// The field being written.
        field: &'static str,
        /// What it should have held.
        value: i64,
    },
    /// A record batch needs at least one record.
    #[error("a record batch without records cannot be sent")]
    EmptyBatch,
    /// A compression level outside of the codec's range.
    #[error("{codec} has no compression level {level}; its levels are {} to {}", .levels.start(), .levels.end())]
    CompressionLevel {
        /// The codec.
        codec: Compression,
        /// The level asked for.
        level: i32,
        /// The levels there are.
        levels: RangeInclusive<i32>,
    },
    /// A feature that is not built in.
    #[error("unsupported: {what}={value}")]
    Unsupported {
        /// The feature.
        what: &'static str,
        /// The value asked for.
        value: i64,
    },
    /// A codec refused to compress.
    #[error("{codec} cannot compress: {cause}")]
    Compress {
        /// The codec.
        codec: Compression,
        /// What it says.
        cause: String,
    },
    /// A control message could not be written by the generated codec.
    #[error("{api:?} version {version}: {cause}")]
    Message {
        /// The API of the message.
        api: ApiKey,
        /// The version it was written as.
        version: i16,
        /// What the codec says.
        cause: String,
    },
}

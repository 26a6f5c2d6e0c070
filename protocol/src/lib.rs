//! The Kafka wire protocol: frames, record batches as borrowed views, message codecs.
//!
//! Bytes in, values out, and back. No IO, no clock, no lock held across calls: everything here can
//! be tested with a byte string. Undecoded bytes stay `Bytes`; whoever wants values decodes them.
#![cfg_attr(
    not(test),
    deny(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod compression;
mod cursor;
mod error;
mod ids;
mod varint;

pub use compression::Compression;
pub use compression::UnknownCompression;
pub use cursor::Cursor;
pub use error::DecodeError;
pub use error::EncodeError;
pub use ids::BrokerId;
pub use ids::CorrelationId;
pub use ids::LeaderEpoch;
pub use ids::Offset;
pub use ids::ProducerEpoch;
pub use ids::ProducerId;
pub use ids::Sequence;
pub use ids::Timestamp;
pub use ids::TopicId;
pub use ids::TopicPartition;
pub use varint::put_unsigned_varint;
pub use varint::put_varint;
pub use varint::put_varlong;
pub use varint::take_unsigned_varint;
pub use varint::take_varint;
pub use varint::take_varlong;
pub use varint::unsigned_varint_size;
pub use varint::varint_size;
pub use varint::varlong_size;

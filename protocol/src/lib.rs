//! The Kafka wire protocol: frames, record batches as borrowed views, message codecs.
//!
//! Bytes in, values out, and back. No IO, no clock, no lock held across calls: everything here can
//! be tested with a byte string. Undecoded bytes stay `Bytes`; whoever wants values decodes them.
#![cfg_attr(
    not(any(test, feature = "fuzzing")),
    deny(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

#[cfg(test)]
mod allocations;
mod api;
mod compression;
mod cursor;
mod error;
mod error_code;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod group;
mod ids;
mod limits;
mod message;
mod record;
mod sasl;
mod varint;

pub use api::ApiKey;
pub use api::SPOKEN;
pub use api::UnsupportedApi;
pub use api::VersionRange;
pub use api::VersionTable;
pub use api::api_versions_fallback;
pub use api::spoken;
pub use compression::Compression;
pub use compression::Compressor;
pub use compression::Decompressor;
pub use compression::UnknownCompression;
pub use cursor::Cursor;
pub use error::DecodeError;
pub use error::EncodeError;
pub use error_code::Disposition;
pub use error_code::ErrorCode;
pub use frame::Frame;
pub use frame::split_frame;
pub use group::Assignment;
pub use group::Subscription;
pub use ids::BrokerId;
pub use ids::CorrelationId;
pub use ids::GenerationId;
pub use ids::LeaderEpoch;
pub use ids::Offset;
pub use ids::ProducerEpoch;
pub use ids::ProducerId;
pub use ids::Sequence;
pub use ids::Timestamp;
pub use ids::TopicId;
pub use ids::TopicPartition;
pub use limits::Limits;
pub use message::FetchResponse;
pub use message::FetchedPartition;
pub use message::FetchedTopic;
pub use message::PartitionBatch;
pub use message::ProduceBatches;
pub use message::Request;
pub use message::StrBytes;
pub use message::correlation_id;
pub use message::decode_api_versions;
pub use message::decode_response;
pub use message::decode_response_within;
pub use message::encode_produce;
pub use message::encode_request;
pub use message::messages;
#[cfg(feature = "broker")]
pub use message::server;
pub use record::AbortedTransactions;
pub use record::Attributes;
pub use record::BatchBody;
pub use record::BatchBuilder;
pub use record::BatchView;
pub use record::Batches;
pub use record::ControlType;
pub use record::EndTransactionMarker;
pub use record::Headers;
pub use record::HeadersView;
pub use record::IsolationLevel;
pub use record::ProducerStamp;
pub use record::RecordBatchHeader;
pub use record::RecordColumns;
pub use record::RecordView;
pub use record::Records;
pub use record::RecordsPosition;
pub use record::SealedBatch;
pub use record::Span;
pub use record::TimestampType;
pub use record::VisibleBatches;
pub use record::assign_offsets;
pub use record::next_offset_after;
pub use record::record_size_upper_bound;
pub use record::set_max_timestamp;
pub use sasl::SaltedPassword;
pub use sasl::SaltedPasswordRequest;
pub use sasl::SaslCredentials;
pub use sasl::SaslError;
pub use sasl::SaslExchange;
pub use sasl::SaslExtensions;
pub use sasl::SaslMechanism;
pub use sasl::SaslStep;
pub use varint::put_unsigned_varint;
pub use varint::put_varint;
pub use varint::put_varlong;
pub use varint::take_unsigned_varint;
pub use varint::take_varint;
pub use varint::take_varlong;
pub use varint::unsigned_varint_size;
pub use varint::varint_size;
pub use varint::varlong_size;

//! What fuzz targets do with their input, and what must hold then; a property that does not hold is a
//! panic.
//!
//! They are plain functions so that a test on the stable toolchain runs them over the committed
//! corpora, too. The library
//! has them only with the feature `fuzzing`.

mod codecs;
mod groups;
mod input;
mod legacy;
mod memory;
mod messages;
mod naive;
mod records;
mod sasl;
mod seeds;
mod vectors;
mod visibility;

pub use codecs::{fuzz_gzip, fuzz_lz4, fuzz_snappy_raw, fuzz_snappy_xerial, fuzz_zstd};
pub use groups::fuzz_consumer_protocol;
pub use legacy::fuzz_legacy_message_set;
pub use memory::measure_with;
#[cfg(feature = "broker")]
pub use messages::fuzz_request_any;
pub use messages::{fuzz_frame_reader, fuzz_response_any, fuzz_tagged_fields};
pub use records::{
    fuzz_batch_header_walk, fuzz_produce_roundtrip, fuzz_record_batch_crc, fuzz_record_body,
};
pub use sasl::fuzz_sasl;
pub use seeds::{Seed, crowded, seeds};
pub use visibility::fuzz_aborted_filter;

/// What is done with one input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its corpus, too.
pub const TARGETS: &[(&str, Target)] = &[
    ("aborted_filter", fuzz_aborted_filter),
    ("batch_header_walk", fuzz_batch_header_walk),
    ("consumer_protocol", fuzz_consumer_protocol),
    ("frame_reader", fuzz_frame_reader),
    ("gzip", fuzz_gzip),
    ("legacy_message_set", fuzz_legacy_message_set),
    ("lz4", fuzz_lz4),
    ("produce_roundtrip", fuzz_produce_roundtrip),
    ("record_batch_crc", fuzz_record_batch_crc),
    ("record_body", fuzz_record_body),
    #[cfg(feature = "broker")]
    ("request_any", fuzz_request_any),
    ("response_any", fuzz_response_any),
    ("sasl", fuzz_sasl),
    ("snappy_raw", fuzz_snappy_raw),
    ("snappy_xerial", fuzz_snappy_xerial),
    ("tagged_fields", fuzz_tagged_fields),
    ("zstd", fuzz_zstd),
];

#[cfg(test)]
mod tests;

//! Configuration: from [`Properties`] as text to typed, checked structs.
//!
//! One table ([`property_definitions`]) says what every property is; the structs here are its
//! resolved form, and only they reach the rest of the client. All problems are reported together.

pub(crate) mod client;
pub(crate) mod consumer;
mod duration;
mod foreign;
mod java_file;
pub mod keys;
pub(crate) mod producer;
mod properties;
mod property;
mod resolve;
pub(crate) mod security;
mod unknown;

pub(crate) use client::ClientConfig;
pub use client::Endpoint;
pub(crate) use consumer::{ConsumerConfig, OffsetReset};
pub use keys::property_definitions;
pub(crate) use producer::{Acks, PartitionerClass, ProducerConfig};
pub use properties::Properties;
pub use property::{Kind, PropertyDef, Role, Support, is_secret};
pub(crate) use unknown::is_strict;
pub use unknown::{Warning, check_properties};

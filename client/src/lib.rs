//! An async Kafka client: pure state machines with a Tokio shell.
//!
//! Start with [`Client::connect`]; everything else is made from a [`Client`]. All behaviour lives in
//! plain state machines; sockets, tasks and clocks are confined to a few files around them.
//!
//! # Security
//!
//! `security.protocol`, `ssl.*` and `sasl.*` mean what they mean in Java: PEM, PKCS12 and JKS stores
//! (what a file is decides its content), inline PEM, client certificates, PLAIN, SCRAM-SHA-256 and -512,
//! OAUTHBEARER, and `sasl.jaas.config` with the same text.
//!
//! ```no_run
//! # async fn example() -> Result<(), kavka_client::Error> {
//! let client = kavka_client::Client::connect([
//!     ("bootstrap.servers", "kafka.example.com:9093"),
//!     ("security.protocol", "SASL_SSL"),
//!     ("ssl.truststore.location", "/etc/kafka/ca.pem"), // unset: the system's certificates
//!     ("ssl.truststore.type", "PEM"),
//!     ("sasl.mechanism", "SCRAM-SHA-512"),
//!     ("sasl.jaas.config", r#"ScramLoginModule required username="ada" password="…";"#),
//! ])
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! Differences from Java: a certificate that stands in the trust store itself must be valid today; the
//! two providers of tokens that need HTTP are not there, a [`TokenProvider`] of the application's own
//! takes their place. Cryptography is that of `ring` (feature `tls-ring`, on by default) or `graviola`
//! (feature `tls-graviola`: no C; used instead of `ring` where the processor can), or of the rustls
//! `CryptoProvider` that the application has installed for its process.

mod admin;
mod client;
mod config;
mod consumer;
mod error;
mod io;
mod metadata;
mod network;
mod offsets;
mod producer;
mod security;
mod state;
mod stats;
#[cfg(test)]
mod testing;
mod token;
mod topic;

pub use kavka_protocol as protocol;
pub use rustls;

pub use admin::Admin;
pub use admin::NewTopic;
pub use client::Client;
pub use client::ClientBuilder;
pub use config::Endpoint;
pub use config::Kind;
pub use config::Properties;
pub use config::PropertyDef;
pub use config::Role;
pub use config::Support;
pub use config::Warning;
pub use config::check_properties;
pub use config::is_secret;
pub use config::keys;
pub use config::property_definitions;
pub use consumer::Consumer;
pub use consumer::Fetch;
pub use consumer::FetchedBatches;
pub use error::Error;
pub use error::ErrorKind;
pub use error::Place;
pub use error::Result;
pub use io::BoxFuture;
pub use io::Connect;
pub use io::Stream;
pub use io::TcpConnect;
pub use producer::BatchDelivery;
pub use producer::Delivery;
pub use producer::OutgoingRecord;
pub use producer::Producer;
pub use producer::RecordMetadata;
pub use state::fetch::FetchState;
pub use state::fetch::FetchStatus;
pub use state::fetch::PositionReset;
pub use state::fetch::ResetCause;
pub use state::fetch::StartOffset;
pub use stats::BrokerStats;
pub use stats::ClientStats;
pub use token::FileToken;
pub use token::StaticToken;
pub use token::Token;
pub use token::TokenProvider;
pub use topic::BrokerNode;
pub use topic::Cluster;
pub use topic::ListedOffset;
pub use topic::OffsetSpec;
pub use topic::PartitionMetadata;
pub use topic::TopicMetadata;

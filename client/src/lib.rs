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
//!
//! # Observability
//!
//! [`Client::stats`] says what went over the connections, by broker, [`Producer::stats`] what was
//! written, by partition, [`Consumer::stats`] what was read, by partition and by broker,
//! [`Consumer::explain`] why a partition is not being read. The same numbers are told to the recorder of
//! the [`metrics`](https://docs.rs/metrics) facade that was installed before the client was made, under
//! these names; clients, and consumers of one client, that read the same partition add to the same
//! numbers unless their `client.id` tells them apart:
//!
//! | counter or gauge | labels besides `client_id` |
//! |---|---|
//! | `kavka_connections_made_total`, `kavka_connections_failed_total`, `kavka_connections_closed_total` | `broker` |
//! | `kavka_requests_total`, `kavka_responses_total`, `kavka_request_failures_total` | `broker` |
//! | `kavka_sent_bytes_total`, `kavka_received_bytes_total`, `kavka_throttle_milliseconds_total` | `broker` |
//! | `kavka_metadata_refreshes_total`, `kavka_metadata_failures_total` | |
//! | `kavka_produced_records_total`, `kavka_produced_batches_total`, `kavka_produced_bytes_total` | `topic`, `partition` |
//! | `kavka_produce_failed_records_total`, `kavka_produce_retries_total`, `kavka_produce_queue_microseconds_total` | `topic`, `partition` |
//! | `kavka_consumed_records_total`, `kavka_consumed_batches_total`, `kavka_consumed_bytes_total` | `topic`, `partition` |
//! | `kavka_consume_failures_total`, `kavka_position_resets_total`, `kavka_passed_over_offsets_total` | `topic`, `partition` |
//! | `kavka_records_lag` and `kavka_position`, which are gauges | `topic`, `partition` |
//! | `kavka_fetch_requests_total`, `kavka_fetch_responses_total`, `kavka_fetch_failures_total` | `broker` |
//! | `kavka_fetched_bytes_total`, `kavka_fetch_latency_microseconds_total`, `kavka_fetch_throttle_milliseconds_total` | `broker` |
//!
//! Everything is counted once per request, answer, hand-out or batch, never per record. Connections, producers,
//! consumers, calls and refreshes of metadata are `tracing` spans of level debug.

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
mod topic_pattern;

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
pub use producer::Partitioner;
pub use producer::Partitions;
pub use producer::Producer;
pub use producer::ProducerBuilder;
pub use producer::RecordMetadata;
pub use producer::TopicPartitioner;
pub use producer::UnplacedRecord;
pub use state::fetch::FetchState;
pub use state::fetch::FetchStatus;
pub use state::fetch::PositionReset;
pub use state::fetch::ResetCause;
pub use state::fetch::StartOffset;
pub use stats::BrokerStats;
pub use stats::ClientStats;
pub use stats::Consumed;
pub use stats::ConsumedStats;
pub use stats::ConsumerStats;
pub use stats::FetchStats;
pub use stats::PrefetchStats;
pub use stats::ProducedStats;
pub use stats::ProducerStats;
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
pub use topic_pattern::TopicPattern;

//! An async Kafka client: pure state machines with a Tokio shell.
//!
//! Start with [`Client::connect`]; everything else is made from a [`Client`]. All behaviour lives in
//! plain state machines; sockets, tasks and clocks are confined to a few files around them.

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
mod state;
#[cfg(test)]
mod testing;
mod topic;

pub use kavka_protocol as protocol;

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
pub use state::fetch::StartOffset;
pub use topic::BrokerNode;
pub use topic::Cluster;
pub use topic::ListedOffset;
pub use topic::OffsetSpec;
pub use topic::PartitionMetadata;
pub use topic::TopicMetadata;

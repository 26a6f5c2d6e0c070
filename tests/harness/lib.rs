//! What every integration test stands on: the in-process broker, real Apache Kafka, and Kafka's own tools.

pub mod embedded;
pub mod java;
pub mod numbered;
pub mod orders;
pub mod peer;
pub mod proxy;
pub mod random;
pub mod real_kafka;
pub mod secured_kafka;
mod server;
pub mod sql;
pub mod traffic;
pub mod trial;
pub mod wire;

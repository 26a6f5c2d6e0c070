//! Other Kafka clients' record codecs, each called the way that suits it best.
//!
//! Every client has two programs: one with the allocator that it is fastest with, to be timed, and one that counts
//! allocations. Checksums are verified by all of them.

mod kafka_protocol;
mod krafka;

pub use kafka_protocol::KafkaProtocol;
pub use krafka::Krafka;

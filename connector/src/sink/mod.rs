//! Writing: rows to records, records to partitions, and what a flush promises.

mod delivery;
mod partitioner;

pub use self::delivery::DeliveryGuarantee;
pub use self::partitioner::SinkPartitioner;

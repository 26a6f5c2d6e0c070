//! Writing: rows to records, records to partitions, and what a flush promises.

mod headers;
mod partitioner;
mod writer;

pub use self::partitioner::SinkPartitioner;
pub(crate) use self::writer::SinkSpec;
pub use self::writer::SinkWriter;

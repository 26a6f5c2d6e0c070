//! Record batches (magic 2, KIP-98): read as views over the bytes that arrived, written in wire form. The messages of
//! older brokers (magic 0 and 1) are read through the same views.

mod batch;
mod builder;
mod columns;
mod control;
mod head;
mod header;
mod legacy;
#[cfg(test)]
mod no_allocations;
#[expect(clippy::module_inception, reason = "Kafka's word for the batch's part is record, too")]
mod record;
#[cfg(test)]
pub(crate) mod testing;
mod visibility;

pub use batch::BatchBody;
pub use batch::BatchView;
pub use batch::Batches;
pub use builder::BatchBuilder;
pub use builder::ProducerStamp;
pub use builder::SealedBatch;
pub use builder::record_size_upper_bound;
pub use columns::RecordColumns;
pub use columns::Span;
pub use control::ControlType;
pub use control::EndTransactionMarker;
pub use header::Attributes;
pub use header::RecordBatchHeader;
pub use header::TimestampType;
pub use header::assign_offsets;
pub use header::set_max_timestamp;
pub use record::Headers;
pub use record::HeadersView;
pub use record::RecordView;
pub use record::Records;
pub use record::RecordsPosition;
pub use visibility::AbortedTransactions;
pub use visibility::IsolationLevel;
pub use visibility::VisibleBatches;
pub use visibility::next_offset_after;

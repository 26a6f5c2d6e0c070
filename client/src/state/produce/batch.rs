//! A batch of one partition through its life: open while records arrive, sealed when its turn
//! comes, settled when its fate is known.

use std::time::Instant;

use bytes::Bytes;
use kavka_protocol::{
    BatchBuilder, Compressor, EncodeError, Offset, SealedBatch, Timestamp, TopicPartition,
};

use super::{BatchId, PartitionIndex};
use crate::error::Error;
use crate::state::backoff::Backoff;

/// A batch that records are appended to. `T` is whatever the caller wants back with its fate.
pub(crate) struct OpenBatch<T> {
    pub(super) id: BatchId,
    pub(super) partition: PartitionIndex,
    pub(super) topic_partition: TopicPartition,
    pub(super) builder: BatchBuilder,
    pub(super) ticket: T,
    /// How many bytes of `buffer.memory` it holds, which is as large as it may grow.
    pub(super) reserved: usize,
    pub(super) opened: Instant,
    /// When it is given up (`delivery.timeout.ms`).
    pub(super) deadline: Instant,
}

/// What is known of a batch whose records are complete and compressed, or of a part of one that was
/// split.
pub(super) struct Batch<T> {
    pub(super) id: BatchId,
    pub(super) partition: PartitionIndex,
    pub(super) topic_partition: TopicPartition,
    pub(super) ticket: T,
    /// The place of its first record within the batch that was opened.
    pub(super) first: usize,
    pub(super) records: usize,
    /// How many records the batch that was opened has.
    pub(super) of: usize,
    /// What is sent; empty before it is stamped.
    pub(super) wire: Bytes,
    pub(super) reserved: usize,
    pub(super) opened: Instant,
    pub(super) deadline: Instant,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// An attempt ended without saying whether it was written.
    pub(super) maybe_written: bool,
    /// What the last attempt failed with.
    pub(super) trouble: Option<Error>,
    /// How long to wait after each attempt.
    pub(super) backoff: Backoff,
}

/// The fate of a batch, or of a part of it.
#[derive(Debug)]
pub(crate) struct Settled<T> {
    /// Which batch.
    pub(crate) id: BatchId,
    /// What the caller gave when the batch was opened.
    pub(crate) ticket: T,
    /// The place within the batch of the first record concerned.
    pub(crate) first: usize,
    /// How many records are concerned.
    pub(crate) records: usize,
    /// How many records the whole batch has.
    pub(crate) of: usize,
    /// How many bytes of `buffer.memory` come back.
    pub(crate) reserved: usize,
    /// What became of them.
    pub(crate) result: Result<Acknowledged, Error>,
}

/// What a broker says of a batch that is in its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The offset of the first record; unknown with `acks=0` and for some duplicates.
    pub(crate) base_offset: Option<Offset>,
    /// The time the broker gave to all records, where the topic says so.
    pub(crate) log_append_time: Option<Timestamp>,
}

impl<T> OpenBatch<T> {
    /// Completes the batch; its attempts will be spaced by `backoff`.
    pub(super) fn seal(
        self,
        compressor: &mut Compressor,
        backoff: Backoff,
    ) -> (Batch<T>, Result<SealedBatch, EncodeError>) {
        let records = self.builder.len();
        let batch = Batch {
            id: self.id,
            partition: self.partition,
            topic_partition: self.topic_partition,
            ticket: self.ticket,
            first: 0,
            records,
            of: records,
            wire: Bytes::new(),
            reserved: self.reserved,
            opened: self.opened,
            deadline: self.deadline,
            attempts: 0,
            maybe_written: false,
            trouble: None,
            backoff,
        };
        (batch, self.builder.seal(compressor))
    }

    /// The fate of a batch that never came to be sent.
    pub(crate) fn settle(self, error: Error) -> Settled<T> {
        let Self { id, ticket, reserved, builder, .. } = self;
        let records = builder.len();
        Settled { id, ticket, first: 0, records, of: records, reserved, result: Err(error) }
    }

    pub(crate) fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }
}

impl<T> Batch<T> {
    pub(super) fn settle(self, result: Result<Acknowledged, Error>) -> Settled<T> {
        let Self { id, ticket, first, records, of, reserved, .. } = self;
        Settled { id, ticket, first, records, of, reserved, result }
    }
}

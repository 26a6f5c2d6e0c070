//! [`Fetch`] and [`FetchedBatches`]: what a poll hands out, still as it came over the wire.

use kavka_protocol::{
    ApiKey, BrokerId, DecodeError, LeaderEpoch, Offset, TopicPartition, VisibleBatches,
};

use super::shared::Hold;
use crate::error::{Error, ErrorKind};
use crate::state::fetch::{Piece, PositionReset};

/// What one poll brought; possibly only news, without any batch.
#[derive(Debug)]
pub struct Fetch {
    partitions: Vec<FetchedBatches>,
    ends: Vec<(TopicPartition, Offset)>,
    resets: Vec<PositionReset>,
}

/// Record batches of one partition, undecoded.
///
/// It is the application's own: it can go to another thread, outlives the consumer and the client,
/// and takes up a part of `kavka.prefetch.bytes` until it is dropped. It shares memory with what the
/// same answer of a broker brought for other partitions, which is free again when all of it is
/// dropped.
#[derive(Debug)]
pub struct FetchedBatches {
    piece: Piece,
    hold: Hold,
}

impl Fetch {
    pub(super) fn new(
        partitions: Vec<FetchedBatches>,
        ends: Vec<(TopicPartition, Offset)>,
        resets: Vec<PositionReset>,
    ) -> Self {
        Self { partitions, ends, resets }
    }

    /// What was fetched, at most one piece of each partition.
    pub fn partitions(&self) -> impl ExactSizeIterator<Item = &FetchedBatches> {
        self.partitions.iter()
    }

    /// The same, to keep or to send elsewhere.
    pub fn into_partitions(self) -> impl ExactSizeIterator<Item = FetchedBatches> {
        self.partitions.into_iter()
    }

    /// Partitions whose end was reached with this poll, and the position there: the high watermark,
    /// or under `read_committed` the last stable offset. Each arrival is told once.
    pub fn ends(&self) -> &[(TopicPartition, Offset)] {
        &self.ends
    }

    /// Positions that had to be left, and where `auto.offset.reset` let reading go on: mostly because
    /// retention had deleted what was there. Each is told once, after everything before it was handed
    /// out, and logged as a warning when it happens.
    pub fn resets(&self) -> &[PositionReset] {
        &self.resets
    }
}

impl FetchedBatches {
    pub(super) fn new(piece: Piece, hold: Hold) -> Self {
        Self { piece, hold }
    }

    /// The partition.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.piece.topic_partition
    }

    /// The batches that hold something for this consumer. Checksums are verified and records
    /// decompressed by whoever takes a batch's body, on its own thread. Where `max.poll.records` does
    /// not leave room for a whole batch, it appears with as many records as do have room.
    pub fn batches(&self) -> VisibleBatches {
        self.piece.batches.clone()
    }

    /// The position that these batches begin at; the first record may be further on.
    pub fn first_offset(&self) -> Offset {
        self.piece.from
    }

    /// The position behind these batches, whether or not their last offsets hold records.
    pub fn next_offset(&self) -> Offset {
        self.piece.next.offset
    }

    /// The epoch of the leader that appended the last of these batches: together with the position
    /// behind them it makes a start from which truncation is noticed, see [`StartOffset::AtEpoch`].
    /// `None` for records from before Kafka 0.11.
    ///
    /// [`StartOffset::AtEpoch`]: crate::StartOffset::AtEpoch
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.piece.next.epoch
    }

    /// The broker that they came from.
    pub fn broker(&self) -> BrokerId {
        self.piece.broker
    }

    /// The end of what was replicated when they were fetched.
    pub fn high_watermark(&self) -> Option<Offset> {
        self.piece.high_watermark
    }

    /// What they take of `kavka.prefetch.bytes`: their size on the wire, and where only a part of a
    /// batch is handed out, its share of what the batch takes compressed and not.
    pub fn size_in_bytes(&self) -> usize {
        self.hold.bytes()
    }

    /// `error`, met while decoding these batches at `offset`, with the place it was met at.
    pub fn damaged(&self, offset: Offset, error: DecodeError) -> Error {
        Error::new(ErrorKind::CorruptData, "the fetched record batch is damaged")
            .with_source(error)
            .with_api(ApiKey::Fetch)
            .with_broker(self.piece.broker)
            .with_topic_partition(self.piece.topic_partition.clone())
            .with_offset(offset)
    }
}

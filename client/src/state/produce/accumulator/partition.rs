//! The batches of one partition while they wait to be taken.

use std::collections::VecDeque;
use std::time::Instant;

use kavka_protocol::{EncodeError, TopicPartition};

use super::super::OpenBatch;
use super::Record;

/// The batches of one partition that were not taken, oldest first; records go into the last.
pub(super) struct Partition<T> {
    pub(super) topic_partition: TopicPartition,
    batches: VecDeque<OpenBatch<T>>,
    /// The last batch is due; all others always are.
    last_is_due: bool,
    /// It was named by `poll_ready`, or will be, since nothing was left here.
    pub(super) is_named: bool,
}

/// Where a record went within its batch.
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) size: usize,
    /// Another record like this one would have no room.
    pub(super) is_full: bool,
}

impl<T> Partition<T> {
    pub(super) fn new(topic_partition: TopicPartition) -> Self {
        Self { topic_partition, batches: VecDeque::new(), last_is_due: false, is_named: false }
    }

    pub(super) fn push(&mut self, batch: OpenBatch<T>) {
        self.batches.push_back(batch);
        self.last_is_due = false;
    }

    /// Appends a record of at most `bound` bytes to the last batch.
    pub(super) fn append(
        &mut self,
        record: Record<'_>,
        bound: usize,
    ) -> Result<Place, EncodeError> {
        let Some(batch) = self.batches.back_mut() else {
            return Err(EncodeError::EmptyBatch);
        };
        let before = batch.builder.size_in_bytes();
        let Record { timestamp, key, value, .. } = record;
        batch.builder.append(timestamp, key, value, record.headers())?;
        let after = batch.builder.size_in_bytes();
        let size = after - before;
        Ok(Place { index: batch.builder.len() - 1, size, is_full: after + bound > batch.reserved })
    }

    pub(super) fn waiting(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn has_room(&self, bound: usize) -> bool {
        self.batches
            .back()
            .is_some_and(|batch| batch.builder.size_in_bytes() + bound <= batch.reserved)
    }

    pub(super) fn last_ticket(&mut self) -> &mut T {
        let last = self.batches.len() - 1;
        &mut self.batches[last].ticket
    }

    /// Makes the last batch due, and says when it was opened, if it was not due before.
    pub(super) fn make_due(&mut self) -> Option<Instant> {
        let batch = self.batches.back().filter(|_| !self.last_is_due)?;
        self.last_is_due = true;
        Some(batch.opened)
    }

    pub(super) fn take(&mut self) -> Option<OpenBatch<T>> {
        let is_due = self.last_is_due || self.batches.len() > 1;
        let taken = if is_due { self.batches.pop_front() } else { None };
        self.is_named &= taken.is_some();
        self.last_is_due &= !self.batches.is_empty();
        taken
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Option<OpenBatch<T>> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        let expired = self.batches.pop_front();
        self.last_is_due &= !self.batches.is_empty();
        // Nobody may ever come to take what follows: it is named anew.
        self.is_named &= !self.batches.is_empty();
        expired
    }

    pub(super) fn withdraw_empty(&mut self) -> Option<OpenBatch<T>> {
        self.batches.back().filter(|batch| batch.builder.is_empty())?;
        self.last_is_due = false;
        self.batches.pop_back()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.batches.front().map(|batch| batch.deadline)
    }
}

//! Records on their way into batches: `batch.size`, `linger.ms` and `buffer.memory`.

mod partition;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kavka_protocol::{
    BatchBuilder, Compression, EncodeError, Timestamp, TopicPartition, record_size_upper_bound,
};

use super::{BatchId, OpenBatch, PartitionIndex, Settled};
use crate::state::timers::is_reached;
use partition::{Partition, Place};

/// Collects records, in wire form, into one open batch per partition.
///
/// `append` puts a record into the open batch of its partition. `poll_ready` names partitions with
/// a batch that is due: full, older than `linger.ms`, or wanted by a flush or by a full buffer;
/// `take` hands such batches out, oldest first, until `None`. Every batch handed out comes back
/// through `handle_settled`, which is when its memory is free again. A batch that nobody took
/// before its deadline comes out of `expire`.
pub(crate) struct Accumulator<T> {
    limits: Limits,
    partitions: Vec<Partition<T>>,
    by_name: HashMap<TopicPartition, PartitionIndex>,
    /// Partitions whose open batch is not due yet, by the time when it will be.
    lingering: BTreeSet<(Instant, PartitionIndex)>,
    /// Partitions with a due batch that were not named by `poll_ready` yet.
    ready: VecDeque<PartitionIndex>,
    /// How many bytes all batches that are not settled hold.
    reserved: usize,
    /// Memory of settled batches, each as large as a usual batch: what is reserved and spare together
    /// stays within `buffer.memory`.
    spares: Vec<BytesMut>,
    /// The batches that are not settled, with how many of their records are.
    unsettled: BTreeMap<BatchId, usize>,
    next_batch: u64,
    /// No batch here is given up before; looked at again when it has passed.
    first_expiry: Option<Instant>,
    wake: bool,
}

/// The properties that an [`Accumulator`] obeys.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// `batch.size`
    pub(crate) batch_size: usize,
    /// `linger.ms`
    pub(crate) linger: Duration,
    /// `buffer.memory`
    pub(crate) buffer_memory: usize,
    /// `max.request.size`
    pub(crate) max_request_size: usize,
    /// `delivery.timeout.ms`
    pub(crate) delivery_timeout: Duration,
    /// `compression.type`
    pub(crate) compression: Compression,
    /// `compression.<type>.level`
    pub(crate) compression_level: Option<i32>,
}

/// What is appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a [Header<'a>],
}

/// Where a record went.
#[derive(Debug)]
pub(crate) struct AppendedTo<'a, T> {
    /// What belongs to the batch.
    pub(crate) ticket: &'a mut T,
    /// The record's place within the batch.
    pub(crate) index: usize,
    /// How many bytes it takes there.
    pub(crate) size: usize,
    /// The batch has no room for another one like it.
    pub(crate) is_batch_full: bool,
}

/// Why a record was not appended.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// `buffer.memory` is used up; try again when a batch is settled.
    Full,
    /// The record alone is larger than a limit.
    TooLarge {
        /// Its size in a batch of its own.
        size: usize,
        /// The property that limits it.
        property: &'static str,
        /// The value of that property.
        limit: usize,
    },
    /// The record cannot be expressed.
    Encode(EncodeError),
}

impl<T> Accumulator<T> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            partitions: Vec::new(),
            by_name: HashMap::new(),
            lingering: BTreeSet::new(),
            ready: VecDeque::new(),
            reserved: 0,
            spares: Vec::new(),
            unsettled: BTreeMap::new(),
            next_batch: 0,
            first_expiry: None,
            wake: false,
        }
    }

    /// The index of `topic_partition`, the same for ever.
    pub(crate) fn partition(&mut self, topic_partition: &TopicPartition) -> PartitionIndex {
        if let Some(index) = self.by_name.get(topic_partition) {
            return *index;
        }
        let index = PartitionIndex(self.partitions.len());
        self.partitions.push(Partition::new(topic_partition.clone()));
        self.by_name.insert(topic_partition.clone(), index);
        index
    }

    /// Appends `record`; `ticket` is asked for one if that opens a batch. Unless it `may_open` one,
    /// a record that would need to is refused as if the buffer were full.
    pub(crate) fn append(
        &mut self,
        index: PartitionIndex,
        record: Record<'_>,
        may_open: bool,
        now: Instant,
        ticket: impl FnOnce(&TopicPartition) -> T,
    ) -> Result<AppendedTo<'_, T>, Refusal> {
        let bound = record_size_upper_bound(record.key, record.value, record.headers());
        if !self.partitions[index.0].has_room(bound) {
            self.open(index, bound, may_open, now, ticket)?;
        }
        match self.partitions[index.0].append(record, bound) {
            Ok(Place { index: place, size, is_full }) => {
                if is_full {
                    self.make_due(index);
                }
                let ticket = self.partitions[index.0].last_ticket();
                Ok(AppendedTo { ticket, index: place, size, is_batch_full: is_full })
            }
            Err(error) => {
                self.withdraw_empty(index);
                Err(Refusal::Encode(error))
            }
        }
    }

    /// The next partition that has come to have a due batch.
    pub(crate) fn poll_ready(&mut self, now: Instant) -> Option<PartitionIndex> {
        while let Some((due, index)) = self.lingering.first().copied()
            && due <= now
        {
            self.lingering.pop_first();
            self.make_due(index);
        }
        self.ready.pop_front()
    }

    /// The oldest due batch of the partition; after `None`, or when the last one has
    /// expired, `poll_ready` names it when there is one.
    pub(crate) fn take(&mut self, index: PartitionIndex) -> Option<OpenBatch<T>> {
        self.partitions[index.0].take()
    }

    /// The batches that were not taken within `delivery.timeout.ms`.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<OpenBatch<T>> {
        let mut expired = Vec::new();
        if !is_reached(self.first_expiry, now) {
            return expired;
        }
        for partition in &mut self.partitions {
            expired.extend(std::iter::from_fn(|| partition.take_expired(now)));
        }
        for batch in &expired {
            self.stop_lingering(batch.partition, batch.opened);
        }
        self.first_expiry = self.partitions.iter().filter_map(Partition::deadline).min();
        expired
    }

    /// Any batch that was not taken, due or not: to be called until `None` when all is given up.
    pub(crate) fn poll_any(&mut self) -> Option<OpenBatch<T>> {
        self.release_all();
        self.partitions.iter_mut().find_map(Partition::take)
    }

    /// Makes every open batch due; `is_settled_before` tells of the returned mark when all that was
    /// appended before this call is settled.
    pub(crate) fn flush(&mut self) -> BatchId {
        self.release_all();
        BatchId(self.next_batch)
    }

    /// Takes back the memory of what is settled.
    pub(crate) fn handle_settled(&mut self, settled: &Settled<T>) {
        self.reserved = self.reserved.saturating_sub(settled.reserved);
        if let Some(records) = self.unsettled.get_mut(&settled.id) {
            *records += settled.records;
            if *records >= settled.of {
                self.unsettled.remove(&settled.id);
            }
        }
    }

    /// Takes memory that a settled batch has left.
    pub(crate) fn handle_spare(&mut self, spare: BytesMut) {
        let usual = self.limits.usual_size();
        let is_usual = (usual..=usual * 2).contains(&spare.capacity());
        if is_usual && self.reserved + (self.spares.len() + 1) * usual <= self.limits.buffer_memory
        {
            self.spares.push(spare);
        }
    }

    /// Whether the owner should poll again because of what was called since it last asked.
    pub(crate) fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    /// When to poll again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.lingering.first().map(|(due, _)| *due);
        due.into_iter().chain(self.first_expiry).min()
    }

    /// Whether every batch opened before `mark` is settled.
    pub(crate) fn is_settled_before(&self, mark: BatchId) -> bool {
        self.unsettled.first_key_value().is_none_or(|(oldest, _)| *oldest >= mark)
    }

    /// How many batches of the partition were not taken yet, the open one included.
    #[inline]
    pub(crate) fn waiting(&self, index: PartitionIndex) -> usize {
        self.partitions.get(index.0).map_or(0, Partition::waiting)
    }

    /// How many bytes of `buffer.memory` are in use.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Whether there are batches that take no more records and are not settled.
    pub(crate) fn has_closed(&self) -> bool {
        self.unsettled.len() > self.lingering.len()
    }

    /// How many batches are not settled.
    pub(crate) fn unsettled(&self) -> usize {
        self.unsettled.len()
    }

    pub(crate) fn topic_partition(&self, index: PartitionIndex) -> &TopicPartition {
        &self.partitions[index.0].topic_partition
    }

    /// Opens a batch with room for a record of at most `bound` bytes; the one before is then due.
    fn open(
        &mut self,
        index: PartitionIndex,
        bound: usize,
        may_open: bool,
        now: Instant,
        ticket: impl FnOnce(&TopicPartition) -> T,
    ) -> Result<(), Refusal> {
        let reserved = self.reserve(bound, may_open)?;
        self.make_due(index);
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        self.unsettled.insert(id, 0);
        let deadline = now + self.limits.delivery_timeout;
        self.first_expiry.get_or_insert(deadline);
        self.wake |= self.lingering.is_empty();
        self.lingering.insert((now + self.limits.linger, index));
        let buffer = self.memory(reserved);
        let Limits { compression, compression_level, .. } = self.limits;
        let partition = &mut self.partitions[index.0];
        partition.push(OpenBatch {
            id,
            partition: index,
            topic_partition: partition.topic_partition.clone(),
            builder: BatchBuilder::with_buffer(compression, compression_level, buffer),
            ticket: ticket(&partition.topic_partition),
            reserved,
            opened: now,
            deadline,
        });
        Ok(())
    }

    /// Sets memory aside for a batch that begins with a record of at most `bound` bytes.
    fn reserve(&mut self, bound: usize, may_open: bool) -> Result<usize, Refusal> {
        let size = BATCH_OVERHEAD + bound;
        for (property, limit) in self.limits.of_one_record() {
            if size > limit {
                return Err(Refusal::TooLarge { size, property, limit });
            }
        }
        let reserved = size.max(self.limits.usual_size());
        if !may_open || self.reserved + reserved > self.limits.buffer_memory {
            // Memory comes back only through batches that are sent.
            self.release_all();
            return Err(Refusal::Full);
        }
        self.reserved += reserved;
        Ok(reserved)
    }

    /// Memory for a batch that has `reserved` it.
    fn memory(&mut self, reserved: usize) -> BytesMut {
        let usual = self.limits.usual_size();
        if reserved == usual
            && let Some(spare) = self.spares.pop()
        {
            return spare;
        }
        let room = self.limits.buffer_memory.saturating_sub(self.reserved);
        self.spares.truncate(room / usual.max(1));
        BytesMut::with_capacity(reserved)
    }

    /// Undoes the opening of a batch whose first record could not be appended.
    fn withdraw_empty(&mut self, index: PartitionIndex) {
        let Some(batch) = self.partitions[index.0].withdraw_empty() else {
            return;
        };
        self.reserved -= batch.reserved;
        self.unsettled.remove(&batch.id);
        self.stop_lingering(index, batch.opened);
    }

    fn release_all(&mut self) {
        while let Some((_, index)) = self.lingering.pop_first() {
            self.make_due(index);
        }
    }

    fn make_due(&mut self, index: PartitionIndex) {
        let partition = &mut self.partitions[index.0];
        let Some(opened) = partition.make_due() else {
            return;
        };
        if !std::mem::replace(&mut partition.is_named, true) {
            self.ready.push_back(index);
            self.wake = true;
        }
        self.stop_lingering(index, opened);
    }

    fn stop_lingering(&mut self, index: PartitionIndex, opened: Instant) {
        self.lingering.remove(&(opened + self.limits.linger, index));
    }
}

impl Limits {
    /// What limits the size of a single record.
    fn of_one_record(&self) -> [(&'static str, usize); 2] {
        [("max.request.size", self.max_request_size), ("buffer.memory", self.buffer_memory)]
    }

    /// The size of a batch, unless its first record is larger.
    fn usual_size(&self) -> usize {
        self.batch_size.min(self.max_request_size).min(self.buffer_memory)
    }
}

impl<'a> Record<'a> {
    pub(super) fn headers(&self) -> impl Iterator<Item = Header<'a>> + Clone + use<'a> {
        self.headers.iter().copied()
    }
}

/// A header's key and value.
pub(crate) type Header<'a> = (&'a str, Option<&'a [u8]>);

/// What a batch takes beside its records: the header of record batch v2.
const BATCH_OVERHEAD: usize = 61;

//! The log of one partition: record batches in wire form, in segments of memory.
//!
//! A batch is copied once, into the newest segment, and from then on handed out by reference. Memory
//! is freed segment by segment, the oldest first.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use kavka_protocol::{
    BatchView, Batches, DecodeError, Decompressor, LeaderEpoch, Offset, Timestamp, assign_offsets,
    set_max_timestamp,
};

use crate::validator::Accepted;

/// The record batches of one partition.
#[derive(Debug, Default)]
pub(crate) struct PartitionLog {
    segments: VecDeque<Segment>,
    start: Offset,
    end: Offset,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: Offset,
    /// How much memory a new segment has taken, when one was needed.
    pub(crate) opened: Option<usize>,
}

/// A record found by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundRecord {
    pub(crate) offset: Offset,
    pub(crate) timestamp: Timestamp,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

/// Batches that lie in one piece of memory.
#[derive(Debug)]
struct Segment {
    base_offset: Offset,
    batches: Vec<BatchView>,
    size: usize,
    max_timestamp: Option<Timestamp>,
    /// What is left of the memory.
    room: BytesMut,
    allocated: usize,
}

impl PartitionLog {
    /// Appends one checked batch, which gets the next offsets.
    pub(crate) fn append(
        &mut self,
        accepted: &Accepted,
        leader_epoch: LeaderEpoch,
    ) -> Result<Appended, DecodeError> {
        let Accepted { batch, timestamp_type, max_timestamp } = accepted;
        let base_offset = self.end;
        let (segment, opened) = self.segment_for(batch.size_in_bytes());
        segment.room.extend_from_slice(batch.bytes());
        let mut stored = segment.room.split();
        assign_offsets(&mut stored, base_offset, leader_epoch, None)?;
        set_max_timestamp(&mut stored, *timestamp_type, *max_timestamp)?;
        if let Some(batch) = Batches::new(stored.freeze()).next() {
            segment.push(batch?);
        }
        self.end = segment.next_offset();
        Ok(Appended { base_offset, opened })
    }

    /// Forgets what lies before `offset`; returns how much memory that freed.
    pub(crate) fn delete_before(&mut self, offset: Offset) -> usize {
        self.start = offset.clamp(self.start, self.end);
        let start = self.start;
        let gone = self.segments.partition_point(|segment| segment.next_offset() <= start);
        self.segments.drain(..gone).map(|segment| segment.allocated).sum()
    }

    /// Forgets the batches that reach beyond `end`; returns how much memory that freed.
    pub(crate) fn truncate(&mut self, end: Offset) -> usize {
        let mut batches = self.segments.iter().flat_map(|segment| &segment.batches);
        let Some(cut) = batches.find(|batch| batch.next_offset() > end) else { return 0 };
        let cut = cut.base_offset();
        self.segments.iter_mut().for_each(|segment| segment.truncate(cut));
        self.end = cut.max(self.start);
        let kept = self.segments.partition_point(|segment| !segment.batches.is_empty());
        self.segments.drain(kept..).map(|segment| segment.allocated).sum()
    }

    /// Frees the oldest segment if it is the one that begins at `base_offset`; returns its size.
    pub(crate) fn drop_segment(&mut self, base_offset: Offset) -> usize {
        match self.segments.front() {
            Some(oldest) if oldest.base_offset == base_offset => {
                let next = oldest.next_offset();
                self.delete_before(next)
            }
            _ => 0,
        }
    }

    /// Frees oldest segments while what is left still holds `limit` bytes; returns how much it was.
    pub(crate) fn trim(&mut self, limit: u64) -> usize {
        let mut freed = 0;
        let mut size = self.size();
        while let Some(oldest) = self.segments.front().filter(|_| self.segments.len() > 1) {
            size -= oldest.size as u64;
            if size < limit {
                break;
            }
            freed += self.drop_segment(oldest.base_offset);
        }
        freed
    }

    /// What lies from the batch that holds `offset` on, cut off after `limit` bytes wherever that is:
    /// the last batch is seldom whole, as with a broker that reads from files.
    ///
    /// Where the first batch is larger than that, it is all there is with `at_least_one`, and nothing
    /// comes without.
    pub(crate) fn read(&self, offset: Offset, limit: usize, at_least_one: bool) -> Vec<Bytes> {
        let mut batches = self.batches_from(offset).peekable();
        let first = batches.peek().map_or(0, |first| first.size_in_bytes());
        let mut left = match (limit < first, at_least_one) {
            (false, _) => limit,
            (true, true) => first,
            (true, false) => 0,
        };
        let mut records = Vec::new();
        while let Some(batch) = batches.next().filter(|_| left > 0) {
            let part = batch.bytes().slice(..left.min(batch.size_in_bytes()));
            left -= part.len();
            records.push(part);
        }
        records
    }

    /// The first record that is not older than `timestamp`.
    pub(crate) fn find_timestamp(
        &self,
        timestamp: Timestamp,
        decompressor: &mut Decompressor,
    ) -> Result<Option<FoundRecord>, DecodeError> {
        let late = |max: Option<Timestamp>| max.is_some_and(|max| max >= timestamp);
        let segments = self.segments.iter().filter(|segment| late(segment.max_timestamp));
        let batches = segments.flat_map(|segment| &segment.batches);
        for batch in batches.filter(|batch| late(batch.max_timestamp())) {
            let found = self.find_in(batch, timestamp, decompressor)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first of the records with the greatest timestamp.
    pub(crate) fn find_max_timestamp(
        &self,
        decompressor: &mut Decompressor,
    ) -> Result<Option<FoundRecord>, DecodeError> {
        match self.segments.iter().filter_map(|segment| segment.max_timestamp).max() {
            Some(timestamp) => self.find_timestamp(timestamp, decompressor),
            None => Ok(None),
        }
    }

    /// The offset of the first record that is still there, or will be.
    pub(crate) fn start(&self) -> Offset {
        self.start
    }

    /// The offset the next record will get.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// The epoch of the leader that appended the batch at the start.
    pub(crate) fn start_epoch(&self) -> Option<LeaderEpoch> {
        self.batches_from(self.start).next().and_then(BatchView::leader_epoch)
    }

    /// How much memory the log has taken.
    pub(crate) fn allocated(&self) -> usize {
        self.segments.iter().map(|segment| segment.allocated).sum()
    }

    fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size as u64).sum()
    }

    fn batches_from(&self, offset: Offset) -> impl Iterator<Item = &BatchView> {
        let first = self.segments.partition_point(|segment| segment.next_offset() <= offset);
        let batches = self.segments.range(first..).flat_map(|segment| &segment.batches);
        batches.skip_while(move |batch| batch.last_offset() < offset)
    }

    fn find_in(
        &self,
        batch: &BatchView,
        timestamp: Timestamp,
        decompressor: &mut Decompressor,
    ) -> Result<Option<FoundRecord>, DecodeError> {
        let body = batch.clone().with_floor(self.start).body(decompressor)?;
        for record in body.records() {
            let record = record?;
            if let Some(found) = record.timestamp().filter(|found| *found >= timestamp) {
                let leader_epoch = batch.leader_epoch();
                return Ok(Some(FoundRecord {
                    offset: record.offset(),
                    timestamp: found,
                    leader_epoch,
                }));
            }
        }
        Ok(None)
    }

    /// The segment that has room for `size` more bytes, and what it took if it is new.
    fn segment_for(&mut self, size: usize) -> (&mut Segment, Option<usize>) {
        let fits = self.segments.back().is_some_and(|newest| newest.has_room(size));
        let mut opened = None;
        if !fits {
            // A small log takes little memory, a large one few segments.
            let usual = self.allocated().clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT);
            let allocated = usual.max(size);
            self.segments.push_back(Segment::new(self.end, allocated));
            opened = Some(allocated);
        }
        let newest = self.segments.len() - 1;
        (&mut self.segments[newest], opened)
    }
}

impl Segment {
    fn new(base_offset: Offset, allocated: usize) -> Self {
        Self {
            base_offset,
            batches: Vec::new(),
            size: 0,
            max_timestamp: None,
            room: BytesMut::with_capacity(allocated),
            allocated,
        }
    }

    fn push(&mut self, batch: BatchView) {
        self.max_timestamp = self.max_timestamp.max(batch.max_timestamp());
        self.size += batch.size_in_bytes();
        self.batches.push(batch);
    }

    /// Forgets the batches from `cut` on. Their memory stays taken.
    fn truncate(&mut self, cut: Offset) {
        let kept = self.batches.partition_point(|batch| batch.base_offset() < cut);
        self.batches.truncate(kept);
        self.size = self.batches.iter().map(BatchView::size_in_bytes).sum();
        self.max_timestamp = self.batches.iter().filter_map(BatchView::max_timestamp).max();
    }

    fn has_room(&self, size: usize) -> bool {
        self.room.capacity() >= size
    }

    /// The offset after its last record.
    fn next_offset(&self) -> Offset {
        self.batches.last().map_or(self.base_offset, BatchView::next_offset)
    }
}

/// The memory of a log's first segment.
const SMALLEST_SEGMENT: usize = 16 << 10;

/// The memory of a segment of a log that holds as much already.
const LARGEST_SEGMENT: usize = 1 << 20;

#[cfg(test)]
mod tests;

//! A slice of a partition's log, batch by batch.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::{
    compression::{Compression, Decompressor},
    error::DecodeError,
    ids::{LeaderEpoch, Offset, ProducerId, Timestamp},
    record::{
        TimestampType,
        header::{HASHED_FROM, HEADER_SIZE, MAGIC, RecordBatchHeader},
        legacy::{self, MessageSet},
        record::{LEAST_RECORD_SIZE, Records, RecordsPosition},
    },
};

/// The batches of a slice of a log, whatever their formats.
///
/// Brokers cut the slice at a number of bytes: a last batch that is not there as a whole is where
/// the slice ends, not an error. Ends after the first error.
///
/// # Examples
/// A segment file of a log (`00000000000000000000.log`) is such a slice; the example `segment` prints
/// whole ones:
/// ```
/// # use kavka_protocol::{BatchBuilder, Batches, Compression, Compressor, DecodeError, Decompressor};
/// # let mut builder = BatchBuilder::new(Compression::Gzip, None);
/// # builder.append(1_700_000_000_000, None, Some(b"first"), []).unwrap();
/// # let segment = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
/// let (mut decompressor, mut records) = (Decompressor::new(), 0);
/// for batch in Batches::new(segment) {
///     let batch = batch?;
///     println!("offsets {} to {}", batch.base_offset(), batch.last_offset());
///     for record in batch.body(&mut decompressor)?.records() {
///         let record = record?;
///         println!("{}: {:?}", record.offset(), record.value());
///         records += 1;
///     }
/// }
/// assert_eq!(records, 1);
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// The batches of `records`, as a fetched partition holds them.
    pub const fn new(records: Bytes) -> Self {
        Self { rest: records }
    }

    /// What has not been walked yet.
    pub(crate) const fn rest(&self) -> &Bytes {
        &self.rest
    }

    fn take(&mut self) -> Result<Option<BatchView>, DecodeError> {
        let Some(header) = RecordBatchHeader::parse_whole(&self.rest)? else {
            return Ok(None);
        };
        let bytes = self.rest.split_to(header.size_in_bytes());
        Ok(Some(BatchView { header, bytes, floor: Offset::MIN, opened: None }))
    }
}

impl Iterator for Batches {
    type Item = Result<BatchView, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.take().transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.rest.clear();
        }
        batch
    }
}

impl std::iter::FusedIterator for Batches {}

/// One batch: its header is read and checked, its records are still bytes of the wire.
#[derive(Clone, Debug)]
pub struct BatchView {
    header: RecordBatchHeader,
    bytes: Bytes,
    floor: Offset,
    /// What opening it gives, where that is known already.
    opened: Option<Arc<BatchBody>>,
}

impl BatchView {
    /// The same batch for a reader whose position is `floor`: records before it do not come out.
    #[must_use]
    pub fn with_floor(mut self, floor: Offset) -> Self {
        self.floor = floor;
        self
    }

    /// The same batch with these records, which were read from it before: it need not be opened again.
    #[must_use]
    pub fn with_body(mut self, body: BatchBody) -> Self {
        self.header.record_count = body.header.record_count;
        self.opened = Some(Arc::new(body));
        self
    }

    /// Everything the header says.
    #[inline]
    pub const fn header(&self) -> &RecordBatchHeader {
        &self.header
    }

    /// The format: 2, or 0 and 1 for a message of the older formats, which is a batch of its own. A
    /// compressed one holds more than one record, from an offset below its base offset on; what is
    /// so is in the header of its [`body`](Self::body).
    #[inline]
    pub const fn magic(&self) -> i8 {
        self.header.magic
    }

    /// The first offset that the batch was written with; that of its last message in a compressed one
    /// of the formats 0 and 1, see [`magic`](Self::magic).
    #[inline]
    pub const fn base_offset(&self) -> Offset {
        self.header.base_offset
    }

    /// The last offset that the batch was written with, also when that record is gone.
    #[inline]
    pub fn last_offset(&self) -> Offset {
        self.header.last_offset()
    }

    /// Where the batch after this one may begin.
    #[inline]
    pub fn next_offset(&self) -> Offset {
        self.header.next_offset()
    }

    /// How many records the batch holds, those before the reader's position included.
    #[inline]
    pub const fn record_count(&self) -> usize {
        self.header.record_count.unsigned_abs() as usize
    }

    /// How many records come out from the reader's position on, as far as that can be told without
    /// opening the batch. It is exact, but for two cases in which it is the most that may come out:
    /// compaction has thinned out a batch that the position lies inside of, or compressed messages of
    /// the formats 0 and 1.
    #[inline]
    pub fn most_records(&self) -> usize {
        let is_set = self.magic() < MAGIC && self.compression() != Compression::None;
        let count = if is_set && self.opened.is_none() { usize::MAX } else { self.record_count() };
        let offsets = self.next_offset().saturating_sub(self.floor).max(0);
        count.min(usize::try_from(offsets).unwrap_or(usize::MAX))
    }

    /// Whether its records are markers instead of data.
    #[inline]
    pub const fn is_control(&self) -> bool {
        self.header.attributes.is_control
    }

    /// Whether it belongs to a transaction.
    #[inline]
    pub const fn is_transactional(&self) -> bool {
        self.header.attributes.is_transactional
    }

    /// How its records are compressed.
    #[inline]
    pub const fn compression(&self) -> Compression {
        self.header.attributes.compression
    }

    /// What its timestamps mean.
    #[inline]
    pub const fn timestamp_type(&self) -> TimestampType {
        self.header.attributes.timestamp_type
    }

    /// The greatest timestamp of its records, or the time of the append.
    #[inline]
    pub const fn max_timestamp(&self) -> Option<Timestamp> {
        self.header.max_timestamp
    }

    /// The time from which compaction may drop its tombstones (KIP-534).
    #[inline]
    pub const fn delete_horizon(&self) -> Option<Timestamp> {
        self.header.delete_horizon()
    }

    /// The epoch of the leader that appended it.
    #[inline]
    pub const fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.header.leader_epoch
    }

    /// Who wrote it, when idempotent or transactional.
    #[inline]
    pub const fn producer_id(&self) -> Option<ProducerId> {
        self.header.producer_id
    }

    /// Its size on the wire.
    #[inline]
    pub const fn size_in_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The whole batch as it is on the wire.
    #[inline]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Checks the checksum, decompresses, and hands out the records.
    ///
    /// Records that are not compressed stay where they are; others go into a buffer that returns to
    /// `decompressor` when the last reference to it is dropped.
    pub fn body(&self, decompressor: &mut Decompressor) -> Result<BatchBody, DecodeError> {
        if let Some(opened) = &self.opened {
            return Ok(BatchBody::clone(opened));
        }
        self.check_crc()?;
        if self.magic() < MAGIC {
            return self.legacy_body(decompressor);
        }
        let stored = self.bytes.slice(HEADER_SIZE..);
        // Where nothing is stored, nothing was compressed: what compaction leaves of an empty batch.
        let records = if stored.is_empty() {
            stored
        } else {
            decompressor.decompress(self.compression(), stored)?
        };
        let limits = decompressor.limits();
        let limit = (records.len() / LEAST_RECORD_SIZE).min(limits.records_per_batch);
        check_count(&self.header, limit)?;
        let header_limit = limits.headers_per_record;
        let (header, floor) = (self.header, self.floor);
        Ok(BatchBody { header, floor, records, messages: None, header_limit })
    }

    #[cold]
    fn legacy_body(&self, decompressor: &mut Decompressor) -> Result<BatchBody, DecodeError> {
        let (header, messages, records) = MessageSet::open(self.header, &self.bytes, decompressor)?;
        check_count(&header, decompressor.limits().records_per_batch)?;
        let messages = Some(messages);
        // Messages have no headers.
        Ok(BatchBody { header, floor: self.floor, records, messages, header_limit: 0 })
    }

    /// Checks that the bytes are those that were written.
    pub fn check_crc(&self) -> Result<(), DecodeError> {
        let (field, computed) = if self.magic() < MAGIC {
            ("message", legacy::crc(&self.bytes))
        } else {
            let hashed = self.bytes.get(HASHED_FROM..).unwrap_or_default();
            ("record batch", crc32c::crc32c(hashed))
        };
        if computed == self.header.crc {
            return Ok(());
        }
        Err(DecodeError::Checksum { field, stored: self.header.crc, computed })
    }
}

fn check_count(header: &RecordBatchHeader, limit: usize) -> Result<(), DecodeError> {
    let count = header.record_count;
    if usize::try_from(count).is_ok_and(|count| count <= limit) {
        return Ok(());
    }
    Err(DecodeError::Count { field: "record batch", count: count.into(), limit })
}

/// The records of one batch, no longer compressed.
#[derive(Clone, Debug)]
pub struct BatchBody {
    header: RecordBatchHeader,
    floor: Offset,
    records: Bytes,
    messages: Option<MessageSet>,
    /// How many headers a record may have.
    header_limit: usize,
}

impl BatchBody {
    /// Everything the header says. In the formats 0 and 1 this header knows more than that of the
    /// [`BatchView`]: the number of the messages and the first offset.
    #[inline]
    pub const fn header(&self) -> &RecordBatchHeader {
        &self.header
    }

    /// The records from the reader's position on.
    #[inline]
    pub fn records(&self) -> Records<'_> {
        let records = Records::new(&self.header, self.floor, &self.records);
        let records = records.with_header_limit(self.header_limit);
        match self.messages {
            None => records,
            Some(messages) => records.of_messages(messages),
        }
    }

    /// The records from where another walk over this body stood, without decoding those before again.
    #[inline]
    pub fn resume(&self, position: RecordsPosition) -> Records<'_> {
        self.records().at(position)
    }

    /// Splits off the next records, at most `limit` of them, and says at which offset what stays here
    /// begins: the two share their memory. `None` when nothing stays.
    ///
    /// # Errors
    /// A damaged record, unless others come before it.
    pub fn split_off_first(&mut self, limit: usize) -> Result<(Self, Option<Offset>), DecodeError> {
        let mut records = self.records();
        let (mut count, mut next) = (0, self.floor);
        let mut behind = records.position();
        while count < limit {
            match records.next() {
                None => break,
                Some(Ok(record)) => {
                    (count, next) = (count + 1, record.offset().saturating_add(1));
                    behind = records.position();
                }
                Some(Err(error)) if count == 0 => return Err(error),
                Some(Err(_)) => break,
            }
        }
        let cut = self.records.len().saturating_sub(behind.unread());
        let mut first = self.clone();
        first.records.truncate(cut);
        self.records.advance(cut.min(self.records.len()));
        let left = match self.messages {
            None => behind.remaining(),
            Some(_) => {
                self.header.record_count.saturating_sub(count.try_into().unwrap_or(i32::MAX))
            }
        };
        first.header.record_count -= left;
        (self.header.record_count, self.floor) = (left, next);
        Ok((first, (!self.records.is_empty()).then_some(next)))
    }

    /// What the records are slices of: `bytes().slice_ref(value)` keeps a value without a copy.
    #[inline]
    pub const fn bytes(&self) -> &Bytes {
        &self.records
    }
}

#[cfg(test)]
mod tests;

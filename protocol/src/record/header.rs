//! The 61 bytes before the records of a batch: what they say, how they are checked, and the two
//! places where a broker rewrites them.
//!
//! The checksum covers everything from the attributes on. The base offset and the leader epoch lie
//! before it, so that a broker can set them without touching the checksum. The messages of the older
//! formats share the first fields and are given a header, too: see `legacy`.

use bytes::BufMut;

use crate::{
    compression::Compression,
    cursor::Cursor,
    error::DecodeError,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp},
    record::legacy,
};

/// What is known of a batch without looking at its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordBatchHeader {
    /// The offset that the deltas of the records count from.
    pub base_offset: Offset,
    /// How many bytes follow the length field; at least what is left of the header.
    pub batch_length: i32,
    /// The epoch of the leader that appended the batch.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The format: 2, or 0 and 1 for what brokers wrote before 0.11.
    pub magic: i8,
    /// The checksum: CRC-32C of everything from the attributes to the end, in the formats 0 and 1
    /// CRC-32 of everything from the magic to the end.
    pub crc: u32,
    /// Compression, kind of timestamp, and whether the batch is transactional or control.
    pub attributes: Attributes,
    /// The distance of the last record that the batch was written with; compaction may since have
    /// removed that record.
    pub last_offset_delta: i32,
    /// What the timestamp deltas of the records count from; with a delete horizon, the horizon.
    pub base_timestamp: Timestamp,
    /// The greatest timestamp of the records, or the time of the append.
    pub max_timestamp: Option<Timestamp>,
    /// Who wrote it, when idempotent or transactional.
    pub producer_id: Option<ProducerId>,
    /// The incarnation of the producer.
    pub producer_epoch: Option<ProducerEpoch>,
    /// The number of the first record among those of the producer.
    pub base_sequence: Option<Sequence>,
    /// How many records follow; never negative.
    pub record_count: i32,
}

impl RecordBatchHeader {
    /// Reads and checks the header of format 2 at the front of `bytes`; what follows it is not
    /// looked at. Other formats are an error here; [`Batches`](crate::Batches) reads them all.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let prefix = Prefix::read(&mut cursor)?;
        if prefix.magic != MAGIC {
            return Err(unknown_magic(prefix.magic));
        }
        Self::read(&prefix, &mut cursor)
    }

    /// The time from which compaction may drop the tombstones of the batch (KIP-534).
    #[inline]
    pub const fn delete_horizon(&self) -> Option<Timestamp> {
        if self.attributes.has_delete_horizon { Some(self.base_timestamp) } else { None }
    }

    /// The number of the last record that the batch was written with among those of the producer.
    pub const fn last_sequence(&self) -> Option<Sequence> {
        match self.base_sequence {
            Some(base) => Some(base.plus(self.last_offset_delta)),
            None => None,
        }
    }

    /// The offset of the last record that the batch was written with.
    #[inline]
    pub fn last_offset(&self) -> Offset {
        self.base_offset + Offset::from(self.last_offset_delta)
    }

    /// The offset after this batch.
    #[inline]
    pub fn next_offset(&self) -> Offset {
        self.last_offset() + 1
    }

    /// The header of the batch of format 2 that `bytes` are: no more of them, and no fewer.
    pub(crate) fn parse_only(bytes: &[u8]) -> Result<Self, DecodeError> {
        let header = Self::parse(bytes)?;
        let mut cursor = Cursor::new(bytes);
        cursor.take(header.size_in_bytes(), "record batch")?;
        cursor.finish("record batch")?;
        Ok(header)
    }

    /// The header of the batch or the message at the front of `bytes`; `None` when `bytes` ends before
    /// that does.
    pub(crate) fn parse_whole(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        if bytes.len() < PREFIX_SIZE {
            return Ok(None);
        }
        let prefix = Prefix::read(&mut cursor)?;
        if prefix.size_in_bytes() > bytes.len() {
            return Ok(None);
        }
        Self::read_any(&prefix, &mut cursor).map(Some)
    }

    /// The size of the batch at the front of `bytes`; `None` when `bytes` ends before it does.
    pub(crate) fn whole_batch(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
        if bytes.len() < PREFIX_SIZE {
            return Ok(None);
        }
        let size = Prefix::read(&mut Cursor::new(bytes))?.size_in_bytes();
        Ok(Some(size).filter(|size| *size <= bytes.len()))
    }

    /// The size of the whole batch.
    #[inline]
    pub const fn size_in_bytes(&self) -> usize {
        self.batch_length.unsigned_abs() as usize + LOG_OVERHEAD
    }

    /// The header in wire form.
    pub(crate) fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let mut output = bytes.as_mut_slice();
        output.put_i64(self.base_offset);
        output.put_i32(self.batch_length);
        output.put_i32(LeaderEpoch::to_wire(self.leader_epoch));
        output.put_i8(MAGIC);
        output.put_u32(self.crc);
        output.put_i16(self.attributes.bits());
        output.put_i32(self.last_offset_delta);
        output.put_i64(self.base_timestamp);
        output.put_i64(self.max_timestamp.unwrap_or(NO_TIMESTAMP));
        output.put_i64(ProducerId::to_wire(self.producer_id));
        output.put_i16(ProducerEpoch::to_wire(self.producer_epoch));
        output.put_i32(Sequence::to_wire(self.base_sequence));
        output.put_i32(self.record_count);
        bytes
    }

    fn read_any(prefix: &Prefix, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        if prefix.magic < MAGIC {
            return legacy::read_header(prefix, cursor);
        }
        Self::read(prefix, cursor)
    }

    fn read(prefix: &Prefix, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let header = Self {
            base_offset: prefix.base_offset,
            batch_length: prefix.length,
            leader_epoch: LeaderEpoch::from_wire(i32::from_be_bytes(prefix.before_magic)),
            magic: prefix.magic,
            crc: cursor.u32("batch checksum")?,
            attributes: Attributes::parse(cursor.i16("batch attributes")?)?,
            last_offset_delta: cursor.i32("batch last offset delta")?,
            base_timestamp: cursor.i64("batch base timestamp")?,
            max_timestamp: known_timestamp(cursor.i64("batch max timestamp")?),
            producer_id: ProducerId::from_wire(cursor.i64("batch producer id")?),
            producer_epoch: ProducerEpoch::from_wire(cursor.i16("batch producer epoch")?),
            base_sequence: Sequence::from_wire(cursor.i32("batch base sequence")?),
            record_count: checked_count(cursor.i32("batch record count")?)?,
        };
        header.check_offsets()?;
        Ok(header)
    }

    /// Offsets must stay within the range of offsets, and there must be one for every record.
    fn check_offsets(&self) -> Result<(), DecodeError> {
        check_base_offset(self.base_offset)?;
        if self.last_offset_delta < 0 || self.last_offset_delta < self.record_count - 1 {
            let value = self.last_offset_delta.into();
            return Err(DecodeError::Value { field: "batch last offset delta", value });
        }
        Ok(())
    }
}

/// The fields up to the byte that tells the formats of the log apart, in the same place in all.
pub(crate) struct Prefix {
    pub(crate) base_offset: Offset,
    /// How many bytes follow; at least the rest of the format's header.
    pub(crate) length: i32,
    /// The leader epoch of format 2, the checksum of the others.
    pub(crate) before_magic: [u8; 4],
    pub(crate) magic: i8,
}

impl Prefix {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let prefix = Self {
            base_offset: cursor.i64("batch base offset")?,
            length: cursor.i32("batch length")?,
            before_magic: cursor.array("batch leader epoch")?,
            magic: cursor.i8("batch magic")?,
        };
        // Of an unknown format the other fields mean something else: the magic has the first word.
        let header = match prefix.magic {
            MAGIC => HEADER_SIZE,
            magic => legacy::header_size(magic).ok_or_else(|| unknown_magic(magic))?,
        };
        check_length(prefix.length, header - LOG_OVERHEAD)?;
        Ok(prefix)
    }

    pub(crate) const fn size_in_bytes(&self) -> usize {
        self.length.unsigned_abs() as usize + LOG_OVERHEAD
    }
}

/// The flags of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// How the records are compressed.
    pub compression: Compression,
    /// What the timestamps mean.
    pub timestamp_type: TimestampType,
    /// Whether the batch belongs to a transaction.
    pub is_transactional: bool,
    /// Whether the records are markers for the machinery instead of data.
    pub is_control: bool,
    /// Whether the base timestamp is the time when compaction may drop the tombstones (KIP-534).
    pub has_delete_horizon: bool,
}

impl Attributes {
    /// What the bits of a format that has timestamps say; bits without a meaning are ignored, an unknown codec is an
    /// error.
    pub fn parse(bits: i16) -> Result<Self, DecodeError> {
        let codec = bits & COMPRESSION_MASK;
        let compression = Compression::from_code(codec)
            .ok_or(DecodeError::Unsupported { what: "compression codec", value: codec.into() })?;
        let timestamp_type = if bits & LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        };
        Ok(Self {
            compression,
            timestamp_type,
            is_transactional: bits & TRANSACTIONAL != 0,
            is_control: bits & CONTROL != 0,
            has_delete_horizon: bits & DELETE_HORIZON != 0,
        })
    }

    /// The bits for the wire.
    pub const fn bits(self) -> i16 {
        let mut bits = self.compression.code();
        if matches!(self.timestamp_type, TimestampType::LogAppendTime) {
            bits |= LOG_APPEND_TIME;
        }
        if self.is_transactional {
            bits |= TRANSACTIONAL;
        }
        if self.is_control {
            bits |= CONTROL;
        }
        if self.has_delete_horizon {
            bits |= DELETE_HORIZON;
        }
        bits
    }
}

/// What the timestamps of a batch mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// When the producer says each record was made.
    #[default]
    CreateTime,
    /// When the broker appended the batch: one time for all records.
    LogAppendTime,
    /// There are none: format 0 has no place for them.
    NoTimestampType,
}

impl TimestampType {
    /// Kafka's name for it, as in `message.timestamp.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
            Self::NoTimestampType => "NoTimestampType",
        }
    }
}

/// What a broker does to a produced batch: gives it its place in the log, and its own time when the
/// topic keeps the time of the append.
///
/// The stored checksum must be right: see [`set_max_timestamp`]. Nothing else changes, bits without a
/// meaning included. Fails when `batch` is not one whole batch, or leaves no room for offsets from
/// `base_offset` on.
pub fn assign_offsets(
    batch: &mut [u8],
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    log_append: Option<Timestamp>,
) -> Result<(), DecodeError> {
    RecordBatchHeader::parse_only(batch)?;
    check_base_offset(base_offset)?;
    if let Some(header) = batch.first_chunk_mut::<HEADER_SIZE>() {
        put(header, BASE_OFFSET_AT, base_offset.to_be_bytes());
        put(header, LEADER_EPOCH_AT, leader_epoch.0.to_be_bytes());
    }
    match log_append {
        Some(time) => set_max_timestamp(batch, TimestampType::LogAppendTime, Some(time)),
        None => Ok(()),
    }
}

/// What a broker does that has looked at the records of a produced batch: says in the header which of
/// their timestamps is the greatest, or when they were appended.
///
/// The stored checksum must be right: what changes in the header is folded into it, and the records
/// are not read again. Nothing else changes, bits without a meaning included. Fails when `batch` is
/// not one whole batch.
pub fn set_max_timestamp(
    batch: &mut [u8],
    timestamp_type: TimestampType,
    max_timestamp: Option<Timestamp>,
) -> Result<(), DecodeError> {
    let crc = RecordBatchHeader::parse_only(batch)?.crc;
    let Some((header, records)) = batch.split_first_chunk_mut::<HEADER_SIZE>() else {
        return Ok(());
    };
    let before = header_crc(header);
    let [_, flag] = LOG_APPEND_TIME.to_be_bytes();
    header.iter_mut().skip(FLAGS_AT).take(1).for_each(|flags| match timestamp_type {
        TimestampType::LogAppendTime => *flags |= flag,
        // A record batch always has a place for timestamps.
        TimestampType::CreateTime | TimestampType::NoTimestampType => *flags &= !flag,
    });
    put(header, MAX_TIMESTAMP_AT, max_timestamp.unwrap_or(NO_TIMESTAMP).to_be_bytes());
    // CRCs are linear: the checksum changes by the header's change, shifted past the records.
    let change = before ^ header_crc(header);
    let crc = match (change, records.len()) {
        (0, _) => crc,
        // Which the library takes for "nothing follows" and forgets the second checksum.
        (_, 0) => change ^ crc,
        (_, length) => crc32c::crc32c_combine(change, crc, length),
    };
    put(header, CRC_AT, crc.to_be_bytes());
    Ok(())
}

/// Overwrites the field at the place `at`, which lies inside of the header.
fn put<const N: usize>(header: &mut [u8; HEADER_SIZE], at: usize, field: [u8; N]) {
    if let Some(place) = header.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = field;
    }
}

/// The checksum of the part of the header that the checksum of the batch covers.
pub(crate) fn header_crc(header: &[u8; HEADER_SIZE]) -> u32 {
    crc32c::crc32c(header.last_chunk::<HASHED_HEADER_SIZE>().map_or(&[], |hashed| hashed))
}

#[cold]
const fn unknown_magic(magic: i8) -> DecodeError {
    DecodeError::Unsupported { what: "record batch magic", value: magic as i64 }
}

/// Leaves room for the offsets of the batch and for the one after it.
pub(crate) const fn check_base_offset(base_offset: Offset) -> Result<(), DecodeError> {
    if base_offset < 0 || base_offset > LAST_BASE_OFFSET {
        return Err(DecodeError::Value { field: "batch base offset", value: base_offset });
    }
    Ok(())
}

fn check_length(length: i32, minimum: usize) -> Result<(), DecodeError> {
    let limit = i32::MAX.unsigned_abs() as usize - LOG_OVERHEAD;
    if usize::try_from(length).is_ok_and(|length| (minimum..=limit).contains(&length)) {
        return Ok(());
    }
    let length = length.into();
    Err(DecodeError::Length { field: "record batch", length, minimum, limit })
}

fn checked_count(count: i32) -> Result<i32, DecodeError> {
    if count < 0 {
        let count = count.into();
        return Err(DecodeError::Count { field: "record batch", count, limit: 0 });
    }
    Ok(count)
}

/// A timestamp from the wire, where -1 means that there is none.
#[inline]
pub(crate) const fn known_timestamp(timestamp: Timestamp) -> Option<Timestamp> {
    if timestamp == NO_TIMESTAMP { None } else { Some(timestamp) }
}

/// The size of a header.
pub(crate) const HEADER_SIZE: usize = 61;
/// The base offset and the length, which the length does not count.
pub(crate) const LOG_OVERHEAD: usize = 12;
/// Where the checksum begins: at the attributes.
pub(crate) const HASHED_FROM: usize = 21;
/// How much of the header the checksum covers.
const HASHED_HEADER_SIZE: usize = HEADER_SIZE - HASHED_FROM;
/// Everything up to the byte that tells the formats of the log apart.
const PREFIX_SIZE: usize = 17;
/// Kafka's record batches since 0.11.
pub(crate) const MAGIC: i8 = 2;
/// A record without a time.
pub(crate) const NO_TIMESTAMP: Timestamp = -1;
/// Beyond it the offset after the batch would not be a number any more.
const LAST_BASE_OFFSET: Offset = Offset::MAX - (1 << 31);

/// Where a broker changes the header, and the byte of the attributes in which the flags are.
const BASE_OFFSET_AT: usize = 0;
const LEADER_EPOCH_AT: usize = 12;
const CRC_AT: usize = 17;
const FLAGS_AT: usize = 22;
const MAX_TIMESTAMP_AT: usize = 35;

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

#[cfg(test)]
mod tests;

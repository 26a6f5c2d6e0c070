//! The 61 bytes before the records of a batch: what they say, how they are checked, and the two
//! places where a broker rewrites them.
//!
//! The checksum covers everything from the attributes on. The base offset and the leader epoch lie
//! before it, so that a broker can set them without touching the checksum.

use bytes::BufMut;

use crate::{
    compression::Compression,
    cursor::Cursor,
    error::DecodeError,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp},
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
    /// CRC-32C of everything from the attributes to the end.
    pub crc: u32,
    /// Compression, kind of timestamp, and whether the batch is transactional or control.
    pub attributes: Attributes,
    /// The distance of the last record that the batch was written with; compaction may since have
    /// removed that record.
    pub last_offset_delta: i32,
    /// What the timestamp deltas of the records count from.
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
    /// Reads and checks the header at the front of `bytes`; what follows it is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let header = Self::read(&mut cursor)?;
        header.check_offsets()?;
        Ok(header)
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

    /// The size of the batch at the front of `bytes`; `None` when `bytes` ends before it does.
    pub(crate) fn whole_batch(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
        if bytes.len() < PREFIX_SIZE {
            return Ok(None);
        }
        let prefix = Prefix::read(&mut Cursor::new(bytes))?;
        let size = prefix.batch_length.unsigned_abs() as usize + LOG_OVERHEAD;
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

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let prefix = Prefix::read(cursor)?;
        Ok(Self {
            base_offset: prefix.base_offset,
            batch_length: prefix.batch_length,
            leader_epoch: LeaderEpoch::from_wire(prefix.leader_epoch),
            crc: cursor.u32("batch checksum")?,
            attributes: Attributes::parse(cursor.i16("batch attributes")?)?,
            last_offset_delta: cursor.i32("batch last offset delta")?,
            base_timestamp: cursor.i64("batch base timestamp")?,
            max_timestamp: known_timestamp(cursor.i64("batch max timestamp")?),
            producer_id: ProducerId::from_wire(cursor.i64("batch producer id")?),
            producer_epoch: ProducerEpoch::from_wire(cursor.i16("batch producer epoch")?),
            base_sequence: Sequence::from_wire(cursor.i32("batch base sequence")?),
            record_count: checked_count(cursor.i32("batch record count")?)?,
        })
    }

    /// Offsets must stay within the range of offsets, and there must be one for every record.
    fn check_offsets(&self) -> Result<(), DecodeError> {
        if self.base_offset < 0 || self.base_offset > LAST_BASE_OFFSET {
            return Err(DecodeError::Value { field: "batch base offset", value: self.base_offset });
        }
        if self.last_offset_delta < 0 || self.last_offset_delta < self.record_count - 1 {
            let value = self.last_offset_delta.into();
            return Err(DecodeError::Value { field: "batch last offset delta", value });
        }
        Ok(())
    }
}

/// The fields up to the byte that tells the formats of the log apart, in the same place in all.
struct Prefix {
    base_offset: Offset,
    batch_length: i32,
    leader_epoch: i32,
}

impl Prefix {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let base_offset = cursor.i64("batch base offset")?;
        let batch_length = cursor.i32("batch length")?;
        let leader_epoch = cursor.i32("batch leader epoch")?;
        let magic = cursor.i8("batch magic")?;
        // Of another format the other fields mean something else: the magic has the first word.
        if magic != MAGIC {
            let value = magic.into();
            return Err(DecodeError::Unsupported { what: "record batch magic", value });
        }
        check_length(batch_length)?;
        Ok(Self { base_offset, batch_length, leader_epoch })
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
    /// What the bits say; bits without a meaning are ignored, an unknown codec is an error.
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
}

/// What a broker does to a produced batch: gives it its place in the log, and its own time when the
/// topic keeps the time of the append.
///
/// The stored checksum must be right: what changes in the header is folded into it, and the records
/// are not read again. Fails when `batch` does not start with a header.
pub fn assign_offsets(
    batch: &mut [u8],
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    log_append: Option<Timestamp>,
) -> Result<(), DecodeError> {
    let mut header = RecordBatchHeader::parse(batch)?;
    let Some((bytes, records)) = batch.split_first_chunk_mut::<HEADER_SIZE>() else {
        return Ok(());
    };
    header.base_offset = base_offset;
    header.leader_epoch = Some(leader_epoch);
    if let Some(time) = log_append {
        header.attributes.timestamp_type = TimestampType::LogAppendTime;
        header.max_timestamp = Some(time);
        let change = header_crc(bytes) ^ header_crc(&header.to_bytes());
        // CRCs are linear: the checksum changes by the header's change, shifted past the records.
        header.crc = crc32c::crc32c_combine(change, header.crc, records.len());
    }
    *bytes = header.to_bytes();
    Ok(())
}

/// The checksum of the part of the header that the checksum of the batch covers.
pub(crate) fn header_crc(header: &[u8; HEADER_SIZE]) -> u32 {
    crc32c::crc32c(header.last_chunk::<HASHED_HEADER_SIZE>().map_or(&[], |hashed| hashed))
}

fn check_length(length: i32) -> Result<(), DecodeError> {
    let limit = i32::MAX.unsigned_abs() as usize - LOG_OVERHEAD;
    let minimum = HEADER_SIZE - LOG_OVERHEAD;
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
const MAGIC: i8 = 2;
/// A record without a time.
pub(crate) const NO_TIMESTAMP: Timestamp = -1;
/// Beyond it the offset after the batch would not be a number any more.
const LAST_BASE_OFFSET: Offset = Offset::MAX - (1 << 31);

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> RecordBatchHeader {
        RecordBatchHeader {
            base_offset: 1000,
            batch_length: 49,
            leader_epoch: Some(LeaderEpoch(7)),
            crc: 0xdead_beef,
            attributes: Attributes::parse(0x78).unwrap(),
            last_offset_delta: 9,
            base_timestamp: 1_600_000_000_000,
            max_timestamp: None,
            producer_id: Some(ProducerId(5)),
            producer_epoch: Some(ProducerEpoch(3)),
            base_sequence: Some(Sequence::new(44)),
            record_count: 4,
        }
    }

    #[test]
    fn a_header_survives_the_round_trip() {
        let header = header();
        assert_eq!(RecordBatchHeader::parse(&header.to_bytes()), Ok(header));
        assert_eq!(header.next_offset(), 1010);
        assert_eq!(header.size_in_bytes(), HEADER_SIZE);
        let absent = RecordBatchHeader {
            leader_epoch: None,
            producer_id: None,
            producer_epoch: None,
            base_sequence: None,
            ..header
        };
        assert_eq!(RecordBatchHeader::parse(&absent.to_bytes()), Ok(absent));
    }

    #[test]
    fn every_flag_has_kafkas_bit() {
        for (bits, codec) in (0..).zip(Compression::ALL) {
            let attributes = Attributes::parse(bits).unwrap();
            assert_eq!((attributes.compression, attributes.bits()), (codec, bits));
        }
        let flags = Attributes::parse(0x7c).unwrap();
        assert_eq!(flags.timestamp_type, TimestampType::LogAppendTime);
        assert!(flags.is_transactional && flags.is_control && flags.has_delete_horizon);
        assert_eq!(flags.bits(), 0x7c);
        let plain = Attributes::parse(0x00).unwrap();
        assert_eq!(plain.timestamp_type, TimestampType::CreateTime);
        assert!(!plain.is_transactional && !plain.is_control && !plain.has_delete_horizon);
    }

    #[test]
    fn impossible_headers_are_named() {
        let codec = DecodeError::Unsupported { what: "compression codec", value: 5 };
        let legacy = DecodeError::Unsupported { what: "record batch magic", value: 1 };
        let base = DecodeError::Value { field: "batch base offset", value: -1 };
        let delta = |value| DecodeError::Value { field: "batch last offset delta", value };
        let count = DecodeError::Count { field: "record batch", count: -1, limit: 0 };
        for (at, bytes, expected) in [
            (22, &[5][..], codec),
            (16, &[1], legacy),
            (0, &[0xff; 8], base),
            (23, &[0xff; 4], delta(-1)),
            (23, &[0, 0, 0, 2], delta(2)),
            (57, &[0xff; 4], count),
        ] {
            let mut header = header().to_bytes();
            header[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(RecordBatchHeader::parse(&header), Err(expected));
        }
    }

    #[test]
    fn a_length_that_does_not_cover_the_header_or_overflows_is_refused() {
        for length in [-1, 0, 48, i32::MIN, i32::MAX] {
            let header = RecordBatchHeader { batch_length: length, ..header() };
            let error = RecordBatchHeader::parse(&header.to_bytes());
            assert!(matches!(error, Err(DecodeError::Length { field: "record batch", .. })));
        }
    }

    #[test]
    fn the_last_offset_must_leave_room_for_a_next_one() {
        let header = RecordBatchHeader { base_offset: i64::MAX, ..header() };
        let error = DecodeError::Value { field: "batch base offset", value: i64::MAX };
        assert_eq!(RecordBatchHeader::parse(&header.to_bytes()), Err(error));
    }

    #[test]
    fn a_header_cut_short_is_truncated() {
        let bytes = header().to_bytes();
        for length in 0..HEADER_SIZE {
            let error = RecordBatchHeader::parse(&bytes[..length]);
            assert!(matches!(error, Err(DecodeError::Truncated { .. })), "{length}");
        }
    }

    #[test]
    fn a_place_in_the_log_leaves_the_checksum_right() {
        for log_append in [None, Some(1_700_000_000_123)] {
            let mut batch = header().to_bytes().to_vec();
            batch.extend_from_slice(b"what the records hold is not looked at");
            let crc = crc32c::crc32c(&batch[HASHED_FROM..]);
            batch[17..21].copy_from_slice(&crc.to_be_bytes());

            assign_offsets(&mut batch, 77, LeaderEpoch(8), log_append).unwrap();

            let header = RecordBatchHeader::parse(&batch).unwrap();
            assert_eq!(header.crc, crc32c::crc32c(&batch[HASHED_FROM..]));
            assert_eq!((header.base_offset, header.leader_epoch), (77, Some(LeaderEpoch(8))));
            assert_eq!(header.max_timestamp, log_append);
        }
    }
}

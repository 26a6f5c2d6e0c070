//! Messages, formats 0 and 1: what brokers before 0.11 wrote, and what they left in logs that are still read.
//!
//! A message is an entry of the log of its own: offset, length, CRC-32, magic, attributes, in format 1 a timestamp
//! (KIP-32), key and value. A compressed one is a wrapper: its value is a set of messages, and its offset is that of the
//! last of them. Inside of it offsets are those of the log in format 0; in format 1 they are relative (KIP-31). Either is
//! shown as a batch, and its messages as records without headers.

use bytes::Bytes;

use crate::{
    compression::{Compression, Decompressor},
    cursor::Cursor,
    error::DecodeError,
    ids::{Offset, Timestamp},
    record::{
        Attributes, RecordBatchHeader, TimestampType,
        header::{LOG_OVERHEAD, NO_TIMESTAMP, Prefix, check_base_offset, known_timestamp},
    },
};

/// What a message says before its key, as the header of a batch of one record.
///
/// How many messages a wrapper holds, and at which offset the first is, shows only when it is decompressed: see
/// [`MessageSet::open`].
pub(crate) fn read_header(
    prefix: &Prefix,
    cursor: &mut Cursor<'_>,
) -> Result<RecordBatchHeader, DecodeError> {
    check_base_offset(prefix.base_offset)?;
    let (attributes, timestamp) = read_attributes(prefix.magic, cursor)?;
    Ok(RecordBatchHeader {
        base_offset: prefix.base_offset,
        batch_length: prefix.length,
        leader_epoch: None,
        magic: prefix.magic,
        crc: u32::from_be_bytes(prefix.before_magic),
        attributes,
        last_offset_delta: 0,
        base_timestamp: timestamp,
        max_timestamp: known_timestamp(timestamp),
        producer_id: None,
        producer_epoch: None,
        base_sequence: None,
        record_count: 1,
    })
}

/// How much comes before the lengths of key and value, those included; `None` for other formats.
pub(crate) const fn header_size(magic: i8) -> Option<usize> {
    match magic {
        0 => Some(LEAST_ENTRY_SIZE),
        1 => Some(LEAST_ENTRY_SIZE + TIMESTAMP_SIZE),
        _ => None,
    }
}

/// The checksum that belongs to the message in `entry`.
pub(crate) fn crc(entry: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(entry.get(HASHED_FROM..).unwrap_or_default());
    crc.sum()
}

/// One message, a slice of its entry.
pub(crate) struct Message<'b> {
    pub(crate) offset: Offset,
    pub(crate) magic: i8,
    pub(crate) attributes: Attributes,
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<&'b [u8]>,
    pub(crate) value: Option<&'b [u8]>,
    stored_crc: u32,
    entry: &'b [u8],
}

impl<'b> Message<'b> {
    /// Takes the message at the front of `entries`.
    pub(crate) fn read(entries: &mut Cursor<'b>) -> Result<Self, DecodeError> {
        let prefix = Prefix::read(&mut entries.clone())?;
        if header_size(prefix.magic).is_none() {
            let value = prefix.magic.into();
            return Err(DecodeError::Unsupported { what: "magic of a message", value });
        }
        let entry = entries.take(prefix.size_in_bytes(), "message")?;
        let mut cursor = Cursor::new(entry);
        cursor.take(HASHED_FROM + MAGIC_SIZE, "message")?;
        let (attributes, timestamp) = read_attributes(prefix.magic, &mut cursor)?;
        let key = sized_bytes(&mut cursor, "message key")?;
        let value = sized_bytes(&mut cursor, "message value")?;
        cursor.finish("message")?;
        Ok(Self {
            offset: prefix.base_offset,
            magic: prefix.magic,
            attributes,
            timestamp,
            key,
            value,
            stored_crc: u32::from_be_bytes(prefix.before_magic),
            entry,
        })
    }

    /// Inside of a wrapper a message is neither a wrapper again nor damaged.
    pub(crate) fn check_nested(&self) -> Result<(), DecodeError> {
        if self.attributes.compression != Compression::None {
            let value = self.attributes.compression.code().into();
            return Err(DecodeError::Unsupported {
                what: "compression inside a message set",
                value,
            });
        }
        let (stored, computed) = (self.stored_crc, crc(self.entry));
        if stored != computed {
            return Err(DecodeError::Checksum { field: "message", stored, computed });
        }
        Ok(())
    }
}

/// How the messages of one batch are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageSet {
    /// What is added to the offsets that the messages have.
    pub(crate) shift: Offset,
    /// Whether they come from inside of a wrapper.
    pub(crate) is_nested: bool,
}

impl MessageSet {
    /// The messages behind the one in `entry`, and its header with what is known of them now.
    ///
    /// A message that is cut off at the end of a set is where the set ends, as everywhere in a log.
    pub(crate) fn open(
        header: RecordBatchHeader,
        entry: &Bytes,
        decompressor: &mut Decompressor,
    ) -> Result<(RecordBatchHeader, Self, Bytes), DecodeError> {
        let wrapper = Message::read(&mut Cursor::new(entry))?;
        let codec = header.attributes.compression;
        if codec == Compression::None {
            return Ok((header, Self { shift: 0, is_nested: false }, entry.clone()));
        }
        let value = wrapper.value.ok_or(DecodeError::Null { field: "compressed message set" })?;
        let set = decompressor.decompress(codec, entry.slice_ref(value))?;
        let extent = Extent::of(&set)?;
        let shift = if header.magic == 0 { 0 } else { header.base_offset - extent.last };
        let header = extent.describe(header, shift)?;
        Ok((header, Self { shift, is_nested: true }, set.slice(..extent.length)))
    }
}

/// What the entries of a set cover.
struct Extent {
    first: Offset,
    last: Offset,
    count: i32,
    /// Where the last whole entry ends.
    length: usize,
}

impl Extent {
    fn of(set: &[u8]) -> Result<Self, DecodeError> {
        let mut extent = Self { first: 0, last: -1, count: 0, length: 0 };
        let mut rest = set;
        while let Some(size) = RecordBatchHeader::whole_batch(rest)? {
            let prefix = Prefix::read(&mut Cursor::new(rest))?;
            extent.add(prefix.base_offset)?;
            extent.length += size;
            rest = rest.get(size..).unwrap_or_default();
        }
        if extent.count == 0 {
            return Err(DecodeError::Value { field: "number of messages in a set", value: 0 });
        }
        Ok(extent)
    }

    /// Offsets only grow.
    fn add(&mut self, offset: Offset) -> Result<(), DecodeError> {
        if offset <= self.last {
            return Err(DecodeError::Value { field: "message offset", value: offset });
        }
        if self.count == 0 {
            self.first = offset;
        }
        self.last = offset;
        // A message takes 26 bytes, and the memory for 2^31 of them is not to be had.
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// The header of the wrapper, whose offset is that of the last message or above it.
    fn describe(
        &self,
        wrapper: RecordBatchHeader,
        shift: Offset,
    ) -> Result<RecordBatchHeader, DecodeError> {
        let last_offset = wrapper.base_offset;
        // Offsets are not negative, so that neither difference leaves their range.
        let base_offset = self.first.wrapping_add(shift);
        let delta = i32::try_from(last_offset - base_offset).ok();
        let is_below = shift < 0 || self.last > last_offset - shift;
        let Some(last_offset_delta) = delta.filter(|_| !is_below) else {
            return Err(DecodeError::Value { field: "message offset", value: self.last });
        };
        Ok(RecordBatchHeader {
            base_offset,
            last_offset_delta,
            record_count: self.count,
            ..wrapper
        })
    }
}

/// Format 0 has neither a timestamp nor a type of it; what else is in the bits has no meaning.
fn read_attributes(
    magic: i8,
    cursor: &mut Cursor<'_>,
) -> Result<(Attributes, Timestamp), DecodeError> {
    let bits = cursor.i8("message attributes")?;
    if magic == 0 {
        let attributes = parse_attributes(bits & COMPRESSION_MASK)?;
        let timestamp_type = TimestampType::NoTimestampType;
        return Ok((Attributes { timestamp_type, ..attributes }, NO_TIMESTAMP));
    }
    let attributes = parse_attributes(bits & (COMPRESSION_MASK | LOG_APPEND_TIME))?;
    Ok((attributes, cursor.i64("message timestamp")?))
}

/// Zstandard came after these formats.
fn parse_attributes(bits: i8) -> Result<Attributes, DecodeError> {
    let attributes = Attributes::parse(bits.into())?;
    if attributes.compression == Compression::Zstd {
        let value = Compression::Zstd.code().into();
        return Err(DecodeError::Unsupported { what: "compression codec", value });
    }
    Ok(attributes)
}

/// The bytes of a field whose length is before it; `-1` is null.
fn sized_bytes<'b>(
    cursor: &mut Cursor<'b>,
    field: &'static str,
) -> Result<Option<&'b [u8]>, DecodeError> {
    let length = cursor.i32(field)?;
    if length == -1 {
        return Ok(None);
    }
    let Ok(length) = usize::try_from(length) else {
        let (length, limit) = (length.into(), cursor.remaining());
        return Err(DecodeError::Length { field, length, minimum: 0, limit });
    };
    cursor.take(length, field).map(Some)
}

/// The time of a message inside of a set: the wrapper's when the broker gave it, else its own.
pub(crate) const fn nested_timestamp(
    message: &Message<'_>,
    append_time: Option<Timestamp>,
) -> Timestamp {
    match append_time {
        Some(time) if message.magic > 0 => time,
        _ => message.timestamp,
    }
}

/// Offset and length, checksum, magic, attributes, and the lengths of key and value.
const LEAST_ENTRY_SIZE: usize = LOG_OVERHEAD + 14;
const TIMESTAMP_SIZE: usize = 8;
/// Where the checksum begins: at the magic.
const HASHED_FROM: usize = 16;
const MAGIC_SIZE: usize = 1;

const COMPRESSION_MASK: i8 = 0x07;
const LOG_APPEND_TIME: i8 = 0x08;

#[cfg(test)]
mod tests;

//! Writes record batches: records are appended in wire form, the header is written when the batch is
//! sealed, and the producer's stamp is put on without touching the records again.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    compression::{Compression, Compressor},
    error::{DecodeError, EncodeError},
    ids::{ProducerEpoch, ProducerId, Sequence, Timestamp},
    record::{
        Attributes, RecordBatchHeader, TimestampType,
        header::{HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP, header_crc, known_timestamp},
    },
    varint::{Numbers, varint_size, varlong_size},
};

/// A batch that is being filled.
///
/// # Examples
/// ```
/// use kavka_protocol::{
///     BatchBuilder, Compression, Compressor, ProducerEpoch, ProducerId, ProducerStamp,
///     RecordBatchHeader, Sequence,
/// };
///
/// let mut compressor = Compressor::new();
/// let mut builder = BatchBuilder::new(Compression::Lz4, None);
/// builder.append(1_700_000_000_000, Some(b"42"), Some(b"{}"), [("trace", Some(&b"1"[..]))])?;
/// builder.append(1_700_000_000_001, Some(b"43"), None, [])?;
///
/// // From here on the records are final; who sends them is written as the last thing.
/// let sealed = builder.seal(&mut compressor)?;
/// let batch = sealed.into_stamped(Some(ProducerStamp {
///     producer_id: ProducerId(4000),
///     producer_epoch: ProducerEpoch(0),
///     base_sequence: Sequence::new(17),
///     is_transactional: false,
/// }));
///
/// let header = RecordBatchHeader::parse(&batch)?;
/// assert_eq!((header.record_count, header.producer_id), (2, Some(ProducerId(4000))));
/// assert_eq!(header.size_in_bytes(), batch.len());
///
/// // The memory of the uncompressed records serves the next batch.
/// let next = BatchBuilder::with_buffer(Compression::Lz4, None, compressor.take_spare());
/// assert!(next.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    compression: Compression,
    level: Option<i32>,
    /// Room for the header, then the records.
    buffer: BytesMut,
    count: i32,
    base_timestamp: Timestamp,
    max_timestamp: Timestamp,
}

impl BatchBuilder {
    /// An empty batch; `level` is that of the codec, `None` its usual one.
    pub fn new(compression: Compression, level: Option<i32>) -> Self {
        Self::with_buffer(compression, level, BytesMut::new())
    }

    /// An empty batch in the memory of `buffer`, whose content is dropped.
    pub fn with_buffer(compression: Compression, level: Option<i32>, mut buffer: BytesMut) -> Self {
        buffer.clear();
        buffer.put_bytes(0, HEADER_SIZE);
        let (base_timestamp, max_timestamp) = (NO_TIMESTAMP, NO_TIMESTAMP);
        Self { compression, level, buffer, count: 0, base_timestamp, max_timestamp }
    }

    /// Appends a record and says how far it is from the batch's first.
    ///
    /// `timestamp` is -1 for a record without a time. `headers` are walked twice. On an error the
    /// batch is as it was before.
    pub fn append<'h>(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl IntoIterator<Item = Header<'h>, IntoIter: Clone>,
    ) -> Result<i32, EncodeError> {
        let headers = headers.into_iter();
        let prefix = self.measure(timestamp, key, value, headers.clone())?;
        let buffer = &mut self.buffer;
        buffer.reserve(prefix.size_in_bytes());
        let mut numbers = Numbers::new(buffer);
        prefix.put(&mut numbers);
        put_bytes(numbers, key);
        put_bytes(Numbers::new(buffer), value);
        let mut numbers = Numbers::new(buffer);
        numbers.put_varint(prefix.header_count);
        numbers.finish();
        for (name, content) in headers {
            put_bytes(Numbers::new(buffer), Some(name.as_bytes()));
            put_bytes(Numbers::new(buffer), content);
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.base_timestamp = timestamp - prefix.timestamp_delta;
        self.count += 1;
        Ok(prefix.offset_delta)
    }

    /// Compresses the records and writes the header.
    pub fn seal(self, compressor: &mut Compressor) -> Result<SealedBatch, EncodeError> {
        if self.is_empty() {
            return Err(EncodeError::EmptyBatch);
        }
        let mut header = self.header();
        let bytes = match self.compression {
            Compression::None => self.buffer,
            codec => {
                let records = self.buffer.get(HEADER_SIZE..).unwrap_or_default();
                let compressed = compressor.compress(codec, self.level, records)?;
                let mut bytes = BytesMut::with_capacity(HEADER_SIZE + compressed.len());
                bytes.put_bytes(0, HEADER_SIZE);
                bytes.put_slice(compressed);
                compressor.keep_spare(self.buffer);
                bytes
            }
        };
        header.batch_length = wire_length("record batch", bytes.len() - LOG_OVERHEAD)?;
        Ok(SealedBatch { header, bytes })
    }

    /// How many records there are.
    pub const fn len(&self) -> usize {
        self.count.unsigned_abs() as usize
    }

    /// Whether there are no records yet.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The size on the wire if the batch were sealed now without compression.
    pub fn size_in_bytes(&self) -> usize {
        self.buffer.len()
    }

    fn measure<'h>(
        &self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = Header<'h>>,
    ) -> Result<Prefix, EncodeError> {
        if timestamp < NO_TIMESTAMP {
            return Err(bad_timestamp(timestamp));
        }
        let base = if self.is_empty() { timestamp } else { self.base_timestamp };
        let timestamp_delta =
            timestamp.checked_sub(base).ok_or_else(|| bad_timestamp(timestamp))?;
        let offset_delta = self.count;
        let (header_count, header_size) = measure_headers(headers)?;
        let size = ATTRIBUTES_SIZE
            + varlong_size(timestamp_delta)
            + varint_size(offset_delta)
            + bytes_size("record key", key)?
            + bytes_size("record value", value)?
            + varint_size(header_count)
            + header_size;
        let length = wire_length("record", size)?;
        let prefix = Prefix { length, timestamp_delta, offset_delta, header_count };
        wire_length("record batch", self.buffer.len() + prefix.size_in_bytes())?;
        Ok(prefix)
    }

    fn header(&self) -> RecordBatchHeader {
        RecordBatchHeader {
            base_offset: 0,
            batch_length: 0,
            leader_epoch: None,
            magic: MAGIC,
            crc: 0,
            attributes: Attributes {
                compression: self.compression,
                timestamp_type: TimestampType::CreateTime,
                is_transactional: false,
                is_control: false,
                has_delete_horizon: false,
            },
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: known_timestamp(self.max_timestamp),
            producer_id: None,
            producer_epoch: None,
            base_sequence: None,
            record_count: self.count,
        }
    }
}

#[cold]
const fn bad_timestamp(timestamp: Timestamp) -> EncodeError {
    EncodeError::Value { field: "record timestamp", value: timestamp }
}

/// What comes before the key of a record.
struct Prefix {
    length: i32,
    timestamp_delta: i64,
    offset_delta: i32,
    header_count: i32,
}

impl Prefix {
    fn size_in_bytes(&self) -> usize {
        varint_size(self.length) + self.length.unsigned_abs() as usize
    }

    #[inline(always)]
    fn put(&self, numbers: &mut Numbers<'_>) {
        numbers.put_varint(self.length);
        // Attributes, of which none is in use.
        numbers.put_varint(0);
        numbers.put_varlong(self.timestamp_delta);
        numbers.put_varint(self.offset_delta);
    }
}

/// A batch whose records are final: compressed, and ready for a stamp.
#[derive(Clone, Debug)]
pub struct SealedBatch {
    header: RecordBatchHeader,
    /// Room for the header, then the records as they go over the wire.
    bytes: BytesMut,
}

impl SealedBatch {
    /// The batch for the wire, with the producer's `stamp` or without one. The records are copied;
    /// use [`into_stamped`](Self::into_stamped) where no other stamp will be needed.
    pub fn stamp(&self, stamp: Option<ProducerStamp>) -> Bytes {
        self.clone().into_stamped(stamp)
    }

    /// The batch for the wire in its own memory, without a copy.
    pub fn into_stamped(self, stamp: Option<ProducerStamp>) -> Bytes {
        let mut header = self.header;
        header.attributes.is_transactional = stamp.is_some_and(|stamp| stamp.is_transactional);
        header.producer_id = stamp.map(|stamp| stamp.producer_id);
        header.producer_epoch = stamp.map(|stamp| stamp.producer_epoch);
        header.base_sequence = stamp.map(|stamp| stamp.base_sequence);
        self.into_bytes(header)
    }

    /// The batch that `into_stamped` put into wire form, so that it can be stamped anew.
    pub fn from_wire(wire: Bytes) -> Result<Self, DecodeError> {
        let header = RecordBatchHeader::parse_only(&wire)?;
        Ok(Self { header, bytes: BytesMut::from(wire) })
    }

    /// The batch as the marker of a transaction that its coordinator writes.
    pub(crate) fn into_control(self, id: ProducerId, epoch: ProducerEpoch) -> Bytes {
        let mut header = self.header;
        header.attributes.is_control = true;
        header.attributes.is_transactional = true;
        header.producer_id = Some(id);
        header.producer_epoch = Some(epoch);
        self.into_bytes(header)
    }

    /// How many records it holds.
    pub const fn len(&self) -> usize {
        self.header.record_count.unsigned_abs() as usize
    }

    /// Never: a batch without records cannot be sealed.
    pub const fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// Its size on the wire.
    pub fn size_in_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The greatest timestamp of its records; -1 when none has one.
    pub fn max_timestamp(&self) -> Timestamp {
        self.header.max_timestamp.unwrap_or(NO_TIMESTAMP)
    }

    fn into_bytes(mut self, mut header: RecordBatchHeader) -> Bytes {
        // Hashing the records takes a fraction of the time in which checksums can be combined.
        let records = self.bytes.get(HEADER_SIZE..).unwrap_or_default();
        header.crc = crc32c::crc32c_append(header_crc(&header.to_bytes()), records);
        if let Some(bytes) = self.bytes.first_chunk_mut() {
            *bytes = header.to_bytes();
        }
        self.bytes.freeze()
    }
}

/// Who sends a batch and how many records came before it, so that a broker recognises a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its incarnation.
    pub producer_epoch: ProducerEpoch,
    /// The number of the batch's first record.
    pub base_sequence: Sequence,
    /// Whether the batch is part of a transaction.
    pub is_transactional: bool,
}

/// The most bytes that a record of these parts takes in a batch, compression aside.
pub fn record_size_upper_bound<'h>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl IntoIterator<Item = Header<'h>>,
) -> usize {
    let bytes = |bytes: Option<&[u8]>| LENGTH_LIMIT + bytes.map_or(0, <[u8]>::len);
    let headers =
        headers.into_iter().map(|(name, content)| bytes(Some(name.as_bytes())) + bytes(content));
    PREFIX_LIMIT + bytes(key) + bytes(value) + LENGTH_LIMIT + headers.sum::<usize>()
}

/// The name and the content of a header.
type Header<'h> = (&'h str, Option<&'h [u8]>);

fn measure_headers<'h>(
    headers: impl Iterator<Item = Header<'h>>,
) -> Result<(i32, usize), EncodeError> {
    let (mut count, mut size) = (0, 0);
    for (name, content) in headers {
        count += 1;
        size += bytes_size("record header key", Some(name.as_bytes()))?;
        size += bytes_size("record header value", content)?;
    }
    Ok((wire_length("record headers", count)?, size))
}

fn bytes_size(field: &'static str, bytes: Option<&[u8]>) -> Result<usize, EncodeError> {
    let Some(bytes) = bytes else {
        return Ok(varint_size(NULL));
    };
    Ok(varint_size(wire_length(field, bytes.len())?) + bytes.len())
}

/// Appends the length of `bytes` to `numbers`, and `bytes` behind them.
#[inline(always)]
fn put_bytes(mut numbers: Numbers<'_>, bytes: Option<&[u8]>) {
    // Lengths are known to fit since they have been measured.
    let length = bytes.map_or(Ok(NULL), |bytes| i32::try_from(bytes.len()));
    numbers.put_varint(length.unwrap_or(NULL));
    numbers.finish().extend_from_slice(bytes.unwrap_or_default());
}

#[inline]
fn wire_length(field: &'static str, length: usize) -> Result<i32, EncodeError> {
    let limit = i32::MAX.unsigned_abs() as usize;
    i32::try_from(length).map_err(|_| EncodeError::TooLarge { field, length, limit })
}

/// The length that stands for a field that is not there.
const NULL: i32 = -1;
/// Records have a byte of flags of which none is in use.
const ATTRIBUTES_SIZE: usize = 1;
/// The longest form of a length.
const LENGTH_LIMIT: usize = 5;
/// The longest forms of the length, the attributes, the timestamp delta and the offset delta.
const PREFIX_LIMIT: usize = LENGTH_LIMIT + ATTRIBUTES_SIZE + 10 + 5;

#[cfg(test)]
mod tests;

//! Single records as views: slices of the batch's bytes, headers undecoded until asked for.
//!
//! A valid checksum does not make a valid record, so everything that is read here is checked, and
//! the iterators yield `Result`.

use crate::{
    cursor::Cursor,
    error::DecodeError,
    ids::{Offset, Timestamp},
    record::{
        TimestampType,
        head::{self, Head},
        header::{NO_TIMESTAMP, RecordBatchHeader, known_timestamp},
        legacy::{Message, MessageSet, nested_timestamp},
    },
    varint::{unzigzag32, unzigzag64},
};

/// The records of one batch, in the order of their offsets.
///
/// Ends after the first error. Bytes left over after the last record are an error, too.
#[derive(Clone, Debug)]
pub struct Records<'b> {
    /// All bytes of the body.
    bytes: &'b [u8],
    rest: Cursor<'b>,
    /// How many records are still to come; 0 for messages, which end with their bytes.
    remaining: i32,
    base_offset: Offset,
    last_offset_delta: i32,
    /// Offset deltas only grow; this is the least that the next record may have.
    next_offset_delta: i64,
    base_timestamp: Timestamp,
    /// The time of the append, which then holds for every record.
    append_time: Option<Timestamp>,
    /// Records below it were there before the reader's position and do not come out.
    floor: Offset,
    /// Set when the records are messages of the older formats.
    messages: Option<MessageSet>,
    /// How many headers a record may have.
    header_limit: usize,
}

/// How far a walk over the records of one batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsPosition {
    unread: usize,
    remaining: i32,
    next_offset_delta: i64,
}

impl RecordsPosition {
    /// How many bytes of the body lie behind it.
    pub(crate) const fn unread(self) -> usize {
        self.unread
    }

    /// How many records do; 0 for messages.
    pub(crate) const fn remaining(self) -> i32 {
        self.remaining
    }
}

impl<'b> Records<'b> {
    pub(crate) fn new(header: &RecordBatchHeader, floor: Offset, records: &'b [u8]) -> Self {
        let append_time = match header.attributes.timestamp_type {
            TimestampType::NoTimestampType | TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(header.max_timestamp.unwrap_or(NO_TIMESTAMP)),
        };
        Self {
            bytes: records,
            rest: Cursor::new(records),
            remaining: header.record_count,
            base_offset: header.base_offset,
            last_offset_delta: header.last_offset_delta,
            next_offset_delta: 0,
            base_timestamp: header.base_timestamp,
            append_time,
            floor,
            messages: None,
            header_limit: usize::MAX,
        }
    }

    /// The same for bytes that are messages of the older formats.
    pub(crate) fn of_messages(self, messages: MessageSet) -> Self {
        Self { messages: Some(messages), remaining: 0, ..self }
    }

    /// The same with at most so many headers to a record.
    pub(crate) fn with_header_limit(self, header_limit: usize) -> Self {
        Self { header_limit, ..self }
    }

    /// What the records are slices of.
    pub(crate) const fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// How many records are still to come, those below the floor included.
    pub(crate) const fn remaining(&self) -> usize {
        self.remaining.unsigned_abs() as usize
    }

    /// Goes on where [`position`](Self::position) was taken.
    pub(crate) fn at(mut self, position: RecordsPosition) -> Self {
        let skipped = self.rest.remaining().saturating_sub(position.unread);
        // The position was taken over the same bytes, so there are that many.
        if self.rest.take(skipped, "records read before").is_ok() {
            self.remaining = position.remaining;
            self.next_offset_delta = position.next_offset_delta;
        }
        self
    }

    /// Where this walk stands, to go on later: see [`BatchBody::resume`](super::BatchBody::resume).
    #[inline]
    pub fn position(&self) -> RecordsPosition {
        RecordsPosition {
            unread: self.rest.remaining(),
            remaining: self.remaining,
            next_offset_delta: self.next_offset_delta,
        }
    }

    /// The next record, as nearly all are. `None` takes nothing: [`read`](Self::read) knows what is
    /// unusual, or wrong.
    #[inline(always)]
    fn read_usual(&mut self) -> Option<RecordView<'b>> {
        if self.remaining == 0 {
            return None;
        }
        let bytes = self.rest.rest();
        let mut head = Head::new(bytes)?;
        let length = head.length()??;
        let (record, next) = bytes.split_at_checked(head.size() + length)?;
        head.refill()?;
        // Attributes, of which none is in use.
        head.skip_byte();
        let timestamp_delta = unzigzag64(head.number64()?);
        let offset_delta = unzigzag32(head.number32()?);
        if !self.admits(offset_delta) {
            return None;
        }
        let length = head.length()?;
        let (key, rest) = take_part(record.get(head.size()..)?, length)?;
        let (length, rest) = head::take_length(rest)?;
        let (value, rest) = take_part(rest, length)?;
        let headers = HeadersView::of_usual(rest, self.header_limit)?;
        let timestamp = match self.append_time {
            Some(time) => time,
            None => self.base_timestamp.checked_add(timestamp_delta)?,
        };
        self.remaining -= 1;
        self.next_offset_delta = i64::from(offset_delta) + 1;
        self.rest = Cursor::new(next);
        let offset = self.base_offset + Offset::from(offset_delta);
        Some(RecordView { offset, timestamp, key, value, headers })
    }

    fn read(&mut self) -> Result<RecordView<'b>, DecodeError> {
        let Some(record) = self.rest.varint_bytes("record")? else {
            return Err(DecodeError::Null { field: "record" });
        };
        let mut record = Cursor::new(record);
        record.i8("record attributes")?;
        let timestamp_delta = record.varlong("record timestamp delta")?;
        let offset_delta = record.varint("record offset delta")?;
        if !self.admits(offset_delta) {
            return Err(bad_value("record offset delta", offset_delta.into()));
        }
        self.next_offset_delta = i64::from(offset_delta) + 1;
        let key = record.varint_bytes("record key")?;
        let value = record.varint_bytes("record value")?;
        let headers = HeadersView::read(record, self.header_limit)?;
        Ok(RecordView {
            offset: self.base_offset + Offset::from(offset_delta),
            timestamp: self.timestamp(timestamp_delta)?,
            key,
            value,
            headers,
        })
    }

    /// Offsets grow, up to the last that the batch was written with.
    #[inline]
    const fn admits(&self, offset_delta: i32) -> bool {
        let is_new = offset_delta as i64 >= self.next_offset_delta;
        is_new && offset_delta <= self.last_offset_delta
    }

    #[inline]
    fn timestamp(&self, delta: i64) -> Result<Timestamp, DecodeError> {
        if let Some(time) = self.append_time {
            return Ok(time);
        }
        let sum = self.base_timestamp.checked_add(delta);
        sum.ok_or_else(|| bad_value("record timestamp delta", delta))
    }

    /// What comes next where that is no usual record, and the walk behind it. Messages of the older
    /// formats come from here, too, so that the walk over records does not have to ask for them.
    ///
    /// By value: what a call may change cannot be kept in registers by the loop around it.
    #[cold]
    #[inline(never)]
    fn next_unusual(mut self) -> (Self, Option<Result<RecordView<'b>, DecodeError>>) {
        if let Some(messages) = self.messages {
            let next = self.next_message(messages);
            return (self, next);
        }
        if self.remaining == 0 {
            let rest = std::mem::replace(&mut self.rest, Cursor::new(&[]));
            return (self, rest.finish("the last record of the batch").err().map(Err));
        }
        self.remaining -= 1;
        let record = self.read().inspect_err(|_| self.stop());
        (self, Some(record))
    }

    fn next_message(
        &mut self,
        messages: MessageSet,
    ) -> Option<Result<RecordView<'b>, DecodeError>> {
        while !self.rest.is_empty() {
            match self.read_message(messages) {
                Ok(record) if record.offset < self.floor => {}
                record => return Some(record.inspect_err(|_| self.stop())),
            }
        }
        None
    }

    fn read_message(&mut self, messages: MessageSet) -> Result<RecordView<'b>, DecodeError> {
        let message = Message::read(&mut self.rest)?;
        if messages.is_nested {
            message.check_nested()?;
        }
        Ok(RecordView {
            // Both were looked at when the set was opened; their sum is an offset of the batch.
            offset: message.offset.wrapping_add(messages.shift),
            timestamp: nested_timestamp(&message, self.append_time),
            key: message.key,
            value: message.value,
            headers: HeadersView { bytes: &[], count: 0 },
        })
    }

    const fn stop(&mut self) {
        self.remaining = 0;
        self.rest = Cursor::new(&[]);
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Result<RecordView<'b>, DecodeError>;

    // A record that is handed over through memory costs as much as reading it.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.read_usual() {
                Some(record) => record,
                None => {
                    let (walk, next) = self.clone().next_unusual();
                    *self = walk;
                    match next {
                        Some(Ok(record)) => record,
                        other => return other,
                    }
                }
            };
            if record.offset >= self.floor {
                return Some(Ok(record));
            }
        }
    }
}

impl std::iter::FusedIterator for Records<'_> {}

/// One record, borrowed from the bytes of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'b> {
    offset: Offset,
    timestamp: Timestamp,
    key: Option<&'b [u8]>,
    value: Option<&'b [u8]>,
    headers: HeadersView<'b>,
}

impl<'b> RecordView<'b> {
    /// Its position within the partition.
    #[inline]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// Its time, by the batch's timestamp type; `None` when its producer gave none.
    #[inline]
    pub const fn timestamp(&self) -> Option<Timestamp> {
        known_timestamp(self.timestamp)
    }

    /// The same as on the wire, where -1 stands for none.
    #[inline]
    pub(crate) const fn raw_timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Its key; `None` is null.
    #[inline]
    pub const fn key(&self) -> Option<&'b [u8]> {
        self.key
    }

    /// Its value; `None` is null, a tombstone.
    #[inline]
    pub const fn value(&self) -> Option<&'b [u8]> {
        self.value
    }

    /// Its headers, not decoded yet.
    #[inline]
    pub const fn headers(&self) -> HeadersView<'b> {
        self.headers
    }
}

/// The headers of one record: keys may repeat and keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadersView<'b> {
    bytes: &'b [u8],
    count: i32,
}

impl<'b> HeadersView<'b> {
    /// Headers of which there are fewer than 64, behind their number.
    #[inline]
    fn of_usual(bytes: &'b [u8], limit: usize) -> Option<Self> {
        let (&count, bytes) = bytes.split_first()?;
        let headers = Self { bytes, count: i32::from(count >> 1) };
        if count == 0 && bytes.is_empty() {
            return Some(headers);
        }
        let is_usual = count != 0 && count & (1 | 0x80) == 0;
        let limit = limit.min(bytes.len() / LEAST_HEADER_SIZE);
        (is_usual && headers.len() <= limit).then_some(headers)
    }

    fn read(mut record: Cursor<'b>, limit: usize) -> Result<Self, DecodeError> {
        let count = record.varint("record header count")?;
        let headers = Self { bytes: record.rest(), count };
        // Nearly all records have none.
        if count == 0 && record.is_empty() {
            return Ok(headers);
        }
        headers.checked(limit)
    }

    #[cold]
    fn checked(self, limit: usize) -> Result<Self, DecodeError> {
        if self.count == 0 {
            return Err(DecodeError::Trailing { field: "record", bytes: self.bytes.len() });
        }
        let limit = limit.min(self.bytes.len() / LEAST_HEADER_SIZE);
        if usize::try_from(self.count).is_ok_and(|count| count <= limit) {
            return Ok(self);
        }
        let count = self.count.into();
        Err(DecodeError::Count { field: "record headers", count, limit })
    }

    /// The headers in their order.
    #[inline]
    pub const fn iter(&self) -> Headers<'b> {
        Headers { rest: Cursor::new(self.bytes), remaining: self.count }
    }

    /// How many headers there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.count.unsigned_abs() as usize
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'b> IntoIterator for HeadersView<'b> {
    type Item = Result<(&'b [u8], Option<&'b [u8]>), DecodeError>;
    type IntoIter = Headers<'b>;

    fn into_iter(self) -> Headers<'b> {
        self.iter()
    }
}

/// Reads the headers of one record: each is a key, which nothing makes UTF-8, and a value or null.
///
/// Ends after the first error.
#[derive(Clone, Debug)]
pub struct Headers<'b> {
    rest: Cursor<'b>,
    remaining: i32,
}

impl<'b> Headers<'b> {
    fn read(&mut self) -> Result<(&'b [u8], Option<&'b [u8]>), DecodeError> {
        let key = self.rest.varint_bytes("record header key")?;
        let key = key.ok_or(DecodeError::Null { field: "record header key" })?;
        let value = self.rest.varint_bytes("record header value")?;
        if self.remaining == 0 {
            self.rest.finish("the last header of the record")?;
        }
        Ok((key, value))
    }
}

impl<'b> Iterator for Headers<'b> {
    type Item = Result<(&'b [u8], Option<&'b [u8]>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        self.remaining -= 1;
        let header = self.read();
        if header.is_err() {
            self.remaining = 0;
        }
        Some(header)
    }
}

impl std::iter::FusedIterator for Headers<'_> {}

/// The key or the value at the front of `record`, and what follows it.
#[inline]
fn take_part(record: &[u8], length: Option<usize>) -> Option<(Option<&[u8]>, &[u8])> {
    let Some(length) = length else { return Some((None, record)) };
    let (part, rest) = record.split_at_checked(length)?;
    Some((Some(part), rest))
}

#[cold]
const fn bad_value(field: &'static str, value: i64) -> DecodeError {
    DecodeError::Value { field, value }
}

/// A header has at least the lengths of its key and of its value.
const LEAST_HEADER_SIZE: usize = 2;
/// A record has at least its length, attributes, two deltas, two lengths and its header count.
pub(crate) const LEAST_RECORD_SIZE: usize = 7;

#[cfg(test)]
mod tests;

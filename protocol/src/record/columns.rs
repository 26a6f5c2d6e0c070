//! Records as columns: where the keys and values of a batch lie in its bytes, for readers that build columns instead of
//! rows. Nothing is copied: Arrow's view arrays, for example, can point at the very same bytes.

use crate::{
    error::DecodeError,
    ids::{Offset, Timestamp},
    record::{RecordView, Records},
};

/// Offsets, timestamps, keys and values of records, each in a column of its own.
///
/// Filled by [`Records::read_columns`]; cleared and filled again it keeps its memory. Its spans are
/// places in the bytes of the [`BatchBody`](crate::BatchBody) that they were read from; who gathers
/// several bodies keeps the rows of each apart.
#[derive(Clone, Debug, Default)]
pub struct RecordColumns {
    offsets: Vec<Offset>,
    timestamps: Vec<Timestamp>,
    keys: Vec<Span>,
    values: Vec<Span>,
}

impl RecordColumns {
    /// No rows.
    pub const fn new() -> Self {
        Self { offsets: Vec::new(), timestamps: Vec::new(), keys: Vec::new(), values: Vec::new() }
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.clear();
        self.timestamps.clear();
        self.keys.clear();
        self.values.clear();
    }

    /// How many rows there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The offset of each row.
    #[inline]
    pub fn offsets(&self) -> &[Offset] {
        &self.offsets
    }

    /// The time of each row in milliseconds since the Unix epoch, by the batch's timestamp type; -1
    /// where the producer gave none.
    #[inline]
    pub fn timestamps(&self) -> &[Timestamp] {
        &self.timestamps
    }

    /// Where the key of each row lies.
    #[inline]
    pub fn keys(&self) -> &[Span] {
        &self.keys
    }

    /// Where the value of each row lies.
    #[inline]
    pub fn values(&self) -> &[Span] {
        &self.values
    }

    #[inline]
    fn push(&mut self, base: Base, record: &RecordView<'_>) {
        self.offsets.push(record.offset());
        self.timestamps.push(record.raw_timestamp());
        self.keys.push(base.span(record.key()));
        self.values.push(base.span(record.value()));
    }

    fn reserve(&mut self, rows: usize) {
        self.offsets.reserve(rows);
        self.timestamps.reserve(rows);
        self.keys.reserve(rows);
        self.values.reserve(rows);
    }
}

impl Records<'_> {
    /// Appends the next records, at most `limit` of them, to `columns`, and says how many there were;
    /// 0 when there are no more. [`position`](Self::position) is then behind the last of them.
    ///
    /// Headers have no column: a record that is asked for them is read as a row.
    ///
    /// # Errors
    /// A damaged record, after the ones before it were appended.
    ///
    /// # Examples
    /// ```
    /// use kavka_protocol::{
    ///     BatchBuilder, Batches, Compression, Compressor, Decompressor, RecordColumns,
    /// };
    ///
    /// let mut builder = BatchBuilder::new(Compression::Lz4, None);
    /// builder.append(1_700_000_000_000, Some(b"42"), Some(b"{}"), [])?;
    /// builder.append(1_700_000_000_001, None, None, [])?;
    /// let batch = builder.seal(&mut Compressor::new())?.into_stamped(None);
    ///
    /// let (mut decompressor, mut columns) = (Decompressor::new(), RecordColumns::new());
    /// for batch in Batches::new(batch) {
    ///     let body = batch?.body(&mut decompressor)?;
    ///     columns.clear();
    ///     body.records().read_columns(usize::MAX, &mut columns)?;
    ///     assert_eq!(columns.offsets(), [0, 1]);
    ///     assert_eq!(columns.values()[0].of(body.bytes()), Some(&b"{}"[..]));
    ///     assert_eq!(columns.values()[1].of(body.bytes()), None);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_columns(
        &mut self,
        limit: usize,
        columns: &mut RecordColumns,
    ) -> Result<usize, DecodeError> {
        let before = columns.len();
        let base = Base::of(self.bytes())?;
        columns.reserve(limit.min(self.remaining()));
        // A copy of its own stays in registers.
        let mut records = self.clone();
        let end = records
            .by_ref()
            .take(limit)
            .try_for_each(|record| record.map(|record| columns.push(base, &record)));
        *self = records;
        end.map(|()| columns.len() - before)
    }
}

/// Where a key or a value lies in the bytes of its batch, or that it is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    /// All ones for null: no part of a batch is that long.
    length: u32,
}

impl Span {
    const NULL: Self = Self { start: 0, length: u32::MAX };

    /// Whether there is nothing, not even an empty value.
    #[inline]
    pub const fn is_null(self) -> bool {
        self.length == u32::MAX
    }

    /// The place of its first byte; 0 for null.
    #[inline]
    pub const fn start(self) -> u32 {
        self.start
    }

    /// How many bytes it has; 0 for null.
    #[inline]
    pub const fn len(self) -> u32 {
        if self.is_null() { 0 } else { self.length }
    }

    /// Whether it has no bytes: an empty value, or null.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The key or the value itself, out of the bytes of the body it was read from; `None` for null
    /// and for bytes that do not hold it.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        if self.is_null() {
            return None;
        }
        bytes.get(self.start as usize..)?.get(..self.length as usize)
    }
}

/// Where the bytes lie that spans are places in.
#[derive(Clone, Copy)]
struct Base(usize);

impl Base {
    fn of(bytes: &[u8]) -> Result<Self, DecodeError> {
        let limit = u32::MAX as usize - 1;
        if bytes.len() > limit {
            let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            return Err(DecodeError::Length { field: "record columns", length, minimum: 0, limit });
        }
        Ok(Self(bytes.as_ptr().addr()))
    }

    #[inline]
    fn span(self, part: Option<&[u8]>) -> Span {
        let Some(part) = part else { return Span::NULL };
        let start = part.as_ptr().addr().wrapping_sub(self.0);
        // Parts are slices of the bytes, which are known to be short enough.
        match (u32::try_from(start), u32::try_from(part.len())) {
            (Ok(start), Ok(length)) => Span { start, length },
            _ => Span::NULL,
        }
    }
}

#[cfg(test)]
mod tests;

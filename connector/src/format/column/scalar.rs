//! Columns of values without parts: numbers, booleans, texts, times.

use std::mem;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, ArrowTimestampType, BinaryViewType, ByteArrayType, ByteViewType,
    LargeBinaryType, LargeUtf8Type, StringViewType, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, GenericByteArray, GenericByteViewArray, NullArray, PrimitiveArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, TimeUnit};

use crate::format::column::ColumnBuilder;

/// Values of one width.
pub(crate) struct Numbers<T: ArrowPrimitiveType> {
    data_type: DataType,
    values: Vec<T::Native>,
    validity: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    pub(crate) fn new(data_type: &DataType) -> Self {
        let data_type = data_type.clone();
        Self { data_type, values: Vec::new(), validity: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.validity.append_non_null();
    }

    pub(crate) fn data_type(&self) -> &DataType {
        &self.data_type
    }
}

impl<T: ArrowPrimitiveType> ColumnBuilder for Numbers<T> {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn push_null(&mut self) {
        self.values.push(T::Native::default());
        self.validity.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let values = take(&mut self.values);
        let array = PrimitiveArray::<T>::try_new(values.into(), self.validity.finish())?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

/// True and false, one bit each.
pub(crate) struct Booleans {
    values: BooleanBufferBuilder,
    validity: NullBufferBuilder,
}

impl Default for Booleans {
    fn default() -> Self {
        Self { values: BooleanBufferBuilder::new(0), validity: NullBufferBuilder::new(0) }
    }
}

impl Booleans {
    #[inline]
    pub(crate) fn push(&mut self, value: bool) {
        self.values.append(value);
        self.validity.append_non_null();
    }
}

impl ColumnBuilder for Booleans {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn push_null(&mut self) {
        self.values.append(false);
        self.validity.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.validity.finish())))
    }
}

/// Texts or byte strings, one after the other; the array's views point into the same bytes.
pub(crate) struct Texts {
    is_text: bool,
    data: Vec<u8>,
    /// Where each value ends. 64 bits, so that no batch can be too large for them.
    ends: Vec<i64>,
    validity: NullBufferBuilder,
}

impl Texts {
    /// For `Utf8View`: only UTF-8 may be pushed.
    pub(crate) fn text() -> Self {
        Self::new(true)
    }

    /// For `BinaryView`.
    pub(crate) fn binary() -> Self {
        Self::new(false)
    }

    fn new(is_text: bool) -> Self {
        let validity = NullBufferBuilder::new(0);
        Self { is_text, data: Vec::new(), ends: Vec::new(), validity }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.close();
    }

    /// Appends the value that `write` adds to the end of the bytes it is given; on an error it is taken back.
    #[inline]
    pub(crate) fn push_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.data.len();
        if let Err(error) = write(&mut self.data) {
            self.data.truncate(start);
            return Err(error);
        }
        self.close();
        Ok(())
    }

    /// The values from the one at `first` on.
    pub(crate) fn values_from(&self, first: usize) -> impl Iterator<Item = &[u8]> + Clone {
        let mut start = self.end_of(first);
        self.ends.get(first..).unwrap_or_default().iter().map(move |&end| {
            let end = offset(end);
            let value = self.data.get(start..end).unwrap_or_default();
            start = end;
            value
        })
    }

    #[inline]
    fn close(&mut self) {
        self.ends.push(self.data.len() as i64);
        self.validity.append_non_null();
    }

    /// Where the first `len` values end.
    fn end_of(&self, len: usize) -> usize {
        len.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |&end| offset(end))
    }

    fn array<T>(&mut self) -> Result<GenericByteArray<T>, ArrowError>
    where
        T: ByteArrayType<Offset = i64>,
    {
        let ends = take(&mut self.ends);
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0);
        offsets.extend_from_slice(&ends);
        let data = Buffer::from_vec(take(&mut self.data));
        GenericByteArray::try_new(OffsetBuffer::new(offsets.into()), data, self.validity.finish())
    }
}

impl ColumnBuilder for Texts {
    #[inline]
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn truncate(&mut self, len: usize) {
        if len < self.ends.len() {
            self.data.truncate(self.end_of(len));
            self.ends.truncate(len);
            self.validity.truncate(len);
        }
    }

    fn push_null(&mut self) {
        self.ends.push(self.data.len() as i64);
        self.validity.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(if self.is_text {
            views::<StringViewType, LargeUtf8Type>(&self.array()?)
        } else {
            views::<BinaryViewType, LargeBinaryType>(&self.array()?)
        })
    }
}

fn views<V, F>(array: &GenericByteArray<F>) -> ArrayRef
where
    V: ByteViewType,
    F: ByteArrayType<Offset = i64, Native = V::Native>,
{
    Arc::new(GenericByteViewArray::<V>::from(array))
}

/// Points in time, counted in the column's unit since 1970.
pub(crate) struct Timestamps {
    unit: TimeUnit,
    zone: Option<Arc<str>>,
    values: Vec<i64>,
    validity: NullBufferBuilder,
}

impl Timestamps {
    fn array<T>(
        values: Vec<i64>,
        validity: Option<NullBuffer>,
        zone: Option<Arc<str>>,
    ) -> Result<ArrayRef, ArrowError>
    where
        T: ArrowTimestampType + ArrowPrimitiveType<Native = i64>,
    {
        let array = PrimitiveArray::<T>::try_new(values.into(), validity)?;
        Ok(Arc::new(array.with_timezone_opt(zone)))
    }

    pub(crate) fn new(unit: TimeUnit, zone: Option<Arc<str>>) -> Self {
        Self { unit, zone, values: Vec::new(), validity: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: i64) {
        self.values.push(value);
        self.validity.append_non_null();
    }

    pub(crate) fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// Whether the values are points on the time line (`TIMESTAMP_LTZ`) and not readings of a clock.
    pub(crate) fn is_zoned(&self) -> bool {
        self.zone.is_some()
    }
}

impl ColumnBuilder for Timestamps {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn push_null(&mut self) {
        self.values.push(0);
        self.validity.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let (values, validity) = (take(&mut self.values), self.validity.finish());
        let zone = self.zone.clone();
        match self.unit {
            TimeUnit::Second => Self::array::<TimestampSecondType>(values, validity, zone),
            TimeUnit::Millisecond => {
                Self::array::<TimestampMillisecondType>(values, validity, zone)
            }
            TimeUnit::Microsecond => {
                Self::array::<TimestampMicrosecondType>(values, validity, zone)
            }
            TimeUnit::Nanosecond => Self::array::<TimestampNanosecondType>(values, validity, zone),
        }
    }
}

/// Times of day, counted in the column's unit since midnight.
pub(crate) struct Times {
    unit: TimeUnit,
    values: Vec<i64>,
    validity: NullBufferBuilder,
}

impl Times {
    pub(crate) fn new(unit: TimeUnit) -> Self {
        Self { unit, values: Vec::new(), validity: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: i64) {
        self.values.push(value);
        self.validity.append_non_null();
    }

    pub(crate) fn unit(&self) -> TimeUnit {
        self.unit
    }

    fn array<T: ArrowPrimitiveType>(
        &mut self,
        convert: impl Fn(i64) -> T::Native,
    ) -> Result<ArrayRef, ArrowError> {
        let values: Vec<T::Native> = self.values.iter().map(|&value| convert(value)).collect();
        self.values.clear();
        let array = PrimitiveArray::<T>::try_new(values.into(), self.validity.finish())?;
        Ok(Arc::new(array))
    }
}

impl ColumnBuilder for Times {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn push_null(&mut self) {
        self.values.push(0);
        self.validity.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        // A day has 86,400,000 milliseconds, which fit 32 bits.
        match self.unit {
            TimeUnit::Second => self.array::<Time32SecondType>(|value| value as i32),
            TimeUnit::Millisecond => self.array::<Time32MillisecondType>(|value| value as i32),
            TimeUnit::Microsecond => self.array::<Time64MicrosecondType>(|value| value),
            TimeUnit::Nanosecond => self.array::<Time64NanosecondType>(|value| value),
        }
    }
}

/// Values of type NULL: only their number is known.
#[derive(Default)]
pub(crate) struct Nulls {
    len: usize,
}

impl ColumnBuilder for Nulls {
    fn len(&self) -> usize {
        self.len
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    fn push_null(&mut self) {
        self.len += 1;
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(NullArray::new(mem::take(&mut self.len))))
    }
}

/// Takes the values and leaves room for as many, since the next batch is likely to be as large.
fn take<N>(values: &mut Vec<N>) -> Vec<N> {
    let room = values.len();
    mem::replace(values, Vec::with_capacity(room))
}

/// Ends are taken from lengths of vectors, so they fit.
fn offset(end: i64) -> usize {
    usize::try_from(end).unwrap_or_default()
}

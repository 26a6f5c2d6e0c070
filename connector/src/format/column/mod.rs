//! Columns under construction that can be cut back to an earlier length.
//!
//! Arrow's own builders only grow; here taking back half a row is a `truncate`, which costs nothing while payloads
//! are good.

mod nested;
mod scalar;

use arrow_array::ArrayRef;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMillisecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalYearMonthType,
};
use arrow_schema::{ArrowError, DataType, IntervalUnit, TimeUnit};

pub(crate) use self::nested::{Lists, Maps, Structs};
pub(crate) use self::scalar::{Booleans, Nulls, Numbers, Texts, Times, Timestamps};

/// What every column under construction can do.
pub(crate) trait ColumnBuilder {
    fn len(&self) -> usize;

    /// Takes back every value after the first `len`.
    fn truncate(&mut self, len: usize);

    fn push_null(&mut self);

    /// Hands out the values and starts anew.
    fn finish(&mut self) -> Result<ArrayRef, ArrowError>;
}

/// A column of values without parts.
pub(crate) enum Column {
    Binary(Texts),
    Boolean(Booleans),
    Date(Numbers<Date32Type>),
    Decimal(Numbers<Decimal128Type>),
    Double(Numbers<Float64Type>),
    Duration(Numbers<DurationMillisecondType>),
    Float(Numbers<Float32Type>),
    Int8(Numbers<Int8Type>),
    Int16(Numbers<Int16Type>),
    Int32(Numbers<Int32Type>),
    Int64(Numbers<Int64Type>),
    Interval(Numbers<IntervalYearMonthType>),
    Null(Nulls),
    Text(Texts),
    Time(Times),
    Timestamp(Timestamps),
}

impl Column {
    /// An empty column of a type without parts that tables have; `None` for another type.
    pub(crate) fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::BinaryView => Self::Binary(Texts::binary()),
            DataType::Boolean => Self::Boolean(Booleans::default()),
            DataType::Date32 => Self::Date(Numbers::new(data_type)),
            DataType::Decimal128(..) => Self::Decimal(Numbers::new(data_type)),
            DataType::Duration(TimeUnit::Millisecond) => Self::Duration(Numbers::new(data_type)),
            DataType::Float32 => Self::Float(Numbers::new(data_type)),
            DataType::Float64 => Self::Double(Numbers::new(data_type)),
            DataType::Int8 => Self::Int8(Numbers::new(data_type)),
            DataType::Int16 => Self::Int16(Numbers::new(data_type)),
            DataType::Int32 => Self::Int32(Numbers::new(data_type)),
            DataType::Int64 => Self::Int64(Numbers::new(data_type)),
            DataType::Interval(IntervalUnit::YearMonth) => Self::Interval(Numbers::new(data_type)),
            DataType::Null => Self::Null(Nulls::default()),
            DataType::Time32(unit) | DataType::Time64(unit) => Self::Time(Times::new(*unit)),
            DataType::Timestamp(unit, zone) => {
                Self::Timestamp(Timestamps::new(*unit, zone.clone()))
            }
            DataType::Utf8View => Self::Text(Texts::text()),
            _ => return None,
        })
    }
}

/// Calls the same method of whichever column it is.
macro_rules! each {
    ($self:expr, $column:ident => $call:expr) => {
        match $self {
            Column::Binary($column) | Column::Text($column) => $call,
            Column::Boolean($column) => $call,
            Column::Date($column) => $call,
            Column::Decimal($column) => $call,
            Column::Double($column) => $call,
            Column::Duration($column) => $call,
            Column::Float($column) => $call,
            Column::Int8($column) => $call,
            Column::Int16($column) => $call,
            Column::Int32($column) => $call,
            Column::Int64($column) => $call,
            Column::Interval($column) => $call,
            Column::Null($column) => $call,
            Column::Time($column) => $call,
            Column::Timestamp($column) => $call,
        }
    };
}

impl ColumnBuilder for Column {
    #[inline]
    fn len(&self) -> usize {
        each!(self, column => column.len())
    }

    fn truncate(&mut self, len: usize) {
        each!(self, column => column.truncate(len));
    }

    fn push_null(&mut self) {
        each!(self, column => column.push_null());
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        each!(self, column => column.finish())
    }
}

#[cfg(test)]
mod tests;

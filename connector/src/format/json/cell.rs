//! One column of a batch as the encoder sees it: an array, and how its values are written.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMillisecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalYearMonthType,
};
use arrow_array::{Array, BooleanArray, ListArray, MapArray, PrimitiveArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, RowError};
use crate::format::array::{ByteArray, Counts};
use crate::format::datetime::{self, SECONDS_PER_DAY, Timestamp};
use crate::format::decimal;
use crate::format::json::encode::write_object;
use crate::format::json::node::map_fields;
use crate::format::json::number;
use crate::format::json::options::JsonOptions;
use crate::format::json::text::write_string;

/// How a column is called, and its parts are; made once.
pub(super) struct Plan {
    name: String,
    /// The name as it is written, with its colon.
    label: Vec<u8>,
    /// The fields of a row, the element of an array, the value of a map.
    parts: Vec<Self>,
}

impl Plan {
    pub(super) fn new(field: &Field) -> Result<Self, Error> {
        let mut label = Vec::new();
        write_string(&mut label, field.name().as_bytes());
        label.push(b':');
        Ok(Self { name: field.name().clone(), label, parts: Self::parts(field)? })
    }

    fn parts(field: &Field) -> Result<Vec<Self>, Error> {
        match field.data_type() {
            DataType::List(element) => Ok(vec![Self::new(element)?]),
            DataType::Map(entries, _) => {
                let (_, value) = map_fields(field.name(), entries)?;
                Ok(vec![Self::new(value)?])
            }
            DataType::Struct(fields) => fields.iter().map(|field| Self::new(field)).collect(),
            scalar if is_writable(scalar) => Ok(Vec::new()),
            other => {
                Err(Error::unsupported(format!("json type of column {}", field.name()), other))
            }
        }
    }
}

fn is_writable(data_type: &DataType) -> bool {
    data_type.is_integer() && !data_type.is_unsigned_integer()
        || data_type.is_string()
        || data_type.is_binary()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Date32
                | DataType::Decimal128(..)
                | DataType::Duration(TimeUnit::Millisecond)
                | DataType::Float32
                | DataType::Float64
                | DataType::Interval(IntervalUnit::YearMonth)
                | DataType::Null
                | DataType::Time32(_)
                | DataType::Time64(_)
                | DataType::Timestamp(..)
        )
}

/// A column of one batch.
pub(super) struct Cell<'a> {
    plan: &'a Plan,
    validity: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Binary(ByteArray<'a>),
    Boolean(&'a BooleanArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, i8),
    Double(&'a PrimitiveArray<Float64Type>),
    Duration(&'a PrimitiveArray<DurationMillisecondType>),
    Float(&'a PrimitiveArray<Float32Type>),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Interval(&'a PrimitiveArray<IntervalYearMonthType>),
    List(&'a [i32], Box<Cell<'a>>),
    Map(&'a [i32], ByteArray<'a>, Box<Cell<'a>>),
    Null,
    Row(Vec<Cell<'a>>),
    Text(ByteArray<'a>),
    Time(Counts<'a>),
    Timestamp(Counts<'a>, bool),
}

impl<'a> Cell<'a> {
    pub(super) fn new(plan: &'a Plan, array: &'a dyn Array) -> Result<Self, RowError> {
        let values = Values::new(plan, array).transpose()?.ok_or_else(|| {
            let text = format!("{} cannot be written as JSON", array.data_type());
            RowError::new(text).in_column(&plan.name)
        })?;
        Ok(Self { plan, validity: array.nulls(), values })
    }

    pub(super) fn name(&self) -> &str {
        &self.plan.name
    }

    pub(super) fn label(&self) -> &[u8] {
        &self.plan.label
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.validity.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the value at `row`.
    #[inline]
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        row: usize,
        options: &JsonOptions,
    ) -> Result<(), RowError> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        self.write_value(out, row, options)
    }

    fn write_value(
        &self,
        out: &mut Vec<u8>,
        row: usize,
        options: &JsonOptions,
    ) -> Result<(), RowError> {
        match &self.values {
            Values::Binary(array) => write_base64(out, array.get(row).unwrap_or_default()),
            Values::Boolean(array) => {
                out.extend_from_slice(if array.value(row) { b"true" } else { b"false" });
            }
            Values::Date(array) => {
                quoted(out, |out| datetime::write_date(out, i64::from(array.value(row))));
            }
            Values::Decimal(array, scale) if options.plain_decimals => {
                decimal::write_plain(out, array.value(row), *scale);
            }
            Values::Decimal(array, scale) => {
                decimal::write_scientific(out, array.value(row), *scale);
            }
            Values::Double(array) => number::write_double(out, array.value(row)),
            Values::Duration(array) => number::write_integer(out, array.value(row)),
            Values::Float(array) => number::write_float(out, array.value(row)),
            Values::Int8(array) => number::write_integer(out, i64::from(array.value(row))),
            Values::Int16(array) => number::write_integer(out, i64::from(array.value(row))),
            Values::Int32(array) => number::write_integer(out, i64::from(array.value(row))),
            Values::Int64(array) => number::write_integer(out, array.value(row)),
            Values::Interval(array) => number::write_integer(out, i64::from(array.value(row))),
            Values::List(offsets, element) => {
                return write_list(out, offsets, element, row, options);
            }
            Values::Map(offsets, keys, value) => {
                return write_map(out, range(offsets, row), *keys, value, options);
            }
            Values::Null => out.extend_from_slice(b"null"),
            Values::Row(cells) => return write_object(out, cells, row, options),
            Values::Text(array) => write_string(out, array.get(row).unwrap_or_default()),
            Values::Time(counts) => quoted(out, |out| {
                let time = Timestamp::from_count(counts.get(row), counts.unit());
                datetime::write_time(out, time.seconds.rem_euclid(SECONDS_PER_DAY) as u32);
                datetime::write_fraction(out, time.nanos);
            }),
            Values::Timestamp(counts, is_zoned) => quoted(out, |out| {
                let timestamp = Timestamp::from_count(counts.get(row), counts.unit());
                options.timestamp_standard.write(out, timestamp, *is_zoned);
            }),
        }
        Ok(())
    }
}

impl<'a> Values<'a> {
    /// `None` for a type that the plan does not expect.
    fn new(plan: &'a Plan, array: &'a dyn Array) -> Option<Result<Self, RowError>> {
        Some(Ok(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Date32 => Self::Date(array.as_primitive()),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive(), *scale),
            DataType::Duration(TimeUnit::Millisecond) => Self::Duration(array.as_primitive()),
            DataType::Float32 => Self::Float(array.as_primitive()),
            DataType::Float64 => Self::Double(array.as_primitive()),
            DataType::Int8 => Self::Int8(array.as_primitive()),
            DataType::Int16 => Self::Int16(array.as_primitive()),
            DataType::Int32 => Self::Int32(array.as_primitive()),
            DataType::Int64 => Self::Int64(array.as_primitive()),
            DataType::Interval(IntervalUnit::YearMonth) => Self::Interval(array.as_primitive()),
            DataType::List(_) => return Some(Self::list(plan.parts.first()?, array.as_list())),
            DataType::Map(..) => return Self::map(plan.parts.first()?, array.as_map()),
            DataType::Null => Self::Null,
            DataType::Struct(_) => return Self::row(plan, array.as_struct()),
            DataType::Time32(_) | DataType::Time64(_) => Self::Time(Counts::new(array)?),
            DataType::Timestamp(_, zone) => Self::Timestamp(Counts::new(array)?, zone.is_some()),
            data_type if data_type.is_string() => Self::Text(ByteArray::new(array)?),
            _ => Self::Binary(ByteArray::new(array)?),
        }))
    }

    fn list(plan: &'a Plan, array: &'a ListArray) -> Result<Self, RowError> {
        let element = Cell::new(plan, array.values().as_ref())?;
        Ok(Self::List(array.value_offsets(), Box::new(element)))
    }

    fn map(plan: &'a Plan, array: &'a MapArray) -> Option<Result<Self, RowError>> {
        let keys = ByteArray::new(array.keys().as_ref())?;
        let value = Cell::new(plan, array.values().as_ref());
        Some(value.map(|value| Self::Map(array.value_offsets(), keys, Box::new(value))))
    }

    fn row(plan: &'a Plan, array: &'a StructArray) -> Option<Result<Self, RowError>> {
        if array.num_columns() != plan.parts.len() {
            return None;
        }
        let parts = plan.parts.iter().zip(array.columns());
        let cells = parts.map(|(plan, array)| Cell::new(plan, array.as_ref()));
        Some(cells.collect::<Result<_, _>>().map(Self::Row))
    }
}

fn write_list(
    out: &mut Vec<u8>,
    offsets: &[i32],
    element: &Cell<'_>,
    row: usize,
    options: &JsonOptions,
) -> Result<(), RowError> {
    out.push(b'[');
    for (index, at) in range(offsets, row).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element.write(out, at, options).map_err(|error| error.in_element(index))?;
    }
    out.push(b']');
    Ok(())
}

fn write_map(
    out: &mut Vec<u8>,
    entries: Range<usize>,
    keys: ByteArray<'_>,
    value: &Cell<'_>,
    options: &JsonOptions,
) -> Result<(), RowError> {
    out.push(b'{');
    for (index, at) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, keys.get(at).unwrap_or_default());
        out.push(b':');
        value.write(out, at, options)?;
    }
    out.push(b'}');
    Ok(())
}

fn range(offsets: &[i32], row: usize) -> Range<usize> {
    let offset = |at: usize| offsets.get(at).map_or(0, |&offset| offset.unsigned_abs() as usize);
    offset(row)..offset(row + 1)
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    quoted(out, |out| {
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
        let room = out.get_mut(start..).unwrap_or_default();
        // There is room for every byte and its padding, so this cannot fail.
        let _ = STANDARD.encode_slice(bytes, room);
    });
}

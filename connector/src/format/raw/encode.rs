//! From the one column of the format `raw` to payloads.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field};

use crate::error::{Error, RowError};
use crate::format::SerializationSchema;
use crate::format::array::ByteArray;
use crate::format::raw::{Endianness, fixed_width, unsupported_type};

/// Makes each value of the column a payload; NULL is a null payload.
pub(super) struct RawEncoder {
    name: String,
    endianness: Endianness,
    data: Vec<u8>,
    /// Where each payload stands in the data, `None` for null.
    rows: Vec<Option<Range<usize>>>,
}

impl RawEncoder {
    pub(super) fn new(field: &Field, endianness: Endianness) -> Result<Self, Error> {
        let data_type = field.data_type();
        if !data_type.is_string() && !data_type.is_binary() && fixed_width(data_type).is_none() {
            return Err(unsupported_type(data_type));
        }
        let name = field.name().clone();
        Ok(Self { name, endianness, data: Vec::new(), rows: Vec::new() })
    }

    fn encode_column(&mut self, array: &dyn Array) -> Result<(), RowError> {
        match array.data_type() {
            DataType::Boolean => self.booleans(array.as_boolean()),
            DataType::Float32 => self.numbers::<Float32Type, 4>(array, f32::to_be_bytes),
            DataType::Float64 => self.numbers::<Float64Type, 8>(array, f64::to_be_bytes),
            DataType::Int8 => self.numbers::<Int8Type, 1>(array, i8::to_be_bytes),
            DataType::Int16 => self.numbers::<Int16Type, 2>(array, i16::to_be_bytes),
            DataType::Int32 => self.numbers::<Int32Type, 4>(array, i32::to_be_bytes),
            DataType::Int64 => self.numbers::<Int64Type, 8>(array, i64::to_be_bytes),
            data_type => {
                let bytes = ByteArray::new(array).ok_or_else(|| {
                    RowError::new(format!("{data_type} cannot be written by the 'raw' format"))
                        .in_column(&self.name)
                })?;
                for row in 0..array.len() {
                    self.push(bytes.get(row));
                }
            }
        }
        Ok(())
    }

    fn booleans(&mut self, array: &BooleanArray) {
        for value in array {
            let byte = value.map(|value| [u8::from(value)]);
            self.push(byte.as_ref().map(|byte| &byte[..]));
        }
    }

    fn numbers<T: ArrowPrimitiveType, const N: usize>(
        &mut self,
        array: &dyn Array,
        to_be_bytes: impl Fn(T::Native) -> [u8; N],
    ) {
        for value in array.as_primitive::<T>() {
            let bytes = value.map(|value| {
                let mut bytes = to_be_bytes(value);
                if self.endianness == Endianness::Little {
                    bytes.reverse();
                }
                bytes
            });
            self.push(bytes.as_ref().map(|bytes| &bytes[..]));
        }
    }

    fn push(&mut self, payload: Option<&[u8]>) {
        let start = self.data.len();
        self.data.extend_from_slice(payload.unwrap_or_default());
        self.rows.push(payload.map(|_| start..self.data.len()));
    }
}

impl SerializationSchema for RawEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.data.clear();
        self.rows.clear();
        match batch.columns() {
            [array] => self.encode_column(array.as_ref()),
            columns => Err(RowError::new(format!(
                "the 'raw' format writes one column, not {}",
                columns.len()
            ))),
        }
    }

    fn row(&self, row: usize) -> Option<&[u8]> {
        self.data.get(self.rows.get(row)?.clone()?)
    }
}

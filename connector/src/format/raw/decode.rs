//! From payloads to the one column of the format `raw`.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, ArrowNativeTypeOp};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, RowError};
use crate::format::column::{Column, ColumnBuilder, Numbers};
use crate::format::raw::{Endianness, fixed_width, unsupported_type};
use crate::format::{DeserializationSchema, Rows};

/// Makes each payload the value of a column; a null payload is NULL.
pub(super) struct RawDecoder {
    schema: SchemaRef,
    name: String,
    is_nullable: bool,
    column: Column,
    endianness: Endianness,
}

impl RawDecoder {
    pub(super) fn new(
        field: &Field,
        endianness: Endianness,
        is_wanted: bool,
    ) -> Result<Self, Error> {
        let data_type = field.data_type();
        let is_bytes = matches!(data_type, DataType::BinaryView | DataType::Utf8View);
        let is_known = is_bytes || fixed_width(data_type).is_some();
        // Any bytes are bytes or a text: where nobody wants them they are only counted.
        let held = if is_bytes && !is_wanted { &DataType::Null } else { data_type };
        let column = Column::new(held).filter(|_| is_known);
        let fields = if is_wanted { vec![field.clone()] } else { Vec::new() };
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            name: field.name().clone(),
            is_nullable: field.is_nullable(),
            column: column.ok_or_else(|| unsupported_type(data_type))?,
            endianness,
        })
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), RowError> {
        let endianness = self.endianness;
        match &mut self.column {
            Column::Binary(texts) => texts.push(payload),
            Column::Boolean(booleans) => booleans.push(sized::<1>(payload, "BOOLEAN")? != [0]),
            Column::Double(numbers) => number(numbers, payload, endianness, f64::from_be_bytes)?,
            Column::Float(numbers) => number(numbers, payload, endianness, f32::from_be_bytes)?,
            Column::Int8(numbers) => number(numbers, payload, endianness, i8::from_be_bytes)?,
            Column::Int16(numbers) => number(numbers, payload, endianness, i16::from_be_bytes)?,
            Column::Int32(numbers) => number(numbers, payload, endianness, i32::from_be_bytes)?,
            Column::Int64(numbers) => number(numbers, payload, endianness, i64::from_be_bytes)?,
            Column::Null(nulls) => nulls.push_null(),
            // What is not UTF-8 becomes U+FFFD, as in Java.
            Column::Text(texts) => texts.push(String::from_utf8_lossy(payload).as_bytes()),
            _ => return Err(RowError::new("the 'raw' format has no such column")),
        }
        Ok(())
    }
}

impl DeserializationSchema for RawDecoder {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn append(&mut self, payload: Option<&[u8]>) -> Result<Rows, RowError> {
        match payload {
            Some(payload) => self.push(payload).map_err(|error| error.in_column(&self.name))?,
            None if self.is_nullable => self.column.push_null(),
            None => {
                let error = RowError::new("NULL in a column that is NOT NULL");
                return Err(error.in_column(&self.name));
            }
        }
        Ok(Rows::ONE)
    }

    fn truncate(&mut self, rows: usize) {
        self.column.truncate(rows);
    }

    fn rows(&self) -> usize {
        self.column.len()
    }

    fn finish(&mut self) -> Result<Vec<ArrayRef>, Error> {
        let array = self.column.finish();
        let array = array.map_err(|error| Error::schema("building a column").with_source(error))?;
        Ok(if self.schema.fields().is_empty() { Vec::new() } else { vec![array] })
    }
}

fn number<T, const N: usize>(
    numbers: &mut Numbers<T>,
    payload: &[u8],
    endianness: Endianness,
    from_be_bytes: impl Fn([u8; N]) -> T::Native,
) -> Result<(), RowError>
where
    T: ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp,
{
    let name = fixed_width(numbers.data_type()).map_or("", |(name, _)| name);
    let mut bytes = sized::<N>(payload, name)?;
    if endianness == Endianness::Little {
        bytes.reverse();
    }
    numbers.push(from_be_bytes(bytes));
    Ok(())
}

fn sized<const N: usize>(payload: &[u8], name: &str) -> Result<[u8; N], RowError> {
    <[u8; N]>::try_from(payload).map_err(|_| {
        RowError::new(format!("Size of data received for deserializing {name} type is not {N}."))
    })
}

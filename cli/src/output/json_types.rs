//! Columns that the `json` format has no type for, in one it has: a person at a prompt wants to see every result.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions as DisplayOptions};
use arrow_schema::{ArrowError, DataType, Field, FieldRef};
use kavka_connector::format::{Format, FormatOptions, FormatTarget};

/// The field as which a column of `field` is written: itself, a wider number, or text.
pub(crate) fn written_field(field: &FieldRef, json: &dyn Format) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        other => other.clone(),
    };
    let written = Arc::new(Field::new(field.name(), data_type, field.is_nullable()));
    let target = FormatTarget::new(vec![Arc::clone(&written)], FormatOptions::default());
    match json.encoder(&target) {
        Ok(_) => written,
        Err(_) => Arc::new(Field::new(field.name(), DataType::Utf8, field.is_nullable())),
    }
}

/// `column` as a column of `field`.
pub(crate) fn written_column(column: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    if field.data_type() != &DataType::Utf8 {
        return cast(column, field.data_type());
    }
    let options = DisplayOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let nulls = column.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    let text = |row| (!is_null(row)).then(|| formatter.value(row).try_to_string()).transpose();
    Ok(Arc::new((0..column.len()).map(text).collect::<Result<StringArray, _>>()?))
}

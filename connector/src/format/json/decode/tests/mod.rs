//! Messages against columns.

mod conversions;
mod differential;
mod faults;
mod shapes;

use arrow_array::{ArrayRef, StructArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions as DisplayOptions};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use super::*;
use crate::format::{Format, FormatOptions, FormatTarget};

/// A decoder for the columns, with options given as text.
fn decoder(fields: Vec<Field>, options: &[(&str, &str)]) -> Box<dyn DeserializationSchema> {
    let options = FormatOptions::new("json.", options.iter().copied());
    crate::format::json::Json.decoder(&FormatTarget::new(fields, options)).unwrap()
}

fn nullable(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

fn list(element: DataType) -> DataType {
    DataType::List(nullable("item", element).into())
}

fn row(fields: Vec<Field>) -> DataType {
    DataType::Struct(fields.into())
}

fn map(value: Field) -> DataType {
    let fields = vec![required("key", DataType::Utf8View), value];
    DataType::Map(required("entries", row(fields)).into(), false)
}

fn timestamp(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, None)
}

fn timestamp_ltz(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

/// The rows as text, each `{a: 1, b: NULL}`.
fn rows(decoder: &mut dyn DeserializationSchema) -> Vec<String> {
    let rows = decoder.rows();
    let fields = decoder.schema().fields().clone();
    render(fields, decoder.finish().unwrap(), rows)
}

fn render(fields: Fields, arrays: Vec<ArrayRef>, rows: usize) -> Vec<String> {
    let table = StructArray::try_new_with_length(fields, arrays, None, rows).unwrap();
    let options = DisplayOptions::default().with_null("NULL");
    let formatter = ArrayFormatter::try_new(&table, &options).unwrap();
    (0..rows).map(|row| formatter.value(row).to_string()).collect()
}

/// What one value becomes in a nullable column `a` of the type, or the error.
fn value(data_type: &DataType, options: &[(&str, &str)], value: &str) -> String {
    let mut decoder = decoder(vec![nullable("a", data_type.clone())], options);
    let message = format!("{{\"a\":{value}}}");
    match decoder.append(Some(message.as_bytes())) {
        Err(_) => "error".to_owned(),
        Ok(outcome) => {
            assert_eq!(outcome, Rows::ONE, "{message}");
            let row = rows(&mut *decoder).remove(0);
            row.strip_prefix("{a: ").unwrap().strip_suffix('}').unwrap().to_owned()
        }
    }
}

fn check_values(data_type: &DataType, options: &[(&str, &str)], table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(value(data_type, options, text), *expected, "{data_type} {text}");
    }
}

fn append(decoder: &mut dyn DeserializationSchema, message: &str) -> Result<usize, String> {
    let outcome = decoder.append(Some(message.as_bytes()));
    outcome.map(|rows| rows.count).map_err(|error| error.to_string())
}

//! Formats: what turns payloads into columns and columns into payloads.
//!
//! A format is one module and one line in `FORMATS`. It decodes straight into columns of its own, so that a payload
//! that turns out bad half-way can be taken back, and encodes a whole batch into one buffer.

pub(crate) mod array;
pub(crate) mod column;
pub(crate) mod datetime;
mod decimal;
mod json;
mod options;
mod raw;

#[cfg(test)]
mod conformance;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, Fields, SchemaRef};

pub use crate::format::options::FormatOptions;

use crate::error::{Error, ErrorKind, RowError};

/// A way to write rows as bytes, known to tables by its name.
pub trait Format: Send + Sync {
    /// The name used in `format`, `key.format` and `value.format`.
    fn name(&self) -> &'static str;

    /// The options it understands, without their prefix. Another option under the prefix is unsupported.
    fn option_names(&self) -> &'static [&'static str];

    /// A decoder for the wanted columns of `target`; an error names the option or the type it cannot accept.
    fn decoder(&self, target: &FormatTarget) -> Result<Box<dyn DeserializationSchema>, Error>;

    /// An encoder for all columns of `target`; an error names the option or the type it cannot accept.
    fn encoder(&self, target: &FormatTarget) -> Result<Box<dyn SerializationSchema>, Error>;
}

/// Decodes payloads into columns.
pub trait DeserializationSchema: Send {
    /// The wanted columns, in the order in which [`finish`](Self::finish) returns them.
    fn schema(&self) -> &SchemaRef;

    /// Takes one payload and says how many rows it became; on an error the columns are as before the call.
    ///
    /// Whether a payload is skipped does not depend on which columns are wanted. Whether it is an error may: what is
    /// wrong inside of a column that nobody wants can go unnoticed.
    fn append(&mut self, payload: Option<&[u8]>) -> Result<Rows, RowError>;

    /// Takes back every row after the first `rows`.
    fn truncate(&mut self, rows: usize);

    /// Rows held.
    fn rows(&self) -> usize;

    /// Hands out the columns and starts anew.
    fn finish(&mut self) -> Result<Vec<ArrayRef>, Error>;
}

/// The rows that one payload became: none for a null, several for an array of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many there are.
    pub count: usize,
}

impl Rows {
    /// The payload is no row, which is not an error.
    pub const NONE: Self = Self { count: 0 };
    /// What one payload usually is.
    pub const ONE: Self = Self { count: 1 };
}

/// Encodes a whole batch; row `i` is then a borrowed slice.
pub trait SerializationSchema: Send + Sync {
    /// Replaces what was encoded before; the columns are those of the target, in its order, by position.
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), RowError>;

    /// The payload of one row of the last batch, `None` where the payload is null.
    fn row(&self, row: usize) -> Option<&[u8]>;
}

/// What a decoder or an encoder is made for.
#[derive(Clone, Debug)]
pub struct FormatTarget {
    /// The columns of the payload, nullability included.
    pub fields: Fields,
    /// Which of them a decoder hands out, as ascending positions; the others are skipped. Encoders write all.
    pub wanted: Vec<usize>,
    /// The options given for the format.
    pub options: FormatOptions,
}

impl FormatTarget {
    /// A target in which every column is wanted.
    pub fn new(fields: impl Into<Fields>, options: FormatOptions) -> Self {
        let fields = fields.into();
        Self { wanted: (0..fields.len()).collect(), fields, options }
    }

    fn wanted_fields(&self) -> Fields {
        self.wanted.iter().filter_map(|&position| self.fields.get(position).cloned()).collect()
    }
}

/// The key or the value of a table's records: which columns it holds and how they are written.
#[derive(Clone)]
pub(crate) struct Payload {
    pub(crate) format: &'static dyn Format,
    pub(crate) columns: Vec<PayloadColumn>,
    pub(crate) options: FormatOptions,
}

/// One column of a payload.
#[derive(Clone, Debug)]
pub(crate) struct PayloadColumn {
    /// Its name in the table.
    pub(crate) column: String,
    /// Its name in the payload, type and nullability.
    pub(crate) field: FieldRef,
}

impl Payload {
    /// The key of records whose value is `value`. Of a column in both the value's copy counts: the key may lack it.
    pub(crate) fn behind(&self, value: &Self) -> Self {
        let mut key = self.clone();
        for column in &mut key.columns {
            if value.columns.iter().any(|other| other.column == column.column) {
                column.field = Arc::new(column.field.as_ref().clone().with_nullable(true));
            }
        }
        key
    }

    /// The target for the columns of which `is_wanted` says yes, by name in the table.
    pub(crate) fn target(&self, is_wanted: impl Fn(&str) -> bool) -> FormatTarget {
        let wanted = self.columns.iter().enumerate();
        FormatTarget {
            fields: self.columns.iter().map(|column| column.field.clone()).collect(),
            wanted: wanted
                .filter(|(_, column)| is_wanted(&column.column))
                .map(|(position, _)| position)
                .collect(),
            options: self.options.clone(),
        }
    }
}

/// The format called `name`.
pub fn format(name: &str) -> Result<&'static dyn Format, Error> {
    let found = FORMATS.iter().find(|format| format.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
        Error::new(
            ErrorKind::Option,
            format!(
                "Could not find any factory for identifier '{name}'. Available formats are: {}",
                names.join(", ")
            ),
        )
    })
}

/// How many values one record may become: rows times columns, elements of arrays and entries of maps.
///
/// A small compressed record can hold millions of empty objects, each of which is a row of the widest table. This many
/// values take a few hundred megabytes.
pub(crate) const MAX_VALUES: usize = 1 << 24;

static FORMATS: [&dyn Format; 2] = [&json::Json, &raw::Raw];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for format in FORMATS {
            assert_eq!(super::format(format.name()).unwrap().name(), format.name());
        }
    }

    #[test]
    fn an_unknown_format_is_answered_with_the_known_ones() {
        let error = format("avro").err().unwrap();
        assert_eq!(
            error.to_string(),
            "Could not find any factory for identifier 'avro'. Available formats are: json, raw"
        );
    }
}

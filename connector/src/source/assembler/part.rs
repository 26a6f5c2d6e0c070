//! The key or the value of records: its decoder and which of its columns are asked for.

use arrow_array::ArrayRef;

use super::indices;
use crate::error::{Error, RowError};
use crate::format::{DeserializationSchema, Payload};

/// The decoder of a key or a value.
pub(super) struct Part {
    decoder: Box<dyn DeserializationSchema>,
    /// The names, in the table, of the columns that the decoder hands out.
    columns: Vec<String>,
}

impl Part {
    pub(super) fn new(payload: &Payload, is_wanted: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let target = payload.target(is_wanted);
        let name = |&position: &usize| Some(payload.columns.get(position)?.column.clone());
        let columns = target.wanted.iter().filter_map(name).collect();
        let decoder = payload.format.decoder(&target)?;
        Ok(Self { decoder, columns })
    }

    /// The place of a column of the table among those handed out.
    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// Whether any of its columns is asked for.
    pub(super) fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    pub(super) fn rows(&self) -> usize {
        self.decoder.rows()
    }

    /// Says how many rows the payload is.
    #[inline]
    pub(super) fn append(&mut self, payload: Option<&[u8]>) -> Result<usize, RowError> {
        Ok(self.decoder.append(payload)?.count)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.decoder.truncate(rows);
    }

    /// The columns, with the rows at `rows` if not each of them once.
    pub(super) fn finish(&mut self, rows: Option<&[u32]>) -> Result<Vec<ArrayRef>, Error> {
        let arrays = self.decoder.finish()?;
        let Some(rows) = rows else {
            return Ok(arrays);
        };
        let rows = indices(rows);
        let taken = arrays.iter().map(|array| arrow_select::take::take(array, &rows, None));
        let taken = taken.collect::<Result<_, _>>();
        taken.map_err(|error| Error::schema("repeating rows").with_source(error))
    }
}

//! From columns to messages: a whole batch into one buffer.

use arrow_array::RecordBatch;
use arrow_schema::Fields;

use crate::error::{Error, RowError};
use crate::format::SerializationSchema;
use crate::format::json::cell::{Cell, Plan};
use crate::format::json::options::JsonOptions;

/// Encodes each row as one object.
pub(super) struct JsonEncoder {
    columns: Vec<Plan>,
    options: JsonOptions,
    text: Vec<u8>,
    /// Where each row ends in the text.
    ends: Vec<usize>,
}

impl JsonEncoder {
    pub(super) fn new(fields: Fields, options: JsonOptions) -> Result<Self, Error> {
        let columns = fields.iter().map(|field| Plan::new(field)).collect::<Result<_, _>>()?;
        Ok(Self { columns, options, text: Vec::new(), ends: Vec::new() })
    }
}

impl SerializationSchema for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.text.clear();
        self.ends.clear();
        if batch.num_columns() != self.columns.len() {
            return Err(RowError::new(format!(
                "{} columns cannot be written as {} fields",
                batch.num_columns(),
                self.columns.len()
            )));
        }
        let columns = self.columns.iter().zip(batch.columns());
        let cells = columns.map(|(plan, array)| Cell::new(plan, array.as_ref()));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            write_object(&mut self.text, &cells, row, &self.options)?;
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    fn row(&self, row: usize) -> Option<&[u8]> {
        let end = *self.ends.get(row)?;
        let start = row.checked_sub(1).and_then(|last| self.ends.get(last)).copied();
        self.text.get(start.unwrap_or(0)..end)
    }
}

/// Appends the object whose fields are `cells` at `row`.
pub(super) fn write_object(
    out: &mut Vec<u8>,
    cells: &[Cell<'_>],
    row: usize,
    options: &JsonOptions,
) -> Result<(), RowError> {
    out.push(b'{');
    let mut is_first = true;
    for cell in cells {
        if options.ignore_null_fields && cell.is_null(row) {
            continue;
        }
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        out.extend_from_slice(cell.label());
        cell.write(out, row, options).map_err(|error| error.in_column(cell.name()))?;
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests;

//! Small tables of text: aligned columns for people, or the same rows as JSON objects or CSV.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::csv_line::write_record;
use crate::args::OutputFormat;

/// Rows of JSON values under a header.
pub(crate) struct TextTable {
    header: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl TextTable {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, one value per column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Prints everything to stdout.
    pub(crate) fn print(&self, output: OutputFormat) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match output {
            OutputFormat::Table => self.write_aligned(&mut out),
            OutputFormat::Json => self.write_json(&mut out),
            OutputFormat::Csv => self.write_csv(&mut out),
        }?;
        out.flush()
    }

    fn write_aligned(&self, out: &mut impl Write) -> io::Result<()> {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        let header: Vec<String> = self.header.iter().map(|name| (*name).to_owned()).collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let cells = std::iter::once(&header).chain(&rows).filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in std::iter::once(&header).chain(&rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.rows {
            let names = self.header.iter().map(|name| name.replace(' ', "_"));
            let object: Map<String, Value> = names.zip(row.iter().cloned()).collect();
            writeln!(out, "{}", Value::Object(object))?;
        }
        Ok(())
    }

    fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        write_record(out, self.header.iter().copied().map(Some))?;
        for row in &self.rows {
            let cells: Vec<Option<String>> = row.iter().map(text).collect();
            write_record(out, cells.iter().map(Option::as_deref))?;
        }
        Ok(())
    }
}

/// `None` for a value that is absent.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => Some(values.iter().filter_map(text).collect::<Vec<_>>().join(",")),
        other => Some(other.to_string()),
    }
}

/// An empty cell would be taken for a column that is missing.
fn shown(value: &Value) -> String {
    text(value).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::TextTable;

    fn table() -> TextTable {
        let mut table = TextTable::new(&["topic", "in sync"]);
        table.push([json!("orders"), json!([1, 2])]);
        table.push([json!("t"), json!(null)]);
        table.push([json!("u"), json!([])]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let mut out = Vec::new();
        table().write_aligned(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "topic   in sync\norders  1,2\nt       -\nu       -\n"
        );
    }

    #[test]
    fn json_keeps_types_and_nulls() {
        let mut out = Vec::new();
        table().write_json(&mut out).unwrap();
        let text = "{\"topic\":\"orders\",\"in_sync\":[1,2]}\n{\"topic\":\"t\",\"in_sync\":null}\n\
                    {\"topic\":\"u\",\"in_sync\":[]}\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn csv_quotes_what_has_a_comma() {
        let mut out = Vec::new();
        table().write_csv(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "topic,in sync\norders,\"1,2\"\nt,\nu,\"\"\n");
    }
}

//! Result rows of a query on stdout: a table, JSON objects or CSV.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions as DisplayOptions};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use chrono_tz::Tz;
use kavka_connector::format::{FormatOptions, FormatTarget, SerializationSchema, format};
use unicode_width::UnicodeWidthStr;

use super::local_time::{local_schema, localize};
use crate::args::OutputFormat;
use crate::failure::Failure;

/// Prints the batches of one result as they come.
pub(crate) struct RowWriter<W: Write> {
    out: W,
    style: Style,
    time_zone: Tz,
    is_bounded: bool,
    rows: u64,
}

enum Style {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Json(Box<dyn SerializationSchema>),
    Table(Table),
}

impl<W: Write> RowWriter<W> {
    /// A writer for rows of `schema`. An unbounded result is shown batch by batch, with the column widths of the
    /// first one; a bounded result waits for enough rows to know good widths.
    pub(crate) fn new(
        out: W,
        output: OutputFormat,
        schema: &SchemaRef,
        time_zone: Tz,
        is_bounded: bool,
    ) -> Result<Self, Failure> {
        let schema = local_schema(schema);
        let style =
            match output {
                OutputFormat::Csv => Style::Csv(Box::new(csv_writer(&schema)?)),
                OutputFormat::Json => Style::Json(format("json")?.encoder(&FormatTarget::new(
                    schema.fields().clone(),
                    FormatOptions::default(),
                ))?),
                OutputFormat::Table => Style::Table(Table::new(&schema)),
            };
        Ok(Self { out, style, time_zone, is_bounded, rows: 0 })
    }

    /// Takes one batch; what is complete is printed.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.rows += batch.num_rows() as u64;
        let batch = localize(batch, self.time_zone).map_err(display)?;
        match &mut self.style {
            Style::Csv(writer) => {
                for_each_row(&batch, CSV_NULL, |cells| {
                    writer.write_record(&cells).map_err(io::Error::from)
                })?;
                writer.flush()?;
                self.out.write_all(writer.get_ref())?;
                **writer = csv::Writer::from_writer(Vec::new());
            }
            Style::Json(encoder) => write_json(&mut self.out, encoder.as_mut(), &batch)?,
            Style::Table(table) => {
                for_each_row(&batch, TABLE_NULL, |cells| {
                    table.push(cells);
                    Ok(())
                })?;
                if !self.is_bounded || table.waiting.len() >= ROWS_FOR_WIDTHS {
                    table.write_waiting(&mut self.out)?;
                }
            }
        }
        Ok(self.out.flush()?)
    }

    /// Prints what waits and tells how many rows there were.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        match &mut self.style {
            Style::Csv(writer) => {
                writer.flush()?;
                self.out.write_all(writer.get_ref())?;
            }
            Style::Json(_) => {}
            Style::Table(table) => table.write_waiting(&mut self.out)?,
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}

fn csv_writer(schema: &SchemaRef) -> Result<csv::Writer<Vec<u8>>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(schema.fields().iter().map(|field| field.name()))
        .map_err(io::Error::from)?;
    Ok(writer)
}

fn write_json(
    out: &mut impl Write,
    encoder: &mut dyn SerializationSchema,
    batch: &RecordBatch,
) -> Result<(), Failure> {
    encoder.encode(batch).map_err(|error| Failure::failed(error.to_string()))?;
    for row in 0..batch.num_rows() {
        out.write_all(encoder.row(row).unwrap_or_default())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn for_each_row(
    batch: &RecordBatch,
    null: &str,
    mut each: impl FnMut(Vec<String>) -> io::Result<()>,
) -> Result<(), Failure> {
    let options = DisplayOptions::default()
        .with_null(null)
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<_, _>>()
        .map_err(display)?;
    for row in 0..batch.num_rows() {
        let cells = columns
            .iter()
            .map(|column| column.value(row).try_to_string())
            .collect::<Result<_, _>>();
        each(cells.map_err(display)?)?;
    }
    Ok(())
}

fn display(error: ArrowError) -> Failure {
    Failure::failed(format!("cannot print the result: {error}"))
}

/// Rows aligned under a header as psql shows them.
struct Table {
    header: Vec<String>,
    is_number: Vec<bool>,
    waiting: Vec<Vec<String>>,
    /// Known once the first rows were printed.
    widths: Option<Vec<usize>>,
}

impl Table {
    fn new(schema: &SchemaRef) -> Self {
        let fields = schema.fields();
        Self {
            header: fields.iter().map(|field| field.name().clone()).collect(),
            is_number: fields.iter().map(|field| is_number(field.data_type())).collect(),
            waiting: Vec::new(),
            widths: None,
        }
    }

    fn push(&mut self, cells: Vec<String>) {
        self.waiting.push(cells.into_iter().map(|cell| cell.replace('\n', "\\n")).collect());
    }

    fn write_waiting(&mut self, out: &mut impl Write) -> io::Result<()> {
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => self.write_header(out)?,
        };
        for row in self.waiting.drain(..) {
            let cells = row.iter().zip(&widths).zip(&self.is_number);
            let line: Vec<String> =
                cells.map(|((cell, width), right)| pad(cell, *width, *right)).collect();
            writeln!(out, "{}", format!(" {}", line.join(" | ")).trim_end())?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn write_header(&self, out: &mut impl Write) -> io::Result<Vec<usize>> {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = std::iter::once(&self.header)
                    .chain(&self.waiting)
                    .filter_map(|row| row.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        let names: Vec<String> =
            self.header.iter().zip(&widths).map(|(name, width)| center(name, *width)).collect();
        writeln!(out, "{}", format!(" {}", names.join(" | ")).trim_end())?;
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(out, "{}", rules.join("+"))?;
        Ok(widths)
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let blank = " ".repeat(width.saturating_sub(cell.width()));
    if right { format!("{blank}{cell}") } else { format!("{cell}{blank}") }
}

fn center(name: &str, width: usize) -> String {
    let blank = width.saturating_sub(name.width());
    format!("{}{name}{}", " ".repeat(blank / 2), " ".repeat(blank - blank / 2))
}

/// SQL clients print an absent value so that it differs from an empty text.
const TABLE_NULL: &str = "NULL";

/// In CSV an absent value is an empty field.
const CSV_NULL: &str = "";

/// Enough rows to choose column widths by, few enough to hold.
const ROWS_FOR_WIDTHS: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray};
    use arrow_schema::{DataType, Field, Schema, TimeUnit};
    use chrono_tz::Tz;

    use super::RowWriter;
    use crate::args::OutputFormat;

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("name", DataType::Utf8View, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
        ]);
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Int64Array::from(vec![Some(1), None])),
                Arc::new(StringViewArray::from(vec![Some("a,b"), None])),
                Arc::new(
                    TimestampMillisecondArray::from(vec![Some(0), Some(1_500)])
                        .with_timezone("UTC"),
                ),
            ],
        )
        .unwrap()
    }

    fn printed(output: OutputFormat, zone: Tz) -> String {
        let mut out = Vec::new();
        let batch = batch();
        let mut writer = RowWriter::new(&mut out, output, &batch.schema(), zone, true).unwrap();
        writer.write(&batch).unwrap();
        assert_eq!(writer.finish().unwrap(), 2);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_aligns_numbers_right_and_shows_nulls() {
        let text = "  id  | name |           at\n------+------+-------------------------\n    \
                    1 | a,b  | 1970-01-01 00:00:00\n NULL | NULL | 1970-01-01 00:00:01.500\n";
        assert_eq!(printed(OutputFormat::Table, Tz::UTC), text);
    }

    #[test]
    fn csv_quotes_and_leaves_nulls_empty() {
        let text = "id,name,at\n1,\"a,b\",1970-01-01 01:00:00\n,,1970-01-01 01:00:01.500\n";
        assert_eq!(printed(OutputFormat::Csv, Tz::Europe__Zurich), text);
    }

    #[test]
    fn json_prints_local_timestamps_of_the_session() {
        let text = "{\"id\":1,\"name\":\"a,b\",\"at\":\"1970-01-01 01:00:00\"}\n\
                    {\"id\":null,\"name\":null,\"at\":\"1970-01-01 01:00:01.5\"}\n";
        assert_eq!(printed(OutputFormat::Json, Tz::Europe__Zurich), text);
    }
}

//! Result rows of a query on stdout: a table, JSON objects or CSV.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions as DisplayOptions};
use arrow_schema::{ArrowError, Fields, Schema, SchemaRef};
use chrono_tz::Tz;
use kavka_connector::format::{FormatOptions, FormatTarget, SerializationSchema, format};

use super::aligned::AlignedTable;
use super::csv_line::write_record;
use super::json_types::{written_column, written_field};
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
    Csv { header: Option<SchemaRef> },
    Json { encoder: Box<dyn SerializationSchema>, schema: SchemaRef },
    Table(AlignedTable),
}

impl<W: Write> RowWriter<W> {
    /// A writer for rows of `schema`. An unbounded result is shown batch by batch; a bounded result waits for enough
    /// rows to know good column widths.
    pub(crate) fn new(
        out: W,
        output: OutputFormat,
        schema: &SchemaRef,
        time_zone: Tz,
        is_bounded: bool,
    ) -> Result<Self, Failure> {
        let schema = local_schema(schema);
        let style = match output {
            OutputFormat::Csv => Style::Csv { header: Some(schema) },
            OutputFormat::Json => json(&schema)?,
            OutputFormat::Table => Style::Table(AlignedTable::new(&schema, !is_bounded)),
        };
        Ok(Self { out, style, time_zone, is_bounded, rows: 0 })
    }

    /// Takes one batch; what is complete is printed.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.rows += batch.num_rows() as u64;
        let batch = localize(batch, self.time_zone).map_err(display)?;
        let out = &mut self.out;
        match &mut self.style {
            Style::Csv { header } => {
                write_csv_header(out, header)?;
                for_each_row(&batch, |cells| {
                    Ok(write_record(out, cells.iter().map(Option::as_deref))?)
                })?;
            }
            Style::Json { encoder, schema } => write_json(out, encoder.as_mut(), schema, &batch)?,
            Style::Table(table) => {
                for_each_row(&batch, |cells| {
                    table.push(cells);
                    Ok(())
                })?;
                if !self.is_bounded || table.waiting() >= ROWS_FOR_WIDTHS {
                    table.write_waiting(out)?;
                }
            }
        }
        Ok(self.out.flush()?)
    }

    /// Prints what waits, and the header of a result without rows; tells how many rows there were.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        match &mut self.style {
            Style::Csv { header } => write_csv_header(&mut self.out, header)?,
            Style::Json { .. } => {}
            Style::Table(table) => table.write_waiting(&mut self.out)?,
        }
        self.out.flush()?;
        Ok(self.rows)
    }

    /// Prints the rows that came before a failure or an interruption; without any, nothing, since a header would look
    /// like a result. Tells how many rows there were.
    pub(crate) fn give_up(self) -> Result<u64, Failure> {
        if self.rows > 0 { self.finish() } else { Ok(0) }
    }
}

fn json(schema: &SchemaRef) -> Result<Style, Failure> {
    let json = format("json")?;
    let fields: Fields = schema.fields().iter().map(|field| written_field(field, json)).collect();
    let encoder = json.encoder(&FormatTarget::new(fields.clone(), FormatOptions::default()))?;
    Ok(Style::Json { encoder, schema: Arc::new(Schema::new(fields)) })
}

/// Once.
fn write_csv_header(out: &mut impl Write, header: &mut Option<SchemaRef>) -> Result<(), Failure> {
    let Some(schema) = header.take() else {
        return Ok(());
    };
    Ok(write_record(out, schema.fields().iter().map(|field| Some(field.name().as_str())))?)
}

fn write_json(
    out: &mut impl Write,
    encoder: &mut dyn SerializationSchema,
    schema: &SchemaRef,
    batch: &RecordBatch,
) -> Result<(), Failure> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| written_column(column, field));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(display)?;
    let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(display)?;
    encoder.encode(&batch).map_err(|error| Failure::failed(error.to_string()))?;
    for row in 0..batch.num_rows() {
        out.write_all(encoder.row(row).unwrap_or_default())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The cells of each row as text; `None` is NULL.
fn for_each_row(
    batch: &RecordBatch,
    mut each: impl FnMut(&[Option<String>]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = DisplayOptions::default()
        .with_null("NULL")
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let columns = batch.columns().iter();
    let columns = columns
        .map(|column| Ok((column.logical_nulls(), ArrayFormatter::try_new(column, &options)?)));
    let columns: Vec<_> = columns.collect::<Result<_, _>>().map_err(display)?;
    let mut cells = Vec::with_capacity(columns.len());
    for row in 0..batch.num_rows() {
        cells.clear();
        for (nulls, formatter) in &columns {
            let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            let text = (!is_null).then(|| formatter.value(row).try_to_string());
            cells.push(text.transpose().map_err(display)?);
        }
        each(&cells)?;
    }
    Ok(())
}

fn display(error: ArrowError) -> Failure {
    Failure::failed(format!("cannot print the result: {error}"))
}

/// Enough rows to choose column widths by, few enough to hold.
const ROWS_FOR_WIDTHS: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, DurationSecondArray, Int64Array, NullArray, RecordBatch, StringArray,
        StringViewArray, TimestampMillisecondArray, UInt64Array,
    };
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

    fn print(batch: &RecordBatch, output: OutputFormat, zone: Tz) -> String {
        let mut out = Vec::new();
        let mut writer = RowWriter::new(&mut out, output, &batch.schema(), zone, true).unwrap();
        writer.write(batch).unwrap();
        assert_eq!(writer.finish().unwrap(), batch.num_rows() as u64);
        String::from_utf8(out).unwrap()
    }

    fn printed(output: OutputFormat, zone: Tz) -> String {
        print(&batch(), output, zone)
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

    #[test]
    fn an_empty_text_and_null_differ_in_csv() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None]));
        let batch = RecordBatch::try_from_iter([("a", Arc::clone(&names)), ("b", names)]).unwrap();
        assert_eq!(print(&batch, OutputFormat::Csv, Tz::UTC), "a,b\n\"\",\"\"\n,\n");
    }

    #[test]
    fn json_has_a_form_for_every_type() {
        let columns: [(&str, ArrayRef); 3] = [
            ("count", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
            ("took", Arc::new(DurationSecondArray::from(vec![Some(90), None]))),
            ("nothing", Arc::new(NullArray::new(2))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let text = "{\"count\":18446744073709551615,\"took\":\"PT90S\",\"nothing\":null}\n\
                    {\"count\":null,\"took\":null,\"nothing\":null}\n";
        assert_eq!(print(&batch, OutputFormat::Json, Tz::UTC), text);
    }

    #[test]
    fn a_failure_before_the_first_row_prints_no_header() {
        for output in [OutputFormat::Table, OutputFormat::Csv, OutputFormat::Json] {
            let mut out = Vec::new();
            let schema = batch().schema();
            let writer = RowWriter::new(&mut out, output, &schema, Tz::UTC, true).unwrap();
            assert_eq!(writer.give_up().unwrap(), 0);
            assert_eq!(out, b"");
        }
    }
}

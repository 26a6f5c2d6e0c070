//! Rows aligned under a header, as psql shows them.

use std::io::{self, Write};

use arrow_schema::{DataType, SchemaRef};
use unicode_width::UnicodeWidthStr;

use super::printable::printable;

/// Rows that wait for the widths of their columns, and the widths once they are known.
pub(crate) struct AlignedTable {
    header: Vec<String>,
    is_number: Vec<bool>,
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
    has_header: bool,
}

impl AlignedTable {
    /// A table for rows of `schema`. The columns of a `stream` begin as wide as their type usually needs, since its
    /// first rows say little about the others.
    pub(crate) fn new(schema: &SchemaRef, is_stream: bool) -> Self {
        let fields = schema.fields();
        let header: Vec<String> =
            fields.iter().map(|field| printable(field.name()).replace('\n', "\\n")).collect();
        let usual = |data_type| if is_stream { usual_width(data_type) } else { 0 };
        let widths = fields.iter().zip(&header);
        Self {
            is_number: fields.iter().map(|field| field.data_type().is_numeric()).collect(),
            widths: widths
                .map(|(field, name)| name.width().max(usual(field.data_type())))
                .collect(),
            header,
            waiting: Vec::new(),
            has_header: false,
        }
    }

    /// Adds a row; `None` is NULL.
    pub(crate) fn push(&mut self, cells: &[Option<String>]) {
        let text = |cell: &Option<String>| match cell {
            Some(text) => printable(text).into_owned(),
            None => NULL.to_owned(),
        };
        self.waiting.push(cells.iter().map(text).collect());
    }

    /// How many rows wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Writes the rows that wait, with the header before the first of them. A column that turns out wider stays so.
    pub(crate) fn write_waiting(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.widen();
        if !self.has_header {
            self.has_header = true;
            self.write_header(out)?;
        }
        for row in std::mem::take(&mut self.waiting) {
            self.write_row(out, &row)?;
        }
        Ok(())
    }

    fn widen(&mut self) {
        for row in &self.waiting {
            for (cell, width) in row.iter().zip(&mut self.widths) {
                let widest = cell.split('\n').map(UnicodeWidthStr::width).max();
                *width = widest.unwrap_or(0).max(*width);
            }
        }
    }

    fn write_header(&self, out: &mut impl Write) -> io::Result<()> {
        let names = self.header.iter().zip(&self.widths).map(|(name, width)| center(name, *width));
        write_line(out, &names.collect::<Vec<_>>())?;
        let rules: Vec<String> = self.widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(out, "{}", rules.join("+"))
    }

    /// A cell of several lines takes as many lines of the table.
    fn write_row(&self, out: &mut impl Write, row: &[String]) -> io::Result<()> {
        let mut lines: Vec<_> =
            row.iter().map(|cell| cell.trim_end_matches('\n').split('\n')).collect();
        let mut texts: Vec<Option<&str>> = lines.iter_mut().map(Iterator::next).collect();
        while texts.iter().any(Option::is_some) {
            let cells = texts.iter().zip(&self.widths).zip(&self.is_number);
            let cells = cells.map(|((text, width), right)| pad(text.unwrap_or(""), *width, *right));
            write_line(out, &cells.collect::<Vec<_>>())?;
            texts = lines.iter_mut().map(Iterator::next).collect();
        }
        Ok(())
    }
}

fn write_line(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    writeln!(out, "{}", format!(" {}", cells.join(" | ")).trim_end())
}

/// What values of a type mostly need.
fn usual_width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Timestamp(..) => "2026-01-01 00:00:00.000".len(),
        DataType::Date32 => "2026-01-01".len(),
        DataType::Boolean => "false".len(),
        other if other.is_numeric() => 10,
        other if other.is_string() => 16,
        _ => 0,
    }
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
const NULL: &str = "NULL";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{DataType, Field, Schema};

    use super::AlignedTable;

    fn table(is_stream: bool) -> AlignedTable {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("text", DataType::Utf8, true),
        ]);
        AlignedTable::new(&Arc::new(schema), is_stream)
    }

    fn written(table: &mut AlignedTable, rows: &[(&str, &str)]) -> String {
        for (id, text) in rows {
            table.push(&[Some((*id).to_owned()), Some((*text).to_owned())]);
        }
        let mut out = Vec::new();
        table.write_waiting(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cell_of_several_lines_takes_several_lines() {
        let text = written(&mut table(false), &[("1", "a\nbcdefg\n"), ("2", "x")]);
        assert_eq!(text, " id |  text\n----+--------\n  1 | a\n    | bcdefg\n  2 | x\n");
    }

    #[test]
    fn escapes_in_the_data_do_not_reach_the_terminal() {
        let text = written(&mut table(false), &[("1", "\x1b[2J\tx")]);
        assert_eq!(text, " id |    text\n----+------------\n  1 | \\x1b[2J\\tx\n");
    }

    #[test]
    fn the_columns_of_a_stream_stay_aligned_as_it_goes_on() {
        let mut table = table(true);
        let first = written(&mut table, &[("1", "a")]);
        let rule = first.lines().nth(1).unwrap().to_owned();
        assert_eq!(rule, format!("{}+{}", "-".repeat(12), "-".repeat(18)));
        assert_eq!(written(&mut table, &[("1000000", "b")]), "    1000000 | b\n");
        written(&mut table, &[("12345678901234", "c")]);
        assert_eq!(written(&mut table, &[("5", "d")]), "              5 | d\n");
    }
}

//! From messages to columns in one pass.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{Field, FieldRef, Schema, SchemaRef};

use crate::error::{Error, RowError};
use crate::format::column::{ColumnBuilder, Lists, Maps};
use crate::format::json::fault::Fault;
use crate::format::json::names;
use crate::format::json::node::{Kind, Node, Row};
use crate::format::json::options::JsonOptions;
use crate::format::json::scalar::Scalars;
use crate::format::json::scanner::Scanner;
use crate::format::json::text::{push_text, unescape};
use crate::format::{DeserializationSchema, FormatTarget, MAX_VALUES, Rows};

/// Decodes objects, or arrays of objects, into columns.
pub(super) struct JsonDecoder {
    /// What is handed out.
    schema: SchemaRef,
    root: Row,
    /// Whether each of the root's columns is handed out.
    is_wanted: Vec<bool>,
    walk: Walk,
}

impl JsonDecoder {
    /// Where bad messages are skipped, columns that are NOT NULL are decoded in any case: without a value of theirs a
    /// message is no row, whatever is asked of it.
    pub(super) fn new(target: &FormatTarget, options: JsonOptions) -> Result<Self, Error> {
        let decides = |field: &Field| options.ignore_parse_errors && !field.is_nullable();
        let fields = target.fields.iter().enumerate();
        let (fields, is_wanted): (Vec<FieldRef>, Vec<bool>) = fields
            .map(|(position, field)| (field.clone(), target.wanted.contains(&position)))
            .filter(|(field, is_wanted)| *is_wanted || decides(field))
            .unzip();
        Ok(Self {
            schema: Arc::new(Schema::new(target.wanted_fields())),
            root: Row::new(fields.into())?,
            is_wanted,
            walk: Walk { scalars: Scalars::new(options.timestamp_standard), options, left: 0 },
        })
    }
}

impl DeserializationSchema for JsonDecoder {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn append(&mut self, payload: Option<&[u8]>) -> Result<Rows, RowError> {
        let Some(message) = payload.filter(|message| !message.is_empty()) else {
            return Ok(Rows::NONE);
        };
        let before = self.rows();
        match self.walk.message(&mut self.root, message) {
            Ok(()) => Ok(Rows { count: self.rows() - before }),
            Err(fault) => {
                self.root.structs.truncate(before);
                if self.walk.options.ignore_parse_errors && fault.is_in_message() {
                    return Ok(Rows::NONE);
                }
                Err(fault.explain(message))
            }
        }
    }

    fn truncate(&mut self, rows: usize) {
        self.root.structs.truncate(rows);
    }

    fn rows(&self) -> usize {
        self.root.structs.len()
    }

    fn finish(&mut self) -> Result<Vec<ArrayRef>, Error> {
        let columns = self.root.structs.columns.iter_mut();
        let arrays = columns.map(ColumnBuilder::finish).collect::<Result<Vec<_>, _>>();
        self.root.structs.truncate(0);
        let arrays = arrays
            .map_err(|error| Error::schema("building columns from JSON").with_source(error))?;
        let wanted = arrays.into_iter().zip(&self.is_wanted).filter(|(_, is_wanted)| **is_wanted);
        Ok(wanted.map(|(array, _)| array).collect())
    }
}

/// The walk over one message. Everything it appends is taken back by whoever sees its error.
struct Walk {
    options: JsonOptions,
    scalars: Scalars,
    /// How many more values this message may become.
    left: usize,
}

impl Walk {
    fn message(&mut self, root: &mut Row, message: &[u8]) -> Result<(), Fault> {
        self.left = MAX_VALUES;
        // Once for the whole message: every string in it is then known to be UTF-8.
        let text = str::from_utf8(message).map_err(|error| Fault::not_utf8(error.valid_up_to()))?;
        let mut scanner = Scanner::new(text);
        match scanner.peek() {
            b'[' => self.rows(root, &mut scanner)?,
            _ => self.root_row(root, &mut scanner)?,
        }
        scanner.end()
    }

    /// Counts `values` of which a message may hold any number, unlike the columns of a single row.
    #[inline]
    fn spend(&mut self, values: usize, position: usize) -> Result<(), Fault> {
        match self.left.checked_sub(values) {
            Some(left) => self.left = left,
            None => return Err(Fault::too_many(position)),
        }
        Ok(())
    }

    /// An array whose elements are rows.
    fn rows(&mut self, root: &mut Row, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        scanner.open()?;
        if scanner.close(b']') {
            return Ok(());
        }
        loop {
            let (position, depth) = place(scanner);
            self.spend(root.width, position)?;
            let before = root.structs.len();
            match self.root_row(root, scanner) {
                Err(fault) if self.options.ignore_parse_errors && fault.is_confined() => {
                    root.structs.truncate(before);
                    scanner.rewind(position, depth);
                    scanner.skip_value()?;
                }
                outcome => outcome?,
            }
            if scanner.comma_or(b']')? {
                return Ok(());
            }
        }
    }

    /// An object that is a row, or `null`, which is none.
    fn root_row(&mut self, root: &mut Row, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        match scanner.peek() {
            b'{' => self.row(root, scanner),
            b'n' => scanner.token().map(|_| ()),
            _ => Err(Fault::value(scanner.position(), "an object")),
        }
    }

    /// An object, of which the brace was seen.
    fn row(&mut self, row: &mut Row, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let start = scanner.position();
        let filled = self.fields(row, scanner)?;
        if filled < row.structs.columns.len() {
            self.fill_missing(row, start)?;
        }
        row.structs.push();
        Ok(())
    }

    /// The fields of an object; returns how many columns have a value.
    fn fields(&mut self, row: &mut Row, scanner: &mut Scanner<'_>) -> Result<usize, Fault> {
        scanner.open()?;
        let mut filled = 0;
        if scanner.close(b'}') {
            return Ok(filled);
        }
        let len = row.structs.len();
        let mut previous = None;
        loop {
            let field = self.name(row, scanner, previous)?;
            scanner.colon()?;
            previous = field.or(previous);
            let column = field.and_then(|field| row.names.column(field));
            match column.and_then(|index| Some((index, row.structs.columns.get_mut(index)?))) {
                Some((index, column)) => {
                    if column.len() == len {
                        filled += 1;
                    } else {
                        // The last of several fields with one name is the one that counts.
                        column.truncate(len);
                    }
                    let outcome = self.value_or_null(column, scanner);
                    outcome.map_err(|fault| fault.in_field(row.names.name(index)))?;
                }
                None => scanner.skip_value()?,
            }
            if scanner.comma_or(b'}')? {
                return Ok(filled);
            }
        }
    }

    /// Passes over a name and finds its field.
    #[inline]
    fn name(
        &mut self,
        row: &mut Row,
        scanner: &mut Scanner<'_>,
        previous: Option<names::Field>,
    ) -> Result<Option<names::Field>, Fault> {
        scanner.peek();
        if let Some((field, quoted)) = row.names.predict(previous)
            && scanner.eat_exact(quoted)
        {
            return Ok(Some(field));
        }
        let name = scanner.name()?;
        if !name.has_escapes {
            return Ok(row.names.find(name.text, previous));
        }
        let mut text = Vec::new();
        unescape(name.text, &mut text);
        Ok(row.names.find(&text, previous))
    }

    /// Appends NULL to the columns that the object at `start` did not name.
    #[cold]
    fn fill_missing(&mut self, row: &mut Row, start: usize) -> Result<(), Fault> {
        let len = row.structs.len();
        for (index, column) in row.structs.columns.iter_mut().enumerate() {
            if column.len() > len {
                continue;
            }
            let outcome = if self.options.fail_on_missing_field {
                Err(Fault::missing(start))
            } else {
                column.null(start)
            };
            outcome.map_err(|fault| fault.in_field(row.names.name(index)))?;
        }
        Ok(())
    }

    /// Appends a value. Where parse errors are ignored, one that its column does not take becomes NULL.
    #[inline]
    fn value_or_null(&mut self, node: &mut Node, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        if !self.options.ignore_parse_errors {
            return self.value(node, scanner);
        }
        let (position, depth) = place(scanner);
        let len = node.len();
        match self.value(node, scanner) {
            Err(fault) if fault.is_confined() => {
                node.truncate(len);
                scanner.rewind(position, depth);
                scanner.skip_value()?;
                node.null(position)
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn value(&mut self, node: &mut Node, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let first = scanner.peek();
        let position = scanner.position();
        if first == b'n' {
            scanner.token()?;
            return node.null(position);
        }
        match &mut node.kind {
            Kind::List(lists) => self.list(lists, scanner),
            Kind::Map(maps) => self.map(maps, scanner),
            Kind::Row(row) if first == b'{' => self.row(row, scanner),
            Kind::Row(_) => Err(Fault::value(position, "an object for ROW")),
            Kind::Scalar(column) => {
                if self.scalars.append(column, scanner)? {
                    return Ok(());
                }
                node.null(position)
            }
        }
    }

    fn list(&mut self, lists: &mut Lists<Node>, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        if scanner.peek() != b'[' {
            return Err(Fault::value(scanner.position(), "an array for ARRAY"));
        }
        scanner.open()?;
        let mut index = 0;
        let mut is_closed = scanner.close(b']');
        while !is_closed {
            self.spend(lists.element.width, scanner.position())?;
            let outcome = self.value_or_null(&mut lists.element, scanner);
            outcome.map_err(|fault| fault.in_element(index))?;
            is_closed = scanner.comma_or(b']')?;
            index += 1;
        }
        lists.push();
        Ok(())
    }

    fn map(&mut self, maps: &mut Maps<Node>, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        if scanner.peek() != b'{' {
            return Err(Fault::value(scanner.position(), "an object for MAP or MULTISET"));
        }
        let (position, depth) = place(scanner);
        self.entries(maps, scanner, &[])?;
        let superseded = maps.superseded();
        if !superseded.is_empty() {
            maps.truncate_entries(maps.closed());
            scanner.rewind(position, depth);
            self.entries(maps, scanner, &superseded)?;
        }
        maps.push();
        Ok(())
    }

    /// The entries of a map, without those at the positions in `left_out`, which ascend.
    fn entries(
        &mut self,
        maps: &mut Maps<Node>,
        scanner: &mut Scanner<'_>,
        left_out: &[usize],
    ) -> Result<(), Fault> {
        scanner.open()?;
        let mut left_out = left_out.iter().peekable();
        let mut index = 0;
        let mut is_closed = scanner.close(b'}');
        while !is_closed {
            let key = scanner.name()?;
            scanner.colon()?;
            if left_out.next_if_eq(&&index).is_some() {
                scanner.skip_value()?;
            } else {
                self.spend(1 + maps.value.width, scanner.position())?;
                push_text(&mut maps.keys, key);
                let outcome = self.value_or_null(&mut maps.value, scanner);
                outcome.map_err(|fault| fault.in_field(&String::from_utf8_lossy(key.text)))?;
            }
            is_closed = scanner.comma_or(b'}')?;
            index += 1;
        }
        Ok(())
    }
}

/// Where the next value starts, for a return to it.
fn place(scanner: &mut Scanner<'_>) -> (usize, usize) {
    scanner.peek();
    (scanner.position(), scanner.depth())
}

#[cfg(test)]
mod tests;

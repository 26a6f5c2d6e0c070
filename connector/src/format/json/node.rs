//! The columns of a table as the tree that its messages are.

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, DataType, Field, Fields};

use crate::error::Error;
use crate::format::column::{Column, ColumnBuilder, Lists, Maps, Structs};
use crate::format::json::fault::Fault;
use crate::format::json::names::Names;

/// A column and whether it takes NULL.
pub(super) struct Node {
    is_nullable: bool,
    pub(super) kind: Kind,
    /// How many values without parts one of its values is at least.
    pub(super) width: usize,
}

pub(super) enum Kind {
    List(Box<Lists<Node>>),
    Map(Box<Maps<Node>>),
    Row(Box<Row>),
    Scalar(Column),
}

/// A row, which may be the whole message.
pub(super) struct Row {
    pub(super) names: Names,
    pub(super) structs: Structs<Node>,
    /// How many values without parts one row is at least.
    pub(super) width: usize,
}

impl Node {
    pub(super) fn new(field: &Field) -> Result<Self, Error> {
        let kind = Kind::new(field)?;
        let width = match &kind {
            Kind::Row(row) => row.width,
            Kind::List(_) | Kind::Map(_) | Kind::Scalar(_) => 1,
        };
        Ok(Self { is_nullable: field.is_nullable(), kind, width })
    }

    /// Appends NULL if the column takes it.
    #[inline]
    pub(super) fn null(&mut self, position: usize) -> Result<(), Fault> {
        if !self.is_nullable {
            return Err(Fault::null(position));
        }
        self.push_null();
        Ok(())
    }
}

impl Kind {
    fn new(field: &Field) -> Result<Self, Error> {
        Ok(match field.data_type() {
            DataType::List(element) => {
                Self::List(Box::new(Lists::new(element.clone(), Node::new(element)?)))
            }
            DataType::Map(entries, _) => {
                let (fields, value) = map_fields(field.name(), entries)?;
                Self::Map(Box::new(Maps::new(entries.clone(), fields.clone(), Node::new(value)?)))
            }
            DataType::Struct(fields) => Self::Row(Box::new(Row::new(fields.clone())?)),
            data_type => Self::Scalar(Column::new(data_type).ok_or_else(|| {
                Error::unsupported(format!("json type of column {}", field.name()), data_type)
            })?),
        })
    }
}

impl Row {
    pub(super) fn new(fields: Fields) -> Result<Self, Error> {
        let columns = fields.iter().map(|field| Node::new(field));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let names = Names::new(fields.iter().map(|field| field.name().as_str()));
        let width = 1 + columns.iter().map(|column| column.width).sum::<usize>();
        Ok(Self { names, structs: Structs::new(fields, columns), width })
    }
}

/// The parts of a map's entries, of which the key must be text, and the value among them.
pub(super) fn map_fields<'f>(
    column: &str,
    entries: &'f Field,
) -> Result<(&'f Fields, &'f Field), Error> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Error::schema(format!("the map {column} has entries that are no rows")));
    };
    match &fields[..] {
        [key, value] if is_text(key.data_type()) => Ok((fields, value)),
        _ => Err(Error::schema(format!(
            "JSON format doesn't support non-string as key type of map. Column {column}: change the key type to STRING."
        ))),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

impl ColumnBuilder for Node {
    #[inline]
    fn len(&self) -> usize {
        match &self.kind {
            Kind::List(lists) => lists.len(),
            Kind::Map(maps) => maps.len(),
            Kind::Row(row) => row.structs.len(),
            Kind::Scalar(column) => column.len(),
        }
    }

    fn truncate(&mut self, len: usize) {
        match &mut self.kind {
            Kind::List(lists) => lists.truncate(len),
            Kind::Map(maps) => maps.truncate(len),
            Kind::Row(row) => row.structs.truncate(len),
            Kind::Scalar(column) => column.truncate(len),
        }
    }

    fn push_null(&mut self) {
        match &mut self.kind {
            Kind::List(lists) => lists.push_null(),
            Kind::Map(maps) => maps.push_null(),
            Kind::Row(row) => row.structs.push_null(),
            Kind::Scalar(column) => column.push_null(),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        match &mut self.kind {
            Kind::List(lists) => lists.finish(),
            Kind::Map(maps) => maps.finish(),
            Kind::Row(row) => row.structs.finish(),
            Kind::Scalar(column) => column.finish(),
        }
    }
}

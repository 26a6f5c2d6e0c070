//! What the elements of one `CREATE TABLE` may say about each other.

use sqlparser::tokenizer::Location;

use super::cursor::ddl;
use super::table_definition::{ColumnKind, TableDefinition};
use super::types::{DataType, TypeRoot};
use crate::error::Error;
use crate::suggest::did_you_mean;

/// Where the elements stand in the statement, for errors about them.
#[derive(Default)]
pub(super) struct Positions {
    /// One for each column, in order.
    pub(super) columns: Vec<Location>,
    pub(super) primary_key: Option<Location>,
    pub(super) watermark: Option<Location>,
}

impl Positions {
    /// Checks names and types across elements; columns of the primary key become NOT NULL.
    pub(super) fn check(&self, table: &mut TableDefinition) -> Result<(), Error> {
        self.check_names(table)?;
        self.check_key(table)?;
        self.check_watermark(table)
    }

    fn check_names(&self, table: &TableDefinition) -> Result<(), Error> {
        for (index, (column, at)) in table.columns.iter().zip(&self.columns).enumerate() {
            let before = table.columns.get(..index).unwrap_or_default();
            if before.iter().any(|other| other.name == column.name) {
                return Err(ddl(*at, format_args!("column \"{}\" is declared twice", column.name)));
            }
        }
        Ok(())
    }

    fn check_key(&self, table: &mut TableDefinition) -> Result<(), Error> {
        let (Some(key), Some(at)) = (&table.primary_key, self.primary_key) else { return Ok(()) };
        for (index, name) in key.columns.iter().enumerate() {
            if key.columns.iter().take(index).any(|other| other == name) {
                return Err(ddl(
                    at,
                    format_args!("column \"{name}\" appears twice in the PRIMARY KEY"),
                ));
            }
            let hint = hint(table, name);
            let Some(column) = table.columns.iter_mut().find(|column| column.name == *name) else {
                return Err(ddl(
                    at,
                    format_args!("the PRIMARY KEY names \"{name}\", which is no column{hint}"),
                ));
            };
            let ColumnKind::Physical { data_type } = &mut column.kind else {
                let message = format!(
                    "column \"{name}\" cannot be in the PRIMARY KEY: it is not a physical column"
                );
                return Err(ddl(at, message));
            };
            data_type.nullable = false;
        }
        Ok(())
    }

    fn check_watermark(&self, table: &TableDefinition) -> Result<(), Error> {
        let (Some(watermark), Some(at)) = (&table.watermark, self.watermark) else { return Ok(()) };
        let Some((name, path)) = watermark.column.split_first() else { return Ok(()) };
        let Some(column) = table.column(name) else {
            let hint = hint(table, name);
            return Err(ddl(
                at,
                format_args!("the WATERMARK names \"{name}\", which is no column{hint}"),
            ));
        };
        // What a computed column yields only the query engine knows.
        let Some(data_type) = column.data_type() else { return Ok(()) };
        let mut field = data_type;
        for step in path {
            field = inner(field, step).ok_or_else(|| {
                ddl(at, format_args!("the WATERMARK names a field \"{step}\" that {name} ({data_type}) does not have"))
            })?;
        }
        match field.root {
            TypeRoot::Timestamp(0..=3) | TypeRoot::TimestampLtz(0..=3) => Ok(()),
            _ => Err(ddl(
                at,
                format_args!(
                    "Invalid data type of time field for watermark definition. The field must be of type \
                     TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3, but \"{}\" is {field}",
                    watermark.column.join(".")
                ),
            )),
        }
    }
}

fn inner<'t>(data_type: &'t DataType, field: &str) -> Option<&'t DataType> {
    let TypeRoot::Row(fields) = &data_type.root else { return None };
    fields.iter().find(|candidate| candidate.name == field).map(|field| &field.data_type)
}

fn hint(table: &TableDefinition, name: &str) -> String {
    did_you_mean(name, table.columns.iter().map(|column| column.name.as_str()))
}

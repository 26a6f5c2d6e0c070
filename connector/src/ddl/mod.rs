//! Flink's `CREATE TABLE`: the text a user writes, the [`TableDefinition`] it means, and the types of its columns.

mod check;
mod cursor;
mod display;
mod parse;
mod parse_type;
mod table_definition;
mod types;

pub use self::parse::parse_create_table;
pub use self::table_definition::{
    Column, ColumnKind, ObjectPath, PrimaryKey, TableDefinition, WatermarkDefinition,
};
pub use self::types::{DataType, IntervalField, IntervalType, RowField, TypeRoot};

#[cfg(test)]
mod tests;

//! Kafka topics as Arrow tables with the semantics of Flink's Kafka SQL connector.

pub mod ddl;
mod error;
mod options;
mod suggest;

pub use crate::ddl::{
    Column, ColumnKind, DataType, IntervalField, IntervalType, ObjectPath, PrimaryKey, RowField,
    TableDefinition, TypeRoot, WatermarkDefinition, parse_create_table,
};
pub use crate::error::{Error, ErrorKind, RowError};

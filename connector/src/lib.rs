//! Kafka topics as Arrow tables with the semantics of Flink's Kafka SQL connector.

pub mod ddl;
mod error;

pub use crate::ddl::{
    Column, ColumnKind, DataType, IntervalField, IntervalType, ObjectPath, PrimaryKey, RowField,
    TableDefinition, TypeRoot, WatermarkDefinition,
};
pub use crate::error::{Error, ErrorKind, RowError};

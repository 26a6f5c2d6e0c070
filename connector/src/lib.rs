//! Kafka topics as Arrow tables with the semantics of Flink's Kafka SQL connector.

mod cast;
mod clients;
pub mod ddl;
mod error;
pub mod format;
mod options;
mod schema;
mod sink;
mod source;
mod suggest;
mod table;

pub use kavka_client as client;

pub use crate::clients::Clients;
pub use crate::ddl::{
    Column, ColumnKind, DataType, IntervalField, IntervalType, ObjectPath, PrimaryKey, RowField,
    TableDefinition, TypeRoot, WatermarkDefinition, parse_create_table,
};
pub use crate::error::{Error, ErrorKind, RowError};
pub use crate::options::{OptionDef, OptionKind, OptionRole, option_definitions};
pub use crate::schema::{METADATA_KEY, METADATA_VIRTUAL, MetadataKey};
pub use crate::sink::{DeliveryGuarantee, SinkPartitioner, SinkWriter};
pub use crate::source::{
    BoundedMode, ReaderSpec, SourceBatch, SourceOptions, SourcePlan, SourceProgress, SourceReader,
    Split, StartupMode,
};
pub use crate::table::Table;

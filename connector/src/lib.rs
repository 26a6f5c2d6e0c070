//! Kafka topics as Arrow tables with the semantics of Flink's Kafka SQL connector.
//!
//! [`parse_create_table`] reads Flink's DDL, [`Table::create`] checks what it declares, and a [`Table`] is then planned
//! to [`Split`]s and read by [`SourceReader`]s, or written by [`SinkWriter`]s.
//!
//! ```no_run
//! # async fn example() -> Result<(), kavka_connector::Error> {
//! use kavka_connector::client::Properties;
//! use kavka_connector::{Clients, ReaderSpec, SourceOptions, Table, parse_create_table};
//!
//! let definition = parse_create_table(
//!     "CREATE TABLE orders (
//!        id BIGINT,
//!        price DECIMAL(10, 2),
//!        written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
//!      ) WITH (
//!        'connector' = 'kafka',
//!        'topic' = 'orders',
//!        'properties.bootstrap.servers' = 'localhost:9092',
//!        'scan.startup.mode' = 'earliest-offset',
//!        'scan.bounded.mode' = 'latest-offset',
//!        'format' = 'json'
//!      )",
//! )?;
//! let table = Table::create(definition, &Properties::new())?;
//! let clients = Clients::default();
//! let plan = table.plan_source(&clients, &SourceOptions::default()).await?;
//! let projection = (0..table.schema().fields().len()).collect();
//! let spec = ReaderSpec { splits: plan.splits, projection, ..ReaderSpec::default() };
//! let mut reader = table.reader(&clients, spec)?;
//! while let Some(read) = reader.next().await? {
//!     println!("{} rows, {:?}", read.batch.num_rows(), read.progress);
//! }
//! # Ok(())
//! # }
//! ```

mod cast;
mod clients;
pub mod ddl;
mod error;
pub mod format;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
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
pub use crate::sink::{SinkPartitioner, SinkWriter};
pub use crate::source::{
    BoundedMode, Discovery, PassedOver, ReaderSpec, SourceBatch, SourceOptions, SourcePlan,
    SourceProgress, SourceReader, Split, StartupMode,
};
pub use crate::table::Table;

//! Kafka tables in DataFusion: Flink statements in, Arrow batches out.
//!
//! [`SqlContext`] is a session. Its tables come from Flink's `CREATE TABLE`, its queries are planned and run by
//! DataFusion over scans and sinks that stand directly on `kavka-connector`.

mod batch_size_exec;
mod batches;
mod column_names;
mod context;
mod depth;
mod describe;
mod discovery;
mod error;
mod flink_syntax;
mod functions;
mod implicit_casts;
mod insert;
mod latency_rule;
mod lexer;
mod map_literals;
mod memory;
mod merge_exec;
mod names;
mod nearest;
mod parse;
mod positional;
mod progress;
mod pushdown;
mod read_exec;
mod read_stream;
mod result;
mod row_limit;
mod row_order;
mod session;
mod settings;
mod sink_rule;
mod splits;
mod statement;
mod table;
mod time_pattern;
mod time_zone_rule;
mod types;
mod unary;
mod unbounded_rule;
mod write_exec;

pub use kavka_connector as connector;

pub use crate::context::{SqlContext, SqlOptions};
pub use crate::error::{Error, ErrorKind, Position};
pub use crate::progress::QueryProgress;
pub use crate::result::{RowStream, StatementResult};
pub use crate::statement::{Statement, is_complete, parse_script};

//! What a statement gives back.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt};

use crate::error::Error;
use crate::progress::QueryProgress;

/// What a statement gives back. Dropping the stream inside ends the statement.
#[derive(Debug)]
pub enum StatementResult {
    /// It is done; a sentence for whoever watches.
    Done(String),
    /// Rows.
    Rows {
        /// The columns.
        schema: SchemaRef,
        /// The rows, as they come.
        stream: RowStream,
        /// Whether all tables that are read have an end. Where not, rows come one by one for as long as there are
        /// new ones, or until a LIMIT is reached.
        is_bounded: bool,
        /// How far the query is.
        progress: Arc<QueryProgress>,
    },
    /// An INSERT, which writes while its stream is polled.
    Insert {
        /// One row with one column `count`, the number of rows written and acknowledged, when all are.
        stream: RowStream,
        /// Whether all tables that are read have an end. Where not, the INSERT runs until it is dropped.
        is_bounded: bool,
        /// How far the INSERT is.
        progress: Arc<QueryProgress>,
    },
}

/// A stream of batches, with errors freed from the engine's wrappers.
pub struct RowStream(SendableRecordBatchStream);

impl RowStream {
    pub(crate) fn new(stream: SendableRecordBatchStream) -> Self {
        Self(stream)
    }

    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

impl Stream for RowStream {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context).map(|item| item.map(|batch| batch.map_err(Error::from)))
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("schema", &self.0.schema()).finish()
    }
}

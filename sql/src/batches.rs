//! [`Batches`]: rows that a program makes, as a table that can be read once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

/// Batches as they are asked for.
type Source = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Yields batches of a program to the first statement that reads it.
pub(crate) struct Batches {
    name: String,
    schema: SchemaRef,
    source: Mutex<Option<Source>>,
}

impl Batches {
    pub(crate) fn new(
        name: &str,
        schema: SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
    ) -> Self {
        Self { name: name.to_owned(), schema, source: Mutex::new(Some(Box::new(batches))) }
    }
}

impl PartitionStream for Batches {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        let batches = match source {
            Some(source) => source,
            None => Box::new(std::iter::once(Err(ArrowError::ExternalError(
                format!("{} was read before; its rows come only once", self.name).into(),
            )))),
        };
        let batches = batches.map(|batch| batch.map_err(DataFusionError::from));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(batches)))
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("name", &self.name).finish_non_exhaustive()
    }
}

//! [`KafkaSinkExec`]: `INSERT INTO` a Kafka table, with one writer for each partition of its input.

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{TryStreamExt, stream};
use kavka_connector::SinkWriter;

use crate::error::{Error, ErrorKind};
use crate::progress::QueryProgress;
use crate::table::KafkaSource;
use crate::types::flink_name;
use crate::unary::{only_child, unary_node};

/// The one column of an INSERT's result: how many rows a writer has written and seen acknowledged.
pub(crate) static COUNT_SCHEMA: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(Schema::new(vec![Field::new("count", DataType::UInt64, false)])));

/// Writes its input to a table and yields the number of rows, once for each writer.
#[derive(Clone, Debug)]
pub(crate) struct KafkaSinkExec {
    input: Arc<dyn ExecutionPlan>,
    sink: KafkaSource,
    schema: SchemaRef,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl KafkaSinkExec {
    /// The columns of `input` are those of `schema`, the table's sink schema, by position.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, sink: KafkaSource, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(COUNT_SCHEMA.clone()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            input.boundedness(),
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Self { input, sink, schema, metrics, properties: Arc::new(properties) }
    }

    pub(crate) fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// `sink.parallelism`, where the table says it.
    pub(crate) fn parallelism(&self) -> Option<usize> {
        self.sink.table().sink_parallelism()
    }

    fn writers(&self) -> usize {
        self.properties.partitioning.partition_count()
    }
}

impl DisplayAs for KafkaSinkExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (table, writers) = (self.sink.name(), self.writers());
        write!(f, "KafkaSinkExec: table={table}, writers={writers}, columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for KafkaSinkExec {
    fn name(&self) -> &'static str {
        "KafkaSinkExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    unary_node!();

    /// Records are written in the order of the rows, so an ORDER BY is not for nothing.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = only_child("KafkaSinkExec", children)?;
        Ok(Arc::new(Self::new(input, self.sink.clone(), Arc::clone(&self.schema))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition >= self.writers() {
            return internal_err!("KafkaSinkExec has no partition {partition}");
        }
        let progress = context.session_config().get_extension::<QueryProgress>();
        let writing = Writing {
            input: self.input.execute(partition, context)?,
            sink: self.sink.clone(),
            schema: Arc::clone(&self.schema),
            writer: partition,
            writers: self.writers(),
            progress: progress.unwrap_or_default(),
            rows_written: MetricBuilder::new(&self.metrics).counter("rows_written", partition),
        };
        let stream = stream::once(writing.run());
        Ok(Box::pin(RecordBatchStreamAdapter::new(COUNT_SCHEMA.clone(), stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

/// One writer at work.
struct Writing {
    input: SendableRecordBatchStream,
    sink: KafkaSource,
    schema: SchemaRef,
    writer: usize,
    writers: usize,
    progress: Arc<QueryProgress>,
    rows_written: Count,
}

impl Writing {
    /// Writes all rows and waits until they are acknowledged; yields their number.
    async fn run(mut self) -> Result<RecordBatch> {
        let mut writer = self.sink.writer(self.writer, self.writers).await?;
        while let Some(batch) = self.next(&mut writer).await? {
            let batch = conform(&batch, &self.schema, self.sink.name())?;
            let bytes = writer.bytes();
            writer.write(&batch).await.map_err(Error::from)?;
            self.account(batch.num_rows(), writer.bytes().saturating_sub(bytes));
        }
        writer.flush().await.map_err(Error::from)?;
        let count = UInt64Array::from_value(self.rows_written.value() as u64, 1);
        Ok(RecordBatch::try_new(COUNT_SCHEMA.clone(), vec![Arc::new(count)])?)
    }

    /// The next rows; `None` where they end, or are to end. While they are waited for, `writer` may report that earlier
    /// ones were refused.
    async fn next(&mut self, writer: &mut SinkWriter) -> Result<Option<RecordBatch>> {
        tokio::select! {
            biased;
            failure = writer.failure() => Err(Error::from(failure).into()),
            () = self.progress.insert_is_ending() => Ok(None),
            batch = self.input.try_next() => batch,
        }
    }

    fn account(&self, rows: usize, bytes: u64) {
        self.rows_written.add(rows);
        self.progress.add_written(rows as u64, bytes);
    }
}

/// `batch` with the types of `schema`, column by column.
///
/// # Errors
/// A null in a column that is NOT NULL, by name; a value that does not fit its column's type.
fn conform(batch: &RecordBatch, schema: &SchemaRef, table: &str) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Result<Vec<_>> =
        columns.map(|(column, field)| conform_column(column, field, table)).collect();
    Ok(RecordBatch::try_new(Arc::clone(schema), columns?)?)
}

fn conform_column(column: &ArrayRef, field: &Field, table: &str) -> Result<ArrayRef> {
    if !field.is_nullable() && column.logical_null_count() > 0 {
        let message = format!(
            "column {} of table {table} is NOT NULL, and a row to insert has no value for it",
            field.name()
        );
        return Err(Error::new(ErrorKind::Engine, message).into());
    }
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, field.data_type(), &strict).map_err(|error| {
        let (name, data_type) = (field.name(), flink_name(field.data_type()));
        let problem = Error::from(DataFusionError::from(error));
        let message = format!(
            "column {name} of table {table} is {data_type}, and a row to insert does not fit: {problem}"
        );
        Error::new(ErrorKind::Engine, message).into()
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int8Array, Int32Array};

    use super::*;

    fn batch(values: Vec<Option<i32>>) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("a", DataType::Int32, true)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int32Array::from(values))]).unwrap()
    }

    #[test]
    fn a_null_in_a_not_null_column_is_refused_by_name() {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
        let error = conform(&batch(vec![Some(1), None]), &schema, "orders").unwrap_err();
        assert_eq!(
            Error::from(error).to_string(),
            "column id of table orders is NOT NULL, and a row to insert has no value for it"
        );
    }

    #[test]
    fn columns_take_the_sinks_types() {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int8, true)]));
        let conformed = conform(&batch(vec![Some(7), None]), &schema, "orders").unwrap();
        let expected: ArrayRef = Arc::new(Int8Array::from(vec![Some(7), None]));
        assert_eq!(conformed.column(0), &expected);
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_with_the_name_of_its_column() {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int8, true)]));
        let error = conform(&batch(vec![Some(7), Some(128)]), &schema, "orders").unwrap_err();
        let message = Error::from(error).to_string();
        let expected = "column a of table orders is TINYINT, and a row to insert does not fit: ";
        assert!(message.starts_with(expected) && message.contains("128"), "{message}");
    }
}

//! [`KafkaReadExec`]: the scan of a Kafka table as a plan node over the rows that describe its splits.

use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::{
    Boundedness, CardinalityEffect, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use kavka_connector::{Discovery, Split};

use crate::progress::QueryProgress;
use crate::read_stream::{ReadContext, read_splits};
use crate::row_limit::RowLimit;
use crate::splits::{offsets, visible_splits};
use crate::table::KafkaSource;
use crate::unary::{only_child, unary_node};

/// What a scan makes of the records it reads.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) source: KafkaSource,
    /// The columns to decode, as indices into the table's schema.
    pub(crate) columns: Vec<usize>,
    /// Which rows to keep; its columns are indices into `columns`.
    pub(crate) predicate: Option<Arc<dyn PhysicalExpr>>,
    /// The columns to hand on, as indices into `columns`.
    pub(crate) projection: Vec<usize>,
    /// What comes out.
    pub(crate) schema: SchemaRef,
    pub(crate) is_bounded: bool,
    /// How its first reader learns of new partitions.
    pub(crate) discovery: Option<Discovery>,
}

/// Reads the splits that its input's rows describe; each partition of the input is one reader.
///
/// Filters run here, right behind the decoder, so that a matching row of a quiet topic is handed on at once.
#[derive(Clone, Debug)]
pub(crate) struct KafkaReadExec {
    input: Arc<dyn ExecutionPlan>,
    scan: Scan,
    limit: Option<RowLimit>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl KafkaReadExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, scan: Scan) -> Self {
        Self::build(input, scan, None)
    }

    fn build(input: Arc<dyn ExecutionPlan>, scan: Scan, limit: Option<RowLimit>) -> Self {
        // A scan with a limit ends by itself, as any node with a limit does.
        let ends = scan.is_bounded || limit.is_some();
        let boundedness = match ends {
            true => Boundedness::Bounded,
            false => Boundedness::Unbounded { requires_infinite_memory: false },
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema.clone()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            boundedness,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let metrics = ExecutionPlanMetricsSet::new();
        Self { input, scan, limit, metrics, properties: Arc::new(properties) }
    }

    /// The table that is read.
    pub(crate) fn table(&self) -> &str {
        self.scan.source.name()
    }

    /// Whether the splits themselves have an end, with or without a limit.
    pub(crate) fn is_bounded(&self) -> bool {
        self.scan.is_bounded
    }

    /// How many offsets there are to read, if that is known.
    pub(crate) fn total_offsets(&self) -> Option<u64> {
        let groups = visible_splits(self.input.as_ref())?;
        groups.iter().flatten().map(offsets).sum()
    }
}

impl DisplayAs for KafkaReadExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KafkaReadExec: table={}, splits=", self.table())?;
        match visible_splits(self.input.as_ref()) {
            Some(groups) => {
                write!(f, "[{}]", joined(groups.iter().map(|group| group_text(group))))?
            }
            None => f.write_str("?")?,
        }
        let names = self.scan.schema.fields().iter().map(|field| field.name().clone());
        write!(f, ", projection=[{}]", joined(names))?;
        if let Some(predicate) = &self.scan.predicate {
            write!(f, ", filter={predicate}")?;
        }
        if let Some(limit) = &self.limit {
            write!(f, ", limit={}", limit.rows())?;
        }
        Ok(())
    }
}

fn group_text(group: &[Split]) -> String {
    format!("[{}]", joined(group.iter().map(Split::to_string)))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

impl ExecutionPlan for KafkaReadExec {
    fn name(&self) -> &'static str {
        "KafkaReadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    unary_node!();

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.scan.predicate.as_ref().map_or(Ok(TreeNodeRecursion::Continue), f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let limit = self.limit.as_ref().map(RowLimit::renewed);
        Ok(Arc::new(Self::build(only_child("KafkaReadExec", children)?, self.scan.clone(), limit)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition >= self.properties.partitioning.partition_count() {
            return internal_err!("KafkaReadExec has no partition {partition}");
        }
        let config = context.session_config();
        let read = ReadContext {
            scan: self.scan.clone(),
            limit: self.limit.clone(),
            batch_size: config.batch_size(),
            progress: config.get_extension::<QueryProgress>().unwrap_or_default(),
            metrics: self.metrics.clone(),
            partition,
        };
        let stream = read_splits(self.input.execute(partition, context)?, read);
        let stream = RecordBatchStreamAdapter::new(self.scan.schema.clone(), Box::pin(stream));
        Ok(Box::pin(cooperative(stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.scan.schema);
        if let (None, Some(rows)) = (arguments.partition(), self.total_offsets()) {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            let limit = self.limit.as_ref().map_or(rows, RowLimit::rows);
            statistics.num_rows = Precision::Inexact(rows.min(limit));
        }
        Ok(Arc::new(statistics))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let limit = limit.map(RowLimit::new);
        Some(Arc::new(Self::build(Arc::clone(&self.input), self.scan.clone(), limit)))
    }

    fn fetch(&self) -> Option<usize> {
        self.limit.as_ref().map(RowLimit::rows)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::GreaterEqual
    }
}

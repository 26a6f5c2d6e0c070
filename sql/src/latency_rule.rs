//! What a table without an end yields is handed on at once.
//!
//! The engine's filters and joins gather rows until they have a full batch, also while their input is waiting: on a
//! quiet topic nothing would be seen. Most filters run inside of the scan; the others, such as one over unnested
//! arrays, are replaced. Joins run with batches of one row, their inputs with batches of the usual size.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ReplaceChildrenOptions, replace_children_if_necessary,
};
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, TryStreamExt};

use crate::batch_size_exec::BatchSizeExec;
use crate::unary::{only_child, rows_that_meet, unary_node};
use crate::unbounded_rule::reads_forever;

/// Replaces each filter over an unbounded scan, and encloses each join over one.
#[derive(Debug)]
pub(crate) struct StreamLatencyRule;

impl PhysicalOptimizerRule for StreamLatencyRule {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let batch_size = config.execution.batch_size.get();
        plan.transform_up(|node| {
            if !reads_forever(node.as_ref()) {
                return Ok(Transformed::no(node));
            }
            match node.downcast_ref::<FilterExec>() {
                Some(filter) => Ok(Transformed::yes(streaming(filter))),
                None if GATHERING.contains(&node.name()) => enclosed(node, batch_size),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "StreamLatencyRule"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// `node` with batches of one row, between inputs and an output with batches of `batch_size`.
fn enclosed(
    node: Arc<dyn ExecutionPlan>,
    batch_size: usize,
) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let usual = |child: &Arc<dyn ExecutionPlan>| {
        Arc::new(BatchSizeExec::new(Arc::clone(child), batch_size)) as Arc<dyn ExecutionPlan>
    };
    let children = node.children().into_iter().map(usual).collect();
    let node = replace_children_if_necessary(node, children)?;
    Ok(Transformed::yes(Arc::new(BatchSizeExec::new(node, 1))))
}

fn streaming(filter: &FilterExec) -> Arc<dyn ExecutionPlan> {
    let streaming = Arc::new(StreamFilterExec {
        input: Arc::clone(filter.input()),
        predicate: Arc::clone(filter.predicate()),
        projection: filter.projection().as_ref().map(|columns| columns.to_vec()),
        metrics: ExecutionPlanMetricsSet::new(),
        properties: Arc::clone(filter.properties()),
    });
    match filter.fetch() {
        Some(rows) => Arc::new(LocalLimitExec::new(streaming, rows)),
        None => streaming,
    }
}

/// A filter that never holds a row back.
#[derive(Clone, Debug)]
struct StreamFilterExec {
    input: Arc<dyn ExecutionPlan>,
    predicate: Arc<dyn PhysicalExpr>,
    /// The columns of the input to hand on; `None` for all.
    projection: Option<Vec<usize>>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for StreamFilterExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamFilterExec: {}", self.predicate)
    }
}

impl ExecutionPlan for StreamFilterExec {
    fn name(&self) -> &'static str {
        "StreamFilterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    unary_node!();

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        f(&self.predicate)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let predicate = Arc::clone(&self.predicate);
        let filter = FilterExecBuilder::new(predicate, only_child("StreamFilterExec", children)?)
            .apply_projection(self.projection.clone())?
            .build()?;
        Ok(streaming(&filter))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let filtering = Filtering {
            input: self.input.execute(partition, context)?,
            predicate: Arc::clone(&self.predicate),
            projection: self.projection.clone(),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let stream = stream::try_unfold(filtering, Filtering::step);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

struct Filtering {
    input: SendableRecordBatchStream,
    predicate: Arc<dyn PhysicalExpr>,
    projection: Option<Vec<usize>>,
    metrics: BaselineMetrics,
}

impl Filtering {
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        while let Some(batch) = self.input.try_next().await? {
            let rows = self.filter(&batch)?;
            if rows.num_rows() > 0 {
                self.metrics.record_output(rows.num_rows());
                return Ok(Some((rows, self)));
            }
        }
        Ok(None)
    }

    fn filter(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let _timer = self.metrics.elapsed_compute().timer();
        let keep = rows_that_meet(&self.predicate, batch)?;
        match &self.projection {
            Some(columns) => Ok(filter_record_batch(&batch.project(columns)?, &keep)?),
            None => Ok(filter_record_batch(batch, &keep)?),
        }
    }
}

/// Nodes that fill a batch before they hand it on, whatever their input does.
const GATHERING: &[&str] = &[
    "AsyncFuncExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "SortMergeJoinExec",
];

#[cfg(test)]
mod tests;

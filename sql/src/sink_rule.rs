//! How many writers a sink has: `sink.parallelism`, else as many as its input has partitions, at most one per core.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::merge_exec::MergeExec;
use crate::write_exec::KafkaSinkExec;

/// Divides the input of each sink among its writers. It runs after the rules that place and remove repartitioning for
/// reasons of their own.
#[derive(Debug)]
pub(crate) struct SinkParallelismRule;

impl PhysicalOptimizerRule for SinkParallelismRule {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let cores = config.execution.target_partitions;
        plan.transform_up(|node| {
            let Some(sink) = node.downcast_ref::<KafkaSinkExec>() else {
                return Ok(Transformed::no(node));
            };
            let partitions = sink.input().output_partitioning().partition_count();
            let writers = sink.parallelism().unwrap_or(partitions.min(cores)).max(1);
            if writers == partitions {
                return Ok(Transformed::no(node));
            }
            let input = divide(Arc::clone(sink.input()), writers)?;
            Ok(Transformed::yes(replace_children_if_necessary(node, vec![input])?))
        })
        .data()
    }

    fn name(&self) -> &str {
        "SinkParallelismRule"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// More writers than partitions are what `sink.parallelism` asks for; only then is a partition divided.
fn divide(input: Arc<dyn ExecutionPlan>, parts: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if parts == 1 {
        return Ok(Arc::new(CoalescePartitionsExec::new(input)));
    }
    if parts < input.output_partitioning().partition_count() {
        return Ok(Arc::new(MergeExec::new(input, parts)));
    }
    Ok(Arc::new(RepartitionExec::try_new(input, Partitioning::RoundRobinBatch(parts))?))
}

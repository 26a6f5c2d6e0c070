//! Refuses, by name, what would need every row of a table that has no end.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::error::{Error, ErrorKind};
use crate::read_exec::KafkaReadExec;

/// Runs in front of the engine's own check, whose message names neither the table nor the way out.
#[derive(Debug)]
pub(crate) struct UnboundedRule;

impl PhysicalOptimizerRule for UnboundedRule {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check(plan.as_ref())?;
        Ok(plan)
    }

    fn name(&self) -> &str {
        "UnboundedRule"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether `plan` reads a table that has no end, be it under a limit.
pub(crate) fn reads_forever(plan: &dyn ExecutionPlan) -> bool {
    scans(plan).iter().any(|scan| !scan.is_bounded())
}

/// All Kafka scans of `plan`.
pub(crate) fn scans(plan: &dyn ExecutionPlan) -> Vec<&KafkaReadExec> {
    if let Some(scan) = plan.downcast_ref::<KafkaReadExec>() {
        return vec![scan];
    }
    plan.children().into_iter().flat_map(|child| scans(child.as_ref())).collect()
}

/// The innermost operator is blamed: it is the one whose input is the table.
fn check(plan: &dyn ExecutionPlan) -> Result<(), Error> {
    plan.children().into_iter().try_for_each(|child| check(child.as_ref()))?;
    let boundedness = plan.boundedness();
    let breaks = matches!(boundedness, Boundedness::Unbounded { requires_infinite_memory: true })
        || (boundedness.is_unbounded() && plan.pipeline_behavior() == EmissionType::Final);
    if breaks { Err(never_ends(plan)) } else { Ok(()) }
}

fn never_ends(plan: &dyn ExecutionPlan) -> Error {
    let scans = scans(plan);
    let mut tables: Vec<&str> =
        scans.iter().filter(|scan| !scan.is_bounded()).map(|scan| scan.table()).collect();
    tables.dedup();
    let message = format!(
        "this query would never end: {} needs every row of {}, which is read without an end; \
         SET 'execution.runtime-mode' = 'batch' reads what is there now, the table option \
         'scan.bounded.mode' gives the table an end",
        operation(plan.name()),
        tables.join(" and "),
    );
    Error::new(ErrorKind::NeverEnds, message)
}

/// What a plan node is called in SQL.
fn operation(node: &str) -> &str {
    match node {
        "AggregateExec" => "an aggregate (GROUP BY, DISTINCT or a function such as count)",
        "AnalyzeExec" => "EXPLAIN ANALYZE",
        _ if node.starts_with("SortExec") => "ORDER BY",
        "WindowAggExec" | "BoundedWindowAggExec" => "a window function",
        _ if node.contains("Join") => "a join",
        other => other,
    }
}

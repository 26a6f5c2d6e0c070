//! What our plan nodes, which have one input each, say in the same words.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use datafusion::common::assert_eq_or_internal_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;

/// The methods of an `ExecutionPlan` whose only child is its field `input`.
macro_rules! unary_node {
    () => {
        fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
            vec![&self.input]
        }

        fn with_new_children(
            self: Arc<Self>,
            children: Vec<Arc<dyn ExecutionPlan>>,
        ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
            use datafusion::physical_plan::execution_plan as plan;
            let mode = plan::ChildrenPropertiesMode::Recompute;
            self.replace_children(children, plan::ReplaceChildrenOptions::new(mode))
        }
    };
}

pub(crate) use unary_node;

/// The new child of the node called `name`.
pub(crate) fn only_child(
    name: &str,
    mut children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    assert_eq_or_internal_err!(children.len(), 1, "{name} has one child");
    Ok(children.swap_remove(0))
}

/// Which rows of `batch` meet the condition `predicate`.
pub(crate) fn rows_that_meet(
    predicate: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
) -> Result<BooleanArray> {
    let keep = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    keep.as_boolean_opt().cloned().ok_or_else(|| {
        DataFusionError::Internal(format!("the filter {predicate} is not a condition"))
    })
}

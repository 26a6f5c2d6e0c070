//! The rows of a partition keep their order on the way through a plan, unless the query gives that order up itself.

use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

/// Keeps the engine from dealing out the batches of one partition to several tasks, where `logical` would show it: in
/// the order of a result, or as an older value of a key that is written after a newer one.
///
/// Under an aggregate or a sort the order is gone anyway, and dealing out gives a topic of few partitions more cores.
pub(crate) fn keep_row_order(state: &mut SessionState, logical: &LogicalPlan) {
    if !gives_order_up(logical) {
        state.config_mut().options_mut().optimizer.enable_round_robin_repartition = false;
    }
}

/// Whether no row of `plan` comes out where it stood in a topic.
///
/// An INSERT never does: the columns it converts are a step of its own above a sort, and that step must not be
/// divided among writers.
fn gives_order_up(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) | LogicalPlan::Sort(_) => true,
        LogicalPlan::Dml(_) => false,
        other => {
            let inputs = other.inputs();
            !inputs.is_empty() && inputs.into_iter().all(gives_order_up)
        }
    }
}

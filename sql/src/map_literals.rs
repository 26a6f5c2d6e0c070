//! NULL among the keys or values of a map literal.

use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};

/// Gives each NULL of `MAP[…]` the type of its neighbours, which the engine does for some types only.
#[derive(Debug)]
pub(crate) struct MapLiterals;

impl ExprPlanner for MapLiterals {
    fn plan_make_map(&self, mut arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        type_nulls(&mut arguments, 0)?;
        type_nulls(&mut arguments, 1)?;
        Ok(PlannerResult::Original(arguments))
    }
}

/// Every second expression from `first` on belongs together.
fn type_nulls(arguments: &mut [Expr], first: usize) -> Result<()> {
    let known = arguments.iter().skip(first).step_by(2).find_map(|argument| match argument {
        Expr::Literal(value, _) if !value.is_null() => Some(value.data_type()),
        _ => None,
    });
    let Some(known) = known else {
        return Ok(());
    };
    for argument in arguments.iter_mut().skip(first).step_by(2) {
        if let Expr::Literal(value @ ScalarValue::Null, _) = argument {
            *value = ScalarValue::try_from(&known)?;
        }
    }
    Ok(())
}

//! Names that come again get a number, as in Flink.

use std::collections::HashSet;

use datafusion::common::Column;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

/// `plan` with a name of its own for each column: `SELECT *` over a join may have two called `id`, of which the
/// second becomes `id0`.
pub(crate) fn with_unique_names(plan: LogicalPlan) -> Result<LogicalPlan> {
    let schema = plan.schema();
    let mut taken: HashSet<String> =
        schema.fields().iter().map(|field| field.name().clone()).collect();
    if taken.len() == schema.fields().len() {
        return Ok(plan);
    }
    let mut seen = HashSet::new();
    let columns: Vec<Expr> = schema
        .iter()
        .map(|(qualifier, field)| {
            let column = Expr::Column(Column::from((qualifier, field)));
            match seen.insert(field.name().clone()) {
                true => column.alias(field.name()),
                false => column.alias(numbered(field.name(), &mut taken)),
            }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// `name` with the lowest number that makes it a name which is not taken; it then is.
pub(crate) fn numbered(name: &str, taken: &mut HashSet<String>) -> String {
    let mut names = (0..).map(|number: u64| format!("{name}{number}"));
    // There are more numbers than columns.
    names.find(|name| taken.insert(name.clone())).unwrap_or_default()
}

//! The session's time zone in conversions between instants and wall-clock times.
//!
//! A TIMESTAMP_LTZ travels as an instant in UTC, which the engine would also take for its wall clock. Flink reads and
//! writes it in the session's zone, so every cast between the two takes the way over that zone.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::functions::datetime::to_local_time;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, TryCast, cast, lit};
use datafusion::optimizer::AnalyzerRule;

/// Runs after type coercion, when every conversion is an explicit cast.
#[derive(Debug)]
pub(crate) struct TimeZoneRule;

impl AnalyzerRule for TimeZoneRule {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        match config.execution.time_zone.as_deref() {
            None | Some(UTC) => Ok(plan),
            Some(zone) => plan.transform_up_with_subqueries(|plan| convert_plan(plan, zone)).data(),
        }
    }

    fn name(&self) -> &str {
        "time_zone_rule"
    }
}

fn convert_plan(plan: LogicalPlan, zone: &str) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let converted = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let converted = expr.transform_up(|expr| convert(expr, &schema, zone))?;
        Ok(converted.update_data(|expr| name.restore(expr)))
    })?;
    if converted.transformed {
        converted.map_data(LogicalPlan::recompute_schema)
    } else {
        Ok(converted)
    }
}

fn convert(expr: Expr, schema: &DFSchema, zone: &str) -> Result<Transformed<Expr>> {
    match &expr {
        Expr::Cast(Cast { expr: inner, field }) | Expr::TryCast(TryCast { expr: inner, field }) => {
            let from = inner.get_type(schema)?;
            let Some(inner) = over_zone(inner, &from, field.data_type(), zone) else {
                return Ok(Transformed::no(expr));
            };
            let inner = Box::new(inner);
            let field = Arc::clone(field);
            Ok(Transformed::yes(match &expr {
                Expr::TryCast(_) => Expr::TryCast(TryCast { expr: inner, field }),
                _ => Expr::Cast(Cast { expr: inner, field }),
            }))
        }
        Expr::ScalarFunction(function) if WALL_CLOCK.contains(&function.name()) => {
            read_in_zone(function, schema, zone)
        }
        Expr::ScalarFunction(function)
            if function.name() == FROM_UNIXTIME && function.args.len() == 1 =>
        {
            Ok(Transformed::yes(since_epoch(function, zone)))
        }
        _ => Ok(Transformed::no(expr)),
    }
}

/// `inner` on its way from `from` to `to`, where exactly one of the two is an instant.
fn over_zone(inner: &Expr, from: &DataType, to: &DataType, zone: &str) -> Option<Expr> {
    let local = |unit: &TimeUnit| DataType::Timestamp(*unit, Some(zone.into()));
    match (from, to) {
        (from, DataType::Timestamp(unit, Some(utc))) if is_wall_clock(from) && &**utc == UTC => {
            Some(cast(inner.clone(), local(unit)))
        }
        (DataType::Timestamp(unit, Some(utc)), to) if is_wall_clock(to) && &**utc == UTC => {
            Some(to_local_time().call(vec![cast(inner.clone(), local(unit))]))
        }
        _ => None,
    }
}

fn is_wall_clock(data_type: &DataType) -> bool {
    let is_temporal = matches!(
        data_type,
        DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(_, None)
    );
    is_temporal || data_type.is_string()
}

/// The parts of an instant are those of the session's wall clock.
fn read_in_zone(
    function: &ScalarFunction,
    schema: &DFSchema,
    zone: &str,
) -> Result<Transformed<Expr>> {
    let mut function = function.clone();
    let mut changed = false;
    for argument in &mut function.args {
        if let DataType::Timestamp(unit, Some(utc)) = argument.get_type(schema)?
            && &*utc == UTC
        {
            *argument = cast(argument.clone(), DataType::Timestamp(unit, Some(zone.into())));
            changed = true;
        }
    }
    Ok(Transformed::new_transformed(Expr::ScalarFunction(function), changed))
}

/// `FROM_UNIXTIME(seconds)` is what the session's clock on the wall shows then.
fn since_epoch(function: &ScalarFunction, zone: &str) -> Expr {
    let arguments = function.args.iter().cloned().chain([lit(zone)]);
    to_local_time().call(vec![function.func.call(arguments.collect())])
}

/// The zone of every TIMESTAMP_LTZ column.
const UTC: &str = "UTC";

/// Functions that look at a clock on the wall.
const WALL_CLOCK: &[&str] = &["date_part", "date_trunc", "to_char"];

/// Seconds since the epoch as a wall-clock time; with a second argument, in that zone.
const FROM_UNIXTIME: &str = "from_unixtime";

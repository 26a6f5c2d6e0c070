//! What an INSERT converts without being asked: what loses nothing by its type, as in Flink (`LogicalTypeCasts`).

use arrow_schema::DataType as ArrowType;
use datafusion::logical_expr::{Expr, LogicalPlan};
use kavka_connector::TypeRoot;

use crate::types::root;

/// Whether values of type `from` go into a column of type `to` without a CAST.
///
/// Literals and arithmetic are wider here than in Flink, where `1` is an INT: an integer of a type that nobody has
/// declared also goes into a narrower one, and the writer refuses the value that does not fit.
pub(crate) fn is_implicit(from: &ArrowType, to: &ArrowType, is_declared: bool) -> bool {
    match (from, to) {
        // The engine's counters, such as ROW_NUMBER: no table has such a column.
        (ArrowType::UInt64, to) => to.is_numeric(),
        (ArrowType::Interval(_) | ArrowType::Duration(_), to) => {
            matches!(to, ArrowType::Interval(_) | ArrowType::Duration(_))
        }
        _ => match (root(from), root(to)) {
            (Some(from), Some(to)) => is_implicit_root(&from, &to, is_declared),
            _ => from == to,
        },
    }
}

fn is_implicit_root(from: &TypeRoot, to: &TypeRoot, is_declared: bool) -> bool {
    use TypeRoot::{
        Array, Date, Decimal, Double, Float, Map, Null, Row, Time, Timestamp, TimestampLtz,
    };
    if let (Some(from), Some(to)) = (integer_width(from), integer_width(to)) {
        return from <= to || !is_declared;
    }
    match (from, to) {
        (Null, _)
        | (Timestamp(_), Date | Time(_) | TimestampLtz(_))
        | (TimestampLtz(_), Timestamp(_)) => true,
        (Decimal(..), Float) | (Float | Double, Decimal(..)) | (Decimal(..) | Float, Double) => {
            true
        }
        (from, Decimal(..) | Double | Float) if integer_width(from).is_some() => true,
        (Array(from), Array(to)) => is_implicit_root(&from.root, &to.root, is_declared),
        (Map(key, value), Map(to_key, to_value)) => {
            is_implicit_root(&key.root, &to_key.root, is_declared)
                && is_implicit_root(&value.root, &to_value.root, is_declared)
        }
        (Row(from), Row(to)) => from.iter().zip(to).all(|(from, to)| {
            is_implicit_root(&from.data_type.root, &to.data_type.root, is_declared)
        }),
        (from, to) => std::mem::discriminant(from) == std::mem::discriminant(to),
    }
}

fn integer_width(root: &TypeRoot) -> Option<u8> {
    Some(match root {
        TypeRoot::TinyInt => 8,
        TypeRoot::SmallInt => 16,
        TypeRoot::Int => 32,
        TypeRoot::BigInt => 64,
        _ => return None,
    })
}

/// Whether somebody has said the type of a column of `plan`: a table, or a CAST.
pub(crate) fn is_declared(plan: &LogicalPlan, column: usize) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Projection(projection) => match unaliased(projection.expr.get(column)) {
            Some(Expr::Cast(_) | Expr::TryCast(_)) => true,
            Some(Expr::Column(column)) => {
                let index = projection.input.schema().maybe_index_of_column(column);
                index.is_some_and(|index| is_declared(&projection.input, index))
            }
            _ => false,
        },
        LogicalPlan::Distinct(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::SubqueryAlias(_) => {
            plan.inputs().first().is_some_and(|input| is_declared(input, column))
        }
        _ => false,
    }
}

fn unaliased(mut expr: Option<&Expr>) -> Option<&Expr> {
    while let Some(Expr::Alias(alias)) = expr {
        expr = Some(&alias.expr);
    }
    expr
}

/// Whether the session's time zone has a say in the conversion of `from` to `to`.
pub(crate) fn crosses_zones(from: &ArrowType, to: &ArrowType) -> bool {
    match (from, to) {
        (ArrowType::Timestamp(_, from), ArrowType::Timestamp(_, to)) => {
            from.is_some() != to.is_some()
        }
        (ArrowType::List(from), ArrowType::List(to))
        | (ArrowType::Map(from, _), ArrowType::Map(to, _)) => {
            crosses_zones(from.data_type(), to.data_type())
        }
        (ArrowType::Struct(from), ArrowType::Struct(to)) => {
            let mut pairs = from.iter().zip(to);
            pairs.any(|(from, to)| crosses_zones(from.data_type(), to.data_type()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Field, TimeUnit};

    use super::*;

    fn timestamp(zone: Option<&str>) -> ArrowType {
        ArrowType::Timestamp(TimeUnit::Millisecond, zone.map(Into::into))
    }

    fn array(element: ArrowType) -> ArrowType {
        ArrowType::List(Arc::new(Field::new("item", element, true)))
    }

    #[test]
    fn only_what_loses_nothing_by_its_type_is_implicit() {
        use ArrowType::{
            Boolean, Date32, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, Null, Utf8,
            Utf8View,
        };
        for (from, to, expected) in [
            (Int8, Int64, true),
            (Int64, Int32, false),
            (Int64, Decimal128(5, 0), true),
            (Int64, Float32, true),
            (Decimal128(2, 1), Int64, false),
            (Decimal128(2, 1), Float32, true),
            (Float64, Float32, false),
            (Float64, Int64, false),
            (Float64, Decimal128(9, 2), true),
            (Int16, Boolean, false),
            (Boolean, Int16, false),
            (Utf8, Utf8View, true),
            (Int32, Utf8View, false),
            (Utf8, Int32, false),
            (Utf8, Date32, false),
            (Date32, timestamp(None), false),
            (timestamp(None), Date32, true),
            (timestamp(None), timestamp(Some("UTC")), true),
            (timestamp(Some("UTC")), timestamp(None), true),
            (timestamp(Some("UTC")), Date32, false),
            (Null, Date32, true),
            (array(Int32), array(Int64), true),
            (array(Float64), array(Int64), false),
            (array(Int32), Utf8View, false),
        ] {
            assert_eq!(is_implicit(&from, &to, true), expected, "{from} to {to}");
        }
    }

    #[test]
    fn an_integer_of_an_undeclared_type_is_looked_at_row_by_row() {
        assert!(is_implicit(&ArrowType::Int64, &ArrowType::Int8, false));
        assert!(is_implicit(&array(ArrowType::Int64), &array(ArrowType::Int32), false));
        assert!(!is_implicit(&ArrowType::Float64, &ArrowType::Int64, false));
    }
}

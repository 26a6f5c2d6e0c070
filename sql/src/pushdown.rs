//! Which filters a scan takes, and which splits they rule out.
//!
//! Ruling out only saves work: every filter the scan takes is evaluated for each row as well.

use std::ops::Bound;

use arrow_schema::{Field, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, Expr, Operator, TableProviderFilterPushDown, TryCast,
};
use datafusion::scalar::ScalarValue;
use kavka_connector::{METADATA_KEY, Split};

/// What the scan does with each filter: all of it, or nothing where a filter cannot run inside of a scan.
pub(crate) fn supported(filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
    filters
        .iter()
        .map(|filter| {
            let runs_in_scan = !filter.is_volatile() && !has_subquery(filter)?;
            Ok(match runs_in_scan {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            })
        })
        .collect()
}

fn has_subquery(filter: &Expr) -> Result<bool> {
    let mut found = false;
    filter.apply(|expr| {
        found = matches!(expr, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// What is left of `splits` under conditions on the partition and on the offset.
pub(crate) fn prune(splits: Vec<Split>, filters: &[Expr], schema: &Schema) -> Vec<Split> {
    let partition = Subject { schema, metadata: "partition" };
    let offset = Subject { schema, metadata: "offset" };
    let excluded = |split: &Split| {
        let number = i64::from(split.topic_partition.partition);
        filters.iter().any(|filter| partition.test(filter, number) == Some(false))
    };
    let kept = splits.into_iter().filter(|split| !excluded(split));
    let mut range = Range::default();
    filters.iter().for_each(|filter| offset.narrow(filter, &mut range));
    kept.filter_map(|split| range.clamp(split)).collect()
}

/// The columns of `schema` that hold one kind of metadata as a whole number.
struct Subject<'a> {
    schema: &'a Schema,
    metadata: &'a str,
}

impl Subject<'_> {
    /// Whether `filter` holds where the subject is `value`; `None` if that depends on something else.
    fn test(&self, filter: &Expr, value: i64) -> Option<bool> {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                match (self.test(left, value), self.test(right, value)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (left, right) => left.zip(right).map(|_| true),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                match (self.test(left, value), self.test(right, value)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (left, right) => left.zip(right).map(|_| false),
                }
            }
            Expr::InList(InList { expr, list, negated }) if self.is_subject(expr) => {
                let list: Option<Vec<i64>> = list.iter().map(whole_number).collect();
                Some(list?.contains(&value) != *negated)
            }
            Expr::Between(between) => {
                self.bounds(between).map(|bounds| bounds.contains(value) != between.negated)
            }
            other => {
                let (operator, number) = self.comparison(other)?;
                compare(value, operator, number)
            }
        }
    }

    /// Narrows `range` to the values of the subject for which `filter` can hold.
    fn narrow(&self, filter: &Expr, range: &mut Range) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left, range);
                self.narrow(right, range);
            }
            Expr::Between(between) if !between.negated => {
                if let Some(bounds) = self.bounds(between) {
                    range.intersect(bounds.first, bounds.end);
                }
            }
            other => {
                if let Some((operator, number)) = self.comparison(other) {
                    range.compare(operator, number);
                }
            }
        }
    }

    fn bounds(&self, between: &Between) -> Option<Range> {
        let subject = self.is_subject(&between.expr);
        let (low, high) = (whole_number(&between.low)?, whole_number(&between.high)?);
        subject.then(|| Range { first: Some(low), end: high.checked_add(1) })
    }

    /// `subject operator number`, whichever way round it is written.
    fn comparison(&self, filter: &Expr) -> Option<(Operator, i64)> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
            return None;
        };
        if self.is_subject(left) {
            return Some((*op, whole_number(right)?));
        }
        if self.is_subject(right) {
            return Some((op.swap()?, whole_number(left)?));
        }
        None
    }

    fn is_subject(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(column) => {
                self.schema.field_with_name(&column.name).is_ok_and(|field| self.is_metadata(field))
            }
            Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
                field.data_type().is_signed_integer() && self.is_subject(expr)
            }
            _ => false,
        }
    }

    fn is_metadata(&self, field: &Field) -> bool {
        let key = field.metadata().get(METADATA_KEY);
        field.data_type().is_signed_integer() && key.is_some_and(|key| key == self.metadata)
    }
}

/// The values from `first` up to and without `end`.
#[derive(Clone, Copy, Default)]
struct Range {
    first: Option<i64>,
    end: Option<i64>,
}

impl Range {
    fn compare(&mut self, operator: Operator, number: i64) {
        let after = number.checked_add(1);
        match operator {
            Operator::Eq => self.intersect(Some(number), after),
            Operator::Gt => self.intersect(after, None),
            Operator::GtEq => self.intersect(Some(number), None),
            Operator::Lt => self.intersect(None, Some(number)),
            Operator::LtEq => self.intersect(None, after),
            _ => {}
        }
    }

    fn intersect(&mut self, first: Option<i64>, end: Option<i64>) {
        self.first = self.first.max(first);
        self.end = match (self.end, end) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
    }

    fn contains(self, value: i64) -> bool {
        let end = self.end.map_or(Bound::Unbounded, Bound::Excluded);
        let first = self.first.map_or(Bound::Unbounded, Bound::Included);
        std::ops::RangeBounds::contains(&(first, end), &value)
    }

    /// The part of `split` inside of this range; `None` if there is none. A split without an end stays as it is:
    /// whether an offset beyond its start exists yet is not known.
    fn clamp(self, mut split: Split) -> Option<Split> {
        let Some(stop) = split.stop else {
            return Some(split);
        };
        let start = self.first.map_or(split.start, |first| first.max(split.start));
        let stop = self.end.map_or(stop, |end| end.min(stop));
        split.start = start;
        split.stop = Some(stop);
        (start < stop).then_some(split)
    }
}

fn compare(value: i64, operator: Operator, number: i64) -> Option<bool> {
    match operator {
        Operator::Eq => Some(value == number),
        Operator::NotEq => Some(value != number),
        Operator::Gt => Some(value > number),
        Operator::GtEq => Some(value >= number),
        Operator::Lt => Some(value < number),
        Operator::LtEq => Some(value <= number),
        _ => None,
    }
}

fn whole_number(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::Int8(value) => value.map(i64::from),
        ScalarValue::Int16(value) => value.map(i64::from),
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int64(value) => *value,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_schema::DataType;
    use datafusion::prelude::{col, in_list, lit};

    use super::*;
    use crate::splits::tests::split;

    fn schema() -> Schema {
        let metadata = |name: &str, data_type, key: &str| {
            let metadata = HashMap::from([(METADATA_KEY.to_owned(), key.to_owned())]);
            Field::new(name, data_type, true).with_metadata(metadata)
        };
        Schema::new(vec![
            metadata("part", DataType::Int32, "partition"),
            metadata("off", DataType::Int64, "offset"),
            Field::new("partition", DataType::Int32, true),
        ])
    }

    fn pruned(splits: &[Split], filter: Expr) -> Vec<(i32, i64, Option<i64>)> {
        let pruned = prune(splits.to_vec(), &[filter], &schema());
        pruned
            .iter()
            .map(|split| (split.topic_partition.partition, split.start, split.stop))
            .collect()
    }

    #[test]
    fn conditions_on_the_partition_drop_splits() {
        let splits = [0, 1, 2].map(|partition| split(partition, 0, None));
        for (filter, kept) in [
            (col("part").eq(lit(1)), vec![1]),
            (lit(1_i64).lt(col("part")), vec![2]),
            (in_list(col("part"), vec![lit(0), lit(2)], false), vec![0, 2]),
            (in_list(col("part"), vec![lit(0)], true), vec![1, 2]),
            (col("part").between(lit(1), lit(2)), vec![1, 2]),
            (col("part").eq(lit(0)).or(col("part").eq(lit(2))), vec![0, 2]),
            (col("part").eq(lit(0)).and(col("off").gt(lit(5_i64))), vec![0]),
            (col("part").eq(lit(0)).or(col("off").gt(lit(5_i64))), vec![0, 1, 2]),
            (col("partition").eq(lit(1)), vec![0, 1, 2]),
        ] {
            let found: Vec<i32> =
                pruned(&splits, filter.clone()).iter().map(|split| split.0).collect();
            assert_eq!(found, kept, "{filter}");
        }
    }

    #[test]
    fn conditions_on_the_offset_clamp_splits_that_have_an_end() {
        let splits = [split(0, 10, Some(20)), split(1, 10, None)];
        let unbounded = (1, 10, None);
        for (filter, clamped) in [
            (col("off").gt_eq(lit(15_i64)), vec![(0, 15, Some(20)), unbounded]),
            (col("off").gt(lit(15_i64)), vec![(0, 16, Some(20)), unbounded]),
            (col("off").lt(lit(12_i64)), vec![(0, 10, Some(12)), unbounded]),
            (col("off").eq(lit(11_i64)), vec![(0, 11, Some(12)), unbounded]),
            (col("off").gt(lit(99_i64)), vec![unbounded]),
            (col("off").gt(lit(i64::MAX)), vec![(0, 10, Some(20)), unbounded]),
            (col("off").between(lit(0_i64), lit(12_i64)), vec![(0, 10, Some(13)), unbounded]),
            (col("off").not_eq(lit(11_i64)), vec![(0, 10, Some(20)), unbounded]),
        ] {
            assert_eq!(pruned(&splits, filter.clone()), clamped, "{filter}");
        }
    }
}

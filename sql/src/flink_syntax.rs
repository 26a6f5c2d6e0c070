//! What Flink SQL writes otherwise than the engine reads it, rewritten in the syntax tree.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Ident, ObjectName, Select, SelectItem, TableFactor, TypedString,
    Value, VisitMut, VisitorMut,
};

/// Rewrites a statement or an expression in place.
pub(crate) fn rewrite(tree: &mut impl VisitMut) {
    // The rewriter never breaks off.
    let _: ControlFlow<()> = tree.visit(&mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::TypedString(literal) => keep_fraction(literal),
            Expr::CompoundFieldAccess { access_chain, .. } => {
                access_chain.iter_mut().for_each(name_field)
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_columns(select);
        ControlFlow::Continue(())
    }
}

/// The precision of a literal is the number of digits written: `TIME '12:00:00.123'` is a TIME(3).
fn keep_fraction(literal: &mut TypedString) {
    let Value::SingleQuotedString(text) = &literal.value.value else {
        return;
    };
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count() as u64;
    if let DataType::Time(precision @ None, _) | DataType::Timestamp(precision @ None, _) =
        &mut literal.data_type
    {
        *precision = Some(digits.min(MOST_DIGITS));
    }
}

/// `items[1].name`: the engine takes the name of a field behind brackets as a string.
fn name_field(access: &mut AccessExpr) {
    if let AccessExpr::Dot(expr) = access
        && let Expr::Identifier(name) = expr
    {
        *expr = Expr::value(Value::SingleQuotedString(std::mem::take(&mut name.value)));
    }
}

/// Names columns as Flink does: a field of a row by its own name, a name that comes again with a number behind it.
fn name_columns(select: &mut Select) {
    let has_wildcard = |item: &SelectItem| {
        matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
    };
    // What a wildcard stands for is not known here.
    if select.projection.iter().any(has_wildcard) {
        return;
    }
    let relations = relations(select);
    let mut taken: HashSet<String> = select.projection.iter().filter_map(alias).collect();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else {
            continue;
        };
        let name = own_name(expr);
        let is_new = taken.insert(name.clone());
        if is_new && !is_row_field(expr, &relations) {
            continue;
        }
        let alias = if is_new { name } else { numbered(&name, &mut taken) };
        *item =
            SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', alias) };
    }
}

fn alias(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

fn own_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(path) => {
            path.last().map(|name| name.value.clone()).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

fn is_row_field(expr: &Expr, relations: &HashSet<String>) -> bool {
    match expr {
        Expr::CompoundIdentifier(path) => {
            path.len() > 2 || path.first().is_some_and(|first| !relations.contains(&first.value))
        }
        _ => false,
    }
}

fn numbered(name: &str, taken: &mut HashSet<String>) -> String {
    let mut names = (0..).map(|number: u64| format!("{name}{number}"));
    // There are more numbers than columns.
    names.find(|name| taken.insert(name.clone())).unwrap_or_default()
}

/// The names by which columns of the FROM clause can be qualified.
fn relations(select: &Select) -> HashSet<String> {
    let factors = select.from.iter().flat_map(|table| {
        std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
    });
    factors.filter_map(relation).collect()
}

fn relation(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            alias.as_ref().map(|alias| alias.name.value.clone()).or_else(|| last_part(name))
        }
        TableFactor::Derived { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::UNNEST { alias, .. } => alias.as_ref().map(|alias| alias.name.value.clone()),
        _ => None,
    }
}

fn last_part(name: &ObjectName) -> Option<String> {
    name.0.last()?.as_ident().map(|ident| ident.value.clone())
}

/// Flink's finest precision: nanoseconds.
const MOST_DIGITS: u64 = 9;

#[cfg(test)]
mod tests {
    use crate::parse::parse_statement;

    #[test]
    fn columns_are_named_as_in_flink() {
        for (query, expected) in [
            (
                "SELECT a.id, b.id, 1 AS id0 FROM a, b",
                "SELECT a.id, b.id AS \"id1\", 1 AS id0 FROM a, b",
            ),
            ("SELECT NULL, NULL, 1 AS x FROM a", "SELECT NULL, NULL AS \"NULL0\", 1 AS x FROM a"),
            ("SELECT address.city, a.id FROM a", "SELECT address.city AS \"city\", a.id FROM a"),
            ("SELECT o.r.y FROM a o", "SELECT o.r.y AS \"y\" FROM a o"),
            ("SELECT a.*, b.id, b.id FROM a, b", "SELECT a.*, b.id, b.id FROM a, b"),
        ] {
            assert_eq!(parse_statement(query).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn literals_keep_their_fractions() {
        for (query, expected) in [
            ("SELECT TIME '12:00:00.123'", "SELECT TIME(3) '12:00:00.123'"),
            ("SELECT TIMESTAMP '2024-01-01 00:00:00'", "SELECT TIMESTAMP(0) '2024-01-01 00:00:00'"),
            ("SELECT DATE '2024-01-01'", "SELECT DATE '2024-01-01'"),
        ] {
            assert_eq!(parse_statement(query).unwrap().to_string(), expected);
        }
    }
}

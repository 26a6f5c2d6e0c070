//! What Flink SQL writes otherwise than the engine reads it, rewritten in the syntax tree.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, CharacterLength, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderBy,
    OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, TypedString, Value,
    ValueWithSpan, VisitMut, VisitorMut,
};

use crate::column_names::numbered;
use crate::error::Error;
use crate::time_pattern::translate;

/// Rewrites a statement or an expression in place.
///
/// # Errors
/// What Flink has and the engine cannot do, where it would do something else instead.
pub(crate) fn rewrite(tree: &mut impl VisitMut) -> Result<(), Error> {
    match tree.visit(&mut Rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Function(function) => {
                if let Err(error) = translate_pattern(function) {
                    return ControlFlow::Break(error);
                }
            }
            Expr::Cast { data_type, .. } => {
                if let Some(length) = text_length(data_type) {
                    *data_type = DataType::String(None);
                    keep_length(expr, length);
                }
            }
            Expr::TypedString(literal) => keep_fraction(literal),
            Expr::Value(literal) => {
                if let Some(double) = double(literal) {
                    *expr = double;
                }
            }
            Expr::CompoundFieldAccess { access_chain, .. } => {
                access_chain.iter_mut().for_each(name_field)
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        name_sort_keys(query);
        ControlFlow::Continue(())
    }

    /// Before the expressions are rewritten, so that they are named as they were written.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
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

/// How long the texts of a type are.
#[derive(Clone, Copy)]
enum TextLength {
    AtMost(u64),
    Exactly(u64),
}

/// The length that a type of texts has in Flink. A VARCHAR without one has none.
fn text_length(data_type: &DataType) -> Option<TextLength> {
    match *data_type {
        DataType::Char(length) | DataType::Character(length) => Some(match length {
            Some(CharacterLength::IntegerLength { length, .. }) => TextLength::Exactly(length),
            _ => TextLength::Exactly(1),
        }),
        DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::CharVarying(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. })) => {
            (length < LONGEST_TEXT).then_some(TextLength::AtMost(length))
        }
        _ => None,
    }
}

/// Cuts off or pads what `expr`, a cast to STRING, yields: the engine knows no texts with a length.
fn keep_length(expr: &mut Expr, length: TextLength) {
    let text = std::mem::replace(expr, Expr::value(Value::Null));
    let number = |length: u64| Expr::value(Value::Number(length.to_string(), false));
    *expr = match length {
        TextLength::AtMost(length) => call("left", [text, number(length)]),
        // It also cuts off.
        TextLength::Exactly(length) => {
            let blank = Expr::value(Value::SingleQuotedString(" ".to_owned()));
            call("rpad", [text, number(length), blank])
        }
    };
}

fn call<const N: usize>(name: &str, arguments: [Expr; N]) -> Expr {
    let arguments = arguments.map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A number with an exponent is a DOUBLE; the engine would make a DECIMAL of it, as of `1.5`.
fn double(literal: &ValueWithSpan) -> Option<Expr> {
    let Value::Number(digits, _) = &literal.value else {
        return None;
    };
    let text = digits.contains(['e', 'E']).then(|| Value::SingleQuotedString(digits.clone()))?;
    Some(Expr::TypedString(TypedString {
        data_type: DataType::Double(ExactNumberInfo::None),
        value: text.with_span(literal.span),
        uses_odbc_syntax: false,
    }))
}

/// The second argument of these functions is a pattern in Java's letters.
fn translate_pattern(function: &mut Function) -> Result<(), Error> {
    let name = function.name.to_string().to_ascii_lowercase();
    if !PATTERN_FUNCTIONS.contains(&name.as_str()) {
        return Ok(());
    }
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(());
    };
    let Some(argument) = list.args.get_mut(1) else {
        return Ok(());
    };
    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(literal))) = argument
        && let Value::SingleQuotedString(pattern) = &mut literal.value
    {
        *pattern = translate(pattern)?;
        return Ok(());
    }
    // The engine would take its letters for text.
    let what = format!("{} with a pattern that is not a literal", name.to_ascii_uppercase());
    Err(Error::unsupported(what, argument))
}

/// `items[1].name`: the engine takes the name of a field behind brackets as a string.
fn name_field(access: &mut AccessExpr) {
    if let AccessExpr::Dot(expr) = access
        && let Expr::Identifier(name) = expr
    {
        *expr = Expr::value(Value::SingleQuotedString(std::mem::take(&mut name.value)));
    }
}

/// Names columns: a field of a row by its own name, an expression as it is written, and a name that comes again
/// with a number behind it, as in Flink.
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
        if is_new && keeps_its_name(expr, &relations) {
            continue;
        }
        let alias = if is_new { name } else { numbered(&name, &mut taken) };
        *item =
            SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', alias) };
    }
}

/// Under DISTINCT, ORDER BY has only the columns of the result, which the engine finds by their names alone.
fn name_sort_keys(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return;
    };
    let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &mut query.order_by else {
        return;
    };
    if select.distinct.is_none() {
        return;
    }
    name_columns(select);
    for key in keys {
        // As text, since the trees know where in the text they stand.
        let written = key.expr.to_string();
        let alias = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if expr.to_string() == written => {
                Some(alias.clone())
            }
            _ => None,
        });
        if let Some(alias) = alias {
            key.expr = Expr::Identifier(alias);
        }
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

/// A column has the name it is written with, and `unnest` of a row makes several columns with names of their own.
fn keeps_its_name(expr: &Expr, relations: &HashSet<String>) -> bool {
    match expr {
        Expr::Identifier(_) => true,
        Expr::CompoundIdentifier(path) => {
            path.len() == 2 && path.first().is_some_and(|first| relations.contains(&first.value))
        }
        Expr::Function(function) => function.name.to_string().eq_ignore_ascii_case("unnest"),
        _ => false,
    }
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

/// Functions of a time and a pattern, under the names they have in Flink.
const PATTERN_FUNCTIONS: &[&str] = &["date_format", "to_date", "to_timestamp"];

/// The length of STRING, which cuts nothing off.
const LONGEST_TEXT: u64 = i32::MAX as u64;

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
            (
                "SELECT NULL, NULL, 1 AS x FROM a",
                "SELECT NULL AS \"NULL\", NULL AS \"NULL0\", 1 AS x FROM a",
            ),
            ("SELECT address.city, a.id FROM a", "SELECT address.city AS \"city\", a.id FROM a"),
            (
                "SELECT UPPER(x), count(*) FROM a",
                "SELECT UPPER(x) AS \"UPPER(x)\", count(*) AS \"count(*)\" FROM a",
            ),
            (
                "SELECT DISTINCT x + 1, y FROM a ORDER BY y, x + 1 DESC",
                "SELECT DISTINCT x + 1 AS \"x + 1\", y FROM a ORDER BY y, \"x + 1\" DESC",
            ),
            ("SELECT unnest(r) FROM a", "SELECT unnest(r) FROM a"),
            ("SELECT o.r.y FROM a o", "SELECT o.r.y AS \"y\" FROM a o"),
            ("SELECT a.*, b.id, b.id FROM a, b", "SELECT a.*, b.id, b.id FROM a, b"),
        ] {
            assert_eq!(parse_statement(query).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn patterns_are_javas_and_have_to_be_literals() {
        let parsed = parse_statement("SELECT date_format(ts, 'yyyy') AS x, to_char(ts, '%Y') AS y");
        let expected = "SELECT date_format(ts, '%Y') AS x, to_char(ts, '%Y') AS y";
        assert_eq!(parsed.unwrap().to_string(), expected);
        let error = parse_statement("SELECT DATE_FORMAT(ts, pattern) FROM t").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unsupported: DATE_FORMAT with a pattern that is not a literal=pattern"
        );
    }

    #[test]
    fn literals_keep_their_fractions() {
        for (query, expected) in [
            ("SELECT TIME '12:00:00.123' AS x", "SELECT TIME(3) '12:00:00.123' AS x"),
            (
                "SELECT TIMESTAMP '2024-01-01 00:00:00' AS x",
                "SELECT TIMESTAMP(0) '2024-01-01 00:00:00' AS x",
            ),
            ("SELECT DATE '2024-01-01' AS x", "SELECT DATE '2024-01-01' AS x"),
            ("SELECT -1e300 AS x, 1.5 AS y", "SELECT -DOUBLE '1e300' AS x, 1.5 AS y"),
        ] {
            assert_eq!(parse_statement(query).unwrap().to_string(), expected);
        }
    }
}

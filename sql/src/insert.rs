//! `INSERT INTO`: the query's columns matched with the table's, by position or by the column list.

use std::sync::Arc;

use arrow_schema::Schema;
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{
    DmlStatement, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, WriteOp,
};
use datafusion::sql::sqlparser::ast::{Insert, ObjectName, Query, TableObject};
use kavka_connector::{ColumnKind, TableDefinition};

use crate::error::{Error, ErrorKind};
use crate::implicit_casts::{crosses_zones, is_declared, is_implicit};
use crate::nearest::nearest;
use crate::positional::{different_lengths, with_names_of};
use crate::table::KafkaTable;
use crate::types::flink_name;

/// An INSERT taken apart: where to, which columns, and from which query.
#[derive(Debug)]
pub(crate) struct InsertInto {
    pub(crate) table: Vec<String>,
    columns: Vec<String>,
    pub(crate) source: Box<Query>,
}

impl InsertInto {
    /// # Errors
    /// A clause of another dialect's INSERT.
    pub(crate) fn new(insert: Insert) -> Result<Self, Error> {
        if let Some(clause) = foreign_clause(&insert) {
            return Err(Error::unsupported("INSERT clause", clause));
        }
        let TableObject::TableName(table) = &insert.table else {
            return Err(Error::unsupported("INSERT target", &insert.table));
        };
        let table = parts(table)?;
        let columns = insert.columns.iter().map(column_name).collect::<Result<_, _>>()?;
        let Some(source) = insert.source else {
            let message = "INSERT INTO needs VALUES or a query".to_owned();
            return Err(Error::new(ErrorKind::Syntax, message));
        };
        Ok(Self { table, columns, source })
    }

    /// The plan that writes what `source` yields to `table`.
    ///
    /// # Errors
    /// A column that is unknown, written twice, not written by an INSERT, or left out though it is NOT NULL; more or
    /// fewer columns than the query yields; a type that does not fit.
    pub(crate) fn plan(
        &self,
        source: LogicalPlan,
        table: Arc<KafkaTable>,
    ) -> Result<LogicalPlan, Error> {
        let schema = table.sink_schema();
        let targets = self.targets(table.definition(), &schema)?;
        if targets.len() != source.schema().fields().len() {
            return Err(self.wrong_number(&targets, &schema, source.schema()));
        }
        let mut values: Vec<Option<usize>> = vec![None; schema.fields().len()];
        for (value, target) in targets.iter().enumerate() {
            values[*target] = Some(value);
        }
        let expressions: Result<Vec<Expr>, Error> = values
            .iter()
            .enumerate()
            .map(|(target, value)| self.value(&schema, target, *value, &source))
            .collect();
        let input = LogicalPlanBuilder::from(source).project(expressions?)?.build()?;
        let name = TableReference::bare(self.name());
        let insert = WriteOp::Insert(InsertOp::Append);
        let target = provider_as_source(table);
        Ok(LogicalPlan::Dml(DmlStatement::new(name, target, insert, Arc::new(input))))
    }

    fn name(&self) -> &str {
        self.table.last().map_or("", String::as_str)
    }

    /// The sink column, by index, that each column of the query goes to.
    fn targets(&self, definition: &TableDefinition, schema: &Schema) -> Result<Vec<usize>, Error> {
        if self.columns.is_empty() {
            return Ok((0..schema.fields().len()).collect());
        }
        let mut targets = Vec::with_capacity(self.columns.len());
        for name in &self.columns {
            let Ok(target) = schema.index_of(name) else {
                return Err(self.not_writable(name, definition, schema));
            };
            if targets.contains(&target) {
                return Err(self.error(&format!("column {name} is written twice")));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    /// What goes into one sink column: a column of the query, or NULL.
    fn value(
        &self,
        schema: &Schema,
        target: usize,
        value: Option<usize>,
        source: &LogicalPlan,
    ) -> Result<Expr, Error> {
        let field = schema.field(target);
        let columns = source.schema();
        let Some(value) = value else {
            if !field.is_nullable() {
                let message = format!("column {} is NOT NULL and gets no value", field.name());
                return Err(self.error(&message));
            }
            let null = Expr::Literal(ScalarValue::Null, None);
            return Ok(null.cast_to(field.data_type(), columns)?.alias(field.name()));
        };
        let (from, to) = (columns.field(value).data_type(), field.data_type());
        if let Some((found, expected)) = different_lengths(from, to) {
            let message = format!(
                "column {} holds rows of {expected} fields, and the query gives rows of {found}",
                field.name()
            );
            return Err(self.error(&message));
        }
        if !is_implicit(from, to, is_declared(source, value)) {
            let (name, from, to) = (field.name(), flink_name(from), flink_name(to));
            let message = format!("column {name} is {to}, and the query gives {from}: CAST it");
            return Err(self.error(&message));
        }
        let expr = Expr::Column(Column::from(columns.qualified_field(value)));
        let expr = with_names_of(expr, from, to);
        // Other conversions are the writer's, who can name the column of a value that does not fit.
        let expr = if crosses_zones(from, to) { expr.cast_to(to, columns)? } else { expr };
        Ok(expr.alias(field.name()))
    }

    fn not_writable(&self, name: &str, definition: &TableDefinition, schema: &Schema) -> Error {
        let what = match definition.column(name).map(|column| &column.kind) {
            Some(ColumnKind::Computed { .. }) => "a computed column",
            Some(ColumnKind::Metadata { .. }) => "a VIRTUAL metadata column",
            _ => {
                let names = schema.fields().iter().map(|field| field.name().as_str());
                let hint = nearest(name, names).map(|name| format!("; did you mean {name}?"));
                return self.error(&format!("no column {name}{}", hint.unwrap_or_default()));
            }
        };
        self.error(&format!("{name} is {what} and cannot be written"))
    }

    fn wrong_number(&self, targets: &[usize], schema: &Schema, source: &DFSchema) -> Error {
        let names: Vec<&str> =
            targets.iter().map(|target| schema.field(*target).name().as_str()).collect();
        self.error(&format!(
            "{} columns are written ({}), and the query gives {}",
            names.len(),
            names.join(", "),
            source.fields().len(),
        ))
    }

    fn error(&self, message: &str) -> Error {
        Error::new(ErrorKind::Name, format!("INSERT INTO {}: {message}", self.name()))
    }
}

/// The first clause that belongs to another dialect.
fn foreign_clause(insert: &Insert) -> Option<&'static str> {
    [
        (insert.overwrite, "OVERWRITE"),
        (insert.replace_into, "REPLACE"),
        (insert.or.is_some(), "OR"),
        (insert.ignore, "IGNORE"),
        (insert.table_alias.is_some(), "AS"),
        (insert.partitioned.is_some(), "PARTITION"),
        (!insert.after_columns.is_empty(), "columns after PARTITION"),
        (!insert.assignments.is_empty(), "SET"),
        (insert.on.is_some(), "ON CONFLICT"),
        (insert.returning.is_some(), "RETURNING"),
        (insert.output.is_some(), "OUTPUT"),
        (insert.settings.is_some(), "SETTINGS"),
        (insert.format_clause.is_some(), "FORMAT"),
        (insert.multi_table_insert_type.is_some(), "ALL"),
    ]
    .into_iter()
    .find_map(|(present, clause)| present.then_some(clause))
}

/// The parts of a name, without their quotes.
pub(crate) fn parts(name: &ObjectName) -> Result<Vec<String>, Error> {
    let part = |part: &datafusion::sql::sqlparser::ast::ObjectNamePart| {
        part.as_ident().map(|ident| ident.value.clone())
    };
    let parts: Option<Vec<String>> = name.0.iter().map(part).collect();
    parts.ok_or_else(|| Error::unsupported("name", name))
}

fn column_name(name: &ObjectName) -> Result<String, Error> {
    match parts(name)?.as_slice() {
        [column] => Ok(column.clone()),
        _ => Err(Error::unsupported("INSERT column", name)),
    }
}

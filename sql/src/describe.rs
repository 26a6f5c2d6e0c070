//! The rows of SHOW TABLES, SHOW CREATE TABLE, DESCRIBE, SET and EXPLAIN.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use kavka_connector::{Column, ColumnKind, TableDefinition};

use crate::error::{Error, ErrorKind};
use crate::progress::QueryProgress;
use crate::result::{RowStream, StatementResult};
use crate::table::KafkaTable;
use crate::types::flink_name;

/// A table of text: the names of its columns and its rows.
pub(crate) struct TextRows {
    names: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl TextRows {
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self { names: names.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    pub(crate) fn into_result(self) -> Result<StatementResult, Error> {
        let fields = self.names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let column = |index: usize| {
            let values = self.rows.iter().map(|row| row.get(index).map(String::as_str));
            Arc::new(values.collect::<StringArray>()) as ArrayRef
        };
        let columns = (0..self.names.len()).map(column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
            .map_err(|error| Error::new(ErrorKind::Engine, error.to_string()))?;
        let stream = stream::iter([Ok(batch)]);
        let stream = RecordBatchStreamAdapter::new(Arc::clone(&schema), stream);
        Ok(StatementResult::Rows {
            schema,
            stream: RowStream::new(Box::pin(stream)),
            is_bounded: true,
            progress: Arc::new(QueryProgress::default()),
        })
    }
}

/// The columns of a table, as Flink's SQL client describes them.
pub(crate) fn describe(table: &KafkaTable) -> TextRows {
    let definition = table.definition();
    let commented = definition.columns.iter().any(|column| column.comment.is_some());
    let names = ["name", "type", "null", "key", "extras", "watermark", "comment"];
    let mut rows = TextRows::new(&names[..names.len() - usize::from(!commented)]);
    for column in &definition.columns {
        let (mut data_type, nullable) = type_of(column, table);
        let watermark = watermark(definition, &column.name);
        if watermark.is_some() {
            data_type.push_str(" *ROWTIME*");
        }
        let nullable = if nullable { "TRUE" } else { "FALSE" };
        rows.push([
            column.name.clone(),
            data_type,
            nullable.to_owned(),
            key(definition, &column.name).unwrap_or_default(),
            extras(column).unwrap_or_default(),
            watermark.unwrap_or_default(),
            column.comment.clone().unwrap_or_default(),
        ]);
    }
    rows
}

/// The type without its NOT NULL, and whether there is none.
fn type_of(column: &Column, table: &KafkaTable) -> (String, bool) {
    if let Some(data_type) = column.data_type() {
        let nullable = kavka_connector::DataType::nullable(data_type.root.clone());
        return (nullable.to_string(), data_type.nullable);
    }
    let schema = table.schema();
    let field = schema.field_with_name(&column.name);
    field.map_or_else(
        |_| (String::new(), true),
        |field| (flink_name(field.data_type()), field.is_nullable()),
    )
}

fn key(definition: &TableDefinition, column: &str) -> Option<String> {
    let key = definition.primary_key.as_ref()?;
    let is_part = key.columns.iter().any(|name| name == column);
    is_part.then(|| format!("PRI({})", key.columns.join(", ")))
}

fn extras(column: &Column) -> Option<String> {
    match &column.kind {
        ColumnKind::Physical { .. } => None,
        ColumnKind::Metadata { key, is_virtual, .. } => {
            let from = key.as_ref().map(|key| format!(" FROM '{key}'")).unwrap_or_default();
            let suffix = if *is_virtual { " VIRTUAL" } else { "" };
            Some(format!("METADATA{from}{suffix}"))
        }
        ColumnKind::Computed { expression } => Some(format!("AS {expression}")),
    }
}

fn watermark(definition: &TableDefinition, column: &str) -> Option<String> {
    let watermark = definition.watermark.as_ref()?;
    let is_on = watermark.column.first().is_some_and(|name| name == column);
    is_on.then(|| watermark.expression.clone())
}

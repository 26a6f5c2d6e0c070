//! Kafka tables as the engine sees them: [`KafkaSource`] is what is in Kafka, [`KafkaTable`] adds computed columns.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::utils::{conjunction, expr_to_columns};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use kavka_connector::client::protocol::TopicPartition;
use kavka_connector::{
    Clients, ColumnKind, ReaderSpec, SinkWriter, SourcePlan, SourceReader, Split, Table,
    TableDefinition,
};

use crate::error::{Error, ErrorKind};
use crate::parse::parse_expression;
use crate::pushdown::{prune, supported};
use crate::read_exec::{KafkaReadExec, Scan};
use crate::settings::ScanSettings;
use crate::splits::{group_splits, splits_exec};
use crate::write_exec::KafkaSinkExec;

/// A table's physical and metadata columns, and the way to its cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KafkaSource {
    name: Arc<str>,
    table: Table,
    clients: Clients,
}

impl KafkaSource {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn reader(&self, spec: ReaderSpec) -> Result<SourceReader, Error> {
        Ok(self.table.reader(&self.clients, spec)?)
    }

    /// The writer with index `writer` of `writers`.
    pub(crate) async fn writer(&self, writer: usize, writers: usize) -> Result<SinkWriter, Error> {
        Ok(self.table.sink(&self.clients, writer, writers).await?)
    }

    /// The same table as a statement under `settings` reads and writes it.
    fn under(&self, settings: ScanSettings) -> Self {
        Self { table: self.table.in_time_zone(settings.time_zone), ..self.clone() }
    }

    /// The partitions beside those that are `known`, from their beginning.
    pub(crate) async fn new_splits(
        &self,
        known: &BTreeSet<TopicPartition>,
    ) -> Result<Vec<Split>, Error> {
        Ok(self.table.new_splits(&self.clients, known).await?)
    }

    async fn plan(&self, settings: ScanSettings) -> Result<SourcePlan, Error> {
        Ok(self.table.plan_source(&self.clients, &settings.source_options()).await?)
    }

    /// The scan of the splits in `plan`.
    fn scan_splits(
        &self,
        state: &dyn Session,
        plan: SourcePlan,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let splits = prune(plan.splits, filters, self.table.schema());
        let readers = self.table.scan_parallelism().unwrap_or(state.config().target_partitions());
        let groups = group_splits(splits, readers);
        let mut scan = self.scan_shape(state, projection, filters, plan.is_bounded)?;
        scan.discovery = plan.discovery;
        Ok(Arc::new(KafkaReadExec::new(splits_exec(&groups)?, scan)))
    }

    /// What a scan reads for `filters` and hands on for `projection`.
    fn scan_shape(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        is_bounded: bool,
    ) -> Result<Scan> {
        let table_schema = Arc::clone(self.table.schema());
        let wanted: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..table_schema.fields().len()).collect(),
        };
        let columns = columns_to_read(&wanted, filters, &table_schema)?;
        let place = |column: &usize| columns.iter().position(|read| read == column);
        let predicate = match conjunction(filters.iter().cloned()) {
            Some(filter) => {
                let read = DFSchema::try_from(table_schema.project(&columns)?)?;
                Some(state.create_physical_expr(filter, &read)?)
            }
            None => None,
        };
        Ok(Scan {
            schema: Arc::new(table_schema.project(&wanted)?),
            projection: wanted.iter().filter_map(place).collect(),
            source: self.clone(),
            columns,
            predicate,
            is_bounded,
            discovery: None,
        })
    }
}

/// The columns to hand on first, then those that only the filters look at.
fn columns_to_read(wanted: &[usize], filters: &[Expr], schema: &Schema) -> Result<Vec<usize>> {
    let mut filtered = std::collections::HashSet::new();
    for filter in filters {
        expr_to_columns(filter, &mut filtered)?;
    }
    let mut columns = wanted.to_vec();
    for column in filtered {
        columns.push(schema.index_of(&column.name)?);
    }
    columns.sort_unstable();
    columns.dedup();
    Ok(columns)
}

impl fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSource").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for KafkaSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.table.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        supported(filters)
    }

    /// Asks the cluster for the splits. The limit is not used here: the physical plan hands it to the scan.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let settings = ScanSettings::of(state.config());
        let plan = self.plan(settings).await?;
        self.under(settings).scan_splits(state, plan, projection, filters)
    }
}

/// A table as it was declared: all columns in order, computed ones included.
#[derive(Debug)]
pub(crate) struct KafkaTable {
    source: KafkaSource,
    /// The expansion of a table that has computed columns; filters and projections pass through it.
    view: Option<ViewTable>,
}

impl KafkaTable {
    /// # Errors
    /// A computed column whose expression does not fit the table.
    pub(crate) fn new(table: Table, clients: Clients, state: &SessionState) -> Result<Self, Error> {
        let name = table.definition().name.object().into();
        let source = KafkaSource { name, table, clients };
        let definition = source.table.definition();
        let is_computed = |kind: &ColumnKind| matches!(kind, ColumnKind::Computed { .. });
        let view = match definition.columns.iter().any(|column| is_computed(&column.kind)) {
            true => Some(ViewTable::new(expansion(&source, state)?, None)),
            false => None,
        };
        Ok(Self { source, view })
    }

    pub(crate) fn definition(&self) -> &TableDefinition {
        self.source.table.definition()
    }

    /// The columns an INSERT writes, in order.
    pub(crate) fn sink_schema(&self) -> SchemaRef {
        self.source.table.sink_schema()
    }
}

/// All declared columns over a scan of the stored ones.
fn expansion(source: &KafkaSource, state: &SessionState) -> Result<LogicalPlan, Error> {
    let name = TableReference::bare(Arc::clone(&source.name));
    let provider = provider_as_source(Arc::new(source.clone()));
    let scan = LogicalPlanBuilder::scan(name.clone(), provider, None)?;
    let columns = source.table.definition().columns.iter().map(|column| match &column.kind {
        ColumnKind::Computed { expression } => {
            let computed = compute(expression, scan.schema(), state);
            let error = |error: Error| {
                let message = format!("computed column {}: {error}", column.name);
                Error::new(error.kind(), message)
            };
            Ok(computed.map_err(error)?.alias(&column.name))
        }
        _ => Ok(Expr::Column(Column::new(Some(name.clone()), &column.name))),
    });
    let columns: Result<Vec<Expr>, Error> = columns.collect();
    Ok(scan.clone().project(columns?)?.build()?)
}

fn compute(expression: &str, schema: &DFSchema, state: &SessionState) -> Result<Expr, Error> {
    let expr = parse_expression(expression)?;
    let expr = ExprWithAlias { expr, alias: None };
    let expr = state.create_logical_expr_from_sql_expr(expr, schema)?;
    match expr.exists(|expr| Ok(needs_other_rows(expr)))? {
        true => {
            let message = "an aggregate, a window function, UNNEST or a subquery is not computed from one row";
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        false => Ok(expr),
    }
}

fn needs_other_rows(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::AggregateFunction(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::ScalarSubquery(_)
            | Expr::Unnest(_)
            | Expr::WindowFunction(_)
    )
}

#[async_trait]
impl TableProvider for KafkaTable {
    fn schema(&self) -> SchemaRef {
        self.view.as_ref().map_or_else(|| self.source.schema(), TableProvider::schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        self.view.as_ref().and_then(TableProvider::get_logical_plan)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        supported(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match &self.view {
            Some(view) => view.scan(state, projection, filters, limit).await,
            None => self.source.scan(state, projection, filters, limit).await,
        }
    }

    /// The columns of `input` are those of the sink schema, by position.
    async fn insert_into(
        &self,
        state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        operation: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if operation != InsertOp::Append {
            return Err(Error::unsupported("statement", operation.name().to_uppercase()).into());
        }
        let sink = self.source.under(ScanSettings::of(state.config()));
        Ok(Arc::new(KafkaSinkExec::new(input, sink, self.sink_schema())))
    }
}

#[cfg(test)]
pub(crate) mod tests;

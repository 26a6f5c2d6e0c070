//! [`SqlContext`]: Flink statements in, results out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{RecordBatch, UInt64Array};
use arrow_schema::{ArrowError, SchemaRef};
use chrono_tz::Tz;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::TableReference;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::{TryStreamExt, stream};
use kavka_connector::client::Properties;
use kavka_connector::{Clients, Table, parse_create_table};

use crate::batches::Batches;
use crate::column_names::with_unique_names;
use crate::describe::{TextRows, describe};
use crate::error::{Error, ErrorKind};
use crate::insert::InsertInto;
use crate::memory::pool;
use crate::names::{check_references, unknown_table};
use crate::parse::parse_statement;
use crate::progress::QueryProgress;
use crate::result::{RowStream, StatementResult};
use crate::row_order::keep_row_order;
use crate::session::new_session;
use crate::settings::{CATALOG, DATABASE, Settings};
use crate::statement::{Command, Statement, parse_script};
use crate::table::KafkaTable;
use crate::unbounded_rule::{reads_forever, scans};
use crate::write_exec::COUNT_SCHEMA;

/// How a [`SqlContext`] begins.
#[derive(Clone, Debug, Default)]
pub struct SqlOptions {
    /// Properties of every table that does not set them itself, such as `bootstrap.servers`.
    pub defaults: Properties,
    /// The session's time zone until `SET 'table.local-time-zone'`; the machine's if absent.
    pub time_zone: Option<Tz>,
    /// How many partitions of a plan run side by side; the number of cores if absent.
    pub target_partitions: Option<usize>,
}

/// A session: its tables, its settings and the clusters it is connected to.
///
/// Planning recurses over a statement. Each operator of a long chain takes up to 10 KB of stack (30 KB in a debug
/// build) and a chain may have a thousand of them: a program that runs statements of strangers does so on threads with
/// 32 MiB of stack.
///
/// ```no_run
/// # async fn example() -> Result<(), kavka_sql::Error> {
/// use futures::TryStreamExt;
/// use kavka_sql::{SqlContext, SqlOptions, StatementResult};
///
/// let context = SqlContext::new(SqlOptions::default());
/// context.execute("CREATE TABLE orders (id BIGINT, price DOUBLE) WITH (
///     'connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',
///     'properties.bootstrap.servers' = 'localhost:9092',
///     'scan.startup.mode' = 'earliest-offset')").await?;
/// let found = context.execute("SELECT id FROM orders WHERE price > 100 LIMIT 5").await?;
/// if let StatementResult::Rows { mut stream, .. } = found {
///     while let Some(batch) = stream.try_next().await? {
///         println!("{} rows", batch.num_rows());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct SqlContext {
    session: SessionContext,
    settings: Mutex<Settings>,
    memory: Mutex<Memory>,
    defaults: Properties,
    clients: Clients,
}

impl SqlContext {
    /// A session without tables. Nothing is connected to before a statement needs it.
    pub fn new(options: SqlOptions) -> Self {
        let time_zone = options.time_zone.unwrap_or_else(machine_zone);
        let settings = Settings::new(time_zone, options.target_partitions);
        Self {
            session: new_session(settings.config()),
            memory: Mutex::new(Memory::new(settings.memory_limit())),
            settings: Mutex::new(settings),
            defaults: options.defaults,
            clients: Clients::default(),
        }
    }

    /// Splits a script into statements; see [`parse_script`].
    ///
    /// # Errors
    /// A quote or a comment that is never closed.
    pub fn parse_script(&self, text: &str) -> Result<Vec<Statement>, Error> {
        parse_script(text)
    }

    /// Runs one statement of a script; positions in errors are those in the script.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub async fn execute_statement(&self, statement: &Statement) -> Result<StatementResult, Error> {
        self.execute(&statement.text).await.map_err(|error| error.within(statement))
    }

    /// Runs one statement. Dropping the future, or the stream in its result, ends the statement.
    ///
    /// # Errors
    /// Whatever keeps the statement from running; what goes wrong later is the stream's error.
    pub async fn execute(&self, statement: &str) -> Result<StatementResult, Error> {
        match Command::parse(statement)? {
            Command::CreateTable => self.create_table(statement).await,
            Command::Describe(name) => describe(self.table(&name).await?.as_ref()).into_result(),
            Command::DropTable { name, if_exists } => self.drop_table(&name, if_exists).await,
            Command::Explain { analyze, body } => {
                let explained = self.explain(&statement[body..], analyze).await;
                explained.map_err(|error| error.within(&statement_at(statement, body)))
            }
            Command::Insert | Command::Query => self.run(statement).await,
            Command::ListSettings => self.list_settings(),
            Command::Reset(key) => {
                self.settings().reset(key.as_deref())?;
                Ok(StatementResult::Done("Settings reset.".to_owned()))
            }
            Command::Set { key, value } => {
                self.set(&key, &value)?;
                Ok(StatementResult::Done(format!("'{key}' is '{value}'.")))
            }
            Command::ShowCreateTable(name) => self.show_create_table(&name).await,
            Command::ShowTables => self.show_tables(),
        }
    }

    /// Makes rows of the program a table called `name`, which the first statement that names it reads.
    ///
    /// # Errors
    /// There is a table of that name.
    pub fn register_batches(
        &self,
        name: &str,
        schema: SchemaRef,
        batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send + 'static,
    ) -> Result<(), Error> {
        if self.table_names().iter().any(|known| known == name) {
            return Err(Error::new(ErrorKind::Name, format!("table {name} exists already")));
        }
        let batches = Batches::new(name, Arc::clone(&schema), batches);
        let table = StreamingTable::try_new(schema, vec![Arc::new(batches)])?;
        self.session.register_table(TableReference::bare(name), Arc::new(table))?;
        Ok(())
    }

    /// `SET 'key' = 'value'`.
    ///
    /// # Errors
    /// An unknown key, with the nearest known one, or a value that the key does not take.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        self.settings().set(key, value)
    }

    /// The zone that instants are read and printed in.
    pub fn time_zone(&self) -> Tz {
        self.settings().time_zone()
    }

    async fn create_table(&self, statement: &str) -> Result<StatementResult, Error> {
        let definition = parse_create_table(statement)?;
        let name = local_name(&definition.name.0)?.to_owned();
        let created = StatementResult::Done(format!("Table {name} created."));
        if self.table_names().contains(&name) {
            if definition.if_not_exists {
                return Ok(StatementResult::Done(format!("Table {name} exists already.")));
            }
            return Err(Error::new(ErrorKind::Name, format!("table {name} exists already")));
        }
        let table = Table::create(definition, &self.defaults)?;
        let state = self.state(&Arc::default());
        let table = KafkaTable::new(table, self.clients.clone(), &state)?;
        self.session.register_table(TableReference::bare(name), Arc::new(table))?;
        Ok(created)
    }

    async fn drop_table(&self, name: &[String], if_exists: bool) -> Result<StatementResult, Error> {
        let local = local_name(name)?;
        match self.session.deregister_table(TableReference::bare(local))? {
            Some(_) => Ok(StatementResult::Done(format!("Table {local} dropped."))),
            None if if_exists => Ok(StatementResult::Done(format!("There is no table {local}."))),
            None => Err(unknown_table(local, local, &self.table_names())),
        }
    }

    async fn show_create_table(&self, name: &[String]) -> Result<StatementResult, Error> {
        let table = self.table(name).await?;
        let mut rows = TextRows::new(&["result"]);
        rows.push([table.definition().to_string()]);
        rows.into_result()
    }

    fn show_tables(&self) -> Result<StatementResult, Error> {
        let mut rows = TextRows::new(&["table name"]);
        self.table_names().into_iter().for_each(|name| rows.push([name]));
        rows.into_result()
    }

    fn list_settings(&self) -> Result<StatementResult, Error> {
        let mut rows = TextRows::new(&["key", "value"]);
        self.settings().list().into_iter().for_each(|(key, value)| rows.push([key, value]));
        rows.into_result()
    }

    async fn run(&self, statement: &str) -> Result<StatementResult, Error> {
        let progress = Arc::new(QueryProgress::default());
        let mut state = self.state(&progress);
        let logical = self.plan(statement, &state).await?;
        keep_row_order(&mut state, &logical);
        let is_insert = matches!(logical, LogicalPlan::Dml(_));
        let logical = if is_insert { logical } else { with_unique_names(logical)? };
        let plan = state.create_physical_plan(&logical).await?;
        let (stream, is_bounded) = self.start(plan, &state, &progress)?;
        if is_insert {
            let stream = RowStream::new(total_count(stream));
            return Ok(StatementResult::Insert { stream, is_bounded, progress });
        }
        let (schema, stream) = (stream.schema(), RowStream::new(stream));
        Ok(StatementResult::Rows { schema, stream, is_bounded, progress })
    }

    /// `EXPLAIN`: the optimized plans; with `analyze`, the physical plan with what happened when it ran.
    async fn explain(&self, statement: &str, analyze: bool) -> Result<StatementResult, Error> {
        let progress = Arc::new(QueryProgress::default());
        let mut state = self.state(&progress);
        let logical = self.plan(statement, &state).await?;
        keep_row_order(&mut state, &logical);
        if analyze {
            let logical = LogicalPlanBuilder::from(logical).explain(false, true)?.build()?;
            let plan = state.create_physical_plan(&logical).await?;
            let (stream, is_bounded) = self.start(plan, &state, &progress)?;
            let (schema, stream) = (stream.schema(), RowStream::new(stream));
            return Ok(StatementResult::Rows { schema, stream, is_bounded, progress });
        }
        let logical = state.optimize(&logical)?;
        let plan = state.query_planner().create_physical_plan(&logical, &state).await?;
        let mut rows = TextRows::new(&["plan_type", "plan"]);
        rows.push(["logical_plan".to_owned(), logical.display_indent().to_string()]);
        rows.push([
            "physical_plan".to_owned(),
            displayable(plan.as_ref()).indent(false).to_string(),
        ]);
        rows.into_result()
    }

    /// The logical plan of a query or an INSERT.
    async fn plan(&self, statement: &str, state: &SessionState) -> Result<LogicalPlan, Error> {
        match parse_statement(statement)? {
            SqlStatement::Insert(insert) => {
                let insert = InsertInto::new(insert)?;
                let table = self.table(&insert.table).await?;
                let source = SqlStatement::Query(insert.source.clone());
                insert.plan(self.plan_query(source, state).await?, table)
            }
            query @ SqlStatement::Query(_) => self.plan_query(query, state).await,
            other => {
                let words = other.to_string();
                let first = words.split_whitespace().next().unwrap_or_default();
                Err(Error::unsupported("statement", first))
            }
        }
    }

    async fn plan_query(
        &self,
        query: SqlStatement,
        state: &SessionState,
    ) -> Result<LogicalPlan, Error> {
        let statement = EngineStatement::Statement(Box::new(query));
        check_references(state, &statement, &self.table_names())?;
        match state.statement_to_plan(statement).await? {
            LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => {
                Err(Error::unsupported("clause", "INTO"))
            }
            plan => Ok(plan),
        }
    }

    async fn table(&self, name: &[String]) -> Result<Arc<KafkaTable>, Error> {
        let local = local_name(name)?;
        let unknown = || unknown_table(local, local, &self.table_names());
        if !self.session.table_exist(TableReference::bare(local))? {
            return Err(unknown());
        }
        let provider = self.session.table_provider(TableReference::bare(local)).await?;
        let provider: Arc<dyn std::any::Any + Send + Sync> = provider;
        provider.downcast::<KafkaTable>().map_err(|_| unknown())
    }

    fn table_names(&self) -> Vec<String> {
        let schema = self.session.catalog(CATALOG).and_then(|catalog| catalog.schema(DATABASE));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The engine's state for one statement.
    fn state(&self, progress: &Arc<QueryProgress>) -> SessionState {
        let mut state = self.session.state();
        *state.config_mut() = self.settings().config().with_extension(Arc::clone(progress));
        state.mark_start_execution();
        state
    }

    /// Starts `plan` with the session's memory; also says whether all that it reads has an end.
    fn start(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        state: &SessionState,
        progress: &QueryProgress,
    ) -> Result<(SendableRecordBatchStream, bool), Error> {
        let is_bounded = !reads_forever(plan.as_ref());
        if is_bounded {
            let totals = scans(plan.as_ref()).into_iter().map(|scan| scan.total_offsets());
            progress.set_total(totals.sum::<Option<u64>>().unwrap_or_default());
        }
        let runtime = RuntimeEnvBuilder::from_runtime_env(state.runtime_env());
        let runtime = runtime.with_memory_pool(self.memory()).build_arc()?;
        let task = TaskContext::from(state).with_runtime(runtime);
        Ok((execute_stream(plan, Arc::new(task))?, is_bounded))
    }

    fn memory(&self) -> Arc<dyn MemoryPool> {
        let limit = self.settings().memory_limit();
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).pool(limit)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory that the statements of a session share. One that runs keeps what it began with.
struct Memory {
    limit: Option<usize>,
    pool: Arc<dyn MemoryPool>,
}

impl Memory {
    fn new(limit: Option<usize>) -> Self {
        Self { limit, pool: pool(limit) }
    }

    /// What a statement that begins now takes from; new where the limit was changed.
    fn pool(&mut self, limit: Option<usize>) -> Arc<dyn MemoryPool> {
        if self.limit != limit {
            *self = Self::new(limit);
        }
        Arc::clone(&self.pool)
    }
}

/// The writers' counts as one row.
fn total_count(counts: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let total = async move {
        let batches: Vec<RecordBatch> = counts.try_collect().await?;
        let counts = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>());
        let total = UInt64Array::from_value(counts.flatten().sum(), 1);
        Ok(RecordBatch::try_new(COUNT_SCHEMA.clone(), vec![Arc::new(total)])?)
    };
    Box::pin(RecordBatchStreamAdapter::new(COUNT_SCHEMA.clone(), stream::once(total)))
}

/// The table's own name; there is one catalog with one database.
fn local_name(name: &[String]) -> Result<&str, Error> {
    match name {
        [table] => Ok(table),
        [database, table] if database == DATABASE => Ok(table),
        [catalog, database, table] if catalog == CATALOG && database == DATABASE => Ok(table),
        _ => {
            let name = name.join(".");
            let message = format!("no database for {name}; there is {CATALOG}.{DATABASE}");
            Err(Error::new(ErrorKind::Name, message))
        }
    }
}

/// A stand-in for what follows the byte `start` of `text`, to place errors in it.
fn statement_at(text: &str, start: usize) -> Statement {
    let position = crate::lexer::position(text, start);
    Statement { text: String::new(), number: 1, line: position.line, column: position.column }
}

fn machine_zone() -> Tz {
    let name = iana_time_zone::get_timezone().ok();
    name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

#[cfg(test)]
mod tests;

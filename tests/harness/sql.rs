//! SQL sessions as tests use them: statements in, rows as text out.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use kavka_sql::connector::client::Properties;
use kavka_sql::{Error, QueryProgress, RowStream, SqlContext, SqlOptions, StatementResult};

/// A session whose tables live on `bootstrap_servers`, in UTC.
pub fn session(bootstrap_servers: &str) -> SqlContext {
    let defaults = Properties::from([("bootstrap.servers", bootstrap_servers)]);
    SqlContext::new(SqlOptions {
        defaults,
        time_zone: Some("UTC".parse().expect("UTC is a zone")),
        target_partitions: Some(2),
    })
}

/// Runs a statement that must succeed and returns its rows, each value as text, NULL as `NULL`.
pub fn rows<'a>(session: &'a SqlContext, statement: &'a str) -> BoxFuture<'a, Vec<Vec<String>>> {
    let rows = try_rows(session, statement);
    rows.map(move |rows| rows.unwrap_or_else(|error| panic!("{error}\nin: {statement}"))).boxed()
}

/// Runs a statement and returns its rows, or the first error.
pub async fn try_rows(session: &SqlContext, statement: &str) -> Result<Vec<Vec<String>>, Error> {
    let (mut stream, _) = start(session, statement).await?;
    let mut found = Vec::new();
    while let Some(batch) = stream.next().await {
        found.extend(texts(&batch?));
    }
    Ok(found)
}

/// The message of a statement that must fail, its causes included.
pub async fn error(session: &SqlContext, statement: &str) -> String {
    chain(&try_rows(session, statement).await.expect_err(statement))
}

/// An error and its causes, as one text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Starts a statement and hands out its stream of rows, which is empty for one that is done at once.
pub async fn start(
    session: &SqlContext,
    statement: &str,
) -> Result<(Rows, Arc<QueryProgress>), Error> {
    Ok(match session.execute(statement).await? {
        StatementResult::Done(_) => (Rows(None), Arc::default()),
        StatementResult::Insert { stream, progress, .. }
        | StatementResult::Rows { stream, progress, .. } => (Rows(Some(stream)), progress),
    })
}

/// The rows of a statement, as they come.
pub struct Rows(Option<RowStream>);

impl Rows {
    /// The next batch; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        self.0.as_mut()?.next().await
    }
}

/// Every row of a batch as text.
pub fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default()
        .with_null("NULL")
        .with_timestamp_format(Some(TIMESTAMP))
        .with_timestamp_tz_format(Some(TIMESTAMP));
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).expect("a printable column"))
        .collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect())
        .collect()
}

/// Milliseconds are enough for every value that tests compare.
const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S%.3f";

//! One session: statements run one after the other, rows on stdout, everything else on stderr.

use std::io::{self, BufWriter};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kavka_sql::{QueryProgress, RowStream, SqlContext, Statement, StatementResult};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::interrupt::Interrupt;
use crate::args::OutputFormat;
use crate::failure::{Failure, chain};
use crate::output::rows::RowWriter;
use crate::progress::{ProgressLine, REDRAW, count, summary};
use crate::tell::tell;

/// Runs statements and prints what they give.
pub(crate) struct Session {
    context: SqlContext,
    output: OutputFormat,
    interrupt: Interrupt,
    /// Whether progress and summaries are wanted.
    is_chatty: bool,
}

/// How a statement ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    Interrupted,
}

impl Session {
    pub(crate) fn new(context: SqlContext, output: OutputFormat) -> Self {
        Self { context, output, interrupt: Interrupt::listen(), is_chatty: true }
    }

    /// Makes one setting of `--set KEY=VALUE`.
    pub(crate) fn set(&self, pair: &str) -> Result<(), Failure> {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set {pair}: expected KEY=VALUE")))?;
        self.context
            .set(key.trim(), value.trim())
            .map_err(|error| Failure::usage(format!("--set {pair}: {}", chain(&error))))
    }

    /// Runs a script up to its end or its first failing statement, which the error names.
    pub(crate) async fn run_script(&mut self, script: &str) -> Result<(), Failure> {
        for statement in kavka_sql::parse_script(script)? {
            match self.run(&statement).await {
                Ok(End::Finished) => {}
                Ok(End::Interrupted) => return Err(name(&statement, "interrupted")),
                Err(Failure::Failed(message)) => return Err(name(&statement, &message)),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Runs one statement to its end or to Ctrl-C.
    pub(crate) async fn run(&mut self, statement: &Statement) -> Result<End, Failure> {
        self.interrupt.reset();
        let mut interrupt = self.interrupt.clone();
        let result = tokio::select! {
            biased;
            () = interrupt.pressed() => return Ok(End::Interrupted),
            result = self.context.execute_statement(statement) => result?,
        };
        match result {
            StatementResult::Done(text) => {
                tell!("{text}");
                Ok(End::Finished)
            }
            StatementResult::Insert { stream, progress, .. } => {
                self.insert(stream, &progress).await
            }
            StatementResult::Rows { stream, is_bounded, progress, .. } => {
                self.print(stream, is_bounded, &progress).await
            }
        }
    }

    async fn print(
        &mut self,
        mut stream: RowStream,
        is_bounded: bool,
        progress: &Arc<QueryProgress>,
    ) -> Result<End, Failure> {
        let out = BufWriter::new(io::stdout());
        let mut writer = RowWriter::new(
            out,
            self.output,
            &stream.schema(),
            self.context.time_zone(),
            is_bounded,
        )?;
        let line = ProgressLine::start(self.is_chatty);
        let mut next = Watched::new(&mut stream, self.interrupt.clone(), &line, progress);
        let outcome = loop {
            match next.batch().await {
                Ok(Some(batch)) => line.suspend(|| writer.write(&batch))?,
                Ok(None) => break Ok(next.end),
                Err(failure) => break Err(failure),
            }
        };
        let elapsed = line.finish();
        let end = match outcome {
            Ok(end) => end,
            Err(failure) => {
                // The rows before a failure are not lost.
                writer.give_up()?;
                return Err(failure);
            }
        };
        let rows = match end {
            End::Finished => count(writer.finish()?, "row"),
            End::Interrupted => count(writer.give_up()?, "row") + " so far",
        };
        tell!("({rows}; {})", summary(progress, elapsed));
        warn_of_gaps(progress);
        Ok(end)
    }

    async fn insert(
        &mut self,
        mut stream: RowStream,
        progress: &Arc<QueryProgress>,
    ) -> Result<End, Failure> {
        let line = ProgressLine::start(self.is_chatty);
        let mut next = Watched::new(&mut stream, self.interrupt.clone(), &line, progress);
        while next.batch().await?.is_some() {}
        let end = next.end;
        let elapsed = line.finish();
        match end {
            End::Finished => {
                tell!("INSERT {} ({})", progress.rows_written(), summary(progress, elapsed));
            }
            End::Interrupted => {
                progress.end_insert();
                let is_written = self.write_rest(stream).await?;
                let doubt = if is_written { "" } else { "; the last of them may not be written" };
                let rows = count(progress.rows_written(), "row");
                tell!("INSERT interrupted after {rows}{doubt}");
            }
        }
        warn_of_gaps(progress);
        Ok(end)
    }

    /// Gives the rows of an interrupted INSERT that were read already a moment to be acknowledged, unless Ctrl-C comes
    /// again; says whether they were.
    async fn write_rest(&mut self, mut stream: RowStream) -> Result<bool, Failure> {
        self.interrupt.reset();
        let rest = async {
            while stream.next().await.transpose()?.is_some() {}
            Ok(true)
        };
        tokio::select! {
            biased;
            () = self.interrupt.pressed() => Ok(false),
            written = rest => written,
            () = sleep(WRITE_LIMIT) => Ok(false),
        }
    }
}

/// The batches of a stream, with Ctrl-C heard and progress drawn between them.
struct Watched<'a> {
    stream: &'a mut RowStream,
    interrupt: Interrupt,
    line: &'a ProgressLine,
    progress: &'a QueryProgress,
    redraw: tokio::time::Interval,
    end: End,
}

impl<'a> Watched<'a> {
    fn new(
        stream: &'a mut RowStream,
        interrupt: Interrupt,
        line: &'a ProgressLine,
        progress: &'a QueryProgress,
    ) -> Self {
        let mut redraw = interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { stream, interrupt, line, progress, redraw, end: End::Finished }
    }

    async fn batch(&mut self) -> Result<Option<arrow_array::RecordBatch>, Failure> {
        loop {
            tokio::select! {
                biased;
                () = self.interrupt.pressed() => {
                    self.end = End::Interrupted;
                    return Ok(None);
                }
                _ = self.redraw.tick(), if self.line.is_drawn() => self.line.show(self.progress),
                batch = self.stream.next() => return Ok(batch.transpose()?),
            }
        }
    }
}

/// A result that lacks records says so.
fn warn_of_gaps(progress: &QueryProgress) {
    for (tp, offsets) in progress.passed_over() {
        let offsets = count(offsets, "offset");
        tell!("warning: {tp}: {offsets} passed over, deleted before they could be read");
    }
}

/// Says which statement of a script failed, behind what is wrong and before the background.
fn name(statement: &Statement, message: &str) -> Failure {
    let first_line = statement.text.lines().next().unwrap_or_default();
    let shown: String = without_options(first_line).chars().take(SHOWN).collect();
    let more = if shown.len() < statement.text.len() { " …" } else { "" };
    let (message, background) = message.split_once("\n\n").unwrap_or((message, ""));
    let text = format!(
        "statement {} at line {}: {message}\n  in: {shown}{more}\n\n{background}",
        statement.number, statement.line
    );
    Failure::failed(text.trim_end())
}

/// The beginning of a statement up to the options of a table, which may be secrets.
fn without_options(line: &str) -> &str {
    let upper = line.to_ascii_uppercase();
    let is_create = upper.trim_start().starts_with("CREATE");
    let end = upper.find("WITH").filter(|_| is_create).unwrap_or(line.len());
    line[..end].trim_end()
}

/// How long an interrupted INSERT waits for its last rows.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How much of a failed statement is repeated to recognise it by.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use kavka_sql::Statement;

    use super::name;
    use crate::failure::Failure;

    #[test]
    fn a_failed_statement_is_named_before_the_background_of_its_failure() {
        let text = "SELECT *\nFROM t".to_owned();
        let statement = Statement { text, number: 2, line: 5, column: 1 };
        let Failure::Failed(message) = name(&statement, "no group\n\noptions:\n\n'a'='b'") else {
            panic!("it failed");
        };
        let expected = "statement 2 at line 5: no group\n  in: SELECT * …\n\noptions:\n\n'a'='b'";
        assert_eq!(message, expected);
    }

    #[test]
    fn the_options_of_a_table_are_not_repeated() {
        for text in [
            "CREATE TABLE t (a INT) WITH ('properties.ssl.key.password'='hunter2')",
            "create table t (a INT) with('password'='hunter2', 'x' = 'y')",
            " CREATE TABLE t WITH ('hunter2' = 'x')",
        ] {
            let statement = Statement { text: text.to_owned(), number: 1, line: 1, column: 1 };
            let Failure::Failed(message) = name(&statement, "no group") else {
                panic!("it failed")
            };
            assert!(message.to_lowercase().contains("create table t"), "{message}");
            assert!(message.ends_with(" …") && !message.contains("hunter2"), "{message}");
        }
    }
}

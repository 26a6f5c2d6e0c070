//! The interactive prompt: history, several lines per statement, Ctrl-C for the statement only.

use std::env;
use std::fs;
use std::path::PathBuf;

use kavka_sql::{is_complete, parse_script};
use rustyline::config::{Builder, Config};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Completer, Editor, Helper, Highlighter, Hinter};

use super::session::{End, Session};
use crate::failure::Failure;
use crate::tell::tell;

/// Reads and runs statements until `quit` or the end of input. A failed statement does not end the session.
pub(crate) async fn run(session: &mut Session) -> Result<(), Failure> {
    tell!(
        "kavka {}. Statements end with ';'. Type help for help, quit to leave.",
        env!("CARGO_PKG_VERSION")
    );
    let history = history_file();
    let mut editor = editor(history.as_ref())?;
    loop {
        // Reading blocks, and the runtime has other things to do.
        let (returned, line) = tokio::task::spawn_blocking(move || {
            let line = editor.readline("kavka> ");
            (editor, line)
        })
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
        editor = returned;
        match line {
            Ok(text) => {
                remember(&mut editor, text.trim(), history.as_ref());
                if !run_input(session, text.trim()).await? {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                return Err(Failure::failed(format!("cannot read from the terminal: {error}")));
            }
        }
    }
    Ok(())
}

/// At once, since a terminal that is closed says no goodbye. A session without history works as well.
fn remember(editor: &mut Editor<Statements, FileHistory>, text: &str, history: Option<&PathBuf>) {
    if let (Ok(true), Some(file)) = (editor.add_history_entry(text), history) {
        let _ = editor.append_history(file);
    }
}

/// Runs what was typed; `false` when it was a goodbye.
async fn run_input(session: &mut Session, text: &str) -> Result<bool, Failure> {
    match text.trim_end_matches(';').trim().to_ascii_lowercase().as_str() {
        "" => return Ok(true),
        "quit" | "exit" | "\\q" => return Ok(false),
        "help" | "\\?" => tell!("{HELP}"),
        _ => run_statements(session, text).await?,
    }
    Ok(true)
}

async fn run_statements(session: &mut Session, text: &str) -> Result<(), Failure> {
    let statements = match parse_script(text) {
        Ok(statements) => statements,
        Err(error) => {
            Failure::from(error).report();
            return Ok(());
        }
    };
    for statement in statements {
        match session.run(&statement).await {
            Ok(End::Finished) => {}
            Ok(End::Interrupted) => {
                tell!("Interrupted.");
                return Ok(());
            }
            Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
            Err(failure) => {
                failure.report();
                return Ok(());
            }
        }
    }
    Ok(())
}

#[derive(Completer, Helper, Highlighter, Hinter)]
struct Statements;

impl Validator for Statements {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
        let done = is_word || is_complete(text);
        Ok(if done { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

fn editor(history: Option<&PathBuf>) -> Result<Editor<Statements, FileHistory>, Failure> {
    let config = Config::builder().max_history_size(HISTORY).map(Builder::build);
    let mut editor = config
        .and_then(Editor::with_config)
        .map_err(|error| Failure::failed(format!("cannot use the terminal: {error}")))?;
    editor.set_helper(Some(Statements));
    if let Some(file) = history {
        let _ = editor.load_history(file);
    }
    Ok(editor)
}

/// `$XDG_STATE_HOME/kavka/sql_history`, where the folder can be had; a session without history works as well.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")))?;
    let folder = state.join("kavka");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}

/// How many statements are remembered.
const HISTORY: usize = 1_000;

const WORDS: [&str; 5] = ["quit", "exit", "\\q", "help", "\\?"];

const HELP: &str = "\
CREATE TABLE t (…) WITH ('connector' = 'kafka', 'topic' = '…', 'format' = 'json', …);
SELECT … FROM t …;          INSERT INTO t VALUES (…);      INSERT INTO t SELECT …;
SHOW TABLES;                DESCRIBE t;                    SHOW CREATE TABLE t;
EXPLAIN SELECT …;           SET 'key' = 'value';           DROP TABLE t;
SET 'execution.runtime-mode' = 'batch';   reads every table up to its present end
Ctrl-C stops a running statement; quit leaves.";

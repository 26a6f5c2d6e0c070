//! The `kavka` command.
//!
//! Rows and records go to stdout, everything else to stderr. Exit codes: 0 done, 1 something failed (and the message
//! says what), 2 the command line was wrong.

mod args;
mod command;
mod failure;
mod output;
mod progress;
mod tell;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::thread::Builder;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(arguments.verbose);
    match on_large_stack(|| run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The engine recurses over statements, and the main thread's stack is for the user's shell to choose.
fn on_large_stack(run: impl FnOnce() -> Result<(), Failure> + Send) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let thread = Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, run)?;
        thread.join().unwrap_or_else(|_| Err(Failure::failed("the command broke off, see above")))
    })
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(STACK_SIZE).build()?;
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Broker(broker) => command::broker::run(broker).await,
            Command::Consume(consume) => command::consume::run(consume).await,
            Command::Demo(demo) => command::demo::run(demo).await,
            Command::Produce(produce) => command::produce::run(produce).await,
            Command::Properties(properties) => command::properties::run(&properties),
            Command::Sql(sql) => command::sql::run(sql).await,
            Command::Topics(topics) => command::topics::run(topics).await,
        }
    });
    // A read of stdin that never returns must not keep the process alive.
    runtime.shutdown_background();
    result
}

/// Warnings of the client are worth a line; `-v` and `RUST_LOG` show more.
fn log_to_stderr(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
}

/// Room for the longest chain of operators that a statement may have, twice over. Only what is used is taken.
const STACK_SIZE: usize = 64 << 20;

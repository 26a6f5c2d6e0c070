//! The `kavka` command.
//!
//! Rows and records go to stdout, everything else to stderr. Exit codes: 0 done, 1 something failed (and the message
//! says what), 2 the command line was wrong.

mod args;
mod command;
mod failure;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(arguments.verbose);
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(Failure::from)?;
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Broker(broker) => command::broker::run(broker).await,
            Command::Consume(consume) => command::consume::run(consume).await,
            Command::Demo(demo) => command::demo::run(demo).await,
            Command::Produce(produce) => command::produce::run(produce).await,
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
        .with_target(false)
        .without_time()
        .init();
}

//! `kavka sql`: Flink SQL from the command line, a file, stdin or a prompt.

mod interrupt;
mod prompt;
mod session;

use std::io::{self, IsTerminal, Read};

use kavka_broker::{Broker, BrokerConfig};
use kavka_connector::client::Properties;
use kavka_sql::{SqlContext, SqlOptions};

use crate::args::SqlArguments;
use crate::failure::Failure;

pub(crate) use session::Session;

pub(crate) async fn run(arguments: SqlArguments) -> Result<(), Failure> {
    let mut defaults = arguments.connection.properties()?;
    let _broker = embedded(arguments.embedded, &mut defaults).await?;
    let context = SqlContext::new(SqlOptions { defaults, ..SqlOptions::default() });
    let mut session = Session::new(context, arguments.output);
    for pair in &arguments.set {
        session.set(pair)?;
    }
    match script(&arguments)? {
        Some(script) => session.run_script(&script).await,
        None => prompt::run(&mut session).await,
    }
}

/// The broker of `--embedded`; it lives as long as the command.
async fn embedded(wanted: bool, defaults: &mut Properties) -> Result<Option<Broker>, Failure> {
    if !wanted {
        return Ok(None);
    }
    let broker = Broker::start(BrokerConfig::default()).await?;
    defaults.set("bootstrap.servers", broker.bootstrap_servers());
    Ok(Some(broker))
}

/// The statements to run; `None` when a person is there to type them.
fn script(arguments: &SqlArguments) -> Result<Option<String>, Failure> {
    if let Some(statements) = &arguments.execute {
        return Ok(Some(statements.clone()));
    }
    if let Some(path) = &arguments.file {
        let text = std::fs::read_to_string(path);
        return text
            .map(Some)
            .map_err(|error| Failure::usage(format!("-f {}: {error}", path.display())));
    }
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(Some(text))
}

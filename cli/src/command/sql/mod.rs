//! `kavka sql`: Flink SQL from the command line, a file, stdin or a prompt.

mod interrupt;
mod prompt;
mod session;

use std::fs;
use std::io::{self, IsTerminal, Read};

use kavka_broker::{Broker, BrokerConfig};
use kavka_connector::client::Properties;
use kavka_sql::{SqlContext, SqlOptions};

use crate::args::SqlArguments;
use crate::failure::Failure;

pub(crate) use session::Session;

pub(crate) async fn run(arguments: SqlArguments) -> Result<(), Failure> {
    // Before the session listens to Ctrl-C, which so far ends the process: reading stdin may take for ever.
    let script = script(&arguments)?;
    let mut defaults = arguments.connection.properties()?;
    let _broker = embedded(arguments.embedded, &mut defaults).await?;
    let context = SqlContext::new(SqlOptions { defaults, ..SqlOptions::default() });
    let mut session = Session::new(context, arguments.output);
    for pair in &arguments.set {
        session.set(pair)?;
    }
    match script {
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
    match &arguments.file {
        Some(path) if path.as_os_str() != "-" => {
            let name = format!("-f {}", path.display());
            let bytes =
                fs::read(path).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
            text(&name, bytes).map(Some)
        }
        None if io::stdin().is_terminal() => Ok(None),
        _ => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes)?;
            text("stdin", bytes).map(Some)
        }
    }
}

/// The text of a script; some editors put a byte order mark in front of it.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("{name}: a script is UTF-8 text, and byte {at} of this one is not"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::failure::Failure;

    #[test]
    fn a_script_is_text_with_or_without_a_byte_order_mark() {
        assert_eq!(text("x", b"\xef\xbb\xbfSELECT 1".to_vec()).unwrap(), "SELECT 1");
        let Err(Failure::Usage(message)) = text("stdin", b"SELECT '\xff'".to_vec()) else {
            panic!("it is no text");
        };
        assert_eq!(message, "stdin: a script is UTF-8 text, and byte 8 of this one is not");
    }
}

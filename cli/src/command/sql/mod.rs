//! `kavka sql`: Flink SQL from the command line, a file, stdin or a prompt.

mod interrupt;
mod prompt;
mod session;

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::thread;

use kavka_broker::{Broker, BrokerConfig};
use kavka_connector::client::Properties;
use kavka_sql::{SqlContext, SqlOptions};
use tokio::sync::oneshot;

use crate::args::SqlArguments;
use crate::failure::Failure;

pub(crate) use session::Session;

pub(crate) async fn run(arguments: SqlArguments) -> Result<(), Failure> {
    let script = script(&arguments).await?;
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
async fn script(arguments: &SqlArguments) -> Result<Option<String>, Failure> {
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
        _ => text("stdin", stdin_or_interrupt().await?).map(Some),
    }
}

/// All of stdin, which may take for ever to come. Ctrl-C ends the wait also where the signal was ignored by whoever
/// started the command, as shells do for commands in the background.
async fn stdin_or_interrupt() -> Result<Vec<u8>, Failure> {
    tokio::select! {
        // First, so that nothing is read before the signal is heard.
        biased;
        pressed = tokio::signal::ctrl_c() => {
            pressed?;
            Err(Failure::failed("interrupted while the script was read from stdin"))
        }
        bytes = stdin_to_end() => bytes,
    }
}

async fn stdin_to_end() -> Result<Vec<u8>, Failure> {
    let (sender, bytes) = oneshot::channel();
    // Not a thread of the runtime, which would be waited for at the end.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = io::stdin().read_to_end(&mut bytes).map(|_| bytes);
        // After Ctrl-C nobody wants them any more.
        let _ = sender.send(outcome);
    });
    bytes.await.map_err(|_| Failure::failed("stdin: reading broke off"))?.map_err(Failure::from)
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

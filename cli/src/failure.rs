//! What ends a command before its end, and the exit code that follows.

use std::io;
use std::process::ExitCode;

use kavka_connector::client;

use crate::tell::tell;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong while working; exit code 1.
    Failed(String),
    /// The command line asks for something that cannot be; exit code 2.
    Usage(String),
    /// Whoever read our output has had enough; that is no failure.
    OutputClosed,
}

impl Failure {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Prints the message and yields the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Failed(message) => {
                tell!("error: {message}");
                ExitCode::from(1)
            }
            Self::Usage(message) => {
                tell!("error: {message}\n\nFor more information, try '--help'.");
                ExitCode::from(2)
            }
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        Self::Failed(chain(&error))
    }
}

impl From<kavka_connector::Error> for Failure {
    fn from(error: kavka_connector::Error) -> Self {
        Self::Failed(chain(&error))
    }
}

impl From<kavka_sql::Error> for Failure {
    fn from(error: kavka_sql::Error) -> Self {
        Self::Failed(chain(&error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::Failed(error.to_string())
    }
}

/// An error and its causes: each text appears once. What comes in several lines is background, such as all options of
/// a table, and comes after its cause.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !texts.iter().any(|text| text.contains(&more)) {
            texts.push(more);
        }
        cause = error.source();
    }
    let (background, texts): (Vec<_>, Vec<_>) = if texts.len() > 1 {
        texts.into_iter().partition(|text| text.trim_end().contains('\n'))
    } else {
        (Vec::new(), texts)
    };
    let mut lines = vec![texts.join(": ")];
    lines.extend(background);
    lines.retain(|line| !line.is_empty());
    lines.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::{Failure, chain};
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("fetch from broker 1")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_cause_is_told_once() {
        assert_eq!(
            chain(&Outer(io::Error::other("connection reset"))),
            "fetch from broker 1: connection reset"
        );
        assert_eq!(chain(&Outer(io::Error::other("broker 1"))), "fetch from broker 1");
    }

    #[test]
    fn a_cause_comes_before_the_background_it_has() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read t.\n\n'topic'='t'")]
        struct Background(#[source] Outer);
        let error = Background(Outer(io::Error::other("connection reset")));
        assert_eq!(
            chain(&error),
            "fetch from broker 1: connection reset\n\ncannot read t.\n\n'topic'='t'"
        );
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(failure, Failure::OutputClosed));
    }
}

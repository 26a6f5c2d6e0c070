//! Which topics a table stands for: `topic` or `topic-pattern`.

use kavka_client::{ErrorKind, TopicPattern};

use super::TableOptions;
use super::table::{TOPIC, TOPIC_PATTERN};
use crate::error::Error;

/// The topics of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topics {
    /// These, each once; at least one.
    Named(Vec<String>),
    /// Whichever there are at the time whose whole name matches.
    Matching(TopicPattern),
}

impl TableOptions {
    /// The topics that one of the two options gives.
    pub(crate) fn topics(&self) -> Result<Topics, Error> {
        match (self.list(TOPIC)?, self.given(TOPIC_PATTERN)) {
            (Some(_), Some(_)) => {
                Err(Error::option("Option 'topic' and 'topic-pattern' shouldn't be set together."))
            }
            (None, None) => Err(Error::option("Either 'topic' or 'topic-pattern' must be set.")),
            (None, Some(written)) => pattern(written).map(Topics::Matching),
            (Some(names), None) => named(names),
        }
    }
}

impl Topics {
    /// The topic, if it is one by its name.
    pub(crate) fn only(&self) -> Option<&str> {
        match self {
            Self::Named(names) if names.len() == 1 => names.first().map(String::as_str),
            _ => None,
        }
    }

    /// The topic that a sink writes.
    pub(crate) fn to_write(&self) -> Result<&str, Error> {
        let but = "the sink currently only supports single topic, but got";
        self.only().ok_or_else(|| match self {
            Self::Named(names) => {
                let names = names.join(";");
                Error::unsupported(TOPIC, format_args!("{names}: {but} '{TOPIC}'"))
            }
            Self::Matching(pattern) => Error::unsupported(
                TOPIC_PATTERN,
                format_args!("{pattern}: {but} '{TOPIC_PATTERN}'"),
            ),
        })
    }
}

fn named(names: Vec<String>) -> Result<Topics, Error> {
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(Error::option("Option 'topic' names no topic."));
    }
    let mut topics: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !topics.contains(&name) {
            topics.push(name);
        }
    }
    Ok(Topics::Named(topics))
}

fn pattern(written: &str) -> Result<TopicPattern, Error> {
    TopicPattern::new(written).map_err(|error| {
        let outer = match error.kind() {
            ErrorKind::Unsupported => Error::unsupported(TOPIC_PATTERN, written),
            _ => Error::option(format!(
                "Invalid value '{written}' for option '{TOPIC_PATTERN}': expected a regular expression as Java has them."
            )),
        };
        outer.with_source(error)
    })
}

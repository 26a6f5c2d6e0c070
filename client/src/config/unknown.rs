//! What is said about names the table does not know.

use std::fmt;

use super::property::{self, Support};
use super::{Properties, keys};
use crate::error::{Error, ErrorKind, Result};

/// A property that is not used as its author may expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The name as it was written.
    pub property: String,
    /// What is the matter, and which name was probably meant.
    pub message: String,
}

/// Looks for names that Kafka does not have.
///
/// They come back as warnings, or, with `strict` or `kavka.strict.properties=true`, as one error that
/// lists them all. Names that only Java gives a meaning to are accepted and noted at debug level.
pub fn check_properties(properties: &Properties, strict: bool) -> Result<Vec<Warning>> {
    let warnings: Vec<Warning> = properties.iter().filter_map(|(name, _)| doubt(name)).collect();
    if (strict || is_strict(properties)) && !warnings.is_empty() {
        let messages: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
        return Err(Error::new(ErrorKind::Config, messages.join("; ")));
    }
    Ok(warnings)
}

/// Whether unknown names are to be errors.
pub(crate) fn is_strict(properties: &Properties) -> bool {
    properties.get(keys::KAVKA_STRICT_PROPERTIES).and_then(property::bool) == Some(true)
}

fn doubt(name: &str) -> Option<Warning> {
    if let Some(def) = property::find(name) {
        match def.support() {
            Support::JavaOnly => tracing::debug!(name, "accepted; it has a meaning in Java only"),
            Support::Unused => tracing::debug!(name, "accepted; nothing here depends on it yet"),
            Support::Full | Support::OnlyDefault => {}
        }
        return None;
    }
    if name.starts_with(METRICS_CONTEXT) {
        tracing::debug!(name, "accepted; it has a meaning in Java only");
        return None;
    }
    let message = match (property::librdkafka(name), property::nearest(name)) {
        (Some(Some(kafka)), _) => {
            format!("unknown property {name}: librdkafka's name; Kafka's is {kafka}")
        }
        (Some(None), _) => {
            format!("unknown property {name}: librdkafka's name; Kafka has nothing like it")
        }
        (None, Some(known)) => format!("unknown property {name}, did you mean {known}?"),
        (None, None) => format!("unknown property {name}"),
    };
    Some(Warning { property: name.to_owned(), message })
}

/// What Java's metrics are labelled with, by any name behind this.
const METRICS_CONTEXT: &str = "metrics.context.";

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str) -> Vec<String> {
        let properties = Properties::from([(name, "1")]);
        let warnings = check_properties(&properties, false).unwrap();
        warnings.into_iter().map(|warning| warning.message).collect()
    }

    #[test]
    fn an_unknown_name_is_a_warning_with_the_nearest_known_one() {
        for (name, expected) in [
            ("linger.ms", None),
            ("linger.msec", Some("unknown property linger.msec, did you mean linger.ms?")),
            ("key.deserializer", None),
            ("metrics.context.team", None),
            (
                "queue.buffering.max.ms",
                Some(
                    "unknown property queue.buffering.max.ms: librdkafka's name; Kafka's is linger.ms",
                ),
            ),
            (
                "socket.max.fails",
                Some(
                    "unknown property socket.max.fails: librdkafka's name; Kafka has nothing like it",
                ),
            ),
            ("zzz", Some("unknown property zzz")),
        ] {
            assert_eq!(messages(name), expected.into_iter().collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn strictness_turns_every_warning_into_one_error() {
        let mut properties = Properties::from([("linger.msec", "1"), ("zzz", "1")]);
        let asked = check_properties(&properties, true).unwrap_err();
        properties.set(keys::KAVKA_STRICT_PROPERTIES, "true");
        let set = check_properties(&properties, false).unwrap_err();
        for error in [asked, set] {
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = error.to_string();
            assert!(text.contains("linger.msec") && text.contains("zzz"), "{text}");
        }
    }

    #[test]
    fn strictness_accepts_what_only_java_uses() {
        assert!(check_properties(&Properties::from([("metric.reporters", "x")]), true).is_ok());
    }
}

//! [`Properties`]: settings as text, in the order they were given.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;

use super::{java_file, property};
use crate::error::{Error, ErrorKind, Result};

/// An ordered map of Kafka property names to values.
///
/// Later settings replace earlier ones and keep their place. `Debug` hides secrets.
///
/// ```
/// use kavka_client::Properties;
/// let properties = Properties::from([("bootstrap.servers", "localhost:9092"), ("linger.ms", "5")]);
/// assert_eq!(properties.get("linger.ms"), Some("5"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(IndexMap<String, String>);

impl Properties {
    /// No properties at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text of a `client.properties` file, written as Java's `Properties` are.
    pub fn parse(text: &str) -> Result<Self> {
        java_file::parse(text)
    }

    /// Reads a `client.properties` file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read properties from {}: {error}", path.display());
            Error::new(ErrorKind::Config, message)
        })?;
        Self::parse(&text)
            .map_err(|error| Error::new(ErrorKind::Config, format!("{}: {error}", path.display())))
    }

    /// Sets one property, whether or not it was set before.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Takes one property out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.0.shift_remove(name)
    }

    /// The value as it was written.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Every property in the order it was first set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many properties are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These properties, with `defaults` for whatever they leave unsaid.
    pub fn merged_over(&self, defaults: &Self) -> Self {
        let mut merged = defaults.clone();
        merged.extend(self.iter());
        merged
    }
}

impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for Properties {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        self.0.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut properties = Self::new();
        properties.extend(pairs);
        properties
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Properties {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<String>> From<Vec<(K, V)>> for Properties {
    fn from(pairs: Vec<(K, V)>) -> Self {
        pairs.into_iter().collect()
    }
}

impl From<&Self> for Properties {
    fn from(properties: &Self) -> Self {
        properties.clone()
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| (name, property::redacted(name, value)));
        f.debug_map().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_secrets_and_shows_the_rest() {
        let text = format!(
            "{:?}",
            Properties::from([
                ("sasl.jaas.config", "hunter1"),
                ("ssl.key.password", "hunter2"),
                ("my.own.secret", "hunter3"),
                ("linger.ms", "5"),
            ])
        );
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("\"linger.ms\": \"5\""), "{text}");
    }

    #[test]
    fn overrides_win_and_defaults_fill_the_rest() {
        let defaults = Properties::from([("acks", "all"), ("linger.ms", "5")]);
        let merged = Properties::from([("linger.ms", "0")]).merged_over(&defaults);
        assert_eq!(merged, Properties::from([("acks", "all"), ("linger.ms", "0")]));
    }
}

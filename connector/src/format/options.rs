//! The options given for one use of a format, such as `value.json.ignore-parse-errors`.

use std::fmt;

use indexmap::IndexMap;

use crate::error::Error;

/// Options of a format by name without prefix, and the prefix under which the table gives them.
#[derive(Clone, Debug, Default)]
pub struct FormatOptions {
    prefix: String,
    values: IndexMap<String, String>,
}

impl FormatOptions {
    /// Options given under `prefix`, which ends in a dot: `json.`, `key.raw.`.
    pub fn new<K: Into<String>, V: Into<String>>(
        prefix: impl Into<String>,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { prefix: prefix.into(), values }
    }

    /// The value of the option `name`, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The option `name` as the user spells it.
    pub fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn boolean(&self, name: &str, default: bool) -> Result<bool, Error> {
        let Some(value) = self.get(name) else {
            return Ok(default);
        };
        match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.invalid(name, value, "true or false")),
        }
    }

    pub(crate) fn invalid(&self, name: &str, value: &str, expected: impl fmt::Display) -> Error {
        let name = self.full_name(name);
        Error::option(format!("Invalid value '{value}' for option '{name}': expected {expected}."))
    }
}

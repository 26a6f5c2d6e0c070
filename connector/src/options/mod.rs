//! The options of a table: what a user may write after `WITH`.
//!
//! One table ([`option_definitions`]) says what every option is. What does not depend on whether the table is read or
//! written is checked when it is created, the rest when it is first used.

mod check;
mod definition;
mod formats;
mod properties;
mod reference;
pub(crate) mod secret;
mod sink;
mod source;
pub(crate) mod table;
mod topics;
mod value;

use std::collections::BTreeMap;

use indexmap::IndexMap;

pub(crate) use self::check::{Usage, check_primary_key, in_role};
pub use self::definition::{OptionDef, OptionKind, OptionRole};
pub(crate) use self::formats::{FormatChoice, Formats};
pub(crate) use self::properties::TableProperties;
pub(crate) use self::sink::SinkSettings;
pub(crate) use self::source::SourceSettings;
pub use self::table::option_definitions;
pub(crate) use self::topics::Topics;

use crate::error::Error;

/// The options of one table, with references such as `${env:TOPIC}` resolved.
///
/// Values were checked against their kinds when it was made.
#[derive(Clone, Debug)]
pub(crate) struct TableOptions {
    /// Without `properties.*`, which are resolved when a connection is made.
    values: IndexMap<String, String>,
}

impl TableOptions {
    /// Resolves the references in `written`.
    pub(crate) fn resolve(written: &IndexMap<String, String>) -> Result<Self, Error> {
        let own = written.iter().filter(|(name, _)| !name.starts_with(table::PROPERTIES));
        let values = own
            .map(|(name, value)| Ok((name.clone(), reference::resolve(name, value)?.into_owned())))
            .collect::<Result<_, Error>>()?;
        Ok(Self { values })
    }

    /// What was given for `name`.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// What was given for `name`, else its default.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).or_else(|| table::find(name)?.default_value())
    }

    /// Everything that was given under `prefix`, without it.
    pub(crate) fn under<'o>(&'o self, prefix: &'o str) -> impl Iterator<Item = (&'o str, &'o str)> {
        self.values
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The word that was chosen, in lower case.
    fn choice(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match table::find(name).map(OptionDef::kind) {
            Some(OptionKind::Choice(words)) => {
                value::choice(name, value, words).map(|word| Some(word.to_ascii_lowercase()))
            }
            _ => Ok(Some(value.trim().to_ascii_lowercase())),
        }
    }

    fn integer(&self, name: &str, least: i64) -> Result<Option<i64>, Error> {
        self.get(name).map(|value| value::integer(name, value, least)).transpose()
    }

    fn offsets(&self, name: &str) -> Result<Option<BTreeMap<i32, i64>>, Error> {
        self.get(name).map(|value| value::offsets(name, value)).transpose()
    }

    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        self.get(name).map(|value| value::list(name, value)).transpose()
    }

    /// A degree of parallelism.
    pub(crate) fn parallelism(&self, name: &str) -> Result<Option<usize>, Error> {
        Ok(self.integer(name, 1)?.and_then(|number| usize::try_from(number).ok()))
    }
}

#[cfg(test)]
mod tests;

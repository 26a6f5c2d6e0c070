//! [`Resolver`]: reads typed values and collects every problem on the way.

use std::time::Duration;

use super::Properties;
use super::property::{self, Role};
use crate::error::{Error, ErrorKind, Result};

/// Reads properties of one role. A value that is missing or wrong reads as its default; `finish`
/// tells about the wrong ones.
pub(super) struct Resolver<'p> {
    properties: &'p Properties,
    problems: Vec<String>,
}

impl<'p> Resolver<'p> {
    /// Checks everything in `properties` that `role` reads, and what every role reads.
    pub(super) fn new(properties: &'p Properties, role: Role) -> Self {
        let problems = properties
            .iter()
            .filter_map(|(name, value)| Some((property::find(name)?, value)))
            .filter(|(def, _)| def.role() == role || def.role() == Role::Client)
            .filter_map(|(def, value)| def.problem(value))
            .collect();
        Self { properties, problems }
    }

    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// `value`, unless there were problems: then one error that lists all of them.
    pub(super) fn finish<T>(self, value: T) -> Result<T> {
        let problems = self.problems;
        let unsupported = problems.iter().all(|problem| problem.starts_with("unsupported: "));
        let kind = if unsupported { ErrorKind::Unsupported } else { ErrorKind::Config };
        match problems.len() {
            0 => Ok(value),
            1 => Err(Error::new(kind, problems.concat())),
            n => {
                let message = format!("{n} problems in the properties: {}", problems.join("; "));
                Err(Error::new(kind, message))
            }
        }
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.properties.get(name).is_some()
    }

    pub(super) fn text(&self, name: &str) -> &'p str {
        self.read(name, Some).unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<&'p str> {
        self.text(name).split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    pub(super) fn bool(&self, name: &str) -> bool {
        self.read(name, property::bool).unwrap_or_default()
    }

    pub(super) fn millis(&self, name: &str) -> Duration {
        self.read(name, property::millis).unwrap_or_default()
    }

    pub(super) fn millis_or_never(&self, name: &str) -> Duration {
        self.read(name, property::millis_or_never).unwrap_or_default()
    }

    /// A number within `T`; the table's bounds make sure that it is.
    pub(super) fn int<T: TryFrom<i64> + Default>(&self, name: &str) -> T {
        let number = self.read(name, |text| property::int(text).and_then(|n| T::try_from(n).ok()));
        number.unwrap_or_default()
    }

    /// What `parse` makes of a text that the table has already checked.
    pub(super) fn parsed<T: Default>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        self.read(name, parse).unwrap_or_default()
    }

    fn read<T>(&self, name: &str, parse: impl Fn(&'p str) -> Option<T>) -> Option<T> {
        let set = self.properties.get(name).map(str::trim).and_then(&parse);
        set.or_else(|| property::find(name)?.default_value().and_then(&parse))
    }
}

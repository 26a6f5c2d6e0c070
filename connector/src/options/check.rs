//! The checks of a table's options that do not depend on its use, in Flink's order, and Flink's frame around those
//! that do.

use indexmap::IndexMap;

use super::formats::Formats;
use super::secret::printable;
use super::table::{self, BOOTSTRAP, CONNECTOR, DEAD_LETTER_PROPERTIES, PROPERTIES};
use super::{TableOptions, option_definitions};
use crate::ddl::TableDefinition;
use crate::error::Error;
use crate::suggest::nearest;

/// What a table is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Read,
    Write,
}

impl TableOptions {
    /// Checks that the connector is this one.
    pub(crate) fn check_connector(&self) -> Result<(), Error> {
        match self.given(CONNECTOR) {
            None => Err(missing(&[CONNECTOR])),
            Some(KAFKA) => Ok(()),
            Some(other @ ("dynamic-kafka" | "upsert-kafka")) => {
                Err(Error::unsupported(CONNECTOR, other))
            }
            Some(other) => Err(Error::option(format!(
                "Could not find any factory for identifier '{other}'. Available connectors are: {KAFKA}"
            ))),
        }
    }

    /// Checks that every option is given that must be, and none that nobody reads.
    pub(crate) fn check_names(
        &self,
        formats: &Formats,
        has_bootstrap_servers: bool,
    ) -> Result<(), Error> {
        if !has_bootstrap_servers {
            return Err(missing(&[BOOTSTRAP]));
        }
        let supported = supported(formats);
        let unknown: Vec<&str> = self
            .names()
            .map(|(name, _)| name)
            .filter(|name| {
                table::find(name).is_none() && !supported.iter().any(|known| known == name)
            })
            .filter(|name| !name.starts_with(DEAD_LETTER_PROPERTIES))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(unsupported_options(&unknown, &supported)) }
    }

    /// Checks every value against its kind, then against what is built.
    pub(crate) fn check_values(&self) -> Result<(), Error> {
        let defined = || self.names().filter_map(|(name, value)| Some((table::find(name)?, value)));
        defined().try_for_each(|(definition, value)| definition.check(value))?;
        self.topics()?;
        defined().try_for_each(|(definition, value)| definition.check_built(value))?;
        let dead_letter = self.under(DEAD_LETTER_PROPERTIES).next();
        dead_letter.map_or(Ok(()), |(name, value)| {
            let name = format!("{DEAD_LETTER_PROPERTIES}{name}");
            Err(Error::unsupported(&name, printable(&name, value)))
        })
    }
}

/// Checks that a primary key is not promised for records that only ever insert.
pub(crate) fn check_primary_key(
    definition: &TableDefinition,
    formats: &Formats,
) -> Result<(), Error> {
    if definition.primary_key.is_none() {
        return Ok(());
    }
    Err(Error::option(format!(
        "The Kafka table '{}' with '{}' format doesn't support defining PRIMARY KEY constraint on the table, \
         because it can't guarantee the semantic of primary key.",
        definition.name.0.join("."),
        formats.value.format.name()
    )))
}

/// Puts Flink's frame around what is wrong with the options of a table that is used for the first time.
pub(crate) fn in_role(usage: Usage, definition: &TableDefinition, cause: Error) -> Error {
    let (what, doing) = match usage {
        Usage::Read => ("source", "reading"),
        Usage::Write => ("sink", "writing"),
    };
    let table = definition.name.0.join(".");
    let message = format!(
        "Unable to create a {what} for {doing} table '{table}'.\n\nTable options are:\n\n{}",
        dump(&definition.options)
    );
    Error::new(cause.kind(), message).with_source(cause)
}

fn dump(options: &IndexMap<String, String>) -> String {
    let mut lines: Vec<String> = options
        .iter()
        .map(|(name, value)| format!("'{name}'='{}'", printable(name, value)))
        .collect();
    lines.sort();
    lines.join("\n")
}

fn missing(names: &[&str]) -> Error {
    Error::option(format!(
        "One or more required options are missing.\n\nMissing required options are:\n\n{}",
        names.join("\n")
    ))
}

fn unsupported_options(unknown: &[&str], supported: &[String]) -> Error {
    let unknown: Vec<String> = unknown
        .iter()
        .map(|name| match nearest(name, supported.iter().map(String::as_str)) {
            Some(nearest) => format!("{name} (did you mean '{nearest}'?)"),
            None => (*name).to_owned(),
        })
        .collect();
    Error::option(format!(
        "Unsupported options found for '{KAFKA}'.\n\nUnsupported options:\n\n{}\n\nSupported options:\n\n{}",
        unknown.join("\n"),
        supported.join("\n")
    ))
}

/// Every option that may be given with these formats, sorted.
fn supported(formats: &Formats) -> Vec<String> {
    let built = option_definitions().iter().filter(|definition| definition.is_built());
    let mut names: Vec<String> = built.map(|definition| definition.name().to_owned()).collect();
    names.extend(formats.uses().flat_map(|used| used.option_names().collect::<Vec<_>>()));
    names.extend([format!("{PROPERTIES}*"), BOOTSTRAP.to_owned(), GROUP.to_owned()]);
    names.sort();
    names.dedup();
    names
}

const KAFKA: &str = "kafka";

/// Named among the supported options because Flink names it.
const GROUP: &str = "properties.group.id";

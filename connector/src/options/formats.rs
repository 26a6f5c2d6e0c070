//! Which formats a table uses, and under which prefix each finds its options.

use super::TableOptions;
use super::table::{FORMAT, KEY_FORMAT, VALUE_FORMAT};
use crate::error::Error;
use crate::format::{Format, FormatOptions, format};

/// The formats of a table.
#[derive(Clone)]
pub(crate) struct Formats {
    pub(crate) key: Option<FormatChoice>,
    pub(crate) value: FormatChoice,
}

/// One use of a format.
#[derive(Clone)]
pub(crate) struct FormatChoice {
    pub(crate) format: &'static dyn Format,
    /// `json.`, `value.json.` or `key.json.`.
    pub(crate) prefix: String,
    pub(crate) options: FormatOptions,
}

impl Formats {
    /// Finds the formats. With both `format` and `value.format`, `format` wins.
    pub(crate) fn discover(options: &TableOptions) -> Result<Self, Error> {
        let key = options
            .given(KEY_FORMAT)
            .map(|name| FormatChoice::find(KEY_FORMAT, name, "key.", options));
        let value = match (options.given(FORMAT), options.given(VALUE_FORMAT)) {
            (Some(name), _) => FormatChoice::find(FORMAT, name, "", options),
            (None, Some(name)) => FormatChoice::find(VALUE_FORMAT, name, "value.", options),
            (None, None) => Err(Error::option(
                "Could not find required scan format 'value.format'. \
                 Say how values are written, such as 'format' = 'json'.",
            )),
        };
        Ok(Self { key: key.transpose()?, value: value? })
    }

    /// Each use of a format.
    pub(super) fn uses(&self) -> impl Iterator<Item = &FormatChoice> {
        self.key.iter().chain([&self.value])
    }
}

impl FormatChoice {
    fn find(option: &str, name: &str, before: &str, options: &TableOptions) -> Result<Self, Error> {
        if NOT_BUILT.contains(&name) {
            return Err(Error::unsupported(option, name));
        }
        let format = format(name)?;
        let prefix = format!("{before}{name}.");
        let options = FormatOptions::new(prefix.as_str(), options.under(&prefix));
        Ok(Self { format, prefix, options })
    }

    /// The names of its options, as a user writes them.
    pub(super) fn option_names(&self) -> impl Iterator<Item = String> {
        self.format.option_names().iter().map(|name| format!("{}{name}", self.prefix))
    }
}

/// Flink's formats for Kafka that are not built.
const NOT_BUILT: [&str; 9] = [
    "avro",
    "avro-confluent",
    "canal-json",
    "csv",
    "debezium-avro-confluent",
    "debezium-json",
    "maxwell-json",
    "ogg-json",
    "protobuf",
];

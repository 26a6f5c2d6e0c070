//! The options of the format `json`.

use crate::error::Error;
use crate::format::FormatOptions;
use crate::format::datetime::TimestampStandard;

/// How messages are read and written.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonOptions {
    /// A column that a message lacks is an error, not NULL.
    pub(super) fail_on_missing_field: bool,
    /// A bad value becomes NULL, a bad message is skipped.
    pub(super) ignore_parse_errors: bool,
    pub(super) timestamp_standard: TimestampStandard,
    /// Decimals are written with all their digits and never in scientific notation.
    pub(super) plain_decimals: bool,
    /// NULL fields are left out.
    pub(super) ignore_null_fields: bool,
}

/// All options, without prefix.
pub(super) const NAMES: &[&str] = &[
    DECODE_JSON_PARSER,
    DECIMAL_AS_PLAIN_NUMBER,
    IGNORE_NULL_FIELDS,
    FAIL_ON_MISSING_FIELD,
    IGNORE_PARSE_ERRORS,
    MAP_NULL_KEY_LITERAL,
    MAP_NULL_KEY_MODE,
    TIMESTAMP_STANDARD,
];

/// Chooses between two decoders of Flink. Here there is one, so the value is checked and has no effect.
const DECODE_JSON_PARSER: &str = "decode.json-parser.enabled";
const DECIMAL_AS_PLAIN_NUMBER: &str = "encode.decimal-as-plain-number";
const IGNORE_NULL_FIELDS: &str = "encode.ignore-null-fields";
const FAIL_ON_MISSING_FIELD: &str = "fail-on-missing-field";
const IGNORE_PARSE_ERRORS: &str = "ignore-parse-errors";
/// What to write for a key that is NULL. Arrow has no such keys, so these are checked and have no effect.
const MAP_NULL_KEY_LITERAL: &str = "map-null-key.literal";
const MAP_NULL_KEY_MODE: &str = "map-null-key.mode";
const TIMESTAMP_STANDARD: &str = "timestamp-format.standard";

impl JsonOptions {
    pub(super) fn parse(options: &FormatOptions) -> Result<Self, Error> {
        options.boolean(DECODE_JSON_PARSER, true)?;
        check_map_null_key(options)?;
        let parsed = Self {
            fail_on_missing_field: options.boolean(FAIL_ON_MISSING_FIELD, false)?,
            ignore_parse_errors: options.boolean(IGNORE_PARSE_ERRORS, false)?,
            timestamp_standard: timestamp_standard(options)?,
            plain_decimals: options.boolean(DECIMAL_AS_PLAIN_NUMBER, false)?,
            ignore_null_fields: options.boolean(IGNORE_NULL_FIELDS, false)?,
        };
        if parsed.fail_on_missing_field && parsed.ignore_parse_errors {
            return Err(Error::option(format!(
                "{} and {} shouldn't both be true.",
                options.full_name(FAIL_ON_MISSING_FIELD),
                options.full_name(IGNORE_PARSE_ERRORS)
            )));
        }
        Ok(parsed)
    }
}

fn timestamp_standard(options: &FormatOptions) -> Result<TimestampStandard, Error> {
    let Some(value) = options.get(TIMESTAMP_STANDARD) else {
        return Ok(TimestampStandard::default());
    };
    let found = TimestampStandard::ALL.into_iter().find(|(name, _)| *name == value);
    found.map(|(_, standard)| standard).ok_or_else(|| {
        let names: Vec<_> = TimestampStandard::ALL.iter().map(|(name, _)| *name).collect();
        Error::option(format!(
            "Unsupported value '{value}' for {}. Supported values are [{}].",
            options.full_name(TIMESTAMP_STANDARD),
            names.join(", ")
        ))
    })
}

fn check_map_null_key(options: &FormatOptions) -> Result<(), Error> {
    let mode = options.get(MAP_NULL_KEY_MODE).unwrap_or("FAIL");
    if ["DROP", "FAIL", "LITERAL"].iter().any(|known| known.eq_ignore_ascii_case(mode)) {
        return Ok(());
    }
    Err(Error::option(format!(
        "Unsupported value '{mode}' for option {}. Supported values are [LITERAL, FAIL, DROP].",
        options.full_name(MAP_NULL_KEY_MODE)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<JsonOptions, String> {
        let options = FormatOptions::new("value.json.", pairs.iter().copied());
        JsonOptions::parse(&options).map_err(|error| error.to_string())
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let both = [("fail-on-missing-field", "true"), ("ignore-parse-errors", "TRUE")];
        assert_eq!(
            parse(&both).unwrap_err(),
            "value.json.fail-on-missing-field and value.json.ignore-parse-errors shouldn't both be true."
        );
    }

    #[test]
    fn wrong_values_are_answered_with_the_right_ones() {
        let table = [
            (
                ("timestamp-format.standard", "sql"),
                "Unsupported value 'sql' for value.json.timestamp-format.standard. \
                 Supported values are [SQL, ISO-8601, ISO-8601-WITH-OFFSET].",
            ),
            (
                ("map-null-key.mode", "keep"),
                "Unsupported value 'keep' for option value.json.map-null-key.mode. \
                 Supported values are [LITERAL, FAIL, DROP].",
            ),
            (
                ("decode.json-parser.enabled", "1"),
                "Invalid value '1' for option 'value.json.decode.json-parser.enabled': \
                 expected true or false.",
            ),
        ];
        for (pair, message) in table {
            assert_eq!(parse(&[pair]).unwrap_err(), message);
        }
    }

    #[test]
    fn every_option_has_a_meaning() {
        let options = parse(&[
            ("decode.json-parser.enabled", "false"),
            ("encode.decimal-as-plain-number", "true"),
            ("encode.ignore-null-fields", "true"),
            ("ignore-parse-errors", "true"),
            ("map-null-key.literal", "nil"),
            ("map-null-key.mode", "literal"),
            ("timestamp-format.standard", "ISO-8601"),
        ])
        .unwrap();
        assert!(
            options.plain_decimals && options.ignore_null_fields && options.ignore_parse_errors
        );
        assert_eq!(options.timestamp_standard, TimestampStandard::Iso8601);
    }
}

//! The format `raw`: a payload is the value of the one column.

mod decode;
mod encode;

use arrow_schema::{DataType, Field};

use crate::error::{Error, ErrorKind};
use crate::format::raw::decode::RawDecoder;
use crate::format::raw::encode::RawEncoder;
use crate::format::{
    DeserializationSchema, Format, FormatOptions, FormatTarget, SerializationSchema,
};

/// The format `raw`.
pub(super) struct Raw;

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn option_names(&self) -> &'static [&'static str] {
        &[CHARSET, ENDIANNESS, LINE_DELIMITER]
    }

    fn decoder(&self, target: &FormatTarget) -> Result<Box<dyn DeserializationSchema>, Error> {
        let endianness = check(target)?;
        let decoder = RawDecoder::new(single_field(target)?, endianness, !target.wanted.is_empty());
        Ok(Box::new(decoder?))
    }

    fn encoder(&self, target: &FormatTarget) -> Result<Box<dyn SerializationSchema>, Error> {
        let endianness = check(target)?;
        Ok(Box::new(RawEncoder::new(single_field(target)?, endianness)?))
    }
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endianness {
    Big,
    Little,
}

fn check(target: &FormatTarget) -> Result<Endianness, Error> {
    let options = &target.options;
    if let Some(charset) = options.get(CHARSET)
        && !charset.eq_ignore_ascii_case("UTF-8")
        && !charset.eq_ignore_ascii_case("UTF8")
    {
        return Err(Error::unsupported(options.full_name(CHARSET), charset));
    }
    if let Some(delimiter) = options.get(LINE_DELIMITER) {
        return Err(Error::unsupported(
            options.full_name(LINE_DELIMITER),
            delimiter.escape_debug(),
        ));
    }
    endianness(options)
}

fn endianness(options: &FormatOptions) -> Result<Endianness, Error> {
    match options.get(ENDIANNESS) {
        None | Some("big-endian") => Ok(Endianness::Big),
        Some("little-endian") => Ok(Endianness::Little),
        Some(other) => Err(Error::option(format!(
            "Unsupported endianness name: {other}. Supported endianness are [big-endian, little-endian]."
        ))),
    }
}

fn single_field(target: &FormatTarget) -> Result<&Field, Error> {
    match &target.fields[..] {
        [field] => Ok(field),
        fields => {
            let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
            Err(Error::schema(format!(
                "The 'raw' format only supports single physical column. \
                 However the defined schema contains multiple physical columns: [{}]",
                names.join(", ")
            )))
        }
    }
}

/// Flink's name of the types that are numbers of a fixed width.
fn fixed_width(data_type: &DataType) -> Option<(&'static str, usize)> {
    Some(match data_type {
        DataType::Boolean => ("BOOLEAN", 1),
        DataType::Float32 => ("FLOAT", 4),
        DataType::Float64 => ("DOUBLE", 8),
        DataType::Int8 => ("TINYINT", 1),
        DataType::Int16 => ("SMALLINT", 2),
        DataType::Int32 => ("INT", 4),
        DataType::Int64 => ("BIGINT", 8),
        _ => return None,
    })
}

fn unsupported_type(data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::Schema,
        format!("The 'raw' format doesn't supports '{data_type}' as column type."),
    )
}

const CHARSET: &str = "charset";
const ENDIANNESS: &str = "endianness";
const LINE_DELIMITER: &str = "line-delimiter";

#[cfg(test)]
mod tests;

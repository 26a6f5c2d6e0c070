//! Reads a type: `DECIMAL(10, 2) NOT NULL`, `ROW<a INT, b MAP<STRING, BYTES>> ARRAY`.

use std::fmt;
use std::ops::RangeInclusive;

use sqlparser::tokenizer::{Location, Token};

use super::cursor::{Cursor, ddl, unsupported};
use super::types::{DataType, IntervalField, IntervalType, RowField, TypeRoot};
use crate::error::Error;
use crate::suggest::did_you_mean;

/// Reads a type with its nullability and any `ARRAY` or `MULTISET` behind it. `place` says where it stands.
pub(super) fn data_type(cursor: &mut Cursor<'_>, place: &str) -> Result<DataType, Error> {
    let at = cursor.location();
    let data_type = nested(cursor, place, 0)?;
    if height(&data_type) > MAX_DEPTH { Err(too_deep(at)) } else { Ok(data_type) }
}

fn nested(cursor: &mut Cursor<'_>, place: &str, depth: usize) -> Result<DataType, Error> {
    if depth >= MAX_DEPTH {
        return Err(too_deep(cursor.location()));
    }
    let root = root(cursor, place, depth)?;
    let mut data_type = with_nullability(cursor, root, place)?;
    for _ in depth..MAX_DEPTH {
        let root = if cursor.take_keyword("ARRAY") {
            TypeRoot::Array(Box::new(data_type))
        } else if cursor.take_keyword("MULTISET") {
            TypeRoot::Multiset(Box::new(data_type))
        } else {
            return Ok(data_type);
        };
        data_type = with_nullability(cursor, root, place)?;
    }
    Err(too_deep(cursor.location()))
}

fn too_deep(at: Location) -> Error {
    ddl(at, format_args!("types nest deeper than {MAX_DEPTH} levels"))
}

/// How many types stand inside of one another. What is behind a type encloses it, so the depth at which a type was read
/// says only the half of it.
fn height(data_type: &DataType) -> usize {
    1 + match &data_type.root {
        TypeRoot::Array(element) | TypeRoot::Multiset(element) => height(element),
        TypeRoot::Map(key, value) => height(key).max(height(value)),
        TypeRoot::Row(fields) => {
            fields.iter().map(|field| height(&field.data_type)).max().unwrap_or_default()
        }
        _ => 0,
    }
}

fn with_nullability(
    cursor: &mut Cursor<'_>,
    root: TypeRoot,
    place: &str,
) -> Result<DataType, Error> {
    if cursor.take_keyword("NOT") {
        cursor.expect_keywords(&["NULL"], format_args!("after NOT {place}"))?;
        return Ok(DataType::not_null(root));
    }
    cursor.take_keyword("NULL");
    Ok(DataType::nullable(root))
}

fn root(cursor: &mut Cursor<'_>, place: &str, depth: usize) -> Result<TypeRoot, Error> {
    let at = cursor.location();
    let Some(word) = cursor.keyword().map(str::to_ascii_uppercase) else {
        return Err(cursor.expected(format_args!("a type {place}")));
    };
    if !TYPE_NAMES.contains(&word.as_str()) {
        return Err(unknown(cursor, &word, place));
    }
    cursor.take_keyword(&word);
    match word.as_str() {
        "ARRAY" => Ok(TypeRoot::Array(Box::new(element(cursor, "ARRAY", depth)?))),
        "BIGINT" => Ok(TypeRoot::BigInt),
        "BINARY" | "VARBINARY" => binary(cursor, &word),
        "BOOLEAN" => Ok(TypeRoot::Boolean),
        "BYTES" => Ok(TypeRoot::Bytes),
        "CHAR" | "CHARACTER" | "VARCHAR" => text(cursor, &word),
        "DATE" => Ok(TypeRoot::Date),
        "DEC" | "DECIMAL" | "NUMERIC" => decimal(cursor, &word),
        "DOUBLE" => {
            cursor.take_keyword("PRECISION");
            Ok(TypeRoot::Double)
        }
        "FLOAT" => Ok(TypeRoot::Float),
        "INT" | "INTEGER" => Ok(TypeRoot::Int),
        "INTERVAL" => interval(cursor),
        "MAP" => map(cursor, depth),
        "MULTISET" => Ok(TypeRoot::Multiset(Box::new(element(cursor, "MULTISET", depth)?))),
        "NULL" => Ok(TypeRoot::Null),
        "ROW" => row(cursor, depth),
        "SMALLINT" => Ok(TypeRoot::SmallInt),
        "STRING" => Ok(TypeRoot::String),
        "TIME" => time(cursor, at),
        "TIMESTAMP" => timestamp(cursor, at),
        "TIMESTAMP_LTZ" => Ok(TypeRoot::TimestampLtz(precision(cursor, "TIMESTAMP_LTZ", 6)?)),
        "TINYINT" => Ok(TypeRoot::TinyInt),
        _ => Err(unsupported(at, format_args!("type={word}"))),
    }
}

fn unknown(cursor: &Cursor<'_>, word: &str, place: &str) -> Error {
    let hint = did_you_mean(word, TYPE_NAMES.iter().copied());
    let found = cursor.keyword().unwrap_or_default();
    ddl(cursor.location(), format_args!("expected a type {place}, found \"{found}\"{hint}"))
}

fn element(cursor: &mut Cursor<'_>, name: &str, depth: usize) -> Result<DataType, Error> {
    cursor.expect(&Token::Lt, format_args!("after {name}"))?;
    let element = nested(cursor, &format!("after {name}<"), depth + 1)?;
    close(cursor, name)?;
    Ok(element)
}

fn map(cursor: &mut Cursor<'_>, depth: usize) -> Result<TypeRoot, Error> {
    cursor.expect(&Token::Lt, "after MAP")?;
    let key = nested(cursor, "for the key of MAP<", depth + 1)?;
    cursor.expect(&Token::Comma, "after the key type of MAP<")?;
    let value = nested(cursor, "for the value of MAP<", depth + 1)?;
    close(cursor, "MAP")?;
    Ok(TypeRoot::Map(Box::new(key), Box::new(value)))
}

fn close(cursor: &mut Cursor<'_>, name: &str) -> Result<(), Error> {
    if cursor.take_closing_angle() {
        Ok(())
    } else {
        Err(cursor.expected(format_args!("\">\" to close {name}<")))
    }
}

fn row(cursor: &mut Cursor<'_>, depth: usize) -> Result<TypeRoot, Error> {
    let in_parentheses = cursor.take(&Token::LParen);
    if !in_parentheses {
        cursor.expect(&Token::Lt, "after ROW")?;
    }
    let mut fields: Vec<RowField> = Vec::new();
    loop {
        let at = cursor.location();
        let field = row_field(cursor, depth)?;
        if fields.iter().any(|other| other.name == field.name) {
            return Err(ddl(
                at,
                format_args!("the field \"{}\" appears twice in this ROW", field.name),
            ));
        }
        fields.push(field);
        let closed =
            if in_parentheses { cursor.take(&Token::RParen) } else { cursor.take_closing_angle() };
        if closed {
            return Ok(TypeRoot::Row(fields));
        }
        let end = if in_parentheses { ")" } else { ">" };
        if !cursor.take(&Token::Comma) {
            return Err(cursor.expected(format_args!("\",\" or \"{end}\" after a field of ROW")));
        }
    }
}

fn row_field(cursor: &mut Cursor<'_>, depth: usize) -> Result<RowField, Error> {
    let name = cursor.identifier("the name of a field of ROW")?;
    let data_type = nested(cursor, &format!("after field \"{name}\""), depth + 1)?;
    let is_comment =
        matches!(cursor.peek(), Token::SingleQuotedString(_) | Token::UnicodeStringLiteral(_));
    let comment = if is_comment { Some(cursor.string("a comment")?) } else { None };
    Ok(RowField { name, data_type, comment })
}

fn text(cursor: &mut Cursor<'_>, word: &str) -> Result<TypeRoot, Error> {
    let varying = word == "VARCHAR" || cursor.take_keyword("VARYING");
    let name = if varying { "VARCHAR" } else { "CHAR" };
    Ok(match (varying, length(cursor, name)?) {
        (true, MAX_LENGTH) => TypeRoot::String,
        (true, length) => TypeRoot::VarChar(length),
        (false, length) => TypeRoot::Char(length),
    })
}

fn binary(cursor: &mut Cursor<'_>, word: &str) -> Result<TypeRoot, Error> {
    let varying = word == "VARBINARY" || cursor.take_keyword("VARYING");
    let name = if varying { "VARBINARY" } else { "BINARY" };
    Ok(match (varying, length(cursor, name)?) {
        (true, MAX_LENGTH) => TypeRoot::Bytes,
        (true, length) => TypeRoot::VarBinary(length),
        (false, length) => TypeRoot::Binary(length),
    })
}

fn length(cursor: &mut Cursor<'_>, name: &str) -> Result<u32, Error> {
    if !cursor.take(&Token::LParen) {
        return Ok(1);
    }
    let length = parameter(cursor, format_args!("the length of {name}"), 1..=MAX_LENGTH)?;
    cursor.expect(&Token::RParen, format_args!("after the length of {name}"))?;
    Ok(length)
}

fn decimal(cursor: &mut Cursor<'_>, name: &str) -> Result<TypeRoot, Error> {
    if !cursor.take(&Token::LParen) {
        return Ok(TypeRoot::Decimal(10, 0));
    }
    let precision = parameter(cursor, format_args!("the precision of {name}"), 1..=38)?;
    let scale = if cursor.take(&Token::Comma) {
        parameter(cursor, format_args!("the scale of {name}"), 0..=precision)?
    } else {
        0
    };
    cursor.expect(&Token::RParen, format_args!("after the parameters of {name}"))?;
    Ok(TypeRoot::Decimal(to_u8(precision), to_u8(scale)))
}

fn time(cursor: &mut Cursor<'_>, at: Location) -> Result<TypeRoot, Error> {
    let precision = precision(cursor, "TIME", 0)?;
    if cursor.take_keywords(&["WITH", "TIME", "ZONE"]) {
        return Err(unsupported(at, "type=TIME WITH TIME ZONE"));
    }
    cursor.take_keywords(&["WITHOUT", "TIME", "ZONE"]);
    Ok(TypeRoot::Time(precision))
}

fn timestamp(cursor: &mut Cursor<'_>, at: Location) -> Result<TypeRoot, Error> {
    let precision = precision(cursor, "TIMESTAMP", 6)?;
    if cursor.take_keywords(&["WITH", "TIME", "ZONE"]) {
        return Err(unsupported(
            at,
            "type=TIMESTAMP WITH TIME ZONE (TIMESTAMP_LTZ is a point in time, TIMESTAMP a reading of a clock)",
        ));
    }
    if cursor.take_keywords(&["WITH", "LOCAL", "TIME", "ZONE"]) {
        return Ok(TypeRoot::TimestampLtz(precision));
    }
    cursor.take_keywords(&["WITHOUT", "TIME", "ZONE"]);
    Ok(TypeRoot::Timestamp(precision))
}

/// Digits of the fraction of a second, in parentheses.
fn precision(cursor: &mut Cursor<'_>, name: &str, default: u8) -> Result<u8, Error> {
    Ok(digits(cursor, format_args!("the precision of {name}"), 0..=9)?.unwrap_or(default))
}

fn interval(cursor: &mut Cursor<'_>) -> Result<TypeRoot, Error> {
    let from = interval_field(cursor, "after INTERVAL")?;
    let precision = match from {
        IntervalField::Year => digits(cursor, "the precision of YEAR", 1..=4)?,
        IntervalField::Day => digits(cursor, "the precision of DAY", 1..=6)?,
        _ => None,
    };
    let to = interval_end(cursor, from)?;
    let fraction = match to.unwrap_or(from) {
        IntervalField::Second => digits(cursor, "the precision of SECOND", 0..=9)?,
        _ => None,
    };
    Ok(TypeRoot::Interval(IntervalType { from, precision, to, fraction }))
}

fn interval_end(
    cursor: &mut Cursor<'_>,
    from: IntervalField,
) -> Result<Option<IntervalField>, Error> {
    if !cursor.take_keyword("TO") {
        return Ok(None);
    }
    let at = cursor.location();
    let to = interval_field(cursor, "after TO")?;
    let in_months = |field| field <= IntervalField::Month;
    if to > from && in_months(to) == in_months(from) {
        return Ok(Some(to));
    }
    Err(ddl(at, format_args!("an INTERVAL from {from} cannot end in {to}")))
}

fn interval_field(cursor: &mut Cursor<'_>, place: &str) -> Result<IntervalField, Error> {
    for field in [
        IntervalField::Year,
        IntervalField::Month,
        IntervalField::Day,
        IntervalField::Hour,
        IntervalField::Minute,
        IntervalField::Second,
    ] {
        if cursor.take_keyword(&field.to_string()) {
            return Ok(field);
        }
    }
    Err(cursor.expected(format_args!("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND {place}")))
}

/// A number of digits in parentheses, if there are any.
fn digits(
    cursor: &mut Cursor<'_>,
    what: impl fmt::Display,
    range: RangeInclusive<u32>,
) -> Result<Option<u8>, Error> {
    if !cursor.take(&Token::LParen) {
        return Ok(None);
    }
    let digits = parameter(cursor, &what, range)?;
    cursor.expect(&Token::RParen, format_args!("after {what}"))?;
    Ok(Some(to_u8(digits)))
}

fn parameter(
    cursor: &mut Cursor<'_>,
    what: impl fmt::Display,
    range: RangeInclusive<u32>,
) -> Result<u32, Error> {
    let at = cursor.location();
    let number = cursor.number(&what)?;
    u32::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (from, to) = range.into_inner();
        ddl(at, format_args!("{what} must be between {from} and {to}, not {number}"))
    })
}

/// For numbers already known to be below 39.
fn to_u8(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Flink's longest CHAR, VARCHAR, BINARY and VARBINARY.
const MAX_LENGTH: u32 = i32::MAX.cast_unsigned();

/// Keeps a hostile statement from exhausting the stack.
const MAX_DEPTH: usize = 64;

/// What may start a type. `RAW` and `VARIANT` are Flink's and have no Kafka format.
const TYPE_NAMES: &[&str] = &[
    "ARRAY",
    "BIGINT",
    "BINARY",
    "BOOLEAN",
    "BYTES",
    "CHAR",
    "CHARACTER",
    "DATE",
    "DEC",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "INT",
    "INTEGER",
    "INTERVAL",
    "MAP",
    "MULTISET",
    "NULL",
    "NUMERIC",
    "RAW",
    "ROW",
    "SMALLINT",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TINYINT",
    "VARBINARY",
    "VARCHAR",
    "VARIANT",
];

#[cfg(test)]
mod tests {
    use crate::ddl::parse_create_table;

    #[test]
    fn types_behind_a_type_count_as_depth() {
        for types in [
            format!("INT{}", " ARRAY NOT NULL".repeat(200_000)),
            format!("{}INT{}", "ROW<b ".repeat(40), " MULTISET> ARRAY".repeat(40)),
        ] {
            let error = parse_create_table(&format!("CREATE TABLE t (a {types})")).unwrap_err();
            assert!(error.to_string().ends_with("types nest deeper than 64 levels"), "{error}");
        }
        for deepest in [
            format!("{}INT{}", "ARRAY<".repeat(63), ">".repeat(63)),
            format!("INT{}", " ARRAY".repeat(63)),
            format!("{}INT{}", "ARRAY<".repeat(31), " ARRAY>".repeat(31)),
        ] {
            parse_create_table(&format!("CREATE TABLE t (a {deepest})")).unwrap();
        }
    }
}

//! Values without parts, as each type of column takes them.

use std::str::FromStr;

use arrow_array::types::{ArrowPrimitiveType, Decimal128Type};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::format::column::{Column, ColumnBuilder, Numbers, Texts, Timestamps};
use crate::format::datetime::{
    Dates, SECONDS_PER_DAY, Timestamp, TimestampStandard, parse_date, parse_time,
};
use crate::format::decimal::{self, Decimal, Rounding};
use crate::format::json::fault::Fault;
use crate::format::json::scanner::{RawString, Scanner, SmallNumber, Token};
use crate::format::json::text::{Compact, push_text, unescape};

/// Appends values to columns by the columns' types.
pub(super) struct Scalars {
    standard: TimestampStandard,
    dates: Dates,
    /// Strings with their escapes resolved.
    scratch: Vec<u8>,
}

impl Scalars {
    pub(super) fn new(standard: TimestampStandard) -> Self {
        Self { standard, dates: Dates::default(), scratch: Vec::new() }
    }

    /// Appends the next value, which the scanner stands before and which is not `null`.
    ///
    /// `false` if it means NULL, which was not appended.
    #[inline]
    pub(super) fn append(
        &mut self,
        column: &mut Column,
        scanner: &mut Scanner<'_>,
    ) -> Result<bool, Fault> {
        match column {
            Column::Binary(texts) => self.binary(texts, scanner)?,
            Column::Boolean(booleans) => booleans.push(self.boolean(scanner)?),
            Column::Date(dates) => dates.push(self.date(scanner)?),
            Column::Decimal(decimals) => return self.decimal(decimals, scanner),
            Column::Double(doubles) => {
                doubles.push(self.float(scanner, "a number for DOUBLE", java_double)?);
            }
            Column::Duration(numbers) => self.integer(numbers, scanner, &INTERVAL)?,
            Column::Float(floats) => {
                floats.push(self.float(scanner, "a number for FLOAT", java_float)?);
            }
            Column::Int8(numbers) => self.integer(numbers, scanner, &TINYINT)?,
            Column::Int16(numbers) => self.integer(numbers, scanner, &SMALLINT)?,
            Column::Int32(numbers) => self.integer(numbers, scanner, &INT)?,
            Column::Int64(numbers) => self.integer(numbers, scanner, &BIGINT)?,
            Column::Interval(numbers) => self.integer(numbers, scanner, &INTERVAL)?,
            Column::Null(nulls) => {
                scanner.skip_value()?;
                nulls.push_null();
            }
            Column::Text(texts) => text(texts, scanner)?,
            Column::Time(times) => times.push(self.time(times.unit(), scanner)?),
            Column::Timestamp(timestamps) => self.timestamp(timestamps, scanner)?,
        }
        Ok(true)
    }

    #[inline]
    fn integer<T>(
        &mut self,
        numbers: &mut Numbers<T>,
        scanner: &mut Scanner<'_>,
        rule: &IntegerRule,
    ) -> Result<(), Fault>
    where
        T: ArrowPrimitiveType,
        T::Native: TryFrom<i64>,
    {
        let position = scanner.position();
        let value = match scanner.small_integer() {
            Some(value) => Some(value),
            None => self.other_integer(scanner, rule)?,
        };
        let value = value.and_then(|value| T::Native::try_from(value).ok());
        numbers.push(value.ok_or_else(|| Fault::value(position, rule.expected))?);
        Ok(())
    }

    /// A number of 19 digits, a fraction, or a text; `None` if it is no integer or too large for all types.
    fn other_integer(
        &mut self,
        scanner: &mut Scanner<'_>,
        rule: &IntegerRule,
    ) -> Result<Option<i64>, Fault> {
        let text = self.number_or_text(scanner, rule.expected)?;
        let takes_fractions = matches!(text, NumberOrText::Number(_)) && rule.takes_fractions;
        let text = text.bytes();
        if !takes_fractions && text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return Ok(None);
        }
        Ok(match decimal::parse(text, MAX_PRECISION, 0, Rounding::Truncate) {
            Decimal::Value(value) => i64::try_from(value).ok(),
            Decimal::Overflow | Decimal::Invalid => None,
        })
    }

    fn decimal(
        &mut self,
        decimals: &mut Numbers<Decimal128Type>,
        scanner: &mut Scanner<'_>,
    ) -> Result<bool, Fault> {
        let (precision, scale) = match *decimals.data_type() {
            DataType::Decimal128(precision, scale) => (precision, scale),
            _ => (MAX_PRECISION, 0),
        };
        let (position, depth) = (scanner.position(), scanner.depth());
        if let Some(SmallNumber { digits, point }) = scanner.small_number() {
            if let Some(value) = decimal::scaled(digits, point.unwrap_or(0), precision, scale) {
                decimals.push(value);
                return Ok(true);
            }
            scanner.rewind(position, depth);
        }
        self.any_decimal(decimals, scanner, precision, scale)
    }

    /// A number that takes rounding or many digits, has an exponent or is a text.
    fn any_decimal(
        &mut self,
        decimals: &mut Numbers<Decimal128Type>,
        scanner: &mut Scanner<'_>,
        precision: u8,
        scale: i8,
    ) -> Result<bool, Fault> {
        let position = scanner.position();
        let expected = "a number for DECIMAL";
        let text = self.number_or_text(scanner, expected)?;
        match decimal::parse(text.bytes(), precision, scale, Rounding::HalfUp) {
            Decimal::Value(value) => {
                decimals.push(value);
                Ok(true)
            }
            Decimal::Overflow => Ok(false),
            Decimal::Invalid => Err(Fault::value(position, expected)),
        }
    }

    fn float<F: FromStr>(
        &mut self,
        scanner: &mut Scanner<'_>,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<F>,
    ) -> Result<F, Fault> {
        let position = scanner.position();
        let value = match self.number_or_text(scanner, expected)? {
            NumberOrText::Number(number) => {
                str::from_utf8(number).ok().and_then(|number| number.parse().ok())
            }
            NumberOrText::Text(text) => str::from_utf8(text).ok().and_then(parse),
        };
        value.ok_or_else(|| Fault::value(position, expected))
    }

    fn boolean(&mut self, scanner: &mut Scanner<'_>) -> Result<bool, Fault> {
        let text = match token(scanner, "true or false for BOOLEAN")? {
            Token::True => return Ok(true),
            Token::String(string) => self.resolve(string),
            _ => return Ok(false),
        };
        Ok(trim(text).eq_ignore_ascii_case(b"true"))
    }

    fn binary(&mut self, texts: &mut Texts, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let position = scanner.position();
        let expected = "a string in Base64 for BYTES";
        let text = self.string(scanner, expected)?;
        // White space may break long texts into lines.
        let outcome = if text.iter().any(|&byte| byte <= b' ') {
            let joined: Vec<u8> = text.iter().copied().filter(|&byte| byte > b' ').collect();
            texts.push_with(|out| BASE64.decode_vec(&joined, out))
        } else {
            texts.push_with(|out| BASE64.decode_vec(text, out))
        };
        outcome.map_err(|_| Fault::value(position, expected))
    }

    fn date(&mut self, scanner: &mut Scanner<'_>) -> Result<i32, Fault> {
        let position = scanner.position();
        let expected = "a date like '2020-01-31' for DATE";
        let text = self.string(scanner, expected)?;
        let days = parse_date(text).filter(|(_, rest)| rest.is_empty());
        let days = days.and_then(|(days, _)| i32::try_from(days).ok());
        days.ok_or_else(|| Fault::value(position, expected))
    }

    /// The time since midnight, counted in `unit`; what is smaller is dropped.
    fn time(&mut self, unit: TimeUnit, scanner: &mut Scanner<'_>) -> Result<i64, Fault> {
        let position = scanner.position();
        let expected = "a time like '12:34:56' for TIME";
        let text = self.string(scanner, expected)?;
        let time = parse_time(text, false).filter(|(_, rest)| rest.is_empty());
        let count = time.and_then(|(time, _)| {
            // The end of a day is the midnight of a clock.
            let seconds = i64::from(time.seconds) % SECONDS_PER_DAY;
            Timestamp { seconds, nanos: time.nanos }.count(unit)
        });
        count.ok_or_else(|| Fault::value(position, expected))
    }

    fn timestamp(
        &mut self,
        timestamps: &mut Timestamps,
        scanner: &mut Scanner<'_>,
    ) -> Result<(), Fault> {
        let position = scanner.position();
        let (standard, is_zoned) = (self.standard, timestamps.is_zoned());
        if scanner.peek() != b'"' {
            return Err(Fault::value(position, standard.example(is_zoned)));
        }
        let string = scanner.string()?;
        let text = resolve(string, &mut self.scratch);
        let timestamp = standard.parse(&mut self.dates, text, is_zoned);
        let count = timestamp.and_then(|timestamp| timestamp.count(timestamps.unit()));
        timestamps.push(count.ok_or_else(|| Fault::value(position, standard.example(is_zoned)))?);
        Ok(())
    }

    /// The next value if it is a string.
    #[inline]
    fn string<'t, 'a: 't>(
        &'t mut self,
        scanner: &mut Scanner<'a>,
        expected: &'static str,
    ) -> Result<&'t [u8], Fault> {
        if scanner.peek() == b'"' {
            return Ok(self.resolve(scanner.string()?));
        }
        Err(Fault::value(scanner.position(), expected))
    }

    /// The next value if it is a number, or the trimmed text of a string that may hold one.
    #[inline]
    fn number_or_text<'t, 'a: 't>(
        &'t mut self,
        scanner: &mut Scanner<'a>,
        expected: &'static str,
    ) -> Result<NumberOrText<'t>, Fault> {
        match scanner.peek() {
            b'-' | b'0'..=b'9' => scanner.number().map(NumberOrText::Number),
            b'"' => Ok(NumberOrText::Text(trim(self.resolve(scanner.string()?)))),
            _ => Err(Fault::value(scanner.position(), expected)),
        }
    }

    #[inline]
    fn resolve<'t, 'a: 't>(&'t mut self, string: RawString<'a>) -> &'t [u8] {
        resolve(string, &mut self.scratch)
    }
}

/// What a string stands for.
#[inline]
fn resolve<'t, 'a: 't>(string: RawString<'a>, scratch: &'t mut Vec<u8>) -> &'t [u8] {
    if !string.has_escapes {
        return string.text;
    }
    scratch.clear();
    unescape(string.text, scratch);
    scratch
}

/// The next value if it has no parts; `expected` says what is wrong with one that has.
#[inline]
fn token<'a>(scanner: &mut Scanner<'a>, expected: &'static str) -> Result<Token<'a>, Fault> {
    match scanner.peek() {
        b'{' | b'[' => Err(Fault::value(scanner.position(), expected)),
        _ => scanner.token(),
    }
}

#[derive(Clone, Copy)]
enum NumberOrText<'t> {
    Number(&'t [u8]),
    Text(&'t [u8]),
}

impl<'t> NumberOrText<'t> {
    fn bytes(self) -> &'t [u8] {
        match self {
            Self::Number(bytes) | Self::Text(bytes) => bytes,
        }
    }
}

/// What an integer type takes.
struct IntegerRule {
    /// Whether digits after the point are cut off; otherwise they are an error.
    takes_fractions: bool,
    expected: &'static str,
}

const BIGINT: IntegerRule =
    IntegerRule { takes_fractions: true, expected: "an integer of 64 bits for BIGINT" };
const INT: IntegerRule =
    IntegerRule { takes_fractions: true, expected: "an integer of 32 bits for INT" };
const INTERVAL: IntegerRule =
    IntegerRule { takes_fractions: true, expected: "an integer for INTERVAL" };
const SMALLINT: IntegerRule =
    IntegerRule { takes_fractions: false, expected: "an integer of 16 bits for SMALLINT" };
const TINYINT: IntegerRule =
    IntegerRule { takes_fractions: false, expected: "an integer of 8 bits for TINYINT" };

/// Any value as text: strings as they are, the rest as compact JSON.
#[inline]
fn text(texts: &mut Texts, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
    match scanner.peek() {
        b'"' => push_text(texts, scanner.string()?),
        _ => texts.push_with(|out| scanner.walk(&mut Compact { out }))?,
    }
    Ok(())
}

/// Without control characters and blanks at both ends, as Java's `trim`.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [..=b' ', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., ..=b' '] = text {
        text = rest;
    }
    text
}

/// Reads what Java's `Double.parseDouble` reads, hexadecimal numbers excepted.
fn java_double(text: &str) -> Option<f64> {
    match special(text) {
        Some(special) => Some(special),
        None => decimal_digits(text)?.parse().ok(),
    }
}

fn java_float(text: &str) -> Option<f32> {
    match special(text) {
        Some(special) => Some(special as f32),
        None => decimal_digits(text)?.parse().ok(),
    }
}

fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" | "+NaN" | "-NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The text without a suffix `d` or `f`, if it is made of the characters of decimal numbers.
fn decimal_digits(text: &str) -> Option<&str> {
    let number = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    let is_decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    number.bytes().all(is_decimal).then_some(number)
}

/// Padding is required; bits that the last character has too many are not looked at, as in Jackson.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The most digits that a DECIMAL has.
const MAX_PRECISION: u8 = 38;

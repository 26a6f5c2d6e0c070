//! Flink's SQL types: their parameters, their text, and the Arrow types that carry them.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, Fields, IntervalUnit, TimeUnit};

use super::display::{Identifier, Literal};

/// A SQL type with its nullability. Its `Display` is Flink's text for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataType {
    /// The type itself.
    pub root: TypeRoot,
    /// `false` after `NOT NULL`.
    pub nullable: bool,
}

/// A SQL type without its nullability. Lengths and precisions are within Flink's ranges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeRoot {
    /// `ARRAY<T>`.
    Array(Box<DataType>),
    /// `BIGINT`.
    BigInt,
    /// `BINARY(n)`.
    Binary(u32),
    /// `BOOLEAN`.
    Boolean,
    /// `BYTES`, which is `VARBINARY(2147483647)`.
    Bytes,
    /// `CHAR(n)`.
    Char(u32),
    /// `DATE`.
    Date,
    /// `DECIMAL(precision, scale)`.
    Decimal(u8, u8),
    /// `DOUBLE`.
    Double,
    /// `FLOAT`.
    Float,
    /// `INT`.
    Int,
    /// `INTERVAL …`.
    Interval(IntervalType),
    /// `MAP<K, V>`.
    Map(Box<DataType>, Box<DataType>),
    /// `MULTISET<T>`.
    Multiset(Box<DataType>),
    /// `NULL`.
    Null,
    /// `ROW<…>`.
    Row(Vec<RowField>),
    /// `SMALLINT`.
    SmallInt,
    /// `STRING`, which is `VARCHAR(2147483647)`.
    String,
    /// `TIME(precision)`.
    Time(u8),
    /// `TIMESTAMP(precision)`.
    Timestamp(u8),
    /// `TIMESTAMP_LTZ(precision)`: an instant.
    TimestampLtz(u8),
    /// `TINYINT`.
    TinyInt,
    /// `VARBINARY(n)`.
    VarBinary(u32),
    /// `VARCHAR(n)`.
    VarChar(u32),
}

/// One field of a `ROW`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowField {
    /// Its name; case matters.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its description.
    pub comment: Option<String>,
}

/// `INTERVAL from[(precision)] [TO to[(fraction)]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntervalType {
    /// The leading field.
    pub from: IntervalField,
    /// Digits of the leading field, where Flink lets it have some.
    pub precision: Option<u8>,
    /// The last field, when it is not the leading one.
    pub to: Option<IntervalField>,
    /// Digits of the fraction, when the last field is `SECOND`.
    pub fraction: Option<u8>,
}

/// A field of an interval, coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntervalField {
    /// `YEAR`.
    Year,
    /// `MONTH`.
    Month,
    /// `DAY`.
    Day,
    /// `HOUR`.
    Hour,
    /// `MINUTE`.
    Minute,
    /// `SECOND`.
    Second,
}

impl DataType {
    /// A nullable type.
    pub fn nullable(root: TypeRoot) -> Self {
        Self { root, nullable: true }
    }

    /// A type that takes no NULL.
    pub fn not_null(root: TypeRoot) -> Self {
        Self { root, nullable: false }
    }

    /// The Arrow type that carries it. Text and bytes are views, so that they can point into fetched bytes.
    pub fn to_arrow(&self) -> ArrowType {
        self.root.to_arrow()
    }

    /// An Arrow field of this type.
    pub fn to_field(&self, name: &str) -> Field {
        Field::new(name, self.to_arrow(), self.nullable)
    }
}

impl TypeRoot {
    fn to_arrow(&self) -> ArrowType {
        match self {
            Self::Array(element) => {
                ArrowType::List(Arc::new(element.to_field(Field::LIST_FIELD_DEFAULT_NAME)))
            }
            Self::BigInt => ArrowType::Int64,
            // Formats do not enforce lengths, so a fixed width could not hold what they read.
            Self::Binary(_) | Self::Bytes | Self::VarBinary(_) => ArrowType::BinaryView,
            Self::Boolean => ArrowType::Boolean,
            Self::Char(_) | Self::String | Self::VarChar(_) => ArrowType::Utf8View,
            Self::Date => ArrowType::Date32,
            Self::Decimal(precision, scale) => {
                ArrowType::Decimal128(*precision, (*scale).cast_signed())
            }
            Self::Double => ArrowType::Float64,
            Self::Float => ArrowType::Float32,
            Self::Int => ArrowType::Int32,
            Self::Interval(interval) if interval.from <= IntervalField::Month => {
                ArrowType::Interval(IntervalUnit::YearMonth)
            }
            Self::Interval(_) => ArrowType::Duration(TimeUnit::Millisecond),
            Self::Map(key, value) => map(key, value.to_field(MAP_VALUE)),
            Self::Multiset(element) => map(element, Field::new(MAP_VALUE, ArrowType::Int32, false)),
            Self::Null => ArrowType::Null,
            Self::Row(fields) => ArrowType::Struct(fields.iter().map(RowField::to_arrow).collect()),
            Self::SmallInt => ArrowType::Int16,
            Self::Time(precision) => time(*precision),
            Self::Timestamp(precision) => ArrowType::Timestamp(unit(*precision), None),
            Self::TimestampLtz(precision) => {
                ArrowType::Timestamp(unit(*precision), Some("UTC".into()))
            }
            Self::TinyInt => ArrowType::Int8,
        }
    }
}

impl RowField {
    fn to_arrow(&self) -> Field {
        self.data_type.to_field(&self.name)
    }
}

fn map(key: &DataType, value: Field) -> ArrowType {
    // Arrow has no NULL keys, whatever the declared key type says.
    let key = Field::new(MAP_KEY, key.to_arrow(), false);
    let entries = Field::new(MAP_ENTRIES, ArrowType::Struct(Fields::from(vec![key, value])), false);
    ArrowType::Map(Arc::new(entries), false)
}

fn time(precision: u8) -> ArrowType {
    match unit(precision) {
        TimeUnit::Millisecond if precision == 0 => ArrowType::Time32(TimeUnit::Second),
        TimeUnit::Millisecond => ArrowType::Time32(TimeUnit::Millisecond),
        finer => ArrowType::Time64(finer),
    }
}

fn unit(precision: u8) -> TimeUnit {
    match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)?;
        if self.nullable { Ok(()) } else { f.write_str(" NOT NULL") }
    }
}

impl fmt::Display for TypeRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Binary(length) => write!(f, "BINARY({length})"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Bytes => f.write_str("BYTES"),
            Self::Char(length) => write!(f, "CHAR({length})"),
            Self::Date => f.write_str("DATE"),
            Self::Decimal(precision, scale) => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Float => f.write_str("FLOAT"),
            Self::Int => f.write_str("INT"),
            Self::Interval(interval) => interval.fmt(f),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Null => f.write_str("NULL"),
            Self::Row(fields) => write_row(f, fields),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::String => f.write_str("STRING"),
            Self::Time(precision) => write!(f, "TIME({precision})"),
            Self::Timestamp(precision) => write!(f, "TIMESTAMP({precision})"),
            Self::TimestampLtz(precision) => write!(f, "TIMESTAMP_LTZ({precision})"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::VarBinary(length) => write!(f, "VARBINARY({length})"),
            Self::VarChar(length) => write!(f, "VARCHAR({length})"),
        }
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, fields: &[RowField]) -> fmt::Result {
    f.write_str("ROW<")?;
    for (index, field) in fields.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{} {}", Identifier(&field.name), field.data_type)?;
        if let Some(comment) = &field.comment {
            write!(f, " {}", Literal(comment))?;
        }
    }
    f.write_str(">")
}

impl fmt::Display for IntervalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INTERVAL {}", self.from)?;
        if let Some(precision) = self.precision {
            write!(f, "({precision})")?;
        }
        if let Some(to) = self.to {
            write!(f, " TO {to}")?;
        }
        self.fraction.map_or(Ok(()), |fraction| write!(f, "({fraction})"))
    }
}

impl fmt::Display for IntervalField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Year => "YEAR",
            Self::Month => "MONTH",
            Self::Day => "DAY",
            Self::Hour => "HOUR",
            Self::Minute => "MINUTE",
            Self::Second => "SECOND",
        })
    }
}

/// The names Arrow's own specification uses for the parts of a map.
const MAP_ENTRIES: &str = "entries";
const MAP_KEY: &str = "key";
const MAP_VALUE: &str = "value";

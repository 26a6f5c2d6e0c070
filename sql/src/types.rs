//! Flink's type names in queries (`CAST(x AS TIMESTAMP_LTZ(3))`), and Flink's names for the engine's types.

use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, FieldRef, TimeUnit};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, ExactNumberInfo, TimezoneInfo};
use kavka_connector::{DataType, RowField, TypeRoot};

use crate::error::{Error, ErrorKind};

/// Gives type names in queries the meaning they have in table definitions.
#[derive(Debug)]
pub(crate) struct FlinkTypes;

impl TypePlanner for FlinkTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let Some(root) = flink_type(sql_type)? else {
            return Ok(None);
        };
        let arrow = DataType::nullable(root).to_arrow();
        Ok(Some(Arc::new(Field::new("", arrow, true))))
    }
}

/// The Flink type of a type name that the engine would refuse or take for another.
fn flink_type(sql_type: &SqlType) -> Result<Option<TypeRoot>, Error> {
    use TimezoneInfo::{None as Unzoned, WithoutTimeZone};
    Ok(Some(match sql_type {
        SqlType::Binary(Some(_)) | SqlType::Varbinary(Some(_)) => {
            return Err(Error::unsupported("type", sql_type));
        }
        SqlType::Binary(None) | SqlType::Varbinary(None) | SqlType::Bytes(_) => TypeRoot::Bytes,
        SqlType::Character(_) | SqlType::CharacterVarying(_) | SqlType::CharVarying(_) => {
            TypeRoot::String
        }
        SqlType::Dec(digits) | SqlType::Decimal(digits) | SqlType::Numeric(digits) => {
            decimal(digits)?
        }
        SqlType::Time(digits, Unzoned | WithoutTimeZone) => {
            TypeRoot::Time(precision(digits.unwrap_or(0), 9)?)
        }
        SqlType::Timestamp(digits, Unzoned | WithoutTimeZone) => {
            TypeRoot::Timestamp(precision(digits.unwrap_or(6), 9)?)
        }
        SqlType::Custom(name, arguments) if is_timestamp_ltz(&name.to_string()) => {
            let digits = match arguments.as_slice() {
                [] => 6,
                [digits] => digits.parse().unwrap_or(u64::MAX),
                _ => u64::MAX,
            };
            TypeRoot::TimestampLtz(precision(digits, 9)?)
        }
        _ => return Ok(None),
    }))
}

fn is_timestamp_ltz(name: &str) -> bool {
    name.eq_ignore_ascii_case("TIMESTAMP_LTZ")
}

fn decimal(digits: &ExactNumberInfo) -> Result<TypeRoot, Error> {
    let (digits, scale) = match *digits {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(digits) => (digits, 0),
        ExactNumberInfo::PrecisionAndScale(digits, scale) => {
            (digits, u64::try_from(scale).unwrap_or(u64::MAX))
        }
    };
    let digits = precision(digits, 38)?.max(1);
    Ok(TypeRoot::Decimal(digits, precision(scale, u64::from(digits))?))
}

fn precision(digits: u64, most: u64) -> Result<u8, Error> {
    let fits = u8::try_from(digits).ok().filter(|_| digits <= most);
    fits.ok_or_else(|| {
        Error::new(
            ErrorKind::Syntax,
            format!("a precision or scale is {digits}, and {most} is the most it can be"),
        )
    })
}

/// Flink's name for a type of the engine; the engine's own where Flink has none.
pub(crate) fn flink_name(arrow: &ArrowType) -> String {
    root(arrow).map_or_else(|| arrow.to_string(), |root| DataType::nullable(root).to_string())
}

/// The Flink type of a type of the engine, if there is one.
pub(crate) fn root(arrow: &ArrowType) -> Option<TypeRoot> {
    Some(match arrow {
        ArrowType::Null => TypeRoot::Null,
        ArrowType::Boolean => TypeRoot::Boolean,
        ArrowType::Int8 => TypeRoot::TinyInt,
        ArrowType::Int16 | ArrowType::UInt8 => TypeRoot::SmallInt,
        ArrowType::Int32 | ArrowType::UInt16 => TypeRoot::Int,
        ArrowType::Int64 | ArrowType::UInt32 => TypeRoot::BigInt,
        ArrowType::UInt64 => TypeRoot::Decimal(20, 0),
        ArrowType::Float32 => TypeRoot::Float,
        ArrowType::Float64 => TypeRoot::Double,
        ArrowType::Decimal128(digits, scale) => {
            TypeRoot::Decimal(*digits, u8::try_from(*scale).ok()?)
        }
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => TypeRoot::String,
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => TypeRoot::Bytes,
        ArrowType::Date32 => TypeRoot::Date,
        ArrowType::Time32(unit) | ArrowType::Time64(unit) => TypeRoot::Time(digits(*unit)),
        ArrowType::Timestamp(unit, None) => TypeRoot::Timestamp(digits(*unit)),
        ArrowType::Timestamp(unit, Some(_)) => TypeRoot::TimestampLtz(digits(*unit)),
        ArrowType::List(element) => TypeRoot::Array(Box::new(nested(element)?)),
        ArrowType::Struct(fields) => {
            let field = |field: &FieldRef| {
                let data_type = nested(field)?;
                Some(RowField { name: field.name().clone(), data_type, comment: None })
            };
            TypeRoot::Row(fields.iter().map(field).collect::<Option<_>>()?)
        }
        ArrowType::Map(entries, _) => {
            let ArrowType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let [key, value] = fields.iter().as_slice() else {
                return None;
            };
            TypeRoot::Map(Box::new(nested(key)?), Box::new(nested(value)?))
        }
        _ => return None,
    })
}

fn nested(field: &Field) -> Option<DataType> {
    Some(DataType { root: root(field.data_type())?, nullable: field.is_nullable() })
}

fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_mean_what_they_mean_in_a_table() {
        use TimeUnit::{Microsecond, Millisecond, Nanosecond};
        for (sql_type, expected) in [
            (SqlType::Timestamp(None, TimezoneInfo::None), ArrowType::Timestamp(Microsecond, None)),
            (
                SqlType::Timestamp(Some(2), TimezoneInfo::None),
                ArrowType::Timestamp(Millisecond, None),
            ),
            (
                SqlType::Timestamp(Some(9), TimezoneInfo::None),
                ArrowType::Timestamp(Nanosecond, None),
            ),
            (SqlType::Dec(ExactNumberInfo::None), ArrowType::Decimal128(10, 0)),
            (
                SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(12, 2)),
                ArrowType::Decimal128(12, 2),
            ),
            (SqlType::Bytes(None), ArrowType::BinaryView),
        ] {
            let field = FlinkTypes.plan_type_field(&sql_type).unwrap().unwrap();
            assert_eq!(field.data_type(), &expected, "{sql_type}");
        }
    }

    #[test]
    fn a_precision_out_of_range_is_refused() {
        let sql_type = SqlType::Timestamp(Some(10), TimezoneInfo::None);
        let error = Error::from(FlinkTypes.plan_type_field(&sql_type).unwrap_err());
        assert_eq!(error.to_string(), "a precision or scale is 10, and 9 is the most it can be");
    }

    #[test]
    fn the_engines_types_have_flinks_names() {
        let element = Arc::new(Field::new("item", ArrowType::Utf8View, true));
        for (arrow, expected) in [
            (ArrowType::Utf8, "STRING"),
            (ArrowType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), "TIMESTAMP_LTZ(3)"),
            (ArrowType::List(element), "ARRAY<STRING>"),
            (ArrowType::Decimal128(12, 2), "DECIMAL(12, 2)"),
        ] {
            assert_eq!(flink_name(&arrow), expected);
        }
    }
}

//! Casts between what Kafka tells of a record and what a table declares it as.

mod zone;

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, ArrowTimestampType, Date32Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{ArrayRef, PrimitiveArray, StringViewArray};
use arrow_cast::CastOptions;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use chrono_tz::Tz;

use crate::format::array::Counts;
use crate::format::datetime::{SECONDS_PER_DAY, Timestamp, write_date, write_time};

/// Casts as Flink's CAST does in a session whose time zone is `zone`. A value that does not fit is an error.
pub(crate) fn cast(array: &ArrayRef, to: &DataType, zone: Tz) -> Result<ArrayRef, ArrowError> {
    match (array.data_type(), to) {
        (from, to) if from == to => Ok(array.clone()),
        (DataType::Timestamp(_, from), DataType::Timestamp(unit, to)) => {
            let moved = match (from, to) {
                (Some(_), None) => moved(array, |timestamp| zone::to_local(timestamp, zone)),
                (None, Some(_)) => moved(array, |timestamp| zone::to_instant(timestamp, zone)),
                _ => moved(array, |timestamp| timestamp),
            };
            timestamps(&moved, *unit, to.clone())
        }
        (DataType::Timestamp(unit, from), to) => {
            let local = moved(array, |timestamp| match from {
                Some(_) => zone::to_local(timestamp, zone),
                None => timestamp,
            });
            from_local(&local, *unit, to)
        }
        (_, to) => strictly(array, to),
    }
}

/// Timestamps as readings of a clock, cast to what is left of them.
fn from_local(
    local: &[Option<Timestamp>],
    unit: TimeUnit,
    to: &DataType,
) -> Result<ArrayRef, ArrowError> {
    match to {
        DataType::Utf8View => {
            let texts = local.iter().map(|value| value.map(|value| text(value, unit)));
            Ok(Arc::new(texts.collect::<StringViewArray>()))
        }
        DataType::Date32 => {
            let day = |value: Timestamp| i32::try_from(value.seconds.div_euclid(SECONDS_PER_DAY));
            let days = local.iter().map(|value| value.map(day).transpose());
            let days: PrimitiveArray<Date32Type> =
                days.collect::<Result<_, _>>().map_err(cannot)?;
            Ok(Arc::new(days))
        }
        to => {
            let time = |value: Timestamp| Timestamp {
                seconds: value.seconds.rem_euclid(SECONDS_PER_DAY),
                nanos: value.nanos,
            };
            let times: Vec<_> = local.iter().map(|value| value.map(time)).collect();
            let times = timestamps(&times, TimeUnit::Nanosecond, None)?;
            let times = strictly(&times, &DataType::Time64(TimeUnit::Nanosecond))?;
            strictly(&times, to)
        }
    }
}

/// The values of an array of timestamps, each changed by `change`.
fn moved(array: &ArrayRef, change: impl Fn(Timestamp) -> Timestamp) -> Vec<Option<Timestamp>> {
    let counts = Counts::new(array.as_ref());
    let value = |row| {
        let counts = counts.filter(|_| array.is_valid(row))?;
        Some(change(Timestamp::from_count(counts.get(row), counts.unit())))
    };
    (0..array.len()).map(value).collect()
}

fn timestamps(
    values: &[Option<Timestamp>],
    unit: TimeUnit,
    zone: Option<Arc<str>>,
) -> Result<ArrayRef, ArrowError> {
    match unit {
        TimeUnit::Second => counted::<TimestampSecondType>(values, zone),
        TimeUnit::Millisecond => counted::<TimestampMillisecondType>(values, zone),
        TimeUnit::Microsecond => counted::<TimestampMicrosecondType>(values, zone),
        TimeUnit::Nanosecond => counted::<TimestampNanosecondType>(values, zone),
    }
}

fn counted<T>(values: &[Option<Timestamp>], zone: Option<Arc<str>>) -> Result<ArrayRef, ArrowError>
where
    T: ArrowTimestampType + ArrowPrimitiveType<Native = i64>,
{
    let count = |value: Timestamp| {
        value.count(T::UNIT).ok_or_else(|| cannot("a timestamp is too far from 1970 for its type"))
    };
    let counts = values.iter().map(|value| value.map(count).transpose());
    let array: PrimitiveArray<T> = counts.collect::<Result<_, _>>()?;
    Ok(Arc::new(array.with_timezone_opt(zone)))
}

/// As Flink prints it: a digit of the second for each that the unit has.
fn text(value: Timestamp, unit: TimeUnit) -> String {
    let mut text = Vec::new();
    write_date(&mut text, value.seconds.div_euclid(SECONDS_PER_DAY));
    text.push(b' ');
    write_time(&mut text, value.seconds.rem_euclid(SECONDS_PER_DAY) as u32);
    let text = String::from_utf8_lossy(&text);
    match unit {
        TimeUnit::Second => text.into_owned(),
        TimeUnit::Millisecond => format!("{text}.{:03}", value.nanos / 1_000_000),
        TimeUnit::Microsecond => format!("{text}.{:06}", value.nanos / 1_000),
        TimeUnit::Nanosecond => format!("{text}.{:09}", value.nanos),
    }
}

/// Without turning what does not fit into NULL.
fn strictly(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    arrow_cast::cast_with_options(array.as_ref(), to, &options)
}

fn cannot(reason: impl ToString) -> ArrowError {
    ArrowError::CastError(reason.to_string())
}

#[cfg(test)]
mod tests;

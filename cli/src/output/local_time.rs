//! TIMESTAMP_LTZ values as wall-clock time of the session's zone, the way SQL clients print them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// `schema` with every TIMESTAMP_LTZ column turned into TIMESTAMP.
pub(crate) fn local_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => Arc::new(Field::new(
            field.name(),
            DataType::Timestamp(*unit, None),
            field.is_nullable(),
        )),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// `batch` in the types of [`local_schema`], its instants moved to the wall clock of `zone`.
pub(crate) fn localize(batch: &RecordBatch, zone: Tz) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| localize_column(column, zone)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(local_schema(&batch.schema()), columns, &options)
}

fn localize_column(column: &ArrayRef, zone: Tz) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, Some(_)) => {
            shift::<TimestampSecondType>(column, 1, zone)
        }
        DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
            shift::<TimestampMillisecondType>(column, 1_000, zone)
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            shift::<TimestampMicrosecondType>(column, 1_000_000, zone)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            shift::<TimestampNanosecondType>(column, 1_000_000_000, zone)
        }
        _ => Arc::clone(column),
    }
}

fn shift<T: ArrowTimestampType>(column: &ArrayRef, per_second: i64, zone: Tz) -> ArrayRef {
    let instants: &PrimitiveArray<T> = column.as_primitive();
    let local = instants.unary::<_, T>(|instant| {
        instant + offset_seconds(instant.div_euclid(per_second), zone) * per_second
    });
    Arc::new(local.with_timezone_opt(None::<Arc<str>>))
}

/// How far the zone's clock is ahead of UTC at that second; zero for what no calendar covers.
fn offset_seconds(second: i64, zone: Tz) -> i64 {
    DateTime::from_timestamp(second, 0).map_or(0, |instant| {
        i64::from(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc())
    })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::offset_seconds;

    #[test]
    fn the_offset_follows_daylight_saving() {
        assert_eq!(offset_seconds(1_767_225_600, Tz::Europe__Zurich), 3_600);
        assert_eq!(offset_seconds(1_783_000_000, Tz::Europe__Zurich), 7_200);
        assert_eq!(offset_seconds(i64::MAX, Tz::Europe__Zurich), 0);
    }
}

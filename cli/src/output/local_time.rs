//! TIMESTAMP_LTZ values as wall-clock time of the session's zone, the way SQL clients print them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// `schema` with every TIMESTAMP_LTZ turned into TIMESTAMP, also inside of rows, arrays and maps.
pub(crate) fn local_schema(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(local_field).collect::<Vec<_>>()))
}

/// `batch` in the types of [`local_schema`], its instants moved to the wall clock of `zone`.
pub(crate) fn localize(batch: &RecordBatch, zone: Tz) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| localize_column(column, zone));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(local_schema(&batch.schema()), columns, &options)
}

fn local_field(field: &FieldRef) -> FieldRef {
    match local_type(field.data_type()) {
        Some(data_type) => Arc::new(field.as_ref().clone().with_data_type(data_type)),
        None => Arc::clone(field),
    }
}

/// The type with instants as wall-clock times; `None` where there are none.
fn local_type(data_type: &DataType) -> Option<DataType> {
    let changed = |field: &FieldRef| Some(local_field(field)).filter(|local| local != field);
    match data_type {
        DataType::Timestamp(unit, Some(_)) => Some(DataType::Timestamp(*unit, None)),
        DataType::List(element) => Some(DataType::List(changed(element)?)),
        DataType::Map(entries, sorted) => Some(DataType::Map(changed(entries)?, *sorted)),
        DataType::Struct(fields) => {
            let local: Fields = fields.iter().map(local_field).collect();
            (&local != fields).then_some(DataType::Struct(local))
        }
        _ => None,
    }
}

fn localize_column(column: &ArrayRef, zone: Tz) -> Result<ArrayRef, ArrowError> {
    let Some(data_type) = local_type(column.data_type()) else {
        return Ok(Arc::clone(column));
    };
    Ok(match (column.data_type(), data_type) {
        (DataType::Timestamp(unit, _), _) => localize_instants(column, *unit, zone),
        (_, DataType::Struct(fields)) => {
            Arc::new(localize_struct(column.as_struct(), fields, zone)?)
        }
        (_, DataType::List(element)) => {
            let list = column.as_list::<i32>();
            let values = localize_column(list.values(), zone)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(element, offsets, values, nulls)?)
        }
        (_, DataType::Map(entries, sorted)) => {
            let map = column.as_map();
            let DataType::Struct(fields) = entries.data_type() else {
                return Ok(Arc::clone(column));
            };
            let values = localize_struct(map.entries(), fields.clone(), zone)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(entries, offsets, values, nulls, sorted)?)
        }
        _ => Arc::clone(column),
    })
}

fn localize_struct(
    rows: &StructArray,
    fields: Fields,
    zone: Tz,
) -> Result<StructArray, ArrowError> {
    let columns = rows.columns().iter().map(|column| localize_column(column, zone));
    let columns = columns.collect::<Result<_, _>>()?;
    StructArray::try_new_with_length(fields, columns, rows.nulls().cloned(), rows.len())
}

fn localize_instants(column: &ArrayRef, unit: TimeUnit, zone: Tz) -> ArrayRef {
    match unit {
        TimeUnit::Second => shift::<TimestampSecondType>(column, 1, zone),
        TimeUnit::Millisecond => shift::<TimestampMillisecondType>(column, 1_000, zone),
        TimeUnit::Microsecond => shift::<TimestampMicrosecondType>(column, 1_000_000, zone),
        TimeUnit::Nanosecond => shift::<TimestampNanosecondType>(column, 1_000_000_000, zone),
    }
}

fn shift<T: ArrowTimestampType>(column: &ArrayRef, per_second: i64, zone: Tz) -> ArrayRef {
    let instants: &PrimitiveArray<T> = column.as_primitive();
    let local = instants.unary::<_, T>(|instant| {
        let offset = offset_seconds(instant.div_euclid(per_second), zone) * per_second;
        instant.saturating_add(offset)
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
    use std::sync::Arc;

    use arrow_array::types::{Int64Type, TimestampNanosecondType};
    use arrow_array::{
        Array, ArrayRef, Int64Array, ListArray, StructArray, TimestampMillisecondArray,
        TimestampNanosecondArray,
    };
    use arrow_schema::Field;
    use chrono_tz::Tz;

    use super::{localize_column, offset_seconds, shift};

    #[test]
    fn instants_inside_of_rows_and_arrays_are_local_as_well() {
        let instants: ArrayRef =
            Arc::new(TimestampMillisecondArray::from(vec![0]).with_timezone("UTC"));
        let field =
            |name, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let row: ArrayRef = Arc::new(StructArray::from(vec![
            (field("id", &ids), Arc::clone(&ids)),
            (field("at", &instants), Arc::clone(&instants)),
        ]));
        let one = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]);
        let offsets = one.offsets().clone();
        let list: ArrayRef = Arc::new(ListArray::new(field("item", &row), offsets, row, None));
        let local = localize_column(&list, Tz::Europe__Zurich).unwrap();
        let text = arrow_cast::display::array_value_to_string(&local, 0).unwrap();
        assert_eq!(text, "[{id: 7, at: 1970-01-01T01:00:00}]");
        assert!(Arc::ptr_eq(&localize_column(&ids, Tz::Europe__Zurich).unwrap(), &ids));
    }

    #[test]
    fn the_last_instant_there_is_does_not_overflow() {
        let last: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![i64::MAX]));
        let local = shift::<TimestampNanosecondType>(&last, 1_000_000_000, Tz::Europe__Zurich);
        assert_eq!(&local, &last);
    }

    #[test]
    fn the_offset_follows_daylight_saving() {
        assert_eq!(offset_seconds(1_767_225_600, Tz::Europe__Zurich), 3_600);
        assert_eq!(offset_seconds(1_783_000_000, Tz::Europe__Zurich), 7_200);
        assert_eq!(offset_seconds(i64::MAX, Tz::Europe__Zurich), 0);
    }
}

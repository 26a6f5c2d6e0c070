use arrow_array::{
    Array, Date32Array, Int8Array, Int32Array, Int64Array, Time32SecondArray,
    TimestampMillisecondArray,
};
use arrow_schema::TimeUnit;

use super::*;

fn local(text: &str) -> i64 {
    let (date, time) = text.split_once(' ').unwrap();
    let (days, _) = crate::format::datetime::parse_date(date.as_bytes()).unwrap();
    let (time, _) = crate::format::datetime::parse_time(time.as_bytes(), false).unwrap();
    (days * SECONDS_PER_DAY + i64::from(time.seconds)) * 1000 + i64::from(time.nanos / 1_000_000)
}

fn ltz(text: &str) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(vec![Some(local(text)), None]).with_timezone("UTC"))
}

fn timestamp(text: &str) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(vec![Some(local(text)), None]))
}

const LTZ: fn() -> DataType = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

#[test]
fn an_instant_is_read_from_the_clocks_of_the_session() {
    let table = [
        (Tz::UTC, "2024-07-01 12:00:00.5", "2024-07-01 12:00:00.5"),
        (Tz::Europe__Berlin, "2024-07-01 12:00:00.5", "2024-07-01 14:00:00.5"),
        (Tz::Europe__Berlin, "2024-01-01 12:00:00", "2024-01-01 13:00:00"),
        (Tz::America__New_York, "2024-01-01 02:00:00", "2023-12-31 21:00:00"),
        (Tz::Asia__Kolkata, "1960-01-01 00:00:00", "1960-01-01 05:30:00"),
    ];
    for (zone, instant, clock) in table {
        let read = cast(&ltz(instant), &TIMESTAMP, zone).unwrap();
        assert_eq!(read.as_ref(), timestamp(clock).as_ref(), "{zone}");
        let back = cast(&timestamp(clock), &LTZ(), zone).unwrap();
        assert_eq!(back.as_ref(), ltz(instant).as_ref(), "{zone}");
    }
}

#[test]
fn a_time_shown_twice_is_the_first_and_a_skipped_one_moves_on() {
    let table = [
        (Tz::Europe__Berlin, "2024-10-27 02:30:00", "2024-10-27 00:30:00"),
        (Tz::Europe__Berlin, "2024-03-31 02:30:00", "2024-03-31 01:30:00"),
        (Tz::Pacific__Apia, "2011-12-30 12:00:00", "2011-12-30 22:00:00"),
    ];
    for (zone, clock, instant) in table {
        let cast = cast(&timestamp(clock), &LTZ(), zone).unwrap();
        assert_eq!(cast.as_ref(), ltz(instant).as_ref(), "{zone} {clock}");
    }
}

#[test]
fn a_timestamp_as_text_date_or_time_is_that_of_the_session() {
    let instant = ltz("2024-07-01 22:30:45.060");
    let zone = Tz::Europe__Berlin;
    let text = cast(&instant, &DataType::Utf8View, zone).unwrap();
    let expected = StringViewArray::from(vec![Some("2024-07-02 00:30:45.060"), None]);
    assert_eq!(text.as_ref(), &expected as &dyn Array);
    let date = cast(&instant, &DataType::Date32, zone).unwrap();
    assert_eq!(date.as_ref(), &Date32Array::from(vec![Some(19_906), None]) as &dyn Array);
    let time = cast(&instant, &DataType::Time32(TimeUnit::Second), zone).unwrap();
    assert_eq!(time.as_ref(), &Time32SecondArray::from(vec![Some(1_845), None]) as &dyn Array);
}

#[test]
fn units_change_and_what_does_not_fit_is_an_error() {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let finer = cast(&ltz("2024-07-01 12:00:00.123"), &micros, Tz::UTC).unwrap();
    assert_eq!(
        cast(&finer, &LTZ(), Tz::UTC).unwrap().as_ref(),
        ltz("2024-07-01 12:00:00.123").as_ref()
    );
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    assert!(cast(&ltz("2300-01-01 00:00:00"), &nanos, Tz::UTC).is_err());
}

#[test]
fn numbers_become_other_numbers_and_text_but_never_wrong_ones() {
    let partition: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None]));
    let wide = cast(&partition, &DataType::Int64, Tz::UTC).unwrap();
    assert_eq!(wide.as_ref(), &Int64Array::from(vec![Some(7), None]) as &dyn Array);
    let text = cast(&partition, &DataType::Utf8View, Tz::UTC).unwrap();
    assert_eq!(text.as_ref(), &StringViewArray::from(vec![Some("7"), None]) as &dyn Array);
    let narrow = cast(&partition, &DataType::Int8, Tz::UTC).unwrap();
    assert_eq!(narrow.as_ref(), &Int8Array::from(vec![Some(7), None]) as &dyn Array);
    let large: ArrayRef = Arc::new(Int32Array::from(vec![300]));
    assert!(cast(&large, &DataType::Int8, Tz::UTC).is_err());
}

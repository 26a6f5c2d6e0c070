use super::*;

fn seconds(days: i64, time: &str) -> i64 {
    days * SECONDS_PER_DAY + i64::from(parse_time(time.as_bytes(), true).unwrap().0.seconds)
}

fn local(seconds: i64, nanos: u32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

#[test]
fn dates_are_iso_and_exact() {
    let table = [
        ("1970-01-01", Some(0)),
        ("2020-02-29", Some(18_321)),
        ("2019-02-29", None),
        ("1900-02-29", None),
        ("2000-02-29", Some(11_016)),
        ("2020-2-9", None),
        ("+12020-02-09", Some(3_670_726)),
        ("12020-02-09", None),
        ("-0001-02-09", Some(-719_854)),
        ("0000-02-09", Some(-719_489)),
        ("-0000-02-09", None),
        ("+2020-02-09", None),
        ("+9999999999-01-01", None),
        (" 2020-02-09", None),
        ("2020-13-01", None),
        ("2020-00-01", None),
        ("2020-01-00", None),
        ("2020-01-32", None),
        ("2020/01/01", None),
        ("2020-01", None),
        ("", None),
    ];
    for (text, expected) in table {
        let days = parse_date(text.as_bytes()).filter(|(_, rest)| rest.is_empty());
        assert_eq!(days.map(|(days, _)| days), expected, "{text}");
    }
}

#[test]
fn every_day_of_the_calendar_reads_back() {
    for days in (-800_000..3_000_000).step_by(17).chain(-800..800) {
        let mut text = Vec::new();
        write_date(&mut text, days);
        assert_eq!(parse_date(&text), Some((days, &[][..])), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn times_have_two_digits_each_and_at_most_nine_of_a_second() {
    let table = [
        ("12:34:56", Some((45_296, 0))),
        ("12:34:56.789", Some((45_296, 789_000_000))),
        ("12:34:56.123456789", Some((45_296, 123_456_789))),
        ("12:34:56.", Some((45_296, 0))),
        ("24:00:00", Some((86_400, 0))),
        ("24:00:00.1", None),
        ("24:00:01", None),
        ("12:34", None),
        ("23:59:60", None),
        ("23:60:00", None),
        ("1:34:56", None),
        ("12:34:5", None),
        ("12:34:56.1234567890", None),
        ("12-34-56", None),
    ];
    for (text, expected) in table {
        let time = parse_time(text.as_bytes(), false).filter(|(_, rest)| rest.is_empty());
        assert_eq!(time.map(|(time, _)| (time.seconds, time.nanos)), expected, "{text}");
    }
}

#[test]
fn timestamps_follow_their_standard_to_the_letter() {
    use TimestampStandard::{Iso8601, Iso8601WithOffset, Sql};
    let day = 18_262;
    let noon = local(seconds(day, "12:34:56"), 0);
    let table = [
        (Sql, false, "2020-01-01 12:34:56", noon),
        (Sql, false, "2020-01-01 12:34:56.", noon),
        (Sql, false, "2020-01-01 12:34:56.5", local(noon.unwrap().seconds, 500_000_000)),
        (Sql, false, "2020-01-01 24:00:00.0", local((day + 1) * SECONDS_PER_DAY, 0)),
        (Sql, false, "1969-12-31 23:59:59.999", local(-1, 999_000_000)),
        (Sql, false, "2020-01-01T12:34:56", None),
        (Sql, false, "2020-01-01 12:34", None),
        (Sql, false, "2020-01-01 12:34:56Z", None),
        (Sql, false, "2020-01-01  12:34:56", None),
        (Sql, true, "2020-01-01 12:34:56Z", noon),
        (Sql, true, "2020-01-01 12:34:56", None),
        (Sql, true, "2020-01-01 12:34:56z", None),
        (Sql, true, "2020-01-01 12:34:56+01:00", None),
        (Iso8601, false, "2020-01-01T12:34:56", noon),
        (Iso8601, false, "2020-01-01t12:34:56", noon),
        (Iso8601, false, "2020-01-01T12:34", local(seconds(day, "12:34"), 0)),
        (Iso8601, false, "2020-01-01T12", None),
        (Iso8601, false, "2020-01-01 12:34:56", None),
        (Iso8601, false, "2020-01-01T12:34:56Z", None),
        (Iso8601, true, "2020-01-01T12:34:56Z", noon),
        (Iso8601, true, "2020-01-01T12:34Z", local(seconds(day, "12:34"), 0)),
        (Iso8601, true, "2020-01-01t12:34:56Z", None),
        (Iso8601, true, "2020-01-01T12:34:56", None),
        (Iso8601, true, "2020-01-01T12:34:56+02:00", None),
        (Iso8601WithOffset, true, "2020-01-01T14:34:56+02:00", noon),
        (Iso8601WithOffset, false, "2020-01-01T14:34:56+02:00", noon),
        (Iso8601WithOffset, false, "2020-01-01T07:04:56-0530", noon),
        (Iso8601WithOffset, false, "2020-01-01T12:34:56Z", noon),
        (Iso8601WithOffset, false, "2020-01-01T14:34:56+02", noon),
        (Iso8601WithOffset, false, "2020-01-01T12:34:56", None),
        (Iso8601WithOffset, false, "2020-01-01T12:34:56+19:00", None),
        (Iso8601WithOffset, false, "2020-01-01T12:34:56*02:00", None),
    ];
    let mut dates = Dates::default();
    for (standard, is_zoned, text, expected) in table {
        let parsed = standard.parse(&mut dates, text.as_bytes(), is_zoned);
        assert_eq!(parsed, expected, "{standard:?} {is_zoned} {text}");
    }
}

#[test]
fn timestamps_are_written_with_the_digits_they_need() {
    use TimestampStandard::{Iso8601, Iso8601WithOffset, Sql};
    let table = [
        (Sql, false, 1_577_882_096, 120_000_000, "2020-01-01 12:34:56.12"),
        (Sql, true, 1_577_882_096, 123_456_789, "2020-01-01 12:34:56.123456789Z"),
        (Sql, false, 1_577_882_040, 0, "2020-01-01 12:34:00"),
        (Sql, false, -1, 999_000_000, "1969-12-31 23:59:59.999"),
        (Iso8601, false, 317_147_356_800, 0, "+12020-01-01T00:00:00"),
        (Iso8601, true, 1_577_882_096, 1, "2020-01-01T12:34:56.000000001Z"),
        (Iso8601WithOffset, false, 1_577_882_096, 0, "2020-01-01T12:34:56Z"),
    ];
    for (standard, is_zoned, seconds, nanos, expected) in table {
        let mut text = Vec::new();
        standard.write(&mut text, Timestamp { seconds, nanos }, is_zoned);
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}

#[test]
fn counts_cut_finer_digits_off_and_never_overflow() {
    let half = Timestamp { seconds: -2, nanos: 999_999_999 };
    assert_eq!(half.count(TimeUnit::Millisecond), Some(-1_001));
    assert_eq!(half.count(TimeUnit::Second), Some(-2));
    let far = Timestamp { seconds: 10_000_000_000, nanos: 0 };
    assert_eq!(far.count(TimeUnit::Nanosecond), None);
    for unit in
        [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]
    {
        for count in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(Timestamp::from_count(count, unit).count(unit), Some(count));
        }
    }
}

#[test]
fn a_date_reads_the_same_after_any_other() {
    let texts = [
        "2020-01-01 x",
        "2020-01-01",
        "2020-01-02 x",
        "+12020-01-01",
        "+12020-01-02",
        "2020-13-01",
        "2020",
    ];
    for first in texts {
        for second in texts {
            let mut dates = Dates::default();
            dates.parse(first.as_bytes());
            let expected = parse_date(second.as_bytes());
            assert_eq!(dates.parse(second.as_bytes()), expected, "{second} after {first}");
        }
    }
}

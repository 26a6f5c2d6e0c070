//! Records under a valid checksum that break a rule nevertheless.

use super::*;
use crate::record::testing::{header, record};

fn first_error(count: i32, records: &[u8]) -> DecodeError {
    let header = header(count);
    let mut iterator = Records::new(&header, Offset::MIN, records);
    let error = iterator.find_map(Result::err).expect("an error");
    assert!(iterator.next().is_none(), "nothing comes after an error");
    error
}

type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

fn headers_of(tail: &[u8]) -> Vec<Result<OwnedHeader, DecodeError>> {
    let (header, bytes) = (header(1), record(0, 0, tail));
    let record = Records::new(&header, Offset::MIN, &bytes).next().unwrap().unwrap();
    let headers = record.headers();
    assert!(!headers.is_empty());
    let owned = headers
        .iter()
        .map(|header| header.map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))));
    owned.collect()
}

#[test]
fn bytes_after_the_last_record_are_an_error() {
    let records = [record(0, 0, &[0]), vec![1, 2, 3]].concat();
    let trailing = DecodeError::Trailing { field: "the last record of the batch", bytes: 3 };
    assert_eq!(first_error(1, &records), trailing);
}

#[test]
fn bytes_after_the_parts_of_a_record_are_an_error() {
    let records = record(0, 0, &[0, 9, 9]);
    assert_eq!(first_error(1, &records), DecodeError::Trailing { field: "record", bytes: 2 });
}

#[test]
fn a_missing_record_is_an_error() {
    let missing = DecodeError::Truncated { field: "record", needed: 1, remaining: 0 };
    assert_eq!(first_error(2, &record(0, 0, &[0])), missing);
}

#[test]
fn lengths_must_stay_inside_the_record() {
    let record = |key: u8| [12, 0, 0, 0, key, 0, 0];
    let length = |length| DecodeError::Length { field: "record key", length, minimum: 0, limit: 2 };
    let cut = |needed| DecodeError::Truncated { field: "record key", needed, remaining: 2 };
    assert_eq!(first_error(1, &record(0x06)), cut(3));
    assert_eq!(first_error(1, &record(0x7e)), cut(63));
    assert_eq!(first_error(1, &record(0x03)), length(-2));
    assert_eq!(first_error(1, &record(0x7f)), length(-64));
}

#[test]
fn a_null_record_is_refused() {
    let null = DecodeError::Null { field: "record" };
    assert_eq!(first_error(1, &[0x01, 0, 0, 0, 0, 0, 0]), null);
}

#[test]
fn offsets_grow_and_stay_inside_the_batch() {
    let delta = |value| DecodeError::Value { field: "record offset delta", value };
    for (first, second, wrong) in
        [(0, 0, 0), (1, 0, 0), (0, 2, 2), (0, -1, -1), (0, i32::MAX, i32::MAX)]
    {
        let records = [record(0, first, &[0]), record(0, second, &[0])].concat();
        assert_eq!(first_error(2, &records), delta(wrong.into()), "{first} {second}");
    }
}

#[test]
fn a_time_that_is_no_number_is_an_error() {
    let error = DecodeError::Value { field: "record timestamp delta", value: i64::MAX };
    assert_eq!(first_error(1, &record(i64::MAX, 0, &[0])), error);
}

#[test]
fn a_header_count_that_the_bytes_cannot_hold_is_refused() {
    let count = |count, limit| DecodeError::Count { field: "record headers", count, limit };
    assert_eq!(first_error(1, &record(0, 0, &[0x02, 0])), count(1, 0));
    assert_eq!(first_error(1, &record(0, 0, &[0x01, 0, 1])), count(-1, 1));
    let most = [0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 1];
    assert_eq!(first_error(1, &record(0, 0, &most)), count(i32::MAX.into(), 1));
}

#[test]
fn repeated_and_empty_and_odd_header_keys_are_kept_in_order() {
    let tail = [0x08, 2, b'a', 2, b'1', 2, 0xff, 1, 2, b'a', 0, 0, 2, b'2'];
    let expected = [
        Ok((b"a".to_vec(), Some(b"1".to_vec()))),
        Ok((b"\xff".to_vec(), None)),
        Ok((b"a".to_vec(), Some(Vec::new()))),
        Ok((Vec::new(), Some(b"2".to_vec()))),
    ];
    assert_eq!(headers_of(&tail), expected);
}

#[test]
fn damaged_headers_are_an_error_when_they_are_asked_for() {
    let null = DecodeError::Null { field: "record header key" };
    assert_eq!(headers_of(&[0x02, 1, 1]), [Err(null)]);
    let trailing = DecodeError::Trailing { field: "the last header of the record", bytes: 1 };
    assert_eq!(headers_of(&[0x02, 0, 1, 7]), [Err(trailing)]);
    let cut = DecodeError::Truncated { field: "record header value", needed: 8, remaining: 2 };
    assert_eq!(headers_of(&[0x04, 0, 16, 1, 1]), [Err(cut)]);
}

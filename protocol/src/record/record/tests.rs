//! Records under a valid checksum that break a rule nevertheless.

use super::*;
use crate::{
    Compression, Compressor,
    record::{
        BatchBuilder,
        header::HEADER_SIZE,
        testing::{header, record},
    },
};

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
fn no_offset_follows_the_greatest() {
    let header = RecordBatchHeader { last_offset_delta: i32::MAX, ..header(2) };
    for second in [3, -5, i32::MAX] {
        let records = [record(0, i32::MAX, &[0]), record(0, second, &[0])].concat();
        let mut walk = Records::new(&header, Offset::MIN, &records);
        assert_eq!(walk.next().unwrap().unwrap().offset(), header.last_offset());
        let error = DecodeError::Value { field: "record offset delta", value: second.into() };
        assert_eq!(walk.next(), Some(Err(error)));
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

/// Records of many shapes, long enough behind the first for it to be read as usual.
fn shapes() -> (RecordBatchHeader, Vec<u8>) {
    let (long, longer) = (vec![b'v'; 100], vec![b'w'; 9000]);
    let none: [(&str, Option<&[u8]>); 0] = [];
    let mut builder = BatchBuilder::new(Compression::None, None);
    let mut append = |time, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[_]| {
        builder.append(1_000 + time, key, value, headers.iter().copied()).unwrap();
    };
    append(0, Some(b"key"), Some(&long), &none);
    append(-900, None, Some(b""), &[("a", Some(&b"1"[..])), ("", None)]);
    append(70, Some(b""), None, &none);
    append(i64::from(u32::MAX), Some(&long), Some(&longer), &[("a", None)]);
    append(5, Some(b"key"), Some(&long), &none);
    let batch = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
    (RecordBatchHeader::parse(&batch).unwrap(), batch[HEADER_SIZE..].to_vec())
}

#[test]
fn what_is_read_as_usual_is_what_a_careful_reading_finds() {
    let (header, bytes) = shapes();
    let mut walk = Records::new(&header, Offset::MIN, &bytes);
    let mut usual = 0;
    for _ in 0..header.record_count {
        usual += u32::from(agrees(walk.clone()));
        walk.next().unwrap().unwrap();
    }
    assert_eq!(usual, 5);
    let mut numbers: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] < b'v').collect();
    numbers.retain(|at| *at < 400 || *at > bytes.len() - 250);
    for (at, byte) in numbers.into_iter().flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        let mut walk = Records::new(&header, Offset::MIN, &damaged);
        loop {
            agrees(walk.clone());
            if walk.next().is_none_or(|record| record.is_err()) {
                break;
            }
        }
    }
}

#[test]
fn a_number_that_takes_more_bytes_than_its_type_is_an_error() {
    let overlong = |first: u8| [vec![first | 0x80], vec![0x80; 8], vec![0]].concat();
    // The key's length would come to stand at the end of the piece that is read at once.
    for key in [vec![0x02], overlong(0x02)] {
        let content = [vec![0], overlong(0), overlong(0), key, b"k\x01\x00".to_vec()].concat();
        let length = u8::try_from(content.len() * 2).unwrap();
        let records = [vec![length], content, vec![0; 64]].concat();
        assert!(!agrees(Records::new(&header(1), Offset::MIN, &records)));
        let error = DecodeError::Varint { field: "record offset delta" };
        assert_eq!(first_error(1, &records), error);
    }
}

/// Whether the next record is read as usual; then a careful reading must find the same and stand at the same place.
fn agrees(walk: Records<'_>) -> bool {
    let (mut usual, careful) = (walk.clone(), walk);
    let Some(record) = usual.read_usual() else {
        assert_eq!(usual.position(), careful.position());
        return false;
    };
    let (careful, found) = careful.next_unusual();
    assert_eq!(found, Some(Ok(record)));
    assert_eq!(usual.position(), careful.position());
    true
}

//! Columns hold what rows do.

use bytes::Bytes;

use super::*;
use crate::{
    allocations::count_allocations,
    compression::{Compression, Compressor, Decompressor},
    record::{
        BatchBody, BatchBuilder,
        testing::{batch_of, header, record, view},
    },
};

fn body(bytes: impl Into<Bytes>) -> BatchBody {
    view(bytes).body(&mut Decompressor::new()).unwrap()
}

/// Keys and values of every shape.
fn varied(codec: Compression, records: usize) -> BatchBody {
    let mut builder = BatchBuilder::new(codec, None);
    for n in 0..records {
        let text = n.to_string().repeat(n % 40);
        let key = (n % 3 > 0).then_some(text.as_bytes());
        let value = (n % 5 > 0).then_some(&text.as_bytes()[text.len() / 2..]);
        let time = if n % 7 == 0 { -1 } else { 1000 + n as i64 };
        builder.append(time, key, value, [("h", Some(&b"v"[..]))]).unwrap();
    }
    body(builder.seal(&mut Compressor::new()).unwrap().into_stamped(None))
}

type Row<'b> = (Offset, Option<Timestamp>, Option<&'b [u8]>, Option<&'b [u8]>);

fn rows(body: &BatchBody) -> Vec<Row<'_>> {
    let rows = body.records().map(|record| {
        let record = record.unwrap();
        (record.offset(), record.timestamp(), record.key(), record.value())
    });
    rows.collect()
}

fn rows_of<'b>(columns: &RecordColumns, body: &'b BatchBody) -> Vec<Row<'b>> {
    let time = |row: usize| Some(columns.timestamps()[row]).filter(|time| *time != -1);
    let row = |row| {
        let (key, value) = (columns.keys()[row], columns.values()[row]);
        (columns.offsets()[row], time(row), key.of(body.bytes()), value.of(body.bytes()))
    };
    (0..columns.len()).map(row).collect()
}

#[test]
fn columns_hold_what_rows_do_with_every_codec() {
    let mut columns = RecordColumns::new();
    for codec in Compression::ALL {
        let body = varied(codec, 300);
        columns.clear();
        assert_eq!(body.records().read_columns(usize::MAX, &mut columns), Ok(300));
        assert_eq!(rows_of(&columns, &body), rows(&body), "{codec}");
    }
}

#[test]
fn null_and_empty_are_told_apart() {
    let (null, empty, some) =
        (Span::NULL, Span { start: 7, length: 0 }, Span { start: 1, length: 2 });
    assert_eq!((null.is_null(), empty.is_null(), some.is_null()), (true, false, false));
    assert_eq!((null.len(), empty.len(), some.len()), (0, 0, 2));
    assert_eq!((null.is_empty(), empty.is_empty(), some.is_empty()), (true, true, false));
    assert_eq!((null.of(b"abcdefg"), empty.of(b"abcdefg")), (None, Some(&b""[..])));
    assert_eq!((some.start(), some.of(b"abcdefg")), (1, Some(&b"bc"[..])));
    assert_eq!(some.of(b"ab"), None, "bytes of another batch");
}

#[test]
fn rows_come_in_pieces_of_any_size() {
    let body = varied(Compression::Zstd, 100);
    for limit in [1, 7, 99, 100, 101] {
        let (mut columns, mut records) = (RecordColumns::new(), body.records());
        loop {
            let before = columns.len();
            let read = records.read_columns(limit, &mut columns).unwrap();
            assert_eq!(columns.len() - before, read);
            if read == 0 {
                break;
            }
            assert!(read == limit || columns.len() == 100);
            records = body.resume(records.position());
        }
        assert_eq!(rows_of(&columns, &body), rows(&body), "{limit}");
    }
}

#[test]
fn rows_below_the_position_of_the_reader_do_not_come_out() {
    let batch = view(batch_of(header(3), &[0, 1, 2].map(|n| record(0, n, &[0])).concat()));
    let body = batch.with_floor(2).body(&mut Decompressor::new()).unwrap();
    let mut columns = RecordColumns::new();
    assert_eq!(body.records().read_columns(9, &mut columns), Ok(1));
    assert_eq!(columns.offsets(), [2]);
}

#[test]
fn rows_before_a_damaged_record_are_there() {
    let body = body(batch_of(header(2), &[record(0, 0, &[0]), record(0, 0, &[0])].concat()));
    let (mut columns, mut records) = (RecordColumns::new(), body.records());
    let wrong = DecodeError::Value { field: "record offset delta", value: 0 };
    assert_eq!(records.read_columns(9, &mut columns), Err(wrong));
    assert_eq!(columns.offsets(), [0]);
    assert_eq!(records.read_columns(9, &mut columns), Ok(0));
}

#[test]
fn values_lie_in_the_bytes_of_the_body() {
    let body = varied(Compression::None, 50);
    let mut columns = RecordColumns::new();
    body.records().read_columns(usize::MAX, &mut columns).unwrap();
    for (record, span) in body.records().zip(columns.values()) {
        let expected = record.unwrap().value().map(<[u8]>::as_ptr);
        assert_eq!(span.of(body.bytes()).map(<[u8]>::as_ptr), expected);
    }
}

#[test]
fn columns_that_are_filled_again_allocate_nothing() {
    let body = varied(Compression::None, 5000);
    let mut columns = RecordColumns::new();
    let (read, first) = count_allocations(|| body.records().read_columns(usize::MAX, &mut columns));
    assert_eq!((read, first), (Ok(5000), 4), "one for each column");
    columns.clear();
    let (read, again) = count_allocations(|| body.records().read_columns(usize::MAX, &mut columns));
    assert_eq!((read, again), (Ok(5000), 0));
}

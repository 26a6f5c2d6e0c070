use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::Array;
use arrow_cast::display::{ArrayFormatter, FormatOptions as DisplayOptions};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use kavka_client::protocol::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, LeaderEpoch,
};

use super::*;
use crate::format::{FormatOptions, PayloadColumn, format};

type Header = (&'static str, Option<&'static [u8]>);

/// A record to read: its key, its value and its headers.
#[derive(Clone, Copy, Default)]
struct Given {
    key: Option<&'static [u8]>,
    value: Option<&'static [u8]>,
    headers: &'static [Header],
}

fn record(key: Option<&'static str>, value: Option<&'static str>) -> Given {
    Given { key: key.map(str::as_bytes), value: value.map(str::as_bytes), headers: &[] }
}

fn value(value: &'static str) -> Given {
    record(None, Some(value))
}

fn payload(name: &str, columns: &[(&str, &str, DataType)], options: &[(&str, &str)]) -> Payload {
    let columns = columns.iter().map(|(column, name, data_type)| PayloadColumn {
        column: (*column).to_owned(),
        field: Arc::new(Field::new(*name, data_type.clone(), true)),
    });
    Payload {
        format: format(name).unwrap(),
        columns: columns.collect(),
        options: FormatOptions::new("", options.iter().copied()),
    }
}

fn int(name: &str) -> Field {
    Field::new(name, DataType::Int32, true)
}

fn metadata(column: &str, key: &str, data_type: DataType, is_nullable: bool) -> Field {
    let notes = HashMap::from([(METADATA_KEY.to_owned(), key.to_owned())]);
    Field::new(column, data_type, is_nullable).with_metadata(notes)
}

fn assembler(fields: Vec<Field>, key: Option<Payload>, value: Payload) -> Assembler {
    let schema = Arc::new(Schema::new(fields));
    Assembler::new(&AssemblerSpec { schema, key, value, time_zone: Tz::Europe__Berlin }).unwrap()
}

/// Appends the records at offsets 0, 1, … with timestamps 1000, 1001, …
fn append(assembler: &mut Assembler, records: &[Given]) -> Vec<Result<(), BadRecord>> {
    let mut builder = BatchBuilder::new(Compression::None, None);
    for (at, given) in records.iter().enumerate() {
        let headers = given.headers.iter().copied();
        builder.append(1000 + at as i64, given.key, given.value, headers).unwrap();
    }
    let bytes = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    let batch = Batches::new(bytes).next().unwrap().unwrap();
    let body = batch.body(&mut Decompressor::default()).unwrap();
    let context = RecordContext {
        topic: "orders",
        partition: 7,
        leader_epoch: Some(LeaderEpoch(3)),
        timestamp_type: TimestampType::CreateTime,
    };
    body.records().map(|record| assembler.append(&record.unwrap(), &context)).collect()
}

fn append_all(assembler: &mut Assembler, records: &[Given]) {
    append(assembler, records).into_iter().for_each(|outcome| outcome.unwrap());
}

/// The rows as text, columns divided by blanks.
fn rows(assembler: &mut Assembler) -> Vec<String> {
    let batch = assembler.finish().unwrap();
    let options = DisplayOptions::default().with_null("NULL");
    let formatters: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    let row =
        |row| formatters.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>();
    (0..batch.num_rows()).map(|at| row(at).join(" ")).collect()
}

fn json(columns: &[&str]) -> Payload {
    let columns: Vec<_> = columns.iter().map(|name| (*name, *name, DataType::Int32)).collect();
    payload("json", &columns, &[])
}

#[test]
fn columns_come_in_the_order_asked_for_wherever_they_come_from() {
    let key = payload("json", &[("k_id", "id", DataType::Int32)], &[]);
    let fields = vec![
        int("b"),
        metadata("o", "offset", DataType::Int64, false),
        int("k_id"),
        metadata("p", "partition", DataType::Int32, false),
        int("a"),
    ];
    let mut assembler = assembler(fields, Some(key), json(&["a", "b", "c"]));
    let given = record(Some(r#"{"id":5}"#), Some(r#"{"a":1,"b":2,"c":3}"#));
    append_all(&mut assembler, &[given, given]);
    assert_eq!(rows(&mut assembler), ["2 0 5 7 1", "2 1 5 7 1"]);
    assert_eq!(rows(&mut assembler), [""; 0]);
}

#[test]
fn of_a_column_in_key_and_value_the_value_counts_even_where_it_lacks_it() {
    let mut assembler = assembler(vec![int("id")], Some(json(&["id"])), json(&["id", "x"]));
    let key = Some(r#"{"id":1}"#);
    append_all(&mut assembler, &[record(key, Some(r#"{"id":2}"#)), record(key, Some("{}"))]);
    assert_eq!(rows(&mut assembler), ["2", "NULL"]);
}

#[test]
fn a_null_key_drops_the_record_unless_the_format_reads_null() {
    let fields = || vec![int("x")];
    let mut dropping = assembler(fields(), Some(json(&["id"])), json(&["x"]));
    let given = [
        record(None, Some(r#"{"x":1}"#)),
        record(Some(""), Some(r#"{"x":2}"#)),
        record(Some(r#"{"id":1}"#), Some(r#"{"x":3}"#)),
        record(None, Some("not decoded without a key row")),
    ];
    append_all(&mut dropping, &given);
    assert_eq!(rows(&mut dropping), ["3"]);

    let raw = payload("raw", &[("k", "k", DataType::Utf8View)], &[]);
    let fields = vec![Field::new("k", DataType::Utf8View, true), int("x")];
    let mut keeping = assembler(fields, Some(raw), json(&["x"]));
    append_all(
        &mut keeping,
        &[record(None, Some(r#"{"x":1}"#)), record(Some("a"), Some(r#"{"x":2}"#))],
    );
    assert_eq!(rows(&mut keeping), ["NULL 1", "a 2"]);
}

#[test]
fn a_null_value_is_no_row_unless_the_format_reads_null() {
    let fields = vec![int("id"), int("x"), metadata("o", "offset", DataType::Int64, false)];
    let mut skipping = assembler(fields, Some(json(&["id"])), json(&["x"]));
    let key = Some(r#"{"id":1}"#);
    append_all(
        &mut skipping,
        &[record(key, None), record(key, Some("")), record(key, Some(r#"{"x":3}"#))],
    );
    assert_eq!(rows(&mut skipping), ["1 3 2"]);

    let raw = payload("raw", &[("v", "v", DataType::BinaryView)], &[]);
    let mut keeping = assembler(vec![Field::new("v", DataType::BinaryView, true)], None, raw);
    append_all(&mut keeping, &[record(None, None), value("A")]);
    assert_eq!(rows(&mut keeping), ["NULL", "41"]);
}

#[test]
fn rows_of_a_record_are_those_of_its_key_times_those_of_its_value() {
    let fields = vec![int("id"), int("x"), metadata("o", "offset", DataType::Int64, false)];
    let mut assembler = assembler(fields, Some(json(&["id"])), json(&["x"]));
    append_all(
        &mut assembler,
        &[
            record(Some(r#"{"id":1}"#), Some(r#"{"x":1}"#)),
            record(Some(r#"{"id":2}"#), Some(r#"[{"x":2},{"x":3}]"#)),
            record(Some(r#"[{"id":3},{"id":4}]"#), Some(r#"[{"x":5},{"x":6}]"#)),
            record(Some(r#"{"id":9}"#), Some("[]")),
            record(Some(r#"{"id":5}"#), Some(r#"{"x":7}"#)),
        ],
    );
    assert_eq!(assembler.rows(), 8);
    let expected = ["1 1 0", "2 2 1", "2 3 1", "3 5 2", "3 6 2", "4 5 2", "4 6 2", "5 7 4"];
    assert_eq!(rows(&mut assembler), expected);
    append_all(&mut assembler, &[record(Some(r#"{"id":1}"#), Some(r#"{"x":1}"#))]);
    assert_eq!(rows(&mut assembler), ["1 1 0"]);
}

#[test]
fn several_keys_repeat_a_value_even_where_no_key_column_is_asked_for() {
    let mut assembler = assembler(vec![int("x")], Some(json(&["id"])), json(&["x"]));
    append_all(
        &mut assembler,
        &[
            record(Some(r#"[{"id":3},{"id":4}]"#), Some(r#"{"x":5}"#)),
            record(Some(r#"{"id":3}"#), Some(r#"[{"x":6},{"x":7}]"#)),
        ],
    );
    assert_eq!(rows(&mut assembler), ["5", "5", "6", "7"]);
}

#[test]
fn a_bad_record_leaves_no_trace() {
    let fields = vec![
        int("id"),
        int("x"),
        metadata("h", "headers", headers_type(false), false),
        metadata("o", "offset", DataType::Int64, false),
    ];
    let mut assembler = assembler(fields, Some(json(&["id"])), json(&["x"]));
    let key = Some(r#"{"id":1}"#);
    let good = record(key, Some(r#"{"x":1}"#));
    let outcomes = append(
        &mut assembler,
        &[
            good,
            record(Some("{"), Some(r#"{"x":1}"#)),
            record(key, Some(r#"{"x":"bad"}"#)),
            Given { headers: &[("h", None)], ..good },
            record(key, Some(r#"[{"x":1},{"x":"bad"}]"#)),
            good,
        ],
    );
    let blamed: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().err().map(|bad| bad.part)).collect();
    let value = Some(RecordPart::Value);
    let expected = [None, Some(RecordPart::Key), value, Some(RecordPart::Metadata), value, None];
    assert_eq!(blamed, expected);
    let bad = outcomes.into_iter().nth(2).unwrap().unwrap_err();
    assert_eq!(bad.error.column(), Some("x"));
    assert_eq!(rows(&mut assembler), ["1 1 {} 0", "1 1 {} 5"]);
}

#[test]
fn records_that_are_no_rows_do_not_make_a_batch_full() {
    let mut assembler = assembler(vec![int("x")], Some(json(&["id"])), json(&["x"]));
    append_all(&mut assembler, &[record(Some(r#"{"id":1}"#), None), record(None, Some("{}"))]);
    assert_eq!((assembler.rows(), assembler.bytes()), (0, 0));
    append_all(&mut assembler, &[record(Some(r#"{"id":1}"#), Some(r#"{"x":1}"#))]);
    assert_eq!((assembler.rows(), assembler.bytes()), (1, 15));
}

#[test]
fn without_physical_columns_rows_are_counted_and_what_is_no_json_is_refused() {
    for fields in [vec![], vec![metadata("o", "offset", DataType::Int64, false)]] {
        let mut assembler = assembler(fields, None, json(&["x"]));
        append_all(
            &mut assembler,
            &[
                value(r#"{"x":1}"#),
                record(None, None),
                value(""),
                value(r#" {"x":"not looked at"}"#),
                value(r#"[{"x":1},{"x":2}]"#),
                value("null"),
            ],
        );
        assert_eq!(assembler.finish().unwrap().num_rows(), 4);
        for bad in ["neither row nor none", r#"{"x":"#, r#"{"x":1}}"#] {
            assert!(append(&mut assembler, &[value(bad)])[0].is_err(), "{bad}");
        }
        assert_eq!(assembler.finish().unwrap().num_rows(), 0);
    }
}

#[test]
fn what_is_skipped_does_not_depend_on_the_columns_asked_for() {
    let required = |name: &str, payload: &mut Payload| {
        for column in payload.columns.iter_mut().filter(|column| column.column == name) {
            column.field = Arc::new(column.field.as_ref().clone().with_nullable(false));
        }
    };
    let ignoring = |columns: &[&str]| {
        let columns: Vec<_> = columns.iter().map(|name| (*name, *name, DataType::Int32)).collect();
        let mut payload = payload("json", &columns, &[("ignore-parse-errors", "true")]);
        required("id", &mut payload);
        required("k", &mut payload);
        payload
    };
    let key = Some(r#"{"k":1}"#);
    let records = [
        record(key, Some(r#"{"id":1,"x":1}"#)),
        record(key, Some(r#"{"id":2,"x":"bad"}"#)),
        record(key, Some(r#"{"id":"bad","x":3}"#)),
        record(key, Some(r#"{"x":4}"#)),
        record(key, Some(r#"{"id":5,"x":"#)),
        record(Some("{"), Some(r#"{"id":6,"x":6}"#)),
        record(Some(r#"{"k":null}"#), Some(r#"{"id":7,"x":7}"#)),
        record(Some(r#"{"k":8,"id":null}"#), Some(r#"{"id":8,"x":8}"#)),
        record(key, Some(r#"[{"id":9},{"x":9},3,{"id":10}]"#)),
    ];
    let columns = [int("id"), int("x"), int("k"), metadata("o", "offset", DataType::Int64, false)];
    for chosen in 0..1 << columns.len() {
        let fields = columns.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0);
        let fields: Vec<_> = fields.map(|(_, field)| field.clone()).collect();
        let names = format!("{fields:?}");
        let mut assembler = assembler(fields, Some(ignoring(&["k", "id"])), ignoring(&["id", "x"]));
        append_all(&mut assembler, &records);
        assert_eq!(assembler.finish().unwrap().num_rows(), 5, "{names}");
    }
}

fn headers_type(is_value_nullable: bool) -> DataType {
    let fields = vec![
        Field::new("key", DataType::Utf8View, false),
        Field::new("value", DataType::BinaryView, is_value_nullable),
    ];
    DataType::Map(Field::new("entries", DataType::Struct(fields.into()), false).into(), false)
}

fn header_list_type() -> DataType {
    let fields = vec![
        Field::new("key", DataType::Utf8View, false),
        Field::new("value", DataType::BinaryView, true),
    ];
    DataType::List(Field::new("item", DataType::Struct(fields.into()), false).into())
}

#[test]
fn every_metadata_key_is_read() {
    let ltz = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let fields = vec![
        metadata("a", "topic", DataType::Utf8View, false),
        metadata("b", "partition", DataType::Int32, false),
        metadata("c", "offset", DataType::Int64, false),
        metadata("d", "leader-epoch", DataType::Int32, true),
        metadata("e", "timestamp", ltz, false),
        metadata("f", "timestamp-type", DataType::Utf8View, false),
        metadata("g", "headers", headers_type(true), false),
        metadata("h", "header-list", header_list_type(), false),
    ];
    let mut assembler = assembler(fields, None, json(&["x"]));
    let headers: &[Header] = &[("a", Some(b"1")), ("b", None), ("a", Some(b"2"))];
    append_all(&mut assembler, &[Given { headers, ..value("{}") }, value("{}")]);
    assert_eq!(
        rows(&mut assembler),
        [
            "orders 7 0 3 1970-01-01T00:00:01Z CreateTime {b: NULL, a: 32} \
             [{key: a, value: 31}, {key: b, value: NULL}, {key: a, value: 32}]",
            "orders 7 1 3 1970-01-01T00:00:01.001Z CreateTime {} []",
        ]
    );
}

#[test]
fn metadata_is_cast_to_what_it_is_declared_as() {
    let fields = vec![
        metadata("a", "partition", DataType::Int64, false),
        metadata("b", "partition", DataType::Utf8View, false),
        metadata("c", "timestamp", DataType::Timestamp(TimeUnit::Millisecond, None), false),
        metadata("d", "timestamp", DataType::Utf8View, false),
        metadata("e", "offset", DataType::Float64, true),
    ];
    let mut assembler = assembler(fields, None, json(&["x"]));
    append_all(&mut assembler, &[value("{}")]);
    assert_eq!(rows(&mut assembler), ["7 7 1970-01-01T01:00:01 1970-01-01 01:00:01.000 0.0"]);
}

/// The ranges that are checked and what the casts take must be the same.
#[test]
fn metadata_that_does_not_fit_its_column_is_a_bad_record() {
    let decimal = DataType::Decimal128(3, 1);
    for (data_type, good, bad) in [
        (DataType::Int8, 127, 128),
        (DataType::Int16, 32_767, 32_768),
        (DataType::Int32, i64::from(i32::MAX), i64::from(i32::MAX) + 1),
        (decimal, 99, 100),
    ] {
        let fields = vec![metadata("o", "offset", data_type.clone(), false)];
        let mut assembler = assembler(fields, None, json(&["x"]));
        assert!(append_at(&mut assembler, good).is_ok(), "{data_type}");
        let error = append_at(&mut assembler, bad).unwrap_err();
        assert_eq!((error.part, error.error.column()), (RecordPart::Metadata, Some("o")));
        assert_eq!(assembler.finish().unwrap().num_rows(), 1, "{data_type}");
    }
}

#[test]
fn timestamps_that_do_not_fit_their_column_are_bad_records() {
    let day = 86_400_000;
    for (data_type, most) in [
        (DataType::Timestamp(TimeUnit::Nanosecond, None), i64::MAX / 1_000_000 - day),
        (DataType::Timestamp(TimeUnit::Microsecond, None), i64::MAX / 1_000 - day),
        (DataType::Date32, i64::from(i32::MAX) * day),
    ] {
        let fields = vec![metadata("t", "timestamp", data_type.clone(), false)];
        let mut assembler = assembler(fields, None, json(&["x"]));
        assert!(append_one(&mut assembler, 0, most).is_ok(), "{data_type}");
        assert!(append_one(&mut assembler, 0, most + 1).is_err(), "{data_type}");
        assert_eq!(assembler.finish().unwrap().num_rows(), 1, "{data_type}");
    }
}

/// Appends a record `{}` at an offset.
fn append_at(assembler: &mut Assembler, offset: i64) -> Result<(), BadRecord> {
    append_one(assembler, offset, 0)
}

fn append_one(assembler: &mut Assembler, offset: i64, timestamp: i64) -> Result<(), BadRecord> {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(timestamp, None, Some(b"{}"), []).unwrap();
    let bytes = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    // The base offset is the batch's first field, which its checksum leaves out for the broker to set.
    let bytes = [&offset.to_be_bytes(), &bytes[8..]].concat();
    let batch = Batches::new(bytes.into()).next().unwrap().unwrap();
    let body = batch.body(&mut Decompressor::default()).unwrap();
    let context = RecordContext {
        topic: "orders",
        partition: 7,
        leader_epoch: None,
        timestamp_type: TimestampType::CreateTime,
    };
    assembler.append(&body.records().next().unwrap().unwrap(), &context)
}

#[test]
fn a_record_does_not_become_more_values_than_memory_is_for() {
    let fields =
        || vec![int("x"), int("y"), int("z"), metadata("o", "offset", DataType::Int64, false)];
    let array = |rows: usize| Some(format!("[{}{{}}]", "{},".repeat(rows - 1)).leak().as_bytes());
    let record = |value| Given { value, ..Given::default() };
    let mut columns = assembler(fields(), None, json(&["x", "y", "z"]));
    let limit = MAX_VALUES / 4;
    assert!(append(&mut columns, &[record(array(limit))])[0].is_ok());
    assert_eq!(columns.finish().unwrap().num_rows(), limit);
    let bad = append(&mut columns, &[record(array(limit + 1))]).remove(0).unwrap_err();
    let message = bad.error.to_string();
    assert!(message.contains("more than 16777216 values, rows times columns"), "{message}");
    assert_eq!(columns.rows(), 0);

    let ids = payload("json", &[("k", "k", DataType::Int32)], &[("ignore-parse-errors", "true")]);
    let mut pairs = assembler(vec![int("x")], Some(ids), json(&["x"]));
    let many = Given { key: array(5_000), value: array(5_000), headers: &[] };
    let bad = append(&mut pairs, &[many]).remove(0).unwrap_err();
    let message = bad.error.to_string();
    assert!(message.starts_with("5000 keys times 5000 values are more than"), "{message}");

    let value: &[u8] = vec![0; 1 << 16].leak();
    let headers: &[Header] = vec![("h", Some(value))].leak();
    let repeated = vec![metadata("h", "headers", headers_type(true), false)];
    let mut repeating = assembler(repeated, None, json(&["x"]));
    assert!(append(&mut repeating, &[Given { headers, ..record(array(4_000)) }])[0].is_ok());
    assert!(append(&mut repeating, &[Given { headers, ..record(array(5_000)) }])[0].is_err());
}

#[test]
fn unknown_sources_of_columns_are_refused() {
    let schema = |field| Arc::new(Schema::new(vec![field]));
    let cases = [
        (int("nowhere"), "column 'nowhere' is neither in the key nor in the value"),
        (
            metadata("m", "color", DataType::Int32, true),
            "column 'm' reads the unknown metadata key 'color'",
        ),
        (
            metadata("m", "headers", DataType::Int32, true),
            "metadata 'headers' cannot be read as Int32 in 'm'",
        ),
    ];
    for (field, message) in cases {
        let spec = AssemblerSpec {
            schema: schema(field),
            key: None,
            value: json(&["x"]),
            time_zone: Tz::UTC,
        };
        assert_eq!(Assembler::new(&spec).err().unwrap().to_string(), message);
    }
}

#[test]
fn a_record_without_leader_epoch_has_null_where_the_table_takes_it() {
    let context = RecordContext {
        topic: "orders",
        partition: 7,
        leader_epoch: None,
        timestamp_type: TimestampType::LogAppendTime,
    };
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(0, None, Some(b"{}"), []).unwrap();
    let bytes = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    let batch = Batches::new(bytes).next().unwrap().unwrap();
    let body = batch.body(&mut Decompressor::default()).unwrap();
    let record = body.records().next().unwrap().unwrap();
    for is_nullable in [true, false] {
        let fields = vec![metadata("e", "leader-epoch", DataType::Int32, is_nullable)];
        let mut assembler = assembler(fields, None, json(&["x"]));
        assert_eq!(assembler.append(&record, &context).is_ok(), is_nullable);
        let batch = assembler.finish().unwrap();
        assert_eq!(batch.column(0).null_count(), usize::from(is_nullable));
    }
}

#[test]
fn a_message_of_format_0_has_no_time_and_says_so() {
    // Offset, length, checksum, magic, attributes, no key, and a value.
    let message = b"\0\0\0\0\0\0\0\0\0\0\0\x10\x86\x5b\x28\x34\0\0\xff\xff\xff\xff\0\0\0\x02{}";
    let batch = Batches::new(message.to_vec().into()).next().unwrap().unwrap();
    let context = RecordContext {
        topic: "orders",
        partition: 7,
        leader_epoch: None,
        timestamp_type: batch.timestamp_type(),
    };
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let fields = vec![
        metadata("t", "timestamp", time, false),
        metadata("k", "timestamp-type", DataType::Utf8View, false),
    ];
    let mut assembler = assembler(fields, None, json(&["x"]));
    let body = batch.body(&mut Decompressor::default()).unwrap();
    assembler.append(&body.records().next().unwrap().unwrap(), &context).unwrap();
    assert_eq!(rows(&mut assembler), ["1969-12-31T23:59:59.999Z NoTimestampType"]);
}

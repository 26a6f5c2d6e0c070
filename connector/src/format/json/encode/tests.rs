use std::sync::Arc;

use arrow_array::builder::{Int32Builder, MapBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    DurationMillisecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array,
    Int32Array, IntervalYearMonthArray, LargeStringArray, ListArray, NullArray, StringArray,
    StringViewArray, StructArray, Time32MillisecondArray, Time64NanosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field, Schema};

use super::*;
use crate::format::{Format, FormatOptions, FormatTarget};

/// The batch of one column `a` as messages.
fn encode(array: ArrayRef, options: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let fields = Fields::from(vec![Field::new("a", array.data_type().clone(), true)]);
    let options = FormatOptions::new("json.", options.iter().copied());
    let target = FormatTarget::new(fields.clone(), options);
    let mut encoder = crate::format::json::Json.encoder(&target).unwrap();
    let rows = array.len();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![array]).unwrap();
    encoder.encode(&batch).map_err(|error| error.to_string())?;
    let text = |row| String::from_utf8(encoder.row(row).unwrap().to_vec()).unwrap();
    assert_eq!(encoder.row(rows), None);
    Ok((0..rows).map(text).collect())
}

/// The values of column `a`, without the object around them.
fn values(array: impl Array + 'static, options: &[(&str, &str)]) -> Vec<String> {
    let rows = encode(Arc::new(array), options).unwrap();
    rows.iter().map(|row| row[5..row.len() - 1].to_owned()).collect()
}

#[test]
fn every_type_is_written_as_flink_writes_it() {
    let months = IntervalYearMonthArray::from(vec![14]);
    let zoned = || TimestampMillisecondArray::from(vec![1_577_882_096_120]).with_timezone("UTC");
    let iso = [("timestamp-format.standard", "ISO-8601")];
    let table = [
        (values(BooleanArray::from(vec![true]), &[]), "true"),
        (values(Int8Array::from(vec![-1]), &[]), "-1"),
        (values(Float64Array::from(vec![1e7]), &[]), "1.0E7"),
        (values(Float32Array::from(vec![0.1]), &[]), "0.1"),
        (values(Float64Array::from(vec![f64::NAN]), &[]), "\"NaN\""),
        (values(Date32Array::from(vec![18_321]), &[]), "\"2020-02-29\""),
        (values(Time32MillisecondArray::from(vec![45_296_789]), &[]), "\"12:34:56.789\""),
        (values(Time64NanosecondArray::from(vec![45_296_000_000_000]), &[]), "\"12:34:56\""),
        (
            values(TimestampNanosecondArray::from(vec![-1_000_000]), &[]),
            "\"1969-12-31 23:59:59.999\"",
        ),
        (values(zoned(), &[]), "\"2020-01-01 12:34:56.12Z\""),
        (values(zoned(), &iso), "\"2020-01-01T12:34:56.12Z\""),
        (values(months, &[]), "14"),
        (values(DurationMillisecondArray::from(vec![86_400_000]), &[]), "86400000"),
        (values(BinaryViewArray::from(vec![&b"hello"[..]]), &[]), "\"aGVsbG8=\""),
        (values(BinaryArray::from(vec![&b""[..]]), &[]), "\"\""),
        (values(FixedSizeBinaryArray::try_from(vec![&b"\x01"[..]]).unwrap(), &[]), "\"AQ==\""),
        (values(StringViewArray::from(vec!["a\"b\n"]), &[]), "\"a\\\"b\\n\""),
        (values(StringArray::from(vec!["é😀"]), &[]), "\"é😀\""),
        (values(LargeStringArray::from(vec![""]), &[]), "\"\""),
        (values(NullArray::new(1), &[]), "null"),
        (values(Int32Array::from(vec![None]), &[]), "null"),
    ];
    for (written, expected) in table {
        assert_eq!(written, [expected]);
    }
}

#[test]
fn decimals_are_short_or_plain() {
    let array = || {
        let array = Decimal128Array::from(vec![27, 1_000_000_000, 100_000_000_000_000, -1]);
        array.with_precision_and_scale(38, 9).unwrap()
    };
    assert_eq!(values(array(), &[]), ["2.7E-8", "1", "1E+5", "-1E-9"]);
    let plain = [("encode.decimal-as-plain-number", "true")];
    let expected = ["0.000000027", "1.000000000", "100000.000000000", "-0.000000001"];
    assert_eq!(values(array(), &plain), expected);
}

#[test]
fn null_fields_can_be_left_out_at_every_level_but_not_elements() {
    let inner = StructArray::from(vec![
        (
            Arc::new(Field::new("x", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![Some(1)])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("y", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![None])) as ArrayRef,
        ),
    ]);
    let leave_out = [("encode.ignore-null-fields", "true")];
    assert_eq!(encode(Arc::new(inner.clone()), &leave_out).unwrap(), [r#"{"a":{"x":1}}"#]);
    assert_eq!(encode(Arc::new(inner), &[]).unwrap(), [r#"{"a":{"x":1,"y":null}}"#]);
    let none = Int32Array::from(vec![None]);
    assert_eq!(encode(Arc::new(none), &leave_out).unwrap(), ["{}"]);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])]);
    assert_eq!(encode(Arc::new(list), &leave_out).unwrap(), [r#"{"a":[1,null]}"#]);
}

#[test]
fn lists_of_a_slice_start_where_the_slice_does() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1)]),
        None,
        Some(vec![]),
        Some(vec![Some(2), Some(3)]),
    ]);
    assert_eq!(values(list.slice(1, 3), &[]), ["null", "[]", "[2,3]"]);
}

#[test]
fn maps_are_objects() {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    builder.keys().append_value("x");
    builder.values().append_value(2);
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    assert_eq!(values(builder.finish(), &[]), [r#"{"x":2}"#, "null"]);
}

#[test]
fn a_batch_replaces_the_one_before() {
    let field = Field::new("a\"b", DataType::Int32, true);
    let target = FormatTarget::new(vec![field.clone()], FormatOptions::default());
    let mut encoder = crate::format::json::Json.encoder(&target).unwrap();
    let schema = Arc::new(Schema::new(vec![field]));
    for value in [1, 22] {
        let column: ArrayRef = Arc::new(Int32Array::from(vec![value]));
        encoder.encode(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
        assert_eq!(encoder.row(0).unwrap(), format!("{{\"a\\\"b\":{value}}}").as_bytes());
    }
}

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow_schema::Schema;

use super::*;
use crate::format::Rows;

/// Options by name.
type Options = &'static [(&'static str, &'static str)];

fn target(fields: Vec<Field>, options: &[(&str, &str)]) -> FormatTarget {
    FormatTarget::new(fields, FormatOptions::new("value.raw.", options.iter().copied()))
}

fn one(data_type: DataType, options: &[(&str, &str)]) -> FormatTarget {
    target(vec![Field::new("v", data_type, true)], options)
}

fn encode(array: &ArrayRef, options: &[(&str, &str)]) -> Vec<Option<Vec<u8>>> {
    let target = one(array.data_type().clone(), options);
    let mut encoder = Raw.encoder(&target).unwrap();
    let schema = Arc::new(Schema::new(target.fields));
    encoder.encode(&RecordBatch::try_new(schema, vec![array.clone()]).unwrap()).unwrap();
    assert_eq!(encoder.row(array.len()), None);
    (0..array.len()).map(|row| encoder.row(row).map(<[u8]>::to_vec)).collect()
}

#[test]
fn values_are_their_bytes_both_ways() {
    let little: Options = &[("endianness", "little-endian")];
    let table: [(ArrayRef, Options, &[u8]); 12] = [
        (Arc::new(BooleanArray::from(vec![true])), &[], &[1]),
        (Arc::new(Int8Array::from(vec![-2])), &[], &[0xfe]),
        (Arc::new(Int16Array::from(vec![258])), &[], &[1, 2]),
        (Arc::new(Int16Array::from(vec![258])), little, &[2, 1]),
        (Arc::new(Int32Array::from(vec![-2])), &[], &[0xff, 0xff, 0xff, 0xfe]),
        (Arc::new(Int64Array::from(vec![1])), &[], &[0, 0, 0, 0, 0, 0, 0, 1]),
        (Arc::new(Int64Array::from(vec![1])), little, &[1, 0, 0, 0, 0, 0, 0, 0]),
        (Arc::new(Float32Array::from(vec![1.5])), &[], &[0x3f, 0xc0, 0, 0]),
        (Arc::new(Float64Array::from(vec![1.5])), &[], &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        (Arc::new(StringViewArray::from(vec!["é"])), &[], &[0xc3, 0xa9]),
        (Arc::new(StringViewArray::from(vec![""])), &[("charset", "utf-8")], &[]),
        (Arc::new(BinaryViewArray::from(vec![&b"\xff\0"[..]])), &[], &[0xff, 0]),
    ];
    for (array, options, bytes) in table {
        assert_eq!(encode(&array, options), [Some(bytes.to_vec())]);
        let mut decoder = Raw.decoder(&one(array.data_type().clone(), options)).unwrap();
        assert_eq!(decoder.append(Some(bytes)).unwrap().count, 1);
        assert_eq!(decoder.finish().unwrap()[0].as_ref(), array.as_ref());
    }
}

#[test]
fn null_is_a_row_and_a_null_payload() {
    let mut decoder = Raw.decoder(&one(DataType::Utf8View, &[])).unwrap();
    decoder.append(None).unwrap();
    decoder.append(Some(b"")).unwrap();
    let expected = StringViewArray::from(vec![None, Some("")]);
    assert_eq!(decoder.finish().unwrap()[0].as_ref(), &expected as &dyn Array);
    let array: ArrayRef = Arc::new(StringArray::from(vec![None, Some(""), None]));
    assert_eq!(encode(&array, &[]), [None, Some(vec![]), None]);
}

#[test]
fn any_byte_but_zero_is_true() {
    let mut decoder = Raw.decoder(&one(DataType::Boolean, &[])).unwrap();
    decoder.append(Some(&[0])).unwrap();
    decoder.append(Some(&[200])).unwrap();
    let expected = BooleanArray::from(vec![false, true]);
    assert_eq!(decoder.finish().unwrap()[0].as_ref(), &expected as &dyn Array);
}

#[test]
fn a_wrong_length_names_the_type_and_its_length_and_leaves_no_row() {
    let table = [
        (DataType::Boolean, "BOOLEAN type is not 1."),
        (DataType::Int8, "TINYINT type is not 1."),
        (DataType::Int16, "SMALLINT type is not 2."),
        (DataType::Int32, "INT type is not 4."),
        (DataType::Int64, "BIGINT type is not 8."),
        (DataType::Float32, "FLOAT type is not 4."),
        (DataType::Float64, "DOUBLE type is not 8."),
    ];
    for (data_type, end) in table {
        let mut decoder = Raw.decoder(&one(data_type, &[])).unwrap();
        for payload in [&[][..], &[0; 3], &[0; 9]] {
            let error = decoder.append(Some(payload)).unwrap_err().to_string();
            let expected = format!("column \"v\": Size of data received for deserializing {end}");
            assert_eq!(error, expected);
        }
        assert_eq!(decoder.rows(), 0);
    }
}

#[test]
fn what_is_not_utf8_is_replaced_as_in_java() {
    let mut decoder = Raw.decoder(&one(DataType::Utf8View, &[])).unwrap();
    for payload in [&b"ab\xff"[..], b"\xe2\x82", "né".as_bytes(), b"\xc0\xafx"] {
        assert_eq!(decoder.append(Some(payload)).unwrap(), Rows::ONE);
    }
    let expected = StringViewArray::from(vec!["ab\u{fffd}", "\u{fffd}", "né", "\u{fffd}\u{fffd}x"]);
    assert_eq!(decoder.finish().unwrap()[0].as_ref(), &expected);
}

#[test]
fn wrong_options_and_columns_are_answered() {
    let two = vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Int32, true)];
    let table = [
        (
            one(DataType::Int32, &[("endianness", "middle")]),
            "Unsupported endianness name: middle. Supported endianness are [big-endian, little-endian].",
        ),
        (one(DataType::Utf8View, &[("charset", "GBK")]), "unsupported: value.raw.charset=GBK"),
        (
            one(DataType::Utf8View, &[("line-delimiter", "\n")]),
            "unsupported: value.raw.line-delimiter=\\n",
        ),
        (
            target(two, &[]),
            "The 'raw' format only supports single physical column. However the defined schema \
             contains multiple physical columns: [a, b]",
        ),
        (one(DataType::Date32, &[]), "The 'raw' format doesn't supports 'Date32' as column type."),
    ];
    for (target, message) in table {
        assert_eq!(Raw.decoder(&target).err().unwrap().to_string(), message);
        assert_eq!(Raw.encoder(&target).err().unwrap().to_string(), message);
    }
}

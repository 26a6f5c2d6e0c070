//! What every registered format must do, whatever its payloads look like.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
};
use arrow_schema::{Field, Schema};

use super::*;

/// Columns that every format can hold on its own, each with NULL in it.
fn columns() -> Vec<ArrayRef> {
    vec![
        Arc::new(BinaryViewArray::from(vec![
            Some(&b"\0\xff"[..]),
            None,
            Some(b""),
            Some(b"more than twelve bytes"),
        ])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Float32Array::from(vec![
            Some(1.5),
            None,
            Some(f32::NAN),
            Some(f32::MIN_POSITIVE),
        ])),
        Arc::new(Float64Array::from(vec![Some(-0.1), None, Some(f64::INFINITY), Some(f64::MAX)])),
        Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])),
        Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])),
        Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])),
        Arc::new(StringViewArray::from(vec![
            Some("\"é\\\n\0"),
            None,
            Some(""),
            Some("more than twelve bytes"),
        ])),
    ]
}

/// A column under a format, with both directions of it.
struct Case {
    name: String,
    target: FormatTarget,
    decoder: Box<dyn DeserializationSchema>,
    payloads: Vec<Option<Vec<u8>>>,
    column: ArrayRef,
}

fn cases() -> Vec<Case> {
    let formats = FORMATS.into_iter();
    formats
        .flat_map(|format| columns().into_iter().map(|column| Case::new(format, column)))
        .collect()
}

impl Case {
    fn new(format: &'static dyn Format, column: ArrayRef) -> Self {
        let field = Field::new("column", column.data_type().clone(), true);
        let target = FormatTarget::new(vec![field], FormatOptions::default());
        let schema = Arc::new(Schema::new(target.fields.clone()));
        let mut encoder = format.encoder(&target).unwrap();
        encoder.encode(&RecordBatch::try_new(schema, vec![column.clone()]).unwrap()).unwrap();
        Self {
            name: format!("{} {}", format.name(), column.data_type()),
            payloads: (0..column.len()).map(|row| encoder.row(row).map(<[u8]>::to_vec)).collect(),
            decoder: format.decoder(&target).unwrap(),
            target,
            column,
        }
    }

    fn append_all(&mut self) {
        for payload in &self.payloads {
            assert_eq!(
                self.decoder.append(payload.as_deref()).unwrap(),
                Rows::ONE,
                "{}",
                self.name
            );
        }
    }

    fn finish(&mut self) -> ArrayRef {
        let mut arrays = self.decoder.finish().unwrap();
        assert_eq!(arrays.len(), 1, "{}", self.name);
        arrays.remove(0)
    }
}

#[test]
fn what_was_written_is_read_back_nulls_included() {
    for mut case in cases() {
        assert_eq!(case.decoder.schema().fields(), &case.target.fields);
        case.append_all();
        assert_eq!(case.decoder.rows(), case.column.len());
        // Debug, since NaN equals nothing.
        assert_eq!(format!("{:?}", case.finish()), format!("{:?}", case.column), "{}", case.name);
    }
}

#[test]
fn a_decoder_starts_anew_after_it_has_handed_out_its_columns() {
    for mut case in cases() {
        case.append_all();
        case.finish();
        assert_eq!(case.decoder.rows(), 0, "{}", case.name);
        case.append_all();
        assert_eq!(case.finish().len(), case.column.len(), "{}", case.name);
    }
}

#[test]
fn rows_can_be_taken_back() {
    for mut case in cases() {
        case.append_all();
        case.append_all();
        case.decoder.truncate(case.column.len());
        assert_eq!(case.decoder.rows(), case.column.len());
        assert_eq!(format!("{:?}", case.finish()), format!("{:?}", case.column), "{}", case.name);
    }
}

#[test]
fn a_payload_cut_anywhere_or_damaged_leaves_the_columns_as_they_were() {
    for mut case in cases() {
        for payload in case.payloads.clone() {
            for bad in payload.iter().flat_map(|payload| garbage(payload)) {
                let before = case.decoder.rows();
                if let Ok(rows) = case.decoder.append(Some(&bad)) {
                    assert_eq!(case.decoder.rows(), before + rows.count, "{}", case.name);
                    case.decoder.truncate(before);
                }
                assert_eq!(case.decoder.rows(), before, "{}", case.name);
            }
            case.decoder.append(payload.as_deref()).unwrap();
        }
        assert_eq!(format!("{:?}", case.finish()), format!("{:?}", case.column), "{}", case.name);
    }
}

/// The payload cut at each length, with each byte changed, and with something behind it.
fn garbage(payload: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..payload.len()).map(|end| payload[..end].to_vec());
    let changed = (0..payload.len()).flat_map(|at| {
        [0, b'"', b'{', b'}', b'9', b'\\', 0x80, 0xff].map(|byte| {
            let mut changed = payload.to_vec();
            changed[at] = byte;
            changed
        })
    });
    cut.chain(changed).chain([[payload, b"\0"].concat()]).collect()
}

#[test]
fn columns_that_nobody_wants_are_not_handed_out() {
    for case in cases() {
        let format =
            FORMATS.into_iter().find(|format| case.name.starts_with(format.name())).unwrap();
        let target = FormatTarget { wanted: Vec::new(), ..case.target };
        let mut decoder = format.decoder(&target).unwrap();
        for payload in &case.payloads {
            assert_eq!(decoder.append(payload.as_deref()).unwrap(), Rows::ONE, "{}", case.name);
        }
        assert_eq!(decoder.rows(), case.payloads.len());
        assert!(decoder.finish().unwrap().is_empty() && decoder.schema().fields().is_empty());
    }
}

use arrow_array::Array;
use arrow_schema::{Field, Fields};

use super::*;

/// Every kind of column, each with a way to append a value.
fn columns() -> Vec<Box<dyn ColumnBuilder>> {
    let types = [
        DataType::BinaryView,
        DataType::Boolean,
        DataType::Date32,
        DataType::Decimal128(10, 2),
        DataType::Duration(TimeUnit::Millisecond),
        DataType::Float32,
        DataType::Float64,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Interval(IntervalUnit::YearMonth),
        DataType::Null,
        DataType::Time32(TimeUnit::Second),
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::Utf8View,
    ];
    let scalars = types.iter().map(|data_type| Column::new(data_type).unwrap());
    scalars.map(|column| Box::new(column) as Box<dyn ColumnBuilder>).collect()
}

#[test]
fn columns_have_the_type_they_were_made_for_and_forget_what_was_handed_out() {
    for data_type in [
        DataType::Decimal128(10, 2),
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Utf8View,
    ] {
        let mut column = Column::new(&data_type).unwrap();
        column.push_null();
        let array = column.finish().unwrap();
        assert_eq!((array.data_type(), array.len()), (&data_type, 1));
        assert_eq!((column.len(), column.finish().unwrap().len()), (0, 0));
    }
}

#[test]
fn every_column_can_be_cut_back() {
    for mut column in columns() {
        (0..10).for_each(|_| column.push_null());
        column.truncate(3);
        assert_eq!(column.len(), 3);
        column.truncate(7);
        column.push_null();
        let array = column.finish().unwrap();
        assert_eq!((array.len(), array.logical_null_count()), (4, 4));
    }
}

#[test]
fn texts_cut_back_leave_no_bytes_behind() {
    let mut texts = Texts::text();
    texts.push("a text longer than a view holds".as_bytes());
    texts.push(b"second");
    texts.push_null();
    texts.push(b"fourth");
    texts.truncate(2);
    texts.push(b"third, after the others were taken back");
    let values: Vec<_> = texts.values_from(1).collect();
    assert_eq!(values, [&b"second"[..], b"third, after the others were taken back"]);
    let refused = texts.push_with(|out| {
        out.extend_from_slice(b"half a val");
        Err::<(), _>("broken")
    });
    assert_eq!((refused, texts.len()), (Err("broken"), 3));
    let array = texts.finish().unwrap();
    let expected = [
        Some("a text longer than a view holds"),
        Some("second"),
        Some("third, after the others were taken back"),
    ];
    assert_eq!(
        array.as_ref(),
        &arrow_array::StringViewArray::from(expected.to_vec()) as &dyn Array
    );
}

#[test]
fn parts_that_belong_to_no_value_yet_are_taken_back_too() {
    let field = Field::new("item", DataType::Int32, true);
    let mut lists = Lists::new(field.into(), Column::new(&DataType::Int32).unwrap());
    lists.element.push_null();
    lists.push();
    lists.element.push_null();
    lists.element.push_null();
    lists.truncate(1);
    assert_eq!((lists.len(), lists.element.len()), (1, 1));
    lists.push_null();
    lists.push();
    let array = lists.finish().unwrap();
    assert_eq!((array.len(), array.null_count()), (3, 1));
}

#[test]
fn rows_are_cut_back_with_their_columns() {
    let fields = Fields::from(vec![Field::new("x", DataType::Int32, true)]);
    let mut structs = Structs::new(fields, vec![Column::new(&DataType::Int32).unwrap()]);
    structs.columns[0].push_null();
    structs.push();
    structs.push_null();
    structs.columns[0].push_null();
    structs.truncate(2);
    assert_eq!((structs.len(), structs.columns[0].len()), (2, 2));
    let array = structs.finish().unwrap();
    assert_eq!((array.len(), array.null_count()), (2, 1));
}

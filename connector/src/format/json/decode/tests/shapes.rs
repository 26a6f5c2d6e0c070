//! Which messages are rows, and how names find their columns.

use super::*;

fn two_columns(options: &[(&str, &str)]) -> Box<dyn DeserializationSchema> {
    decoder(vec![nullable("a", DataType::Int32), nullable("b", DataType::Utf8View)], options)
}

#[test]
fn null_and_empty_messages_are_no_rows() {
    let mut decoder = two_columns(&[]);
    assert_eq!(decoder.append(None).unwrap(), Rows::NONE);
    assert_eq!(decoder.append(Some(b"")).unwrap(), Rows::NONE);
    assert_eq!(decoder.append(Some(b"null")).unwrap(), Rows::NONE);
    assert_eq!(decoder.rows(), 0);
}

#[test]
fn an_array_is_a_row_for_each_object() {
    let mut decoder = two_columns(&[]);
    assert_eq!(append(&mut *decoder, r#" [{"a":1}, null, {"b":"x"}] "#), Ok(2));
    assert_eq!(append(&mut *decoder, "[]"), Ok(0));
    assert_eq!(rows(&mut *decoder), ["{a: 1, b: NULL}", "{a: NULL, b: x}"]);
}

#[test]
fn a_bad_element_takes_the_whole_array_with_it() {
    let mut decoder = two_columns(&[]);
    for message in
        [r#"[{"a":1},3]"#, r#"[{"a":1},{"a":"x"}]"#, r#"[{"a":1},]"#, r#"[{"a":1}"#, "[[]]"]
    {
        assert!(append(&mut *decoder, message).is_err(), "{message}");
        assert_eq!(decoder.rows(), 0);
    }
}

#[test]
fn names_may_come_in_any_order_and_more_than_there_are_columns() {
    let mut decoder = two_columns(&[]);
    for message in [
        r#"{"a":1,"b":"x"}"#,
        r#"{"b":"x","a":1}"#,
        r#"{"b":"x","a":1}"#,
        r#"{"z":{"a":9},"b":"x","y":[9],"a":1,"x":"9"}"#,
        r#"{"\u0061":1,"b":"x"}"#,
        "\u{feff}{\"a\" : 1 ,\n\t\"b\"\r: \"x\" } ",
        r#"{"A":9,"a ":9,"a":1,"b":"x","":9}"#,
    ] {
        assert_eq!(append(&mut *decoder, message), Ok(1), "{message}");
    }
    for row in rows(&mut *decoder) {
        assert_eq!(row, "{a: 1, b: x}");
    }
}

#[test]
fn of_equal_names_the_last_counts() {
    let mut decoder = two_columns(&[]);
    append(&mut *decoder, r#"{"a":1,"b":"x","a":2}"#).unwrap();
    append(&mut *decoder, r#"{"a":1,"a":null,"b":"y","b":"z"}"#).unwrap();
    assert_eq!(rows(&mut *decoder), ["{a: 2, b: x}", "{a: NULL, b: z}"]);
}

#[test]
fn columns_that_nobody_wants_are_skipped_but_must_be_json() {
    let fields = vec![nullable("a", DataType::Int32), nullable("b", DataType::Int32)];
    let target =
        FormatTarget { wanted: vec![1], ..FormatTarget::new(fields, FormatOptions::default()) };
    let mut decoder = crate::format::json::Json.decoder(&target).unwrap();
    assert_eq!(append(&mut *decoder, r#"{"a":"no integer","b":2}"#), Ok(1));
    assert!(append(&mut *decoder, r#"{"a":[1,},"b":2}"#).is_err());
    assert_eq!(rows(&mut *decoder), ["{b: 2}"]);
}

#[test]
fn without_columns_rows_are_counted() {
    let mut decoder = decoder(vec![], &[]);
    assert_eq!(append(&mut *decoder, r#"[{"a":1},{}]"#), Ok(2));
    assert_eq!(decoder.rows(), 2);
    assert_eq!(decoder.finish().unwrap().len(), 0);
    assert_eq!(decoder.rows(), 0);
}

#[test]
fn a_missing_field_is_null_or_an_error_at_every_level() {
    let inner = vec![nullable("x", DataType::Int32), nullable("y", DataType::Int32)];
    let fields = || vec![nullable("a", row(inner.clone())), nullable("b", DataType::Int32)];
    let mut lenient = decoder(fields(), &[]);
    append(&mut *lenient, r#"{"a":{"y":1}}"#).unwrap();
    assert_eq!(rows(&mut *lenient), ["{a: {x: NULL, y: 1}, b: NULL}"]);

    let mut strict = decoder(fields(), &[("fail-on-missing-field", "true")]);
    assert_eq!(append(&mut *strict, r#"{"a":null,"b":null}"#), Ok(1));
    let error = append(&mut *strict, r#"{"a":{"y":1},"b":1}"#).unwrap_err();
    assert!(error.contains("Could not find field with name 'x'."), "{error}");
    assert!(error.starts_with("column \"a.x\""), "{error}");
    let error = append(&mut *strict, r#"{"a":{"x":1,"y":1}}"#).unwrap_err();
    assert!(error.contains("Could not find field with name 'b'."), "{error}");
}

#[test]
fn null_where_the_table_says_not_null_is_an_error_of_the_row() {
    let mut decoder = decoder(vec![required("a", DataType::Int32)], &[]);
    for message in ["{}", r#"{"a":null}"#] {
        let error = append(&mut *decoder, message).unwrap_err();
        assert!(error.contains("NULL in a column that is NOT NULL"), "{error}");
    }
    let decimal = vec![required("a", DataType::Decimal128(2, 0))];
    let mut decoder = self::decoder(decimal, &[]);
    assert!(append(&mut *decoder, r#"{"a":100}"#).is_err());
}

#[test]
fn with_parse_errors_ignored_bad_fields_are_null_and_bad_messages_skipped() {
    let fields = vec![
        nullable("a", list(DataType::Int32)),
        nullable("b", map(nullable("value", DataType::Int32))),
        nullable("d", row(vec![nullable("x", DataType::Int32), nullable("y", DataType::Utf8View)])),
    ];
    let mut decoder = decoder(fields, &[("ignore-parse-errors", "true")]);
    let table = [
        (r#"{"a":[1,"x",3],"b":{"k":"x"},"d":{"x":"q","y":"z"}}"#, 1),
        (r#"{"a":5,"b":5,"d":5}"#, 1),
        (r#"{"a":{"q":[1]},"b":{"k":1}}"#, 1),
        (r#"{"a":[1"#, 0),
        ("x", 0),
        ("5", 0),
        (r#"{"a":[1]} {}"#, 0),
        (r#"[{"a":[1]},3,{"a":[2]}]"#, 2),
        (r#"[{"a":[1]},{"a":[2]"#, 0),
        ("{\"a\":\"\u{0}\"}", 1),
    ];
    for (message, rows) in table {
        assert_eq!(append(&mut *decoder, message), Ok(rows), "{message}");
    }
    assert_eq!(decoder.append(Some(b"{\"d\":{\"y\":\"\xff\"}}")).unwrap(), Rows::NONE);
    assert_eq!(
        rows(&mut *decoder),
        [
            "{a: [1, NULL, 3], b: {k: NULL}, d: {x: NULL, y: z}}",
            "{a: NULL, b: NULL, d: NULL}",
            "{a: NULL, b: {k: 1}, d: NULL}",
            "{a: [1], b: NULL, d: NULL}",
            "{a: [2], b: NULL, d: NULL}",
            "{a: NULL, b: NULL, d: NULL}",
        ]
    );
}

#[test]
fn with_parse_errors_ignored_null_goes_to_the_innermost_place_that_takes_it() {
    let inner = row(vec![required("x", DataType::Int32)]);
    let fields = vec![nullable("d", inner), required("e", DataType::Int32)];
    let mut decoder = decoder(fields, &[("ignore-parse-errors", "true")]);
    assert_eq!(append(&mut *decoder, r#"{"d":{"x":"bad"},"e":1}"#), Ok(1));
    assert_eq!(append(&mut *decoder, r#"{"d":{"x":1},"e":"bad"}"#), Ok(0));
    assert_eq!(rows(&mut *decoder), ["{d: NULL, e: 1}"]);
}

#[test]
fn maps_with_other_keys_than_text_are_refused_when_the_table_is_made() {
    let entries = row(vec![required("key", DataType::Int32), nullable("value", DataType::Int32)]);
    let field = nullable("m", DataType::Map(required("entries", entries).into(), false));
    let target = FormatTarget::new(vec![field], FormatOptions::default());
    let json = crate::format::json::Json;
    for error in [json.decoder(&target).err().unwrap(), json.encoder(&target).err().unwrap()] {
        let text = error.to_string();
        assert!(
            text.contains("JSON format doesn't support non-string as key type of map"),
            "{text}"
        );
    }
}

#[test]
fn types_that_tables_do_not_have_are_refused() {
    let target = FormatTarget::new(vec![nullable("u", DataType::UInt32)], FormatOptions::default());
    let json = crate::format::json::Json;
    assert_eq!(
        json.decoder(&target).err().unwrap().to_string(),
        "unsupported: json type of column u=UInt32"
    );
    assert_eq!(
        json.encoder(&target).err().unwrap().to_string(),
        "unsupported: json type of column u=UInt32"
    );
}

//! What is wrong with a message, said so that its sender can find it.

use super::*;

fn fault(message: &[u8]) -> String {
    let fields = vec![
        nullable("id", DataType::Int64),
        nullable("address", row(vec![nullable("lines", list(DataType::Int32))])),
    ];
    let mut decoder = decoder(fields, &[]);
    let error = decoder.append(Some(message)).unwrap_err();
    assert_eq!(decoder.rows(), 0);
    error.to_string()
}

#[test]
fn an_error_names_the_path_what_was_expected_the_byte_and_the_text() {
    assert_eq!(
        fault(br#"{"id":7,"address":{"lines":[1,"two"]}}"#),
        "column \"address.lines[1]\": Failed to deserialize JSON \
         '{\"id\":7,\"address\":{\"lines\":[1,\"two\"]}}': \
         expected an integer of 32 bits for INT, found \"two\" at byte 30"
    );
}

#[test]
fn what_is_not_json_is_refused_as_strictly_as_by_jackson() {
    let table = [
        (r#"{"id":1,}"#, "a name in double quotes, found } at byte 8"),
        (r#"{"id":1,,"b":2}"#, "a name in double quotes, found , at byte 8"),
        (r#"{,"id":1}"#, "a name in double quotes, found , at byte 1"),
        (r#"{"id" 1}"#, "':' after the name, found 1 at byte 6"),
        (r#"{"id":1 "b":2}"#, "',' or '}', found \"b\" at byte 8"),
        (r#"{"id":01}"#, "a number without leading zeros, found 01 at byte 6"),
        (r#"{"id":+1}"#, "an integer of 64 bits for BIGINT, found +1 at byte 6"),
        (r#"{"id":.5}"#, "an integer of 64 bits for BIGINT, found .5 at byte 6"),
        (r#"{"id":1.}"#, "a digit, found } at byte 8"),
        (r#"{"id":1.5e}"#, "a digit, found } at byte 10"),
        (r#"{"id":-}"#, "a digit, found } at byte 7"),
        (r#"{"id":NaN}"#, "an integer of 64 bits for BIGINT, found NaN at byte 6"),
        (r#"{"id":tru}"#, "an integer of 64 bits for BIGINT, found tru at byte 6"),
        (r#"{"id":truex}"#, "an integer of 64 bits for BIGINT, found truex at byte 6"),
        (r#"{"x":truex}"#, "',' or '}', found x at byte 9"),
        (r#"{"x":nul}"#, "null, found nul at byte 5"),
        (r#"{"x":"\q"}"#, "an escape sequence, found \\q\" at byte 6"),
        (r#"{"x":"\u12g4"}"#, "an escape sequence, found \\u12g4\" at byte 6"),
        (r#"{"x":"\"#, "an escape sequence, found \\ at byte 6"),
        (r#"{"x":'y'}"#, "a value, found 'y' at byte 5"),
        (r#"{"x":[1,2,]}"#, "a value, found ] at byte 10"),
        (r#"{"x":[1 2]}"#, "',' or ']', found 2 at byte 8"),
        (r#"{"x":{"y"}}"#, "':' after the name, found } at byte 9"),
        (r#"{"x":[1}}"#, "',' or ']', found } at byte 7"),
        (r#"{"id":1 /*c*/}"#, "',' or '}', found /*c*/ at byte 8"),
        (r#"{"id":1} x"#, "the end of the message, found x at byte 9"),
        (r#"{"id":1}{"id":2}"#, "the end of the message, found {\"id\":2 at byte 8"),
        ("{\"id\":1}\0", "the end of the message, found \\u0000 at byte 8"),
        (r#"{"id":1"#, "',' or '}', found the end of the message at byte 7"),
        (r#"{"id""#, "':' after the name, found the end of the message at byte 5"),
        (r#"{"id"#, "'\"' at the end of the string, found the end of the message at byte 4"),
        ("{", "a name in double quotes, found the end of the message at byte 1"),
        (" ", "an object, found the end of the message at byte 1"),
        ("3", "an object, found 3 at byte 0"),
        ("\"x\"", "an object, found \"x\" at byte 0"),
    ];
    for (message, expected) in table {
        let fault = fault(message.as_bytes());
        assert!(fault.ends_with(&format!(": expected {expected}")), "{message}: {fault}");
    }
}

#[test]
fn invalid_utf8_is_an_error_wherever_it_stands() {
    for message in [&b"{\"x\":\"\xff\"}"[..], b"{\"id\":1}\xc3", b"\xff\xfe{\0}\0"] {
        let fault = fault(message);
        assert!(fault.contains("the text is not UTF-8 at byte"), "{fault}");
    }
}

#[test]
fn nesting_has_a_limit_and_no_stack_is_at_risk() {
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let mut decoder = decoder(vec![nullable("x", DataType::Utf8View)], &[]);
    assert_eq!(append(&mut *decoder, &nested(999)), Ok(1));
    let error = append(&mut *decoder, &nested(1000)).unwrap_err();
    assert!(error.contains("no more than 1000 levels of nesting"), "{error}");
    assert!(append(&mut *decoder, &"[".repeat(1_000_000)).is_err());
    assert!(append(&mut *decoder, &"{\"x\":".repeat(1_000_000)).is_err());
    assert!(fault("{\"y\":".repeat(1_000_000).as_bytes()).contains("1000 levels"));
}

#[test]
fn depth_is_counted_anew_after_a_value_is_passed_over_twice() {
    let mut decoder =
        decoder(vec![nullable("x", DataType::Int32)], &[("ignore-parse-errors", "true")]);
    for _ in 0..3 {
        let elements = vec!["{\"x\":[[{}]]}"; 1000].join(",");
        assert_eq!(append(&mut *decoder, &format!("[{elements}]")), Ok(1000));
    }
}

#[test]
fn long_messages_are_shortened_around_the_fault_and_never_move_a_cursor() {
    let message = format!(
        "{{\"x\":\"{}\",\"id\":\"\u{1b}[2J\",\"y\":\"{}\"}}",
        "a".repeat(5000),
        "é".repeat(5000)
    );
    let fault = fault(message.as_bytes());
    assert!(fault.chars().count() < 400, "{fault}");
    assert!(fault.contains("found \"\\u001b[2J\" at byte 5013"), "{fault}");
    assert!(fault.contains("'…aaa") && fault.contains("…': expected"), "{fault}");
    assert!(!fault.contains('\u{1b}'));
}

#[test]
fn every_cut_of_a_message_is_an_error_and_takes_nothing_along() {
    let message = r#"{"id":1,"address":{"lines":[1,2]},"x":{"y":["z\n",true,null,-1.5e3]}}"#;
    for end in 1..message.len() {
        fault(&message.as_bytes()[..end]);
    }
}

#[test]
fn good_rows_are_the_same_with_and_without_bad_ones_between() {
    let fields = || {
        vec![
            nullable("id", DataType::Int64),
            nullable("name", DataType::Utf8View),
            nullable("tags", list(DataType::Utf8View)),
            nullable(
                "at",
                row(vec![nullable("x", DataType::Float64), nullable("y", DataType::Boolean)]),
            ),
            nullable("m", map(nullable("value", DataType::BinaryView))),
            nullable("p", DataType::Decimal128(10, 2)),
        ]
    };
    let good = r#"{"id":1,"name":"n\u00e9","tags":["a","b"],"at":{"x":1.5,"y":true},"m":{"k":"aGk=","l":null},"p":1.25}"#;
    let (mut clean, mut disturbed) = (decoder(fields(), &[]), decoder(fields(), &[]));
    for end in 1..good.len() {
        assert!(disturbed.append(Some(&good.as_bytes()[..end])).is_err());
        for bad in
            [r#"{"at":{"x":[]}}"#, r#"{"m":{"a":"aGk=","b":1}}"#, r#"{"tags":["x",{}],"p":1"#]
        {
            assert!(disturbed.append(Some(bad.as_bytes())).is_err(), "{bad}");
        }
        assert_eq!(append(&mut *clean, good), append(&mut *disturbed, good));
        assert_eq!(clean.rows(), disturbed.rows());
    }
    let _ = disturbed.append(Some(br#"{"id":2,"name":"half"#));
    let (clean, disturbed) = (clean.finish().unwrap(), disturbed.finish().unwrap());
    for (left, right) in clean.iter().zip(&disturbed) {
        assert_eq!(left.as_ref(), right.as_ref());
    }
}

#[test]
fn elements_are_counted_with_the_columns_they_have() {
    let point = row(vec![nullable("x", DataType::Int32), nullable("y", DataType::Int32)]);
    let fields =
        vec![nullable("a", list(point)), nullable("m", map(nullable("value", DataType::Int32)))];
    let nulls = |rows: usize| format!("{{\"a\":[{}null]}}", "null,".repeat(rows - 1));
    for options in [&[][..], &[("ignore-parse-errors", "true")]] {
        let mut decoder = decoder(fields.clone(), options);
        assert_eq!(append(&mut *decoder, &nulls(MAX_VALUES / 3)), Ok(1));
        assert!(append(&mut *decoder, &nulls(MAX_VALUES / 3 + 1)).is_err());
        assert_eq!(append(&mut *decoder, r#"{"m":{"a":1}}"#), Ok(1));
        assert_eq!(decoder.rows(), 2);
    }
}

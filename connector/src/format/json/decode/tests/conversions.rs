//! Which JSON values each type takes, and what becomes of them. Expectations come from Flink 2.1's own decoder.

use super::*;

#[test]
fn integers_are_numbers_or_numeric_text_and_lose_fractions() {
    check_values(
        &DataType::Int32,
        &[],
        &[
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1.7", "1"),
            ("-1.7", "-1"),
            ("\"12\"", "12"),
            ("\" 12 \"", "12"),
            ("\"+12\"", "12"),
            ("\"\\u0031\"", "1"),
            ("\"1.0\"", "error"),
            ("\"\"", "error"),
            ("2147483647", "2147483647"),
            ("-2147483648", "-2147483648"),
            ("2147483648", "error"),
            ("2147483648.5", "error"),
            ("1e400", "error"),
            ("true", "error"),
            ("[1]", "error"),
            ("{\"b\":1}", "error"),
            ("null", "NULL"),
        ],
    );
    check_values(
        &DataType::Int64,
        &[],
        &[
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "error"),
            ("9223372036854775807.5", "9223372036854775807"),
            ("\"9223372036854775807\"", "9223372036854775807"),
            ("\"9223372036854775808\"", "error"),
            ("1e18", "1000000000000000000"),
            ("1e19", "error"),
            ("999999999999999999", "999999999999999999"),
            ("1000000000000000000", "1000000000000000000"),
            ("-0", "0"),
            ("-0.9", "0"),
        ],
    );
}

#[test]
fn a_large_integer_with_a_fraction_keeps_all_its_digits() {
    let table = [
        ("9007199254740993.0", "9007199254740993"),
        ("123456789012345678901e-3", "123456789012345678"),
    ];
    check_values(&DataType::Int64, &[], &table);
}

#[test]
fn small_integers_take_no_fractions() {
    let table = [
        ("7", "7"),
        ("\"+7\"", "7"),
        ("-128", "-128"),
        ("128", "error"),
        ("1.0", "error"),
        ("1e1", "error"),
    ];
    check_values(&DataType::Int8, &[], &table);
    check_values(
        &DataType::Int16,
        &[],
        &[("32767", "32767"), ("32768", "error"), ("1.5", "error")],
    );
}

#[test]
fn booleans_are_true_or_the_text_true() {
    check_values(
        &DataType::Boolean,
        &[],
        &[
            ("true", "true"),
            ("false", "false"),
            ("\"TRUE\"", "true"),
            ("\" true \"", "true"),
            ("\"tr\\u0075e\"", "true"),
            ("\"x\"", "false"),
            ("1", "false"),
            ("0", "false"),
            ("null", "NULL"),
            ("[true]", "error"),
            ("{}", "error"),
        ],
    );
}

#[test]
fn floating_point_numbers_read_what_java_reads() {
    check_values(
        &DataType::Float64,
        &[],
        &[
            ("1", "1.0"),
            ("0.1", "0.1"),
            ("\" 1.5 \"", "1.5"),
            ("\"NaN\"", "NaN"),
            ("\"nan\"", "error"),
            ("\"Infinity\"", "inf"),
            ("\"+Infinity\"", "inf"),
            ("\"-Infinity\"", "-inf"),
            ("\"inf\"", "error"),
            ("\"infinity\"", "error"),
            ("\"1.5d\"", "1.5"),
            ("\"1.5f\"", "1.5"),
            ("\".5\"", "0.5"),
            ("\"5.\"", "5.0"),
            ("\".\"", "error"),
            ("\"\"", "error"),
            ("1e400", "inf"),
            ("-1e400", "-inf"),
            ("true", "error"),
        ],
    );
    let table = [("1e40", "inf"), ("0.1", "0.1"), ("16777217", "16777216.0"), ("\"1e40\"", "inf")];
    check_values(&DataType::Float32, &[], &table);
}

#[test]
fn decimals_are_exact_and_null_where_the_precision_is_too_small() {
    check_values(
        &DataType::Decimal128(10, 2),
        &[],
        &[
            ("1.005", "1.01"),
            ("-1.005", "-1.01"),
            ("1.004999", "1.00"),
            ("\"1.005\"", "1.01"),
            ("\" 1 \"", "1.00"),
            ("\".5\"", "0.50"),
            ("\"1e2\"", "100.00"),
            ("12345678.999", "12345679.00"),
            ("99999999.995", "NULL"),
            ("123456789", "NULL"),
            ("1e5", "100000.00"),
            ("0e100", "0.00"),
            ("\"x\"", "error"),
            ("\"\"", "error"),
            ("true", "error"),
        ],
    );
    let text = "12345678901234567890.123456789012345678";
    check_values(&DataType::Decimal128(38, 18), &[], &[(text, text)]);
}

#[test]
fn any_value_is_a_text() {
    check_values(
        &DataType::Utf8View,
        &[],
        &[
            ("\"\"", ""),
            ("\"plain\"", "plain"),
            ("\"a text of more than twelve bytes\"", "a text of more than twelve bytes"),
            ("\"\\u00e9\\ud83d\\ude00\\n\"", "é😀\n"),
            ("\"a\tb\u{7f}\u{1}\"", "a\tb\u{7f}\u{1}"),
            ("1", "1"),
            ("1.50", "1.50"),
            ("-1e5", "-1e5"),
            ("true", "true"),
            ("false", "false"),
            ("null", "NULL"),
            ("[ ]", "[]"),
            ("{ }", "{}"),
            (
                " [1, 2,\n\"z\\n\\u001f\\u00e9\\/\", {\"x\" : 1.50, \"y\":[null,true,false]} ] ",
                r#"[1,2,"z\n\u001Fé/",{"x":1.50,"y":[null,true,false]}]"#,
            ),
            ("{\"raw\": \"\t\"}", r#"{"raw":"\t"}"#),
        ],
    );
}

#[test]
fn bytes_are_base64_with_padding() {
    check_values(
        &DataType::BinaryView,
        &[],
        &[
            ("\"aGVsbG8=\"", "68656c6c6f"),
            ("\"aGVs bG8=\"", "68656c6c6f"),
            ("\"aGVs\\nbG8=\"", "68656c6c6f"),
            ("\"aGVsbG9=\"", "68656c6c6f"),
            ("\"\"", ""),
            ("\"aGVsbG8\"", "error"),
            ("\"aGVsbG8==\"", "error"),
            ("\"a\"", "error"),
            ("\"a-_/\"", "error"),
            ("1", "error"),
        ],
    );
}

#[test]
fn dates_and_times_are_text() {
    check_values(
        &DataType::Date32,
        &[],
        &[
            ("\"2020-02-29\"", "2020-02-29"),
            ("\"2019-02-29\"", "error"),
            ("\"2020-02-29T\"", "error"),
            ("18000", "error"),
            ("\"+999999999-01-01\"", "error"),
        ],
    );
    let times = [
        ("\"12:34:56\"", "12:34:56"),
        ("\"24:00:00\"", "00:00:00"),
        ("\"12:34\"", "error"),
        ("45296", "error"),
    ];
    for data_type in [
        DataType::Time32(TimeUnit::Second),
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Time64(TimeUnit::Nanosecond),
    ] {
        check_values(&data_type, &[], &times);
    }
}

#[test]
fn a_time_keeps_the_digits_that_its_column_has() {
    for (data_type, kept) in [
        (DataType::Time32(TimeUnit::Second), "12:34:56"),
        (DataType::Time32(TimeUnit::Millisecond), "12:34:56.789"),
        (DataType::Time64(TimeUnit::Microsecond), "12:34:56.789012"),
        (DataType::Time64(TimeUnit::Nanosecond), "12:34:56.789012345"),
    ] {
        check_values(&data_type, &[], &[("\"12:34:56.789012345\"", kept)]);
    }
}

#[test]
fn timestamps_follow_the_standard_that_the_option_names() {
    let sql = [
        ("\"2020-01-01 12:34:56.123456789\"", "2020-01-01T12:34:56.123"),
        ("\"1969-12-31 23:59:59.999\"", "1969-12-31T23:59:59.999"),
        ("\"2020-01-01T12:34:56\"", "error"),
        ("1577880000", "error"),
    ];
    check_values(&timestamp(TimeUnit::Millisecond), &[], &sql);
    let zoned = [
        ("\"2020-01-01 12:34:56.5Z\"", "2020-01-01T12:34:56.500Z"),
        ("\"2020-01-01 12:34:56\"", "error"),
    ];
    check_values(&timestamp_ltz(TimeUnit::Millisecond), &[], &zoned);
    let option = [("timestamp-format.standard", "ISO-8601")];
    let iso =
        [("\"2020-01-01T12:34\"", "2020-01-01T12:34:00"), ("\"2020-01-01 12:34:56\"", "error")];
    check_values(&timestamp(TimeUnit::Microsecond), &option, &iso);
    let option = [("timestamp-format.standard", "ISO-8601-WITH-OFFSET")];
    let offset = [("\"2020-01-01T12:34:56+02:00\"", "2020-01-01T10:34:56")];
    check_values(&timestamp(TimeUnit::Microsecond), &option, &offset);
}

#[test]
fn a_timestamp_that_its_column_cannot_count_is_an_error() {
    let table = [
        ("\"2262-04-11 23:47:16.854775807\"", "2262-04-11T23:47:16.854775807"),
        ("\"2262-04-11 23:47:16.854775808\"", "error"),
    ];
    check_values(&timestamp(TimeUnit::Nanosecond), &[], &table);
}

#[test]
fn intervals_are_integers() {
    use arrow_schema::IntervalUnit;
    let months = DataType::Interval(IntervalUnit::YearMonth);
    check_values(&months, &[], &[("14", "1 years 2 mons"), ("\"14\"", "1 years 2 mons")]);
    check_values(&DataType::Duration(TimeUnit::Millisecond), &[], &[("1000", "PT1S")]);
}

#[test]
fn parts_keep_their_nulls() {
    check_values(
        &list(DataType::Int32),
        &[],
        &[
            ("[1, null, 3]", "[1, NULL, 3]"),
            ("[]", "[]"),
            ("null", "NULL"),
            ("{}", "error"),
            ("5", "error"),
            ("[[1]]", "error"),
        ],
    );
    check_values(&list(list(DataType::Utf8View)), &[], &[("[[\"a\"],[],null]", "[[a], [], NULL]")]);
    let fields = vec![nullable("x", DataType::Int32), nullable("y", DataType::Utf8View)];
    check_values(
        &row(fields),
        &[],
        &[
            ("{\"y\":\"q\",\"x\":1,\"z\":[{}]}", "{x: 1, y: q}"),
            ("{}", "{x: NULL, y: NULL}"),
            ("null", "NULL"),
            ("[]", "error"),
            ("\"x\"", "error"),
        ],
    );
    check_values(
        &map(nullable("value", DataType::Int32)),
        &[],
        &[
            ("{\"k\":1,\"n\":null}", "{k: 1, n: NULL}"),
            ("{}", "{}"),
            ("[]", "error"),
            ("5", "error"),
        ],
    );
}

#[test]
fn of_equal_map_keys_the_last_counts() {
    let counts = map(required("value", DataType::Int32));
    check_values(
        &counts,
        &[],
        &[(r#"{"k":1,"j":5,"k":2}"#, "{j: 5, k: 2}"), (r#"{"k":1,"\u006b":2,"k":3}"#, "{k: 3}")],
    );
    let many: Vec<_> = (0..40).map(|index| format!("\"k{}\":{index}", index % 20)).collect();
    let last: Vec<_> = (20..40).map(|index| format!("k{}: {index}", index % 20)).collect();
    let (many, last) = (format!("{{{}}}", many.join(",")), format!("{{{}}}", last.join(", ")));
    check_values(&counts, &[], &[(many.as_str(), last.as_str())]);
}

use super::*;

#[test]
fn numbers_are_rounded_half_up_to_the_scale() {
    let table = [
        ("1.005", Decimal::Value(101)),
        ("1.004999", Decimal::Value(100)),
        ("-1.005", Decimal::Value(-101)),
        ("0.005", Decimal::Value(1)),
        ("0.0049", Decimal::Value(0)),
        ("0.00049", Decimal::Value(0)),
        ("12345678.999", Decimal::Value(1_234_567_900)),
        ("99999999.994", Decimal::Value(9_999_999_999)),
        ("99999999.995", Decimal::Overflow),
        ("123456789", Decimal::Overflow),
        ("1e-20", Decimal::Value(0)),
        ("1e5", Decimal::Value(10_000_000)),
        ("1E+5", Decimal::Value(10_000_000)),
        ("1000e-5", Decimal::Value(1)),
        ("0e100", Decimal::Value(0)),
        ("-0", Decimal::Value(0)),
        ("+1", Decimal::Value(100)),
        (".5", Decimal::Value(50)),
        ("5.", Decimal::Value(500)),
        ("1e99999999999999999999", Decimal::Overflow),
        ("1e-99999999999999999999", Decimal::Value(0)),
        ("000000000000000000000000000000000000000000001", Decimal::Value(100)),
        ("0.00000000000000000000000000000000000000000001e44", Decimal::Value(100)),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text.as_bytes(), 10, 2, Rounding::HalfUp), expected, "{text}");
    }
}

#[test]
fn short_numbers_are_what_the_long_way_makes_of_them() {
    let texts = [
        "0",
        "-0",
        "7",
        "-7.5",
        "123.45",
        "99999999.99",
        "100000000",
        "100000000.00",
        "1.234",
        "-.5",
        "5.",
        ".",
        "-",
        "",
        "1..2",
        "1.2.",
        "+1",
        "1e2",
        "12345678901234567",
        "0.01",
        "00012.50",
    ];
    for text in texts {
        for (precision, scale) in [(10, 2), (4, 0), (38, 18), (18, 17), (5, 5)] {
            if let Some(value) = parse_short(text.as_bytes(), precision, scale) {
                let long = parse_any(text.as_bytes(), precision, scale, Rounding::HalfUp);
                assert_eq!(Decimal::Value(value), long, "{text} {precision} {scale}");
            }
        }
    }
    assert_eq!(parse_short(b"123.45", 10, 2), Some(12_345));
    assert_eq!(parse_short(b"1.234", 10, 2), None);
}

#[test]
fn digits_after_the_scale_can_be_cut_off() {
    let table = [("1.7", 1), ("-1.7", -1), ("0.9", 0), ("1e3", 1000), ("123456e-3", 123)];
    for (text, expected) in table {
        let parsed = parse(text.as_bytes(), 38, 0, Rounding::Truncate);
        assert_eq!(parsed, Decimal::Value(expected), "{text}");
    }
}

#[test]
fn all_38_digits_are_kept() {
    let text = b"12345678901234567890.123456789012345678";
    let expected = Decimal::Value(12_345_678_901_234_567_890_123_456_789_012_345_678);
    assert_eq!(parse(text, 38, 18, Rounding::HalfUp), expected);
    let text = b"99999999999999999999.9999999999999999995";
    assert_eq!(parse(text, 38, 18, Rounding::HalfUp), Decimal::Overflow);
}

#[test]
fn what_is_not_a_number_is_refused() {
    for text in ["", ".", "x", "1x", "1e", "1e+", "e5", "--1", "1.2.3", "0x1", "1 ", "NaN"] {
        let parsed = parse(text.as_bytes(), 10, 2, Rounding::HalfUp);
        assert_eq!(parsed, Decimal::Invalid, "{text}");
    }
}

#[test]
fn numbers_are_written_as_big_decimal_writes_them() {
    let table = [
        (27, 9, "2.7E-8", "0.000000027"),
        (1_000_000_000, 9, "1", "1.000000000"),
        (0, 9, "0", "0.000000000"),
        (-1_500_000_000, 9, "-1.5", "-1.500000000"),
        (150, 2, "1.5", "1.50"),
        (10_000_000, 2, "1E+5", "100000.00"),
        (12_000_000, 2, "1.2E+5", "120000.00"),
        (100, 0, "1E+2", "100"),
        (0, 0, "0", "0"),
        (10, 8, "1E-7", "0.00000010"),
        (12, 8, "1.2E-7", "0.00000012"),
        (100, 8, "0.000001", "0.00000100"),
        (-5, 1, "-0.5", "-0.5"),
        (5, -2, "5E+2", "500"),
    ];
    for (value, scale, scientific, plain) in table {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        write_scientific(&mut left, value, scale);
        write_plain(&mut right, value, scale);
        assert_eq!(String::from_utf8(left).unwrap(), scientific);
        assert_eq!(String::from_utf8(right).unwrap(), plain);
    }
}

#[test]
fn the_longest_number_fits_the_digit_buffer() {
    let mut buffer = DigitBuffer::default();
    assert_eq!(buffer.write(u128::MAX), u128::MAX.to_string().as_bytes());
    assert_eq!(buffer.write(0), b"0");
}

use super::*;

#[test]
fn the_end_of_a_string_is_found_at_every_length() {
    for len in 0..100 {
        for (end, expected) in [('"', b'"'), ('\\', b'\\')] {
            let text = format!(
                "{}{end}{}",
                "é".repeat(len / 2) + &"x".repeat(len % 2),
                "tail of some length"
            );
            let at = text.find(end).unwrap();
            assert_eq!(quote_or_backslash(text.as_bytes(), 0), Some((at, expected)));
        }
        assert_eq!(quote_or_backslash("x".repeat(len).as_bytes(), 0), None);
    }
}

#[test]
fn bytes_that_differ_in_one_bit_are_no_quotes() {
    let lookalikes: Vec<u8> = (0..=255).filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
    assert_eq!(quote_or_backslash(&lookalikes, 0), None);
}

#[test]
fn small_integers_end_where_other_numbers_go_on() {
    let table = [
        ("0", Some(0)),
        ("-0", Some(0)),
        ("7,", Some(7)),
        ("-123456789012345678}", Some(-123_456_789_012_345_678)),
        ("1234567890123456789", None),
        ("01", None),
        ("-", None),
        ("1.0", None),
        ("1e2", None),
        ("x", None),
        ("", None),
    ];
    for (text, expected) in table {
        let mut scanner = Scanner::new(text);
        assert_eq!(scanner.small_integer(), expected, "{text}");
        assert_eq!(scanner.position() == 0, expected.is_none(), "{text}");
    }
}

#[test]
fn small_numbers_know_where_their_point_is() {
    let number = |digits, point| Some(SmallNumber { digits, point });
    let table = [
        ("7", number(7, None)),
        ("-1.05,", number(-105, Some(2))),
        ("0.10", number(10, Some(2))),
        ("12345678901234567", number(12_345_678_901_234_567, None)),
        ("1234567890.1234567", number(12_345_678_901_234_567, Some(7))),
        ("1234567890.12345678", None),
        ("00.1", None),
        ("1.", None),
        (".5", None),
        ("1.2.3", None),
        ("1.5e3", None),
    ];
    for (text, expected) in table {
        let mut scanner = Scanner::new(text);
        assert_eq!(scanner.small_number(), expected, "{text}");
        assert_eq!(scanner.position() == 0, expected.is_none(), "{text}");
    }
}

#[test]
fn a_walk_shows_every_part_in_order() {
    struct Parts(String);
    impl Visitor for Parts {
        fn token(&mut self, text: &[u8]) {
            self.0.push_str(str::from_utf8(text).unwrap());
        }
        fn string(&mut self, string: RawString<'_>) {
            self.0.push('<');
            self.0.push_str(str::from_utf8(string.text).unwrap());
            self.0.push('>');
        }
    }
    let mut parts = Parts(String::new());
    let mut scanner =
        Scanner::new(r#" { "a" : [ 1 , { } , [ [ ] ] , "x" ] , "b" : { "c" : null } } ,"#);
    scanner.walk(&mut parts).unwrap();
    assert_eq!(parts.0, "{<a>:[1,{},[[]],<x>],<b>:{<c>:null}}");
    assert!(scanner.eat(b','));
    assert_eq!(scanner.depth(), 0);
}

#[test]
fn equal_is_what_is_equal_in_every_byte() {
    for len in 0..40 {
        let bytes: Vec<u8> = (0..len).collect();
        assert!(is_equal(&bytes, &bytes.clone()));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert!(!is_equal(&bytes, &other), "{len} {at}");
        }
    }
}

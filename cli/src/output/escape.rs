//! kcat's escapes in delimiters and formats: `\n`, `\r`, `\t`, `\\`, `\0` and `\xNN`.

/// The bytes that `text` stands for; an escape that is none stands for itself.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, used) = if first == b'\\' { escaped(after) } else { (first, 0) };
        bytes.push(byte);
        rest = after.get(used..).unwrap_or_default();
    }
    bytes
}

/// The byte behind a backslash and how many characters it took.
fn escaped(after: &[u8]) -> (u8, usize) {
    match after {
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'0', ..] => (0, 1),
        [b'\\', ..] => (b'\\', 1),
        [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            (hex_digit(*high) << 4 | hex_digit(*low), 3)
        }
        _ => (b'\\', 0),
    }
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.to_ascii_uppercase().wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_become_bytes_and_the_rest_stays() {
        for (text, bytes) in [
            ("\\n", &b"\n"[..]),
            ("a\\tb", b"a\tb"),
            ("\\x01|\\xfF", b"\x01|\xff"),
            ("\\\\n", b"\\n"),
            ("\\q", b"\\q"),
            ("\\x1", b"\\x1"),
            ("ü;", "ü;".as_bytes()),
            ("", b""),
        ] {
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }
}

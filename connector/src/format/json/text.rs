//! Strings of JSON: escapes resolved and written.

use std::convert::Infallible;

use crate::format::column::Texts;
use crate::format::json::scanner::{RawString, Visitor};

/// Appends a string as a value.
#[inline]
pub(super) fn push_text(texts: &mut Texts, string: RawString<'_>) {
    if !string.has_escapes {
        return texts.push(string.text);
    }
    let Ok(()) = texts.push_with(|out| {
        unescape(string.text, out);
        Ok::<_, Infallible>(())
    });
}

/// Appends what `raw`, the checked inside of a string, stands for.
///
/// Half of a surrogate pair alone, which UTF-8 cannot say, becomes a question mark as in Flink.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(backslash);
        out.extend_from_slice(plain);
        rest = unescape_one(escape, out);
    }
    out.extend_from_slice(rest);
}

/// Appends what the escape at the start of `text` stands for and returns what follows it.
fn unescape_one<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let byte = match text.get(1) {
        Some(b'u') => return unescape_unicode(text, out),
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(&byte) => byte,
        None => return &[],
    };
    out.push(byte);
    text.get(2..).unwrap_or_default()
}

fn unescape_unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (first, rest) = code_unit(text).unwrap_or((0, &[]));
    let pair = match code_unit(rest) {
        Some((second @ 0xdc00..=0xdfff, rest)) if (0xd800..=0xdbff).contains(&first) => {
            Some((0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), rest))
        }
        _ => None,
    };
    let (code, rest) = pair.unwrap_or((first, rest));
    let character = char::from_u32(code).unwrap_or('?');
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

/// The code unit of the `\u1234` at the start of `text`, and what follows it.
fn code_unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = text.split_at_checked(6)?;
    let digits = str::from_utf8(head.strip_prefix(b"\\u")?).ok()?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Appends `text` in quotes.
pub(super) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        write_escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[inline]
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            let low = HEX[usize::from(byte & 0x0f)];
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes what a scanner shows it as compact JSON: numbers as they were, strings with the escapes they need.
pub(super) struct Compact<'o> {
    pub(super) out: &'o mut Vec<u8>,
}

impl Visitor for Compact<'_> {
    fn token(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn string(&mut self, string: RawString<'_>) {
        if string.has_escapes {
            let mut text = Vec::with_capacity(string.text.len());
            unescape(string.text, &mut text);
            write_string(self.out, &text);
        } else {
            write_string(self.out, string.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(raw: &str) -> String {
        let mut out = Vec::new();
        unescape(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_are_resolved() {
        let table = [
            ("plain", "plain"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"\u00e9\u20AC", "é€"),
            (r"a\ud83d\ude00b", "a😀b"),
            (r"\u0000", "\0"),
        ];
        for (raw, text) in table {
            assert_eq!(unescaped(raw), text, "{raw}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_question_mark() {
        let table = [
            (r"\ud800", "?"),
            (r"\udc00x", "?x"),
            (r"\ud800\u0041", "?A"),
            (r"\ud800\ud83d\ude00", "?😀"),
            (r"\ud83dx", "?x"),
            (r"\ud800\n", "?\n"),
        ];
        for (raw, text) in table {
            assert_eq!(unescaped(raw), text, "{raw}");
        }
    }

    #[test]
    fn strings_are_written_with_the_escapes_they_need() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"b\\c/\n\t\u{8}\u{c}\r\0\u{1f}\u{7f}é😀".as_bytes());
        let expected = r#""a\"b\\c/\n\t\b\f\r\u0000\u001F"#.to_owned() + "\u{7f}é😀\"";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

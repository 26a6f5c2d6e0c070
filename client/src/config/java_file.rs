//! The text form of `java.util.Properties`, so that an existing `client.properties` works as it is.

use std::iter::Peekable;
use std::str::Chars;

use super::Properties;
use crate::error::{Error, ErrorKind, Result};

/// Reads `text`: comments with `#` or `!`, `=`, `:` or blanks between name and value, lines
/// continued by a trailing backslash, and Java's escapes.
pub(super) fn parse(text: &str) -> Result<Properties> {
    let mut properties = Properties::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start_matches(is_blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let line = joined(line, lines.by_ref().map(|(_, line)| line));
        let (name, value) = split(&line)
            .map_err(|what| Error::new(ErrorKind::Config, format!("line {}: {what}", index + 1)))?;
        properties.set(name, value);
    }
    Ok(properties)
}

/// `line` together with the lines it is continued on.
fn joined<'t>(line: &str, mut following: impl Iterator<Item = &'t str>) -> String {
    let mut whole = line.to_owned();
    while is_continued(&whole) {
        whole.pop();
        match following.next() {
            Some(next) => whole.push_str(next.trim_start_matches(is_blank)),
            None => break,
        }
    }
    whole
}

/// Whether an odd number of backslashes ends the line: an even number escapes itself.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn split(line: &str) -> Result<(String, String), String> {
    let mut chars = line.chars().peekable();
    let name = unescape(&mut chars, |c| is_blank(c) || matches!(c, '=' | ':'))?;
    skip_blanks(&mut chars);
    if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut chars);
    }
    Ok((name, unescape(&mut chars, |_| false)?))
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

/// Reads up to an unescaped character that satisfies `ends`.
fn unescape(chars: &mut Peekable<Chars<'_>>, ends: fn(char) -> bool) -> Result<String, String> {
    let mut units = Vec::new();
    let mut encoded = [0; 2];
    while let Some(c) = chars.next_if(|c| !ends(*c)) {
        let c = match c {
            '\\' => chars.next(),
            plain => {
                units.extend_from_slice(plain.encode_utf16(&mut encoded));
                continue;
            }
        };
        match c {
            Some('u') => units.push(unicode_unit(chars)?),
            Some(c) => units.extend_from_slice(control(c).encode_utf16(&mut encoded)),
            None => {}
        }
    }
    String::from_utf16(&units).map_err(|_| "half a surrogate pair in \\u escapes".to_owned())
}

fn unicode_unit(chars: &mut Peekable<Chars<'_>>) -> Result<u16, String> {
    let digits: String = chars.by_ref().take(4).collect();
    u16::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 4)
        .ok_or_else(|| format!("\\u{digits}: expected four hexadecimal digits after \\u"))
}

fn control(c: char) -> char {
    match c {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'f' => '\u{c}',
        other => other,
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_pair_means_what_java_means() {
        for (text, name, value) in [
            ("a=b", "a", "b"),
            ("a:b", "a", "b"),
            ("a b c", "a", "b c"),
            ("  a  =  b  ", "a", "b  "),
            ("a = = b", "a", "= b"),
            ("a", "a", ""),
            ("a\\ b=c", "a b", "c"),
            ("a\\=b=c", "a=b", "c"),
            ("a=b\\\n    c", "a", "bc"),
            ("a=b\\\\\nignored=1", "a", "b\\"),
            ("a=\\tb\\n\\q", "a", "\tb\nq"),
            ("a=\\u00e9\\ud83d\\ude00", "a", "é😀"),
            ("a=x\r\n", "a", "x"),
            ("a=b\\", "a", "b"),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.get(name), Some(value), "{text:?} gave {parsed:?}");
        }
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_the_last_value_wins() {
        let parsed = parse("# a=0\n ! b=0\n\n  \na=1\na=2\n").unwrap();
        assert_eq!(parsed, Properties::from([("a", "2")]));
    }

    #[test]
    fn a_bad_escape_names_its_line() {
        let error = parse("a=1\nb=\\u12x4").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: \\u12x4: expected four hexadecimal digits after \\u"
        );
    }
}

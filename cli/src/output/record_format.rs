//! kcat's format strings: what `kavka consume` prints for one record.

use std::io::{self, Write};

use kavka_connector::client::protocol::{HeadersView, RecordView, TopicPartition};

use super::escape::unescape;

/// A parsed format, written once per record.
#[derive(Debug, PartialEq)]
pub(crate) struct RecordFormat {
    parts: Vec<Part>,
    /// What an absent key or value is printed as.
    null: &'static [u8],
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(Vec<u8>),
    Value,
    ValueLength,
    ValueLengthBinary,
    Key,
    KeyLength,
    Timestamp,
    Headers,
    Topic,
    Partition,
    Offset,
}

impl RecordFormat {
    /// Parses a format of `-f`; the error names the token that is none.
    pub(crate) fn parse(format: &str, print_null: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            push_text(&mut parts, &rest[..at]);
            let token = rest[at + 1..].chars().next();
            parts.push(part(token).ok_or_else(|| unknown(token))?);
            rest = &rest[at + 1 + token.map_or(0, char::len_utf8)..];
        }
        push_text(&mut parts, rest);
        Ok(Self { parts, null: null_text(print_null) })
    }

    /// What is printed without `-f`: the key if a delimiter for it is given, the value, the delimiter.
    pub(crate) fn plain(key_delimiter: Option<&str>, delimiter: &str, print_null: bool) -> Self {
        let mut parts = Vec::new();
        if let Some(key_delimiter) = key_delimiter {
            parts.push(Part::Key);
            push_text(&mut parts, key_delimiter);
        }
        parts.push(Part::Value);
        push_text(&mut parts, delimiter);
        Self { parts, null: null_text(print_null) }
    }

    /// Writes one record.
    pub(crate) fn write(
        &self,
        out: &mut impl Write,
        from: &TopicPartition,
        record: &RecordView<'_>,
    ) -> io::Result<()> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.write_all(text)?,
                Part::Value => out.write_all(record.value().unwrap_or(self.null))?,
                Part::ValueLength => write!(out, "{}", length(record.value()))?,
                Part::ValueLengthBinary => out.write_all(&length(record.value()).to_be_bytes())?,
                Part::Key => out.write_all(record.key().unwrap_or(self.null))?,
                Part::KeyLength => write!(out, "{}", length(record.key()))?,
                Part::Timestamp => write!(out, "{}", record.timestamp().unwrap_or(-1))?,
                Part::Headers => write_headers(out, record.headers())?,
                Part::Topic => out.write_all(from.topic.as_bytes())?,
                Part::Partition => write!(out, "{}", from.partition)?,
                Part::Offset => write!(out, "{}", record.offset())?,
            }
        }
        Ok(())
    }
}

fn part(token: Option<char>) -> Option<Part> {
    Some(match token? {
        '%' => Part::Text(b"%".to_vec()),
        's' => Part::Value,
        'S' => Part::ValueLength,
        'R' => Part::ValueLengthBinary,
        'k' => Part::Key,
        'K' => Part::KeyLength,
        'T' => Part::Timestamp,
        'h' => Part::Headers,
        't' => Part::Topic,
        'p' => Part::Partition,
        'o' => Part::Offset,
        _ => return None,
    })
}

fn unknown(token: Option<char>) -> String {
    let token = token.map(String::from).unwrap_or_default();
    format!(
        "-f: %{token} is no token; there are %s %S %R %k %K %T %h %t %p %o and %% for a percent sign"
    )
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(unescape(text)));
    }
}

fn null_text(print_null: bool) -> &'static [u8] {
    if print_null { b"NULL" } else { b"" }
}

/// kcat's length: -1 for what is absent.
fn length(bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

fn write_headers(out: &mut impl Write, headers: HeadersView<'_>) -> io::Result<()> {
    for (index, header) in headers.into_iter().enumerate() {
        let (name, value) = header.map_err(io::Error::other)?;
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(name)?;
        out.write_all(b"=")?;
        out.write_all(value.unwrap_or(b"NULL"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kavka_connector::client::protocol::{
        BatchBuilder, Batches, Compression, Compressor, Decompressor, TopicPartition,
    };

    use super::RecordFormat;

    fn printed(format: &RecordFormat, key: Option<&[u8]>, value: Option<&[u8]>) -> String {
        let mut builder = BatchBuilder::new(Compression::None, None);
        builder
            .append(1_700_000_000_000, key, value, [("a", Some(&b"1"[..])), ("a", None)])
            .unwrap();
        let bytes = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
        let batch = Batches::new(bytes).next().unwrap().unwrap();
        let body = batch.body(&mut Decompressor::default()).unwrap();
        let record = body.records().next().unwrap().unwrap();
        let mut out = Vec::new();
        format.write(&mut out, &TopicPartition::new("orders", 7), &record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_token_prints_its_part() {
        let format = RecordFormat::parse("%t[%p]@%o %T %k(%K)=%s(%S) %h 100%%\\n", false).unwrap();
        let text = printed(&format, Some(b"k"), Some(b"value"));
        assert_eq!(text, "orders[7]@0 1700000000000 k(1)=value(5) a=1,a=NULL 100%\n");
    }

    #[test]
    fn absent_parts_are_empty_or_null_and_have_length_minus_one() {
        let (silent, loud) = ("%k|%s|%K|%S", "%k|%s");
        assert_eq!(printed(&RecordFormat::parse(silent, false).unwrap(), None, None), "||-1|-1");
        assert_eq!(printed(&RecordFormat::parse(loud, true).unwrap(), None, None), "NULL|NULL");
    }

    #[test]
    fn the_plain_format_has_the_key_only_with_a_delimiter() {
        assert_eq!(
            printed(&RecordFormat::plain(None, "\\n", false), Some(b"k"), Some(b"v")),
            "v\n"
        );
        assert_eq!(
            printed(&RecordFormat::plain(Some(":"), "\\n", false), Some(b"k"), Some(b"v")),
            "k:v\n"
        );
    }

    #[test]
    fn an_unknown_token_is_named() {
        assert!(RecordFormat::parse("%s %y", false).unwrap_err().contains("%y"));
        assert!(RecordFormat::parse("%", false).is_err());
    }
}

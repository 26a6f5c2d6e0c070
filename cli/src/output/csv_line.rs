//! Lines of CSV in which an absent value differs from an empty text, as PostgreSQL writes them.

use std::io::{self, Write};

/// Writes one record: `None` is an empty field, the empty text is `""`, and what has a comma, a quote or a line end
/// in it stands in quotes.
pub(crate) fn write_record<'a>(
    out: &mut impl Write,
    fields: impl IntoIterator<Item = Option<&'a str>>,
) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        match field {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::write_record;

    #[test]
    fn null_and_the_empty_text_differ() {
        let mut out = Vec::new();
        write_record(&mut out, [Some("a,b"), None, Some(""), Some("say \"hi\"\n"), Some("ü")])
            .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\"a,b\",,\"\",\"say \"\"hi\"\"\n\",ü\n");
    }
}

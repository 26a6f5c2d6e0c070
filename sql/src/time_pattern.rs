//! Java's patterns of dates and times (`yyyy-MM-dd HH:mm:ss`) as the engine's (`%Y-%m-%d %H:%M:%S`).

use crate::error::Error;

/// Translates `pattern`; one that has a `%` is the engine's already.
///
/// # Errors
/// A letter whose meaning the engine has no word for.
pub(crate) fn translate(pattern: &str) -> Result<String, Error> {
    if pattern.contains('%') {
        return Ok(pattern.to_owned());
    }
    let mut translated = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted(rest, &mut translated)?,
            _ if first.is_ascii_alphabetic() => {
                let length = rest.chars().take_while(|letter| *letter == first).count();
                translated.push_str(&field(&rest[..length])?);
                length
            }
            _ => {
                translated.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(translated)
}

/// Text in quotes stands for itself, a doubled quote for a quote, inside of quotes and outside. Returns how many
/// bytes of `rest` it takes.
fn quoted(rest: &str, translated: &mut String) -> Result<usize, Error> {
    if rest.starts_with("''") {
        translated.push('\'');
        return Ok(2);
    }
    let mut inside = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = inside.next() {
        if character == '\'' && inside.next_if(|(_, next)| *next == '\'').is_none() {
            return Ok(at + 1);
        }
        translated.push(character);
    }
    Err(Error::unsupported("time pattern", rest))
}

fn field(letters: &str) -> Result<String, Error> {
    if letters.starts_with('S') && matches!(letters.len(), 3 | 6 | 9) {
        return Ok(format!("%{}f", letters.len()));
    }
    let found = FIELDS.iter().find(|(java, _)| *java == letters);
    let (_, ours) = found.ok_or_else(|| Error::unsupported("time pattern", letters))?;
    Ok((*ours).to_owned())
}

const FIELDS: &[(&str, &str)] = &[
    ("DDD", "%j"),
    ("E", "%a"),
    ("EE", "%a"),
    ("EEE", "%a"),
    ("EEEE", "%A"),
    ("H", "%-H"),
    ("HH", "%H"),
    ("M", "%-m"),
    ("MM", "%m"),
    ("MMM", "%b"),
    ("MMMM", "%B"),
    ("a", "%p"),
    ("d", "%-d"),
    ("dd", "%d"),
    ("h", "%-I"),
    ("hh", "%I"),
    ("m", "%-M"),
    ("mm", "%M"),
    ("s", "%-S"),
    ("ss", "%S"),
    ("uuuu", "%Y"),
    ("yy", "%y"),
    ("yyyy", "%Y"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_patterns_are_translated() {
        for (java, ours) in [
            ("yyyy-MM-dd HH:mm:ss.SSS", "%Y-%m-%d %H:%M:%S.%3f"),
            ("yyyy-MM-dd'T'HH:mm", "%Y-%m-%dT%H:%M"),
            ("h 'o''clock' ''a", "%-I o'clock '%p"),
            ("%Y", "%Y"),
        ] {
            assert_eq!(translate(java).unwrap(), ours, "{java}");
        }
    }

    #[test]
    fn letters_without_a_translation_are_refused() {
        for pattern in ["yyyy-ww", "SSSS", "'T"] {
            let message = translate(pattern).unwrap_err().to_string();
            assert!(message.starts_with("unsupported: time pattern="), "{message}");
        }
    }
}

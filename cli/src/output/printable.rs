//! Text of strangers on a terminal: what would move the cursor or change colours is shown instead of obeyed.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every control character but the line feed written as an escape: `\t`, `\r`, `\x1b`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            // Writing to a String does not fail.
            _ if is_obeyed(character) => {
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn is_obeyed(character: char) -> bool {
    character.is_control() && character != '\n'
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_shown_and_letters_stay() {
        for (text, shown) in [
            ("Zürich 東京", "Zürich 東京"),
            ("a\tb\r", "a\\tb\\r"),
            ("\x1b[31mred\u{9b}m\0", "\\x1b[31mred\\x9bm\\x00"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}

//! Words, quotes and comments of SQL, as far as it takes to find where statements end and what they are. The full
//! grammar belongs to the parsers behind it.

use crate::error::{Error, Position};

/// One token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    /// The text as written, quotes included.
    pub(crate) text: &'a str,
    /// Its first byte in the text.
    pub(crate) start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name, a keyword or a number.
    Word,
    /// `` `name` `` or `"name"`.
    QuotedName,
    /// `'text'`.
    Text,
    /// `/*+ … */`.
    Hint,
    /// Any other character.
    Symbol,
}

impl Token<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == TokenKind::Symbol && self.text.starts_with(symbol)
    }

    /// The name it stands for, without quotes.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text.to_owned()),
            TokenKind::QuotedName => Some(unquoted(self.text)),
            _ => None,
        }
    }

    /// The value of a string literal.
    pub(crate) fn literal(&self) -> Option<String> {
        (self.kind == TokenKind::Text).then(|| unquoted(self.text))
    }
}

/// Splits `text` into tokens; comments and white space are left out.
///
/// # Errors
/// A quote or a comment that is never closed, by its position.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (kind, length) = scan(text, at, first)?;
        if let Some(kind) = kind {
            tokens.push(Token { kind, text: &text[at..at + length], start: at });
        }
        at += length;
    }
    Ok(tokens)
}

/// The line and column of the byte `at`.
pub(crate) fn position(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Position { line: line as u64, column: column as u64 }
}

/// What begins with `first` at the byte `at`, and its length; `None` for what is not a token.
fn scan(text: &str, at: usize, first: char) -> Result<(Option<TokenKind>, usize), Error> {
    let rest = &text[at..];
    match first {
        '\'' => Ok((Some(TokenKind::Text), quoted(text, at, first, "a string")?)),
        '"' | '`' => Ok((Some(TokenKind::QuotedName), quoted(text, at, first, "a quoted name")?)),
        _ if first.is_whitespace() => Ok((None, first.len_utf8())),
        _ if rest.starts_with("--") => Ok((None, rest.find('\n').unwrap_or(rest.len()))),
        _ if rest.starts_with("/*") => {
            let length = comment(text, at)?;
            Ok((rest.starts_with("/*+").then_some(TokenKind::Hint), length))
        }
        _ if is_word(first) => {
            let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
            Ok((Some(TokenKind::Word), length))
        }
        _ => Ok((Some(TokenKind::Symbol), first.len_utf8())),
    }
}

/// The length of the quoted text at `at`; a doubled quote is part of it.
fn quoted(text: &str, at: usize, quote: char, what: &str) -> Result<usize, Error> {
    let mut characters = text[at..].char_indices().skip(1).peekable();
    while let Some((offset, character)) = characters.next() {
        if character != quote {
            continue;
        }
        match characters.peek() {
            Some((_, next)) if *next == quote => characters.next(),
            _ => return Ok(offset + 1),
        };
    }
    Err(Error::syntax(position(text, at), format!("{what} is not closed with {quote}")))
}

fn comment(text: &str, at: usize) -> Result<usize, Error> {
    let end = text[at + 2..].find("*/");
    end.map(|end| end + 4)
        .ok_or_else(|| Error::syntax(position(text, at), "a comment is not closed with */"))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

/// The inside of a quoted token; its quotes are one byte each.
fn unquoted(text: &str) -> String {
    let inside = text.get(1..text.len() - 1).unwrap_or_default();
    let quote = &text[..1];
    inside.replace(&quote.repeat(2), quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_hide_what_is_inside() {
        let tokens = tokens("a /* ; */ 'x;''y' -- ;\n`b``;` \"c\" ;").unwrap();
        let texts: Vec<_> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["a", "'x;''y'", "`b``;`", "\"c\"", ";"]);
        assert_eq!(tokens[1].literal().as_deref(), Some("x;'y"));
        assert_eq!(tokens[2].name().as_deref(), Some("b`;"));
    }

    #[test]
    fn what_is_not_closed_is_named_by_its_position() {
        for (text, expected) in [
            ("SELECT\n  'x", "line 2, column 3: a string is not closed with '"),
            ("SELECT `x", "line 1, column 8: a quoted name is not closed with `"),
            ("é /* x", "line 1, column 3: a comment is not closed with */"),
        ] {
            assert_eq!(tokens(text).unwrap_err().to_string(), expected);
        }
    }
}

//! A walk over the tokens of one statement, with errors that say where, what was expected and what was found.

use std::fmt;

use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, ErrorKind};

/// The tokens of a statement without blanks and comments, and how far they have been read.
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
    /// Ends with `EOF`, which is never passed.
    tokens: Vec<TokenWithSpan>,
    next: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Error> {
        let mut tokens = Tokenizer::new(&DIALECT, text)
            .tokenize_with_location()
            .map_err(|error| ddl(error.location, lower_first(&error.message)))?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
        let lines: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let end = tokens.last().map_or(Location::new(1, 1), |last| last.span.end);
        tokens.push(TokenWithSpan::at(Token::EOF, end, end));
        Ok(Self { text, lines, tokens, next: 0 })
    }

    /// Passes `keyword` if it comes next.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        self.take_keywords(&[keyword])
    }

    /// Passes `keywords` if all of them come next.
    pub(super) fn take_keywords(&mut self, keywords: &[&str]) -> bool {
        let found = self.is_next(keywords);
        if found {
            self.next += keywords.len();
        }
        found
    }

    /// Passes `token` if it comes next.
    pub(super) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.next += 1;
        }
        found
    }

    /// Passes `>` if it comes next, also as the first half of `>>`.
    pub(super) fn take_closing_angle(&mut self) -> bool {
        let Some(token) = self.tokens.get_mut(self.next) else { return false };
        if token.token == Token::ShiftRight {
            token.token = Token::Gt;
            token.span.start.column += 1;
            return true;
        }
        self.take(&Token::Gt)
    }

    pub(super) fn expect_keywords(
        &mut self,
        keywords: &[&str],
        place: impl fmt::Display,
    ) -> Result<(), Error> {
        for (index, keyword) in keywords.iter().enumerate() {
            if !self.take_keyword(keyword) {
                return Err(self.expected(format_args!("{} {place}", keywords[index..].join(" "))));
            }
        }
        Ok(())
    }

    pub(super) fn expect(&mut self, token: &Token, place: impl fmt::Display) -> Result<(), Error> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.expected(format_args!("\"{token}\" {place}")))
        }
    }

    /// A name, quoted or not.
    pub(super) fn identifier(&mut self, expected: impl fmt::Display) -> Result<String, Error> {
        let Token::Word(word) = self.peek() else { return Err(self.expected(expected)) };
        let name = word.value.clone();
        if name.is_empty() {
            return Err(self.expected(expected));
        }
        self.next += 1;
        Ok(name)
    }

    /// A string literal: `'…'` or `U&'…'`.
    pub(super) fn string(&mut self, expected: impl fmt::Display) -> Result<String, Error> {
        let (Token::SingleQuotedString(value) | Token::UnicodeStringLiteral(value)) = self.peek()
        else {
            return Err(self.expected(expected));
        };
        let value = value.clone();
        self.next += 1;
        Ok(value)
    }

    /// An unsigned number written in digits only.
    pub(super) fn number(&mut self, expected: impl fmt::Display) -> Result<u64, Error> {
        let number = match self.peek() {
            Token::Number(digits, false) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = number else { return Err(self.expected(expected)) };
        self.next += 1;
        Ok(number)
    }

    /// An expression, exactly as written. Only its syntax is checked.
    pub(super) fn expression(&mut self, expected: impl fmt::Display) -> Result<String, Error> {
        let rest = self.tokens.get(self.next..).unwrap_or_default();
        let mut parser = Parser::new(&DIALECT).with_tokens_with_locations(rest.to_vec());
        if matches!(self.peek(), Token::Comma | Token::RParen | Token::EOF) {
            return Err(self.expected(expected));
        }
        if nests_too_deeply(rest) {
            let message =
                format!("brackets nest deeper than {MAX_BRACKETS} levels in this expression");
            return Err(ddl(self.location(), message));
        }
        if let Err(error) = parser.parse_expr() {
            return Err(self.expression_error(&error, rest, parser.index()));
        }
        let parsed = rest.get(..parser.index()).unwrap_or(rest);
        let (Some(first), Some(last)) = (parsed.first(), parsed.last()) else {
            return Err(self.expected(expected));
        };
        let text = self.text.get(self.offset(first.span.start)..self.offset(last.span.end));
        let text = text.unwrap_or_default().to_owned();
        self.next += parsed.len();
        Ok(text)
    }

    /// Whether `keywords` come next, unquoted and in any case.
    pub(super) fn is_next(&self, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.is_keyword_at(ahead, keyword))
    }

    /// Whether `keyword` is the token after `ahead` others.
    pub(super) fn is_keyword_at(&self, ahead: usize, keyword: &str) -> bool {
        self.keyword_at(ahead).is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// The unquoted word that comes next.
    pub(super) fn keyword(&self) -> Option<&str> {
        self.keyword_at(0)
    }

    /// Where the next token starts.
    pub(super) fn location(&self) -> Location {
        self.tokens.get(self.next).map_or(Location::empty(), |token| token.span.start)
    }

    /// The error that something else than the next token was expected.
    pub(super) fn expected(&self, expected: impl fmt::Display) -> Error {
        ddl(self.location(), format_args!("expected {expected}, found {}", Found(self.peek())))
    }

    /// The token that comes next.
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::EOF, |token| &token.token)
    }

    /// The token behind the next one.
    pub(super) fn peek_after(&self) -> Option<&Token> {
        self.tokens.get(self.next + 1).map(|token| &token.token)
    }

    fn keyword_at(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.next + ahead).map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// sqlparser ends its messages with the place; without one it is the last token it looked at.
    fn expression_error(&self, error: &ParserError, rest: &[TokenWithSpan], index: usize) -> Error {
        let message = match error {
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
                message.as_str()
            }
            ParserError::RecursionLimitExceeded => "the expression is nested too deeply",
        };
        let found = place_in(message)
            .and_then(|place| rest.iter().find(|token| token.span.start == place))
            .or_else(|| rest.get(index))
            .or(rest.last());
        let location = found.map_or(self.location(), |token| token.span.start);
        match (expected_in(message), found) {
            (Some(expected), Some(found)) => {
                ddl(location, format_args!("expected {expected}, found {}", Found(&found.token)))
            }
            _ => {
                ddl(location, format_args!("cannot read this expression: {}", lower_first(message)))
            }
        }
    }

    fn offset(&self, location: Location) -> usize {
        let (line, column) = (to_index(location.line), to_index(location.column));
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        rest.char_indices().nth(column).map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// Whether the expression that `tokens` begin with has more brackets within brackets than the parser can take.
fn nests_too_deeply(tokens: &[TokenWithSpan]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.token {
            Token::LParen | Token::LBracket if depth == MAX_BRACKETS => return true,
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
            Token::Comma | Token::RParen | Token::RBracket if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// An error at a place in the statement.
pub(super) fn ddl(at: Location, message: impl fmt::Display) -> Error {
    Error::ddl(at.line, at.column, message)
}

/// The error for a clause that is understood and not built.
pub(super) fn unsupported(at: Location, what: impl fmt::Display) -> Error {
    let message = format!("line {}, column {}: unsupported: {what}", at.line, at.column);
    Error::new(ErrorKind::Unsupported, message)
}

/// A token as an error shows it. Strings may hold secrets and are not shown.
struct Found<'a>(&'a Token);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Token::EOF => f.write_str("the end of the statement"),
            Token::SingleQuotedString(_) | Token::UnicodeStringLiteral(_) => {
                f.write_str("a string")
            }
            Token::Word(word) if word.quote_style.is_some() => write!(f, "{word}"),
            token => write!(f, "\"{token}\""),
        }
    }
}

/// `X` of sqlparser's "Expected: X, found: Y", in quotes where it is no word.
fn expected_in(message: &str) -> Option<String> {
    let (expected, _) = message.strip_prefix("Expected: ")?.split_once(", found: ")?;
    let is_word = expected.contains(char::is_alphabetic);
    Some(if is_word { expected.to_owned() } else { format!("\"{expected}\"") })
}

/// The place at the end of sqlparser's " at Line: 3, Column: 14".
fn place_in(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location::new(line.parse().ok()?, column.parse().ok()?))
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// Zero-based from the tokenizer's one-based number.
fn to_index(number: u64) -> usize {
    usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// The parser gives up a little beyond, and takes a time that doubles with each `ARRAY[` on the way there.
const MAX_BRACKETS: usize = 40;

/// Takes backticks and double quotes around names, and `U&'…'` strings.
const DIALECT: GenericDialect = GenericDialect {};

//! Walks over one JSON message: strict syntax, except that control characters may stand in strings.

use memchr::memchr2;

use crate::format::json::fault::Fault;
use crate::format::json::nesting::Nesting;

/// A place in a message.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many objects and arrays are open around this place.
    depth: usize,
}

/// A value without parts, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    False,
    Null,
    Number(&'a [u8]),
    String(RawString<'a>),
    True,
}

/// What stands between two quotes: UTF-8, since the message is and quotes never lie inside a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawString<'a> {
    pub(super) text: &'a [u8],
    pub(super) has_escapes: bool,
}

/// A number without exponent that fits 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SmallNumber {
    /// The digits as if there were no point.
    pub(super) digits: i64,
    /// How many of them follow the point, if there is one.
    pub(super) point: Option<usize>,
}

/// Sees the parts of a value in their order.
pub(super) trait Visitor {
    /// Structure and values, as written and without white space.
    fn token(&mut self, text: &[u8]);

    /// A string, which may be a name.
    fn string(&mut self, string: RawString<'_>);
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // A byte order mark is no part of the text.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { bytes: text.as_bytes(), at, depth: 0 }
    }

    /// Where the next byte stands.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Returns to an earlier place at the same depth as `depth` was then.
    pub(super) fn rewind(&mut self, position: usize, depth: usize) {
        self.at = position;
        self.depth = depth;
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The next byte after white space, which is skipped; 0, which no value starts with, at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        let mut byte = self.byte();
        while matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
            byte = self.byte();
        }
        byte
    }

    /// Passes over `expected` if it comes next.
    #[inline]
    pub(super) fn eat(&mut self, expected: u8) -> bool {
        // Not `at += usize::from(is_next)`: rustc 1.95 loses that sum from opt-level 2 on when the result is
        // branched on.
        if self.peek() != expected {
            return false;
        }
        self.at += 1;
        true
    }

    /// Passes over `{` or `[`, which was seen.
    #[inline]
    pub(super) fn open(&mut self) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.syntax("no more than 1000 levels of nesting"));
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    /// Passes over `close` if it comes next.
    #[inline]
    pub(super) fn close(&mut self, close: u8) -> bool {
        if !self.eat(close) {
            return false;
        }
        self.depth -= 1;
        true
    }

    /// Passes over `quoted` if it comes next, byte by byte.
    #[inline]
    pub(super) fn eat_exact(&mut self, quoted: &[u8]) -> bool {
        let end = self.at + quoted.len();
        if !self.bytes.get(self.at..end).is_some_and(|following| is_equal(following, quoted)) {
            return false;
        }
        self.at = end;
        true
    }

    /// Passes over the colon between a name and its value.
    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), Fault> {
        if self.eat(b':') { Ok(()) } else { Err(self.syntax("':' after the name")) }
    }

    /// Passes over the name before a colon.
    #[inline]
    pub(super) fn name(&mut self) -> Result<RawString<'a>, Fault> {
        if self.peek() != b'"' {
            return Err(self.syntax("a name in double quotes"));
        }
        self.string()
    }

    /// Passes over a comma, which is followed by another part, or over `close`; says whether it was the end.
    #[inline]
    pub(super) fn comma_or(&mut self, close: u8) -> Result<bool, Fault> {
        if self.eat(b',') {
            return Ok(false);
        }
        if self.close(close) {
            return Ok(true);
        }
        Err(self.syntax(if close == b'}' { "',' or '}'" } else { "',' or ']'" }))
    }

    /// Passes over a value without parts; objects and arrays are an error.
    #[inline]
    pub(super) fn token(&mut self) -> Result<Token<'a>, Fault> {
        match self.peek() {
            b'"' => self.string().map(Token::String),
            b'-' | b'0'..=b'9' => self.number().map(Token::Number),
            b't' => self.literal("true").map(|()| Token::True),
            b'f' => self.literal("false").map(|()| Token::False),
            b'n' => self.literal("null").map(|()| Token::Null),
            _ => Err(self.syntax("a value")),
        }
    }

    /// Passes over a whole number of at most 18 digits; for anything else nothing moves.
    #[inline]
    pub(super) fn small_integer(&mut self) -> Option<i64> {
        let start = self.at;
        let number = self.small_number()?;
        if number.point.is_some() {
            self.at = start;
            return None;
        }
        Some(number.digits)
    }

    /// Passes over a number of at most 18 digits without exponent; for anything else nothing moves.
    #[inline]
    pub(super) fn small_number(&mut self) -> Option<SmallNumber> {
        let is_negative = self.peek() == b'-';
        let start = if is_negative { self.at + 1 } else { self.at };
        let rest = self.bytes.get(start..)?;
        let mut digits = 0_i64;
        let mut point = None;
        let mut len = 0;
        for byte in rest.iter().take(MAX_SMALL_LEN) {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                digits = digits * 10 + i64::from(digit);
            } else if *byte == b'.' && point.is_none() {
                point = Some(len);
            } else {
                break;
            }
            len += 1;
        }
        let whole = point.unwrap_or(len);
        let is_continued = matches!(rest.get(len), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
        let has_leading_zero = whole > 1 && rest.first() == Some(&b'0');
        let ends_in_point = point == Some(len.wrapping_sub(1));
        if whole == 0 || is_continued || has_leading_zero || ends_in_point {
            return None;
        }
        self.at = start + len;
        let digits = if is_negative { -digits } else { digits };
        Some(SmallNumber { digits, point: point.map(|point| len - point - 1) })
    }

    /// Passes over any value.
    pub(super) fn skip_value(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'{' | b'[' => self.walk(&mut Unseen),
            _ => self.token().map(|_| ()),
        }
    }

    /// Passes over any value and shows its parts.
    pub(super) fn walk(&mut self, visitor: &mut impl Visitor) -> Result<(), Fault> {
        let mut nesting = Nesting::default();
        loop {
            match self.peek() {
                open @ (b'{' | b'[') => {
                    self.open()?;
                    nesting.open(open == b'{');
                    visitor.token(if open == b'{' { b"{" } else { b"[" });
                    if !self.close(nesting.closing()) {
                        if nesting.is_object() {
                            self.walk_name(visitor)?;
                        }
                        continue;
                    }
                    visitor.token(nesting.close());
                }
                _ => self.walk_token(visitor)?,
            }
            loop {
                if nesting.is_empty() {
                    return Ok(());
                }
                if !self.comma_or(nesting.closing())? {
                    break;
                }
                visitor.token(nesting.close());
            }
            visitor.token(b",");
            if nesting.is_object() {
                self.walk_name(visitor)?;
            }
        }
    }

    fn walk_name(&mut self, visitor: &mut impl Visitor) -> Result<(), Fault> {
        visitor.string(self.name()?);
        visitor.token(b":");
        self.colon()
    }

    fn walk_token(&mut self, visitor: &mut impl Visitor) -> Result<(), Fault> {
        match self.token()? {
            Token::False => visitor.token(b"false"),
            Token::Null => visitor.token(b"null"),
            Token::Number(number) => visitor.token(number),
            Token::String(string) => visitor.string(string),
            Token::True => visitor.token(b"true"),
        }
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at < self.bytes.len() {
            return Err(self.syntax("the end of the message"));
        }
        Ok(())
    }

    /// The fault that the message is not JSON at this place.
    #[cold]
    pub(super) fn syntax(&self, expected: &'static str) -> Fault {
        Fault::syntax(self.at, expected)
    }

    #[inline]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), Fault> {
        if self.eat_exact(literal.as_bytes()) { Ok(()) } else { Err(self.syntax(literal)) }
    }

    /// Passes over a number, of which the first character was seen.
    #[inline]
    pub(super) fn number(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        let first = self.byte();
        let whole = self.digits()?;
        if first == b'0' && whole > 1 {
            self.at = start;
            return Err(self.syntax("a number without leading zeros"));
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    /// Passes over one or more digits and counts them.
    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("a digit")) } else { Ok(self.at - start) }
    }

    /// Passes over a string, of which the quote was seen. Escapes are checked here and resolved elsewhere.
    #[inline]
    pub(super) fn string(&mut self) -> Result<RawString<'a>, Fault> {
        let start = self.at + 1;
        match quote_or_backslash(self.bytes, start) {
            Some((end, b'"')) => {
                self.at = end + 1;
                Ok(RawString { text: self.slice(start, end), has_escapes: false })
            }
            Some((backslash, _)) => self.escaped_string(start, backslash),
            None => Err(self.unclosed()),
        }
    }

    fn escaped_string(
        &mut self,
        start: usize,
        mut backslash: usize,
    ) -> Result<RawString<'a>, Fault> {
        loop {
            let after = self.after_escape(backslash)?;
            match quote_or_backslash(self.bytes, after) {
                Some((end, b'"')) => {
                    self.at = end + 1;
                    return Ok(RawString { text: self.slice(start, end), has_escapes: true });
                }
                Some((next, _)) => backslash = next,
                None => return Err(self.unclosed()),
            }
        }
    }

    fn after_escape(&mut self, backslash: usize) -> Result<usize, Fault> {
        let escape = self.bytes.get(backslash + 1);
        let hex = self.bytes.get(backslash + 2..backslash + 6);
        match escape {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(backslash + 2),
            Some(b'u') if hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => {
                Ok(backslash + 6)
            }
            _ => Err(Fault::syntax(backslash, "an escape sequence")),
        }
    }

    #[cold]
    fn unclosed(&self) -> Fault {
        Fault::syntax(self.bytes.len(), "'\"' at the end of the string")
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// A visitor for values that nobody wants.
struct Unseen;

impl Visitor for Unseen {
    fn token(&mut self, _: &[u8]) {}

    fn string(&mut self, _: RawString<'_>) {}
}

/// The first quote or backslash at or after `from`, and which of them it is.
///
/// Most strings are short: eight bytes at a time first, and only then the search that needs a start.
#[inline]
fn quote_or_backslash(bytes: &[u8], from: usize) -> Option<(usize, u8)> {
    let mut at = from;
    for _ in 0..SHORT_STRING_WORDS {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            break;
        };
        let word = u64::from_le_bytes(*word);
        let hits = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if hits != 0 {
            at += hits.trailing_zeros() as usize / 8;
            return bytes.get(at).map(|byte| (at, *byte));
        }
        at += 8;
    }
    let found = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
    bytes.get(found).map(|byte| (found, *byte))
}

/// Whether two slices of one length are equal, without a call for the short ones that names are.
#[inline]
fn is_equal(left: &[u8], right: &[u8]) -> bool {
    // In these ranges the first and the last bytes are all there are.
    match left.len() {
        4..=8 => {
            left.first_chunk::<4>() == right.first_chunk()
                && left.last_chunk::<4>() == right.last_chunk()
        }
        9..=16 => {
            left.first_chunk::<8>() == right.first_chunk()
                && left.last_chunk::<8>() == right.last_chunk()
        }
        _ => left == right,
    }
}

/// The high bit of the lowest zero byte is set, and none below it.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS
}

const LOW_BITS: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
const SHORT_STRING_WORDS: usize = 4;

/// 18 nines fit 64 bits, 19 do not.
const MAX_SMALL_LEN: usize = 18;

/// As deep as Jackson goes, which is far from what a stack can hold.
pub(super) const MAX_DEPTH: usize = 1000;

#[cfg(test)]
mod tests;

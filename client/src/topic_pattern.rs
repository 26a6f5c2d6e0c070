//! [`TopicPattern`]: topics chosen by a regular expression on their names.

mod java;

use std::fmt;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::ErrorKind as Grammar;
use regex_syntax::{Error as SyntaxError, ParserBuilder};

use crate::error::{Error, ErrorKind, Result};
use java::{Translation, Trouble};

/// Chooses the topics whose whole name matches a Java regular expression, as `subscribe(Pattern)` and
/// `topic-pattern` do in Java. Cheap to clone; matching takes time in proportion to the name, whatever the pattern.
///
/// ```
/// # fn main() -> Result<(), kavka_client::Error> {
/// let pattern = kavka_client::TopicPattern::new(r"orders-\d+")?;
/// assert!(pattern.matches("orders-17"));
/// assert!(!pattern.matches("my-orders-17") && !pattern.matches("orders-17-dead"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TopicPattern {
    written: Arc<str>,
    regex: Regex,
}

impl TopicPattern {
    /// Compiles `pattern`, which means what it means to `java.util.regex.Pattern`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where it is none, and [`ErrorKind::Unsupported`] for what Java has and a matcher
    /// that never goes back has not: look-around, back references, possessive quantifiers and atomic groups; as well
    /// as for a pattern that is too large. Either names the place, in characters from 1.
    pub fn new(pattern: &str) -> Result<Self> {
        match compile(pattern) {
            Ok(regex) => Ok(Self { written: pattern.into(), regex }),
            Err(trouble) => Err(trouble.about(pattern)),
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it matches the whole of this name.
    pub fn matches(&self, topic: &str) -> bool {
        self.regex.is_match(topic.as_bytes())
    }
}

impl PartialEq for TopicPattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for TopicPattern {}

impl fmt::Debug for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicPattern").field(&self.written).finish()
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Trouble {
    fn about(self, pattern: &str) -> Error {
        let shown: String = pattern.chars().take(LONGEST_SHOWN).collect();
        let rest = if shown.len() < pattern.len() { "…" } else { "" };
        let place = self.at.map(|at| format!(" at character {at}")).unwrap_or_default();
        let message = format!("topic pattern \"{shown}{rest}\"{place}: {}", self.what);
        match self.is_unsupported {
            true => Error::unsupported(message),
            false => Error::new(ErrorKind::InvalidArgument, message),
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, Trouble> {
    if pattern.is_empty() {
        return Err(Trouble::invalid(None, "it is empty, so that no topic matches it"));
    }
    if pattern.len() > LONGEST {
        let what = format!("it has {} bytes, more than {LONGEST}", pattern.len());
        return Err(Trouble::unsupported(None, what));
    }
    let translation = java::translate(pattern)?;
    let text = &translation.text;
    // On its own first: `a)|(?:b` must not become a pattern by what is put around it.
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(text);
    parsed.map_err(|error| syntax_trouble(&translation, &error))?;
    let whole = build(&format!(r"\A(?:{text})\z"));
    // A comment at its end, which the flag `x` allows, hides the bracket unless the line ends before.
    whole.or_else(|_| build(&format!("\\A(?:{text}\n)\\z"))).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            Trouble::unsupported(None, format!("it takes more than {limit} bytes when compiled"))
        }
        other => Trouble::invalid(None, other.to_string()),
    })
}

/// Names of topics are ASCII, and without flags Java's classes are, too.
fn build(text: &str) -> Result<Regex, regex::Error> {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(false).size_limit(LARGEST).dfa_size_limit(LARGEST).build()
}

fn syntax_trouble(translation: &Translation, error: &SyntaxError) -> Trouble {
    let (offset, what, is_unsupported) = match error {
        SyntaxError::Parse(error) => {
            let offset = error.span().start.offset;
            let is_unsupported = match error.kind() {
                Grammar::NestLimitExceeded(_)
                | Grammar::UnsupportedBackreference
                | Grammar::UnsupportedLookAround => true,
                // Java repeats nothing as often as it is told to.
                Grammar::RepetitionMissing => {
                    translation.text.get(offset..).is_some_and(|rest| rest.starts_with('{'))
                }
                _ => false,
            };
            (offset, error.kind().to_string(), is_unsupported)
        }
        SyntaxError::Translate(error) => {
            (error.span().start.offset, error.kind().to_string(), true)
        }
        other => return Trouble::unsupported(None, other.to_string()),
    };
    Trouble { at: Some(translation.origin(offset)), what, is_unsupported }
}

/// The longest pattern in bytes; whoever lists topics has room for a thousand.
const LONGEST: usize = 64 << 10;

/// The most memory in bytes that a compiled pattern may take, and again what matching remembers of it. Counted
/// repetitions of counted repetitions are short to write and grow without bounds.
const LARGEST: usize = 2 << 20;

/// How many characters of a pattern an error repeats.
const LONGEST_SHOWN: usize = 200;

#[cfg(test)]
mod tests;

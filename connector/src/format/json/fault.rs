//! What is wrong with a message, kept small until somebody wants to read it.

use std::fmt::Write;

use crate::error::RowError;
use crate::format::MAX_VALUES;

/// Something is wrong with a message at some place. One word wide, since every value can have one.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    position: usize,
    problem: Problem,
    /// The fields and elements around it, innermost first.
    path: Vec<Segment>,
}

#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// The message is not JSON: nothing after it can be understood.
    Syntax(&'static str),
    /// A value is not what its column takes.
    Value(&'static str),
    /// A value is NULL and its column is not nullable.
    Null,
    /// A field is missing although the table demands all.
    Missing,
    NotUtf8,
    /// The message is all right, and more than memory should be spent on.
    TooMany,
}

#[derive(Debug)]
enum Segment {
    Element(usize),
    Field(String),
}

impl Fault {
    #[cold]
    pub(super) fn syntax(position: usize, expected: &'static str) -> Self {
        Self::new(position, Problem::Syntax(expected))
    }

    #[cold]
    pub(super) fn value(position: usize, expected: &'static str) -> Self {
        Self::new(position, Problem::Value(expected))
    }

    #[cold]
    pub(super) fn null(position: usize) -> Self {
        Self::new(position, Problem::Null)
    }

    #[cold]
    pub(super) fn missing(position: usize) -> Self {
        Self::new(position, Problem::Missing)
    }

    #[cold]
    pub(super) fn not_utf8(position: usize) -> Self {
        Self::new(position, Problem::NotUtf8)
    }

    #[cold]
    pub(super) fn too_many(position: usize) -> Self {
        Self::new(position, Problem::TooMany)
    }

    fn new(position: usize, problem: Problem) -> Self {
        Self(Box::new(Inner { position, problem, path: Vec::new() }))
    }

    #[cold]
    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.0.path.push(Segment::Field(name.to_owned()));
        self
    }

    #[cold]
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.0.path.push(Segment::Element(index));
        self
    }

    /// Whether the rest of the message can still be understood.
    pub(super) fn is_confined(&self) -> bool {
        matches!(self.0.problem, Problem::Value(_) | Problem::Null)
    }

    /// Whether the message is to blame, and not what is made of it.
    pub(super) fn is_in_message(&self) -> bool {
        !matches!(self.0.problem, Problem::TooMany)
    }

    /// The error for a reader, with a shortened copy of the message.
    #[cold]
    pub(super) fn explain(self, message: &[u8]) -> RowError {
        let problem = self.problem_text(message);
        let text = format!("Failed to deserialize JSON '{}': {problem}", self.excerpt(message));
        self.0.path.iter().fold(RowError::new(text), |error, segment| match segment {
            Segment::Element(index) => error.in_element(*index),
            Segment::Field(name) => error.in_column(name),
        })
    }

    fn problem_text(&self, message: &[u8]) -> String {
        let position = self.0.position;
        match self.0.problem {
            Problem::Syntax(expected) | Problem::Value(expected) => {
                let found = found_at(message, position);
                format!("expected {expected}, found {found} at byte {position}")
            }
            Problem::Null => format!("NULL in a column that is NOT NULL at byte {position}"),
            Problem::Missing => {
                let name = match self.0.path.first() {
                    Some(Segment::Field(name)) => name,
                    _ => "",
                };
                format!("Could not find field with name '{name}'.")
            }
            Problem::NotUtf8 => format!("the text is not UTF-8 at byte {position}"),
            Problem::TooMany => format!(
                "more than {MAX_VALUES} values, rows times columns, in one message at byte {position}"
            ),
        }
    }

    /// The message, or what stands around the place in a long one.
    fn excerpt(&self, message: &[u8]) -> String {
        let position = self.0.position.min(message.len());
        let (start, end) = if message.len() <= 2 * EXCERPT_REACH {
            (0, message.len())
        } else {
            (position.saturating_sub(EXCERPT_REACH), message.len().min(position + EXCERPT_REACH))
        };
        let middle = String::from_utf8_lossy(message.get(start..end).unwrap_or_default());
        let mut text = String::new();
        if start > 0 {
            text.push('…');
        }
        for character in middle.chars() {
            push_printable(&mut text, character);
        }
        if end < message.len() {
            text.push('…');
        }
        text
    }
}

/// The value at `position`, shortened.
fn found_at(message: &[u8], position: usize) -> String {
    let rest = message.get(position..).unwrap_or_default();
    match rest.first() {
        None => return "the end of the message".to_owned(),
        Some(byte @ (b',' | b':' | b'}' | b']')) => return char::from(*byte).to_string(),
        Some(_) => {}
    }
    let is_string = rest.starts_with(b"\"");
    let end = rest.iter().skip(1).position(|byte| match byte {
        b'"' if is_string => true,
        b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' => !is_string,
        _ => false,
    });
    let len = match end {
        Some(end) if is_string => end + 2,
        Some(end) => end + 1,
        None => rest.len(),
    };
    let shown = rest.get(..len.min(MAX_FOUND)).unwrap_or_default();
    let mut text = String::new();
    String::from_utf8_lossy(shown)
        .chars()
        .for_each(|character| push_printable(&mut text, character));
    if len > MAX_FOUND {
        text.push('…');
    }
    text
}

/// Messages come from strangers: nothing in them may move the cursor of a terminal.
fn push_printable(text: &mut String, character: char) {
    if character.is_control() {
        let _ = write!(text, "\\u{:04x}", u32::from(character));
    } else {
        text.push(character);
    }
}

/// How many bytes of a long message are shown on each side of the place.
const EXCERPT_REACH: usize = 80;

/// How many bytes of a wrong value are shown.
const MAX_FOUND: usize = 40;

//! The errors of this crate: [`Error`] for what a statement or a table cannot do, [`RowError`] for one record
//! that a format could not turn into rows.

use std::error::Error as StdError;
use std::fmt;

/// A cause of any type.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why something could not be done: what was attempted, where, and what the reader can do.
///
/// The text does not repeat the cause, which is available through [`source`](StdError::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// What sort of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Kafka, or the way to it.
    Client,
    /// The text of a DDL statement, at a place in it.
    Ddl {
        /// Line of the offending token, from 1.
        line: u64,
        /// Column of the offending token in characters, from 1.
        column: u64,
    },
    /// An option is unknown, missing, malformed or in conflict with another.
    Option,
    /// A record could not be decoded or a row could not be encoded.
    Row,
    /// The columns of a table do not fit what they are used for.
    Schema,
    /// A valid request for something kavka does not do.
    Unsupported,
}

impl Error {
    pub(crate) fn client(attempt: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Client, attempt).with_source(source)
    }

    pub(crate) fn ddl(line: u64, column: u64, message: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Ddl { line, column },
            format!("line {line}, column {column}: {message}"),
        )
    }

    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Option, message)
    }

    pub(crate) fn row(place: impl Into<String>, source: RowError) -> Self {
        Self::new(ErrorKind::Row, place).with_source(source)
    }

    pub(crate) fn schema(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Schema, message)
    }

    /// `what` names an option or a feature, `value` what was asked of it.
    pub(crate) fn unsupported(what: impl fmt::Display, value: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("unsupported: {what}={value}"))
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What sort of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Why one record is not a row: which column, and what was wrong with it.
///
/// It does not know the record's topic, partition and offset; the reader adds them. One word wide, since formats
/// return it for every value.
pub struct RowError(Box<RowInner>);

struct RowInner {
    column: Option<String>,
    message: String,
    source: Option<BoxError>,
}

impl RowError {
    /// An error about a whole record.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(RowInner { column: None, message: message.into(), source: None }))
    }

    /// The same error inside the column or nested field `name`; call it from the innermost level outwards.
    #[must_use]
    pub fn in_column(mut self, name: &str) -> Self {
        self.0.column = Some(match self.0.column.take() {
            None => name.to_owned(),
            Some(inner) if inner.starts_with('[') => format!("{name}{inner}"),
            Some(inner) => format!("{name}.{inner}"),
        });
        self
    }

    /// The same error inside the element `index` of an array.
    #[must_use]
    pub fn in_element(self, index: usize) -> Self {
        self.in_column(&format!("[{index}]"))
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The path of the column the trouble is in, such as `address.lines[2]`.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.column {
            Some(column) => write!(f, "column \"{column}\": {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowError")
            .field("column", &self.0.column)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for RowError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_error_names_the_path_of_its_column() {
        let error = RowError::new("expected a number, found \"x\"")
            .in_element(2)
            .in_column("lines")
            .in_column("address");
        assert_eq!(error.column(), Some("address.lines[2]"));
        assert_eq!(
            error.to_string(),
            "column \"address.lines[2]\": expected a number, found \"x\""
        );
    }

    #[test]
    fn the_text_of_an_error_does_not_repeat_its_cause() {
        let error = Error::row("orders-7 at offset 42", RowError::new("not JSON"));
        assert_eq!(error.to_string(), "orders-7 at offset 42");
        assert_eq!(error.source().unwrap().to_string(), "not JSON");
        assert_eq!(error.kind(), ErrorKind::Row);
    }
}

//! [`Error`]: why a statement could not be planned or run, freed from the wrappers it came in.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use kavka_connector::Error as ConnectorError;
use kavka_connector::ErrorKind as ConnectorErrorKind;

use crate::nearest::nearest;
use crate::settings::MEMORY_LIMIT;
use crate::statement::Statement;

/// Why a statement failed: what was attempted, where, and what the reader can do.
///
/// Cheap to clone, since an engine that reads several partitions at once reports one failure to all of them. The
/// text does not repeat the cause, which is available through [`source`](StdError::source).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    position: Option<Position>,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// A place in the text of a statement or a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

/// What sort of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The table's definition, its options, its data or its cluster.
    Connector(ConnectorErrorKind),
    /// The engine could not plan or run the query.
    Engine,
    /// A table, column or function that does not exist, or exists already.
    Name,
    /// What a query asks for needs every row of a table that has no end.
    NeverEnds,
    /// A `SET` of an unknown key or with a value the key does not take.
    Setting,
    /// The text is not SQL.
    Syntax,
    /// A valid request for something kavka does not do.
    Unsupported,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::build(kind, None, message.into(), None)
    }

    pub(crate) fn syntax(position: Position, message: impl Into<String>) -> Self {
        Self::build(ErrorKind::Syntax, Some(position), message.into(), None)
    }

    /// `what` names a feature, a key or a statement, `value` what was asked of it.
    pub(crate) fn unsupported(what: impl fmt::Display, value: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("unsupported: {what}={value}"))
    }

    fn build(
        kind: ErrorKind,
        position: Option<Position>,
        message: String,
        source: Option<Arc<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, position, message, source }))
    }

    /// What sort of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where in the text it is, if it is about the text.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The same error with its position counted from the beginning of the script `statement` stands in.
    #[must_use]
    pub fn within(self, statement: &Statement) -> Self {
        let Some(position) = self.0.position else {
            return self;
        };
        let column = if position.line == 1 { statement.column - 1 } else { 0 };
        let position =
            Position { line: position.line + statement.line - 1, column: position.column + column };
        Self::build(self.0.kind, Some(position), self.0.message.clone(), self.0.source.clone())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.0.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("position", &self.0.position)
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

impl From<ConnectorError> for Error {
    fn from(error: ConnectorError) -> Self {
        let text = error.to_string();
        let (position, message) = match error.kind() {
            ConnectorErrorKind::Ddl { line, column } => {
                let prefix = format!("line {line}, column {column}: ");
                let message = text.strip_prefix(&prefix).unwrap_or(&text).to_owned();
                (Some(Position { line, column }), message)
            }
            _ => (None, text),
        };
        let kind = match error.kind() {
            ConnectorErrorKind::Ddl { .. } => ErrorKind::Syntax,
            ConnectorErrorKind::Unsupported => ErrorKind::Unsupported,
            other => ErrorKind::Connector(other),
        };
        let cause = error.source().is_some();
        let source = cause.then(|| Arc::new(Cause(error)) as Arc<dyn StdError + Send + Sync>);
        Self::build(kind, position, message, source)
    }
}

/// The cause of a connector's error, which only the error itself can lend out.
struct Cause(ConnectorError);

impl Cause {
    fn inner(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().map_or(Ok(()), |cause| fmt::Display::fmt(cause, f))
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner().and_then(StdError::source)
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::from_engine(&error)
    }
}

impl Error {
    /// Finds what really happened under the contexts, shares and external boxes the engine puts around it.
    fn from_engine(error: &DataFusionError) -> Self {
        match error {
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                Self::from_engine(inner)
            }
            DataFusionError::Shared(inner) => Self::from_engine(inner),
            DataFusionError::External(inner) => Self::from_external(inner.as_ref()),
            DataFusionError::Collection(errors) if !errors.is_empty() => {
                Self::from_engine(&errors[0])
            }
            DataFusionError::ArrowError(inner, _) => Self::from_arrow(inner),
            DataFusionError::SchemaError(inner, _) => Self::from_schema(inner),
            DataFusionError::NotImplemented(message)
                if message.contains("OuterReferenceColumn") =>
            {
                Self::unsupported("correlated", CORRELATED)
            }
            DataFusionError::NotImplemented(message) => {
                Self::new(ErrorKind::Unsupported, format!("unsupported: {}", plain(message)))
            }
            DataFusionError::ResourcesExhausted(message) => {
                Self::new(ErrorKind::Engine, exhausted(message))
            }
            DataFusionError::Internal(message) => {
                let message = format!("the query engine cannot do this: {}", plain(message));
                Self::new(ErrorKind::Engine, message)
            }
            other => Self::new(ErrorKind::Engine, plain(&other.strip_backtrace())),
        }
    }

    fn from_external(error: &(dyn StdError + Send + Sync + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<Self>() {
            return error.clone();
        }
        if let Some(error) = error.downcast_ref::<DataFusionError>() {
            return Self::from_engine(error);
        }
        match error.downcast_ref::<Arc<DataFusionError>>() {
            Some(error) => Self::from_engine(error),
            None => Self::new(ErrorKind::Engine, error.to_string()),
        }
    }

    fn from_arrow(error: &arrow_schema::ArrowError) -> Self {
        match error {
            arrow_schema::ArrowError::ExternalError(inner) => Self::from_external(inner.as_ref()),
            other => Self::new(ErrorKind::Engine, plain(&other.to_string())),
        }
    }

    /// The parser's text ends in `at Line: 1, Column: 8`; without that, it ran into the `end` of the text.
    pub(crate) fn from_parser(error: &ParserError, end: Position) -> Self {
        let text = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
            ParserError::RecursionLimitExceeded => "the statement is nested too deeply",
        };
        let Some((message, place)) = text.rsplit_once(" at Line: ") else {
            return Self::syntax(end, lower_first(text));
        };
        let place = place.split_once(", Column: ");
        let position = place.and_then(|(line, column)| {
            Some(Position { line: line.parse().ok()?, column: column.parse().ok()? })
        });
        Self::build(ErrorKind::Syntax, position, lower_first(message), None)
    }

    fn from_schema(error: &SchemaError) -> Self {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => {
                missing_column(field, valid_fields)
            }
            other => Self::new(ErrorKind::Name, lower_first(&other.to_string())),
        }
    }
}

fn missing_column(field: &Column, valid: &[Column]) -> Error {
    let names: Vec<&str> = valid.iter().map(Column::name).collect();
    let qualifier = field.relation.as_ref().map(|table| format!(" of {table}"));
    let mut message = format!("no column {}{}", field.name, qualifier.unwrap_or_default());
    match nearest(&field.name, names.iter().copied()) {
        Some(name) => message.push_str(&format!("; did you mean {name}?")),
        None if names.is_empty() => {}
        None => message.push_str(&format!("; there are {}", names.join(", "))),
    }
    Error::new(ErrorKind::Name, message)
}

/// What the engine says of memory it may not take, without its lists of who has how much.
fn exhausted(message: &str) -> String {
    let detail = message.rsplit("Error: ").next().unwrap_or(message);
    let Some((detail, _)) = detail.split_once(" remain available for the total memory pool") else {
        return plain(message);
    };
    let detail = detail.rsplit_once(" - ").map_or(detail, |(detail, _)| detail);
    format!(
        "the query needs more memory than it may take ({}); SET '{MEMORY_LIMIT}' = '8G' would let it take 8 GiB",
        lower_first(&plain(detail))
    )
}

/// `text` without the engine's own headings.
fn plain(text: &str) -> String {
    let mut text = text;
    while let Some(rest) = HEADINGS.iter().find_map(|heading| text.strip_prefix(heading)) {
        text = rest;
    }
    // What follows is a list of signatures; what went before, the same said several times.
    let text = text.find(NO_MATCH).map_or(text, |start| &text[start..]);
    let text = text.split(BUG).collect::<String>();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// What DataFusion says of every error it did not expect.
const BUG: &str = "This issue was likely caused by a bug in DataFusion's code. Please help us to resolve this by filing a \
    bug report in our issue tracker: https://github.com/apache/datafusion/issues";

/// The engine cannot join a row with what comes of its own columns.
const CORRELATED: &str = "UNNEST or subquery of a column of another table in FROM; SELECT unnest(column) FROM table does the first";

/// Where DataFusion's description of a call with the wrong arguments begins to help.
const NO_MATCH: &str = "No function matches the given name";

/// What DataFusion and Arrow write in front of their messages.
const HEADINGS: &[&str] = &[
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Error during planning: ",
    "Execution error: ",
    "External error: ",
    "Invalid argument error: ",
    "Optimizer rule failed: ",
    "Schema error: ",
    "This feature is not implemented: ",
    "type_coercion\ncaused by\n",
    "caused by\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_is_found_under_every_wrapper() {
        let ours = Error::new(ErrorKind::Setting, "the message");
        let shared = DataFusionError::Shared(Arc::new(ours.into()));
        let external = DataFusionError::External(Box::new(Arc::new(shared.context("outer"))));
        let arrow = DataFusionError::from(arrow_schema::ArrowError::from(external));
        let found = Error::from(arrow);
        assert_eq!(found.kind(), ErrorKind::Setting);
        assert_eq!(found.to_string(), "the message");
    }

    #[test]
    fn a_missing_column_suggests_the_nearest() {
        let error = missing_column(
            &Column::new_unqualified("User_id"),
            &[Column::new_unqualified("item_id"), Column::new_unqualified("user_id")],
        );
        assert_eq!(error.to_string(), "no column User_id; did you mean user_id?");
    }

    #[test]
    fn what_the_engine_says_is_cut_down_to_what_helps() {
        let unmatched = "Error during planning: Failed to coerce. Error during planning: No function matches the \
                         given name and argument types 'upper()'.\n\tCandidate functions:\n\tupper(String)";
        for (error, expected) in [
            (
                DataFusionError::Plan(unmatched.to_owned()),
                "No function matches the given name and argument types 'upper()'. Candidate functions: upper(String)"
                    .to_owned(),
            ),
            (
                DataFusionError::Internal(format!("no such plan.\n{BUG}")),
                "the query engine cannot do this: no such plan.".to_owned(),
            ),
            (
                DataFusionError::NotImplemented("Physical plan of OuterReferenceColumn(x)".into()),
                format!("unsupported: correlated={CORRELATED}"),
            ),
        ] {
            assert_eq!(Error::from(error).to_string(), expected);
        }
    }

    #[test]
    fn a_position_moves_with_the_statement() {
        let statement = Statement { text: String::new(), number: 2, line: 5, column: 9 };
        let first = Error::syntax(Position { line: 1, column: 3 }, "x").within(&statement);
        let second = Error::syntax(Position { line: 2, column: 3 }, "x").within(&statement);
        assert_eq!(first.to_string(), "line 5, column 11: x");
        assert_eq!(second.to_string(), "line 6, column 3: x");
    }

    #[test]
    fn a_parser_error_gives_its_position() {
        let text = "Expected: an expression, found: FROM at Line: 1, Column: 8";
        let end = Position { line: 2, column: 1 };
        let error = Error::from_parser(&ParserError::ParserError(text.to_owned()), end);
        assert_eq!(error.to_string(), "line 1, column 8: expected: an expression, found: FROM");
        let cut = ParserError::ParserError("Expected: identifier, found: EOF".to_owned());
        let error = Error::from_parser(&cut, end);
        assert_eq!(error.to_string(), "line 2, column 1: expected: identifier, found: EOF");
    }
}

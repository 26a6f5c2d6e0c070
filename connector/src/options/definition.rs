//! What is known about one table option: its kind of value, default, role and meaning.

use std::fmt;

use super::value;
use crate::error::Error;
use crate::suggest::did_you_mean;

/// The definition of one table option; parsing, defaults, checks and documentation derive from it.
#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    name: &'static str,
    kind: OptionKind,
    default: Option<&'static str>,
    role: OptionRole,
    is_built: bool,
    doc: &'static str,
}

/// What the value of an option may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionKind {
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// `5 min`, `100ms`, `PT5M` or a number of milliseconds.
    Duration,
    /// A whole number that is at least this.
    Integer(i64),
    /// Texts separated by `;`.
    List,
    /// `partition:0,offset:42;partition:1,offset:300`.
    Offsets,
    /// Any text.
    Text,
}

/// Who reads the option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionRole {
    /// Reading and writing.
    Both,
    /// Writing the table.
    Sink,
    /// Reading the table.
    Source,
}

impl OptionDef {
    pub(super) const fn choice(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, OptionKind::Choice(words))
    }

    pub(super) const fn duration(name: &'static str) -> Self {
        Self::new(name, OptionKind::Duration)
    }

    pub(super) const fn integer(name: &'static str, least: i64) -> Self {
        Self::new(name, OptionKind::Integer(least))
    }

    pub(super) const fn list(name: &'static str) -> Self {
        Self::new(name, OptionKind::List)
    }

    pub(super) const fn offsets(name: &'static str) -> Self {
        Self::new(name, OptionKind::Offsets)
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, OptionKind::Text)
    }

    const fn new(name: &'static str, kind: OptionKind) -> Self {
        Self { name, kind, default: None, role: OptionRole::Both, is_built: true, doc: "" }
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn sink(mut self) -> Self {
        self.role = OptionRole::Sink;
        self
    }

    pub(super) const fn source(mut self) -> Self {
        self.role = OptionRole::Source;
        self
    }

    /// Only the default is built; another value is refused.
    pub(super) const fn not_built(mut self) -> Self {
        self.is_built = false;
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Flink's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What a value may look like.
    pub fn kind(&self) -> OptionKind {
        self.kind
    }

    /// The value when the option is not given; `None` means that there is none.
    pub fn default_value(&self) -> Option<&'static str> {
        self.default
    }

    /// Who reads it.
    pub fn role(&self) -> OptionRole {
        self.role
    }

    /// Whether other values than the default are built.
    pub fn is_built(&self) -> bool {
        self.is_built
    }

    /// One sentence about it.
    pub fn description(&self) -> &'static str {
        self.doc
    }

    /// Refuses a `value` of the wrong kind.
    pub(super) fn check(&self, value: &str) -> Result<(), Error> {
        let name = self.name;
        match self.kind {
            OptionKind::Choice(words) => value::choice(name, value, words).map(drop),
            OptionKind::Duration => value::duration(name, value).map(drop),
            OptionKind::Integer(least) => value::integer(name, value, least).map(drop),
            OptionKind::List => value::list(name, value).map(drop),
            OptionKind::Offsets => value::offsets(name, value).map(drop),
            OptionKind::Text => Ok(()),
        }
    }

    /// Refuses a `value` that is fine in Flink and not built here.
    pub(super) fn check_built(&self, value: &str) -> Result<(), Error> {
        let is_default = self.default.is_some_and(|default| default.eq_ignore_ascii_case(value));
        if self.is_built || is_default { Ok(()) } else { Err(Error::unsupported(self.name, value)) }
    }
}

/// The error for a value of the wrong kind.
pub(super) fn invalid(name: &str, value: &str, expected: impl fmt::Display) -> Error {
    Error::option(format!("Invalid value '{value}' for option '{name}': expected {expected}."))
}

/// The error for a word that is none of `words`.
pub(super) fn invalid_choice(name: &str, value: &str, words: &[&str]) -> Error {
    let hint = did_you_mean(value, words.iter().copied());
    Error::option(format!(
        "Invalid value for option '{name}'. Could not parse value for enum '{value}'. \
         Expected one of: [[{}]]{hint}",
        words.join(", ")
    ))
}

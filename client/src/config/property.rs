//! What is known about one property: its kind of value, default, role and meaning.

use std::fmt;
use std::time::Duration;

use super::{foreign, keys};

/// The definition of one property; parsing, defaults, redaction and documentation derive from it.
#[derive(Clone, Copy, Debug)]
pub struct PropertyDef {
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    role: Role,
    support: Support,
    doc: &'static str,
}

/// What a value may look like.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within these bounds.
    Int(i64, i64),
    /// A whole number within these bounds, or -1 for what is usual.
    IntOrUsual(i64, i64),
    /// Words separated by commas.
    List,
    /// A duration in milliseconds.
    Millis,
    /// A number with decimals within these bounds.
    Number(f64, f64),
    /// A text never to be shown.
    Password,
    /// Any text.
    Text,
}

/// Who reads the property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Everything that talks to a cluster.
    Client,
    /// Consumers.
    Consumer,
    /// Producers.
    Producer,
}

/// What this client does with the property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// It has Kafka's meaning.
    Full,
    /// It means something to Java alone: accepted and ignored.
    JavaOnly,
    /// Only the default is built; another value is refused.
    OnlyDefault,
    /// Accepted and checked, but nothing here depends on it yet.
    Unused,
}

impl PropertyDef {
    pub(super) const fn bool(name: &'static str) -> Self {
        Self::new(name, Kind::Bool)
    }

    pub(super) const fn choice(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::Choice(words))
    }

    pub(super) const fn int(name: &'static str, min: i64, max: i64) -> Self {
        Self::new(name, Kind::Int(min, max))
    }

    pub(super) const fn int_or_usual(name: &'static str, min: i64, max: i64) -> Self {
        Self::new(name, Kind::IntOrUsual(min, max))
    }

    pub(super) const fn list(name: &'static str) -> Self {
        Self::new(name, Kind::List)
    }

    pub(super) const fn millis(name: &'static str) -> Self {
        Self::new(name, Kind::Millis)
    }

    pub(super) const fn number(name: &'static str, min: f64, max: f64) -> Self {
        Self::new(name, Kind::Number(min, max))
    }

    pub(super) const fn password(name: &'static str) -> Self {
        Self::new(name, Kind::Password)
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        let (role, support) = (Role::Client, Support::Full);
        Self { name, kind, default: None, role, support, doc: "" }
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn consumer(mut self) -> Self {
        self.role = Role::Consumer;
        self
    }

    pub(super) const fn producer(mut self) -> Self {
        self.role = Role::Producer;
        self
    }

    pub(super) const fn java_only(mut self) -> Self {
        self.support = Support::JavaOnly;
        self
    }

    pub(super) const fn only_default(mut self) -> Self {
        self.support = Support::OnlyDefault;
        self
    }

    pub(super) const fn unused(mut self) -> Self {
        self.support = Support::Unused;
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Kafka's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What a value may look like.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value when nothing is set; `None` means unset.
    pub fn default_value(&self) -> Option<&'static str> {
        self.default
    }

    /// Who reads it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What this client does with it.
    pub fn support(&self) -> Support {
        self.support
    }

    /// One sentence about it.
    pub fn description(&self) -> &'static str {
        self.doc
    }

    /// Why `value` cannot be used, if it cannot.
    pub fn problem(&self, value: &str) -> Option<String> {
        if self.support == Support::JavaOnly {
            return None;
        }
        let value = value.trim();
        if self.support == Support::OnlyDefault {
            let harmless =
                value.is_empty() || self.default.is_some_and(|d| d.eq_ignore_ascii_case(value));
            let name = self.name;
            return (!harmless).then(|| format!("unsupported: {name}={}", redacted(name, value)));
        }
        let expected = self.kind.refuses(value)?;
        Some(format!("{}={}: expected {expected}", self.name, redacted(self.name, value)))
    }
}

impl Kind {
    /// What was expected instead, if `value` is not of this kind.
    fn refuses(self, value: &str) -> Option<String> {
        let fits = match self {
            Self::Bool => bool(value).is_some(),
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
            Self::Int(min, max) => int(value).is_some_and(|n| (min..=max).contains(&n)),
            Self::IntOrUsual(min, max) => {
                int(value).is_some_and(|n| n == -1 || (min..=max).contains(&n))
            }
            Self::Millis => millis(value).is_some(),
            Self::Number(min, max) => value.parse().is_ok_and(|n| (min..=max).contains(&n)),
            Self::List | Self::Password | Self::Text => true,
        };
        (!fits).then(|| self.to_string())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Int(min, i64::MAX) => write!(f, "a whole number from {min}"),
            Self::Int(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::IntOrUsual(min, max) => write!(f, "a whole number from {min} to {max}, or -1"),
            Self::List => f.write_str("a list separated by commas"),
            Self::Millis => f.write_str("a number of milliseconds"),
            Self::Number(min, max) if min.is_finite() => write!(f, "a number from {min} to {max}"),
            Self::Number(..) => f.write_str("a number"),
            Self::Password => f.write_str("a secret text"),
            Self::Text => f.write_str("a text"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "all",
            Self::Consumer => "consumer",
            Self::Producer => "producer",
        })
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "yes",
            Self::JavaOnly => "Java only",
            Self::OnlyDefault => "only the default",
            Self::Unused => "not yet",
        })
    }
}

/// `value`, or six asterisks where `name` is that of a secret.
pub(crate) fn redacted<'v>(name: &str, value: &'v str) -> &'v str {
    if is_secret(name) { "******" } else { value }
}

/// Whether values of `name` must never be shown; unknown names are judged by their words.
pub fn is_secret(name: &str) -> bool {
    if let Some(def) = find(name) {
        return def.kind == Kind::Password;
    }
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Parts of the names of properties that hold secrets, in lower case.
const SECRET_WORDS: &[&str] = &[
    "api-key",
    "api.key",
    "apikey",
    "credential",
    "jaas",
    "key.pem",
    "keystore.key",
    "password",
    "private.key",
    "secret",
    "token",
    "user-info",
    "user.info",
];

/// The definition of `name`, if Kafka has such a property.
pub(crate) fn find(name: &str) -> Option<&'static PropertyDef> {
    let table = keys::property_definitions();
    table.binary_search_by(|def| def.name.cmp(name)).ok().and_then(|at| table.get(at))
}

/// The known name nearest to `name`, unless nothing is near.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    keys::property_definitions()
        .iter()
        .map(|def| (strsim::damerau_levenshtein(name, def.name), def.name))
        .filter(|(distance, known)| *distance * 3 <= known.len())
        .min()
        .map(|(_, known)| known)
}

/// What Kafka calls the librdkafka property `name`; `Some(None)` where Kafka has nothing like it.
pub(crate) fn librdkafka(name: &str) -> Option<Option<&'static str>> {
    let at = foreign::LIBRDKAFKA.binary_search_by(|(theirs, _)| (*theirs).cmp(name)).ok()?;
    foreign::LIBRDKAFKA.get(at).map(|(_, kafka)| *kafka)
}

pub(super) fn bool(value: &str) -> Option<bool> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Some(true),
        _ if value.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

pub(super) fn int(value: &str) -> Option<i64> {
    value.parse().ok()
}

pub(super) fn millis(value: &str) -> Option<Duration> {
    value.parse().ok().map(|millis: u64| Duration::from_millis(millis.min(FOR_EVER)))
}

/// Milliseconds, where Kafka says -1 for never.
pub(super) fn millis_or_never(value: &str) -> Option<Duration> {
    let millis = int(value)?;
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(FOR_EVER).min(FOR_EVER)))
}

/// A century: longer than any program runs, and it can be added to any time. In Java's
/// configurations `Long.MAX_VALUE` stands for it.
const FOR_EVER: u64 = 100 * 365 * 24 * 3600 * 1000;

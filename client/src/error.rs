//! What can go wrong, for programs and for people.
//!
//! One opaque [`Error`] serves the whole client. Its [`ErrorKind`] says what happened, its [`Place`]
//! where, and four predicates what a caller may do about it; nobody needs to match on more.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use kavka_protocol::{
    ApiKey, BrokerId, DecodeError, Disposition, EncodeError, ErrorCode, Offset, TopicPartition,
    UnsupportedApi,
};

/// A failure of the client: what was attempted, where, and what the reader can do.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    at: Place,
    message: Cow<'static, str>,
    maybe_written: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// One side could not prove who it is: a certificate, a password or a token was not believed.
    Authentication,
    /// The broker answered with this error code.
    Broker(ErrorCode),
    /// The client, producer or consumer was closed or dropped.
    Closed,
    /// A property is wrong; the message lists every problem found.
    Config,
    /// The connection ended before the answer arrived.
    ConnectionLost,
    /// Fetched data is damaged: a checksum differs or a record does not parse.
    CorruptData,
    /// The call itself is wrong, whatever the cluster's state.
    InvalidArgument,
    /// What was read of a partition is not in its log any more: an unclean leader election cut it off.
    LogTruncated,
    /// A peer sent bytes that break Kafka's protocol.
    MalformedAnswer,
    /// The peer speaks something else than Kafka.
    NotKafka,
    /// The offset asked for is not, or no longer, in the log.
    OffsetOutOfRange,
    /// A record is larger than the limits allow.
    RecordTooLarge,
    /// The time allowed has passed.
    Timeout,
    /// The topic was deleted while it was read, and another one has its name.
    TopicRecreated,
    /// The partition does not exist.
    UnknownPartition,
    /// The topic does not exist.
    UnknownTopic,
    /// No connection to the broker could be made.
    Unreachable,
    /// This client or this broker does not have what was asked for.
    Unsupported,
}

/// Where it happened: whatever the failing layer knew.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The request being made.
    pub api: Option<ApiKey>,
    /// The broker it was sent to.
    pub broker: Option<BrokerId>,
    /// The address of that broker, as `host:port`.
    pub address: Option<Arc<str>>,
    /// The partition it concerned.
    pub topic_partition: Option<TopicPartition>,
    /// The offset within that partition.
    pub offset: Option<Offset>,
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` says what is wrong and what the reader can do, in lower case.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let (at, message) = (Place::default(), message.into());
        Self(Box::new(Inner { kind, at, message, maybe_written: false, source: None }))
    }

    /// What the broker answered, in Kafka's words.
    pub(crate) fn broker(code: ErrorCode) -> Self {
        Self::new(ErrorKind::Broker(code), format!("{code}: {}", code.description()))
    }

    /// What the broker answered, with the sentence it sent along.
    pub(crate) fn broker_said(code: ErrorCode, sentence: Option<&str>) -> Self {
        match sentence.filter(|sentence| !sentence.is_empty()) {
            Some(sentence) => Self::new(ErrorKind::Broker(code), format!("{code}: {sentence}")),
            None => Self::broker(code),
        }
    }

    pub(crate) fn closed(what: &'static str) -> Self {
        Self::new(ErrorKind::Closed, format!("the {what} is closed"))
    }

    pub(crate) fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("unsupported: {what}"))
    }

    pub(crate) fn unknown_topic(topic: &str) -> Self {
        let message = format!("topic {topic:?} does not exist; create it or check the name");
        Self::new(ErrorKind::UnknownTopic, message)
    }

    /// Puts the topic in front of what is wrong with it.
    pub(crate) fn about_topic(mut self, topic: &str) -> Self {
        self.0.message = format!("topic {topic:?}: {}", self.0.message).into();
        self
    }

    /// Adds what the reader can do.
    pub(crate) fn advise(mut self, advice: &str) -> Self {
        self.0.message = format!("{}; {advice}", self.0.message).into();
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_api(mut self, api: ApiKey) -> Self {
        self.0.at.api = Some(api);
        self
    }

    pub(crate) fn with_broker(mut self, broker: BrokerId) -> Self {
        self.0.at.broker = Some(broker);
        self
    }

    pub(crate) fn with_address(mut self, address: impl Into<Arc<str>>) -> Self {
        self.0.at.address = Some(address.into());
        self
    }

    pub(crate) fn with_topic_partition(mut self, topic_partition: TopicPartition) -> Self {
        self.0.at.topic_partition = Some(topic_partition);
        self
    }

    pub(crate) fn with_offset(mut self, offset: Offset) -> Self {
        self.0.at.offset = Some(offset);
        self
    }

    /// Marks that the request may have reached the broker's log although no answer came.
    pub(crate) fn with_maybe_written(mut self, maybe_written: bool) -> Self {
        self.0.maybe_written = maybe_written;
        self
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it happened.
    pub fn place(&self) -> &Place {
        &self.0.at
    }

    /// What is wrong and what the reader can do, without the place.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The broker's error code, if it was the broker that refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self.0.kind {
            ErrorKind::Broker(code) => Some(code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Broker(code) => code.is_retriable(),
            ErrorKind::ConnectionLost | ErrorKind::Timeout | ErrorKind::Unreachable => true,
            _ => false,
        }
    }

    /// Whether one side did not believe who the other is, so that nothing was said beyond that.
    pub(crate) fn is_authentication(&self) -> bool {
        match self.0.kind {
            ErrorKind::Authentication => true,
            ErrorKind::Broker(code) => matches!(
                code,
                ErrorCode::IllegalSaslState
                    | ErrorCode::SaslAuthenticationFailed
                    | ErrorCode::UnsupportedSaslMechanism
            ),
            _ => false,
        }
    }

    /// Whether the object that returned it is of no more use and must be built anew.
    pub fn is_fatal(&self) -> bool {
        match self.0.kind {
            ErrorKind::Broker(code) => code.disposition() == Disposition::Fenced,
            ErrorKind::Closed => true,
            _ => false,
        }
    }

    /// Whether the current transaction can only be aborted.
    pub fn requires_abort(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Broker(ErrorCode::TransactionAbortable))
    }

    /// Whether the records of the failed call may nevertheless be in the log.
    pub fn may_have_been_written(&self) -> bool {
        self.0.maybe_written
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { at, message, maybe_written, .. } = &*self.0;
        let at = at.to_string();
        if !at.is_empty() {
            write!(f, "{at}: ")?;
        }
        f.write_str(message)?;
        if *maybe_written {
            f.write_str("; it may have been written all the same")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Words { f, first: true };
        if let Some(api) = self.api {
            words.add(format_args!("{api:?}"))?;
        }
        if let Some(broker) = self.broker {
            words.add(format_args!("at broker {broker}"))?;
        }
        if let Some(topic_partition) = &self.topic_partition {
            words.add(format_args!("for {topic_partition}"))?;
        }
        if let Some(offset) = self.offset {
            words.add(format_args!("at offset {offset}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, at, message, maybe_written, source } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("at", at)
            .field("message", message)
            .field("maybe_written", maybe_written)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorKind::MalformedAnswer, "the answer breaks Kafka's protocol")
            .with_source(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::new(ErrorKind::InvalidArgument, "the request cannot be encoded").with_source(error)
    }
}

impl From<UnsupportedApi> for Error {
    fn from(error: UnsupportedApi) -> Self {
        Self::new(ErrorKind::Unsupported, error.to_string())
    }
}

/// Joins words with single blanks.
struct Words<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: bool,
}

impl Words<'_, '_> {
    fn add(&mut self, words: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.f.write_str(" ")?;
        }
        self.f.write_fmt(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_was_attempted_and_where() {
        let error = Error::broker(ErrorCode::NotLeaderOrFollower)
            .with_api(ApiKey::Fetch)
            .with_broker(BrokerId(3))
            .with_topic_partition(TopicPartition::new("orders", 7))
            .with_offset(42);
        let text = error.to_string();
        assert!(
            text.starts_with("Fetch at broker 3 for orders-7 at offset 42: NOT_LEADER"),
            "{text}"
        );
    }

    #[test]
    fn a_possibly_written_request_says_so() {
        let error = Error::new(ErrorKind::Timeout, "no answer").with_maybe_written(true);
        assert!(error.may_have_been_written());
        assert_eq!(error.to_string(), "no answer; it may have been written all the same");
    }

    #[test]
    fn trouble_on_the_way_is_retriable_and_misuse_is_not() {
        for (kind, retriable) in [
            (ErrorKind::Broker(ErrorCode::NotLeaderOrFollower), true),
            (ErrorKind::Broker(ErrorCode::TopicAuthorizationFailed), false),
            (ErrorKind::ConnectionLost, true),
            (ErrorKind::Timeout, true),
            (ErrorKind::Unreachable, true),
            (ErrorKind::Config, false),
            (ErrorKind::NotKafka, false),
        ] {
            assert_eq!(Error::new(kind, "").is_retriable(), retriable, "{kind:?}");
        }
    }
}

//! What goes into a connection, a request, and what comes out for it: an answer or a failure.

use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::{ApiKey, CorrelationId, EncodeError, Frame, UnsupportedApi, VersionTable};

use super::close::CloseReason;

/// A request that is encoded when its version is known.
pub(crate) struct Outgoing {
    pub(super) api: ApiKey,
    pub(super) timeout: Duration,
    pub(super) is_answered: bool,
    pub(super) encode: Encode,
    least_version: i16,
    most_version: i16,
}

/// Called with the version, the correlation id and the client id for the header.
pub(super) type Encode =
    Box<dyn FnOnce(i16, CorrelationId, &str) -> Result<Frame, EncodeError> + Send>;

/// What a broker answered: one frame without its length, and the version to read it in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) bytes: Bytes,
    pub(crate) version: i16,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) reason: FailureReason,
    /// Whether all bytes of the request had been handed to the socket, so that the broker may have
    /// acted on it.
    pub(crate) was_written: bool,
}

/// What kept a request from being answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FailureReason {
    Closed(CloseReason),
    Encode(EncodeError),
    TimedOut(Duration),
    /// The newest version both sides speak is not new enough for what is asked for.
    TooOld {
        api: ApiKey,
        version: i16,
        needed: i16,
    },
    Unsupported(UnsupportedApi),
}

impl Outgoing {
    /// A request of `api` that must be answered within `timeout` from the moment it is sent.
    ///
    /// `encode` is called once, with the version both sides speak, the correlation id and the client
    /// id to put into the header.
    pub(crate) fn new(
        api: ApiKey,
        timeout: Duration,
        encode: impl FnOnce(i16, CorrelationId, &str) -> Result<Frame, EncodeError> + Send + 'static,
    ) -> Self {
        let (least_version, most_version) = (0, i16::MAX);
        let encode = Box::new(encode);
        Self { api, timeout, least_version, most_version, is_answered: true, encode }
    }

    /// The broker will not answer: done as soon as it is written.
    pub(crate) fn without_answer(mut self) -> Self {
        self.is_answered = false;
        self
    }

    /// What is asked for exists only from `version` on; an older broker makes the request fail.
    pub(crate) fn needs_version(mut self, version: i16) -> Self {
        self.least_version = version;
        self
    }

    /// What is asked for cannot be said any more after `version`.
    pub(crate) fn up_to_version(mut self, version: i16) -> Self {
        self.most_version = version;
        self
    }

    pub(crate) fn api(&self) -> ApiKey {
        self.api
    }

    /// The version to send it in.
    pub(super) fn version(&self, versions: &VersionTable) -> Result<i16, FailureReason> {
        let newest = versions.version_of(self.api).map_err(FailureReason::Unsupported)?;
        let version = newest.min(self.most_version);
        if version < self.least_version {
            let needed = self.least_version;
            return Err(FailureReason::TooOld { api: self.api, version, needed });
        }
        Ok(version)
    }
}

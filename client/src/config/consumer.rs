//! What a consumer needs to know.

use std::time::Duration;

use kavka_protocol::IsolationLevel;

use super::Properties;
use super::keys;
use super::property::Role;
use super::resolve::Resolver;
use crate::error::Result;

/// The resolved form of the properties of [`Role::Consumer`].
#[derive(Clone, Debug)]
pub(crate) struct ConsumerConfig {
    pub(crate) auto_offset_reset: OffsetReset,
    /// Where this consumer runs; empty if nobody has said.
    #[expect(dead_code, reason = "the fetch path takes it from here")]
    pub(crate) client_rack: String,
    pub(crate) fetch_max_bytes: i32,
    pub(crate) fetch_max_wait: Duration,
    pub(crate) fetch_min_bytes: i32,
    pub(crate) isolation_level: IsolationLevel,
    pub(crate) max_partition_fetch_bytes: i32,
    #[expect(dead_code, reason = "the fetch path takes it from here")]
    pub(crate) max_poll_records: usize,
    /// Bytes fetched ahead of the application, over all partitions together.
    pub(crate) prefetch_bytes: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) retry_backoff_max: Duration,
}

/// Where to read when there is no valid offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OffsetReset {
    Earliest,
    #[default]
    Latest,
    None,
}

impl ConsumerConfig {
    pub(crate) fn resolve(properties: &Properties) -> Result<Self> {
        let mut from = Resolver::new(properties, Role::Consumer);
        let config = Self {
            auto_offset_reset: offset_reset(&mut from),
            client_rack: from.text(keys::CLIENT_RACK).trim().to_owned(),
            fetch_max_bytes: from.int(keys::FETCH_MAX_BYTES),
            fetch_max_wait: from.millis(keys::FETCH_MAX_WAIT_MS),
            fetch_min_bytes: from.int(keys::FETCH_MIN_BYTES),
            isolation_level: isolation_level(&from),
            max_partition_fetch_bytes: from.int(keys::MAX_PARTITION_FETCH_BYTES),
            max_poll_records: from.int(keys::MAX_POLL_RECORDS),
            prefetch_bytes: from.int(keys::KAVKA_PREFETCH_BYTES),
            request_timeout: from.millis(keys::REQUEST_TIMEOUT_MS),
            retry_backoff: from.millis(keys::RETRY_BACKOFF_MS),
            retry_backoff_max: from.millis(keys::RETRY_BACKOFF_MAX_MS),
        };
        from.finish(config)
    }
}

fn isolation_level(from: &Resolver<'_>) -> IsolationLevel {
    match from.text(keys::ISOLATION_LEVEL).eq_ignore_ascii_case("read_committed") {
        true => IsolationLevel::ReadCommitted,
        false => IsolationLevel::ReadUncommitted,
    }
}

fn offset_reset(from: &mut Resolver<'_>) -> OffsetReset {
    match from.text(keys::AUTO_OFFSET_RESET).to_ascii_lowercase().as_str() {
        "earliest" => return OffsetReset::Earliest,
        "latest" => {}
        "none" => return OffsetReset::None,
        duration if duration.starts_with("by_duration:") => {
            from.problem(format!("unsupported: auto.offset.reset={duration}"));
        }
        other => {
            let expected = "expected one of earliest, latest, none";
            from.problem(format!("auto.offset.reset={other}: {expected}"));
        }
    }
    OffsetReset::Latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_kafkas() {
        let config = ConsumerConfig::resolve(&Properties::new()).unwrap();
        assert_eq!(config.auto_offset_reset, OffsetReset::Latest);
        assert_eq!(config.fetch_max_bytes, 50 << 20);
        assert_eq!(config.fetch_max_wait, Duration::from_millis(500));
        assert_eq!(config.fetch_min_bytes, 1);
        assert_eq!(config.isolation_level, IsolationLevel::ReadUncommitted);
        assert_eq!(config.max_partition_fetch_bytes, 1 << 20);
        assert_eq!(config.prefetch_bytes, 64 << 20);
    }

    #[test]
    fn a_reset_that_is_not_built_is_unsupported_and_nonsense_is_wrong() {
        for (value, expected) in [
            ("by_duration:PT1H", "unsupported: auto.offset.reset=by_duration:pt1h"),
            ("start", "auto.offset.reset=start: expected one of earliest, latest, none"),
        ] {
            let properties = Properties::from([("auto.offset.reset", value)]);
            let error = ConsumerConfig::resolve(&properties).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}

//! What a consumer needs to know.

use std::time::Duration;

use kavka_protocol::IsolationLevel;

use super::Properties;
use super::duration::iso_duration;
use super::keys;
use super::property::Role;
use super::resolve::Resolver;
use crate::error::Result;

/// The resolved form of the properties of [`Role::Consumer`].
#[derive(Clone, Debug)]
pub(crate) struct ConsumerConfig {
    pub(crate) auto_offset_reset: OffsetReset,
    /// Where this consumer runs; empty if nobody has said.
    pub(crate) client_rack: String,
    pub(crate) fetch_max_bytes: i32,
    pub(crate) fetch_max_wait: Duration,
    pub(crate) fetch_min_bytes: i32,
    pub(crate) isolation_level: IsolationLevel,
    pub(crate) max_partition_fetch_bytes: i32,
    /// How many records one poll may hand out; `None`: whatever was fetched. Batches are handed out
    /// undecoded, so that no poll takes long, and are not cut unless somebody asks for it.
    pub(crate) max_poll_records: Option<usize>,
    pub(crate) metadata_max_age: Duration,
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
    /// The first record that is not older than this; the end if there is none (KIP-1106).
    ByDuration(Duration),
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
            max_poll_records: max_poll_records(&from),
            metadata_max_age: from.millis(keys::METADATA_MAX_AGE_MS),
            prefetch_bytes: from.int(keys::KAVKA_PREFETCH_BYTES),
            request_timeout: from.millis(keys::REQUEST_TIMEOUT_MS),
            retry_backoff: from.millis(keys::RETRY_BACKOFF_MS),
            retry_backoff_max: from.millis(keys::RETRY_BACKOFF_MAX_MS),
        };
        from.finish(config)
    }
}

fn max_poll_records(from: &Resolver<'_>) -> Option<usize> {
    from.is_set(keys::MAX_POLL_RECORDS).then(|| from.int(keys::MAX_POLL_RECORDS))
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
        other => {
            let duration = other.strip_prefix("by_duration:").and_then(iso_duration);
            if let Some(duration) = duration {
                return OffsetReset::ByDuration(duration);
            }
            let expected = "expected earliest, latest, none, or by_duration: and how far to go back as \
                            ISO 8601 has it, like by_duration:PT1H30M";
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
    fn resets_are_words_or_durations_and_nonsense_is_named() {
        let resolve = |value| {
            let properties = Properties::from([("auto.offset.reset", value)]);
            ConsumerConfig::resolve(&properties).map(|config| config.auto_offset_reset)
        };
        let hour = Duration::from_secs(3600);
        assert_eq!(resolve("Earliest").unwrap(), OffsetReset::Earliest);
        assert_eq!(resolve("by_duration:PT1H").unwrap(), OffsetReset::ByDuration(hour));
        for value in ["start", "by_duration", "by_duration:", "by_duration:-PT1H", "by_duration:1h"]
        {
            let error = resolve(value).unwrap_err().to_string();
            let named = format!("auto.offset.reset={}: expected earliest", value.to_lowercase());
            assert!(error.starts_with(&named), "{error}");
        }
    }
}

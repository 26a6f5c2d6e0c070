//! The session's settings: Flink's keys that mean something here, and the engine's own `datafusion.*`.

use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::prelude::{SessionConfig, SessionContext};
use indexmap::IndexMap;
use kavka_connector::SourceOptions;

use crate::error::{Error, ErrorKind};
use crate::memory::default_limit;
use crate::nearest::nearest;

/// What `SET` and `RESET` change. A statement runs under a snapshot of it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    defaults: Defaults,
    /// What was set, in order, as it was written.
    chosen: IndexMap<String, String>,
    time_zone: Tz,
    batch_mode: bool,
    /// In bytes; `None` where queries may take any amount.
    memory_limit: Option<usize>,
    config: SessionConfig,
}

#[derive(Clone, Copy, Debug)]
struct Defaults {
    time_zone: Tz,
    target_partitions: Option<usize>,
}

/// What the scans of a statement need to know of the settings; they find it in the session's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanSettings {
    pub(crate) time_zone: Tz,
    pub(crate) batch_mode: bool,
}

impl Settings {
    pub(crate) fn new(time_zone: Tz, target_partitions: Option<usize>) -> Self {
        let defaults = Defaults { time_zone, target_partitions };
        let mut settings = Self {
            defaults,
            chosen: IndexMap::new(),
            time_zone,
            batch_mode: false,
            memory_limit: default_limit(),
            config: base_config(target_partitions),
        };
        settings.use_time_zone(time_zone);
        settings
    }

    /// `SET 'key' = 'value'`.
    ///
    /// # Errors
    /// A key that is unknown (with the nearest known one), fixed or not built, or a value it does not take.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        match key {
            TIME_ZONE => {
                let time_zone = self.parse_time_zone(value)?;
                self.use_time_zone(time_zone);
            }
            RUNTIME_MODE => self.batch_mode = parse_batch_mode(value)?,
            PARALLELISM | TABLE_PARALLELISM => {
                let partitions = parse_parallelism(key, value)?;
                self.config.options_mut().execution.target_partitions = partitions;
            }
            MEMORY_LIMIT => self.memory_limit = Some(parse_memory(value)?),
            _ if key.starts_with("datafusion.") => self.set_engine(key, value)?,
            _ if NOT_BUILT.contains(&key) => return Err(Error::unsupported(key, value)),
            _ => return Err(self.unknown(key)),
        }
        self.chosen.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// `RESET` of one key, or of all.
    ///
    /// # Errors
    /// An unknown key.
    pub(crate) fn reset(&mut self, key: Option<&str>) -> Result<(), Error> {
        let mut chosen = std::mem::take(&mut self.chosen);
        if let Some(key) = key
            && chosen.shift_remove(key).is_none()
            && !self.known().iter().any(|known| known == key)
        {
            self.chosen = chosen;
            return Err(self.unknown(key));
        }
        *self = Self::new(self.defaults.time_zone, self.defaults.target_partitions);
        if key.is_some() {
            chosen.iter().try_for_each(|(key, value)| self.set(key, value))?;
        }
        Ok(())
    }

    /// What `SET` alone prints: what matters most, then what was set.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let mode = if self.batch_mode { "batch" } else { "streaming" };
        let mut list = vec![
            (RUNTIME_MODE.to_owned(), mode.to_owned()),
            (TIME_ZONE.to_owned(), self.time_zone.name().to_owned()),
        ];
        let others =
            self.chosen.iter().filter(|(key, _)| *key != RUNTIME_MODE && *key != TIME_ZONE);
        list.extend(others.map(|(key, value)| (key.clone(), value.clone())));
        list
    }

    pub(crate) fn time_zone(&self) -> Tz {
        self.time_zone
    }

    pub(crate) fn memory_limit(&self) -> Option<usize> {
        self.memory_limit
    }

    /// The engine's configuration, with what our own plan nodes look for in it.
    pub(crate) fn config(&self) -> SessionConfig {
        let scan = ScanSettings { time_zone: self.time_zone, batch_mode: self.batch_mode };
        self.config.clone().with_extension(Arc::new(scan))
    }

    fn use_time_zone(&mut self, time_zone: Tz) {
        self.time_zone = time_zone;
        self.config.options_mut().execution.time_zone = Some(time_zone.name().to_owned());
    }

    fn parse_time_zone(&self, value: &str) -> Result<Tz, Error> {
        if value.eq_ignore_ascii_case("default") {
            return Ok(self.defaults.time_zone);
        }
        value.parse().map_err(|_| {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let example = nearest(value, names).unwrap_or("Europe/Berlin");
            invalid(TIME_ZONE, value, &format!("a zone of the IANA database such as {example}"))
        })
    }

    fn set_engine(&mut self, key: &str, value: &str) -> Result<(), Error> {
        if let Some((_, instead)) = FIXED.iter().find(|(fixed, _)| key.starts_with(fixed)) {
            let message = format!("{key} is fixed, because {instead}");
            return Err(Error::new(ErrorKind::Setting, message));
        }
        if !self.engine_keys().iter().any(|known| known == key) {
            return Err(self.unknown(key));
        }
        let set = self.config.options_mut().set(key, value);
        set.map_err(|error| {
            let cause = Error::from(error);
            Error::new(ErrorKind::Setting, format!("{key} does not take '{value}': {cause}"))
        })
    }

    fn engine_keys(&self) -> Vec<String> {
        self.config.options().entries().into_iter().map(|entry| entry.key).collect()
    }

    fn known(&self) -> Vec<String> {
        let ours = [TIME_ZONE, RUNTIME_MODE, PARALLELISM, TABLE_PARALLELISM, MEMORY_LIMIT];
        let ours = ours.map(str::to_owned);
        ours.into_iter().chain(self.engine_keys()).collect()
    }

    fn unknown(&self, key: &str) -> Error {
        let known = self.known();
        let hint = match nearest(key, known.iter().map(String::as_str)) {
            Some(name) => format!("did you mean '{name}'?"),
            None => format!(
                "there are '{TIME_ZONE}', '{RUNTIME_MODE}', '{PARALLELISM}' and 'datafusion.*'"
            ),
        };
        Error::new(ErrorKind::Setting, format!("unknown key '{key}'; {hint}"))
    }
}

impl ScanSettings {
    /// The settings in `config`; a session that is not ours streams in UTC.
    pub(crate) fn of(config: &SessionConfig) -> Self {
        let found = config.get_extension::<Self>();
        found.map_or(Self { time_zone: Tz::UTC, batch_mode: false }, |settings| *settings)
    }

    pub(crate) fn source_options(self) -> SourceOptions {
        SourceOptions { batch_mode: self.batch_mode }
    }
}

/// Flink's names for the default catalog and database, case-sensitive identifiers, literals with a decimal point as
/// DECIMAL, and NULL as the least of all values, as in Flink.
fn base_config(target_partitions: Option<usize>) -> SessionConfig {
    let mut config = SessionConfig::new().with_default_catalog_and_schema(CATALOG, DATABASE);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.default_null_ordering = "nulls_min".to_owned();
    if let Some(partitions) = target_partitions {
        options.execution.target_partitions = partitions.max(1);
    }
    config
}

fn parse_batch_mode(value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "streaming" => Ok(false),
        "batch" => Ok(true),
        "automatic" => Err(Error::unsupported(RUNTIME_MODE, value)),
        _ => Err(invalid(RUNTIME_MODE, value, "'streaming' or 'batch'")),
    }
}

fn parse_parallelism(key: &str, value: &str) -> Result<usize, Error> {
    let parsed = value.parse().ok().filter(|partitions| (1..=MAX_PARALLELISM).contains(partitions));
    parsed.ok_or_else(|| invalid(key, value, &format!("a number from 1 to {MAX_PARALLELISM}")))
}

fn parse_memory(value: &str) -> Result<usize, Error> {
    let parsed = SessionContext::parse_capacity_limit(MEMORY_LIMIT, value).ok();
    let expected = "a size above zero such as 512M or 4G";
    parsed.filter(|bytes| *bytes > 0).ok_or_else(|| invalid(MEMORY_LIMIT, value, expected))
}

fn invalid(key: &str, value: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Setting, format!("{key} does not take '{value}'; expected {expected}"))
}

/// Flink's default catalog.
pub(crate) const CATALOG: &str = "default_catalog";
/// Flink's default database.
pub(crate) const DATABASE: &str = "default_database";

/// The engine's name; it is not among its other settings.
pub(crate) const MEMORY_LIMIT: &str = "datafusion.runtime.memory_limit";
const PARALLELISM: &str = "parallelism.default";
const RUNTIME_MODE: &str = "execution.runtime-mode";
const TABLE_PARALLELISM: &str = "table.exec.resource.default-parallelism";
const TIME_ZONE: &str = "table.local-time-zone";

/// Flink's own upper bound of a parallelism.
const MAX_PARALLELISM: usize = 32_768;

/// Keys whose meaning is settled and whose work is not done here.
const NOT_BUILT: &[&str] = &[
    "execution.checkpointing.dir",
    "execution.checkpointing.interval",
    "execution.restore",
    "table.exec.source.idle-timeout",
];

/// Engine settings that the rest of the session depends on, and why or what to set instead.
const FIXED: &[(&str, &str)] = &[
    ("datafusion.catalog.create_default", "the session has Flink's catalog"),
    ("datafusion.catalog.default_", "the session has Flink's catalog"),
    ("datafusion.execution.time_zone", "'table.local-time-zone' sets it"),
    ("datafusion.sql_parser.dialect", "statements are written in Flink SQL"),
    ("datafusion.sql_parser.enable_ident_normalization", "names are case-sensitive"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(Tz::UTC, Some(3))
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest() {
        for (key, expected) in [
            ("table.local-timezone", "did you mean 'table.local-time-zone'?"),
            ("execution.runtime.mode", "did you mean 'execution.runtime-mode'?"),
            ("datafusion.execution.batchsize", "did you mean 'datafusion.execution.batch_size'?"),
            ("x", "there are 'table.local-time-zone'"),
        ] {
            let message = settings().set(key, "1").unwrap_err().to_string();
            assert!(message.starts_with(&format!("unknown key '{key}'; {expected}")), "{message}");
        }
    }

    #[test]
    fn a_value_the_key_does_not_take_is_refused() {
        for (key, value, expected) in [
            (TIME_ZONE, "Mars", "table.local-time-zone does not take 'Mars'; expected a zone"),
            (
                RUNTIME_MODE,
                "fast",
                "execution.runtime-mode does not take 'fast'; expected 'streaming' or 'batch'",
            ),
            (RUNTIME_MODE, "AUTOMATIC", "unsupported: execution.runtime-mode=AUTOMATIC"),
            (
                MEMORY_LIMIT,
                "all",
                "datafusion.runtime.memory_limit does not take 'all'; expected a size above zero",
            ),
            (MEMORY_LIMIT, "0", "datafusion.runtime.memory_limit does not take '0'; expected"),
            (PARALLELISM, "0", "parallelism.default does not take '0'; expected a number"),
            (
                "datafusion.execution.batch_size",
                "x",
                "datafusion.execution.batch_size does not take 'x': ",
            ),
            (
                "datafusion.execution.time_zone",
                "UTC",
                "datafusion.execution.time_zone is fixed, because",
            ),
            (
                "execution.checkpointing.interval",
                "1 s",
                "unsupported: execution.checkpointing.interval=1 s",
            ),
        ] {
            let message = settings().set(key, value).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn reset_restores_what_was_there_before() {
        let mut settings = settings();
        settings.set(TIME_ZONE, "Europe/Berlin").unwrap();
        settings.set(RUNTIME_MODE, "BATCH").unwrap();
        settings.set(PARALLELISM, "7").unwrap();
        settings.reset(Some(TIME_ZONE)).unwrap();
        assert_eq!(settings.time_zone(), Tz::UTC);
        assert!(settings.batch_mode);
        assert_eq!(settings.config().target_partitions(), 7);
        settings.reset(None).unwrap();
        assert!(!settings.batch_mode);
        assert_eq!(settings.config().target_partitions(), 3);
    }

    #[test]
    fn a_failed_reset_changes_nothing() {
        let mut settings = settings();
        settings.set(RUNTIME_MODE, "batch").unwrap();
        settings.reset(Some("no.such.key")).unwrap_err();
        assert_eq!(settings.list()[0].1, "batch");
        assert!(settings.chosen.contains_key(RUNTIME_MODE));
    }
}

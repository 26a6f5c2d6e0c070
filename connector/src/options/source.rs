//! What the options say about reading.

use std::time::Duration;

use super::TableOptions;
use super::properties::TableProperties;
use super::table::{
    SCAN_BOUNDED_MODE, SCAN_BOUNDED_SPECIFIC_OFFSETS, SCAN_BOUNDED_TIMESTAMP_MILLIS,
    SCAN_STARTUP_MODE, SCAN_STARTUP_SPECIFIC_OFFSETS, SCAN_STARTUP_TIMESTAMP_MILLIS,
    SCAN_TOPIC_PARTITION_DISCOVERY_INTERVAL, TOPIC,
};
use super::value;
use crate::error::Error;
use crate::source::{BoundedMode, StartupMode};

/// Where a read starts and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceSettings {
    pub(crate) startup: StartupMode,
    pub(crate) bounded: BoundedMode,
    /// How often new partitions are looked for; `None` for never.
    pub(crate) discovery: Option<Duration>,
}

impl SourceSettings {
    /// Reads and checks what belongs to a source. In `batch_mode` a read without an end stops at the latest offset.
    pub(crate) fn new(
        options: &TableOptions,
        properties: &TableProperties,
        batch_mode: bool,
    ) -> Result<Self, Error> {
        let startup = startup(options)?;
        let bounded = match bounded(options)? {
            BoundedMode::Unbounded if batch_mode => BoundedMode::LatestOffset,
            bounded => bounded,
        };
        let discovery = discovery(options, &bounded)?;
        check_group(options, properties, &startup, &bounded)?;
        Ok(Self { startup, bounded, discovery })
    }
}

fn startup(options: &TableOptions) -> Result<StartupMode, Error> {
    Ok(match options.choice(SCAN_STARTUP_MODE)?.as_deref() {
        Some("earliest-offset") => StartupMode::EarliestOffset,
        Some("latest-offset") => StartupMode::LatestOffset,
        Some("timestamp") => {
            let timestamp = options.integer(SCAN_STARTUP_TIMESTAMP_MILLIS, 0)?;
            let missing = || required(SCAN_STARTUP_TIMESTAMP_MILLIS, "timestamp", "startup");
            StartupMode::Timestamp(timestamp.ok_or_else(missing)?)
        }
        Some("specific-offsets") => {
            let offsets = options.offsets(SCAN_STARTUP_SPECIFIC_OFFSETS)?;
            let missing = || required(SCAN_STARTUP_SPECIFIC_OFFSETS, "specific-offsets", "startup");
            check_single_topic(options)?;
            StartupMode::SpecificOffsets(offsets.ok_or_else(missing)?)
        }
        _ => StartupMode::GroupOffsets,
    })
}

fn bounded(options: &TableOptions) -> Result<BoundedMode, Error> {
    Ok(match options.choice(SCAN_BOUNDED_MODE)?.as_deref() {
        Some("group-offsets") => BoundedMode::GroupOffsets,
        Some("latest-offset") => BoundedMode::LatestOffset,
        Some("timestamp") => {
            let timestamp = options.integer(SCAN_BOUNDED_TIMESTAMP_MILLIS, 0)?;
            let missing = || required(SCAN_BOUNDED_TIMESTAMP_MILLIS, "timestamp", "bounded");
            BoundedMode::Timestamp(timestamp.ok_or_else(missing)?)
        }
        Some("specific-offsets") => {
            let offsets = options.offsets(SCAN_BOUNDED_SPECIFIC_OFFSETS)?;
            let missing = || required(SCAN_BOUNDED_SPECIFIC_OFFSETS, "specific-offsets", "bounded");
            check_single_topic(options)?;
            BoundedMode::SpecificOffsets(offsets.ok_or_else(missing)?)
        }
        _ => BoundedMode::Unbounded,
    })
}

fn required(option: &str, mode: &str, which: &str) -> Error {
    Error::option(format!("'{option}' is required in '{mode}' {which} mode but missing."))
}

fn check_single_topic(options: &TableOptions) -> Result<(), Error> {
    if options.list(TOPIC)?.is_some_and(|topics| topics.len() == 1) {
        return Ok(());
    }
    Err(Error::option("Currently Kafka source only supports specific offset for single topic."))
}

/// A read with an end has the partitions that there were when it began.
fn discovery(options: &TableOptions, bounded: &BoundedMode) -> Result<Option<Duration>, Error> {
    let name = SCAN_TOPIC_PARTITION_DISCOVERY_INTERVAL;
    let interval = options.get(name).map(|given| value::duration(name, given)).transpose()?;
    Ok(interval.filter(|interval| !bounded.is_bounded() && !interval.is_zero()))
}

fn check_group(
    options: &TableOptions,
    properties: &TableProperties,
    startup: &StartupMode,
    bounded: &BoundedMode,
) -> Result<(), Error> {
    let has_group = properties.group()?.is_some();
    if *startup == StartupMode::GroupOffsets {
        properties.check_offset_reset()?;
        if has_group {
            return Err(Error::unsupported(SCAN_STARTUP_MODE, "group-offsets"));
        }
        return Err(group_required(options.given(SCAN_STARTUP_MODE)));
    }
    if *bounded == BoundedMode::GroupOffsets {
        if has_group {
            return Err(Error::unsupported(SCAN_BOUNDED_MODE, "group-offsets"));
        }
        return Err(Error::option(
            "Property group.id is required when using committed offset for offsets initializer: \
             'scan.bounded.mode' = 'group-offsets' needs 'properties.group.id'.",
        ));
    }
    properties.check_commit()
}

fn group_required(given: Option<&str>) -> Error {
    let why = match given {
        Some(_) => "'scan.startup.mode' = 'group-offsets' starts",
        None => "without 'scan.startup.mode' reading starts",
    };
    Error::option(format!(
        "Property group.id is required when using committed offset for offsets initializer: \
         {why} at the offsets of a consumer group. Set 'properties.group.id', \
         or another start such as 'scan.startup.mode' = 'earliest-offset'."
    ))
}

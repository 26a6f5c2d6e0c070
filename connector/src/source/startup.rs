//! Where reading starts.

use std::collections::BTreeMap;
use std::fmt;

use kavka_client::protocol::{Offset, Timestamp};

use crate::error::Error;
use crate::options::table::SCAN_STARTUP_SPECIFIC_OFFSETS;

/// `scan.startup.mode` with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupMode {
    /// The first record there is.
    EarliestOffset,
    /// Where the consumer group stands.
    GroupOffsets,
    /// Behind the last record there is when the statement starts to run.
    LatestOffset,
    /// The given offsets by partition, negative ones as Flink means them; elsewhere where the group stands.
    SpecificOffsets(BTreeMap<i32, Offset>),
    /// The first record with this timestamp or a later one.
    Timestamp(Timestamp),
}

/// Where one partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    At(Offset),
    Earliest,
    Latest,
    Timestamp(Timestamp),
}

impl StartupMode {
    /// `auto.offset.reset` under this mode: where to go on when the offset to read next does not exist.
    pub(crate) fn offset_reset(&self) -> &'static str {
        match self {
            Self::EarliestOffset | Self::SpecificOffsets(_) => "earliest",
            Self::LatestOffset | Self::Timestamp(_) => "latest",
            Self::GroupOffsets => "none",
        }
    }

    /// Where `partition` of `topic` starts, for a reader in `group`.
    pub(super) fn start(
        &self,
        topic: &str,
        partition: i32,
        group: Option<&str>,
    ) -> Result<Start, Error> {
        match self {
            Self::EarliestOffset => Ok(Start::Earliest),
            Self::LatestOffset => Ok(Start::Latest),
            Self::Timestamp(timestamp) => Ok(Start::Timestamp(*timestamp)),
            Self::GroupOffsets => Err(Error::unsupported("scan.startup.mode", "group-offsets")),
            Self::SpecificOffsets(offsets) => match (offsets.get(&partition), group) {
                (Some(offset), _) => start_at(*offset, topic, partition, group),
                (None, None) => Ok(Start::Earliest),
                (None, Some(group)) => Err(unlisted(topic, partition, group)),
            },
        }
    }

    /// The partitions that are named.
    pub(super) fn listed(&self) -> impl Iterator<Item = i32> {
        let offsets = if let Self::SpecificOffsets(offsets) = self { Some(offsets) } else { None };
        offsets.into_iter().flat_map(|offsets| offsets.keys().copied())
    }
}

/// Flink's meaning of an offset that was written down, negative ones included.
fn start_at(
    offset: Offset,
    topic: &str,
    partition: i32,
    group: Option<&str>,
) -> Result<Start, Error> {
    match (offset, group) {
        (0.., _) => Ok(Start::At(offset)),
        (-1, _) => Ok(Start::Latest),
        (-2, _) => Ok(Start::Earliest),
        (-3, None) => Err(Error::option(format!(
            "Property group.id is required because partition {topic}-{partition} is initialized with committed offset"
        ))),
        (-3, Some(_)) => Err(Error::unsupported(
            SCAN_STARTUP_SPECIFIC_OFFSETS,
            format_args!("partition:{partition},offset:-3"),
        )),
        _ => Err(Error::option(format!(
            "Invalid starting offset {offset} of partition {topic}-{partition}"
        ))),
    }
}

/// With a group the partition may have a committed offset, and starting elsewhere would lose or repeat records.
fn unlisted(topic: &str, partition: i32, group: &str) -> Error {
    let message = format!(
        "unsupported: scan.startup.mode=specific-offsets with partition {topic}-{partition} not listed, \
         which starts at the committed offset of group '{group}'. List it in \
         '{SCAN_STARTUP_SPECIFIC_OFFSETS}' (-2 is its earliest offset), or remove 'properties.group.id'"
    );
    Error::new(crate::error::ErrorKind::Unsupported, message)
}

impl fmt::Display for StartupMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EarliestOffset => f.write_str("earliest-offset"),
            Self::GroupOffsets => f.write_str("group-offsets"),
            Self::LatestOffset => f.write_str("latest-offset"),
            Self::SpecificOffsets(_) => f.write_str("specific-offsets"),
            Self::Timestamp(timestamp) => write!(f, "timestamp {timestamp}"),
        }
    }
}

//! Where reading ends.

use std::collections::BTreeMap;
use std::fmt;

use kavka_client::protocol::{Offset, Timestamp};

use crate::error::Error;
use crate::options::table::SCAN_BOUNDED_SPECIFIC_OFFSETS;

/// `scan.bounded.mode` with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundedMode {
    /// Where the consumer group stands.
    GroupOffsets,
    /// Behind the last record there is when the statement starts to run.
    LatestOffset,
    /// The given offsets by partition; partitions not listed are not read.
    SpecificOffsets(BTreeMap<i32, Offset>),
    /// Before the first record with this timestamp or a later one.
    Timestamp(Timestamp),
    /// Never.
    Unbounded,
}

/// Where one partition stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    At(Offset),
    Latest,
    Never,
    Timestamp(Timestamp),
}

impl BoundedMode {
    /// Whether reading ends.
    pub fn is_bounded(&self) -> bool {
        *self != Self::Unbounded
    }

    /// Where `partition` of `topic` stops, for a reader in `group`; `None` when it is not read at all.
    pub(super) fn stop(
        &self,
        topic: &str,
        partition: i32,
        group: Option<&str>,
    ) -> Result<Option<Stop>, Error> {
        match self {
            Self::GroupOffsets => Err(Error::unsupported("scan.bounded.mode", "group-offsets")),
            Self::LatestOffset => Ok(Some(Stop::Latest)),
            Self::Timestamp(timestamp) => Ok(Some(Stop::Timestamp(*timestamp))),
            Self::Unbounded => Ok(Some(Stop::Never)),
            Self::SpecificOffsets(offsets) => {
                let Some(offset) = offsets.get(&partition) else { return Ok(None) };
                stop_at(*offset, topic, partition, group).map(Some)
            }
        }
    }

    /// The partitions that are named.
    pub(super) fn listed(&self) -> impl Iterator<Item = i32> {
        let offsets = if let Self::SpecificOffsets(offsets) = self { Some(offsets) } else { None };
        offsets.into_iter().flat_map(|offsets| offsets.keys().copied())
    }
}

/// Flink's meaning of an offset that was written down, negative ones included.
fn stop_at(
    offset: Offset,
    topic: &str,
    partition: i32,
    group: Option<&str>,
) -> Result<Stop, Error> {
    match (offset, group) {
        (0.., _) => Ok(Stop::At(offset)),
        (-1, _) => Ok(Stop::Latest),
        (-3, None) => Err(Error::option(format!(
            "Property group.id is required because partition {topic}-{partition} stops at committed offset"
        ))),
        (-3, Some(_)) => Err(Error::unsupported(
            SCAN_BOUNDED_SPECIFIC_OFFSETS,
            format_args!("partition:{partition},offset:-3"),
        )),
        _ => Err(Error::option(format!(
            "Invalid stopping offset {offset} of partition {topic}-{partition}"
        ))),
    }
}

impl fmt::Display for BoundedMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GroupOffsets => f.write_str("group-offsets"),
            Self::LatestOffset => f.write_str("latest-offset"),
            Self::SpecificOffsets(_) => f.write_str("specific-offsets"),
            Self::Timestamp(timestamp) => write!(f, "timestamp {timestamp}"),
            Self::Unbounded => f.write_str("unbounded"),
        }
    }
}

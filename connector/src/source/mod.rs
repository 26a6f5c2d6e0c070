//! Reading: from startup and bounded modes to splits, and from splits to record batches.

mod assembler;
mod bounded;
mod enumerator;
mod reader;
mod split;
mod startup;

use std::collections::BTreeSet;
use std::time::Duration;

use kavka_client::protocol::TopicPartition;

pub(crate) use self::assembler::AssemblerSpec;
pub use self::bounded::BoundedMode;
pub(crate) use self::enumerator::{Enumerator, LedPartition, Subscription};
pub(crate) use self::reader::{BatchLimits, GoneTopic};
pub use self::reader::{PassedOver, SourceBatch, SourceProgress, SourceReader};
pub use self::split::Split;
pub use self::startup::StartupMode;

/// How a statement reads a table, beside what the table says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// `execution.runtime-mode` is `batch`: a table without an end is read up to its latest offsets.
    pub batch_mode: bool,
}

/// What reading a table comes to, with offsets as they were when it was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePlan {
    /// One for each partition that is read, in the order of the topics and partitions. No topic that matches has none.
    pub splits: Vec<Split>,
    /// Whether every split has an end.
    pub is_bounded: bool,
    /// Where reading starts.
    pub startup: StartupMode,
    /// Where reading ends.
    pub bounded: BoundedMode,
    /// The partitions of the topics, read or not, and how often to look for others.
    pub discovery: Option<Discovery>,
}

/// How a read without an end learns of partitions that are added to its topics, and of topics that come to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// How long to wait before looking, each time.
    pub interval: Duration,
    /// The partitions that are known already.
    pub known: BTreeSet<TopicPartition>,
}

/// What one reader reads, and in which portions.
#[derive(Clone, Debug)]
pub struct ReaderSpec {
    /// Read by this reader alone.
    pub splits: Vec<Split>,
    /// The columns to read, as indices into the table's schema.
    pub projection: Vec<usize>,
    /// The most rows of one batch.
    pub batch_size: usize,
    /// About how many payload bytes make a batch that is handed out before it has all its rows.
    pub batch_bytes: usize,
    /// Whether the read is to end: every split must have a stop.
    pub is_bounded: bool,
}

impl Default for ReaderSpec {
    fn default() -> Self {
        Self {
            splits: Vec::new(),
            projection: Vec::new(),
            batch_size: 8192,
            batch_bytes: 16 << 20,
            is_bounded: false,
        }
    }
}

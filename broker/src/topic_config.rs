//! Settings of a topic: what is accepted when one is created, and what has an effect.

use kavka_protocol::{Timestamp, TimestampType};

/// The settings of a topic that make a difference here.
#[derive(Debug, Clone)]
pub(crate) struct TopicConfig {
    /// Whether `cleanup.policy` names compaction. Nothing is compacted, but every record needs a key.
    pub(crate) is_compacted: bool,
    pub(crate) timestamp_type: TimestampType,
    /// How many milliseconds a producer's clock may be ahead of the broker's.
    pub(crate) timestamp_after_max: Timestamp,
    /// How many milliseconds ago a record may have been made.
    pub(crate) timestamp_before_max: Timestamp,
    pub(crate) max_message_bytes: usize,
    /// How much each partition keeps; `None` leaves it to the cluster.
    pub(crate) retention_bytes: Option<u64>,
    /// What was set when the topic was created, as it was written.
    pub(crate) given: Vec<(String, String)>,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            is_compacted: false,
            timestamp_type: TimestampType::CreateTime,
            timestamp_after_max: HOUR,
            timestamp_before_max: Timestamp::MAX,
            max_message_bytes: MAX_MESSAGE_BYTES,
            retention_bytes: None,
            given: Vec::new(),
        }
    }
}

impl TopicConfig {
    /// Applies one setting; the error says what is wrong with it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.apply(name, value)?;
        self.given.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn apply(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |expected: &str| {
            format!("Invalid value {value} for configuration {name}: expected {expected}")
        };
        let milliseconds = || {
            let parsed = value.parse().ok().filter(|milliseconds| *milliseconds >= 0);
            parsed.ok_or_else(|| wrong("a number of milliseconds"))
        };
        match name {
            "cleanup.policy" => self.is_compacted = names_compaction(value).map_err(wrong)?,
            "max.message.bytes" => {
                self.max_message_bytes = value.parse().map_err(|_| wrong("a number of bytes"))?;
            }
            "message.timestamp.after.max.ms" => self.timestamp_after_max = milliseconds()?,
            "message.timestamp.before.max.ms" => self.timestamp_before_max = milliseconds()?,
            "message.timestamp.type" => {
                self.timestamp_type = match value {
                    "CreateTime" => TimestampType::CreateTime,
                    "LogAppendTime" => TimestampType::LogAppendTime,
                    _ => return Err(wrong("CreateTime or LogAppendTime")),
                };
            }
            "retention.bytes" => {
                let bytes: i64 = value.parse().map_err(|_| wrong("a number of bytes or -1"))?;
                self.retention_bytes = u64::try_from(bytes).ok();
            }
            name if WITHOUT_EFFECT.contains(&name) => tracing::warn!(
                name,
                value,
                "this topic setting has no effect on the in-process broker"
            ),
            name => return Err(format!("Unknown topic config name: {name}")),
        }
        Ok(())
    }
}

/// Whether `cleanup.policy` asks for compaction; the error is what was expected.
fn names_compaction(policies: &str) -> Result<bool, &'static str> {
    let mut is_compacted = false;
    for policy in policies.split(',') {
        match policy.trim() {
            "compact" => is_compacted = true,
            "delete" => {}
            _ => return Err("compact, delete or both"),
        }
    }
    if is_compacted {
        tracing::warn!(
            "the in-process broker does not compact: a topic with cleanup.policy=compact keeps every \
             record, up to the retention, and refuses records without a key as Kafka does"
        );
    }
    Ok(is_compacted)
}

/// Kafka's default of `max.message.bytes`: one mebibyte and the overhead of a batch.
const MAX_MESSAGE_BYTES: usize = 1_048_588;

/// Kafka's default of `message.timestamp.after.max.ms`.
const HOUR: Timestamp = 3_600_000;

/// Kafka's other topic settings, about disks, replicas or times that do not exist here.
const WITHOUT_EFFECT: &[&str] = &[
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "max.compaction.lag.ms",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

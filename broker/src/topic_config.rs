//! Settings of a topic: what is accepted when one is created, and what has an effect.

use kavka_protocol::TimestampType;

/// The settings of a topic that make a difference here.
#[derive(Debug, Clone)]
pub(crate) struct TopicConfig {
    pub(crate) timestamp_type: TimestampType,
    pub(crate) max_message_bytes: usize,
    /// How much each partition keeps; `None` leaves it to the cluster.
    pub(crate) retention_bytes: Option<u64>,
    /// What was set when the topic was created, as it was written.
    pub(crate) given: Vec<(String, String)>,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            timestamp_type: TimestampType::CreateTime,
            max_message_bytes: MAX_MESSAGE_BYTES,
            retention_bytes: None,
            given: Vec::new(),
        }
    }
}

impl TopicConfig {
    /// Applies one setting; the error says what is wrong with it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |expected: &str| {
            format!("Invalid value {value} for configuration {name}: expected {expected}")
        };
        match name {
            "cleanup.policy" => {
                let known =
                    value.split(',').all(|policy| matches!(policy.trim(), "compact" | "delete"));
                known.then_some(()).ok_or_else(|| wrong("compact, delete or both"))?;
            }
            "max.message.bytes" => {
                self.max_message_bytes = value.parse().map_err(|_| wrong("a number of bytes"))?;
            }
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
            name if WITHOUT_EFFECT.contains(&name) => {
                tracing::warn!(
                    name,
                    value,
                    "this topic setting has no effect on the in-process broker"
                );
            }
            name => return Err(format!("Unknown topic config name: {name}")),
        }
        self.given.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// Kafka's default of `max.message.bytes`: one mebibyte and the overhead of a batch.
const MAX_MESSAGE_BYTES: usize = 1_048_588;

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
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
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

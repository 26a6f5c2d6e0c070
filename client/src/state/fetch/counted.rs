//! What is counted of a partition while it is read, and what became of it: how far it is, and how far
//! that is from both ends of the log.

use std::collections::BTreeMap;

use kavka_protocol::{Offset, TopicPartition};

use super::Fetcher;
use super::contents::Contents;
use super::positions::Position;
use crate::stats::{Consumed, ConsumedStats, ConsumerCounts, Counted};

impl Position {
    /// Where this partition is counted.
    pub(super) fn counted(
        &mut self,
        partition: &TopicPartition,
        counts: &mut ConsumerCounts,
    ) -> &Counted {
        self.counted.get_or_insert_with(|| counts.of(partition))
    }

    /// A broker has said where the log begins, if it did, and where it may not be read any further.
    pub(super) fn note_log(
        &mut self,
        partition: &TopicPartition,
        log_start: Option<Offset>,
        log_end: Option<Offset>,
        counts: &mut ConsumerCounts,
    ) {
        self.log_start = log_start.or(self.log_start);
        self.log_end = log_end;
        let lag = self.lag();
        self.counted(partition, counts).tell_lag(lag);
    }

    /// `contents` is handed out, and the position behind it.
    pub(super) fn note_handout(
        &mut self,
        partition: &TopicPartition,
        contents: &Contents,
        counts: &mut ConsumerCounts,
    ) {
        let (position, lag) = (self.delivered(), self.lag());
        let counted = self.counted(partition, counts);
        counted.note_records(contents.records, contents.batches, contents.bytes);
        counted.tell_lag(lag);
        counted.tell_position(position);
    }

    /// How many offsets are left to be read, as of the last answer.
    pub(super) fn lag(&self) -> Option<u64> {
        Some(distance(self.delivered()?, self.log_end?))
    }

    /// How many offsets of the log lie before the position, as of the last answer.
    fn lead(&self) -> Option<u64> {
        Some(distance(self.log_start?, self.delivered()?))
    }
}

impl Fetcher {
    /// What was read so far, by partition: those that are assigned, and those that were.
    pub(crate) fn consumed(&self) -> Vec<ConsumedStats> {
        let assigned = self.positions.iter().map(|(partition, position)| {
            let stats = ConsumedStats {
                position: position.delivered(),
                lag: position.lag(),
                lead: position.lead(),
                ..ConsumedStats::of(partition)
            };
            (partition, stats)
        });
        let mut stats: BTreeMap<_, _> = assigned.collect();
        for (partition, consumed) in self.counts.iter() {
            stats.entry(partition).or_insert_with(|| ConsumedStats::of(partition)).consumed =
                consumed;
        }
        stats.into_values().collect()
    }

    /// What was read so far of partitions that are not among these any more.
    pub(crate) fn consumed_earlier(&self) -> Consumed {
        self.counts.earlier()
    }
}

/// How far `to` lies behind `from`.
pub(super) fn distance(from: Offset, to: Offset) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or(0)
}

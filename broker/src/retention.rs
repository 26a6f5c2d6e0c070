//! What bounds the cluster's memory: all segments by age, and how much they hold together.

use std::collections::VecDeque;

use kavka_protocol::{Offset, TopicPartition};

/// The segments of all logs, the oldest first.
#[derive(Debug)]
pub(crate) struct Retention {
    limit: u64,
    held: u64,
    segments: VecDeque<(TopicPartition, Offset)>,
}

impl Retention {
    /// Keeps at most `limit` bytes, or a single segment if that is larger.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, held: 0, segments: VecDeque::new() }
    }

    /// Notes that a log has opened a segment.
    pub(crate) fn opened(&mut self, log: TopicPartition, base_offset: Offset, allocated: usize) {
        self.held += allocated as u64;
        self.segments.push_back((log, base_offset));
    }

    /// Notes that memory was freed.
    pub(crate) fn freed(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes as u64);
    }

    /// Notes that a topic was deleted, which freed `bytes`.
    pub(crate) fn forget_topic(&mut self, topic: &str, bytes: usize) {
        self.freed(bytes);
        self.segments.retain(|(log, _)| &*log.topic != topic);
    }

    /// The segment to give up next; `None` while there is no need, or only one is left.
    ///
    /// It may be gone already, for reasons of its own log.
    pub(crate) fn poll_oldest(&mut self) -> Option<(TopicPartition, Offset)> {
        if self.held <= self.limit || self.segments.len() < 2 {
            return None;
        }
        self.segments.pop_front()
    }

    /// How much memory all logs have taken.
    #[cfg(test)]
    pub(crate) fn held(&self) -> u64 {
        self.held
    }
}

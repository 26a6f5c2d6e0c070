//! [`QueryProgress`]: how far a running statement is, for whoever watches it, and the way to end an INSERT.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kavka_connector::PassedOver;
use kavka_connector::client::protocol::TopicPartition;
use tokio::sync::watch;

/// Counters that the scans and sinks of one statement keep while it runs.
///
/// They are independent of one another: two of them read together may be a batch apart.
#[derive(Debug, Default)]
pub struct QueryProgress {
    rows_read: AtomicU64,
    bytes_read: AtomicU64,
    offsets_read: AtomicU64,
    rows_written: AtomicU64,
    bytes_written: AtomicU64,
    /// One more than the offsets to read; 0 while there is no such number.
    total: AtomicU64,
    passed_over: Mutex<BTreeMap<TopicPartition, u64>>,
    /// Whether the writers are to end before their input does.
    is_ending: watch::Sender<bool>,
}

impl QueryProgress {
    /// Rows decoded, before any filter.
    pub fn rows_read(&self) -> u64 {
        self.rows_read.load(Relaxed)
    }

    /// Payload bytes decoded.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Relaxed)
    }

    /// How many offsets the scans have passed, gaps included.
    pub fn offsets_read(&self) -> u64 {
        self.offsets_read.load(Relaxed)
    }

    /// Rows that the sinks have accepted; they are acknowledged when the statement ends without an error.
    pub fn rows_written(&self) -> u64 {
        self.rows_written.load(Relaxed)
    }

    /// Payload bytes that the sinks have accepted.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Relaxed)
    }

    /// How many offsets there are to read; `None` for a statement that reads without an end.
    pub fn total(&self) -> Option<u64> {
        self.total.load(Relaxed).checked_sub(1)
    }

    /// How many offsets of each partition were to be read and no longer there, mostly because retention had deleted
    /// them: the result lacks their records. Partitions without any are left out.
    pub fn passed_over(&self) -> Vec<(TopicPartition, u64)> {
        self.lost().iter().map(|(tp, offsets)| (tp.clone(), *offsets)).collect()
    }

    /// Asks the writers of an INSERT to end as if their input ended now.
    ///
    /// The statement's stream then gives the number of rows written, once all of them are acknowledged, as it does at
    /// the end of an input.
    pub fn end_insert(&self) {
        self.is_ending.send_replace(true);
    }

    /// Resolves when [`end_insert`](Self::end_insert) has been called.
    pub(crate) async fn insert_is_ending(&self) {
        // There is always a sender: it is here.
        let _ = self.is_ending.subscribe().wait_for(|is_ending| *is_ending).await;
    }

    pub(crate) fn add_passed_over(&self, passed_over: Vec<PassedOver>) {
        for PassedOver { topic_partition, offsets } in passed_over {
            *self.lost().entry(topic_partition).or_default() += offsets;
        }
    }

    fn lost(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, u64>> {
        // The map is whole between any two operations on it.
        self.passed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_total(&self, offsets: u64) {
        self.total.store(offsets.saturating_add(1), Relaxed);
    }

    pub(crate) fn add_read(&self, rows: u64, bytes: u64, offsets: u64) {
        self.rows_read.fetch_add(rows, Relaxed);
        self.bytes_read.fetch_add(bytes, Relaxed);
        self.offsets_read.fetch_add(offsets, Relaxed);
    }

    pub(crate) fn add_written(&self, rows: u64, bytes: u64) {
        self.rows_written.fetch_add(rows, Relaxed);
        self.bytes_written.fetch_add(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_without_an_end_has_no_total() {
        let progress = QueryProgress::default();
        assert_eq!(progress.total(), None);
        progress.set_total(0);
        assert_eq!(progress.total(), Some(0));
    }

    #[test]
    fn what_was_passed_over_is_added_up_by_partition() {
        let progress = QueryProgress::default();
        let passed_over = |partition, offsets| {
            let topic_partition = TopicPartition::new("orders", partition);
            PassedOver { topic_partition, offsets }
        };
        progress.add_passed_over(vec![passed_over(1, 5), passed_over(0, 2)]);
        progress.add_passed_over(vec![passed_over(1, 3)]);
        let expected =
            [(0, 2), (1, 8)].map(|(p, offsets)| (TopicPartition::new("orders", p), offsets));
        assert_eq!(progress.passed_over(), expected);
    }
}

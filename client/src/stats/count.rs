//! [`Count`]: a number that only grows, for snapshots and for the application's recorder; [`Level`]: one
//! that goes up and down, for the recorder alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kavka_protocol::TopicPartition;
use metrics::{Counter, Gauge, Label};

/// A number that only grows. Nothing is decided by it, so that it is never waited for.
#[derive(Debug)]
pub(crate) struct Count {
    counted: AtomicU64,
    told: Counter,
}

/// A number that goes up and down.
#[derive(Debug)]
pub(crate) struct Level(Gauge);

/// What distinguishes the numbers of one name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(Vec<Label>);

impl Count {
    /// Begins at zero; `name` is one of [`COUNTERS`](super::COUNTERS).
    pub(crate) fn new(name: &'static str, labels: &Labels) -> Self {
        Self { counted: AtomicU64::new(0), told: metrics::counter!(name, labels.0.clone()) }
    }

    pub(crate) fn add(&self, more: usize) {
        let more = more as u64;
        self.counted.fetch_add(more, Ordering::Relaxed);
        self.told.increment(more);
    }

    pub(crate) fn add_millis(&self, more: Duration) {
        self.add(usize::try_from(more.as_millis()).unwrap_or(usize::MAX));
    }

    pub(crate) fn add_micros(&self, more: Duration) {
        self.add(usize::try_from(more.as_micros()).unwrap_or(usize::MAX));
    }

    pub(crate) fn get(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    pub(crate) fn get_millis(&self) -> Duration {
        Duration::from_millis(self.get())
    }
}

impl Level {
    /// Nothing is told yet; `name` is one of [`GAUGES`](super::GAUGES).
    pub(crate) fn new(name: &'static str, labels: &Labels) -> Self {
        Self(metrics::gauge!(name, labels.0.clone()))
    }

    pub(crate) fn set(&self, level: f64) {
        self.0.set(level);
    }
}

impl Labels {
    /// Those of everything that one client does.
    pub(crate) fn of_client(client_id: &str) -> Self {
        Self::default().with("client_id", client_id)
    }

    /// These and the partition.
    pub(crate) fn of_partition(&self, partition: &TopicPartition) -> Self {
        self.with("topic", &*partition.topic).with("partition", partition.partition)
    }

    /// These and one more.
    pub(crate) fn with(&self, name: &'static str, value: impl ToString) -> Self {
        let mut labels = self.0.clone();
        labels.push(Label::new(name, value.to_string()));
        Self(labels)
    }
}

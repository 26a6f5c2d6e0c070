//! What a producer does, by partition.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kavka_protocol::{PartitionBatch, TopicPartition};

use super::count::{Count, Labels};

/// What a [`Producer`](crate::Producer) has done so far, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerStats {
    /// By partition, ascending.
    pub partitions: Vec<ProducedStats>,
    /// Bytes of `buffer.memory` that are in use.
    pub buffered_bytes: usize,
    /// Batches that are neither acknowledged nor given up.
    pub batches: usize,
}

/// What a producer has done so far with one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducedStats {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// Records that were acknowledged as `acks` demands.
    pub records: u64,
    /// Records that were given up.
    pub failed_records: u64,
    /// Batches that were sent, each counted once.
    pub batches: u64,
    /// Batches that were sent once more.
    pub retries: u64,
    /// The size of batches as they were sent, every time that they were.
    pub bytes: u64,
    /// For how long batches waited from their first record until they were first sent, all together.
    pub queue_time: Duration,
}

/// The counts behind [`ProducerStats`].
pub(crate) struct ProducerCounts {
    labels: Labels,
    partitions: Mutex<BTreeMap<TopicPartition, PartitionCounts>>,
}

struct PartitionCounts {
    records: Count,
    failed_records: Count,
    batches: Count,
    retries: Count,
    bytes: Count,
    queue_micros: Count,
}

impl ProducerStats {
    /// How many records were acknowledged.
    pub fn records(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.records).sum()
    }
}

impl ProducerCounts {
    pub(crate) fn new(client_id: &str) -> Self {
        Self { labels: Labels::of_client(client_id), partitions: Mutex::default() }
    }

    /// These batches are being sent, those with a time for the first time, after waiting so long.
    pub(crate) fn note_sent(&self, batches: &[PartitionBatch], waited: &[Option<Duration>]) {
        for (batch, waited) in batches.iter().zip(waited) {
            self.with(&batch.topic_partition, |counts| {
                counts.bytes.add(batch.records.len());
                match waited {
                    Some(waited) => {
                        counts.batches.add(1);
                        counts.queue_micros.add_micros(*waited);
                    }
                    None => counts.retries.add(1),
                }
            });
        }
    }

    /// The fate of so many records is known.
    pub(crate) fn note_settled(
        &self,
        partition: &TopicPartition,
        records: usize,
        is_acknowledged: bool,
    ) {
        self.with(partition, |counts| match is_acknowledged {
            true => counts.records.add(records),
            false => counts.failed_records.add(records),
        });
    }

    pub(crate) fn snapshot(&self) -> Vec<ProducedStats> {
        let partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        partitions.iter().map(|(partition, counts)| counts.snapshot(partition)).collect()
    }

    fn with(&self, partition: &TopicPartition, count: impl FnOnce(&PartitionCounts)) {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        match partitions.get(partition) {
            Some(counts) => count(counts),
            None => count(
                partitions
                    .entry(partition.clone())
                    .or_insert_with(|| PartitionCounts::new(&self.labels.of_partition(partition))),
            ),
        }
    }
}

impl PartitionCounts {
    fn new(labels: &Labels) -> Self {
        Self {
            records: Count::new("kavka_produced_records_total", labels),
            failed_records: Count::new("kavka_produce_failed_records_total", labels),
            batches: Count::new("kavka_produced_batches_total", labels),
            retries: Count::new("kavka_produce_retries_total", labels),
            bytes: Count::new("kavka_produced_bytes_total", labels),
            queue_micros: Count::new("kavka_produce_queue_microseconds_total", labels),
        }
    }

    fn snapshot(&self, partition: &TopicPartition) -> ProducedStats {
        ProducedStats {
            topic_partition: partition.clone(),
            records: self.records.get(),
            failed_records: self.failed_records.get(),
            batches: self.batches.get(),
            retries: self.retries.get(),
            bytes: self.bytes.get(),
            queue_time: Duration::from_micros(self.queue_micros.get()),
        }
    }
}

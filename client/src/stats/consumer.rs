//! What a consumer reads, by partition, and what it takes of its memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use kavka_protocol::{Offset, TopicPartition};

use super::count::{Count, Labels, Level};
use super::fetches::FetchStats;

/// What a [`Consumer`](crate::Consumer) has read so far, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// By partition, ascending: what is assigned, and what was.
    pub partitions: Vec<ConsumedStats>,
    /// What was read of partitions that are neither assigned nor among [`partitions`](Self::partitions)
    /// any more: those that are not assigned leave it when there are a thousand others.
    pub earlier: Consumed,
    /// By broker, ascending.
    pub brokers: Vec<FetchStats>,
    /// What is taken of the memory at this moment.
    pub prefetch: PrefetchStats,
}

/// How far a consumer has read one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumedStats {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// The next offset to be handed out; `None` until a symbolic start is resolved, and where the
    /// partition is not assigned any more.
    pub position: Option<Offset>,
    /// How many offsets lie between the position and the end of what may be read, as of the last answer:
    /// the high watermark, or under `read_committed` the last stable offset (Java's `records-lag`).
    pub lag: Option<u64>,
    /// How many offsets lie between the beginning of the log and the position, as of the last answer: when
    /// they come to nothing, retention may delete what was not read (Java's `records-lead`).
    pub lead: Option<u64>,
    /// What was read of it.
    pub consumed: Consumed,
}

/// What polls have handed out so far, and what kept them from it.
///
/// As in Java, what was fetched and then dropped, because the position was moved or the partition
/// taken away, does not count, and neither do markers of transactions and, under `read_committed`, the
/// records of aborted ones. What was handed out does count, whether or not the application looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consumed {
    /// Records (Java's `records-consumed-total`), as the headers of their batches count them: all that may
    /// have come out, where reading began inside of a batch that compaction has thinned out, and of
    /// compressed messages of the formats 0 and 1.
    pub records: u64,
    /// Batches. One that is handed out in parts is counted with the first.
    pub batches: u64,
    /// The size of these batches as they came over the wire, compressed. (Java's `bytes-consumed-total` is
    /// that of the records, not compressed.)
    pub bytes: u64,
    /// Errors about the partition that polls have returned.
    pub failures: u64,
    /// Positions that had to be left, see [`Fetch::resets`](crate::Fetch::resets).
    pub resets: u64,
    /// Offsets that were passed over thereby: what they held will not be handed out.
    pub passed_over: u64,
}

/// What a [`Consumer`](crate::Consumer) takes of `kavka.prefetch.bytes` at this moment, all in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrefetchStats {
    /// Its share of the budget: the consumers of one client have equal shares.
    pub budget_bytes: usize,
    /// What requests on their way may bring.
    pub in_flight_bytes: usize,
    /// What was fetched and waits to be handed out.
    pub buffered_bytes: usize,
    /// What was handed out and not dropped yet.
    pub held_bytes: usize,
}

/// The counts behind [`Consumed`], by partition.
#[derive(Debug)]
pub(crate) struct ConsumerCounts {
    labels: Labels,
    partitions: BTreeMap<TopicPartition, Arc<ConsumedCounts>>,
    /// How many partitions there may be before those that are not assigned are added up.
    room: usize,
    earlier: Consumed,
}

/// Where what is read of one assigned partition is counted.
#[derive(Debug)]
pub(crate) struct Counted {
    counts: Arc<ConsumedCounts>,
    lag: Level,
    position: Level,
}

#[derive(Debug)]
struct ConsumedCounts {
    records: Count,
    batches: Count,
    bytes: Count,
    failures: Count,
    resets: Count,
    passed_over: Count,
}

impl ConsumerStats {
    /// What was read of all partitions together, of those that are not assigned any more, too.
    pub fn total(&self) -> Consumed {
        let partitions = self.partitions.iter().map(|partition| partition.consumed);
        partitions.fold(self.earlier, Consumed::plus)
    }

    /// What was read of one partition.
    pub fn partition(&self, topic_partition: &TopicPartition) -> Option<&ConsumedStats> {
        let found =
            self.partitions.binary_search_by(|one| one.topic_partition.cmp(topic_partition));
        self.partitions.get(found.ok()?)
    }
}

impl ConsumedStats {
    /// Nothing yet.
    pub(crate) fn of(topic_partition: &TopicPartition) -> Self {
        let (topic_partition, consumed) = (topic_partition.clone(), Consumed::default());
        Self { topic_partition, position: None, lag: None, lead: None, consumed }
    }
}

impl Consumed {
    fn plus(self, more: Self) -> Self {
        Self {
            records: self.records + more.records,
            batches: self.batches + more.batches,
            bytes: self.bytes + more.bytes,
            failures: self.failures + more.failures,
            resets: self.resets + more.resets,
            passed_over: self.passed_over + more.passed_over,
        }
    }
}

impl PrefetchStats {
    /// What is taken, for whatever purpose. It exceeds the budget where one batch does, where batches are
    /// opened to be handed out in parts, and while everything that was fetched is of paused partitions.
    pub fn used_bytes(&self) -> usize {
        self.in_flight_bytes.saturating_add(self.buffered_bytes).saturating_add(self.held_bytes)
    }
}

impl ConsumerCounts {
    pub(crate) fn new(client_id: &str) -> Self {
        let (labels, partitions) = (Labels::of_client(client_id), BTreeMap::new());
        Self { labels, partitions, room: KEPT, earlier: Consumed::default() }
    }

    /// Where `partition` is counted from now on, as long as what is returned lives; it goes on where it
    /// was before.
    pub(crate) fn of(&mut self, partition: &TopicPartition) -> Counted {
        let labels = self.labels.of_partition(partition);
        let counts = match self.partitions.get(partition) {
            Some(known) => Arc::clone(known),
            None => self.begin(partition, &labels),
        };
        let (lag, position) =
            (Level::new("kavka_records_lag", &labels), Level::new("kavka_position", &labels));
        Counted { counts, lag, position }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, Consumed)> {
        self.partitions.iter().map(|(partition, counts)| (partition, counts.snapshot()))
    }

    /// What belongs to no partition in particular any more.
    pub(crate) fn earlier(&self) -> Consumed {
        self.earlier
    }

    fn begin(&mut self, partition: &TopicPartition, labels: &Labels) -> Arc<ConsumedCounts> {
        if self.partitions.len() >= self.room {
            self.add_up();
        }
        let counts = Arc::new(ConsumedCounts::new(labels));
        self.partitions.insert(partition.clone(), Arc::clone(&counts));
        counts
    }

    /// Forgets which partitions it was that nobody is reading any more.
    fn add_up(&mut self) {
        let earlier = &mut self.earlier;
        self.partitions.retain(|_, counts| {
            let is_read = Arc::strong_count(counts) > 1;
            if !is_read {
                *earlier = earlier.plus(counts.snapshot());
            }
            is_read
        });
        self.room = self.partitions.len() + KEPT;
    }
}

impl Counted {
    /// A poll has handed these out.
    pub(crate) fn note_records(&self, records: usize, batches: usize, bytes: usize) {
        self.counts.records.add(records);
        self.counts.batches.add(batches);
        self.counts.bytes.add(bytes);
    }

    /// A poll has returned an error about it.
    pub(crate) fn note_failure(&self) {
        self.counts.failures.add(1);
    }

    /// The position had to be left, and so many offsets with it.
    pub(crate) fn note_reset(&self, passed_over: u64) {
        self.counts.resets.add(1);
        self.counts.passed_over.add(usize::try_from(passed_over).unwrap_or(usize::MAX));
    }

    pub(crate) fn tell_lag(&self, lag: Option<u64>) {
        if let Some(lag) = lag {
            self.lag.set(lag as f64);
        }
    }

    pub(crate) fn tell_position(&self, position: Option<Offset>) {
        if let Some(position) = position {
            self.position.set(position as f64);
        }
    }
}

impl Drop for Counted {
    /// Whoever reads the partition now has a lag of its own to tell.
    fn drop(&mut self) {
        self.lag.set(0.0);
    }
}

impl ConsumedCounts {
    fn new(labels: &Labels) -> Self {
        Self {
            records: Count::new("kavka_consumed_records_total", labels),
            batches: Count::new("kavka_consumed_batches_total", labels),
            bytes: Count::new("kavka_consumed_bytes_total", labels),
            failures: Count::new("kavka_consume_failures_total", labels),
            resets: Count::new("kavka_position_resets_total", labels),
            passed_over: Count::new("kavka_passed_over_offsets_total", labels),
        }
    }

    fn snapshot(&self) -> Consumed {
        Consumed {
            records: self.records.get(),
            batches: self.batches.get(),
            bytes: self.bytes.get(),
            failures: self.failures.get(),
            resets: self.resets.get(),
            passed_over: self.passed_over.get(),
        }
    }
}

/// How many partitions may be left and still be told apart: topics come and go for as long as a consumer
/// runs.
const KEPT: usize = 1000;

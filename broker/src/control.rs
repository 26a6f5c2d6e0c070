//! What is to go wrong: a script that tests write while the cluster runs.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use kavka_protocol::{ApiKey, BrokerId, ErrorCode, Offset, TopicPartition};

use crate::net::Shared;

/// When a connection is closed instead of an answer being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// The request is not looked at.
    BeforeApplying,
    /// The request is carried out, and its client does not learn of it.
    AfterApplying,
}

/// A handle on the running cluster for those who want to see how a client copes.
///
/// What is asked for takes effect on requests that arrive afterwards, whichever node they come to;
/// a Fetch that is already waiting goes on. Errors, delays and disconnections for one API queue up
/// independently of each other: a request takes the first of each.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next `times` requests of `key` are not carried out but answered with `error`, for
    /// everything they name.
    pub fn fail_next(&self, key: ApiKey, error: ErrorCode, times: usize) {
        self.script(|script| script.fail(key, error, times));
    }

    /// The next request of `key` ends its connection.
    pub fn disconnect_next(&self, key: ApiKey, when: Disconnect) {
        self.script(|script| script.disconnect(key, when));
    }

    /// The next request of `key` is carried out at once and answered only after `delay`.
    pub fn delay_next(&self, key: ApiKey, delay: Duration) {
        self.script(|script| script.delay(key, delay));
    }

    /// Makes `to` the leader of a partition, of a new epoch. Unknown partitions are passed over.
    pub fn move_leader(&self, partition: &TopicPartition, to: BrokerId) {
        self.shared.with(|cluster, _| {
            if let Some(partition) = cluster.partition_mut(&partition.topic, partition.partition) {
                partition.move_leader(to);
                cluster.changed();
            }
        });
    }

    /// Adds partitions until `topic` has `count`, as CreatePartitions does. Unknown topics are passed over.
    pub fn add_partitions(&self, topic: &str, count: usize) {
        self.shared.with(|cluster, _| cluster.add_partitions(topic, count));
    }

    /// Makes `to` the leader of a partition, of a new epoch, although it lacks the newest batches: those
    /// that reach beyond `end` are lost. Unknown partitions are passed over.
    pub fn elect_uncleanly(&self, partition: &TopicPartition, to: BrokerId, end: Offset) {
        self.shared.with(|cluster, _| {
            if let Some(partition) = cluster.partition_mut(&partition.topic, partition.partition) {
                let freed = partition.elect_uncleanly(to, end);
                cluster.retention.freed(freed);
                cluster.changed();
            }
        });
    }

    /// Deletes the records of a partition that lie before `offset`, as DeleteRecords does. Unknown
    /// partitions are passed over.
    pub fn delete_records_before(&self, partition: &TopicPartition, offset: Offset) {
        self.shared.with(|cluster, _| {
            if let Some(partition) = cluster.partition_mut(&partition.topic, partition.partition) {
                let freed = partition.log.delete_before(offset);
                cluster.retention.freed(freed);
                cluster.changed();
            }
        });
    }

    /// How many requests of `key` have arrived at all nodes together.
    pub fn requests(&self, key: ApiKey) -> usize {
        self.shared.with(|cluster, _| cluster.script.received(key))
    }

    /// How many bytes of record batches all nodes together have put into Fetch answers.
    pub fn fetched_bytes(&self) -> u64 {
        self.shared.with(|cluster, _| cluster.fetched_bytes)
    }

    /// Speaks `key` up to version `max` at most, as an older broker would; below the oldest version
    /// there is, not at all.
    pub fn api_versions(&self, key: ApiKey, max: i16) {
        self.script(|script| script.cap(key, max));
    }

    /// Has each node keep at most so many fetch sessions, as `max.incremental.fetch.session.cache.slots`
    /// does, and forget the others at once. With 0 every Fetch has to name all its partitions; the
    /// default is Kafka's 1,000.
    pub fn fetch_sessions(&self, slots: usize) {
        self.shared.with(|cluster, _| cluster.fetch_sessions.limit(slots));
    }

    /// Has answers to Fetch name the new leader of a partition that has moved in every version that
    /// has room for it, which is from 12 on. Kafka's brokers name it from version 16 on.
    pub fn hint_leaders(&self) {
        self.script(|script| script.hints_leaders = true);
    }

    fn script(&self, write: impl FnOnce(&mut Script)) {
        self.shared.with(|cluster, _| write(&mut cluster.script));
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// What is still to go wrong, and what has arrived.
#[derive(Debug, Default)]
pub(crate) struct Script {
    errors: HashMap<ApiKey, VecDeque<ErrorCode>>,
    disconnects: HashMap<ApiKey, VecDeque<Disconnect>>,
    delays: HashMap<ApiKey, VecDeque<Duration>>,
    newest: HashMap<ApiKey, i16>,
    received: HashMap<ApiKey, usize>,
    /// Whether answers to Fetch name leaders where Kafka's do not.
    pub(crate) hints_leaders: bool,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) error: Option<ErrorCode>,
    pub(crate) disconnect: Option<Disconnect>,
    pub(crate) delay: Duration,
}

impl Script {
    pub(crate) fn fail(&mut self, key: ApiKey, error: ErrorCode, times: usize) {
        self.errors.entry(key).or_default().extend(std::iter::repeat_n(error, times));
    }

    pub(crate) fn disconnect(&mut self, key: ApiKey, when: Disconnect) {
        self.disconnects.entry(key).or_default().push_back(when);
    }

    pub(crate) fn delay(&mut self, key: ApiKey, delay: Duration) {
        self.delays.entry(key).or_default().push_back(delay);
    }

    pub(crate) fn cap(&mut self, key: ApiKey, max: i16) {
        self.newest.insert(key, max);
    }

    /// Counts a request and says what goes wrong with it.
    pub(crate) fn next(&mut self, key: ApiKey) -> Fault {
        *self.received.entry(key).or_default() += 1;
        Fault {
            error: pop(&mut self.errors, key),
            disconnect: pop(&mut self.disconnects, key),
            delay: pop(&mut self.delays, key).unwrap_or_default(),
        }
    }

    /// How many requests have been counted.
    pub(crate) fn received(&self, key: ApiKey) -> usize {
        self.received.get(&key).copied().unwrap_or(0)
    }

    /// The newest version of `key` that may be spoken.
    pub(crate) fn newest(&self, key: ApiKey) -> i16 {
        self.newest.get(&key).copied().unwrap_or(i16::MAX)
    }
}

fn pop<T>(queues: &mut HashMap<ApiKey, VecDeque<T>>, key: ApiKey) -> Option<T> {
    queues.get_mut(&key)?.pop_front()
}

//! The rules of fetching, with hand-made time and hand-made answers.

mod assignment;
mod budget;
mod counts;
mod ends;
mod parts;
mod random;
mod random_truncation;
mod refusals;
mod replicas;
mod resets;
mod sessions;
mod status;
mod topic_ids;
mod truncation;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kavka_protocol::{
    AbortedTransactions, ErrorCode, FetchedPartition, FetchedTopic, StrBytes, TopicId,
};

use super::*;
use crate::config::Properties;
use crate::state::metadata::Leader;

/// A machine, its clock and what it knows of the cluster.
struct Bench {
    fetcher: Fetcher,
    now: Instant,
    known: Known,
}

/// What the metadata says.
#[derive(Default)]
struct Known {
    leaders: HashMap<TopicPartition, Leadership>,
    offline: HashSet<BrokerId>,
    topic_id: Option<TopicId>,
}

impl ClusterView for Known {
    fn leadership(&self, partition: &TopicPartition) -> Leadership {
        self.leaders.get(partition).copied().unwrap_or(Leadership::Unknown)
    }

    fn topic_id(&self, _: &TopicPartition) -> Option<TopicId> {
        self.topic_id
    }

    fn is_online(&self, _: &TopicPartition, broker: BrokerId) -> bool {
        !self.offline.contains(&broker)
    }
}

impl Bench {
    fn new(properties: &[(&str, &str)]) -> Self {
        let mut all = Properties::new();
        for (name, value) in properties {
            all.set(*name, *value);
        }
        let config = ConsumerConfig::resolve(&all).unwrap();
        let fetcher = Fetcher::new(&config, config.prefetch_bytes, ConsumerCounts::new("me"), 7);
        Self { fetcher, now: Instant::now(), known: Known::default() }
    }

    /// Partitions 0 to before `partitions` of `orders`, read from offset 0, led by broker 1.
    fn reading(partitions: i32, properties: &[(&str, &str)]) -> Self {
        let mut bench = Self::new(properties);
        for partition in 0..partitions {
            bench.lead(partition, 1, 5);
        }
        bench.assign((0..partitions).map(|partition| (partition, StartOffset::At(0))));
        bench
    }

    fn assign(&mut self, partitions: impl IntoIterator<Item = (i32, StartOffset)>) {
        let partitions = partitions.into_iter().map(|(partition, start)| (tp(partition), start));
        self.fetcher.assign(partitions.collect());
        assert!(self.fetcher.poll_metadata().is_some());
        self.metadata();
    }

    fn lead(&mut self, partition: i32, broker: i32, epoch: i32) {
        let leader = Leader { broker: BrokerId(broker), epoch: Some(LeaderEpoch(epoch)) };
        self.known.leaders.insert(tp(partition), Leadership::Led(leader));
    }

    /// The machine learns what the metadata says.
    fn metadata(&mut self) {
        self.fetcher.handle_metadata(&self.known, self.now);
    }

    /// The machine wants fresh metadata and gets it.
    fn refresh(&mut self) {
        assert_eq!(self.fetcher.poll_metadata(), Some(MetadataNeed::Fresh));
        self.fetcher.handle_refresh(&self.known, self.now);
    }

    /// Lets time pass until the machine wants to act.
    fn wait(&mut self) -> Duration {
        let until = self.fetcher.poll_timeout().expect("the machine waits for nothing");
        let waited = until.saturating_duration_since(self.now);
        self.now = until;
        self.fetcher.handle_timeout(self.now);
        waited
    }

    /// The next fetch: the broker, and the partitions with their offsets in order.
    fn fetch(&mut self) -> Option<(i32, Vec<(i32, Offset)>)> {
        self.fetcher.poll_fetch().map(|plan| asked(&plan))
    }

    fn answer(&mut self, broker: i32, partitions: Vec<FetchedPartition>) {
        let answer = FetchAnswer { partitions, ..FetchAnswer::default() };
        self.fetcher.handle_fetch(BrokerId(broker), Ok(answer), self.now);
    }

    /// What was delivered: partition, first and next offset.
    fn deliver(&mut self) -> Vec<(i32, Offset, Offset)> {
        self.delivery().map(|delivery| spans(&delivery)).unwrap_or_default()
    }

    fn delivery(&mut self) -> Option<Delivery> {
        self.fetcher.poll_delivery(None).map(|handout| match handout {
            Ok(Handout::Delivery(delivery)) => delivery,
            other => panic!("expected a delivery, found {other:?}"),
        })
    }

    fn failure(&mut self) -> Error {
        match self.fetcher.poll_delivery(None) {
            Some(Err(error)) => error,
            other => panic!("expected a failure, found {other:?}"),
        }
    }

    fn position(&self, partition: i32) -> Option<Offset> {
        self.fetcher.position(&tp(partition))
    }

    fn state(&self, partition: i32) -> FetchState {
        self.fetcher.status(&tp(partition)).state
    }
}

fn asked(plan: &FetchPlan) -> (i32, Vec<(i32, Offset)>) {
    let partitions = plan.session.partitions.iter();
    let partitions = partitions.map(|asked| (asked.topic_partition.partition, asked.offset));
    (plan.broker.0, partitions.collect())
}

fn spans(delivery: &Delivery) -> Vec<(i32, Offset, Offset)> {
    let pieces = delivery.pieces.iter();
    pieces.map(|piece| (piece.topic_partition.partition, piece.from, piece.next.offset)).collect()
}

/// Waits are up to a fifth longer or shorter than they are said to be, and not all by the same.
fn assert_about(waits: &[u128], expected: &[u128]) {
    assert_eq!(waits.len(), expected.len());
    for (wait, about) in waits.iter().zip(expected) {
        assert!((about * 8 / 10..=about * 12 / 10).contains(wait), "{waits:?} is not {expected:?}");
    }
    assert!(waits != expected || waits.len() == 1, "without jitter all come back together");
}

fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

/// `records` from one partition whose log may be read up to `end`.
fn fetched(partition: i32, end: Offset, records: &[Bytes]) -> FetchedPartition {
    FetchedPartition {
        topic: FetchedTopic::Name(StrBytes::from_static_str("orders")),
        partition,
        error: None,
        high_watermark: Some(end),
        last_stable_offset: Some(end),
        log_start_offset: Some(0),
        aborted_transactions: AbortedTransactions::default(),
        diverging_epoch: None,
        preferred_read_replica: None,
        current_leader: None,
        records: Bytes::from(records.concat()),
    }
}

fn refused(partition: i32, error: ErrorCode) -> FetchedPartition {
    FetchedPartition { error: Some(error), high_watermark: None, ..fetched(partition, 0, &[]) }
}

/// A batch of `count` records at `base`, appended by a leader of epoch 0.
fn batch(base: Offset, count: i32) -> Bytes {
    batch_with(Header { base, last_delta: count - 1, count, ..Header::default() })
}

/// The same, appended by a leader of `epoch`.
fn batch_of_epoch(epoch: i32, base: Offset, count: i32) -> Bytes {
    batch_with(Header { epoch, base, last_delta: count - 1, count, ..Header::default() })
}

/// A batch of one record that takes `size` bytes altogether.
fn batch_of_size(base: Offset, size: usize) -> Bytes {
    batch_with(Header { base, count: 1, body: size - HEADER_SIZE, ..Header::default() })
}

#[derive(Default)]
struct Header {
    base: Offset,
    epoch: i32,
    last_delta: i32,
    count: i32,
    attributes: i16,
    body: usize,
}

fn batch_with(header: Header) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i64(header.base);
    bytes.put_i32(i32::try_from(HEADER_SIZE - 12 + header.body).unwrap());
    bytes.put_i32(header.epoch);
    bytes.put_i8(2); // magic
    bytes.put_u32(0); // checksum: nobody looks at it before the records are read
    bytes.put_i16(header.attributes);
    bytes.put_i32(header.last_delta);
    bytes.put_i64(0); // base timestamp
    bytes.put_i64(0); // max timestamp
    bytes.put_i64(-1); // producer id
    bytes.put_i16(-1); // producer epoch
    bytes.put_i32(-1); // base sequence
    bytes.put_i32(header.count);
    bytes.put_bytes(0, header.body);
    bytes.freeze()
}

const HEADER_SIZE: usize = 61;
const CONTROL: i16 = 0x20;

//! Whatever happens in whatever order: everything is delivered once, in order, within the budget.

use std::collections::VecDeque;

use super::*;
use crate::error::ErrorKind;

const PARTITIONS: i32 = 5;
const BROKERS: i32 = 3;
const BUDGET: usize = 8000;

/// Logs of batches with gaps, markers and emptied batches; the log end of each.
struct World {
    random: fastrand::Rng,
    bench: Bench,
    logs: Vec<Vec<Bytes>>,
    ends: Vec<Offset>,
    requests: Vec<FetchPlan>,
    held: VecDeque<usize>,
    delivered: Vec<Offset>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (logs, ends): (Vec<_>, Vec<_>) = (0..PARTITIONS).map(|_| log(&mut random)).unzip();
        let budget = BUDGET.to_string();
        let bench = Bench::reading(
            PARTITIONS,
            &[("kavka.prefetch.bytes", &budget), ("max.partition.fetch.bytes", "700")],
        );
        let delivered = vec![0; PARTITIONS as usize];
        Self { random, bench, logs, ends, requests: vec![], held: VecDeque::new(), delivered }
    }

    fn step(&mut self) {
        match self.random.u8(..100) {
            0..30 => self.answer(),
            30..55 => self.deliver(),
            55..75 => self.release(),
            75..78 => self.lose(),
            78..82 => self.move_leader(),
            82..86 => self.pause(),
            86..90 => self.seek_to_position(),
            _ => self.wait(),
        }
        while let Some(plan) = self.bench.fetcher.poll_fetch() {
            assert!(self.requests.iter().all(|other| other.broker != plan.broker));
            for asked in &plan.partitions {
                let is_asked = |other: &FetchPlan| {
                    other.partitions.iter().any(|p| p.topic_partition == asked.topic_partition)
                };
                assert!(!self.requests.iter().any(is_asked), "in flight twice");
            }
            self.requests.push(plan);
        }
        if self.bench.fetcher.poll_metadata().is_some() {
            let look = |partition: &TopicPartition| leadership(&self.bench.leaders, partition);
            self.bench.fetcher.handle_refresh(look, self.bench.now);
        }
        self.check_budget();
    }

    fn answer(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let plan = self.requests.swap_remove(self.random.usize(..self.requests.len()));
        let mut left = plan.max_bytes;
        let mut partitions = Vec::new();
        for asked in &plan.partitions {
            let partition = asked.topic_partition.partition;
            if self.random.u8(..20) == 0 {
                partitions.push(refused(partition, ErrorCode::NotLeaderOrFollower));
                continue;
            }
            let log = &self.logs[partition as usize];
            let from =
                log.iter().position(|batch| next_of(batch) > asked.offset).unwrap_or(log.len());
            let mut limit = plan.max_partition_bytes.min(left);
            if partitions.iter().all(|partition: &FetchedPartition| partition.records.is_empty()) {
                limit = limit.max(log.get(from).map_or(0, Bytes::len));
            }
            let mut records = log[from..].concat();
            records.truncate(limit);
            left = left.saturating_sub(records.len());
            partitions.push(fetched(
                partition,
                self.ends[partition as usize],
                &[Bytes::from(records)],
            ));
        }
        self.bench.answer(plan.broker.0, partitions);
    }

    fn deliver(&mut self) {
        let Some(delivery) = self.bench.delivery() else { return };
        for piece in &delivery.pieces {
            let at = &mut self.delivered[piece.topic_partition.partition as usize];
            assert_eq!(piece.from, *at, "a gap or a repetition in {}", piece.topic_partition);
            *at = piece.next;
            self.held.push_back(piece.records.len());
        }
        for (partition, offset) in delivery.ends {
            assert_eq!(offset, self.ends[partition.partition as usize]);
            assert_eq!(offset, self.delivered[partition.partition as usize]);
        }
    }

    fn release(&mut self) {
        if let Some(bytes) = self.held.pop_front() {
            self.bench.fetcher.release(bytes);
        }
    }

    fn lose(&mut self) {
        if let Some(plan) = self.requests.pop() {
            let lost = Error::new(ErrorKind::ConnectionLost, "lost");
            self.bench.fetcher.handle_fetch(plan.broker, Err(lost), self.bench.now);
        }
    }

    fn move_leader(&mut self) {
        let partition = self.random.i32(0..PARTITIONS);
        let (broker, epoch) = (self.random.i32(0..BROKERS), self.random.i32(0..100));
        self.bench.lead(partition, broker, epoch);
        self.bench.metadata();
    }

    fn pause(&mut self) {
        let partition = [tp(self.random.i32(0..PARTITIONS))];
        match self.random.bool() {
            true => self.bench.fetcher.pause(&partition),
            false => self.bench.fetcher.resume(&partition),
        }
    }

    /// Drops what is buffered or on its way, and nothing else.
    fn seek_to_position(&mut self) {
        let partition = self.random.i32(0..PARTITIONS);
        let position = self.bench.position(partition).unwrap();
        self.bench.fetcher.seek(&tp(partition), StartOffset::At(position));
    }

    fn wait(&mut self) {
        if self.bench.fetcher.poll_timeout().is_some() {
            self.bench.wait();
        }
    }

    fn check_budget(&self) {
        let fetcher = &self.bench.fetcher;
        let held: usize = self.held.iter().sum();
        assert_eq!(fetcher.planner.held(), held);
        let used = fetcher.planner.reserved() + fetcher.buffer.bytes() + held;
        let oversize = BROKERS as usize * (BUDGET / 2 + 2000);
        assert!(used <= BUDGET + oversize, "{used}");
    }
}

fn log(random: &mut fastrand::Rng) -> (Vec<Bytes>, Offset) {
    let (mut batches, mut next) = (Vec::new(), 0);
    for _ in 0..random.usize(0..60) {
        let base = next + if random.u8(..5) == 0 { random.i64(0..50) } else { 0 };
        let last_delta = random.i32(0..20);
        let kind = random.u8(..10);
        let attributes = if kind == 0 { CONTROL } else { 0 };
        let count = if kind == 1 { 0 } else { random.i32(0..=last_delta) + 1 };
        let largest = if random.u8(..10) == 0 { 2000 } else { 300 };
        let body = random.usize(..largest);
        batches.push(batch_with(Header { base, last_delta, count, attributes, body }));
        next = base + i64::from(last_delta) + 1;
    }
    (batches, next)
}

fn next_of(batch: &Bytes) -> Offset {
    let base = i64::from_be_bytes(batch[..8].try_into().unwrap());
    base + i64::from(i32::from_be_bytes(batch[23..27].try_into().unwrap())) + 1
}

#[test]
fn everything_arrives_once_and_in_order() {
    for seed in 0..80 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        let all: Vec<_> = (0..PARTITIONS).map(tp).collect();
        world.bench.fetcher.resume(&all);
        for _ in 0..3000 {
            world.answer();
            world.deliver();
            world.release();
            world.wait();
            world.step();
            world.bench.fetcher.resume(&all);
            if world.delivered == world.ends {
                break;
            }
        }
        assert_eq!(world.delivered, world.ends, "seed {seed}");
    }
}

//! Whatever happens in whatever order: everything is delivered once, in order, within the budget.

use std::collections::{BTreeMap, VecDeque};

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
    /// Where the application was last told to be at the end, unless it went elsewhere since.
    told: Vec<Option<Offset>>,
    sessions: BTreeMap<BrokerId, Kept>,
    last_session: i32,
}

/// A fetch session as a broker keeps it (KIP-227).
struct Kept {
    id: i32,
    epoch: i32,
    /// Where each partition is to be fetched, and the end that the consumer was told of.
    partitions: BTreeMap<i32, (Offset, Option<Offset>)>,
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
        Self {
            random,
            bench,
            logs,
            ends,
            requests: vec![],
            held: VecDeque::new(),
            delivered: vec![0; PARTITIONS as usize],
            told: vec![None; PARTITIONS as usize],
            sessions: BTreeMap::new(),
            last_session: 0,
        }
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
            90..91 => self.assign_anew(),
            91..93 => self.grow(),
            93..94 => drop(self.sessions.pop_first()),
            _ => self.wait(),
        }
        while let Some(plan) = self.bench.fetcher.poll_fetch() {
            assert!(self.requests.iter().all(|other| other.broker != plan.broker));
            let planner = &self.bench.fetcher.planner;
            let others = self.requests.iter().flat_map(|other| planner.asked(other.broker));
            let mut asked = others.chain(planner.asked(plan.broker));
            let mut seen = std::collections::HashSet::new();
            assert!(asked.all(|partition| seen.insert(partition)), "in flight twice");
            self.requests.push(plan);
        }
        while let Some(plan) = self.bench.fetcher.poll_validation() {
            let now = self.bench.now;
            self.bench.fetcher.handle_validation(&plan, Ok(all_valid(&plan)), now);
        }
        if self.bench.fetcher.poll_metadata().is_some() {
            self.bench.fetcher.handle_refresh(&self.bench.known, self.bench.now);
        }
        self.check_budget();
    }

    fn answer(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let plan = self.requests.swap_remove(self.random.usize(..self.requests.len()));
        let (session, wanted) = match self.wanted(&plan) {
            Ok(wanted) => wanted,
            Err(code) => {
                let refused = Err(Error::broker(code));
                return self.bench.fetcher.handle_fetch(plan.broker, refused, self.bench.now);
            }
        };
        let mut left = plan.max_bytes;
        let mut partitions = Vec::new();
        for (partition, offset) in wanted {
            let answer = match self.random.u8(..20) == 0 {
                true => refused(partition, ErrorCode::NotLeaderOrFollower),
                false => {
                    self.read(partition, offset, (plan.max_partition_bytes, left), &partitions)
                }
            };
            left = left.saturating_sub(answer.records.len());
            if self.is_news(plan.broker, &answer) {
                partitions.push(answer);
            }
        }
        let answer = FetchAnswer { session, partitions, ..FetchAnswer::default() };
        self.bench.fetcher.handle_fetch(plan.broker, Ok(answer), self.bench.now);
    }

    fn read(
        &self,
        partition: i32,
        offset: Offset,
        (limit, left): (usize, usize),
        before: &[FetchedPartition],
    ) -> FetchedPartition {
        let log = &self.logs[partition as usize];
        let from = log.iter().position(|batch| next_of(batch) > offset).unwrap_or(log.len());
        let mut limit = limit.min(left);
        if before.iter().all(|partition| partition.records.is_empty()) {
            limit = limit.max(log.get(from).map_or(0, Bytes::len));
        }
        let mut records = log[from..].concat();
        records.truncate(limit);
        fetched(partition, self.ends[partition as usize], &[Bytes::from(records)])
    }

    /// What a broker is to fetch by `plan` and what it remembers, and the session it names.
    fn wanted(&mut self, plan: &FetchPlan) -> Result<(i32, Vec<(i32, Offset)>), ErrorCode> {
        let SessionPart { id, epoch, partitions, forgotten, .. } = &plan.session;
        let named = partitions.iter().map(|asked| (asked.topic_partition.partition, asked.offset));
        if *epoch == 0 {
            self.sessions.remove(&plan.broker);
            let has_room = self.random.u8(..4) > 0;
            self.last_session += 1;
            if has_room {
                let partitions = named.clone().map(|(p, offset)| (p, (offset, None))).collect();
                let kept = Kept { id: self.last_session, epoch: 1, partitions };
                self.sessions.insert(plan.broker, kept);
            }
            return Ok((if has_room { self.last_session } else { 0 }, named.collect()));
        }
        let kept = self.sessions.get_mut(&plan.broker).filter(|kept| kept.id == *id);
        let kept = kept.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if kept.epoch != *epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        kept.epoch += 1;
        for (partition, offset) in named {
            kept.partitions.entry(partition).or_insert((offset, None)).0 = offset;
        }
        for (partition, _) in forgotten {
            kept.partitions.remove(&partition.partition).expect("only what is known is forgotten");
        }
        Ok((
            *id,
            kept.partitions.iter().map(|(partition, (offset, _))| (*partition, *offset)).collect(),
        ))
    }

    /// Whether an answer within a session names the partition; what was wrong is told again.
    fn is_news(&mut self, broker: BrokerId, answer: &FetchedPartition) -> bool {
        let kept = self.sessions.get_mut(&broker);
        let Some((_, told)) = kept.and_then(|kept| kept.partitions.get_mut(&answer.partition))
        else {
            return true;
        };
        let end = answer.high_watermark;
        std::mem::replace(told, end) != end || !answer.records.is_empty() || answer.error.is_some()
    }

    fn deliver(&mut self) {
        let Some(delivery) = self.bench.delivery() else { return };
        for piece in &delivery.pieces {
            let at = &mut self.delivered[piece.topic_partition.partition as usize];
            assert_eq!(piece.from, *at, "a gap or a repetition in {}", piece.topic_partition);
            *at = piece.next.offset;
            self.held.push_back(piece.size);
        }
        for (partition, offset) in delivery.ends {
            let partition = partition.partition as usize;
            assert!(offset <= self.ends[partition]);
            assert_eq!(offset, self.delivered[partition]);
            assert_ne!(self.told[partition].replace(offset), Some(offset), "each end is told once");
        }
    }

    fn release(&mut self) {
        if let Some(bytes) = self.held.pop_front() {
            self.bench.fetcher.release(bytes);
        }
    }

    fn lose(&mut self) {
        if let Some(plan) = self.requests.pop() {
            if self.random.bool() {
                // The broker has acted on it all the same.
                let _ = self.wanted(&plan);
            }
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
        self.told[partition as usize] = None;
    }

    fn assign_anew(&mut self) {
        let starts = (0..).zip(&self.delivered);
        let starts = starts.map(|(partition, at)| (tp(partition), StartOffset::At(*at))).collect();
        self.bench.fetcher.assign(starts);
        self.told.fill(None);
    }

    fn grow(&mut self) {
        let partition = self.random.usize(..PARTITIONS as usize);
        self.logs[partition].push(batch(self.ends[partition], 3));
        self.ends[partition] += 3;
    }

    fn wait(&mut self) {
        if self.bench.fetcher.poll_timeout().is_some() {
            self.bench.wait();
        }
    }

    /// Whether everything was delivered, and the application knows it.
    fn is_done(&self) -> bool {
        self.delivered == self.ends && self.told.iter().flatten().eq(&self.ends)
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

/// Nothing is ever cut off here.
fn all_valid(plan: &ValidationPlan) -> Vec<ValidationAnswer> {
    let asked = plan.partitions.iter();
    let valid = asked.map(|asked| ValidationAnswer {
        topic_partition: asked.topic_partition.clone(),
        end: Ok(Some(EpochEndOffset { epoch: asked.epoch, end_offset: Offset::MAX })),
    });
    valid.collect()
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
        batches.push(batch_with(Header { base, epoch: 0, last_delta, count, attributes, body }));
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
            if world.is_done() {
                break;
            }
        }
        assert!(world.is_done(), "seed {seed}: {:?} of {:?}", world.told, world.ends);
    }
}

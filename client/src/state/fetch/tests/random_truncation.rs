//! A log that unclean elections cut off again and again while it is read: whatever the application has
//! got and is not in the log any more, it was told of.

use std::collections::HashSet;

use super::planner::PlannedPartition;
use super::stage::FetchPosition;
use super::*;

const BROKERS: i32 = 3;

/// The epoch, the first offset and the offset behind a batch. No leader writes two batches of one
/// epoch at the same place, so two that are equal are the same.
type Batch = (i32, Offset, Offset);

/// A log, and what an application has read of it.
struct World {
    random: fastrand::Rng,
    bench: Bench,
    log: Vec<Batch>,
    leader: i32,
    epoch: i32,
    requests: Vec<FetchPlan>,
    validations: Vec<ValidationPlan>,
    read: Vec<Batch>,
    /// How often the application was told that the log was cut off.
    told: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            bench: Bench::reading(1, &[("auto.offset.reset", "earliest")]),
            log: vec![],
            leader: 1,
            epoch: 5,
            requests: vec![],
            validations: vec![],
            read: vec![],
            told: 0,
        }
    }

    fn step(&mut self) {
        match self.random.u8(..100) {
            0..35 => self.answer(),
            35..60 => self.deliver(),
            60..75 => self.append(),
            75..80 => self.elect(),
            80..84 => self.cut(),
            84..87 => self.bench.metadata(),
            87..90 => self.seek_to_position(),
            _ => self.answer_validations(),
        }
        self.poll();
    }

    fn poll(&mut self) {
        self.requests.extend(std::iter::from_fn(|| self.bench.fetcher.poll_fetch()));
        self.validations.extend(std::iter::from_fn(|| self.bench.fetcher.poll_validation()));
        assert!(self.bench.fetcher.poll_lookup().is_none(), "the logs always part somewhere");
        if self.bench.fetcher.poll_metadata().is_some() {
            self.bench.fetcher.handle_refresh(&self.bench.known, self.bench.now);
        }
        if self.bench.fetcher.poll_timeout().is_some() {
            self.bench.wait();
        }
    }

    fn answer(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let plan = self.requests.swap_remove(self.random.usize(..self.requests.len()));
        let partitions = plan.session.partitions.iter().map(|asked| self.fetch(&plan, asked));
        let partitions = partitions.collect();
        self.bench.answer(plan.broker.0, partitions);
    }

    /// As a broker that speaks Fetch 12 answers.
    fn fetch(&self, plan: &FetchPlan, asked: &PlannedPartition) -> FetchedPartition {
        if let Err(code) = self.led_by(plan.broker, asked.leader_epoch) {
            return refused(0, code);
        }
        let end = asked.last_fetched_epoch.map(|epoch| (epoch, self.epoch_end(epoch)));
        if let Some((epoch, end)) = end
            && (end.epoch < epoch || end.end_offset < asked.offset)
        {
            let diverging_epoch = Some((end.epoch, end.end_offset));
            return FetchedPartition { diverging_epoch, ..fetched(0, self.end(), &[]) };
        }
        let rest = self.log.iter().filter(|(.., next)| *next > asked.offset).take(2);
        let batches: Vec<_> = rest.map(|batch| bytes(*batch)).collect();
        fetched(0, self.end(), &batches)
    }

    fn answer_validations(&mut self) {
        for plan in std::mem::take(&mut self.validations) {
            let asked = &plan.partitions[0];
            let led = self.led_by(plan.broker, asked.leader.epoch);
            let end = led.map(|()| Some(self.epoch_end(asked.epoch)));
            let answer = ValidationAnswer { topic_partition: tp(0), end };
            self.bench.fetcher.handle_validation(&plan, Ok(vec![answer]), self.bench.now);
        }
    }

    fn led_by(&self, broker: BrokerId, epoch: Option<LeaderEpoch>) -> Result<(), ErrorCode> {
        let current = Some(LeaderEpoch(self.epoch));
        match epoch {
            _ if epoch < current => Err(ErrorCode::FencedLeaderEpoch),
            _ if epoch > current => Err(ErrorCode::UnknownLeaderEpoch),
            _ if broker.0 != self.leader => Err(ErrorCode::NotLeaderOrFollower),
            _ => Ok(()),
        }
    }

    fn epoch_end(&self, epoch: LeaderEpoch) -> EpochEndOffset {
        let later = self.log.iter().find(|(of, ..)| *of > epoch.0);
        let end_offset = later.map_or(self.end(), |(_, base, _)| *base);
        let earlier = self.log.iter().rev().find(|(of, ..)| *of <= epoch.0);
        EpochEndOffset { epoch: LeaderEpoch(earlier.map_or(0, |(of, ..)| *of)), end_offset }
    }

    fn end(&self) -> Offset {
        self.log.last().map_or(0, |(.., next)| *next)
    }

    fn append(&mut self) {
        let base = self.end();
        self.log.push((self.epoch, base, base + self.random.i64(1..5)));
    }

    fn elect(&mut self) {
        self.epoch += 1;
        self.leader = self.random.i32(0..BROKERS);
        self.bench.lead(0, self.leader, self.epoch);
        if self.random.bool() {
            self.bench.metadata();
        }
    }

    /// An unclean election: the new leader lacks the newest batches.
    fn cut(&mut self) {
        let lost = self.random.usize(..6).min(self.log.len());
        self.log.truncate(self.log.len() - lost);
        self.elect();
    }

    fn deliver(&mut self) {
        let Some(delivery) = self.bench.delivery() else { return };
        for reset in &delivery.resets {
            self.handle_reset(reset);
        }
        for piece in &delivery.pieces {
            let batches = piece.batches.clone().map(|batch| {
                let batch = batch.unwrap();
                (batch.leader_epoch().unwrap().0, batch.base_offset(), batch.next_offset())
            });
            self.read.extend(batches);
            self.bench.fetcher.release(piece.size);
        }
    }

    /// The application learns what is in the log now, up to where it goes on.
    fn handle_reset(&mut self, reset: &PositionReset) {
        assert_eq!(reset.cause, ResetCause::Truncated);
        assert!(reset.to <= reset.from);
        self.told += 1;
        self.read = self.log.iter().filter(|(_, base, _)| *base < reset.to).copied().collect();
    }

    /// As an application that stores where it is, and starts again there.
    fn seek_to_position(&mut self) {
        let resets = std::mem::take(&mut self.bench.fetcher.resets);
        resets.iter().for_each(|reset| self.handle_reset(reset));
        let delivered = self.bench.fetcher.positions.get(&tp(0)).unwrap().progress().unwrap();
        let FetchPosition { offset, epoch } = delivered.delivered;
        let start =
            epoch.map_or(StartOffset::At(offset), |epoch| StartOffset::AtEpoch(offset, epoch));
        self.bench.fetcher.seek(&tp(0), start);
    }

    fn is_read(&self) -> bool {
        let (read, log): (HashSet<_>, HashSet<_>) =
            (self.read.iter().collect(), self.log.iter().collect());
        self.bench.position(0) == Some(self.end()) && read == log
    }
}

fn bytes((epoch, base, next): Batch) -> Bytes {
    batch_of_epoch(epoch, base, i32::try_from(next - base).unwrap())
}

#[test]
fn nothing_that_was_cut_off_stays_with_the_application_unless_it_was_told() {
    let mut told = 0;
    for seed in 0..200 {
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        for _ in 0..100 {
            world.answer();
            world.answer_validations();
            world.deliver();
            world.poll();
            if world.is_read() {
                break;
            }
        }
        assert!(world.is_read(), "seed {seed}: {:?} read of {:?}", world.read, world.log);
        told += world.told;
    }
    assert!(told > 200, "only {told} truncations noticed");
}

//! Many random histories: whatever goes wrong, what is reported is what happened.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use kavka_protocol::{BrokerId, ErrorCode};

use super::model::{Cluster, Fate};
use super::{Fixture, identity, settings};
use crate::error::{Error, ErrorKind};
use crate::state::produce::{SenderSettings, Settled};

const PARTITIONS: usize = 3;
const BROKERS: i32 = 2;

struct Simulation {
    at: Fixture,
    cluster: Cluster,
    random: Rng,
    /// The records of each batch, as partition and value.
    batches: Vec<Vec<(usize, String)>>,
    fates: BTreeMap<(usize, String), Result<Option<i64>, Error>>,
    appended: usize,
    next_id: i64,
}

impl Simulation {
    fn new(seed: u64, settings: SenderSettings) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut cluster = Cluster::new(PARTITIONS, BROKERS);
        if random.bool() {
            cluster.max_message_bytes = 150;
        }
        let at = Fixture::new(settings, PARTITIONS as i32);
        let (batches, fates) = (Vec::new(), BTreeMap::new());
        Self { at, cluster, random, batches, fates, appended: 0, next_id: 100 }
    }

    fn step(&mut self, troubled: bool) {
        self.at.now += Duration::from_micros(self.random.u64(1..30_000));
        if troubled && self.random.u8(..) < 3 {
            self.at.now += Duration::from_secs(1);
        }
        self.identify(troubled);
        if troubled && self.cluster.topic.is_some() && self.random.u8(..) < 5 {
            self.cluster.recreate();
        }
        self.lead(troubled);
        for plan in self.at.plans() {
            self.cluster.submit(plan);
        }
        let busy = self.cluster.busy();
        if let Some(broker) = self.random.choice(busy) {
            let fate = if troubled { self.fate() } else { Fate::Answered };
            for (number, answer) in self.cluster.step(broker, fate) {
                self.at.sender.handle_answer(number, answer, self.at.now);
            }
        }
        if troubled && self.random.bool() {
            self.cluster.haunt(self.random.usize(..));
        }
        for settled in self.at.settled() {
            self.note(settled);
        }
    }

    fn append(&mut self) {
        let (partition, value) = (self.random.usize(..PARTITIONS), format!("{:06}", self.appended));
        self.appended += 1;
        let opened = self.batches.len();
        let ticket = self.at.append(partition, &value, opened).unwrap();
        self.batches.resize_with(self.batches.len().max(ticket + 1), Vec::new);
        self.batches[ticket].push((partition, value));
    }

    fn identify(&mut self, troubled: bool) {
        if !self.at.sender.poll_identity(self.at.now) {
            return;
        }
        let refused = troubled && self.random.bool();
        self.next_id += 1;
        let result = match refused {
            true => Err(Error::new(ErrorKind::Timeout, "no answer")),
            false => Ok(identity(self.next_id)),
        };
        self.at.sender.handle_identity(result, self.at.now);
    }

    fn lead(&mut self, troubled: bool) {
        if troubled && self.random.u8(..) < 10 {
            let partition = self.random.usize(..PARTITIONS);
            self.cluster.leaders[partition] = BrokerId(self.random.i32(0..BROKERS));
        }
        let knows = !troubled || self.random.u8(..) < 40;
        for (place, leader) in self.cluster.leaders.iter().enumerate().filter(|_| knows) {
            self.at.sender.handle_leader(self.at.partitions[place], Some(*leader));
            self.at.sender.handle_topic(self.at.partitions[place], self.cluster.topic);
        }
    }

    fn fate(&mut self) -> Fate {
        match self.random.u8(..100) {
            0..8 => Fate::Lost,
            8..13 => Fate::Refused(ErrorCode::NotEnoughReplicas),
            13..15 => Fate::Refused(ErrorCode::InvalidRecord),
            15..20 => Fate::WrittenAndRefused(ErrorCode::RequestTimedOut),
            20..23 => Fate::WrittenAndRefused(ErrorCode::NotEnoughReplicasAfterAppend),
            _ => Fate::Answered,
        }
    }

    fn note(&mut self, settled: Settled<usize>) {
        for place in 0..settled.records {
            let record = self.batches[settled.ticket][settled.first + place].clone();
            let fate = settled.result.as_ref().map_err(Clone::clone).map(|acknowledged| {
                acknowledged.base_offset.map(|base| base + i64::try_from(place).unwrap())
            });
            assert!(self.fates.insert(record, fate).is_none(), "settled twice");
        }
    }

    /// What was reported is what the logs hold.
    fn check(&self, seed: u64) {
        assert_eq!(self.fates.len(), self.appended, "seed {seed}: everything is settled");
        assert_eq!(self.at.accumulator.unsettled(), 0, "seed {seed}");
        let logs = self.cluster.logs.iter().enumerate();
        let deleted = self.cluster.deleted.iter().map(|(partition, log)| (*partition, log));
        let logs: Vec<_> = logs.chain(deleted).collect();
        for (partition, log) in logs.iter().copied() {
            assert!(log.records.is_sorted_by(|a, b| a < b), "seed {seed}: order, or a repetition");
            assert!(
                log.records
                    .iter()
                    .all(|value| self.fates.contains_key(&(partition, value.clone())))
            );
        }
        for ((partition, value), fate) in &self.fates {
            // What was repeated in another topic of the name may be in two.
            let of_partition = logs.iter().filter(|(number, _)| number == partition);
            let found: Vec<_> = of_partition
                .filter_map(|(_, log)| log.records.iter().position(|record| record == value))
                .collect();
            match fate {
                Ok(None) => assert!(!found.is_empty(), "seed {seed}: {value} is lost"),
                Ok(Some(offset)) => {
                    assert!(found.iter().any(|at| *at as i64 == *offset), "seed {seed}: {value}")
                }
                Err(error) if error.may_have_been_written() => {}
                Err(error) => {
                    assert!(found.is_empty(), "seed {seed}: {value} is written: {error}")
                }
            }
        }
    }
}

fn run(seed: u64, settings: SenderSettings) {
    play(Simulation::new(seed, settings), seed);
}

fn play(mut simulation: Simulation, seed: u64) {
    for _ in 0..400 {
        for _ in 0..simulation.random.usize(..4) {
            simulation.append();
        }
        simulation.step(true);
    }
    simulation.cluster.exorcise();
    for _ in 0..5_000 {
        if simulation.fates.len() == simulation.appended {
            break;
        }
        simulation.step(false);
    }
    simulation.check(seed);
}

#[test]
fn what_is_reported_is_what_happened() {
    for seed in 0..SEEDS {
        run(seed, settings());
    }
}

#[test]
fn what_is_reported_is_what_happened_although_many_batches_are_given_up() {
    for seed in 0..SEEDS {
        run(seed, SenderSettings { delivery_timeout: Duration::from_millis(700), ..settings() });
    }
}

#[test]
fn what_is_reported_is_what_happened_although_retries_are_few() {
    for seed in 0..SEEDS {
        run(seed, SenderSettings { retries: 1, ..settings() });
    }
}

#[test]
fn what_is_reported_is_what_happened_although_topics_are_replaced() {
    for seed in 0..SEEDS {
        let mut simulation = Simulation::new(seed, settings());
        simulation.cluster.recreate();
        play(simulation, seed);
    }
}

/// Enough that every planted mistake was found in the first few.
const SEEDS: u64 = 40;

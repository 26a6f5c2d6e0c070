//! Contests of whole clients, kavka's and others': each reads or writes the same records, in a process of its own.
//!
//! Clients take turns, so that a slow moment of the machine does not hit always the same one, and are kept on one core,
//! the other side on another. What counts is the time of the processor from the first record to the last: how much
//! passes in a second depends on what else the machine does. A client that has not delivered exactly what is in the log
//! gets no figures.

mod contestant;
mod kafka;
mod options;
mod peers;
mod program;
mod real;
mod report;
mod result;
mod stage;
mod target;

use std::{cell::OnceCell, path::PathBuf};

use kavka_bench_line::{Job, Work};
use kavka_protocol::Compression;

pub use self::{contestant::Programs, options::ContestOptions, target::ContestTarget};
use self::{
    contestant::{Contestant, FETCHERS, PRODUCERS, SHIPPED_FETCHERS, SHIPPED_PRODUCERS},
    kafka::Kafka,
    real::{Filled, Written},
    report::{CHART_NOTES, CSV_HEADING, TABLE_HEADING, panels},
    result::{Measured, Run, Standing},
    stage::{Replayed, Stage, Sunk},
    target::HEADING,
};
use crate::{Result, bench::write, chart::chart, server::TOPIC};

/// A contest under way.
pub struct Contest {
    options: ContestOptions,
    programs: Programs,
    /// Where the rivals' programs are; empty without rivals.
    peers: PathBuf,
    /// Started with the first case that needs it.
    kafka: OnceCell<Option<Kafka>>,
    measured: Vec<Measured>,
}

/// What is fetched.
#[derive(Clone, Copy, Debug)]
pub struct FetchCase {
    /// What it is called.
    pub name: &'static str,
    /// The kind of record.
    pub shape: &'static str,
    /// How the batches are compressed.
    pub codec: Compression,
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
}

/// What is produced.
#[derive(Clone, Copy, Debug)]
pub struct ProduceCase {
    /// What it is called.
    pub name: &'static str,
    /// The kind of record.
    pub shape: &'static str,
    /// How the batches are to be compressed.
    pub codec: Compression,
}

impl Contest {
    /// Builds the rivals.
    pub fn start(options: ContestOptions, programs: Programs) -> Result<Self> {
        let peers = if options.with_peers { peers::build()? } else { PathBuf::new() };
        if !program::can_pin() {
            println!(
                "everybody shares the cores: two and `taskset` are needed to part clients from servers"
            );
        }
        println!("{TABLE_HEADING}");
        Ok(Self { options, programs, peers, kafka: OnceCell::new(), measured: Vec::new() })
    }

    /// Lets everybody read the same records.
    pub fn fetch(&mut self, case: &FetchCase) -> Result<()> {
        let (volume, batch_size) = (self.options.volume, self.options.batch_size);
        let Programs { stand_in, kavka, .. } = &self.programs;
        let replayed = || Replayed::start(stand_in, case, batch_size, volume).map(Some);
        let filled =
            || self.kafka().map(|node| Filled::start(node, kavka, case, volume)).transpose();
        let [replay, shipped, kafka] = names(case.name);
        let held = [
            self.hold(replay, FETCHERS, false, replayed)?,
            self.hold(shipped, SHIPPED_FETCHERS, true, replayed)?,
            self.hold(kafka, FETCHERS, false, filled)?,
        ];
        self.measured.extend(held.into_iter().flatten());
        Ok(())
    }

    /// Lets everybody write the same records.
    pub fn produce(&mut self, case: &ProduceCase) -> Result<()> {
        let volume = self.options.volume;
        let Programs { stand_in, kavka, .. } = &self.programs;
        let sunk = || Sunk::start(stand_in, case, volume).map(Some);
        let written =
            || self.kafka().map(|node| Written::start(node, kavka, case, volume)).transpose();
        let [replay, shipped, kafka] = names(case.name);
        let held = [
            self.hold(replay, PRODUCERS, false, sunk)?,
            self.hold(shipped, SHIPPED_PRODUCERS, true, sunk)?,
            self.hold(kafka, PRODUCERS, false, written)?,
        ];
        self.measured.extend(held.into_iter().flatten());
        Ok(())
    }

    /// Real Kafka, which is started when it is first asked for; `None` where that cannot be done.
    fn kafka(&self) -> Option<&Kafka> {
        let kafka = self.kafka.get_or_init(|| {
            let started = Kafka::start();
            started.inspect_err(|why| println!("nothing against real Kafka: {why}")).ok()
        });
        kafka.as_ref()
    }

    /// Lets `contestants` do what `stage` gives them to do, if the case is asked for and there is a stage.
    fn hold<S: Stage>(
        &self,
        case: String,
        contestants: &[Contestant],
        is_shipped: bool,
        stage: impl FnOnce() -> Result<Option<S>>,
    ) -> Result<Option<Measured>> {
        if !self.options.wants(&case) {
            return Ok(None);
        }
        let Some(mut stage) = stage()? else {
            return Ok(None);
        };
        let contestants: Vec<_> =
            contestants.iter().filter(|contestant| self.takes_part(contestant)).collect();
        let standings = self.race(&contestants, is_shipped, &mut stage)?;
        let (records, payload) = (stage.records() as f64, stage.payload_size() as f64);
        let measured = Measured { case, payload, records, standings };
        print!("{}", measured.table());
        Ok(Some(measured))
    }

    fn race(
        &self,
        contestants: &[&Contestant],
        is_shipped: bool,
        stage: &mut impl Stage,
    ) -> Result<Vec<Standing>> {
        let mut standings: Vec<_> =
            contestants.iter().map(|contestant| Standing::new(contestant.client)).collect();
        for round in 0..self.options.repeats {
            for place in 0..contestants.len() {
                // Every other round goes backwards, so that nobody always follows the same neighbour.
                let place = if round % 2 == 0 { place } else { contestants.len() - 1 - place };
                let (contestant, standing) = (contestants[place], &mut standings[place]);
                if standing.failure.is_some() {
                    continue;
                }
                match self.run(contestant, is_shipped, stage) {
                    Ok(run) => standing.runs.push(run),
                    Err(error) => standing.failure = Some(error.to_string()),
                }
            }
        }
        for (contestant, standing) in contestants.iter().zip(&mut standings) {
            if standing.failure.is_none() {
                match self.count(contestant, is_shipped, stage) {
                    Ok(allocations) => standing.allocs_per_rec = allocations,
                    Err(error) => standing.failure = Some(error.to_string()),
                }
            }
        }
        Ok(standings)
    }

    fn run(
        &self,
        contestant: &Contestant,
        is_shipped: bool,
        stage: &mut impl Stage,
    ) -> Result<Run> {
        let job = Job { style: contestant.style.to_owned(), is_shipped, ..stage.job()? };
        let timed = contestant.timed(&self.programs, &self.peers);
        let outcome = program::run(&timed, &job, contestant.environment)?;
        Ok(Run::new(&outcome, stage.judge(&job, &outcome)?))
    }

    /// How often the client asks for memory, for each record.
    fn count(
        &self,
        contestant: &Contestant,
        is_shipped: bool,
        stage: &mut impl Stage,
    ) -> Result<Option<f64>> {
        let Some(counted) = contestant.counted(&self.programs, &self.peers) else {
            return Ok(None);
        };
        let job = Job { style: contestant.style.to_owned(), is_shipped, ..stage.job()? };
        let outcome = program::run(&counted, &job, contestant.environment)?;
        stage.judge(&job, &outcome)?;
        Ok(Some(outcome.allocations as f64 / job.records as f64))
    }

    fn takes_part(&self, contestant: &Contestant) -> bool {
        let program = contestant.timed(&self.programs, &self.peers);
        let is_there = contestant.is_kavka() || self.options.with_peers && program.exists();
        is_there && self.options.wants_client(contestant.client)
    }

    /// Prints the verdict on `targets` and writes what the options ask for.
    pub fn finish(self, title: &str, targets: &[ContestTarget]) -> Result<()> {
        println!("\n{HEADING}");
        for judgement in targets.iter().flat_map(|target| target.judge(&self.measured)) {
            println!("{judgement}");
        }
        if let Some(path) = &self.options.csv {
            let rows: String = self.measured.iter().map(Measured::csv).collect();
            write(path, CSV_HEADING.to_owned() + &rows)?;
        }
        if let Some(path) = &self.options.svg {
            write(path, chart(title, &CHART_NOTES, &panels(&self.measured)))?;
        }
        Ok(())
    }
}

/// What a case is called beside a stand-in with equal settings, with everybody's own, and beside real Kafka.
fn names(case: &str) -> [String; 3] {
    ["replay", "replay/shipped", "kafka"].map(|stage| format!("{case}/{stage}"))
}

/// Reading from `servers`, of which each stage says more.
fn job(servers: String) -> Job {
    Job {
        work: Work::Fetch,
        servers,
        topic: TOPIC.to_owned(),
        partitions: PARTITIONS,
        records: 0,
        style: String::new(),
        is_shipped: false,
        codec: Compression::None.name().to_owned(),
        entries: None,
        value_size: 0,
        ca: None,
        limit: LIMIT,
    }
}

const PARTITIONS: i32 = 6;
/// Seconds that no job takes, even on a slow machine.
const LIMIT: u64 = 300;

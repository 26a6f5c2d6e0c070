//! Contests of whole clients, kavka's and others': each reads or writes the same records, in a process of its own.
//!
//! Clients take turns, so that a slow moment of the machine does not hit always the same one, and are kept on one core,
//! the other side on another. What counts is the time of the processor from the first record to the last: how much
//! passes in a second depends on what else the machine does. A client that has not delivered exactly what is in the log
//! gets no figures.

mod contestant;
mod options;
mod program;
mod report;
mod result;
mod stage;
mod target;

use std::{fs, path::PathBuf};

use kavka_bench_line::{Job, Work};
use kavka_protocol::Compression;

pub use self::{contestant::Programs, options::ContestOptions, target::ContestTarget};
use self::{
    contestant::{Contestant, FETCHERS, PRODUCERS, SHIPPED_FETCHERS, SHIPPED_PRODUCERS},
    report::{CSV_HEADING, TABLE_HEADING},
    result::{Measured, Run, Standing},
    stage::{Replayed, Stage, Sunk},
    target::HEADING,
};
use crate::{Result, rival, server::TOPIC};

/// A contest under way.
pub struct Contest {
    options: ContestOptions,
    programs: Programs,
    /// Where the rivals' programs are; empty without rivals.
    peers: PathBuf,
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
        let peers = if options.with_peers { rival::build_clients()? } else { PathBuf::new() };
        if !program::can_pin() {
            println!(
                "everybody shares the cores: two and `taskset` are needed to part clients from servers"
            );
        }
        println!("{TABLE_HEADING}");
        Ok(Self { options, programs, peers, measured: Vec::new() })
    }

    /// Lets everybody read the same records.
    pub fn fetch(&mut self, case: &FetchCase) -> Result<()> {
        let (batch_size, volume) = (self.options.batch_size, self.options.volume);
        let program = self.programs.stand_in.clone();
        let replay = || Replayed::start(&program, case, batch_size, volume);
        self.hold(format!("{}/replay", case.name), FETCHERS, false, replay)?;
        self.hold(format!("{}/replay/shipped", case.name), SHIPPED_FETCHERS, true, replay)
    }

    /// Lets everybody write the same records.
    pub fn produce(&mut self, case: &ProduceCase) -> Result<()> {
        let volume = self.options.volume;
        let program = self.programs.stand_in.clone();
        let sink = || Sunk::start(&program, case, volume);
        self.hold(format!("{}/replay", case.name), PRODUCERS, false, sink)?;
        self.hold(format!("{}/replay/shipped", case.name), SHIPPED_PRODUCERS, true, sink)
    }

    /// Lets `contestants` do what `stage` gives them to do, if the case is asked for.
    fn hold<S: Stage>(
        &mut self,
        case: String,
        contestants: &[Contestant],
        is_shipped: bool,
        stage: impl FnOnce() -> Result<S>,
    ) -> Result<()> {
        if !self.options.wants(&case) {
            return Ok(());
        }
        let contestants: Vec<_> =
            contestants.iter().filter(|contestant| self.takes_part(contestant)).collect();
        let mut stage = stage()?;
        let standings = self.race(&contestants, is_shipped, &mut stage)?;
        let records = stage.job()?.records as f64;
        let payload = stage.payload_size() as f64;
        let measured = Measured { case, payload, records, standings };
        print!("{}", measured.table());
        self.measured.push(measured);
        Ok(())
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
                standing.allocs_per_rec = self.count(contestant, is_shipped, stage)?;
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
        let is_there = self.options.with_peers || contestant.is_kavka();
        is_there && self.options.wants_client(contestant.client)
    }

    /// Prints the verdict on `targets` and writes what the options ask for.
    pub fn finish(self, targets: &[ContestTarget]) -> Result<()> {
        println!("\n{HEADING}");
        for judgement in targets.iter().flat_map(|target| target.judge(&self.measured)) {
            println!("{judgement}");
        }
        if let Some(path) = &self.options.csv {
            let rows: String = self.measured.iter().map(Measured::csv).collect();
            fs::write(path, CSV_HEADING.to_owned() + &rows)
                .map_err(|error| format!("writing {}: {error}", path.display()))?;
            println!("written: {}", path.display());
        }
        Ok(())
    }
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

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
mod target;

use std::{fs, path::PathBuf};

use kavka_bench_line::{Job, Outcome, Tally, Work};
use kavka_protocol::Compression;

pub use self::{contestant::Programs, options::ContestOptions, target::ContestTarget};
use self::{
    contestant::{Contestant, FETCHERS},
    program::StandIn,
    report::{CSV_HEADING, TABLE_HEADING},
    result::{Measured, Run, Standing},
    target::HEADING,
};
use crate::{Recording, Result, Shape, rival, server::TOPIC};

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

impl Contest {
    /// Builds the rivals.
    pub fn start(options: ContestOptions, programs: Programs) -> Result<Self> {
        let peers = if options.with_peers { rival::build_clients()? } else { PathBuf::new() };
        if !program::can_pin() {
            println!(
                "clients and servers share cores: two and `taskset` are needed to keep them apart"
            );
        }
        println!("{TABLE_HEADING}");
        Ok(Self { options, programs, peers, measured: Vec::new() })
    }

    /// Lets everybody read a recording from a stand-in for a broker.
    pub fn replay(&mut self, case: &FetchCase) -> Result<()> {
        let name = format!("{}/replay", case.name);
        if !self.options.wants(&name) {
            return Ok(());
        }
        let shape = Shape::named(case.shape).ok_or("no such shape")?;
        let (batch_size, volume) = (self.options.batch_size, self.options.volume);
        let recording = Recording::make(shape, case.codec, batch_size, PARTITIONS, volume)?;
        let role = if case.is_encrypted { "replay-tls" } else { "replay" };
        let arguments = [
            role.to_owned(),
            case.shape.to_owned(),
            case.codec.name().to_owned(),
            batch_size.to_string(),
            PARTITIONS.to_string(),
            volume.to_string(),
        ];
        let mut server = StandIn::start(&self.programs.stand_in, &arguments)?;
        let ca = case.is_encrypted.then(crate::server::authority);
        let job = job(server.address(), recording.tally().records, ca);
        let log_size = recording.log_size() as f64;
        let mut judge = |outcome: &Outcome| {
            check(recording.tally(), outcome.tally)?;
            Ok(Some(server.report()?.sent as f64 / log_size))
        };
        let (payload, records) = (recording.payload_size() as f64, job.records as f64);
        let standings = self.race(FETCHERS, &job, &mut judge)?;
        self.report(Measured { case: name, payload, records, standings });
        Ok(())
    }

    /// Lets everybody do `job` in turn; `judge` says what passed, or what was wrong.
    fn race(
        &self,
        contestants: &[Contestant],
        job: &Job,
        judge: &mut dyn FnMut(&Outcome) -> Result<Option<f64>>,
    ) -> Result<Vec<Standing>> {
        let contestants: Vec<_> =
            contestants.iter().filter(|contestant| self.takes_part(contestant)).collect();
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
                let timed = contestant.timed(&self.programs, &self.peers);
                let job = Job { style: contestant.style.to_owned(), ..job.clone() };
                let outcome = program::run(&timed, &job, contestant.environment);
                match outcome.and_then(|outcome| Ok(Run::new(&outcome, judge(&outcome)?))) {
                    Ok(run) => standing.runs.push(run),
                    Err(error) => standing.failure = Some(error.to_string()),
                }
            }
        }
        for (contestant, standing) in contestants.iter().zip(&mut standings) {
            self.count(contestant, standing, job, judge)?;
        }
        Ok(standings)
    }

    /// How often the client asks for memory.
    fn count(
        &self,
        contestant: &Contestant,
        standing: &mut Standing,
        job: &Job,
        judge: &mut dyn FnMut(&Outcome) -> Result<Option<f64>>,
    ) -> Result<()> {
        let Some(counted) = contestant.counted(&self.programs, &self.peers) else {
            return Ok(());
        };
        let job = Job { style: contestant.style.to_owned(), ..job.clone() };
        let outcome = program::run(&counted, &job, contestant.environment)?;
        judge(&outcome)?;
        standing.allocs_per_rec = Some(outcome.allocations as f64 / job.records as f64);
        Ok(())
    }

    fn takes_part(&self, contestant: &Contestant) -> bool {
        let is_there = self.options.with_peers || contestant.is_kavka();
        is_there && self.options.wants_client(contestant.client)
    }

    fn report(&mut self, measured: Measured) {
        print!("{}", measured.table());
        self.measured.push(measured);
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

/// Reading all of a topic at `servers`.
fn job(servers: String, records: u64, ca: Option<PathBuf>) -> Job {
    Job {
        work: Work::Fetch,
        servers,
        topic: TOPIC.to_owned(),
        partitions: PARTITIONS,
        records,
        style: String::new(),
        is_shipped: false,
        codec: Compression::None.name().to_owned(),
        entries: None,
        value_size: 0,
        ca,
        limit: LIMIT,
    }
}

fn check(expected: Tally, found: Tally) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("delivered {found:?} of {expected:?}; no figures").into()),
    }
}

const PARTITIONS: i32 = 6;
/// Seconds that no job takes, even on a slow machine.
const LIMIT: u64 = 300;

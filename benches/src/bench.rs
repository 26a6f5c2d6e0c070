//! The course of a benchmark: cases one after the other, then the verdict.

use std::{convert::Infallible, fs, path::Path, time::Duration};

use bytes::Bytes;
use kavka_bench_line::Seen;
use kavka_protocol::Decompressor;
use tempfile::TempDir;

use crate::{
    Case, Lane, Options, Result, Target,
    chart::chart,
    codec::walk_all,
    race::race,
    report::{CSV_HEADING, Measured, TABLE_HEADING, panels},
    rival::Rival,
    target,
};

/// A benchmark under way.
pub struct Bench {
    options: Options,
    rivals: Vec<Rival>,
    /// Where rivals find logs.
    scratch: TempDir,
    measured: Vec<Measured>,
}

impl Bench {
    /// Starts the rivals.
    pub fn start(options: Options) -> Result<Self> {
        let rivals = if options.with_peers { Rival::start_all()? } else { Vec::new() };
        println!("{TABLE_HEADING}");
        Ok(Self { options, rivals, scratch: TempDir::new()?, measured: Vec::new() })
    }

    /// How it was asked to run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Lets everybody read the log of `case`; all must have seen what the first of `ours` has.
    pub fn decode(&mut self, case: &Case, ours: Vec<Lane<'_>>) -> Result<()> {
        self.load(case)?;
        let expected = ours.first().map(Lane::seen);
        let rivals: Result<Vec<_>> =
            self.rivals.iter_mut().map(|rival| rival.lane("decode".to_owned())).collect();
        let rivals = rivals?;
        let mut readers = ours.iter().chain(&rivals);
        if let Some(other) = readers.find(|lane| Some(lane.seen()) != expected) {
            return Err(disagreement(case, other, other.seen(), expected));
        }
        let lanes = ours.into_iter().chain(rivals).chain(limits(case, &case.log)?);
        let lanes = lanes.map(|lane| lane.with_wire_size(case.log.len() as u64));
        let measured = run(case, lanes.collect(), self.options.budget)?;
        self.measured.push(measured);
        Ok(())
    }

    /// Lets everybody make the batches of `case` anew; `made` is what `ours` makes, and what rivals make must hold the
    /// same records.
    pub fn encode(&mut self, case: &Case, ours: Vec<Lane<'_>>, made: &Bytes) -> Result<()> {
        self.load(case)?;
        let expected = walk_all(made, &mut Decompressor::new())?;
        let (codec, output) = (case.codec.name(), self.scratch.path().join("made"));
        let made_size = made.len() as u64;
        let ours = ours.into_iter().chain(limits(case, made)?);
        let mut lanes: Vec<_> = ours.map(|lane| lane.with_wire_size(made_size)).collect();
        for rival in &mut self.rivals {
            rival.write(codec, &output)?;
            let made = Bytes::from(fs::read(&output)?);
            let seen = walk_all(&made, &mut Decompressor::new())?;
            let lane = rival.lane(format!("encode {codec}"))?;
            if seen != expected {
                return Err(disagreement(case, &lane, seen, Some(expected)));
            }
            lanes.push(lane.with_wire_size(made.len() as u64));
        }
        let measured = run(case, lanes, self.options.budget)?;
        self.measured.push(measured);
        Ok(())
    }

    /// Prints the verdict on `targets` and writes what the options ask for.
    ///
    /// `notes` are what a reader of the chart must know.
    pub fn finish(self, title: &str, notes: &[&str; 2], targets: &[Target]) -> Result<()> {
        println!("\n{}", target::HEADING);
        for judgement in targets.iter().filter_map(|target| target.judge(&self.measured)) {
            println!("{judgement}");
        }
        self.print_allocations();
        if let Some(path) = &self.options.csv {
            let rows: String = self.measured.iter().map(Measured::csv).collect();
            write(path, CSV_HEADING.to_owned() + &rows)?;
        }
        if let Some(path) = &self.options.svg {
            write(path, chart(title, notes, &panels(&self.measured)))?;
        }
        Ok(())
    }

    fn load(&mut self, case: &Case) -> Result<()> {
        let log = self.scratch.path().join("log");
        fs::write(&log, &case.log)?;
        self.rivals.iter_mut().try_for_each(|rival| rival.load(&log))
    }

    fn print_allocations(&self) {
        let kavka = self.measured.iter().filter_map(|measured| {
            Some((measured.allocs_per_batch(measured.of("kavka")?), &measured.case))
        });
        if let Some((most, case)) = kavka.max_by(|a, b| a.0.total_cmp(&b.0)) {
            let verdict =
                if most <= ALLOCATIONS_PER_BATCH { "held: none per record" } else { "MISSED" };
            println!("allocations of kavka: at most {most:.1} per batch ({case})  {verdict}");
        }
    }
}

fn run(case: &Case, mut lanes: Vec<Lane<'_>>, budget: Duration) -> Result<Measured> {
    let measured = Measured::new(case, race(&mut lanes, budget)?);
    print!("{}", measured.table());
    Ok(measured)
}

/// What the hardware allows: hashing `bytes`, and copying them.
fn limits<'c>(case: &Case, bytes: &'c Bytes) -> Result<Vec<Lane<'c>>> {
    let records = case.records;
    let mut copy = vec![0; bytes.len()];
    let hashed = move || {
        let sum = crc32c::crc32c(std::hint::black_box(bytes)).into();
        Ok::<_, Infallible>(Seen { records, sum })
    };
    let copied = move || {
        copy.copy_from_slice(std::hint::black_box(bytes));
        let sum = std::hint::black_box(&copy).len() as u64;
        Ok::<_, Infallible>(Seen { records, sum })
    };
    Ok(vec![Lane::here("crc", hashed)?, Lane::here("memcpy", copied)?])
}

fn disagreement(
    case: &Case,
    lane: &Lane<'_>,
    seen: Seen,
    expected: Option<Seen>,
) -> Box<dyn std::error::Error> {
    let (name, client) = (&case.name, lane.client());
    format!("{name}: {client} has seen {seen:?}, kavka {expected:?}; no figures without agreement")
        .into()
}

/// Writes a file that was asked for, and says so.
pub(crate) fn write(path: &Path, content: String) -> Result<()> {
    fs::write(path, content).map_err(|error| format!("writing {}: {error}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}

/// The buffer behind a batch and what refers to it; a record that cost one would show.
const ALLOCATIONS_PER_BATCH: f64 = 4.0;

//! Where a contest takes place: the other side, and what is to be delivered.

use std::{fs, path::Path};

use kavka_bench_line::{Entries, Job, Outcome, Tally, Work};
use kavka_protocol::Compression;
use tempfile::TempDir;

use super::{FetchCase, PARTITIONS, ProduceCase, job, program::StandIn};
use crate::{Recording, Result, Shape, payload::Payloads, server::authority};

/// The other side of a case.
pub(super) trait Stage {
    /// What a client is to do next.
    fn job(&mut self) -> Result<Job>;

    /// Whether `outcome` is what the last job was to bring, and how many bytes passed for each byte of the log if
    /// anybody has counted them.
    fn judge(&mut self, job: &Job, outcome: &Outcome) -> Result<Option<f64>>;

    /// Records in a job.
    fn records(&self) -> u64;

    /// Bytes of keys and values in a job.
    fn payload_size(&self) -> u64;
}

/// A stand-in for a broker that serves a recording.
pub(super) struct Replayed {
    server: StandIn,
    recording: Recording,
    job: Job,
}

impl Replayed {
    pub(super) fn start(
        program: &Path,
        case: &FetchCase,
        batch_size: usize,
        volume: u64,
    ) -> Result<Self> {
        let shape = shape(case.shape)?;
        let recording = Recording::make(shape, case.codec, batch_size, PARTITIONS, volume)?;
        let role = if case.is_encrypted { "replay-tls" } else { "replay" };
        let server = stand_in(program, role, case.shape, case.codec, batch_size, volume)?;
        let ca = case.is_encrypted.then(authority);
        let job = Job { ca, records: recording.tally().records, ..job(server.address()) };
        Ok(Self { server, recording, job })
    }
}

impl Stage for Replayed {
    fn job(&mut self) -> Result<Job> {
        // Whoever failed before may have left something behind.
        self.server.report()?;
        Ok(self.job.clone())
    }

    fn judge(&mut self, _job: &Job, outcome: &Outcome) -> Result<Option<f64>> {
        let sent = self.server.report()?.sent as f64;
        check(self.recording.tally(), outcome.tally)?;
        Ok(Some(sent / self.recording.log_size() as f64))
    }

    fn records(&self) -> u64 {
        self.job.records
    }

    fn payload_size(&self) -> u64 {
        self.recording.payload_size()
    }
}

/// A stand-in for a broker that acknowledges what is written.
pub(super) struct Sunk {
    server: StandIn,
    script: Script,
    job: Job,
}

impl Sunk {
    pub(super) fn start(program: &Path, case: &ProduceCase, volume: u64) -> Result<Self> {
        let script = Script::write(case.shape, volume)?;
        let server = stand_in(program, "sink", case.shape, case.codec, 1, volume)?;
        let job = script.job(server.address(), case.codec);
        Ok(Self { server, script, job })
    }
}

impl Stage for Sunk {
    fn job(&mut self) -> Result<Job> {
        // Whoever failed before may have left something behind.
        self.server.report()?;
        Ok(self.job.clone())
    }

    fn judge(&mut self, job: &Job, outcome: &Outcome) -> Result<Option<f64>> {
        let report = self.server.report()?;
        check(self.script.tally, report.tally)?;
        check_acknowledged(job, outcome)?;
        Ok(None)
    }

    fn records(&self) -> u64 {
        self.job.records
    }

    fn payload_size(&self) -> u64 {
        self.script.payload_size(&self.job)
    }
}

/// What producers write, in a file.
pub(super) struct Script {
    folder: TempDir,
    shape: &'static Shape,
    records: u64,
    /// What is in the log afterwards.
    pub(super) tally: Tally,
}

impl Script {
    /// At least `volume` bytes of keys and values.
    pub(super) fn write(shape_name: &str, volume: u64) -> Result<Self> {
        let shape = shape(shape_name)?;
        let (mut payloads, mut bytes) = (Payloads::new(shape.value_size), Vec::new());
        for number in 0..ENTRIES_SIZE / shape.payload_size() {
            bytes.extend_from_slice(format!("key-{number:07}").as_bytes());
            bytes.extend_from_slice(payloads.next());
        }
        let records = volume.div_ceil(shape.payload_size() as u64);
        let folder = TempDir::new()?;
        let mut script = Self { folder, shape, records, tally: Tally::default() };
        fs::write(script.path(), bytes)?;
        let job = script.job(String::new(), Compression::None);
        script.tally = Entries::of(&job)?.tally(&job);
        Ok(script)
    }

    /// Writing it to a broker.
    pub(super) fn job(&self, servers: String, codec: Compression) -> Job {
        Job {
            work: Work::Produce,
            records: self.records,
            codec: codec.name().to_owned(),
            entries: Some(self.path()),
            value_size: self.shape.value_size,
            ..job(servers)
        }
    }

    pub(super) fn payload_size(&self, job: &Job) -> u64 {
        job.records * self.shape.payload_size() as u64
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("entries")
    }
}

fn stand_in(
    program: &Path,
    role: &str,
    shape: &str,
    codec: Compression,
    batch_size: usize,
    volume: u64,
) -> Result<StandIn> {
    let numbers = [batch_size as u64, PARTITIONS.unsigned_abs().into(), volume];
    let words = [role, shape, codec.name()].map(str::to_owned);
    let arguments: Vec<_> =
        words.into_iter().chain(numbers.map(|number| number.to_string())).collect();
    StandIn::start(program, &arguments)
}

fn shape(name: &str) -> Result<&'static Shape> {
    Shape::named(name).ok_or_else(|| format!("no shape {name}").into())
}

pub(super) fn check(expected: Tally, found: Tally) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("delivered {found:?} of {expected:?}; no figures").into()),
    }
}

pub(super) fn check_acknowledged(job: &Job, outcome: &Outcome) -> Result<()> {
    let (acknowledged, sent) = (outcome.tally.records, job.records);
    match acknowledged == sent {
        true => Ok(()),
        false => Err(format!("{acknowledged} of {sent} acknowledged; no figures").into()),
    }
}

/// Bytes of what is written over and over: more than a cache of one core holds.
const ENTRIES_SIZE: usize = 4_000_000;

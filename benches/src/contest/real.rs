//! Contests against real Apache Kafka.

use std::path::{Path, PathBuf};

use kavka_bench_line::{Job, Outcome, Work};

use super::{
    FetchCase, ProduceCase,
    kafka::Kafka,
    program,
    stage::{Script, Stage, check, check_acknowledged},
};
use crate::{Result, server::authority};

/// A topic that kavka has filled, with batches of the size that Java's producer makes by default.
pub(super) struct Filled<'k> {
    kafka: &'k Kafka,
    script: Script,
    job: Job,
}

impl<'k> Filled<'k> {
    pub(super) fn start(
        kafka: &'k Kafka,
        kavka: &Path,
        case: &FetchCase,
        volume: u64,
    ) -> Result<Self> {
        let script = Script::write(case.shape, volume)?;
        let written = Job {
            style: "fill".to_owned(),
            topic: case.name.to_owned(),
            ..script.job(kafka.address(false), case.codec)
        };
        kafka.create_topic(&written.topic)?;
        check_acknowledged(&written, &program::run(kavka, &written, &[])?)?;
        let ca = case.is_encrypted.then(authority);
        let servers = kafka.address(case.is_encrypted);
        let job = Job { work: Work::Fetch, servers, ca, entries: None, ..written };
        let mut filled = Self { kafka, script, job };
        // The first to read finds a broker that has not been translated for its machine yet.
        let warm_up = Job { style: "borrowed".to_owned(), ..filled.job()? };
        filled.judge(&warm_up, &program::run(kavka, &warm_up, &[])?)?;
        Ok(filled)
    }
}

impl Stage for Filled<'_> {
    fn job(&mut self) -> Result<Job> {
        Ok(self.job.clone())
    }

    fn judge(&mut self, _job: &Job, outcome: &Outcome) -> Result<Option<f64>> {
        check(self.script.tally, outcome.tally)?;
        Ok(None)
    }

    fn records(&self) -> u64 {
        self.job.records
    }

    fn payload_size(&self) -> u64 {
        self.script.payload_size(&self.job)
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        // With the node goes the topic, too.
        let _ = self.kafka.delete_topic(&self.job.topic);
    }
}

/// Topics that are written, each by one client once.
pub(super) struct Written<'k> {
    kafka: &'k Kafka,
    kavka: PathBuf,
    script: Script,
    job: Job,
    topics: u32,
}

impl<'k> Written<'k> {
    pub(super) fn start(
        kafka: &'k Kafka,
        kavka: &Path,
        case: &ProduceCase,
        volume: u64,
    ) -> Result<Self> {
        let script = Script::write(case.shape, volume)?;
        let job = script.job(kafka.address(false), case.codec);
        let job = Job { topic: case.name.to_owned(), ..job };
        Ok(Self { kafka, kavka: kavka.to_owned(), script, job, topics: 0 })
    }
}

impl Stage for Written<'_> {
    fn job(&mut self) -> Result<Job> {
        self.topics += 1;
        let topic = format!("{}-{}", self.job.topic, self.topics);
        self.kafka.create_topic(&topic)?;
        Ok(Job { topic, ..self.job.clone() })
    }

    /// Reads what is in the topic: an acknowledgement alone says little.
    fn judge(&mut self, job: &Job, outcome: &Outcome) -> Result<Option<f64>> {
        check_acknowledged(job, outcome)?;
        let read = Job { work: Work::Fetch, style: "borrowed".to_owned(), ..job.clone() };
        let found = program::run(&self.kavka, &read, &[]);
        self.kafka.delete_topic(&job.topic)?;
        check(self.script.tally, found?.tally)?;
        Ok(None)
    }

    fn records(&self) -> u64 {
        self.job.records
    }

    fn payload_size(&self) -> u64 {
        self.script.payload_size(&self.job)
    }
}

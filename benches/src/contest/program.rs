//! Programs that a contest starts: clients, each for one job, and stand-ins for brokers, each for one case.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
    thread,
};

use kavka_bench_line::{Job, Outcome};

use crate::{Result, server::Report};

/// Has `program` do `job` and returns what came of it.
pub(super) fn run(program: &Path, job: &Job, environment: &[(&str, &str)]) -> Result<Outcome> {
    let mut command = pinned(program, Core::Client);
    command.args(job.arguments()).envs(environment.iter().copied());
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| cannot_start(program, &error))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let line = told.lines().last().unwrap_or_default();
    match line.strip_prefix("error: ") {
        None if output.status.success() => Ok(line.parse()?),
        None => Err(format!("{} ended with {}", program.display(), output.status).into()),
        Some(error) => Err(format!("{}: {error}", program.display()).into()),
    }
}

/// A stand-in for a broker under way; it ends when this is dropped.
pub(super) struct StandIn {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl StandIn {
    /// Starts `program` and waits until it listens.
    pub(super) fn start(program: &Path, arguments: &[String]) -> Result<Self> {
        let mut process = pinned(program, Core::Server)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_start(program, &error))?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut stand_in = Self { process, input, output, port: 0 };
        stand_in.port = stand_in.line()?.parse()?;
        Ok(stand_in)
    }

    /// For `bootstrap.servers`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What has passed since the last report.
    pub(super) fn report(&mut self) -> Result<Report> {
        writeln!(self.input.as_mut().ok_or("no input")?, "report")?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err("the stand-in for a broker has ended".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Which processor a program runs on: never the same one for both sides.
#[derive(Clone, Copy)]
pub(super) enum Core {
    Server,
    Client,
}

/// A command that stays on its core, where the machine has two and there is `taskset`.
pub(super) fn pinned(program: &Path, core: Core) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args([
        "-c",
        match core {
            Core::Server => "0",
            Core::Client => "1",
        },
    ]);
    command.arg(program);
    command
}

/// Whether programs are kept to one core each.
pub(super) fn can_pin() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let asked = Command::new("taskset").args(["-c", "0,1", "true"]).status();
        cores > 1 && asked.is_ok_and(|status| status.success())
    })
}

fn cannot_start(program: &Path, error: &std::io::Error) -> String {
    format!("starting {}: {error}", program.display())
}

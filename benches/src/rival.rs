//! Other clients: programs of the workspace `peers`, built and started here.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use kavka_bench_line::Turn;

use crate::{Lane, Result};

/// A client in processes of its own: one is timed, in another allocations are counted.
pub(crate) struct Rival {
    client: &'static str,
    timed: Conversation,
    counted: Conversation,
}

impl Rival {
    /// Builds all rivals, which takes minutes the first time and a moment later on, and starts them.
    pub(crate) fn start_all() -> Result<Vec<Self>> {
        let programs = build("kavka-peers")?;
        CLIENTS.iter().map(|client| Self::start(client, &programs)).collect()
    }

    fn start(client: &'static str, programs: &Path) -> Result<Self> {
        let timed = Conversation::start(&programs.join(client))?;
        let counted = Conversation::start(&programs.join(format!("{client}-counted")))?;
        Ok(Self { client, timed, counted })
    }

    /// Tells both processes where the next log is.
    pub(crate) fn load(&mut self, log: &Path) -> Result<()> {
        for conversation in [&mut self.timed, &mut self.counted] {
            conversation.ask(&format!("load {}", log.display()))?;
        }
        Ok(())
    }

    /// Has the batches made with `codec` written to `output`.
    pub(crate) fn write(&mut self, codec: &str, output: &Path) -> Result<()> {
        self.counted.ask(&format!("write {codec} {}", output.display())).map(drop)
    }

    /// The lane in which `work` is done: `decode`, or `encode` and a codec.
    pub(crate) fn lane(&mut self, work: String) -> Result<Lane<'_>> {
        let Turn { allocations, .. } = self.counted.ask(&work)?.parse()?;
        let timed = &mut self.timed;
        let lane = Lane::new(self.client, move || Ok(timed.ask(&work)?.parse()?))?;
        Ok(lane.with_allocations(allocations))
    }
}

/// A process that answers each line with a line; it ends when its input does.
struct Conversation {
    name: String,
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    fn start(program: &Path) -> Result<Self> {
        let name = program.display().to_string();
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("starting {name}: {error}"))?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("no output")?;
        Ok(Self { name, process, input, output: BufReader::new(output) })
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        self.converse(line)
            .map_err(|error| format!("{}, asked to {line}: {error}", self.name).into())
    }

    fn converse(&mut self, line: &str) -> Result<String> {
        writeln!(self.input.as_mut().ok_or("no input")?, "{line}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        let answer = answer.trim_end();
        match answer.strip_prefix("error: ") {
            Some(error) => Err(error.into()),
            None if answer.is_empty() => Err("it has ended".into()),
            None => Ok(answer.to_owned()),
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Builds the rivals that are whole clients and says where they are.
pub(crate) fn build_clients() -> Result<PathBuf> {
    build("kavka-peer-clients")
}

/// Builds the rivals of one package next to what cargo builds of ours and says where they are.
fn build(package: &str) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = target_directory()?.join("peers");
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--quiet", "--manifest-path", MANIFEST]);
    command.args(["--package", package]).arg("--target-dir").arg(&target);
    eprintln!("building the rivals (minutes the first time)");
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() {
        return Ok(target.join("release"));
    }
    Err(format!(
        "the rivals could not be built; try `cargo fetch --locked --manifest-path {MANIFEST}`, or go without them: \
         `--no-peers`. It was {command:?}"
    )
    .into())
}

/// Where cargo has put this program: `target/release/deps/decode-0123`.
fn target_directory() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("this program is not in a target directory")?;
    Ok(target.to_owned())
}

const CLIENTS: [&str; 2] = ["krafka", "kafka-protocol"];
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/Cargo.toml");

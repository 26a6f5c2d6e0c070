//! Real Apache Kafka in KRaft mode, started from its own jars.
//!
//! Each node is a child of a small shell that holds a pipe to the test process: when the test run ends, however
//! it ends, the pipe closes and the shell kills the node and removes its data.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::java;

/// A cluster of real Kafka nodes, each broker and controller at once.
pub struct RealKafka {
    nodes: Vec<Mutex<Node>>,
    bootstrap_servers: String,
}

/// What a cluster has beside a plain listener.
#[derive(Default)]
pub(crate) struct Extras {
    /// Name, security protocol and port of further listeners.
    pub(crate) listeners: Vec<(&'static str, &'static str, u16)>,
    /// Lines for the properties of every node.
    pub(crate) properties: String,
    /// Arguments for formatting a node's storage.
    pub(crate) format: Vec<String>,
}

struct Node {
    id: usize,
    directory: PathBuf,
    process: Option<Process>,
}

/// The shell around one node; closing its input ends both.
struct Process {
    shell: Child,
    watchdog: Option<ChildStdin>,
}

impl RealKafka {
    /// The one node that the whole test run shares; topics are named per test.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<RealKafka, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::cluster(1)).as_ref().map_err(Clone::clone)
    }

    /// A cluster of its own, for tests that kill and restart nodes.
    pub fn cluster(nodes: usize) -> Result<Self, String> {
        Self::start(nodes, &Extras::default())
    }

    /// A cluster with more than the usual properties; listeners only make sense with one node.
    pub(crate) fn start(nodes: usize, extras: &Extras) -> Result<Self, String> {
        let ports: Vec<(u16, u16)> =
            (0..nodes).map(|_| Ok((free_port()?, free_port()?))).collect::<Result<_, String>>()?;
        let voters = join(
            ports
                .iter()
                .enumerate()
                .map(|(index, (_, port))| format!("{}@127.0.0.1:{port}", index + 1)),
        );
        let uuid = java::run("kafka.tools.StorageTool", &["random-uuid"], None)?;
        let mut started = Vec::new();
        for (index, (port, controller)) in ports.iter().enumerate() {
            let directory = tempfile::tempdir().map_err(|error| error.to_string())?.keep();
            let properties =
                properties(index + 1, nodes, *port, *controller, &voters, &directory, extras);
            fs::write(directory.join("node.properties"), properties)
                .map_err(|error| error.to_string())?;
            format(uuid.trim(), &directory, &extras.format)?;
            started.push(Mutex::new(Node { id: index + 1, directory, process: None }));
        }
        let bootstrap_servers = join(ports.iter().map(|(port, _)| format!("127.0.0.1:{port}")));
        let cluster = Self { nodes: started, bootstrap_servers };
        cluster.start_all()?;
        Ok(cluster)
    }

    /// Every node's address, for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Kills node `index` as SIGKILL does.
    pub fn kill(&self, index: usize) {
        if let Some(process) = self.node(index).process.take() {
            process.kill();
        }
    }

    /// Starts node `index` again on its old data and waits until it serves.
    pub fn restart(&self, index: usize) -> Result<(), String> {
        let ready = self.node(index).launch()?;
        self.node(index).await_ready(&ready)
    }

    /// Where node `index` keeps its partitions' segment files.
    pub fn log_directory(&self, index: usize) -> PathBuf {
        self.node(index).directory.join("data")
    }

    /// Nodes of a quorum wait for one another, so all are launched before the first is waited for.
    fn start_all(&self) -> Result<(), String> {
        let launched: Vec<Ready> = (0..self.nodes.len())
            .map(|index| self.node(index).launch())
            .collect::<Result<_, _>>()?;
        launched
            .iter()
            .enumerate()
            .try_for_each(|(index, ready)| self.node(index).await_ready(ready))
    }

    fn node(&self, index: usize) -> std::sync::MutexGuard<'_, Node> {
        self.nodes[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The news that a node serves, and its last words in case it never does.
struct Ready {
    started: mpsc::Receiver<()>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

impl Node {
    fn launch(&mut self) -> Result<Ready, String> {
        let mut shell = self.shell()?;
        let watchdog = shell.stdin.take();
        let lines = BufReader::new(shell.stdout.take().ok_or("no output")?).lines();
        self.process = Some(Process { shell, watchdog });
        let (sender, started) = mpsc::channel();
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let words = Arc::clone(&last_words);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("Kafka Server started") {
                    let _ = sender.send(());
                }
                remember(&words, line);
            }
        });
        Ok(Ready { started, last_words })
    }

    fn await_ready(&self, ready: &Ready) -> Result<(), String> {
        ready.started.recv_timeout(START_LIMIT).map_err(|_| {
            let words = ready.last_words.lock().unwrap_or_else(PoisonError::into_inner);
            format!("Kafka node {} did not start:\n{}", self.id, join_lines(&words))
        })
    }

    /// The watchdog: starts Java and waits. A line on its input kills the node and keeps the data
    /// for a restart; the end of its input, which the end of this process brings, removes the data too.
    fn shell(&self) -> Result<Child, String> {
        let script = r#""$@" 2>&1 & pid=$!; read -r keep; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
            [ -n "$keep" ] || rm -rf "$DATA""#;
        let java = java::command("1g")?;
        Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(java.get_program())
            .args(java.get_args())
            .arg("kafka.Kafka")
            .arg(self.directory.join("node.properties"))
            .env("DATA", &self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh: {error}"))
    }
}

impl Process {
    /// SIGKILL; returns when the node is gone.
    fn kill(mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            let _ = watchdog.write_all(b"keep\n");
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.watchdog.take());
        let _ = self.shell.wait();
    }
}

fn format(uuid: &str, directory: &Path, more: &[String]) -> Result<(), String> {
    let file = directory.join("node.properties").display().to_string();
    let mut arguments = vec!["format", "-t", uuid, "-c", &file];
    arguments.extend(more.iter().map(String::as_str));
    java::run("kafka.tools.StorageTool", &arguments, None).map(drop)
}

fn properties(
    id: usize,
    nodes: usize,
    port: u16,
    controller: u16,
    voters: &str,
    directory: &Path,
    extras: &Extras,
) -> String {
    let data = directory.join("data");
    let listed = |text: &dyn Fn(&(&str, &str, u16)) -> String| -> String {
        extras.listeners.iter().map(|listener| format!(",{}", text(listener))).collect()
    };
    let listeners = listed(&|(name, _, port)| format!("{name}://127.0.0.1:{port}"));
    let protocols = listed(&|(name, protocol, _)| format!("{name}:{protocol}"));
    let more = &extras.properties;
    format!(
        "process.roles=broker,controller\nnode.id={id}\ncontroller.quorum.voters={voters}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
         inter.broker.listener.name=PLAINTEXT\nlog.dirs={}\n\
         offsets.topic.replication.factor={nodes}\ntransaction.state.log.replication.factor={nodes}\n\
         share.coordinator.state.topic.replication.factor={nodes}\n\
         transaction.state.log.min.isr=1\nshare.coordinator.state.topic.min.isr=1\n\
         offsets.topic.num.partitions=8\ntransaction.state.log.num.partitions=8\n\
         group.initial.rebalance.delay.ms=0\nlog.cleaner.backoff.ms=100\nlog.initial.task.delay.ms=100\nlog.retention.ms=-1\n{more}",
        data.display()
    )
}

pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

fn remember(words: &Mutex<VecDeque<String>>, line: String) {
    let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
    words.push_back(line);
    if words.len() > KEPT_LINES {
        words.pop_front();
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

fn join_lines(lines: &VecDeque<String>) -> String {
    lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// A node usually serves after three seconds; a loaded machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Enough of a node's log to see why it did not start.
const KEPT_LINES: usize = 40;

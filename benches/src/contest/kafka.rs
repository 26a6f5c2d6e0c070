//! One node of real Apache Kafka, started from its own jars, which Maven fetches once into the cache of the test suite.

use std::{
    env, fs,
    future::Future,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use kavka_client::{Client, NewTopic};
use tempfile::TempDir;

use super::{
    PARTITIONS,
    program::{Core, pinned},
};
use crate::Result;

/// A running node. It ends, and its data goes, when this is dropped, and also when this process is killed.
pub(super) struct Kafka {
    shell: Child,
    watchdog: Option<ChildStdin>,
    port: u16,
    encrypted_port: u16,
    _data: TempDir,
}

impl Kafka {
    /// Starts a node and waits until it serves, which takes some ten seconds.
    pub(super) fn start() -> Result<Self> {
        let jars = jars()?;
        let data = data_folder()?;
        let [port, encrypted_port, controller] = [free_port()?, free_port()?, free_port()?];
        let file = data.path().join("node.properties");
        fs::write(&file, properties(port, encrypted_port, controller, data.path()))?;
        let uuid = tool(&jars, &["random-uuid"])?;
        tool(&jars, &["format", "-t", uuid.trim(), "-c", &file.display().to_string()])?;
        let mut shell = watched(&jars, &file, data.path()).spawn()?;
        let watchdog = shell.stdin.take();
        let output = BufReader::new(shell.stdout.take().ok_or("no output")?);
        let kafka = Self { shell, watchdog, port, encrypted_port, _data: data };
        let mut last_words = Vec::new();
        let mut lines = output.lines();
        for line in lines.by_ref() {
            let line = line?;
            if line.contains("Kafka Server started") {
                // Nobody reads what it says later, but it is not to wait for that.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(kafka);
            }
            last_words.push(line);
        }
        let from = last_words.len().saturating_sub(LAST_WORDS);
        Err(format!("Kafka did not start:\n{}", last_words[from..].join("\n")).into())
    }

    /// For `bootstrap.servers`.
    pub(super) fn address(&self, is_encrypted: bool) -> String {
        let port = if is_encrypted { self.encrypted_port } else { self.port };
        format!("127.0.0.1:{port}")
    }

    /// Makes an empty topic, and waits until it is there.
    pub(super) fn create_topic(&self, name: &str) -> Result<()> {
        let topic = NewTopic::new(name).with_partitions(PARTITIONS).with_replication_factor(1);
        self.administer(async |client: Client| {
            client.admin().create_topics(&[topic]).await?.into_iter().collect()
        })
    }

    /// Deletes a topic with all that is in it.
    pub(super) fn delete_topic(&self, name: &str) -> Result<()> {
        self.administer(async |client: Client| {
            client.admin().delete_topics(&[name]).await?.into_iter().collect()
        })
    }

    fn administer<F>(&self, act: impl FnOnce(Client) -> F) -> Result<()>
    where
        F: Future<Output = kavka_client::Result<()>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            let servers = self.address(false);
            act(Client::connect([("bootstrap.servers", &*servers)]).await?).await
        })?)
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.watchdog.take());
        let _ = self.shell.wait();
    }
}

/// A shell that starts Java and waits; the end of its input kills the node and removes its data. A signal to the whole
/// group of processes, as the keyboard sends it, must not end the shell before that.
fn watched(jars: &str, file: &Path, data: &Path) -> Command {
    let script = r#"trap '' HUP INT TERM; "$@" 2>&1 & pid=$!; read -r _; kill -9 $pid; wait $pid; rm -rf "$0""#;
    let mut command = pinned(Path::new("sh"), Core::Server);
    command.args(["-c", script]).arg(data);
    command.args(["java", "-Xmx1g", "-cp", jars, "kafka.Kafka"]);
    command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn tool(jars: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("java");
    command.args(["-cp", jars, "kafka.tools.StorageTool"]).args(arguments);
    let output = command.output().map_err(|error| format!("java: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The class path.
pub(super) fn jars() -> Result<String> {
    let cache = env::var_os("KAVKA_CACHE").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache/kavka"),
        PathBuf::from,
    );
    let folder = cache.join("kafka").join(VERSION);
    if !folder.join("complete").exists() {
        fetch(&folder)?;
    }
    Ok(format!("{}/*", folder.display()))
}

fn fetch(folder: &Path) -> Result<()> {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/java/pom.xml");
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "-f"]).arg(pom).arg(format!("-Dkafka.version={VERSION}"));
    command.arg(format!("-DoutputDirectory={}", folder.display()));
    let output = command.arg("dependency:copy-dependencies").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("mvn: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stdout).into_owned();
        return Err(format!("mvn could not fetch Kafka {VERSION}: {why}").into());
    }
    Ok(fs::write(folder.join("complete"), VERSION)?)
}

/// In memory where there is a folder for that: a disk is not what is measured.
fn data_folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn properties(port: u16, encrypted_port: u16, controller: u16, data: &Path) -> String {
    let listeners = format!("PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{encrypted_port}");
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/fixtures/server.p12");
    format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n\
         listeners={listeners},CONTROLLER://127.0.0.1:{controller}\nadvertised.listeners={listeners}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT\n\
         ssl.keystore.location={}\nssl.keystore.password=store-secret\nssl.keystore.type=PKCS12\n\
         log.dirs={}\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\nlog.retention.ms=-1\nlog.segment.delete.delay.ms=100\n",
        keys.display(),
        data.join("log").display()
    )
}

/// The version that the test suite runs against.
const VERSION: &str = "4.3.1";
/// Enough of a node's log to see why it did not start.
const LAST_WORDS: usize = 40;

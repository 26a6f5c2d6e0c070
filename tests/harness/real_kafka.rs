//! Real Apache Kafka in KRaft mode, started from its own jars.

mod old;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use old::OLD_VERSIONS;

use crate::java;
use crate::server::{Ready, Server, Signal, folder, free_port};

/// A cluster of real Kafka nodes, each broker and controller at once.
pub struct RealKafka {
    version: String,
    nodes: Vec<Mutex<Server>>,
    listeners: Vec<Listener>,
    /// What brokers before KRaft need; it ends after them.
    _zookeeper: Option<Server>,
}

/// What a cluster has beside a plain listener.
#[derive(Default)]
pub(crate) struct Extras {
    /// Name and security protocol of further listeners of every node.
    pub(crate) listeners: Vec<(&'static str, &'static str)>,
    /// Lines for the properties of every node.
    pub(crate) properties: String,
    /// Arguments for formatting a node's storage.
    pub(crate) format: Vec<String>,
}

/// Where clients of one kind connect to, at every node.
struct Listener {
    name: &'static str,
    protocol: &'static str,
    ports: Vec<u16>,
    bootstrap_servers: String,
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

    /// A cluster with more than the usual.
    pub(crate) fn start(nodes: usize, extras: &Extras) -> Result<Self, String> {
        Self::start_version(&java::version(), nodes, extras)
    }

    fn start_version(version: &str, nodes: usize, extras: &Extras) -> Result<Self, String> {
        let all = [("PLAINTEXT", "PLAINTEXT")].iter().chain(&extras.listeners);
        let listeners: Vec<Listener> = all
            .map(|(name, protocol)| Listener::new(name, protocol, nodes))
            .collect::<Result<_, _>>()?;
        let controllers = ports(nodes)?;
        let uuid = java::run_version(version, "kafka.tools.StorageTool", &["random-uuid"], None)?;
        let mut started = Vec::new();
        for node in 0..nodes {
            let directory = folder()?;
            let file = directory.join("node.properties");
            let text = properties(node, &listeners, &controllers, &directory, extras);
            fs::write(&file, text).map_err(|error| error.to_string())?;
            format(version, uuid.trim(), &file, &extras.format)?;
            let name = format!("Kafka node {}", node + 1);
            let java = broker(version, &file)?;
            started.push(Mutex::new(Server::new(name, java, directory, "Kafka Server started")));
        }
        let version = version.to_owned();
        let cluster = Self { version, nodes: started, listeners, _zookeeper: None };
        cluster.start_all()?;
        Ok(cluster)
    }

    /// The release it is of.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every node's address, for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.listeners[0].bootstrap_servers
    }

    /// Every node's address at the listener `name`, and its security protocol.
    pub fn listener(&self, name: &str) -> (&str, &'static str) {
        let found = self.listeners.iter().find(|listener| listener.name == name);
        let found = found.expect("a listener of this name");
        (&found.bootstrap_servers, found.protocol)
    }

    /// Kills node `index` as SIGKILL does.
    pub fn kill(&self, index: usize) {
        self.node(index).signal(Signal::Kill);
    }

    /// Ends node `index` in an orderly way, as SIGTERM does: it hands its partitions over before.
    pub fn terminate(&self, index: usize) {
        self.node(index).signal(Signal::Terminate);
    }

    /// Node `index` stands still, as after SIGSTOP, and knows nothing of it.
    pub fn stop(&self, index: usize) {
        self.node(index).signal(Signal::Stop);
    }

    /// Node `index` goes on after [`RealKafka::stop`].
    pub fn go_on(&self, index: usize) {
        self.node(index).signal(Signal::Continue);
    }

    /// Starts node `index` again on its old data and waits until it serves.
    pub fn restart(&self, index: usize) -> Result<(), String> {
        let ready = self.node(index).launch()?;
        ready.wait()
    }

    /// Has every node run again, whatever became of it.
    pub fn heal(&self) -> Result<(), String> {
        for index in 0..self.nodes.len() {
            self.go_on(index);
            let is_running = self.node(index).is_running();
            if !is_running {
                self.restart(index)?;
            }
        }
        Ok(())
    }

    /// Where node `index` keeps its partitions' segment files.
    pub fn log_directory(&self, index: usize) -> PathBuf {
        self.node(index).directory().join("data")
    }

    /// Nodes of a quorum wait for one another, so all are launched before the first is waited for.
    fn start_all(&self) -> Result<(), String> {
        let launched: Vec<Ready> = (0..self.nodes.len())
            .map(|index| self.node(index).launch())
            .collect::<Result<_, _>>()?;
        launched.iter().try_for_each(Ready::wait)
    }

    fn node(&self, index: usize) -> std::sync::MutexGuard<'_, Server> {
        self.nodes[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    fn new(name: &'static str, protocol: &'static str, nodes: usize) -> Result<Self, String> {
        let ports = ports(nodes)?;
        let bootstrap_servers = join(ports.iter().map(|port| format!("127.0.0.1:{port}")));
        Ok(Self { name, protocol, ports, bootstrap_servers })
    }

    /// As it stands in the properties of a node.
    fn address(&self, node: usize) -> String {
        format!("{}://127.0.0.1:{}", self.name, self.ports[node])
    }
}

/// What runs a broker on the properties in `file`.
fn broker(version: &str, file: &Path) -> Result<Command, String> {
    let mut java = java::command_version(version, "1g")?;
    java.arg("kafka.Kafka").arg(file);
    Ok(java)
}

fn format(version: &str, uuid: &str, file: &Path, more: &[String]) -> Result<(), String> {
    let file = file.display().to_string();
    let mut arguments = vec!["format", "-t", uuid, "-c", &file];
    arguments.extend(more.iter().map(String::as_str));
    java::run_version(version, "kafka.tools.StorageTool", &arguments, None).map(drop)
}

fn properties(
    node: usize,
    listeners: &[Listener],
    controllers: &[u16],
    directory: &Path,
    extras: &Extras,
) -> String {
    let (id, nodes) = (node + 1, controllers.len());
    let voters = controllers.iter().zip(1..).map(|(port, id)| format!("{id}@127.0.0.1:{port}"));
    let voters = join(voters);
    let controller = controllers[node];
    let addresses = join(listeners.iter().map(|listener| listener.address(node)));
    let protocols =
        join(listeners.iter().map(|listener| format!("{}:{}", listener.name, listener.protocol)));
    let data = directory.join("data").display().to_string();
    let more = &extras.properties;
    format!(
        "process.roles=broker,controller\nnode.id={id}\ncontroller.quorum.voters={voters}\n\
         controller.listener.names=CONTROLLER\n\
         listeners={addresses},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners={addresses}\n\
         listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\nlog.dirs={data}\n\
         broker.rack=rack-{id}\nreplica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector\n\
         offsets.topic.replication.factor={nodes}\ntransaction.state.log.replication.factor={nodes}\n\
         share.coordinator.state.topic.replication.factor={nodes}\n\
         transaction.state.log.min.isr=1\nshare.coordinator.state.topic.min.isr=1\n\
         offsets.topic.num.partitions=8\ntransaction.state.log.num.partitions=8\n\
         group.initial.rebalance.delay.ms=0\nlog.cleaner.backoff.ms=100\nlog.initial.task.delay.ms=100\nlog.retention.ms=-1\n{more}"
    )
}

fn ports(count: usize) -> Result<Vec<u16>, String> {
    (0..count).map(|_| free_port()).collect()
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

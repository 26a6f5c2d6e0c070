//! A Kafka cluster inside the process: real protocol over real TCP, everything in memory.
//!
//! It is made for demos and tests: it keeps to what Kafka's clients can observe, bounds its memory
//! by [`BrokerConfig::retention_bytes`] instead of a disk, and does wrong what a script tells it to
//! ([`Control`]). Behaviour is in `cluster` and `api`, which know no socket and no clock; this file
//! and `net` are the shell around them.
//!
//! ```
//! # async fn start() -> std::io::Result<()> {
//! use kavka_broker::{Broker, BrokerConfig};
//!
//! let broker = Broker::start(BrokerConfig { nodes: 3, ..BrokerConfig::default() }).await?;
//! println!("bootstrap.servers={}", broker.bootstrap_servers());
//! broker.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod cluster;
mod control;
mod dispatch;
mod fetch_session;
mod leader_epochs;
mod log;
mod net;
mod producer_state;
mod retention;
#[cfg(test)]
mod testing;
mod topic;
mod topic_config;
mod validator;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinSet};

pub use crate::control::{Control, Disconnect};
use crate::{cluster::Cluster, net::Shared};

/// How a cluster is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Where the first node listens; port 0 takes a free one. Further nodes take the ports after
    /// it, or free ones.
    pub listen: SocketAddr,
    /// How many nodes the cluster has.
    pub nodes: usize,
    /// The rack of each node, that of node 1 first; nodes behind the last have none. The leader of a
    /// partition sends readers of another rack to the first replica in theirs.
    pub racks: Vec<String>,
    /// How many bytes of record batches the whole cluster keeps; the oldest go first.
    pub retention_bytes: u64,
    /// How many partitions a topic gets when nobody says.
    pub default_partitions: i32,
    /// Whether asking for a topic creates it. As with a real broker, the one who asked first is told
    /// that there is no such topic, and finds it when asking again.
    pub auto_create_topics: bool,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            nodes: 1,
            racks: Vec::new(),
            retention_bytes: 512 << 20,
            default_partitions: 1,
            auto_create_topics: true,
        }
    }
}

/// A running cluster. Dropping it ends its connections and frees its memory.
#[derive(Debug)]
pub struct Broker {
    addresses: Vec<SocketAddr>,
    control: Control,
    nodes: JoinSet<()>,
}

impl Broker {
    /// Binds every node and begins to serve.
    ///
    /// # Errors
    /// When an address cannot be bound, or `config` asks for no node or no partition.
    pub async fn start(config: BrokerConfig) -> io::Result<Self> {
        let mut listeners = Vec::with_capacity(config.nodes);
        for address in listen_addresses(&config)? {
            listeners.push(TcpListener::bind(address).await?);
        }
        let addresses =
            listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let shared = Arc::new(Shared::new(Cluster::new(&config, &addresses)));
        let mut nodes = JoinSet::new();
        for (listener, id) in listeners.into_iter().zip(1..) {
            nodes.spawn(net::serve(Arc::clone(&shared), kavka_protocol::BrokerId(id), listener));
        }
        Ok(Self { addresses, control: Control::new(shared), nodes })
    }

    /// The value of a client's `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.join(",")
    }

    /// Where the nodes listen, that of node 1 first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// The script of what is to go wrong, and a look at what has arrived.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Closes every connection and waits until nothing runs any more.
    pub async fn shutdown(mut self) {
        self.nodes.shutdown().await;
    }
}

/// Where each node is to listen; the error says what is wrong with `config`.
fn listen_addresses(config: &BrokerConfig) -> io::Result<Vec<SocketAddr>> {
    let refuse = |problem| Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    let BrokerConfig { listen: first, nodes, default_partitions, .. } = *config;
    if nodes == 0 {
        return refuse("a cluster needs at least one node".to_owned());
    }
    if default_partitions < 1 {
        return refuse(format!("a topic needs at least one partition, not {default_partitions}"));
    }
    if first.port() == 0 {
        return Ok(vec![first; nodes]);
    }
    let ports = (first.port()..=u16::MAX).take(nodes);
    let addresses: Vec<_> = ports.map(|port| SocketAddr::new(first.ip(), port)).collect();
    if addresses.len() < nodes {
        return refuse(format!("there are no {nodes} ports from {first} on"));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests;

//! Kafka as it was: one node of an older release, with the ZooKeeper that those before KRaft need.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use super::{Extras, Listener, RealKafka, broker};
use crate::java;
use crate::server::{Server, folder, free_port};

/// The releases that are tested beside the present one: the last of 3.x, the last that is usual with
/// ZooKeeper, and one that still writes message format 1.
pub const OLD_VERSIONS: [&str; 3] = ["3.9.1", "2.8.2", "1.1.1"];

impl RealKafka {
    /// One node of an older release, which the whole test run shares; topics are named per test.
    pub fn old(version: &str) -> Result<&'static Self, String> {
        static OLD: [OnceLock<Result<RealKafka, String>>; OLD_VERSIONS.len()] =
            [const { OnceLock::new() }; OLD_VERSIONS.len()];
        let place = OLD_VERSIONS.iter().position(|known| *known == version);
        let place = place.ok_or_else(|| format!("Kafka {version} is none of {OLD_VERSIONS:?}"))?;
        let start = || match version {
            "3.9.1" => Self::start_version(version, 1, &Extras::default()),
            _ => Self::start_on_zookeeper(version),
        };
        OLD[place].get_or_init(start).as_ref().map_err(Clone::clone)
    }

    fn start_on_zookeeper(version: &str) -> Result<Self, String> {
        let port = free_port()?;
        let mut zookeeper = zookeeper(version, port)?;
        zookeeper.launch()?.wait()?;
        let listener = Listener::new("PLAINTEXT", "PLAINTEXT", 1)?;
        let directory = folder()?;
        let file = directory.join("node.properties");
        fs::write(&file, properties(&listener, port, &directory))
            .map_err(|error| error.to_string())?;
        let java = broker(version, &file)?;
        let name = format!("Kafka {version}");
        let node = Server::new(name, java, directory, "[KafkaServer id=1] started");
        let cluster = Self {
            version: version.to_owned(),
            nodes: vec![Mutex::new(node)],
            listeners: vec![listener],
            _zookeeper: Some(zookeeper),
        };
        cluster.start_all()?;
        Ok(cluster)
    }
}

fn zookeeper(version: &str, port: u16) -> Result<Server, String> {
    let directory = folder()?;
    let file = directory.join("zookeeper.properties");
    let data = directory.join("data").display().to_string();
    let text = format!(
        "dataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
    );
    fs::write(&file, text).map_err(|error| error.to_string())?;
    let mut java = java::command_version(version, "256m")?;
    // It would register beans of a log library that is not there.
    java.args([
        "-Dzookeeper.jmx.log4j.disable=true",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
    ]);
    java.arg(&file);
    let name = format!("ZooKeeper of Kafka {version}");
    Ok(Server::new(name, java, directory, "binding to port"))
}

fn properties(listener: &Listener, zookeeper: u16, directory: &Path) -> String {
    let (address, data) = (listener.address(0), directory.join("data").display().to_string());
    format!(
        "broker.id=1\nlisteners={address}\nadvertised.listeners={address}\nzookeeper.connect=127.0.0.1:{zookeeper}\n\
         log.dirs={data}\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\noffsets.topic.num.partitions=8\ntransaction.state.log.num.partitions=8\n\
         log.retention.ms=-1\n"
    )
}

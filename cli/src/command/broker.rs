//! `kavka broker`: the embedded broker as a process.

use std::net::SocketAddr;

use kavka_broker::{Broker, BrokerConfig};

use crate::args::BrokerArguments;
use crate::failure::Failure;
use crate::tell::tell;

/// Serves until Ctrl-C.
pub(crate) async fn run(arguments: BrokerArguments) -> Result<(), Failure> {
    let config = BrokerConfig {
        listen: resolve(&arguments.listen).await?,
        default_partitions: arguments.partitions,
        retention_bytes: u64::from(arguments.retention_mib) << 20,
        ..BrokerConfig::default()
    };
    let broker = Broker::start(config).await.map_err(|error| {
        Failure::failed(format!("cannot listen on {}: {error}", arguments.listen))
    })?;
    tell!(
        "Kafka broker listening on {}; everything is in memory and goes with it.",
        broker.bootstrap_servers()
    );
    tell!("Try: kavka sql -b {}      (Ctrl-C ends the broker)", broker.bootstrap_servers());
    tokio::signal::ctrl_c().await?;
    broker.shutdown().await;
    Ok(())
}

/// The first address of `listen`, an IPv4 address before others.
async fn resolve(listen: &str) -> Result<SocketAddr, Failure> {
    let cannot = |reason: String| Failure::usage(format!("--listen {listen}: {reason}"));
    if !listen.contains(':') {
        return Err(cannot("expected HOST:PORT, for example 127.0.0.1:9092".into()));
    }
    let found = tokio::net::lookup_host(listen).await.map_err(|error| cannot(error.to_string()))?;
    let first = found.min_by_key(SocketAddr::is_ipv6);
    first.ok_or_else(|| cannot("the host has no address".into()))
}

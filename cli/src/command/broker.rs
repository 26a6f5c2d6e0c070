//! `kavka broker`: the embedded broker as a process.

use kavka_broker::{Broker, BrokerConfig};

use crate::args::BrokerArguments;
use crate::failure::Failure;

/// Serves until Ctrl-C.
pub(crate) async fn run(arguments: BrokerArguments) -> Result<(), Failure> {
    let config = BrokerConfig {
        listen: arguments.listen,
        default_partitions: arguments.partitions,
        retention_bytes: arguments.retention_mib << 20,
        ..BrokerConfig::default()
    };
    let broker = Broker::start(config).await.map_err(|error| {
        Failure::failed(format!("cannot listen on {}: {error}", arguments.listen))
    })?;
    eprintln!(
        "Kafka broker listening on {}; everything is in memory and goes with it.",
        broker.bootstrap_servers()
    );
    eprintln!("Try: kavka sql -b {}      (Ctrl-C ends the broker)", broker.bootstrap_servers());
    tokio::signal::ctrl_c().await?;
    broker.shutdown().await;
    Ok(())
}

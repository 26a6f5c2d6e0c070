//! The in-process broker as tests start it.

use kavka_broker::{Broker, BrokerConfig};

/// A broker with one node and default settings.
pub async fn broker() -> Broker {
    cluster(1).await
}

/// A cluster of `nodes`, each on a free port.
pub async fn cluster(nodes: usize) -> Broker {
    Broker::start(BrokerConfig { nodes, ..BrokerConfig::default() })
        .await
        .expect("the broker starts")
}

//! What goes wrong between a client and its brokers, byte by byte, and what the client makes of it: nothing
//! is lost, nothing comes twice, and it goes on when the trouble is over.

mod answers;
mod cancellation;
mod clients;
mod connections;
mod lines;
mod moved;

use std::future::Future;
use std::time::Duration;

use kavka_broker::Broker;
use kavka_client::{Client, ClientBuilder, NewTopic, Properties};
use kavka_tests::proxy::Proxies;
use kavka_tests::traffic::Traffic;
use kavka_tests::{embedded, numbered};
use libtest_mimic::Trial;

pub(crate) use cancellation::{give_up_after, until_tasks};

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        answers::trials(),
        cancellation::trials(),
        clients::trials(),
        connections::trials(),
        lines::trials(),
        moved::trials(),
    ];
    trials.into_iter().flatten().collect()
}

const TOPIC: &str = "orders";

/// A cluster with one topic, a client that reaches it through proxies, and one that does not.
struct Ground {
    broker: Broker,
    proxies: Proxies,
    client: Client,
    direct: Client,
}

impl Ground {
    async fn start(nodes: usize, partitions: i32) -> Self {
        Self::with(nodes, partitions, &[]).await
    }

    /// The properties are the client's, above [`QUICK`].
    async fn with(nodes: usize, partitions: i32, properties: &[(&str, &str)]) -> Self {
        let broker = embedded::cluster(nodes).await;
        let servers = broker.bootstrap_servers();
        let direct = [("bootstrap.servers", servers.as_str())];
        let direct = Client::connect(direct).await.expect("connected");
        let topic = NewTopic::new(TOPIC).with_partitions(partitions);
        direct.admin().create_topics(&[topic]).await.expect("created");
        let proxies = Proxies::before(&servers).await;
        let set = QUICK.iter().chain(properties).copied();
        let set = set.chain([("bootstrap.servers", servers.as_str())]).collect::<Properties>();
        let client = ClientBuilder::new(set).with_connect(proxies.connect());
        let client = client.connect().await.expect("connected through the proxies");
        Self { broker, proxies, client, direct }
    }

    async fn traffic(&self, properties: &[(&str, &str)]) -> Traffic {
        Traffic::start(&self.client, TOPIC, properties).await
    }

    /// Everything that is under way arrives within the time for recovery, once and in order.
    async fn recovers(&self, traffic: Traffic) -> i32 {
        let sent = within(RECOVERY, traffic.finish()).await;
        numbered::holds(&self.direct, TOPIC, 0..sent).await;
        sent
    }
}

/// A client whose patience fits a test.
const QUICK: &[(&str, &str)] = &[
    ("reconnect.backoff.max.ms", "50"),
    ("reconnect.backoff.ms", "5"),
    ("request.timeout.ms", "1000"),
    ("retry.backoff.max.ms", "50"),
    ("retry.backoff.ms", "5"),
];

/// The connections to one broker of a client that writes and reads: it has one more to look around.
const LANES: usize = 3;

/// What a client takes at most, on a busy machine, to go on when the trouble is over.
const RECOVERY: Duration = Duration::from_secs(20);

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work).await.expect("done within its limit")
}

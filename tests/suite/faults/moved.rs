//! A client whose cluster has moved away: the addresses it knows may be another cluster's by now.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use kavka_broker::Broker;
use kavka_client::{
    BoxFuture, Client, ClientBuilder, Connect, Consumer, Endpoint, NewTopic, Properties,
    ResetCause, StartOffset, Stream, TcpConnect,
};
use kavka_protocol::{ApiKey, ErrorCode, TopicPartition};
use kavka_tests::{embedded, numbered, trial};
use libtest_mimic::Trial;

use super::{QUICK, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::conversation(
        "faults::a_client_that_is_sent_back_finds_the_cluster_behind_its_bootstrap_address",
        a_client_that_is_sent_back_finds_the_cluster_behind_its_bootstrap_address,
    )]
}

/// The one name in `bootstrap.servers`, which leads now here and now there, as names in DNS do.
const NAME: &str = "kafka";

/// Where it leads to. Addresses that brokers advertise are taken as they are.
#[derive(Clone)]
struct Directory(Arc<Mutex<SocketAddr>>);

impl Directory {
    fn lead_to(&self, broker: &Broker) {
        *self.0.lock().unwrap() = broker.addresses()[0];
    }
}

impl Connect for Directory {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        let mut to = to.clone();
        if &*to.host == NAME {
            let address = *self.0.lock().unwrap();
            to = Endpoint { host: address.ip().to_string().into(), port: address.port() };
        }
        Box::pin(async move { TcpConnect::default().connect(&to).await })
    }
}

/// A cluster with the topic, and a client that never leaves it.
async fn cluster() -> (Broker, Client) {
    let broker = embedded::broker().await;
    let direct = Client::connect([("bootstrap.servers", broker.bootstrap_servers())]).await;
    let direct = direct.expect("connected");
    let topic = NewTopic::new(TOPIC).with_partitions(1);
    direct.admin().create_topics(&[topic]).await.expect("created");
    (broker, direct)
}

/// Reads until the position is `end`; where reading began anew meanwhile, and why.
async fn read_to(consumer: &mut Consumer, end: i64) -> Vec<(i64, ResetCause)> {
    let partition = TopicPartition::new(TOPIC, 0);
    let mut resets = Vec::new();
    while resets.is_empty() && consumer.position(&partition) != Some(end) {
        let fetch = consumer.poll().await.expect("fetched");
        resets.extend(fetch.resets().iter().map(|reset| (reset.from, reset.cause)));
    }
    while consumer.position(&partition) != Some(end) {
        consumer.poll().await.expect("fetched");
    }
    resets
}

async fn a_client_that_is_sent_back_finds_the_cluster_behind_its_bootstrap_address() {
    let ((old, in_old), (new, in_new)) = (cluster().await, cluster().await);
    let directory = Directory(Arc::new(Mutex::new(old.addresses()[0])));
    let servers = format!("{NAME}:9092");
    let properties = QUICK.iter().copied().chain([("bootstrap.servers", servers.as_str())]);
    let builder = ClientBuilder::new(properties.collect::<Properties>());
    let client = builder.with_connect(directory.clone()).connect().await.expect("connected");
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    let mut consumer = client.consumer([("auto.offset.reset", "earliest")]).expect("a consumer");
    consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::Earliest)]);
    numbered::send(&producer, TOPIC, 0..100).await.await.expect("delivered");
    assert_eq!(within(RECOVERY, read_to(&mut consumer, 100)).await, []);
    directory.lead_to(&new);
    old.control().fail_next(ApiKey::Metadata, ErrorCode::RebootstrapRequired, 1);
    within(RECOVERY, client.topic(TOPIC)).await.expect("the new cluster describes it");
    let requests = || [ApiKey::Metadata, ApiKey::Produce].map(|key| old.control().requests(key));
    let before = requests();
    let sent = numbered::send(&producer, TOPIC, 100..180).await;
    within(RECOVERY, sent).await.expect("delivered");
    // The topic of the same name has another id there: it is read from its beginning.
    let begun_anew = [(100, ResetCause::Recreated)];
    assert_eq!(within(RECOVERY, read_to(&mut consumer, 80)).await, begun_anew);
    assert_eq!(requests(), before, "the old one is left alone");
    numbered::holds(&in_old, TOPIC, 0..100).await;
    numbered::holds(&in_new, TOPIC, 100..180).await;
}

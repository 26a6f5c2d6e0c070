//! Three nodes of real Kafka, of which one dies, stands still or is restarted, or whose connections break:
//! everything that is written meanwhile, five batches in flight, is there once and in order.

use std::time::Duration;

use kavka_client::{Client, ClientBuilder, NewTopic, PartitionMetadata, Properties};
use kavka_protocol::BrokerId;
use kavka_tests::proxy::{Conditions, Proxies};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::secured_kafka::SecuredKafka;
use kavka_tests::traffic::Traffic;
use kavka_tests::{java, numbered, trial};
use libtest_mimic::Trial;

use super::{scale, topics};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::three_nodes("a_leader_that_is_killed_takes_nothing_with_it", killed),
        trial::three_nodes("a_leader_that_stood_still_takes_nothing_back", stopped),
        trial::three_nodes("a_rolling_restart_is_not_noticed", rolled),
        trial::three_nodes("one_in_a_hundred_resets_loses_and_repeats_nothing", reset),
    ]
}

/// A topic of which each node leads two partitions and has all.
struct Ground {
    kafka: &'static RealKafka,
    topic: &'static str,
    direct: Client,
}

impl Ground {
    async fn start(kafka: &SecuredKafka, topic: &'static str) -> Self {
        let direct = Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]);
        let direct = direct.await.expect("connected");
        let new = NewTopic::new(topic).with_partitions(6).with_replication_factor(3);
        let new = new.with_config("min.insync.replicas", "2");
        let created = direct.admin().create_topics(&[new]).await.expect("an answer").remove(0);
        created.expect("created");
        Self { kafka: kafka.nodes(), topic, direct }
    }

    /// Records in batches so small that five are always in flight.
    async fn traffic(&self, client: &Client) -> Traffic {
        Traffic::start(client, self.topic, &[("batch.size", "1000"), ("linger.ms", "0")]).await
    }

    /// Has so much under way that five batches of every partition are in flight.
    async fn fill(&self, traffic: &mut Traffic) {
        traffic.send(1000).await;
        traffic.settled().await;
        traffic.send(20_000).await;
    }

    /// The node that leads the first partition.
    async fn leader(&self) -> usize {
        let known = self.direct.topic(self.topic).await.expect("the topic");
        let leader = known.partitions[0].leader.expect("a leader");
        usize::try_from(leader.0 - 1).expect("a node")
    }

    /// Does something to the nodes that takes its time.
    async fn act(&self, act: impl FnOnce(&RealKafka) + Send + 'static) {
        let kafka = self.kafka;
        tokio::task::spawn_blocking(move || act(kafka)).await.expect("done");
    }

    /// Waits until the cluster says so of every partition.
    async fn until(&self, holds: impl Fn(&PartitionMetadata) -> bool) {
        let holds = async {
            while !self
                .direct
                .topic(self.topic)
                .await
                .is_ok_and(|t| t.partitions.iter().all(&holds))
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        within_recovery(holds).await;
    }

    async fn until_whole(&self) {
        self.until(|partition| partition.isr.len() == 3 && partition.leader.is_some()).await;
    }

    /// Everything arrives, once and in order: at the reader who was there all the time, at one who comes
    /// later, and at one in Java.
    async fn check(&self, traffic: Traffic) {
        let sent = within_recovery(traffic.finish()).await;
        assert!(sent > 1000, "only {sent} records");
        numbered::holds(&self.direct, self.topic, 0..sent).await;
        let (servers, topic) = (self.kafka.bootstrap_servers(), self.topic);
        let read = tokio::task::spawn_blocking(move || java::consume(servers, topic, &[]));
        let lines = read.await.expect("it ends").expect("Kafka's consumer reads");
        numbered::check(topics::numbers(&lines), 0..sent);
    }
}

async fn killed(kafka: SecuredKafka) {
    let ground = Ground::start(&kafka, "killed").await;
    let mut traffic = ground.traffic(&ground.direct).await;
    let victim = ground.leader().await;
    ground.fill(&mut traffic).await;
    let trouble = async {
        ground.act(move |kafka| kafka.kill(victim)).await;
        ground.until(|partition| partition.leader.is_some_and(|leader| leader != id(victim))).await;
        ground.act(move |kafka| kafka.restart(victim).expect("it starts again")).await;
        ground.until_whole().await;
    };
    traffic.during(trouble).await;
    ground.check(traffic).await;
}

/// A node that is missed and replaced, and then goes on as if nothing had happened, with requests that were
/// left in its sockets.
async fn stopped(kafka: SecuredKafka) {
    let ground = Ground::start(&kafka, "stopped").await;
    let mut traffic = ground.traffic(&ground.direct).await;
    let victim = ground.leader().await;
    ground.fill(&mut traffic).await;
    let trouble = async {
        ground.kafka.stop(victim);
        tokio::time::sleep(Duration::from_secs(scale(10, 45))).await;
        ground.kafka.go_on(victim);
        ground.until_whole().await;
    };
    traffic.during(trouble).await;
    ground.check(traffic).await;
}

/// One node after the other; every day, that is the one that leads.
async fn rolled(kafka: SecuredKafka) {
    let ground = Ground::start(&kafka, "rolled").await;
    let mut traffic = ground.traffic(&ground.direct).await;
    let first = ground.leader().await;
    ground.fill(&mut traffic).await;
    for node in (first..first + scale(1, 3) as usize).map(|node| node % 3) {
        let trouble = async {
            let restart = move |kafka: &RealKafka| {
                kafka.terminate(node);
                kafka.restart(node).expect("it starts again");
            };
            ground.act(restart).await;
            ground.until_whole().await;
        };
        traffic.during(trouble).await;
    }
    ground.check(traffic).await;
}

async fn reset(kafka: SecuredKafka) {
    let ground = Ground::start(&kafka, "reset").await;
    let proxies = Proxies::before(kafka.bootstrap_servers()).await;
    let properties = Properties::from([("bootstrap.servers", kafka.bootstrap_servers())]);
    let client = ClientBuilder::new(properties).with_connect(proxies.connect());
    let client = client.connect().await.expect("connected through the proxies");
    let mut traffic = ground.traffic(&client).await;
    proxies.set(Conditions { reset_one_in: Some(100), ..Conditions::default() });
    let resets = scale(20, 300) as usize;
    traffic.during(proxies.node(0).more_happened(resets)).await;
    proxies.set(Conditions::default());
    ground.check(traffic).await;
    assert!(proxies.happened() >= resets);
}

fn id(node: usize) -> BrokerId {
    BrokerId(i32::try_from(node).expect("a node") + 1)
}

async fn within_recovery<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(RECOVERY, work).await.expect("done within its limit")
}

/// A node that vanished is missed after six seconds, a request to one that stands still after thirty; the
/// rest is for a busy machine.
const RECOVERY: Duration = Duration::from_secs(90);

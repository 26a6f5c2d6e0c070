//! Clients in narrow places: one thread, many at once, hosts that lead nowhere, no file descriptors left.

use std::fs::File;

use kavka_client::{Client, ErrorKind, StartOffset};
use kavka_protocol::TopicPartition;
use kavka_tests::peer::refused_address;
use kavka_tests::proxy::{Conditions, End};
use kavka_tests::{embedded, numbered, trial};
use libtest_mimic::Trial;

use super::{Ground, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::single_threaded("faults::one_thread_is_enough", one_thread_is_enough),
        trial::conversation(
            "faults::hosts_that_lead_nowhere_do_not_hide_one_that_does",
            hosts_that_lead_nowhere_do_not_hide_one_that_does,
        ),
        trial::isolated(
            "faults::a_thousand_clients_start_together",
            "ulimit -n $(ulimit -H -n)",
            a_thousand_clients_start_together,
        ),
        trial::isolated(
            "faults::no_file_descriptors_for_a_while_delay_and_lose_nothing",
            "ulimit -n 100",
            no_file_descriptors_for_a_while_delay_and_lose_nothing,
        ),
    ]
}

/// Brokers, proxies, producer and consumer share it, and connections end meanwhile.
async fn one_thread_is_enough() {
    let ground = Ground::start(2, 4).await;
    let mut traffic = ground.traffic(&[("buffer.memory", "100000")]).await;
    ground.proxies.set(Conditions { reset_one_in: Some(50), ..Conditions::default() });
    within(RECOVERY, traffic.during(ground.proxies.node(0).more_happened(3))).await;
    ground.proxies.set(Conditions::default());
    ground.proxies.iter().for_each(|proxy| proxy.end_all(End::Close));
    ground.recovers(traffic).await;
}

/// A name that nobody knows, an address where nobody listens, and a host one of whose addresses may not be
/// the broker's: `localhost` is IPv6 first on most machines, and this broker speaks IPv4 only.
async fn hosts_that_lead_nowhere_do_not_hide_one_that_does() {
    let broker = embedded::broker().await;
    let port = broker.addresses()[0].port();
    let refused = refused_address().await;
    let servers = format!("no-such-host.invalid:9092,{refused},localhost:{port}");
    let connecting = Client::connect([("bootstrap.servers", servers.as_str())]);
    let client = within(RECOVERY, connecting).await.expect("connected");
    assert_eq!(client.admin().describe_cluster().await.expect("described").brokers.len(), 1);
    let servers = format!("no-such-host.invalid:9092,{refused}");
    let connecting = Client::connect([("bootstrap.servers", servers.as_str())]);
    let error = within(RECOVERY, connecting).await.expect_err("nobody there");
    let text = error.to_string();
    assert!(text.contains("no-such-host.invalid cannot be resolved"), "{text}");
    assert!(text.contains(&refused), "{text}");
}

async fn a_thousand_clients_start_together() {
    let broker = embedded::cluster(3).await;
    let servers = broker.bootstrap_servers();
    let first =
        Client::connect([("bootstrap.servers", servers.as_str())]).await.expect("connected");
    let topic = kavka_client::NewTopic::new(TOPIC).with_partitions(3);
    first.admin().create_topics(&[topic]).await.expect("created");
    let producer = first.producer([("linger.ms", "0")]).expect("a producer");
    numbered::send(&producer, TOPIC, 0..30).await.await.expect("delivered");
    let starts = (0..1000).map(|index| {
        let servers = servers.clone();
        tokio::spawn(async move {
            let client = Client::connect([("bootstrap.servers", servers.as_str())]).await?;
            let mut consumer = client.consumer([("fetch.max.wait.ms", "100")])?;
            consumer.assign([(TopicPartition::new(TOPIC, index % 3), StartOffset::Earliest)]);
            while consumer.poll().await?.partitions().len() == 0 {}
            Ok::<_, kavka_client::Error>((client, consumer))
        })
    });
    let mut all = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        all.push(start.await.expect("no panic").expect("every client reads"));
    }
    assert_eq!(all.len(), 1000);
}

async fn no_file_descriptors_for_a_while_delay_and_lose_nothing() {
    let ground = Ground::start(1, 1).await;
    let mut traffic = ground.traffic(&[]).await;
    traffic.send(100).await;
    traffic.settled().await;
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    assert!(taken.len() > 5, "{} were left", taken.len());
    let servers = ground.broker.bootstrap_servers();
    let error = Client::connect([("bootstrap.servers", servers.as_str())]).await;
    let error = error.expect_err("there is no socket for it");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("oo many open files"), "{error}");
    // What is connected goes on.
    traffic.send(100).await;
    within(RECOVERY, traffic.settled()).await;
    // What is lost is connected again when there are descriptors again.
    let proxy = ground.proxies.node(0);
    proxy.end_all(End::Reset);
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    traffic.during(proxy.more_attempted(3)).await;
    drop(taken);
    ground.recovers(traffic).await;
}

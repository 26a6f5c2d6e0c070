//! Lines that are slow, late, or still.

use std::time::Duration;

use kavka_client::OutgoingRecord;
use kavka_protocol::BrokerId;
use kavka_tests::proxy::Conditions;
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::{Ground, LANES, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "faults::a_slow_line_costs_no_connection",
            a_slow_line_costs_no_connection,
        ),
        trial::conversation(
            "faults::answers_that_are_late_cost_no_connection",
            answers_that_are_late_cost_no_connection,
        ),
        trial::conversation(
            "faults::a_broker_that_stands_still_holds_up_no_other",
            a_broker_that_stands_still_holds_up_no_other,
        ),
    ]
}

/// From 10 kB/s on: what passes in the time of a request is limited by what is asked for.
async fn a_slow_line_costs_no_connection() {
    for (rate, records) in [(10_000, 200), (100_000, 2000), (1_000_000, 10_000)] {
        let ground = Ground::with(1, 2, &[("request.timeout.ms", "10000")]).await;
        let proxy = ground.proxies.node(0);
        let before = proxy.accepted();
        proxy.set(Conditions { bytes_per_second: Some(rate), ..Conditions::default() });
        let small = [("batch.size", "2000"), ("max.partition.fetch.bytes", "4000")];
        let mut traffic = ground.traffic(&small).await;
        traffic.send(records).await;
        within(RECOVERY * 2, traffic.settled()).await;
        assert_eq!(proxy.accepted() - before, LANES, "{rate} bytes/s");
        proxy.set(Conditions::default());
        ground.recovers(traffic).await;
    }
}

async fn answers_that_are_late_cost_no_connection() {
    let (latency, jitter) = (Duration::from_millis(150), Duration::from_millis(100));
    let ground = Ground::with(2, 4, &[("request.timeout.ms", "10000")]).await;
    ground.proxies.set(Conditions { latency, jitter, ..Conditions::default() });
    let before: Vec<usize> = ground.proxies.iter().map(|proxy| proxy.accepted()).collect();
    let mut traffic = ground.traffic(&[("batch.size", "1000")]).await;
    within(RECOVERY, traffic.during(tokio::time::sleep(latency * 8))).await;
    ground.recovers(traffic).await;
    for (proxy, before) in ground.proxies.iter().zip(before) {
        assert!(proxy.accepted() - before <= LANES, "{} connections", proxy.accepted() - before);
    }
}

/// Three brokers, one of which takes everything and answers nothing: records for the others are written
/// and read meanwhile.
async fn a_broker_that_stands_still_holds_up_no_other() {
    let ground = Ground::with(3, 3, &[("request.timeout.ms", "60000")]).await;
    let mut traffic = ground.traffic(&[]).await;
    traffic.send(300).await;
    traffic.settled().await;
    let still = ground.proxies.node(0);
    still.set(Conditions { is_silent: true, ..Conditions::default() });
    let topic = ground.direct.topic(TOPIC).await.expect("the topic");
    let producer = ground.client.producer([("linger.ms", "0")]).expect("a producer");
    let mut waiting = Vec::new();
    for known in &topic.partitions {
        let record = OutgoingRecord::to(TOPIC).partition(known.partition).value(b"-1");
        let delivery = producer.send(record).await.expect("accepted");
        match known.leader == Some(BrokerId(1)) {
            true => waiting.push(delivery),
            false => drop(within(RECOVERY, delivery).await.expect("delivered")),
        }
    }
    assert_eq!(waiting.len(), 1);
    still.set(Conditions::default());
    for delivery in waiting {
        within(RECOVERY, delivery).await.expect("delivered when the broker goes on");
    }
}

//! A topic that is deleted and created again while it is written to (KIP-516).

use kavka_broker::Broker;
use kavka_client::{Admin, Client, NewTopic, Producer};
use kavka_protocol::ApiKey;
use kavka_tests::{numbered, trial};
use libtest_mimic::Trial;

use super::{Cluster, TOPIC, send_numbered};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "produce::topic_ids::records_go_to_the_topic_that_has_the_name_now",
            records_go_to_the_topic_that_has_the_name_now,
        ),
        trial::conversation(
            "produce::topic_ids::a_topic_replaced_on_the_way_gets_every_record_from_then_on",
            a_topic_replaced_on_the_way_gets_every_record_from_then_on,
        ),
        trial::conversation(
            "produce::topic_ids::nobody_who_gets_no_answer_relies_on_an_id",
            nobody_who_gets_no_answer_relies_on_an_id,
        ),
        trial::conversation(
            "produce::topic_ids::topics_whose_ids_are_not_told_are_named",
            topics_whose_ids_are_not_told_are_named,
        ),
    ]
}

/// Somebody else's administration: the producer's client learns nothing from it.
async fn admin(broker: &Broker) -> Admin {
    Client::connect([("bootstrap.servers", broker.bootstrap_servers())]).await.unwrap().admin()
}

async fn recreate(admin: &Admin) {
    admin.delete_topics(&[TOPIC]).await.unwrap();
    // A producer that asks for it may have been faster.
    let _ = admin.create_topics(&[NewTopic::new(TOPIC).with_partitions(1)]).await.unwrap();
}

fn retries(producer: &Producer) -> u64 {
    producer.stats().partitions.iter().map(|partition| partition.retries).sum()
}

async fn records_go_to_the_topic_that_has_the_name_now() {
    for (newest, is_noticed) in [(12, false), (13, true)] {
        let at = Cluster::start(1, 1).await;
        at.broker.control().api_versions(ApiKey::Produce, newest);
        let producer = at.producer(&[]);
        send_numbered(&producer, 0..100).await.await.expect("delivered");
        recreate(&admin(&at.broker).await).await;
        send_numbered(&producer, 100..300).await.await.expect("delivered");
        at.holds_numbers(100..300).await;
        assert_eq!(retries(&producer) > 0, is_noticed, "version {newest}");
    }
}

/// Nothing that was acknowledged is missing, nothing is there twice, and the order is kept.
async fn a_topic_replaced_on_the_way_gets_every_record_from_then_on() {
    for round in 0..5 {
        let at = Cluster::start(2, 1).await;
        let admin = admin(&at.broker).await;
        let producer = at.producer(&[("linger.ms", "0"), ("batch.size", "200")]);
        for start in (0..2000).step_by(100) {
            let sent = send_numbered(&producer, start..start + 100).await;
            match start == 300 + 100 * round {
                true => tokio::join!(recreate(&admin), async { drop(sent.await) }).0,
                false => drop(sent),
            }
        }
        producer.flush().await.expect("everything is delivered");
        let found = at.numbers().await.remove(&0).expect("the partition");
        numbered::check([(0, found.clone())].into(), found[0]..2000);
    }
}

async fn nobody_who_gets_no_answer_relies_on_an_id() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("acks", "0"), ("enable.idempotence", "false")]);
    send_numbered(&producer, 0..10).await.await.expect("written");
    recreate(&admin(&at.broker).await).await;
    send_numbered(&producer, 10..20).await.await.expect("written");
    while at.end(0).await < 10 {
        tokio::task::yield_now().await;
    }
    at.holds_numbers(10..20).await;
}

/// Metadata has ids from version 10 on.
async fn topics_whose_ids_are_not_told_are_named() {
    let at = Cluster::start(1, 1).await;
    at.broker.control().api_versions(ApiKey::Metadata, 9);
    let client = Client::connect([("bootstrap.servers", at.broker.bootstrap_servers())]).await;
    let producer = client.unwrap().producer([("linger.ms", "0")]).unwrap();
    send_numbered(&producer, 0..100).await.await.expect("delivered");
    at.holds_numbers(0..100).await;
}

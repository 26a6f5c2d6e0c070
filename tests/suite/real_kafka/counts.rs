//! What is counted of records that real Kafka has in its log.

use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, ConsumedStats, Consumer, NewTopic, StartOffset};
use kavka_tests::java;
use kavka_tests::real_kafka::RealKafka;

use super::{connect, create};

/// A hundred records of an aborted transaction and fifty of a committed one, written by Kafka's own producer:
/// markers at the offsets 100 and 151.
pub(crate) async fn lag_after_so_many_records(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    create(&client, NewTopic::new(TOPIC)).await;
    let lines = |count| "0\t\\N\tkey\tvalue\n".repeat(count);
    let lines = [&*lines(100), "\\A\n", &*lines(50)].concat();
    java::produce(kafka.bootstrap_servers(), TOPIC, &["transactional.id=counted"], &lines)
        .expect("the producer runs");
    let mut consumer = reader(&client, "read_committed");
    let first = read_until(&mut consumer, |read| read.consumed.records > 0).await;
    assert_eq!((first.consumed.records, first.position), (20, Some(121)));
    assert_eq!((first.lag, first.lead), (Some(31), Some(121)));
    let all = read_until(&mut consumer, |read| read.position == Some(152)).await;
    assert_eq!((all.consumed.records, all.lag, all.lead), (50, Some(0), Some(152)));
    let mut consumer = reader(&client, "read_uncommitted");
    let all = read_until(&mut consumer, |read| read.position == Some(152)).await;
    assert_eq!((all.consumed.records, all.lag), (150, Some(0)));
    let [broker] = &consumer.stats().brokers[..] else { panic!("there is one") };
    assert!(broker.bytes > all.consumed.bytes && broker.responses > 0, "{broker:?}, {all:?}");
}

fn reader(client: &Client, isolation: &str) -> Consumer {
    let limits = [("isolation.level", isolation), ("max.poll.records", "20")];
    let mut consumer = client.consumer(limits).expect("a consumer");
    consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::Earliest)]);
    consumer
}

/// Polls until what was read `is_enough`.
async fn read_until(
    consumer: &mut Consumer,
    is_enough: impl Fn(&ConsumedStats) -> bool,
) -> ConsumedStats {
    loop {
        consumer.poll().await.expect("records or news");
        let stats = consumer.stats();
        let read = stats.partition(&TopicPartition::new(TOPIC, 0)).expect("assigned");
        if is_enough(read) {
            return read.clone();
        }
    }
}

const TOPIC: &str = "counted";

//! An unclean election on real Kafka: records that were read are gone, and their offsets hold others.

use kavka_client::protocol::{Decompressor, Offset, TopicPartition};
use kavka_client::{
    Client, Consumer, OutgoingRecord, PositionReset, Properties, ResetCause, StartOffset,
};
use kavka_tests::java;
use kavka_tests::real_kafka::RealKafka;

/// Node 2 misses what node 1 takes while it is down, and is the only one left afterwards; node 3 is there
/// for the quorum.
pub(crate) async fn is_noticed(kafka: RealKafka) {
    create_topic(&kafka);
    let client = Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]).await.unwrap();
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(tp(), StartOffset::Earliest)]);
    write(&client, "shared", 10).await;
    kafka.kill(1);
    write(&client, "lost", 10).await;
    let mut read = Vec::new();
    while read.len() < 20 {
        assert_eq!(poll(&mut consumer, &mut read).await, None);
    }
    kafka.kill(0);
    kafka.restart(1).expect("Kafka starts again");
    write(&client, "new", 15).await;
    let reset = loop {
        if let Some(reset) = poll(&mut consumer, &mut read).await {
            break reset;
        }
    };
    assert_eq!((reset.from, reset.to, reset.cause), (20, 10, ResetCause::Truncated));
    while read.len() < 35 {
        assert_eq!(poll(&mut consumer, &mut read).await, None);
    }
    let expected = [("shared", 0..10), ("lost", 10..20), ("new", 10..25)];
    let expected = expected
        .into_iter()
        .flat_map(|(value, offsets)| offsets.map(move |offset| (offset, value.to_owned())));
    assert_eq!(read, expected.collect::<Vec<_>>());
}

fn create_topic(kafka: &RealKafka) {
    let arguments = [
        "--bootstrap-server",
        kafka.bootstrap_servers(),
        "--create",
        "--topic",
        TOPIC,
        "--replica-assignment",
        "1:2",
        "--config",
        "unclean.leader.election.enable=true",
    ];
    java::run("org.apache.kafka.tools.TopicCommand", &arguments, None)
        .expect("the topic is created");
}

async fn write(client: &Client, value: &str, count: usize) {
    let producer = client.producer(Properties::new()).unwrap();
    for _ in 0..count {
        let record = OutgoingRecord::to(TOPIC).value(value.as_bytes());
        producer.send(record).await.unwrap().await.unwrap();
    }
}

/// Appends what was fetched to `read`, unless the position moved: then its news.
async fn poll(consumer: &mut Consumer, read: &mut Vec<(Offset, String)>) -> Option<PositionReset> {
    let fetch = consumer.poll().await.unwrap();
    let reset = fetch.resets().first().cloned();
    let mut decompressor = Decompressor::default();
    for batch in fetch.partitions().flat_map(|fetched| fetched.batches()) {
        for record in batch.unwrap().body(&mut decompressor).unwrap().records() {
            let record = record.unwrap();
            let value = String::from_utf8(record.value().unwrap().to_vec()).unwrap();
            read.push((record.offset(), value));
        }
    }
    reset
}

fn tp() -> TopicPartition {
    TopicPartition::new(TOPIC, 0)
}

const TOPIC: &str = "uncleanly_elected";

//! A topic of real Kafka that is deleted and created again while it is read.

use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, NewTopic, OutgoingRecord, ResetCause, StartOffset};
use kavka_tests::real_kafka::RealKafka;

pub(crate) async fn recreation_is_noticed(kafka: &'static RealKafka) {
    let client = Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]).await.unwrap();
    create(&client).await;
    write(&client, 20).await;
    let mut consumer = client.consumer([("auto.offset.reset", "earliest")]).unwrap();
    consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::Earliest)]);
    let mut next = 0;
    while next < 20 {
        for fetched in consumer.poll().await.unwrap().partitions() {
            next = fetched.next_offset();
        }
    }
    client.admin().delete_topics(&[TOPIC]).await.unwrap()[0].as_ref().unwrap();
    create(&client).await;
    write(&client, 30).await;
    let mut fetch = loop {
        let fetch = consumer.poll().await.unwrap();
        if !fetch.resets().is_empty() {
            break fetch;
        }
        assert_eq!(fetch.partitions().len(), 0, "records of the new topic at the old position");
    };
    let reset = &fetch.resets()[0];
    assert_eq!((reset.from, reset.to, reset.cause), (20, 0, ResetCause::Recreated));
    let mut read = 0;
    loop {
        for fetched in fetch.partitions() {
            assert_eq!(fetched.first_offset(), read);
            read = fetched.next_offset();
        }
        if read == 30 {
            break;
        }
        fetch = consumer.poll().await.unwrap();
    }
}

/// A name is not free at once after its topic was deleted.
async fn create(client: &Client) {
    let topic = NewTopic::new(TOPIC).with_partitions(1).with_replication_factor(1);
    for _ in 0..50 {
        if client.admin().create_topics(std::slice::from_ref(&topic)).await.unwrap()[0].is_ok() {
            return;
        }
    }
    panic!("the topic cannot be created");
}

async fn write(client: &Client, count: usize) {
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    for _ in 0..count {
        producer.send(OutgoingRecord::to(TOPIC).value(b"value")).await.unwrap().await.unwrap();
    }
}

const TOPIC: &str = "created_twice";

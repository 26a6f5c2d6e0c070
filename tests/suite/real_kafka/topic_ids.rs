//! A topic of real Kafka that is deleted and created again while it is read or written to.

use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, NewTopic, OutgoingRecord, ResetCause, StartOffset};
use kavka_tests::numbered;
use kavka_tests::real_kafka::RealKafka;

pub(crate) async fn recreation_is_noticed(kafka: &'static RealKafka) {
    let client = Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]).await.unwrap();
    create(&client, TOPIC).await;
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
    create(&client, TOPIC).await;
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

/// Of what is acknowledged nothing is missing and nothing is there twice, in its order.
pub(crate) async fn records_follow_to_the_new_topic(kafka: &'static RealKafka) {
    let connect = || Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]);
    // What an administrator does elsewhere the producer's client has to find out.
    let (client, other) = (connect().await.unwrap(), connect().await.unwrap());
    create(&client, WRITTEN).await;
    let properties =
        [("linger.ms", "0"), ("batch.size", "200"), ("allow.auto.create.topics", "false")];
    let producer = client.producer(properties).unwrap();
    for start in (0..2000).step_by(100) {
        let sent = numbered::send(&producer, WRITTEN, start..start + 100).await;
        if start == 900 {
            let recreated = async {
                other.admin().delete_topics(&[WRITTEN]).await.unwrap()[0].as_ref().unwrap();
                create(&other, WRITTEN).await;
            };
            let (sent, ()) = tokio::join!(sent, recreated);
            sent.expect("delivered");
        }
    }
    producer.flush().await.expect("everything is delivered");
    let retries: u64 = producer.stats().partitions.iter().map(|one| one.retries).sum();
    assert!(retries > 0, "Kafka takes nothing for the old topic");
    let found = numbered::numbers(&other, WRITTEN).await.remove(&0).expect("the partition");
    numbered::check([(0, found.clone())].into(), found[0]..2000);
}

/// A name is not free at once after its topic was deleted.
async fn create(client: &Client, topic: &str) {
    let topic = NewTopic::new(topic).with_partitions(1).with_replication_factor(1);
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
const WRITTEN: &str = "written_twice";

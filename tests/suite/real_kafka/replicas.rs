//! Real Kafka names the replica in the reader's rack, and takes it back when that broker dies.

use kavka_client::protocol::{BrokerId, TopicPartition};
use kavka_client::{Client, FetchedBatches, OutgoingRecord, Properties, StartOffset};
use kavka_tests::java;
use kavka_tests::real_kafka::RealKafka;

/// Node 1 leads, node 2 has a copy and stands in `rack-2`, as the reader does.
pub(crate) async fn nearest_is_read(kafka: RealKafka) {
    create_topic(&kafka);
    let client = Client::connect([("bootstrap.servers", kafka.bootstrap_servers())]).await.unwrap();
    let producer = client.producer(Properties::new()).unwrap();
    let mut consumer = client.consumer([("client.rack", "rack-2")]).unwrap();
    consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::Earliest)]);
    for (next, broker) in (0..).zip([2, 2, 1]) {
        if broker == 1 {
            kafka.kill(1);
        }
        let record = OutgoingRecord::to(TOPIC).value(b"near");
        producer.send(record).await.unwrap().await.unwrap();
        let fetched = loop {
            let fetched = consumer.poll().await.unwrap().into_partitions().next();
            if let Some(fetched) = fetched {
                break fetched;
            }
        };
        assert_eq!(place(&fetched), (BrokerId(broker), next, next + 1));
    }
}

fn place(fetched: &FetchedBatches) -> (BrokerId, i64, i64) {
    (fetched.broker(), fetched.first_offset(), fetched.next_offset())
}

fn create_topic(kafka: &RealKafka) {
    let servers = kafka.bootstrap_servers();
    let arguments = [
        "--bootstrap-server",
        servers,
        "--create",
        "--topic",
        TOPIC,
        "--replica-assignment",
        "1:2",
    ];
    java::run("org.apache.kafka.tools.TopicCommand", &arguments, None)
        .expect("the topic is created");
}

const TOPIC: &str = "read_nearby";

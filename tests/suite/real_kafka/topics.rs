//! Topics that change under those who use them: written with every codec, deleted and made anew, given more
//! partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kavka_client::protocol::Decompressor;
use kavka_client::{Client, Consumer, ErrorKind, NewTopic, OutgoingRecord, StartOffset};
use kavka_protocol::TopicPartition;
use kavka_tests::numbered::{self, Found};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, trial};
use libtest_mimic::Trial;

use super::{connect, create, scale};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::real("records_of_every_codec_are_read_by_kafkas_own_consumer", every_codec),
        trial::real("a_topic_made_anew_is_written_and_read_from_its_beginning", made_anew),
        trial::real("partitions_that_are_added_are_written_to", grown),
    ]
}

async fn every_codec(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let (topic, count) = (format!("numbers_{codec}"), scale(20_000, 1_000_000) as i32);
        create(&client, NewTopic::new(&topic).with_partitions(3)).await;
        let producer = client.producer([("compression.type", codec), ("batch.size", "50000")]);
        let producer = producer.expect("a producer");
        numbered::send(&producer, &topic, 0..count).await.await.expect("delivered");
        let lines = java::consume(kafka.bootstrap_servers(), &topic, &[]).expect("Kafka reads");
        numbered::check(numbers(&lines), 0..count);
        assert!(lines.iter().all(|line| line[3] == line[4]), "keys are values");
    }
}

/// The numbers in each partition as `Consume.java` printed them.
pub(super) fn numbers(lines: &[Vec<String>]) -> BTreeMap<i32, Vec<i32>> {
    let mut numbers = BTreeMap::<i32, Vec<i32>>::new();
    for line in lines {
        let number = |place: usize| line[place].parse().expect("a number");
        numbers.entry(number(0)).or_default().push(number(4));
    }
    numbers
}

/// The producer goes on with its numbers of sequence, the consumer where `auto.offset.reset` says.
async fn made_anew(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    create(&client, NewTopic::new("anew").with_partitions(2)).await;
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    numbered::send(&producer, "anew", 0..1000).await.await.expect("delivered");
    let mut consumer = client.consumer([("auto.offset.reset", "earliest")]).expect("a consumer");
    consumer.assign((0..2).map(|at| (TopicPartition::new("anew", at), StartOffset::Earliest)));
    assert_eq!(within(read(&mut consumer, 1000)).await, (0..1000).collect());
    client.admin().delete_topics(&["anew"]).await.expect("an answer").remove(0).expect("deleted");
    create(&client, NewTopic::new("anew").with_partitions(2)).await;
    within(numbered::send(&producer, "anew", 1000..1100)).await.await.expect("delivered");
    numbered::holds(&client, "anew", 1000..1100).await;
    assert_eq!(within(read(&mut consumer, 100)).await, (1000..1100).collect());
}

/// Reads so many records. While the topic is away, polling again is the cure.
async fn read(consumer: &mut Consumer, count: usize) -> BTreeSet<i32> {
    let (mut found, mut decompressor) = (BTreeSet::new(), Decompressor::default());
    while found.len() < count {
        let fetch = match consumer.poll().await {
            Ok(fetch) => fetch,
            Err(error) => {
                let is_away = [ErrorKind::UnknownTopic, ErrorKind::UnknownPartition];
                assert!(is_away.contains(&error.kind()), "{error}");
                continue;
            }
        };
        for batch in fetch.partitions().flat_map(|fetched| fetched.batches()) {
            let body = batch.expect("a batch").body(&mut decompressor).expect("a body");
            found.extend(
                body.records().map(|record| Found::new(&record.expect("a record")).number()),
            );
        }
    }
    found
}

/// A producer learns of them with its next metadata.
async fn grown(kafka: &'static RealKafka) {
    let properties =
        [("bootstrap.servers", kafka.bootstrap_servers()), ("metadata.max.age.ms", "200")];
    let client = Client::connect(properties).await.expect("connected");
    create(&client, NewTopic::new("grown")).await;
    let in_turn = "org.apache.kafka.clients.producer.RoundRobinPartitioner";
    let producer = client.producer([("partitioner.class", in_turn), ("linger.ms", "0")]);
    let producer = producer.expect("a producer");
    let send = async || {
        let delivery = producer.send(OutgoingRecord::to("grown").value(b"1")).await;
        let metadata = delivery.expect("accepted").await.expect("delivered");
        metadata.topic_partition.partition
    };
    assert_eq!(send().await, 0);
    let arguments =
        ["--bootstrap-server", kafka.bootstrap_servers(), "--alter", "--topic", "grown"];
    let arguments = [&arguments[..], &["--partitions", "4"]].concat();
    java::run("org.apache.kafka.tools.TopicCommand", &arguments, None).expect("the topic grows");
    let mut reached = BTreeSet::new();
    let all = async {
        while reached.len() < 4 {
            reached.insert(send().await);
        }
    };
    within(all).await;
    assert_eq!(client.topic("grown").await.expect("the topic").partitions.len(), 4);
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(RECOVERY, work).await.expect("done within its limit")
}

/// What a client takes at most to find its way in a topic that has changed.
const RECOVERY: Duration = Duration::from_secs(30);

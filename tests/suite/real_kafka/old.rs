//! Releases of Kafka as they still run: what is spoken is negotiated, and message sets of before 0.11 are read.
//! `KAVKA_OLD_KAFKA=1` runs these.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::ops::Range;

use kavka_client::protocol::Decompressor;
use kavka_client::{
    Client, Error, ErrorKind, NewTopic, OffsetSpec, OutgoingRecord, Properties, StartOffset,
};
use kavka_protocol::{ErrorCode, TopicPartition};
use kavka_tests::numbered::{self, Found};
use kavka_tests::real_kafka::{OLD_VERSIONS, RealKafka};
use kavka_tests::{java, sql, trial};
use libtest_mimic::Trial;

use super::{connect, create};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for version in OLD_VERSIONS {
        trials.extend([
            trial::old("records_of_every_codec_go_both_ways", version, every_codec),
            trial::old("records_of_its_own_producer_are_read", version, its_own_producer),
            trial::old("topics_and_offsets_are_listed", version, listed),
        ]);
    }
    trials.extend([
        trial::old("what_came_later_is_refused_with_a_reason", "1.1.1", no_zstd),
        trial::old("message_sets_of_format_0_are_read", "1.1.1", format_0),
        trial::old("message_sets_of_format_1_are_read", "1.1.1", format_1),
    ]);
    trials
}

/// The codecs that a release knows: zstd came with 2.1.
fn codecs(kafka: &RealKafka) -> &'static [&'static str] {
    match kafka.version() {
        "1.1.1" => &["none", "gzip", "snappy", "lz4"],
        _ => &["none", "gzip", "snappy", "lz4", "zstd"],
    }
}

async fn every_codec(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    for codec in codecs(kafka) {
        let topic = format!("both-ways-{codec}");
        create(&client, NewTopic::new(&topic).with_partitions(3)).await;
        for (acks, numbers) in [("all", 0..20_000), ("1", 20_000..22_000)] {
            let idempotent = if acks == "all" { "true" } else { "false" };
            let properties = [
                ("acks", acks),
                ("batch.size", "50000"),
                ("compression.type", codec),
                ("enable.idempotence", idempotent),
            ];
            let producer = client.producer(properties).expect("a producer");
            numbered::send(&producer, &topic, numbers).await.await.expect("delivered");
        }
        numbered::holds(&client, &topic, 0..22_000).await;
    }
}

async fn no_zstd(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    create(&client, NewTopic::new("no-zstd")).await;
    let producer = client.producer([("compression.type", "zstd")]).expect("a producer");
    let error = numbered::send(&producer, "no-zstd", 0..10).await.await.expect_err("unknown to it");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("set compression.type to another codec"), "{error}");
}

async fn its_own_producer(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    let servers = kafka.bootstrap_servers();
    for codec in codecs(kafka) {
        let topic = format!("its-own-{codec}");
        create(&client, NewTopic::new(&topic)).await;
        let mut lines = String::new();
        for number in 0..5000 {
            let _ = writeln!(lines, "0\t{}\tkey-{number}\t{number}", 1000 + number);
        }
        let compression = format!("compression.type={codec}");
        let sent = java::produce_version(kafka.version(), servers, &topic, &[&compression], &lines);
        assert_eq!(sent.expect("its producer runs"), 5000);
        let found = numbered::records(&client, &topic, 0).await;
        let expected = (0..5000).map(|number| (number, 1000 + i64::from(number)));
        assert!(found.iter().map(|record| (record.number(), record.timestamp)).eq(expected));
        let session = sql::session(servers);
        let table = format!(
            "CREATE TABLE own (k STRING, n STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw', \
             'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY', \
             'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '2000', 'scan.bounded.mode' = 'latest-offset')"
        );
        sql::rows(&session, &table).await;
        let counted = sql::rows(&session, "SELECT count(*), min(k) FROM own").await;
        assert_eq!(counted, [["4000", "key-1000"]], "{codec}");
    }
}

async fn listed(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    create(&client, NewTopic::new("listed").with_partitions(2)).await;
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    for time in [100, 200, 300] {
        let record = OutgoingRecord::to("listed").partition(0).value(b"1").timestamp(time);
        producer.send(record).await.expect("accepted").await.expect("delivered");
    }
    let tp = |partition| TopicPartition::new("listed", partition);
    let asked = [
        (tp(0), OffsetSpec::Earliest),
        (tp(0), OffsetSpec::Latest),
        (tp(0), OffsetSpec::Timestamp(150)),
        (tp(0), OffsetSpec::Timestamp(301)),
        (tp(1), OffsetSpec::Latest),
    ];
    let answers = client.list_offsets(&asked).await.expect("listed");
    let offsets: Vec<_> = answers.iter().map(|listed| listed.offset).collect();
    assert_eq!(offsets, [Some(0), Some(3), Some(1), None, Some(0)]);
    let latest = client.list_offsets(&[(tp(0), OffsetSpec::MaxTimestamp)]).await;
    match kafka.version() {
        "3.9.1" => assert_eq!(latest.expect("listed")[0].offset, Some(2)),
        _ => {
            let error = latest.expect_err("that came with 3.0");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("needs version 7"), "{error}");
        }
    }
    let admin = client.admin();
    let names: BTreeSet<_> = admin
        .list_topics()
        .await
        .expect("a list")
        .iter()
        .map(|known| known.name.to_string())
        .collect();
    assert!(names.contains("listed"), "{names:?}");
    let cluster = admin.describe_cluster().await.expect("described");
    assert_eq!((cluster.brokers.len(), cluster.controller.is_some()), (1, true));
    admin.delete_topics(&["listed"]).await.expect("an answer").remove(0).expect("deleted");
    assert!(client.topic("listed").await.is_err());
}

async fn format_0(kafka: &'static RealKafka) {
    message_sets(kafka, "0.9.0", 0).await;
}

async fn format_1(kafka: &'static RealKafka) {
    message_sets(kafka, "0.10.2", 1).await;
}

/// The broker writes what it is sent in the format of the topic, and hands that out as it lies.
async fn message_sets(kafka: &'static RealKafka, format: &str, magic: u8) {
    let client = connect(kafka).await;
    for codec in codecs(kafka) {
        let topic = format!("format-{magic}-{codec}");
        create(&client, NewTopic::new(&topic).with_config("message.format.version", format)).await;
        let properties = [
            ("batch.size", "5000"),
            ("compression.type", codec),
            ("enable.idempotence", "false"),
            ("max.in.flight.requests.per.connection", "1"),
        ];
        send(&client, &topic, &properties, 0..2000).await.expect("delivered");
        assert_eq!(written_format(kafka, &topic), magic);
        let found = numbered::records(&client, &topic, 0).await;
        assert!(found.iter().map(Found::number).eq(0..2000), "{codec}");
        assert!(found.iter().map(|record| record.offset).eq(0..2000), "{codec}");
        let time = |number: i64| if magic == 0 { -1 } else { 1000 + number };
        assert!(found.iter().map(|record| record.timestamp).eq((0..2000).map(time)), "{codec}");
        // In the middle of what was compressed together.
        for start in [1, 777, 1999] {
            let numbers = read_from(&client, &topic, start, 2000).await;
            assert!(numbers.into_iter().eq(start as i32..2000), "{codec} from {start}");
        }
        // Old formats know no producers.
        let error = send(&client, &topic, &[("compression.type", codec)], 0..1).await;
        let error = error.expect_err("the broker cannot write that");
        assert_eq!(error.code(), Some(ErrorCode::UnsupportedForMessageFormat), "{error}");
        assert!(error.to_string().contains("enable.idempotence"), "{error}");
    }
}

/// Numbers with keys and times, and no headers, which old formats do not have.
async fn send(
    client: &Client,
    topic: &str,
    properties: &[(&str, &str)],
    numbers: Range<i32>,
) -> Result<(), Error> {
    let properties: Properties = properties.iter().copied().collect();
    let producer = client.producer(properties).expect("a producer");
    let texts = numbered::texts(numbers);
    let records =
        numbered::outgoing(topic, &texts).zip(1000..).map(|(record, at)| record.timestamp(at));
    producer.send_batch(records).await?.await
}

/// The numbers from `start` to before `end`.
async fn read_from(client: &Client, topic: &str, start: i64, end: i64) -> Vec<i32> {
    let mut consumer = client.consumer(Properties::default()).expect("a consumer");
    let partition = TopicPartition::new(topic, 0);
    consumer.assign([(partition.clone(), StartOffset::At(start))]);
    let (mut found, mut decompressor) = (Vec::new(), Decompressor::default());
    while consumer.position(&partition).is_none_or(|position| position < end) {
        let fetch = consumer.poll().await.expect("fetched");
        for batch in fetch.partitions().flat_map(|fetched| fetched.batches()) {
            let body = batch.expect("a batch").body(&mut decompressor).expect("a body");
            found.extend(
                body.records().map(|record| Found::new(&record.expect("a record")).number()),
            );
        }
    }
    found
}

/// The magic byte of the first thing in a topic's log.
fn written_format(kafka: &RealKafka, topic: &str) -> u8 {
    let segment = format!("{topic}-0/00000000000000000000.log");
    let mut header = [0; 17];
    let mut file = File::open(kafka.log_directory(0).join(segment)).expect("the segment");
    file.read_exact(&mut header).expect("a header");
    header[16]
}

//! Producing against the in-process cluster: every record once and in order, whatever goes wrong.

mod topic_ids;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kavka_broker::{Broker, Disconnect};
use kavka_client::{BatchDelivery, Client, ErrorKind, NewTopic, OutgoingRecord, Producer};
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, TopicPartition};
use kavka_tests::numbered::{self, Found};
use kavka_tests::{embedded, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial::conversation(
            "produce::every_codec_keeps_every_record_in_order",
            every_codec_keeps_every_record_in_order,
        ),
        trial::conversation("produce::brokers_before_zstd_get_none", brokers_before_zstd_get_none),
        trial::conversation(
            "produce::a_lost_connection_loses_and_repeats_nothing",
            a_lost_connection_loses_and_repeats_nothing,
        ),
        trial::conversation(
            "produce::records_follow_a_leader_that_moves",
            records_follow_a_leader_that_moves,
        ),
        trial::conversation("produce::passing_refusals_are_retried", passing_refusals_are_retried),
        trial::conversation(
            "produce::an_answer_that_comes_too_late_repeats_nothing",
            an_answer_that_comes_too_late_repeats_nothing,
        ),
        trial::conversation(
            "produce::a_refused_batch_leaves_room_for_the_next",
            a_refused_batch_leaves_room_for_the_next,
        ),
        trial::conversation(
            "produce::a_batch_that_is_too_large_is_split",
            a_batch_that_is_too_large_is_split,
        ),
        trial::conversation(
            "produce::a_record_that_is_too_large_is_refused",
            a_record_that_is_too_large_is_refused,
        ),
        trial::conversation(
            "produce::a_full_buffer_makes_senders_wait",
            a_full_buffer_makes_senders_wait,
        ),
        trial::conversation(
            "produce::a_buffer_that_stays_full_is_an_error",
            a_buffer_that_stays_full_is_an_error,
        ),
        trial::conversation("produce::acks_decide_what_is_known", acks_decide_what_is_known),
        trial::conversation(
            "produce::records_linger_until_flushed_or_full",
            records_linger_until_flushed_or_full,
        ),
        trial::conversation(
            "produce::a_flush_reports_what_failed_once",
            a_flush_reports_what_failed_once,
        ),
        trial::conversation(
            "produce::an_unreachable_broker_ends_in_the_delivery_timeout",
            an_unreachable_broker_ends_in_the_delivery_timeout,
        ),
        trial::conversation(
            "produce::closing_gives_up_after_its_deadline",
            closing_gives_up_after_its_deadline,
        ),
        trial::conversation(
            "produce::dropping_a_producer_ends_it_at_once",
            dropping_a_producer_ends_it_at_once,
        ),
        trial::conversation(
            "produce::a_dropped_delivery_cancels_nothing",
            a_dropped_delivery_cancels_nothing,
        ),
        trial::conversation(
            "produce::a_missing_topic_is_created_only_where_that_is_allowed",
            a_missing_topic_is_created_only_where_that_is_allowed,
        ),
        trial::conversation("produce::a_missing_partition_is_named", a_missing_partition_is_named),
        trial::conversation(
            "produce::everything_about_a_record_arrives",
            everything_about_a_record_arrives,
        ),
        trial::conversation(
            "produce::partitioners_place_as_kafkas_do",
            partitioners_place_as_kafkas_do,
        ),
        trial::conversation(
            "produce::an_old_broker_is_spoken_to_or_named",
            an_old_broker_is_spoken_to_or_named,
        ),
        trial::conversation(
            "produce::many_tasks_share_one_producer",
            many_tasks_share_one_producer,
        ),
    ];
    trials.extend(topic_ids::trials());
    trials
}

const TOPIC: &str = "orders";

async fn every_codec_keeps_every_record_in_order() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let at = Cluster::start(1, 6).await;
        let producer = at.producer(&[("compression.type", codec), ("batch.size", "65536")]);
        send_numbered(&producer, 0..RECORDS).await.await.expect("delivered");
        at.holds_numbers(0..RECORDS).await;
    }
}

/// They would call it an unknown error, or close the connection.
async fn brokers_before_zstd_get_none() {
    let at = Cluster::start(1, 1).await;
    at.broker.control().api_versions(ApiKey::Produce, 6);
    let producer = at.producer(&[("compression.type", "zstd")]);
    let error = send_numbered(&producer, 0..10).await.await.expect_err("nobody reads it");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("set compression.type to another codec"), "{error}");
    assert!(!error.may_have_been_written());
    let producer = at.producer(&[("compression.type", "lz4")]);
    send_numbered(&producer, 0..10).await.await.expect("delivered");
}

async fn a_lost_connection_loses_and_repeats_nothing() {
    for when in [Disconnect::BeforeApplying, Disconnect::AfterApplying] {
        let at = Cluster::start(2, 4).await;
        let producer = at.producer(&[("linger.ms", "1")]);
        for round in 0..10 {
            at.broker.control().disconnect_next(ApiKey::Produce, when);
            let numbers = round * 3000..(round + 1) * 3000;
            send_numbered(&producer, numbers).await.await.expect("delivered");
        }
        at.holds_numbers(0..30_000).await;
    }
}

async fn records_follow_a_leader_that_moves() {
    let at = Cluster::start(3, 3).await;
    let producer = at.producer(&[("linger.ms", "1")]);
    let mut deliveries = Vec::new();
    for round in 0..30 {
        let numbers = round * 1000..(round + 1) * 1000;
        deliveries.push(send_numbered(&producer, numbers).await);
        let partition = TopicPartition::new(TOPIC, round % 3);
        at.broker.control().move_leader(&partition, BrokerId(1 + (round / 3) % 3));
        tokio::task::yield_now().await;
    }
    for delivery in deliveries {
        delivery.await.expect("delivered");
    }
    at.holds_numbers(0..30_000).await;
}

async fn passing_refusals_are_retried() {
    for code in
        [ErrorCode::NotLeaderOrFollower, ErrorCode::NotEnoughReplicas, ErrorCode::RequestTimedOut]
    {
        let at = Cluster::start(1, 2).await;
        let producer = at.producer(&[]);
        at.broker.control().fail_next(ApiKey::Produce, code, 2);
        send_numbered(&producer, 0..2000).await.await.expect("delivered");
        at.holds_numbers(0..2000).await;
    }
}

async fn an_answer_that_comes_too_late_repeats_nothing() {
    let at = Cluster::start(1, 2).await;
    let producer = at.producer(&[("request.timeout.ms", "300")]);
    at.broker.control().delay_next(ApiKey::Produce, Duration::from_secs(2));
    send_numbered(&producer, 0..2000).await.await.expect("delivered");
    at.holds_numbers(0..2000).await;
}

async fn a_refused_batch_leaves_room_for_the_next() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[]);
    send_numbered(&producer, 0..10).await.await.expect("delivered");
    at.broker.control().fail_next(ApiKey::Produce, ErrorCode::InvalidRecord, 1);
    let error = send_numbered(&producer, 10..20).await.await.expect_err("refused");
    assert_eq!(error.code(), Some(ErrorCode::InvalidRecord));
    assert!(!error.may_have_been_written());
    assert_eq!(error.place().topic_partition, Some(TopicPartition::new(TOPIC, 0)));
    assert_eq!(error.place().broker, Some(BrokerId(1)));
    send_numbered(&producer, 20..30).await.await.expect("delivered under the next epoch");
    assert_eq!(at.numbers().await[&0], (0..10).chain(20..30).collect::<Vec<_>>());
}

async fn a_batch_that_is_too_large_is_split() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("linger.ms", "1000"), ("compression.type", "lz4")]);
    at.broker.control().fail_next(ApiKey::Produce, ErrorCode::MessageTooLarge, 2);
    let mut deliveries = Vec::new();
    for number in 0..100 {
        let value = number.to_string();
        let record = OutgoingRecord::to(TOPIC).value(value.as_bytes());
        deliveries.push(producer.send(record).await.expect("accepted"));
    }
    producer.flush().await.expect("delivered");
    for (offset, delivery) in (0..).zip(deliveries) {
        assert_eq!(delivery.await.expect("delivered").offset, Some(offset));
    }
    at.holds_numbers(0..100).await;
}

async fn a_record_that_is_too_large_is_refused() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("max.request.size", "1000"), ("batch.size", "500")]);
    let large = vec![7; 2000];
    let error =
        producer.send(OutgoingRecord::to(TOPIC).value(&large)).await.err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::RecordTooLarge);
    assert!(error.to_string().contains("max.request.size=1000"), "{error}");
    let records = [OutgoingRecord::to(TOPIC).value(b"0"), OutgoingRecord::to(TOPIC).value(&large)];
    let error = producer.send_batch(records).await.err().expect("refused");
    assert!(error.to_string().contains("record 1 of the call"), "{error}");
    producer.flush().await.expect("what was accepted is delivered");
    at.holds_numbers(0..1).await;
}

async fn a_full_buffer_makes_senders_wait() {
    let at = Cluster::start(1, 4).await;
    let producer = at.producer(&[("buffer.memory", "70000"), ("max.block.ms", "20000")]);
    send_numbered(&producer, 0..50_000).await.await.expect("delivered");
    at.holds_numbers(0..50_000).await;
}

async fn a_buffer_that_stays_full_is_an_error() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("buffer.memory", "20000"), ("max.block.ms", "200")]);
    send_numbered(&producer, 0..1).await.await.expect("delivered");
    at.broker.control().delay_next(ApiKey::Produce, Duration::from_secs(3));
    let records = numbered::texts(1..5000);
    let error =
        producer.send_batch(numbered::outgoing(TOPIC, &records)).await.err().expect("no memory");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("buffer.memory=20000"), "{error}");
    assert!(error.to_string().contains("max.block.ms=200"), "{error}");
}

async fn acks_decide_what_is_known() {
    for (acks, offset) in [("0", None), ("1", Some(0)), ("all", Some(0))] {
        let at = Cluster::start(1, 1).await;
        let producer = at.producer(&[("acks", acks)]);
        let record = OutgoingRecord::to(TOPIC).value(b"0").timestamp(77);
        let delivery = producer.send(record).await.expect("accepted");
        let metadata = delivery.await.expect("delivered");
        assert_eq!((metadata.offset, metadata.timestamp), (offset, 77), "acks={acks}");
        // Without acknowledgements only the log tells when the record is there.
        while at.end(0).await < 1 {
            tokio::task::yield_now().await;
        }
        at.holds_numbers(0..1).await;
    }
}

async fn records_linger_until_flushed_or_full() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("linger.ms", "50000"), ("batch.size", "1000")]);
    let delivery = send_numbered(&producer, 0..3).await;
    assert_eq!(at.broker.control().requests(ApiKey::Produce), 0);
    producer.flush().await.expect("delivered");
    delivery.await.expect("delivered");
    assert_eq!(at.broker.control().requests(ApiKey::Produce), 1);
    let value = [7; 900];
    let full = producer.send(OutgoingRecord::to(TOPIC).value(&value)).await.expect("accepted");
    full.await.expect("delivered without a flush");
}

async fn a_flush_reports_what_failed_once() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[]);
    at.broker.control().fail_next(ApiKey::Produce, ErrorCode::TopicAuthorizationFailed, 1);
    drop(send_numbered(&producer, 0..1).await);
    let error = producer.flush().await.expect_err("nobody else has heard of it");
    assert_eq!(error.code(), Some(ErrorCode::TopicAuthorizationFailed));
    producer.flush().await.expect("it was reported");
}

async fn an_unreachable_broker_ends_in_the_delivery_timeout() {
    let at = Cluster::start(1, 1).await;
    let timeouts = [("request.timeout.ms", "400"), ("delivery.timeout.ms", "900")];
    let producer = at.producer(&timeouts);
    send_numbered(&producer, 0..1).await.await.expect("delivered");
    at.broker.shutdown().await;
    let error = send_numbered(&producer, 1..2).await.await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("delivery.timeout.ms=900"), "{error}");
    assert!(error.to_string().contains("the last trouble: 127.0.0.1"), "{error}");
}

async fn closing_gives_up_after_its_deadline() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[]);
    let other = producer.clone();
    at.broker.control().delay_next(ApiKey::Produce, Duration::from_secs(30));
    let delivery = send_numbered(&producer, 0..1).await;
    let error = producer.close(Duration::from_millis(300)).await.expect_err("not in time");
    assert!(error.to_string().contains("1 batches were not acknowledged within 300 ms"), "{error}");
    let error = delivery.await.expect_err("given up");
    assert_eq!((error.kind(), error.may_have_been_written()), (ErrorKind::Closed, true));
    let refused = other.send(OutgoingRecord::to(TOPIC)).await.err().expect("closed");
    assert_eq!(refused.kind(), ErrorKind::Closed);
}

async fn dropping_a_producer_ends_it_at_once() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[("linger.ms", "50000")]);
    let delivery = send_numbered(&producer, 0..1).await;
    let dropped = Instant::now();
    drop(producer);
    let error = delivery.await.expect_err("the producer is gone");
    assert_eq!((error.kind(), error.may_have_been_written()), (ErrorKind::Closed, false));
    assert!(dropped.elapsed() < Duration::from_secs(5));
}

async fn a_dropped_delivery_cancels_nothing() {
    let at = Cluster::start(1, 2).await;
    let producer = at.producer(&[]);
    drop(send_numbered(&producer, 0..1000).await);
    producer.close(Duration::from_secs(20)).await.expect("delivered");
    at.holds_numbers(0..1000).await;
}

async fn a_missing_topic_is_created_only_where_that_is_allowed() {
    let broker = embedded::broker().await;
    for (allowed, name) in [("true", "wanted"), ("false", "unwanted")] {
        let servers = broker.bootstrap_servers();
        let properties =
            [("bootstrap.servers", servers.as_str()), ("allow.auto.create.topics", allowed)];
        let client = Client::connect(properties).await.expect("connected");
        let producer = client.producer([("max.block.ms", "10000")]).expect("a producer");
        let sent = producer.send(OutgoingRecord::to(name).value(b"0")).await;
        match sent {
            Ok(delivery) => assert_eq!(delivery.await.expect("delivered").offset, Some(0)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnknownTopic);
                assert!(error.to_string().contains("unwanted"), "{error}");
            }
        }
        assert_eq!(client.topic(name).await.is_ok(), allowed == "true");
    }
}

async fn a_missing_partition_is_named() {
    let at = Cluster::start(1, 2).await;
    let producer = at.producer(&[]);
    for partition in [-1, 2] {
        let record = OutgoingRecord::to(TOPIC).partition(partition);
        let error = producer.send(record).await.err().expect("no such partition");
        assert_eq!(error.kind(), ErrorKind::UnknownPartition);
        assert!(
            error.to_string().contains(&format!("no partition {partition}; it has 2")),
            "{error}"
        );
    }
}

async fn everything_about_a_record_arrives() {
    let at = Cluster::start(1, 1).await;
    let producer = at.producer(&[]);
    let headers: &[(&str, Option<&[u8]>)] =
        &[("a", Some(b"1")), ("a", None), ("\u{e4}", Some(b"\xff"))];
    let records = [
        OutgoingRecord::to(TOPIC).key(b"k").value(b"v").timestamp(5).headers(headers),
        OutgoingRecord::to(TOPIC).key(b"").timestamp(4),
        OutgoingRecord::to(TOPIC).value(b"").timestamp(6).header("b", Some(b"2")),
    ];
    producer.send_batch(records).await.expect("accepted").await.expect("delivered");
    let found = at.records(0).await;
    let text = |bytes: &[u8]| bytes.to_vec();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].key, Some(text(b"k")));
    assert_eq!(found[0].headers.len(), 3);
    assert_eq!(found[0].headers[0], (text(b"a"), Some(text(b"1"))));
    assert_eq!(found[0].headers[1], (text(b"a"), None));
    assert_eq!((found[1].key.clone(), found[1].value.clone()), (Some(Vec::new()), None));
    assert_eq!((found[2].key.clone(), found[2].value.clone()), (None, Some(Vec::new())));
    assert_eq!(found.iter().map(|record| record.timestamp).collect::<Vec<_>>(), [5, 4, 6]);
}

async fn partitioners_place_as_kafkas_do() {
    let at = Cluster::start(1, 10).await;
    let by_key = at.producer(&[]);
    for (key, partition) in
        [("", 1), ("21", 0), ("abc", 7), ("foobar", 6), ("a-little-bit-long-string", 2)]
    {
        let record = OutgoingRecord::to(TOPIC).key(key.as_bytes());
        let metadata = by_key.send(record).await.expect("accepted").await.expect("delivered");
        assert_eq!(metadata.topic_partition.partition, partition, "{key:?}");
    }
    let in_turn = at.producer(&[(
        "partitioner.class",
        "org.apache.kafka.clients.producer.RoundRobinPartitioner",
    )]);
    let mut counts = [0; 10];
    for _ in 0..30 {
        let record = OutgoingRecord::to(TOPIC).key(b"same");
        let metadata = in_turn.send(record).await.expect("accepted").await.expect("delivered");
        counts[usize::try_from(metadata.topic_partition.partition).expect("a partition")] += 1;
    }
    assert_eq!(counts, [3; 10]);
    let sticky = at.producer(&[("partitioner.ignore.keys", "true"), ("linger.ms", "1000")]);
    let before = at.broker.control().requests(ApiKey::Produce);
    let records = (0..50).map(|_| OutgoingRecord::to(TOPIC).key(b"same").value(b"small"));
    drop(sticky.send_batch(records).await.expect("accepted"));
    sticky.flush().await.expect("delivered");
    assert_eq!(at.broker.control().requests(ApiKey::Produce) - before, 1, "all in one batch");
}

async fn an_old_broker_is_spoken_to_or_named() {
    let at = Cluster::start(1, 1).await;
    at.broker.control().api_versions(ApiKey::Produce, 3);
    let producer = at.producer(&[]);
    send_numbered(&producer, 0..100).await.await.expect("delivered");
    at.holds_numbers(0..100).await;
    at.broker.control().api_versions(ApiKey::InitProducerId, -1);
    let refused = Client::connect([("bootstrap.servers", at.broker.bootstrap_servers())])
        .await
        .expect("connected");
    let producer = refused.producer([("linger.ms", "0")]).expect("a producer");
    let error = match producer.send(OutgoingRecord::to(TOPIC)).await {
        Ok(delivery) => delivery.await.expect_err("no producer id"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("InitProducerId"), "{error}");
}

async fn many_tasks_share_one_producer() {
    let at = Arc::new(Cluster::start(1, 4).await);
    let producer = at.producer(&[("buffer.memory", "200000")]);
    let tasks = (0..8).map(|task| {
        let producer = producer.clone();
        tokio::spawn(async move {
            for round in 0..20 {
                let start = (round * 8 + task) * 100;
                send_numbered(&producer, start..start + 100).await.await.expect("delivered");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("the task ends well");
    }
    let mut all: Vec<_> = at.numbers().await.into_values().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..16_000).collect::<Vec<_>>());
}

/// A cluster with one topic.
struct Cluster {
    broker: Broker,
    client: Client,
}

impl Cluster {
    async fn start(nodes: usize, partitions: i32) -> Self {
        let broker = embedded::cluster(nodes).await;
        let client = Client::connect([("bootstrap.servers", broker.bootstrap_servers())])
            .await
            .expect("connected");
        let topic = NewTopic {
            name: TOPIC.into(),
            partitions: Some(partitions),
            replication_factor: Some(1),
            configs: Vec::new(),
        };
        client.admin().create_topics(&[topic]).await.expect("created");
        Self { broker, client }
    }

    fn producer(&self, properties: &[(&str, &str)]) -> Producer {
        self.client
            .producer(properties.iter().copied().collect::<kavka_client::Properties>())
            .expect("a producer")
    }

    async fn end(&self, partition: i32) -> i64 {
        numbered::end(&self.client, TOPIC, partition).await
    }

    async fn records(&self, partition: i32) -> Vec<Found> {
        numbered::records(&self.client, TOPIC, partition).await
    }

    async fn numbers(&self) -> BTreeMap<i32, Vec<i32>> {
        numbered::numbers(&self.client, TOPIC).await
    }

    async fn holds_numbers(&self, expected: Range<i32>) {
        numbered::holds(&self.client, TOPIC, expected).await;
    }
}

/// Sends numbers as keys and values.
async fn send_numbered(producer: &Producer, numbers: Range<i32>) -> BatchDelivery {
    numbered::send(producer, TOPIC, numbers).await
}

/// Enough for many batches of every partition in flight at once.
const RECORDS: i32 = 100_000;

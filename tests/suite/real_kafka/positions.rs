//! Start and stop positions against Kafka's own idea of offsets.

use std::collections::BTreeMap;

use kavka_sql::SqlContext;
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, sql};

use super::create_topic;

/// Three partitions: one full, one with a single late record, one empty.
pub(crate) async fn offsets_agree(kafka: &'static RealKafka) {
    create_topic(kafka.bootstrap_servers(), "positions", 3, &[]);
    let mut lines: String =
        (0..100).map(|n| format!("0\t{}\tk{n}\t{{\"n\":{n}}}\n", 1_000 + 10 * n)).collect();
    lines.push_str("1\t1905\tlate\t{\"n\":1000}\n");
    java::produce(kafka.bootstrap_servers(), "positions", &[], &lines)
        .expect("Kafka's producer runs");
    let session = sql::session(kafka.bootstrap_servers());
    for timestamp in [0, 1_000, 1_001, 1_500, 1_905, 1_906, 1_990, 1_991, 5_000] {
        check_start(kafka, &session, timestamp).await;
        check_stop(kafka, &session, timestamp).await;
    }
    check_specific(&session).await;
}

async fn check_start(kafka: &RealKafka, session: &SqlContext, timestamp: i64) {
    let options = format!(
        "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '{timestamp}', {BOUNDED}"
    );
    let found = first_and_count(session, "positions", &options).await;
    let starts = kafkas_offsets(kafka, "positions", &timestamp.to_string());
    let ends = kafkas_offsets(kafka, "positions", "-1");
    let expected = ends.iter().filter_map(|(partition, end)| {
        let start = starts.get(partition).copied()?;
        (start < *end).then_some((*partition, (start, end - start)))
    });
    assert_eq!(found, expected.collect(), "start at timestamp {timestamp}");
}

async fn check_stop(kafka: &RealKafka, session: &SqlContext, timestamp: i64) {
    let options = format!(
        "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '{timestamp}'"
    );
    let found = first_and_count(session, "positions", &options).await;
    let stops = kafkas_offsets(kafka, "positions", &timestamp.to_string());
    let ends = kafkas_offsets(kafka, "positions", "-1");
    let expected = ends.iter().filter_map(|(partition, end)| {
        let stop = stops.get(partition).copied().unwrap_or(*end);
        (stop > 0).then_some((*partition, (0, stop)))
    });
    assert_eq!(found, expected.collect(), "stop at timestamp {timestamp}");
}

async fn check_specific(session: &SqlContext) {
    let options = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:40', \
         'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:60;partition:1,offset:1'";
    assert_eq!(
        first_and_count(session, "positions", options).await,
        BTreeMap::from([(0, (40, 20)), (1, (0, 1))])
    );
    let missing = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:7,offset:0'";
    declare(session, "positions", &format!("{missing}, {BOUNDED}")).await;
    let message = sql::error(session, "SELECT * FROM probe").await;
    assert!(message.contains("positions-7") || message.contains("partition 7"), "{message}");
}

/// A compacted topic has holes; a transactional one has markers. Neither is a record, and a scan passes both.
pub(crate) async fn compacted_gaps(kafka: &'static RealKafka) {
    let configs = [
        "cleanup.policy=compact",
        "min.cleanable.dirty.ratio=0.01",
        "segment.ms=100",
        "min.compaction.lag.ms=0",
        "max.compaction.lag.ms=100",
    ];
    create_topic(kafka.bootstrap_servers(), "compacted", 1, &configs);
    let session = sql::session(kafka.bootstrap_servers());
    let mut written = 0;
    // The cleaner leaves the active segment alone: each round ends one, until holes appear.
    loop {
        let lines: String =
            (0..200).map(|n| format!("0\t\\N\tk{}\t{{\"n\":{n}}}\n", n % 5)).collect();
        java::produce(kafka.bootstrap_servers(), "compacted", &["transactional.id=holes"], &lines)
            .expect("the producer runs");
        written += 200;
        if offsets(&session).await.len() < written {
            break;
        }
    }
    // The cleaner goes on working: what is seen counts only if the log is the same before and after.
    while !holds_around_a_hole(&session).await {}
}

/// Every offset that is left.
async fn offsets(session: &SqlContext) -> Vec<i64> {
    let options = format!("'scan.startup.mode' = 'earliest-offset', {BOUNDED}");
    declare(session, "compacted", &options).await;
    let rows = sql::rows(session, "SELECT \"off\" FROM probe ORDER BY \"off\"").await;
    rows.iter().map(|row| row[0].parse().expect("an offset")).collect()
}

/// Starting or stopping in a hole gives what lies behind or before it. Says whether the log stood still meanwhile.
async fn holds_around_a_hole(session: &SqlContext) -> bool {
    let before = offsets(session).await;
    let last = *before.last().expect("records");
    let hole = (1..last).find(|offset| !before.contains(offset)).expect("a hole");
    let from = format!(
        "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:{hole}', {BOUNDED}"
    );
    let behind = first_and_count(session, "compacted", &from).await;
    let until = format!(
        "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:{hole}'"
    );
    let ahead = first_and_count(session, "compacted", &until).await;
    if offsets(session).await != before {
        return false;
    }
    let expected: Vec<i64> = before.iter().copied().filter(|offset| *offset > hole).collect();
    assert_eq!(behind, BTreeMap::from([(0, (expected[0], expected.len() as i64))]));
    let expected = before.iter().filter(|offset| **offset < hole).count() as i64;
    assert_eq!(ahead.get(&0).map_or(0, |(_, count)| *count), expected);
    true
}

/// For each partition that has rows: the first offset and how many.
async fn first_and_count(
    session: &SqlContext,
    topic: &str,
    options: &str,
) -> BTreeMap<i32, (i64, i64)> {
    declare(session, topic, options).await;
    let found =
        sql::rows(session, "SELECT part, min(\"off\"), count(*) FROM probe GROUP BY part").await;
    let number = |text: &String| text.parse::<i64>().expect("a number");
    found
        .iter()
        .map(|row| (row[0].parse().expect("a partition"), (number(&row[1]), number(&row[2]))))
        .collect()
}

async fn declare(session: &SqlContext, topic: &str, options: &str) {
    sql::rows(session, "DROP TABLE IF EXISTS probe").await;
    let table = format!(
        "CREATE TABLE probe (n BIGINT, part INT METADATA FROM 'partition', off BIGINT METADATA FROM 'offset') \
         WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json', {options})"
    );
    sql::rows(session, &table).await;
}

/// What `GetOffsetShell` says; partitions without an answer are absent.
fn kafkas_offsets(kafka: &RealKafka, topic: &str, time: &str) -> BTreeMap<i32, i64> {
    let arguments =
        ["--bootstrap-server", kafka.bootstrap_servers(), "--topic", topic, "--time", time];
    let printed = java::run("org.apache.kafka.tools.GetOffsetShell", &arguments, None)
        .expect("GetOffsetShell runs");
    let lines = printed.lines().filter_map(|line| {
        let mut fields = line.rsplitn(3, ':');
        let (offset, partition) = (fields.next()?, fields.next()?);
        Some((partition.parse().ok()?, offset.parse().ok()?))
    });
    lines.collect()
}

const BOUNDED: &str = "'scan.bounded.mode' = 'latest-offset'";

//! Reading what Kafka's own producer wrote.

use kavka_tests::orders::{COLUMNS, Orders, event_time_text};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, sql};

use super::{create_topic, scale};

pub(crate) async fn every_codec(kafka: &'static RealKafka) {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let (topic, rows) = (format!("orders_{codec}"), scale(20_000, 2_000_000));
        let mut orders = Orders::new(7, PARTITIONS);
        create_topic(kafka.bootstrap_servers(), &topic, PARTITIONS, &[]);
        produce(kafka, &topic, codec, &mut orders, rows);
        let session = sql::session(kafka.bootstrap_servers());
        sql::rows(&session, &table(&topic)).await;
        check_totals(&session, &topic, &orders).await;
        check_partitions(&session, &topic, &orders).await;
    }
}

/// Lines are made and sent in parts, so that millions of them need not be in memory at once.
fn produce(kafka: &RealKafka, topic: &str, codec: &str, orders: &mut Orders, rows: u64) {
    let compression = format!("compression.type={codec}");
    let properties = [compression.as_str(), "linger.ms=20", "batch.size=131072"];
    let mut left = rows;
    while left > 0 {
        let part = left.min(500_000);
        let mut lines = String::new();
        (0..part).for_each(|_| orders.write_line(&mut lines));
        let sent = java::produce(kafka.bootstrap_servers(), topic, &properties, &lines);
        assert_eq!(sent.expect("Kafka's producer runs"), part);
        left -= part;
    }
}

async fn check_totals(session: &kavka_sql::SqlContext, topic: &str, orders: &Orders) {
    let query = format!(
        "SELECT count(*), count(DISTINCT customer), sum(price), min(event_time), max(event_time) FROM {topic}"
    );
    let totals = orders.totals();
    let (first, last) = totals.event_times.expect("there are orders");
    let expected = [
        totals.rows.to_string(),
        totals.customers().to_string(),
        format!("{}.{:02}", totals.cents / 100, totals.cents % 100),
        padded(first),
        padded(last),
    ];
    assert_eq!(sql::rows(session, &query).await, [expected], "{topic}");
}

async fn check_partitions(session: &kavka_sql::SqlContext, topic: &str, orders: &Orders) {
    let query = format!(
        "SELECT part, count(*), min(\"off\"), max(\"off\") FROM {topic} GROUP BY part ORDER BY part"
    );
    let expected: Vec<Vec<String>> = orders
        .totals()
        .rows_by_partition
        .iter()
        .enumerate()
        .map(|(partition, rows)| {
            vec![partition.to_string(), rows.to_string(), "0".into(), (rows - 1).to_string()]
        })
        .collect();
    assert_eq!(sql::rows(session, &query).await, expected, "{topic}");
}

pub(crate) fn table(topic: &str) -> String {
    format!(
        "CREATE TABLE {topic} ({COLUMNS}, part INT METADATA FROM 'partition' VIRTUAL, off BIGINT METADATA FROM 'offset' VIRTUAL) \
         WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json', \
         'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset')"
    )
}

/// An event time with all three digits, as the rows of a query are printed.
fn padded(time: i64) -> String {
    let text = event_time_text(time);
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}"),
        None => format!("{text}.000"),
    }
}

const PARTITIONS: usize = 3;

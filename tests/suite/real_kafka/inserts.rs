//! Writing rows that Kafka's own consumer reads.

use std::collections::BTreeSet;

use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, sql};

use super::{create_topic, scale};

pub(crate) async fn console_consumer(kafka: &'static RealKafka) {
    let rows = scale(5_000, 1_000_000);
    create_topic(kafka.bootstrap_servers(), "inserted", 3, &[]);
    let session = sql::session(kafka.bootstrap_servers());
    sql::rows(&session, TABLE).await;
    let insert = format!("{INSERT} FROM generate_series(1, {rows}) AS numbers(n)");
    assert_eq!(sql::rows(&session, &insert).await, [[rows.to_string()]]);
    let printed = consume(kafka, rows);
    let lines: BTreeSet<&str> = printed.lines().collect();
    assert_eq!(
        (printed.lines().count() as u64, lines.len() as u64),
        (rows, rows),
        "each row exactly once"
    );
    for n in 1..=rows {
        assert!(lines.contains(expected(n).as_str()), "row {n} is missing: {}", expected(n));
    }
}

/// Timestamp, headers, key and value of row `n` as the console consumer prints them.
fn expected(n: u64) -> String {
    let name = if n.is_multiple_of(10) { "null".to_owned() } else { format!("\"näme {n}\"") };
    format!(
        "CreateTime:{}\tsource:kavka,row:{n}\tkey-{n}\t{{\"id\":{n},\"name\":{name},\"price\":{n}.5}}",
        1_767_225_600_000 + n
    )
}

fn consume(kafka: &RealKafka, rows: u64) -> String {
    let count = rows.to_string();
    let properties =
        ["print.timestamp=true", "print.headers=true", "print.key=true", "key.separator=\t"];
    let mut arguments = vec![
        "--bootstrap-server",
        kafka.bootstrap_servers(),
        "--topic",
        "inserted",
        "--from-beginning",
    ];
    arguments.extend(["--max-messages", count.as_str()]);
    arguments.extend(properties.iter().flat_map(|property| ["--formatter-property", property]));
    java::run("org.apache.kafka.tools.consumer.ConsoleConsumer", &arguments, None)
        .expect("the console consumer runs")
}

const TABLE: &str = "CREATE TABLE inserted (
    k STRING, id BIGINT, name STRING, price DOUBLE,
    at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
    tags MAP<STRING, BYTES> METADATA FROM 'headers'
) WITH ('connector' = 'kafka', 'topic' = 'inserted', 'key.format' = 'raw', 'key.fields' = 'k',
    'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY', 'sink.parallelism' = '2')";

const INSERT: &str = "INSERT INTO inserted SELECT
    concat('key-', n), n, CASE WHEN n % 10 = 0 THEN NULL ELSE concat('näme ', n) END, n + 0.5,
    to_timestamp_millis(1767225600000 + n),
    MAP {'source': CAST('kavka' AS BYTEA), 'row': CAST(CAST(n AS VARCHAR) AS BYTEA)}";

//! A broker that dies in the middle and comes back.

use kavka_tests::orders::Orders;
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, sql};

use super::{create_topic, reads, scale};

pub(crate) async fn scan(kafka: RealKafka) {
    let rows = scale(100_000, 5_000_000);
    create_topic(kafka.bootstrap_servers(), "scanned", 2, &[]);
    let mut orders = Orders::new(11, 2);
    while orders.totals().rows < rows {
        let mut lines = String::new();
        (0..rows.min(500_000)).for_each(|_| orders.write_line(&mut lines));
        java::produce(kafka.bootstrap_servers(), "scanned", &["linger.ms=20"], &lines)
            .expect("Kafka's producer runs");
    }
    let session = sql::session(kafka.bootstrap_servers());
    sql::rows(&session, &with_small_fetches(&reads::table("scanned"))).await;
    let (mut stream, progress) =
        sql::start(&session, "SELECT id FROM scanned").await.expect("the query starts");
    let mut seen = 0;
    let mut is_restarted = false;
    while let Some(batch) = stream.next().await {
        seen += batch.expect("the scan goes on").num_rows() as u64;
        if !is_restarted && progress.rows_read() > rows / 10 {
            kafka.kill(0);
            kafka.restart(0).expect("Kafka starts again");
            is_restarted = true;
        }
    }
    assert!(is_restarted, "the broker died while the scan ran");
    assert_eq!(seen, rows);
}

pub(crate) async fn insert(kafka: RealKafka) {
    let rows = scale(200_000, 1_000_000);
    create_topic(kafka.bootstrap_servers(), "written", 2, &[]);
    let session = sql::session(kafka.bootstrap_servers());
    let table = "CREATE TABLE written (n BIGINT, off BIGINT METADATA FROM 'offset' VIRTUAL) WITH ('connector' = 'kafka', \
         'topic' = 'written', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', \
         'properties.buffer.memory' = '1048576')";
    sql::rows(&session, table).await;
    let statement =
        format!("INSERT INTO written SELECT n FROM generate_series(1, {rows}) AS numbers(n)");
    let (mut stream, progress) = sql::start(&session, &statement).await.expect("the insert starts");
    let written = tokio::spawn(async move {
        let mut count = Vec::new();
        while let Some(batch) = stream.next().await {
            count.extend(sql::texts(&batch.expect("the insert goes on")));
        }
        count
    });
    while progress.rows_written() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!written.is_finished(), "the insert is still running when the broker dies");
    kafka.kill(0);
    kafka.restart(0).expect("Kafka starts again");
    assert_eq!(written.await.expect("the insert ends"), [[rows.to_string()]]);
    let totals =
        sql::rows(&session, "SELECT count(*), count(DISTINCT n), sum(n) FROM written").await;
    assert_eq!(totals, [[rows.to_string(), rows.to_string(), (rows * (rows + 1) / 2).to_string()]]);
}

/// Fetches so small, and a prefetch so short, that most of the scan still lies ahead when the broker dies.
fn with_small_fetches(table: &str) -> String {
    let properties = "'properties.max.partition.fetch.bytes' = '65536', 'properties.kavka.prefetch.bytes' = '262144', ";
    table.replace("'connector'", &format!("{properties}'connector'"))
}

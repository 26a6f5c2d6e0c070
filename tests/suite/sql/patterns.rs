//! Tables over several topics: by their names, and by a pattern that topics come to match and go from again.

use kavka_broker::Broker;
use kavka_client::protocol::ApiKey;
use kavka_client::{Client, OutgoingRecord};
use kavka_sql::SqlContext;
use kavka_tests::{sql, trial};
use libtest_mimic::Trial;

use super::{BOUNDED, EARLIEST, declare, soon, start, topic};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "sql::topics_that_match_are_read_under_their_names",
            topics_that_match_are_read_under_their_names,
        ),
        trial::conversation(
            "sql::topics_of_a_list_are_read_under_their_names",
            topics_of_a_list_are_read_under_their_names,
        ),
        trial::conversation(
            "sql::topics_that_come_to_match_are_read_from_their_beginning",
            topics_that_come_to_match_are_read_from_their_beginning,
        ),
        trial::conversation(
            "sql::without_a_match_a_table_is_empty",
            without_a_match_a_table_is_empty,
        ),
        trial::conversation(
            "sql::a_topic_that_is_deleted_does_not_end_what_reads_by_pattern",
            a_topic_that_is_deleted_does_not_end_what_reads_by_pattern,
        ),
        trial::conversation("sql::several_topics_are_not_written", several_topics_are_not_written),
    ]
}

const COLUMNS: &str = "n INT, name STRING METADATA FROM 'topic' VIRTUAL";
const NEW_SOON: &str = "'scan.topic-partition-discovery.interval' = '20 ms'";

/// Topics of two partitions, with a record in each of these.
async fn with_topics(names: &[&str]) -> (Broker, SqlContext, Client) {
    let (broker, session) = start().await;
    let client = topic(&broker, "elsewhere", 1).await;
    for (number, name) in names.iter().enumerate() {
        topic(&broker, name, 2).await;
        write(&client, name, number).await;
    }
    (broker, session, client)
}

async fn write(client: &Client, topic: &str, number: usize) {
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    let value = format!("{{\"n\":{number}}}");
    let record = OutgoingRecord::to(topic).partition(1).value(value.as_bytes());
    producer.send(record).await.expect("accepted").await.expect("written");
}

fn by_pattern(pattern: &str, more: &str) -> String {
    format!("'topic-pattern' = '{pattern}', {more}")
}

async fn topics_that_match_are_read_under_their_names() {
    let names = ["orders-1", "orders-20", "my-orders-3", "orders-x", "orders"];
    let (_broker, session, _client) = with_topics(&names).await;
    declare(&session, "t", COLUMNS, &by_pattern(r"orders-\d+|orders", BOUNDED)).await;
    let query = "SELECT name, n FROM t ORDER BY n";
    let expected = [["orders-1", "0"], ["orders-20", "1"], ["orders", "4"]];
    assert_eq!(sql::rows(&session, query).await, expected);
    let plan = sql::rows(&session, "EXPLAIN SELECT n FROM t").await;
    assert!(plan[1][1].contains("orders-20-1 0..1"), "{}", plan[1][1]);
}

async fn topics_of_a_list_are_read_under_their_names() {
    let (_broker, session, _client) = with_topics(&["a", "b", "c"]).await;
    declare(&session, "t", COLUMNS, &format!("'topic' = 'c; a', {BOUNDED}")).await;
    let query = "SELECT name, n FROM t ORDER BY n";
    assert_eq!(sql::rows(&session, query).await, [["a", "0"], ["c", "2"]]);
    declare(&session, "u", COLUMNS, &format!("'topic' = 'a;nowhere', {BOUNDED}")).await;
    let error = sql::error(&session, "SELECT n FROM u").await;
    assert!(error.contains("topic \"nowhere\" does not exist"), "{error}");
}

/// The table starts at the end of what is there; what comes later was written after that.
async fn topics_that_come_to_match_are_read_from_their_beginning() {
    let (broker, session, client) = with_topics(&["orders-0"]).await;
    let latest = format!("'scan.startup.mode' = 'latest-offset', {NEW_SOON}");
    declare(&session, "t", COLUMNS, &by_pattern("orders-.*", &latest)).await;
    declare(&session, "none", COLUMNS, &by_pattern("orders-[2-9]", &latest)).await;
    let query = "SELECT name, n FROM t";
    let (mut all, _) = sql::start(&session, query).await.expect("it runs");
    let (mut later, _) = sql::start(&session, "SELECT name, n FROM none").await.expect("it runs");
    let mut found = Vec::new();
    for (number, name) in ["orders-1", "my-orders-1", "orders-2"].iter().enumerate() {
        topic(&broker, name, 2).await;
        write(&client, name, number).await;
        write(&client, name, number + 10).await;
        while name.starts_with("orders") && found.len() < number + 2 {
            let batch = soon(all.next()).await.expect("it goes on").expect("rows");
            found.extend(sql::texts(&batch));
        }
    }
    write(&client, "orders-0", 30).await;
    let batch = soon(all.next()).await.expect("it goes on").expect("rows");
    found.extend(sql::texts(&batch));
    let expected = [
        ["orders-1", "0"],
        ["orders-1", "10"],
        ["orders-2", "2"],
        ["orders-2", "12"],
        ["orders-0", "30"],
    ];
    assert_eq!(found, expected);
    let batch = soon(later.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch)[0], ["orders-2", "2"]);
}

async fn without_a_match_a_table_is_empty() {
    let (_broker, session, _client) = with_topics(&["orders"]).await;
    declare(&session, "t", COLUMNS, &by_pattern("order", BOUNDED)).await;
    assert_eq!(soon(sql::rows(&session, "SELECT count(*) FROM t")).await, [["0"]]);
    assert!(soon(sql::rows(&session, "SELECT n FROM t")).await.is_empty());
}

/// The reader gives a topic up after some refreshes without it; the others and a later topic of that name are read.
async fn a_topic_that_is_deleted_does_not_end_what_reads_by_pattern() {
    let (broker, session, client) = with_topics(&["orders-0", "orders-1"]).await;
    let quick = "'properties.retry.backoff.ms' = '1', 'properties.retry.backoff.max.ms' = '5'";
    let options = by_pattern("orders-.*", &format!("{EARLIEST}, {NEW_SOON}, {quick}"));
    declare(&session, "t", COLUMNS, &options).await;
    let (mut rows, _) = sql::start(&session, "SELECT name, n FROM t").await.expect("it runs");
    let mut found = Vec::new();
    while found.len() < 2 {
        let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
        found.extend(sql::texts(&batch));
    }
    let deleted = client.admin().delete_topics(&["orders-0"]).await.expect("an answer");
    assert!(deleted.iter().all(Result::is_ok));
    let requests = || broker.control().requests(ApiKey::Metadata);
    let (before, mut number) = (requests(), 100);
    while requests() < before + 60 {
        write(&client, "orders-1", number).await;
        let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
        assert_eq!(sql::texts(&batch), [["orders-1", &number.to_string()]]);
        number += 1;
    }
    topic(&broker, "orders-0", 2).await;
    write(&client, "orders-0", 7).await;
    let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch), [["orders-0", "7"]]);
}

async fn several_topics_are_not_written() {
    let (_broker, session, _client) = with_topics(&["a", "b"]).await;
    declare(&session, "t", "n INT", &by_pattern("a|b", BOUNDED)).await;
    declare(&session, "u", "n INT", &format!("'topic' = 'a;b', {BOUNDED}")).await;
    for (table, expected) in
        [("t", "unsupported: topic-pattern=a|b"), ("u", "unsupported: topic=a;b")]
    {
        let error = sql::error(&session, &format!("INSERT INTO {table} VALUES (1)")).await;
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("the sink currently only supports single topic"), "{error}");
    }
}

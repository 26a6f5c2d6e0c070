//! Statements against the in-process broker: what is written is read back, streams stream, limits end them.

mod inserts;
mod patterns;

use std::time::Duration;

use kavka_broker::Broker;
use kavka_client::{Client, NewTopic, OutgoingRecord};
use kavka_sql::SqlContext;
use kavka_tests::{embedded, sql, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial::conversation(
            "sql::every_type_survives_the_round_trip",
            every_type_survives_the_round_trip,
        ),
        trial::conversation("sql::metadata_is_written_and_read", metadata_is_written_and_read),
        trial::conversation(
            "sql::computed_columns_are_computed_and_filtered",
            computed_columns_are_computed_and_filtered,
        ),
        trial::conversation(
            "sql::a_match_surfaces_while_the_topic_is_quiet",
            a_match_surfaces_while_the_topic_is_quiet,
        ),
        trial::conversation(
            "sql::a_match_in_an_unnested_array_surfaces_too",
            a_match_in_an_unnested_array_surfaces_too,
        ),
        trial::conversation("sql::a_limit_ends_an_endless_query", a_limit_ends_an_endless_query),
        trial::conversation(
            "sql::new_partitions_are_read_from_their_beginning",
            new_partitions_are_read_from_their_beginning,
        ),
        trial::conversation(
            "sql::a_dropped_query_leaves_no_task_behind",
            a_dropped_query_leaves_no_task_behind,
        ),
        trial::conversation("sql::batch_mode_reads_what_is_there", batch_mode_reads_what_is_there),
        trial::conversation(
            "sql::rows_are_counted_without_their_columns",
            rows_are_counted_without_their_columns,
        ),
        trial::conversation("sql::names_are_case_sensitive", names_are_case_sensitive),
        trial::conversation(
            "sql::explain_shows_the_offsets_of_now",
            explain_shows_the_offsets_of_now,
        ),
        trial::conversation(
            "sql::rows_before_a_bad_record_are_handed_out",
            rows_before_a_bad_record_are_handed_out,
        ),
        trial::conversation(
            "sql::instants_are_read_in_the_sessions_zone",
            instants_are_read_in_the_sessions_zone,
        ),
        trial::conversation(
            "sql::a_stream_joins_a_table_with_an_end",
            a_stream_joins_a_table_with_an_end,
        ),
        trial::conversation("sql::two_streams_are_joined", two_streams_are_joined),
        trial::conversation(
            "sql::what_would_never_end_is_refused",
            what_would_never_end_is_refused,
        ),
        trial::conversation(
            "sql::a_shown_table_can_be_created_again",
            a_shown_table_can_be_created_again,
        ),
    ];
    trials.extend(inserts::trials());
    trials.extend(patterns::trials());
    trials
}

async fn every_type_survives_the_round_trip() {
    let (_broker, session) = start().await;
    let columns = "b BOOLEAN, ti TINYINT, si SMALLINT, i INT, bi BIGINT, f FLOAT, d DOUBLE, de DECIMAL(12, 2), \
                   s STRING, by BYTES, da DATE, t TIME(3), ts TIMESTAMP(3), tl TIMESTAMP_LTZ(3), \
                   a ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y ARRAY<STRING>>";
    declare(&session, "t", columns, BOUNDED).await;
    let written = sql::rows(
        &session,
        "INSERT INTO t VALUES (TRUE, 1, 2, 3, 4, 1.5, 2.25, 12345678.91, 'über', x'00ff', DATE '2024-02-29', \
         TIME '12:34:56.789', TIMESTAMP '2024-02-29 12:34:56.789', CAST('2024-02-29 12:34:56.789Z' AS TIMESTAMP_LTZ(3)), \
         ARRAY[1, 2], MAP['k', 7], ROW(1, ARRAY['a', 'b'])), \
         (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await;
    assert_eq!(written, [["2"]]);
    let expected = [
        "true",
        "1",
        "2",
        "3",
        "4",
        "1.5",
        "2.25",
        "12345678.91",
        "über",
        "00ff",
        "2024-02-29",
        "12:34:56.789",
        "2024-02-29 12:34:56.789",
        "2024-02-29 12:34:56.789",
        "[1, 2]",
        "{k: 7}",
        "{x: 1, y: [a, b]}",
    ];
    let found = sql::rows(&session, "SELECT * FROM t").await;
    assert_eq!(found, [expected.map(str::to_owned), [(); 17].map(|()| "NULL".to_owned())]);
}

async fn metadata_is_written_and_read() {
    let (broker, session) = start().await;
    topic(&broker, "t", 3).await;
    let columns = "id INT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', headers MAP<STRING, BYTES> METADATA, \
                   `offset` BIGINT METADATA VIRTUAL, part INT METADATA FROM 'partition' VIRTUAL, topic STRING METADATA VIRTUAL";
    declare(&session, "t", columns, &format!("{BOUNDED}, 'sink.partitioner' = 'round-robin'"))
        .await;
    let insert = "INSERT INTO t VALUES (1, CAST('2024-01-01T00:00:00Z' AS TIMESTAMP_LTZ(3)), MAP['a', x'01', 'b', NULL])";
    sql::rows(&session, insert).await;
    let found = sql::rows(&session, "SELECT id, at, headers, `offset`, topic FROM t").await;
    assert_eq!(found, [["1", "2024-01-01 00:00:00.000", "{a: 01, b: NULL}", "0", "t"]]);
    for _ in 0..5 {
        sql::rows(&session, "INSERT INTO t (id) VALUES (2)").await;
    }
    let by_partition = "SELECT part, count(*), min(`offset`) FROM t GROUP BY part ORDER BY part";
    let counted: u32 = sql::rows(&session, by_partition)
        .await
        .iter()
        .map(|row| {
            assert_eq!(row[2], "0");
            row[1].parse::<u32>().expect("a count")
        })
        .sum();
    assert_eq!(counted, 6);
    let one = sql::rows(&session, "SELECT count(*) FROM t WHERE part = 1").await;
    let others = sql::rows(&session, "SELECT count(*) FROM t WHERE part <> 1").await;
    let total =
        [one, others].iter().map(|rows| rows[0][0].parse::<u32>().expect("a count")).sum::<u32>();
    assert_eq!(total, 6);
}

async fn computed_columns_are_computed_and_filtered() {
    let (_broker, session) = start().await;
    let columns =
        "price DOUBLE, total AS price * quantity, quantity INT, big AS UPPER(name), name STRING";
    declare(&session, "t", columns, BOUNDED).await;
    sql::rows(&session, "INSERT INTO t VALUES (1.5, 2, 'a'), (10.0, 3, 'b'), (4.0, NULL, 'c')")
        .await;
    let found = sql::rows(&session, "SELECT * FROM t WHERE total > 5").await;
    assert_eq!(found, [["10.0", "30.0", "3", "B", "b"]]);
    let plan = sql::rows(&session, "EXPLAIN SELECT big FROM t WHERE total > 5").await;
    assert!(plan[1][1].contains("filter=price"), "{}", plan[1][1]);
}

async fn a_match_surfaces_while_the_topic_is_quiet() {
    let (broker, session) = start().await;
    topic(&broker, "t", 2).await;
    declare(&session, "t", "n INT", EARLIEST).await;
    let (mut rows, _) =
        sql::start(&session, "SELECT n FROM t WHERE n % 1000 = 0").await.expect("it runs");
    for (values, expected) in [("(1), (2), (1000)", "1000"), ("(3), (2000)", "2000")] {
        sql::rows(&session, &format!("INSERT INTO t VALUES {values}")).await;
        let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
        assert_eq!(sql::texts(&batch), [[expected]]);
    }
}

async fn a_match_in_an_unnested_array_surfaces_too() {
    let (_broker, session) = start().await;
    declare(&session, "t", "tags ARRAY<STRING>", EARLIEST).await;
    sql::rows(&session, "INSERT INTO t VALUES (ARRAY['a', 'b']), (ARRAY['c', 'a'])").await;
    let query = "SELECT * FROM (SELECT unnest(tags) AS tag FROM t) WHERE tag = 'c'";
    let (mut rows, _) = sql::start(&session, query).await.expect("it runs");
    let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch), [["c"]]);
}

/// A table that starts at its end: what is in a partition that was added later is newer than the start all the same.
async fn new_partitions_are_read_from_their_beginning() {
    let (broker, session) = start().await;
    let client = topic(&broker, "t", 2).await;
    let often = "'scan.startup.mode' = 'latest-offset', 'scan.topic-partition-discovery.interval' = '20 ms'";
    let columns = "n INT, part INT METADATA FROM 'partition' VIRTUAL";
    declare(&session, "t", columns, often).await;
    let (mut all, _) = sql::start(&session, "SELECT n, part FROM t").await.expect("it runs");
    let nothing = "SELECT n FROM t WHERE part = 3";
    let (mut third, _) = sql::start(&session, nothing).await.expect("it runs");
    let producer = client.producer([("linger.ms", "0"), ("metadata.max.age.ms", "20")]);
    let producer = producer.expect("a producer");
    let write = async |partition, value: &'static [u8]| {
        let record = OutgoingRecord::to("t").partition(partition).value(value);
        producer.send(record).await.expect("accepted").await.expect("written");
    };
    let mut found = Vec::new();
    for (partition, value) in
        [(1, b"{\"n\":1}".as_slice()), (2, b"{\"n\":2}"), (3, b"{\"n\":3}"), (0, b"{\"n\":0}")]
    {
        broker.control().add_partitions("t", (partition + 1) as usize);
        write(partition, value).await;
        let batch = soon(all.next()).await.expect("it goes on").expect("rows");
        found.extend(sql::texts(&batch));
    }
    assert_eq!(found, [["1", "1"], ["2", "2"], ["3", "3"], ["0", "0"]]);
    let batch = soon(third.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch), [["3"]]);
}

async fn a_limit_ends_an_endless_query() {
    let (broker, session) = start().await;
    topic(&broker, "t", 3).await;
    declare(&session, "t", "n INT", &format!("{EARLIEST}, 'sink.partitioner' = 'round-robin'"))
        .await;
    sql::rows(&session, "INSERT INTO t SELECT CAST(value AS INT) FROM generate_series(1, 100)")
        .await;
    for (query, expected) in [
        ("SELECT n FROM t LIMIT 7", 7),
        ("SELECT n FROM t LIMIT 60", 60),
        ("SELECT n FROM t WHERE n > 90 LIMIT 10", 10),
        ("SELECT n FROM t LIMIT 5 OFFSET 20", 5),
        ("SELECT count(*) FROM (SELECT n FROM t LIMIT 40)", 1),
    ] {
        assert_eq!(soon(sql::rows(&session, query)).await.len(), expected, "{query}");
    }
    assert!(soon(sql::rows(&session, "SELECT n FROM t LIMIT 0")).await.is_empty());
}

async fn a_dropped_query_leaves_no_task_behind() {
    let (broker, session) = start().await;
    topic(&broker, "t", 4).await;
    declare(&session, "t", "n INT", EARLIEST).await;
    sql::rows(&session, "INSERT INTO t VALUES (1)").await;
    sql::rows(&session, "SELECT n FROM t LIMIT 1").await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (mut rows, _) = sql::start(&session, "SELECT n FROM t").await.expect("it runs");
    soon(rows.next()).await.expect("it goes on").expect("rows");
    assert!(tasks() > before, "a scan of two partitions runs in tasks");
    drop(rows);
    let until_all_ended = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    soon(until_all_ended).await;
    declare(&session, "u", "n INT", &format!("{EARLIEST}, 'sink.parallelism' = '3'")).await;
    let (mut inserting, progress) =
        sql::start(&session, "INSERT INTO u SELECT n FROM t").await.expect("it runs");
    let until_written = async {
        while progress.rows_written() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = soon(until_written) => {}
        end = inserting.next() => panic!("the INSERT ended: {end:?}"),
    }
    drop(inserting);
    let until_all_ended = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    soon(until_all_ended).await;
}

async fn batch_mode_reads_what_is_there() {
    let (broker, session) = start().await;
    topic(&broker, "t", 2).await;
    declare(&session, "t", "k STRING, n DECIMAL(10, 2)", EARLIEST).await;
    sql::rows(&session, "INSERT INTO t VALUES ('a', 1.1), ('b', 2.2), ('a', 3.3)").await;
    sql::rows(&session, "SET 'execution.runtime-mode' = 'batch'").await;
    let found = sql::rows(&session, "SELECT k, sum(n) FROM t GROUP BY k ORDER BY k").await;
    assert_eq!(found, [["a", "4.40"], ["b", "2.20"]]);
    let (mut rows, progress) = sql::start(&session, "SELECT * FROM t").await.expect("it runs");
    while rows.next().await.is_some() {}
    assert_eq!((progress.total(), progress.offsets_read(), progress.rows_read()), (Some(3), 3, 3));
}

async fn rows_are_counted_without_their_columns() {
    let (_broker, session) = start().await;
    declare(&session, "t", "n INT", BOUNDED).await;
    sql::rows(&session, "INSERT INTO t VALUES (1), (2), (3)").await;
    assert_eq!(sql::rows(&session, "SELECT count(*) FROM t").await, [["3"]]);
    assert_eq!(sql::rows(&session, "SELECT 'x' FROM t WHERE n > 1").await, [["x"], ["x"]]);
}

async fn names_are_case_sensitive() {
    let (_broker, session) = start().await;
    declare(&session, "Orders", "Id INT, id STRING, `From` STRING", BOUNDED).await;
    sql::rows(&session, "INSERT INTO Orders VALUES (1, 'x', 'y')").await;
    let found =
        sql::rows(&session, "SELECT Id, id, `From`, \"id\" FROM `Orders` AS O WHERE O.Id = 1")
            .await;
    assert_eq!(found, [["1", "x", "y", "x"]]);
    assert_eq!(
        sql::error(&session, "SELECT * FROM orders").await,
        "no table orders; did you mean Orders?"
    );
    let message = sql::error(&session, "SELECT frm FROM Orders").await;
    assert_eq!(message, "no column frm; did you mean From?");
}

async fn explain_shows_the_offsets_of_now() {
    let (_broker, session) = start().await;
    declare(&session, "t", "n INT, s STRING", BOUNDED).await;
    sql::rows(&session, "INSERT INTO t (n) VALUES (1), (2), (3)").await;
    let plan = sql::rows(&session, "EXPLAIN SELECT s FROM t WHERE n > 1 LIMIT 4").await;
    let scan =
        "KafkaReadExec: table=t, splits=[[t-0 0..3]], projection=[s], filter=n@0 > 1, limit=4";
    assert!(plan[1][1].contains(scan), "{}", plan[1][1]);
    let plan = sql::rows(&session, "EXPLAIN ANALYZE SELECT s FROM t WHERE n > 1").await;
    assert!(
        plan[0][1].contains("rows_read=3") && plan[0][1].contains("output_rows=2"),
        "{}",
        plan[0][1]
    );
}

async fn rows_before_a_bad_record_are_handed_out() {
    let (broker, session) = start().await;
    let client = topic(&broker, "t", 1).await;
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    for value in [b"{\"n\":1}".as_slice(), b"{\"n\":2}", b"{\"n\":", b"{\"n\":4}"] {
        let record = OutgoingRecord::to("t").value(value);
        producer.send(record).await.expect("accepted").await.expect("written");
    }
    declare(&session, "t", "n INT", BOUNDED).await;
    let (mut rows, _) = sql::start(&session, "SELECT n FROM t").await.expect("it runs");
    let mut found = Vec::new();
    let error = loop {
        match rows.next().await.expect("an error comes first") {
            Ok(batch) => found.extend(sql::texts(&batch)),
            Err(error) => break error,
        }
    };
    assert_eq!(found, [["1"], ["2"]]);
    let message = error.to_string();
    assert!(message.contains("t-0") && message.contains("offset 2"), "{message}");
    assert!(!message.contains("External"), "{message}");
}

async fn instants_are_read_in_the_sessions_zone() {
    let (_broker, session) = start().await;
    let columns = "n INT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', \
                   wall TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL";
    declare(&session, "t", columns, BOUNDED).await;
    sql::rows(&session, "SET 'table.local-time-zone' = 'Asia/Tokyo'").await;
    sql::rows(&session, "INSERT INTO t VALUES (1, TIMESTAMP '2024-01-01 09:00:00'), (2, TIMESTAMP '2024-01-01 10:00:00')").await;
    let found = sql::rows(
        &session,
        "SELECT n, wall, CAST(at AS TIMESTAMP(3)), EXTRACT(HOUR FROM at) FROM t",
    )
    .await;
    assert_eq!(found[0], ["1", "2024-01-01 09:00:00.000", "2024-01-01 09:00:00.000", "9"]);
    let found =
        sql::rows(&session, "SELECT n FROM t WHERE at >= TIMESTAMP '2024-01-01 10:00:00'").await;
    assert_eq!(found, [["2"]]);
    sql::rows(&session, "RESET 'table.local-time-zone'").await;
    let found =
        sql::rows(&session, "SELECT n, wall FROM t WHERE at < TIMESTAMP '2024-01-01 01:00:00'")
            .await;
    assert_eq!(found, [["1", "2024-01-01 00:00:00.000"]]);
}

async fn a_stream_joins_a_table_with_an_end() {
    let (_broker, session) = start().await;
    declare(&session, "orders", "customer INT, n INT", EARLIEST).await;
    declare(&session, "customers", "id INT, name STRING", BOUNDED).await;
    sql::rows(&session, "INSERT INTO customers VALUES (1, 'ann'), (2, 'bob')").await;
    sql::rows(&session, "INSERT INTO orders VALUES (2, 20), (3, 30), (1, 10)").await;
    let query = "SELECT o.n, c.name FROM orders o JOIN customers c ON o.customer = c.id LIMIT 2";
    let mut found = soon(sql::rows(&session, query)).await;
    found.sort();
    assert_eq!(found, [["10", "ann"], ["20", "bob"]]);
}

async fn two_streams_are_joined() {
    let (_broker, session) = start().await;
    declare(&session, "a", "id INT, x STRING", EARLIEST).await;
    declare(&session, "b", "id INT, y STRING", EARLIEST).await;
    sql::rows(&session, "INSERT INTO a VALUES (1, 'a1'), (2, 'a2')").await;
    sql::rows(&session, "INSERT INTO b VALUES (2, 'b2')").await;
    let query = "SELECT a.id, x, y FROM a JOIN b ON a.id = b.id";
    let (mut rows, _) = sql::start(&session, query).await.expect("it runs");
    let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch), [["2", "a2", "b2"]]);
    sql::rows(&session, "INSERT INTO b VALUES (1, 'b1')").await;
    let batch = soon(rows.next()).await.expect("it goes on").expect("rows");
    assert_eq!(sql::texts(&batch), [["1", "a1", "b1"]]);
}

async fn what_would_never_end_is_refused() {
    let (_broker, session) = start().await;
    declare(&session, "t", "n INT", EARLIEST).await;
    sql::rows(&session, "INSERT INTO t VALUES (1)").await;
    let message = sql::error(&session, "SELECT count(*) FROM t").await;
    for fragment in [
        "would never end",
        "an aggregate",
        "of t,",
        "'execution.runtime-mode' = 'batch'",
        "'scan.bounded.mode'",
    ] {
        assert!(message.contains(fragment), "{message}\nlacks {fragment}");
    }
}

async fn a_shown_table_can_be_created_again() {
    let (_broker, session) = start().await;
    declare(&session, "t", "id INT NOT NULL COMMENT 'a key', twice AS id * 2, part INT METADATA FROM 'partition' VIRTUAL", BOUNDED).await;
    let shown = sql::rows(&session, "SHOW CREATE TABLE t").await;
    let described = sql::rows(&session, "DESCRIBE t").await;
    sql::rows(&session, "DROP TABLE t").await;
    assert!(sql::rows(&session, "SHOW TABLES").await.is_empty());
    sql::rows(&session, &shown[0][0]).await;
    assert_eq!(sql::rows(&session, "DESCRIBE t").await, described);
    assert_eq!(sql::rows(&session, "SHOW CREATE TABLE t").await, shown);
}

async fn start() -> (Broker, SqlContext) {
    let broker = embedded::broker().await;
    let session = sql::session(&broker.bootstrap_servers());
    (broker, session)
}

async fn topic(broker: &Broker, name: &str, partitions: i32) -> Client {
    let client = Client::connect([("bootstrap.servers", broker.bootstrap_servers().as_str())])
        .await
        .expect("the broker answers");
    let topic = NewTopic {
        name: name.into(),
        partitions: Some(partitions),
        replication_factor: None,
        configs: Vec::new(),
    };
    client.admin().create_topics(&[topic]).await.expect("a topic");
    client
}

/// Declares a table over the topic of the same name, unless `options` names another.
async fn declare(session: &SqlContext, name: &str, columns: &str, options: &str) {
    let is_named = options.contains("'topic'") || options.contains("'topic-pattern'");
    let topic = if is_named { String::new() } else { format!("'topic' = '{name}', ") };
    let statement = format!(
        "CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', {topic}'format' = 'json', {options})"
    );
    sql::rows(session, &statement).await;
}

/// What must happen at once, give or take a busy machine.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it happens soon")
}

const EARLIEST: &str = "'scan.startup.mode' = 'earliest-offset'";
const BOUNDED: &str =
    "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";

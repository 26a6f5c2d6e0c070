//! `INSERT INTO`: every row once, in order, and nothing refused in silence.

use kavka_client::OutgoingRecord;
use kavka_client::protocol::{ApiKey, ErrorCode};
use kavka_sql::StatementResult;
use kavka_tests::{sql, trial};
use libtest_mimic::Trial;

use super::{BOUNDED, EARLIEST, declare, soon, start, topic};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "sql::inserts::parallel_writers_write_each_row_once",
            parallel_writers_write_each_row_once,
        ),
        trial::conversation(
            "sql::inserts::an_insert_keeps_the_order_of_a_partition",
            an_insert_keeps_the_order_of_a_partition,
        ),
        trial::conversation(
            "sql::inserts::fewer_writers_than_partitions_keep_the_order_too",
            fewer_writers_than_partitions_keep_the_order_too,
        ),
        trial::conversation(
            "sql::inserts::an_insert_writes_in_the_order_by",
            an_insert_writes_in_the_order_by,
        ),
        trial::conversation(
            "sql::inserts::an_endless_insert_writes_as_rows_come",
            an_endless_insert_writes_as_rows_come,
        ),
        trial::conversation(
            "sql::inserts::rows_of_a_row_type_go_by_position",
            rows_of_a_row_type_go_by_position,
        ),
        trial::conversation("sql::inserts::left_out_columns_are_null", left_out_columns_are_null),
        trial::conversation(
            "sql::inserts::a_null_for_not_null_is_refused",
            a_null_for_not_null_is_refused,
        ),
        trial::conversation(
            "sql::inserts::a_failure_in_a_parallel_insert_is_told_as_it_is",
            a_failure_in_a_parallel_insert_is_told_as_it_is,
        ),
        trial::conversation(
            "sql::inserts::a_refused_row_ends_an_endless_insert_while_its_source_is_quiet",
            a_refused_row_ends_an_endless_insert_while_its_source_is_quiet,
        ),
        trial::conversation(
            "sql::inserts::an_ended_insert_has_written_what_it_has_read",
            an_ended_insert_has_written_what_it_has_read,
        ),
        trial::conversation(
            "sql::inserts::what_an_insert_would_narrow_is_refused",
            what_an_insert_would_narrow_is_refused,
        ),
    ]
}

async fn parallel_writers_write_each_row_once() {
    let (broker, session) = start().await;
    topic(&broker, "source", 3).await;
    topic(&broker, "sink", 5).await;
    declare(&session, "source", "n INT", &format!("{BOUNDED}, 'sink.partitioner' = 'round-robin'"))
        .await;
    let options = format!("{BOUNDED}, 'sink.parallelism' = '4'");
    declare(&session, "sink", "n INT, part INT METADATA FROM 'partition' VIRTUAL", &options).await;
    let filled = "INSERT INTO source SELECT CAST(value AS INT) FROM generate_series(1, 50000)";
    assert_eq!(sql::rows(&session, filled).await, [["50000"]]);
    let StatementResult::Insert { stream, is_bounded, progress } =
        session.execute("INSERT INTO sink SELECT n FROM source").await.expect("it runs")
    else {
        panic!("an INSERT is an INSERT");
    };
    assert!(is_bounded);
    let counts: Vec<_> = futures::StreamExt::collect(stream).await;
    assert_eq!(counts.len(), 1);
    assert_eq!((progress.rows_read(), progress.rows_written()), (50_000, 50_000));
    let totals = "SELECT count(*), count(DISTINCT n), sum(n), count(DISTINCT part) FROM sink";
    assert_eq!(sql::rows(&session, totals).await, [["50000", "50000", "1250025000", "5"]]);
}

/// One partition for more cores, a computed column: the older value of a key must not be written last.
async fn an_insert_keeps_the_order_of_a_partition() {
    let (broker, session) = start().await;
    topic(&broker, "source", 1).await;
    topic(&broker, "sink", 4).await;
    declare(&session, "source", "k STRING, v INT", BOUNDED).await;
    let keyed = "k STRING, v INT, part INT METADATA FROM 'partition' VIRTUAL, at BIGINT METADATA FROM 'offset' VIRTUAL";
    declare(
        &session,
        "sink",
        keyed,
        &format!("{BOUNDED}, 'key.format' = 'raw', 'key.fields' = 'k'"),
    )
    .await;
    let filled = "INSERT INTO source SELECT CAST(value % 100 AS STRING), CAST(value AS INT) FROM generate_series(1, 50000)";
    sql::rows(&session, filled).await;
    sql::rows(&session, "SET 'parallelism.default' = '8'").await;
    sql::rows(&session, "INSERT INTO sink SELECT k, v + 1 FROM source").await;
    let disorder = "SELECT count(*), count(*) FILTER (WHERE v < before) FROM \
                    (SELECT v, LAG(v) OVER (PARTITION BY part ORDER BY at) AS before FROM sink)";
    assert_eq!(sql::rows(&session, disorder).await, [["50000", "0"]]);
}

/// Two tables of two partitions for two cores: each writer has several partitions, and none of them is divided.
async fn fewer_writers_than_partitions_keep_the_order_too() {
    let (broker, session) = start().await;
    for name in ["a", "b"] {
        topic(&broker, name, 2).await;
        let keyed = format!("{BOUNDED}, 'key.format' = 'raw', 'key.fields' = 'k'");
        declare(&session, name, "k STRING, v INT", &keyed).await;
        let filled = format!(
            "INSERT INTO {name} SELECT CONCAT('{name}', CAST(value % 10 AS STRING)), CAST(value AS INT) \
             FROM generate_series(1, 20000)"
        );
        sql::rows(&session, &filled).await;
    }
    topic(&broker, "sink", 1).await;
    let columns = "k STRING, v INT, at BIGINT METADATA FROM 'offset' VIRTUAL";
    declare(&session, "sink", columns, BOUNDED).await;
    let both = "INSERT INTO sink SELECT k, v FROM a UNION ALL SELECT k, v FROM b";
    let plan = sql::rows(&session, &format!("EXPLAIN {both}")).await;
    assert!(plan[1][1].contains("writers=2"), "{}", plan[1][1]);
    assert_eq!(sql::rows(&session, both).await, [["40000"]]);
    let disorder = "SELECT count(*), count(*) FILTER (WHERE v < before) FROM \
                    (SELECT v, LAG(v) OVER (PARTITION BY k ORDER BY at) AS before FROM sink)";
    assert_eq!(sql::rows(&session, disorder).await, [["40000", "0"]]);
}

async fn an_insert_writes_in_the_order_by() {
    let (broker, session) = start().await;
    topic(&broker, "source", 3).await;
    declare(&session, "source", "n INT", &format!("{BOUNDED}, 'sink.partitioner' = 'round-robin'"))
        .await;
    declare(&session, "sink", "n BIGINT", BOUNDED).await;
    for _ in 0..3 {
        sql::rows(
            &session,
            "INSERT INTO source SELECT CAST(value AS INT) FROM generate_series(1, 20)",
        )
        .await;
    }
    sql::rows(&session, "INSERT INTO sink SELECT n FROM source ORDER BY n DESC").await;
    let found = sql::rows(&session, "SELECT n FROM sink").await;
    let expected: Vec<[String; 1]> =
        (1..=20).rev().flat_map(|n: i32| [n, n, n]).map(|n| [n.to_string()]).collect();
    assert_eq!(found, expected);
}

async fn an_endless_insert_writes_as_rows_come() {
    let (_broker, session) = start().await;
    declare(&session, "source", "n INT", EARLIEST).await;
    declare(&session, "sink", "n INT", EARLIEST).await;
    sql::rows(&session, "INSERT INTO source VALUES (1), (2)").await;
    sql::rows(&session, "INSERT INTO sink VALUES (0)").await;
    let (mut copying, progress) =
        sql::start(&session, "INSERT INTO sink SELECT n * 10 FROM source").await.expect("it runs");
    let copied = async {
        let found = sql::rows(&session, "SELECT n FROM sink LIMIT 3").await;
        sql::rows(&session, "INSERT INTO source VALUES (3)").await;
        (found, sql::rows(&session, "SELECT n FROM sink LIMIT 4").await)
    };
    let (first, second) = tokio::select! {
        copied = soon(copied) => copied,
        end = copying.next() => panic!("the INSERT ended: {end:?}"),
    };
    assert_eq!(first, [["0"], ["10"], ["20"]]);
    assert_eq!(second, [["0"], ["10"], ["20"], ["30"]]);
    assert_eq!(progress.rows_written(), 3);
}

async fn rows_of_a_row_type_go_by_position() {
    let (_broker, session) = start().await;
    declare(&session, "a", "r ROW<x INT, y STRING>", BOUNDED).await;
    declare(&session, "b", "r ROW<y INT, x STRING>, l ARRAY<ROW<p INT, q STRING>>", BOUNDED).await;
    sql::rows(&session, "INSERT INTO a VALUES (ROW(7, 'seven'))").await;
    sql::rows(&session, "INSERT INTO b SELECT r, ARRAY[r] FROM a").await;
    let found = sql::rows(&session, "SELECT r.y, r.x, l[1].p FROM b").await;
    assert_eq!(found, [["7", "seven", "7"]]);
    let message = sql::error(&session, "INSERT INTO a VALUES (ROW(7))").await;
    assert_eq!(
        message,
        "INSERT INTO a: column r holds rows of 2 fields, and the query gives rows of 1"
    );
}

async fn left_out_columns_are_null() {
    let (_broker, session) = start().await;
    declare(&session, "t", "a INT, b STRING, c BIGINT", BOUNDED).await;
    sql::rows(&session, "INSERT INTO t (c, a) VALUES (3, 1)").await;
    assert_eq!(sql::rows(&session, "SELECT * FROM t").await, [["1", "NULL", "3"]]);
}

async fn a_null_for_not_null_is_refused() {
    let (_broker, session) = start().await;
    declare(&session, "t", "id INT NOT NULL, s STRING", BOUNDED).await;
    declare(&session, "u", "id INT, s STRING", &format!("{BOUNDED}, 'topic' = 't'")).await;
    let message = sql::error(&session, "INSERT INTO t (s) VALUES ('x')").await;
    assert_eq!(message, "INSERT INTO t: column id is NOT NULL and gets no value");
    sql::rows(&session, "INSERT INTO u VALUES (1, 'x'), (NULL, 'y')").await;
    let message = sql::error(&session, "INSERT INTO t SELECT * FROM u").await;
    assert_eq!(
        message,
        "column id of table t is NOT NULL, and a row to insert has no value for it"
    );
}

async fn a_failure_in_a_parallel_insert_is_told_as_it_is() {
    let (broker, session) = start().await;
    let client = topic(&broker, "t", 2).await;
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    for (partition, value) in [(0, b"{\"n\":1}".as_slice()), (1, b"{\"n\":")] {
        let record = OutgoingRecord::to("t").partition(partition).value(value);
        producer.send(record).await.expect("accepted").await.expect("written");
    }
    declare(&session, "t", "n INT", BOUNDED).await;
    declare(&session, "u", "n INT", &format!("{BOUNDED}, 'sink.parallelism' = '3'")).await;
    let message = sql::error(&session, "INSERT INTO u SELECT n FROM t").await;
    assert!(message.contains("t-1") && message.contains("offset 0"), "{message}");
    for wrapper in ["External", "Arrow error", "Execution error", "Shared"] {
        assert!(!message.contains(wrapper), "{message}");
    }
}

async fn a_refused_row_ends_an_endless_insert_while_its_source_is_quiet() {
    let (broker, session) = start().await;
    topic(&broker, "source", 1).await;
    topic(&broker, "sink", 1).await;
    declare(&session, "source", "n INT", EARLIEST).await;
    declare(&session, "sink", "n INT", EARLIEST).await;
    sql::rows(&session, "INSERT INTO source VALUES (1)").await;
    broker.control().fail_next(ApiKey::Produce, ErrorCode::TopicAuthorizationFailed, 1);
    let (mut copying, _) =
        sql::start(&session, "INSERT INTO sink SELECT n FROM source").await.expect("it runs");
    let error = soon(copying.next()).await.expect("an end").expect_err("a refused row");
    assert!(error.to_string().contains("table sink"), "{error}");
}

async fn an_ended_insert_has_written_what_it_has_read() {
    let (broker, session) = start().await;
    topic(&broker, "source", 2).await;
    declare(&session, "source", "n INT", EARLIEST).await;
    let lingering = format!("{BOUNDED}, 'properties.linger.ms' = '600000'");
    declare(&session, "sink", "n INT", &lingering).await;
    sql::rows(&session, "INSERT INTO source VALUES (1), (2), (3)").await;
    let (mut copying, progress) =
        sql::start(&session, "INSERT INTO sink SELECT n FROM source").await.expect("it runs");
    let read = async {
        while progress.rows_written() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = soon(read) => {}
        end = copying.next() => panic!("the INSERT ended: {end:?}"),
    }
    progress.end_insert();
    let count = soon(copying.next()).await.expect("a count").expect("rows");
    assert_eq!(sql::texts(&count), [["3"]]);
    assert_eq!(sql::rows(&session, "SELECT count(*) FROM sink").await, [["3"]]);
}

async fn what_an_insert_would_narrow_is_refused() {
    let (_broker, session) = start().await;
    declare(&session, "t", "id BIGINT, small TINYINT", BOUNDED).await;
    let message = sql::error(&session, "INSERT INTO t (id) SELECT 1.9").await;
    let expected = "INSERT INTO t: column id is BIGINT, and the query gives DECIMAL(2, 1): CAST it";
    assert_eq!(message, expected);
    let message = sql::error(&session, "INSERT INTO t (small) VALUES (1), (128)").await;
    assert!(message.starts_with("column small of table t is TINYINT"), "{message}");
    assert!(message.contains("128"), "{message}");
    sql::rows(&session, "INSERT INTO t VALUES (CAST(1.9 AS BIGINT), 127)").await;
    assert_eq!(sql::rows(&session, "SELECT * FROM t").await, [["1", "127"]]);
}

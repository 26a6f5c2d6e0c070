use super::*;
use crate::table::tests::FixedTable;

/// A session over `orders`, which has no end, and `archive`, which has one.
fn context() -> SqlContext {
    let options =
        SqlOptions { time_zone: Some(Tz::UTC), target_partitions: Some(2), ..Default::default() };
    let context = SqlContext::new(options);
    FixedTable::register(&context.session, "orders", false);
    FixedTable::register(&context.session, "archive", true);
    context
}

async fn rows(context: &SqlContext, statement: &str) -> Result<Vec<Vec<String>>, Error> {
    let StatementResult::Rows { stream, .. } = context.execute(statement).await? else {
        panic!("{statement} gives no rows");
    };
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let value = |column: &arrow_array::ArrayRef| {
                let text = datafusion::arrow::util::display::array_value_to_string(column, row);
                text.unwrap()
            };
            rows.push(batch.columns().iter().map(value).collect());
        }
    }
    Ok(rows)
}

async fn physical(context: &SqlContext, query: &str) -> String {
    let plans = rows(context, &format!("EXPLAIN {query}")).await.unwrap();
    plans[1][1].clone()
}

async fn message(context: &SqlContext, statement: &str) -> String {
    match context.execute(statement).await {
        Ok(result) => panic!("{statement}: {result:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_plan_shows_what_is_read_and_from_where() {
    let plan = physical(&context(), "SELECT id FROM archive WHERE price > 10 LIMIT 5").await;
    let expected = "KafkaReadExec: table=archive, \
                    splits=[[orders-0 0..100, orders-2 0..100], [orders-1 0..100]], \
                    projection=[id], filter=price@1 > 10, limit=5";
    assert!(plan.contains(expected), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");
}

#[tokio::test]
async fn splits_ruled_out_by_the_query_are_not_read() {
    let plan = physical(&context(), "SELECT * FROM orders WHERE part = 1").await;
    assert!(plan.contains("splits=[[orders-1 0..]]"), "{plan}");
}

#[tokio::test]
async fn no_filter_that_gathers_rows_is_left_over_a_table_without_an_end() {
    let context = context();
    for query in [
        "SELECT id FROM orders WHERE price > 10 OR id IS NULL",
        "SELECT * FROM (SELECT unnest(tags) AS tag FROM orders) WHERE tag = 'x'",
        "SELECT id FROM orders WHERE random() < 0.5",
        "SELECT id FROM orders WHERE price > (SELECT max(price) FROM archive)",
        "SELECT * FROM (SELECT id FROM orders LIMIT 9) WHERE id > 5",
        "SELECT o.id FROM orders o JOIN archive a ON o.id = a.id WHERE o.price > a.price",
        "SELECT o.id FROM archive a JOIN orders o ON o.price > a.price AND o.id <> a.id",
    ] {
        let plan = physical(&context, query).await;
        let gathers = plan.lines().any(|line| line.trim_start().starts_with("FilterExec"));
        assert!(!gathers, "{query}\n{plan}");
    }
}

#[tokio::test]
async fn what_needs_every_row_of_an_endless_table_is_refused() {
    let context = context();
    for (query, blamed) in [
        ("SELECT count(*) FROM orders", "an aggregate"),
        ("SELECT DISTINCT id FROM orders", "an aggregate"),
        ("SELECT part, sum(price) FROM orders GROUP BY part", "an aggregate"),
        ("SELECT id FROM orders ORDER BY price", "ORDER BY"),
        ("SELECT id FROM orders ORDER BY price LIMIT 5", "ORDER BY"),
        ("SELECT o.id FROM orders o CROSS JOIN orders p", "a join"),
        ("SELECT sum(price) OVER () FROM orders", "a window function"),
        ("SELECT id FROM orders EXCEPT SELECT id FROM archive", "an aggregate"),
    ] {
        let message = message(&context, query).await;
        let expected = format!("this query would never end: {blamed}");
        assert!(message.starts_with(&expected), "{query}: {message}");
        assert!(message.contains("every row of orders"), "{query}: {message}");
        assert!(message.contains("SET 'execution.runtime-mode' = 'batch'"), "{query}: {message}");
        assert!(message.contains("'scan.bounded.mode'"), "{query}: {message}");
    }
}

#[tokio::test]
async fn what_ends_is_not_refused() {
    let context = context();
    for query in [
        "SELECT count(*) FROM archive",
        "SELECT count(*) FROM (SELECT * FROM orders LIMIT 10)",
        "SELECT * FROM orders",
        "SELECT o.id FROM orders o JOIN archive a ON o.id = a.id",
        "SELECT id FROM orders UNION ALL SELECT id FROM archive",
    ] {
        physical(&context, query).await;
    }
}

#[tokio::test]
async fn names_are_case_sensitive_and_functions_are_not() {
    let context = context();
    for (query, expected) in [
        ("SELECT * FROM Orders", "no table Orders; did you mean orders?"),
        ("SELECT * FROM nowhere.orders", "no table nowhere.orders; did you mean orders?"),
        ("SELECT ID FROM orders", "no column ID; did you mean id?"),
        ("SELECT o.prise FROM orders o", "no column prise of o; did you mean price?"),
        ("DESCRIBE Archive", "no table Archive; did you mean archive?"),
        ("DROP TABLE order", "no table order; did you mean orders?"),
    ] {
        assert_eq!(message(&context, query).await, expected);
    }
    physical(&context, "SELECT UPPER(`tags`[1]), \"id\" FROM `orders` `O` WHERE `O`.id > 1").await;
    physical(&context, "select id from default_catalog.default_database.orders").await;
}

#[tokio::test]
async fn a_syntax_error_says_where_and_what() {
    let context = context();
    for (statement, expected) in [
        ("SELECT FROM", "line 1, column 12: expected: identifier, found: EOF"),
        (
            "SELECT 1\n  FRM orders o",
            "line 2, column 7: expected: the end of the statement, found: orders",
        ),
        ("EXPLAIN\nSELECT id,, FROM orders", "line 2, column 11: "),
        ("SELECT * INTO x FROM orders", "unsupported: clause=INTO"),
    ] {
        let message = message(&context, statement).await;
        assert!(message.starts_with(expected), "{statement}: {message}");
    }
}

#[tokio::test]
async fn literals_follow_the_sessions_time_zone() {
    let context = context();
    context.set("table.local-time-zone", "Europe/Berlin").unwrap();
    for (expression, expected) in [
        ("CAST('2024-07-01 12:00:00' AS TIMESTAMP_LTZ(3))", "2024-07-01T10:00:00Z"),
        ("CAST(TIMESTAMP '2024-01-01 12:00:00' AS TIMESTAMP_LTZ(3))", "2024-01-01T11:00:00Z"),
        (
            "CAST(CAST('2024-07-01T10:00:00Z' AS TIMESTAMP_LTZ(3)) AS TIMESTAMP(3))",
            "2024-07-01T12:00:00",
        ),
        ("CAST(CAST('2024-07-01T22:30:00Z' AS TIMESTAMP_LTZ(3)) AS DATE)", "2024-07-02"),
        ("EXTRACT(HOUR FROM CAST('2024-07-01T10:00:00Z' AS TIMESTAMP_LTZ(3)))", "12"),
        (
            "CAST('2024-07-01T10:00:00Z' AS TIMESTAMP_LTZ(3)) = TIMESTAMP '2024-07-01 12:00:00'",
            "true",
        ),
    ] {
        let found = rows(&context, &format!("SELECT {expression}")).await.unwrap();
        assert_eq!(found, [[expected]], "{expression}");
    }
    let plan =
        physical(&context, "SELECT id FROM orders WHERE at > TIMESTAMP '2024-07-01 12:00:00'");
    let plan = plan.await;
    assert!(plan.contains("filter=at@1 > 1719828000000"), "{plan}");
}

#[tokio::test]
async fn literals_are_those_of_flink() {
    let found = rows(
        &context(),
        "SELECT 0.1 + 0.2, MAP['a', 1, 'b', NULL], ROW(1, 'x'), TIME '12:00:00.123'",
    )
    .await
    .unwrap();
    assert_eq!(found, [["0.3", "{a: 1, b: }", "{c0: 1, c1: x}", "12:00:00.123"]]);
}

#[tokio::test]
async fn time_functions_follow_the_sessions_time_zone() {
    let context = context();
    for (zone, expression, expected) in [
        ("UTC", "TO_TIMESTAMP('2024-07-01 12:00:00')", "2024-07-01T12:00:00"),
        ("Europe/Berlin", "TO_TIMESTAMP('2024-07-01 12:00:00')", "2024-07-01T12:00:00"),
        (
            "Europe/Berlin",
            "CAST(TO_TIMESTAMP('01.07.2024 12:00', 'dd.MM.yyyy HH:mm') AS TIMESTAMP(3))",
            "2024-07-01T12:00:00",
        ),
        ("Europe/Berlin", "to_timestamp_millis('2024-07-01 12:00:00')", "2024-07-01T12:00:00"),
        ("UTC", "FROM_UNIXTIME(0)", "1970-01-01T00:00:00"),
        ("Europe/Berlin", "TO_TIMESTAMP(FROM_UNIXTIME(0))", "1970-01-01T01:00:00"),
        ("Europe/Berlin", "TO_TIMESTAMP_LTZ(1500)", "1970-01-01T00:00:01.500Z"),
        ("Europe/Berlin", "TO_TIMESTAMP_LTZ(2, 0)", "1970-01-01T00:00:02Z"),
        (
            "Europe/Berlin",
            "DATE_FORMAT(TO_TIMESTAMP_LTZ(0, 3), 'yyyy-MM-dd''T''HH:mm:ss.SSS')",
            "1970-01-01T01:00:00.000",
        ),
        ("Europe/Berlin", "DATE_FORMAT(TIMESTAMP '2024-07-01 12:34:56', 'HH:mm')", "12:34"),
        ("Europe/Berlin", "CURRENT_TIMESTAMP = CAST(CURRENT_TIMESTAMP AS TIMESTAMP(9))", "true"),
    ] {
        context.set("table.local-time-zone", zone).unwrap();
        let found = rows(&context, &format!("SELECT {expression}")).await.unwrap();
        assert_eq!(found, [[expected]], "{expression} in {zone}");
    }
}

#[tokio::test]
async fn a_computed_column_may_tell_the_time_of_reading() {
    let context = context();
    let clicks = CLICKS.replace("id * 2", "PROCTIME()");
    context.execute(&clicks).await.unwrap();
    let described = rows(&context, "DESCRIBE clicks").await.unwrap();
    assert_eq!(described[4][..3], ["double", "TIMESTAMP_LTZ(3)", "TRUE"]);
    let before = rows(&context, "SELECT PROCTIME() > TIMESTAMP '2024-01-01 00:00:00'").await;
    assert_eq!(before.unwrap(), [["true"]]);
}

#[tokio::test]
async fn columns_of_a_result_have_names_of_their_own() {
    let context = context();
    let join =
        "SELECT * FROM (VALUES (1, 'x')) t (id, v) JOIN (VALUES (1, 'y')) u (id, v) ON t.id = u.id";
    let StatementResult::Rows { schema, .. } = context.execute(join).await.unwrap() else {
        panic!("a query gives rows");
    };
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "v", "id0", "v0"]);
    assert_eq!(rows(&context, join).await.unwrap(), [["1", "x", "1", "y"]]);
    let distinct =
        "SELECT DISTINCT UPPER(v) FROM (VALUES ('b'), ('a'), ('B')) t (v) ORDER BY UPPER(v)";
    assert_eq!(rows(&context, distinct).await.unwrap(), [["A"], ["B"]]);
    let sorted = "SELECT * FROM (VALUES (2), (1)) t (id) JOIN (VALUES (1), (2)) u (id) ON t.id = u.id ORDER BY t.id";
    assert_eq!(rows(&context, sorted).await.unwrap(), [["1", "1"], ["2", "2"]]);
}

#[tokio::test]
async fn what_flink_has_and_is_not_built_is_named() {
    let context = context();
    for (query, expected) in [
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' MINUTE))",
            "unsupported: window=TUMBLE",
        ),
        (
            "SELECT count(*) FROM archive GROUP BY hop(at, INTERVAL '1' SECOND)",
            "unsupported: window=HOP",
        ),
        (
            "EXPLAIN SELECT * FROM orders FOR SYSTEM_TIME AS OF at",
            "unsupported: clause=FOR SYSTEM_TIME AS OF",
        ),
        ("SELECT * FROM orders MATCH_RECOGNIZE (x)", "unsupported: clause=MATCH_RECOGNIZE"),
        ("SELECT /*+ STATE_TTL('a' = '1d') */ id FROM orders", "unsupported: hint="),
    ] {
        let message = message(&context, query).await;
        assert!(message.starts_with(expected), "{query}: {message}");
    }
}

/// As in Flink (`NullCollation.LOW`), unless the query says otherwise.
#[tokio::test]
async fn null_is_the_least_of_all_values() {
    let context = context();
    for (order, expected) in [
        ("x", ["NULL", "1", "2"]),
        ("x DESC", ["2", "1", "NULL"]),
        ("x NULLS LAST", ["1", "2", "NULL"]),
        ("x DESC NULLS FIRST", ["NULL", "2", "1"]),
    ] {
        let query = format!(
            "SELECT COALESCE(CAST(x AS STRING), 'NULL') FROM (VALUES (2), (NULL), (1)) t (x) ORDER BY {order}"
        );
        let found: Vec<String> = rows(&context, &query).await.unwrap().concat();
        assert_eq!(found, expected, "{order}");
        let numbered = format!(
            "SELECT COALESCE(CAST(x AS STRING), 'NULL') FROM (SELECT x, \
             ROW_NUMBER() OVER (ORDER BY {order}) AS n FROM (VALUES (2), (NULL), (1)) t (x)) ORDER BY n"
        );
        let found: Vec<String> = rows(&context, &numbered).await.unwrap().concat();
        assert_eq!(found, expected, "{order}");
    }
}

#[tokio::test]
async fn a_number_with_an_exponent_is_a_double() {
    let found = rows(&context(), "SELECT 1e300, -2.5E-3, arrow_typeof(1e2)").await.unwrap();
    assert_eq!(found, [["1e300", "-0.0025", "Float64"]]);
}

#[tokio::test]
async fn a_query_takes_no_more_memory_than_it_may() {
    let context = context();
    let query = "SELECT array_length(array_agg(value)) FROM generate_series(1, 500000)";
    assert_eq!(rows(&context, query).await.unwrap(), [["500000"]]);
    context.set("datafusion.runtime.memory_limit", "1M").unwrap();
    let message = rows(&context, query).await.unwrap_err().to_string();
    assert!(
        message.starts_with("the query needs more memory than it may take (failed to"),
        "{message}"
    );
    assert!(message.contains("SET 'datafusion.runtime.memory_limit'"), "{message}");
    assert!(!message.contains("pool"), "{message}");
    context.execute("RESET 'datafusion.runtime.memory_limit'").await.unwrap();
    assert_eq!(rows(&context, query).await.unwrap(), [["500000"]]);
}

#[tokio::test]
async fn a_cast_to_a_length_cuts_off_or_pads_as_in_flink() {
    let found = rows(
        &context(),
        "SELECT CAST('abcdef' AS VARCHAR(3)), CAST('ab' AS VARCHAR(3)), CAST('abcdef' AS CHAR(3)), \
         CONCAT(CAST('ä' AS CHAR(3)), '|'), CAST('abc' AS CHAR), CAST(12345 AS CHARACTER VARYING(2)), \
         CAST('abc' AS VARCHAR), CAST(CAST(NULL AS STRING) AS CHAR(3)), TRY_CAST('abc' AS VARCHAR(1))",
    )
    .await
    .unwrap();
    assert_eq!(found, [["abc", "ab", "abc", "ä  |", "a", "12", "abc", "", "a"]]);
    for (sql_type, expected) in [
        ("BINARY(3)", "unsupported: type=BINARY(3)"),
        ("VARBINARY(3)", "unsupported: type=VARBINARY(3)"),
    ] {
        let message = message(&context(), &format!("SELECT CAST(x'01' AS {sql_type})")).await;
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn settings_are_listed_as_they_are() {
    let context = context();
    context.execute("SET 'execution.runtime-mode' = 'batch'").await.unwrap();
    context.execute("SET datafusion.execution.batch_size = 100").await.unwrap();
    let found = rows(&context, "SET").await.unwrap();
    let expected = [
        ["execution.runtime-mode", "batch"],
        ["table.local-time-zone", "UTC"],
        ["datafusion.execution.batch_size", "100"],
    ];
    assert_eq!(found, expected);
    context.execute("RESET").await.unwrap();
    assert_eq!(rows(&context, "SET").await.unwrap()[0][1], "streaming");
}

#[tokio::test]
async fn a_table_is_described_as_flink_does() {
    let context = context();
    context.execute(CLICKS).await.unwrap();
    let found = rows(&context, "DESCRIBE clicks").await.unwrap();
    let expected = [
        ["id", "BIGINT", "FALSE", "", "", ""],
        ["ts", "TIMESTAMP(3) *ROWTIME*", "TRUE", "", "", "ts - INTERVAL '5' SECOND"],
        ["part", "INT", "TRUE", "", "METADATA FROM 'partition' VIRTUAL", ""],
        ["headers", "MAP<STRING, BYTES>", "TRUE", "", "METADATA", ""],
        ["double", "BIGINT", "FALSE", "", "AS id * 2", ""],
    ];
    assert_eq!(found, expected);
    assert_eq!(rows(&context, "SHOW TABLES").await.unwrap(), [["archive"], ["clicks"], ["orders"]]);
}

#[tokio::test]
async fn a_table_is_created_once() {
    let context = context();
    context.execute(CLICKS).await.unwrap();
    assert_eq!(message(&context, CLICKS).await, "table clicks exists already");
    let again = CLICKS.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
    let StatementResult::Done(done) = context.execute(&again).await.unwrap() else { panic!() };
    assert_eq!(done, "Table clicks exists already.");
    context.execute("DROP TABLE clicks").await.unwrap();
    context.execute("DROP TABLE IF EXISTS clicks").await.unwrap();
    context.execute(CLICKS).await.unwrap();
}

#[tokio::test]
async fn a_computed_column_that_does_not_fit_is_refused_at_once() {
    let context = context();
    for (expression, expected) in [
        ("idd * 2", "computed column double: no column idd; did you mean id?"),
        ("id *", "line 6, column 19: expected an expression"),
        ("no_such(id)", "computed column double: Invalid function 'no_such'"),
        ("DATE_FORMAT(ts, 'ww')", "computed column double: unsupported: time pattern=ww"),
        ("TO_TIMESTAMP_LTZ(id, 6)", "unsupported: TO_TIMESTAMP_LTZ precision=other than 0 or 3"),
        ("TO_TIMESTAMP_LTZ(id, id)", "unsupported: TO_TIMESTAMP_LTZ precision=other than 0 or 3"),
        ("sum(id)", "computed column double: an aggregate, a window function"),
        ("(SELECT 1)", "computed column double: an aggregate, a window function"),
    ] {
        let message = message(&context, &CLICKS.replace("id * 2", expression)).await;
        assert!(message.contains(expected), "{expression}: {message}");
    }
}

#[tokio::test]
async fn an_insert_names_the_column_that_does_not_fit() {
    let context = context();
    context.execute(CLICKS).await.unwrap();
    for (insert, expected) in [
        ("(part) VALUES (1)", "part is a VIRTUAL metadata column and cannot be written"),
        ("(id, double) VALUES (1, 2)", "double is a computed column and cannot be written"),
        ("(idd) VALUES (1)", "no column idd; did you mean id?"),
        ("(id, id) VALUES (1, 2)", "column id is written twice"),
        ("(ts) VALUES (NULL)", "column id is NOT NULL and gets no value"),
        ("VALUES (1, NULL)", "3 columns are written (id, ts, headers), and the query gives 2"),
        ("(id) VALUES (ARRAY[1])", "column id is BIGINT, and the query gives ARRAY<BIGINT"),
        ("(id) VALUES (1.9)", "column id is BIGINT, and the query gives DECIMAL(2, 1): CAST it"),
        ("(id) VALUES ('1')", "column id is BIGINT, and the query gives STRING: CAST it"),
        ("(id) SELECT price FROM archive", "column id is BIGINT, and the query gives DOUBLE: CAST"),
    ] {
        let message = message(&context, &format!("INSERT INTO clicks {insert}")).await;
        let expected = format!("INSERT INTO clicks: {expected}");
        assert!(message.starts_with(&expected), "{insert}: {message}");
    }
    context
        .execute(&CLICKS.replace("clicks (\n    id BIGINT", "small (\n    id INT"))
        .await
        .unwrap();
    for (query, expected) in [
        ("SELECT id FROM archive", Some("BIGINT: CAST it")),
        ("SELECT a.key FROM (SELECT id AS key FROM archive) a WHERE a.key > 1", Some("BIGINT")),
        ("SELECT CAST(1 AS BIGINT)", Some("BIGINT: CAST it")),
        ("SELECT part + 1 FROM archive", None),
        ("SELECT CAST(id AS INT) FROM archive", None),
        ("VALUES (1), (2)", None),
    ] {
        let explained = rows(&context, &format!("EXPLAIN INSERT INTO small (id) {query}")).await;
        match (explained, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(given)) => {
                let error = error.to_string();
                let expected = format!("column id is INT, and the query gives {given}");
                assert!(error.contains(&expected), "{query}: {error}");
            }
            (outcome, _) => panic!("{query}: {outcome:?}"),
        }
    }
    let missing = message(&context, "INSERT INTO click VALUES (1)").await;
    assert_eq!(missing, "no table click; did you mean clicks?");
}

#[tokio::test]
async fn the_plan_of_an_insert_shows_its_writers() {
    let context = context();
    context.execute(CLICKS).await.unwrap();
    let parallel = CLICKS
        .replace("TABLE clicks", "TABLE fast")
        .replace("'format'", "'sink.parallelism' = '4', 'format'");
    context.execute(&parallel).await.unwrap();
    for (insert, expected) in [
        (
            "INTO clicks (id) VALUES (1)",
            "KafkaSinkExec: table=clicks, writers=1, columns=[id, ts, headers]",
        ),
        ("INTO clicks (id) SELECT id FROM archive", "KafkaSinkExec: table=clicks, writers=2"),
        ("INTO clicks (id) SELECT id FROM orders", "KafkaSinkExec: table=clicks, writers=2"),
        ("INTO fast (id) SELECT id FROM archive", "KafkaSinkExec: table=fast, writers=4"),
        (
            "INTO clicks (id) SELECT id FROM archive UNION ALL SELECT id FROM archive",
            "KafkaSinkExec: table=clicks, writers=2",
        ),
    ] {
        let plan = physical(&context, &format!("INSERT {insert}")).await;
        assert!(plan.contains(expected), "{plan}");
        // Only more writers than the input has partitions divide one.
        assert_eq!(plan.contains("RoundRobinBatch"), expected.contains("fast"), "{plan}");
    }
}

/// More cores than partitions tempt the engine to deal out the rows of a partition.
#[tokio::test]
async fn rows_keep_their_order_unless_the_query_gives_it_up() {
    let context = context();
    context.execute(CLICKS).await.unwrap();
    context.set("parallelism.default", "8").unwrap();
    for (query, keeps) in [
        ("INSERT INTO clicks (id) SELECT id + 1 FROM orders", true),
        ("INSERT INTO clicks (id) SELECT id + 1 FROM archive", true),
        ("INSERT INTO clicks (id) SELECT CAST(price AS BIGINT) FROM archive ORDER BY price", true),
        ("SELECT id + 1 FROM orders", true),
        ("SELECT id + 1 FROM archive", true),
        ("SELECT unnest(tags) FROM archive LIMIT 5", true),
        ("SELECT max(id) FROM archive", false),
        ("SELECT id + 1 FROM archive ORDER BY id % 3", false),
    ] {
        let plan = physical(&context, query).await;
        assert_eq!(!plan.contains("RoundRobinBatch"), keeps, "{query}\n{plan}");
        assert_eq!(plan.contains("SortExec"), query.contains("ORDER BY"), "{query}\n{plan}");
    }
}

const CLICKS: &str = "CREATE TABLE clicks (
    id BIGINT NOT NULL,
    ts TIMESTAMP(3),
    part INT METADATA FROM 'partition' VIRTUAL,
    headers MAP<STRING, BYTES> METADATA,
    double AS id * 2,
    WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json',
    'properties.bootstrap.servers' = 'localhost:1')";

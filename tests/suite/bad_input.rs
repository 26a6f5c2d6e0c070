//! What people get wrong and what servers do wrong: each gives a message that says where and what to do.

use kavka_broker::Broker;
use kavka_client::{Client, NewTopic, OutgoingRecord};
use kavka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, api_versions_response::ApiVersion,
};
use kavka_protocol::server::{RequestFrame, encode_response};
use kavka_sql::SqlContext;
use kavka_tests::peer::{Peer, refused_address};
use kavka_tests::sql::chain;
use kavka_tests::{embedded, sql, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "bad_input::an_unreachable_broker_is_named",
            an_unreachable_broker_is_named,
        ),
        trial::conversation("bad_input::a_web_server_is_recognised", a_web_server_is_recognised),
        trial::conversation("bad_input::a_silent_peer_is_given_up", a_silent_peer_is_given_up),
        trial::conversation("bad_input::a_hostile_count_is_refused", a_hostile_count_is_refused),
        trial::conversation(
            "bad_input::a_missing_topic_is_named_and_not_created",
            a_missing_topic_is_named_and_not_created,
        ),
        trial::conversation(
            "bad_input::a_listed_partition_must_exist",
            a_listed_partition_must_exist,
        ),
        trial::conversation(
            "bad_input::an_offset_out_of_range_follows_the_startup_mode",
            an_offset_out_of_range_follows_the_startup_mode,
        ),
        trial::conversation("bad_input::malformed_ddl_says_where", malformed_ddl_says_where),
        trial::conversation("bad_input::options_are_checked", options_are_checked),
        trial::conversation(
            "bad_input::a_bad_row_names_its_place_and_spares_the_rows_before",
            a_bad_row_names_its_place,
        ),
        trial::conversation(
            "bad_input::missing_fields_follow_the_options",
            missing_fields_follow_the_options,
        ),
        trial::conversation(
            "bad_input::ignored_parse_errors_become_nulls",
            ignored_parse_errors_become_nulls,
        ),
        trial::conversation(
            "bad_input::null_and_empty_values_are_no_rows",
            null_and_empty_values_are_no_rows,
        ),
    ]
}

async fn an_unreachable_broker_is_named() {
    let (first, second) = (refused_address().await, refused_address().await);
    let error = Client::connect([("bootstrap.servers", format!("{first},{second}").as_str())])
        .await
        .expect_err("nobody there");
    let message = error.to_string();
    assert!(message.contains(&first) && message.contains(&second), "{message}");
}

async fn a_web_server_is_recognised() {
    let peer = Peer::saying(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    let error = Client::connect([("bootstrap.servers", peer.address().as_str())])
        .await
        .expect_err("not Kafka");
    let message = chain(&error);
    assert!(message.contains(&peer.address()) && message.contains("HTTP"), "{message}");
}

async fn a_silent_peer_is_given_up() {
    let peer = Peer::silent().await;
    let properties = [
        ("bootstrap.servers", peer.address()),
        ("default.api.timeout.ms", "300".into()),
        ("request.timeout.ms", "300".into()),
    ];
    let error = Client::connect(properties).await.expect_err("no answer");
    assert!(chain(&error).contains(&peer.address()), "{}", chain(&error));
}

/// A count of i32::MAX in Metadata's broker array must be an error, not two hundred gigabytes.
async fn a_hostile_count_is_refused() {
    let peer = Peer::answering(hostile).await;
    let error = Client::connect([
        ("bootstrap.servers", peer.address().as_str()),
        ("default.api.timeout.ms", "2000"),
    ])
    .await;
    let message = match error {
        Err(error) => chain(&error),
        Ok(client) => chain(&client.topic("orders").await.expect_err("the answer is hostile")),
    };
    assert!(message.contains("Metadata"), "{message}");
}

fn hostile(request: &RequestFrame) -> Vec<u8> {
    if request.api_key == ApiKey::ApiVersions {
        let mut versions = ApiVersionsResponse::default();
        let range = |key: ApiKey, max| {
            ApiVersion::default().with_api_key(key as i16).with_min_version(0).with_max_version(max)
        };
        versions.api_keys = vec![range(ApiKey::ApiVersions, 3), range(ApiKey::Metadata, 4)];
        let frame = encode_response::<ApiVersionsRequest>(
            &versions,
            request.version,
            request.correlation_id,
        )
        .expect("it encodes");
        return frame.into_chunks().concat()[4..].to_vec();
    }
    let throttle = 0_i32.to_be_bytes();
    [&request.correlation_id.0.to_be_bytes()[..], &throttle, &i32::MAX.to_be_bytes()].concat()
}

async fn a_missing_topic_is_named_and_not_created() {
    let (broker, session) = start().await;
    declare(&session, "nowhere", "n BIGINT", EARLIEST).await;
    let message = sql::error(&session, "SELECT * FROM nowhere").await;
    assert!(message.contains("nowhere"), "{message}");
    let client = connect(&broker).await;
    assert!(
        client
            .admin()
            .list_topics()
            .await
            .expect("a list")
            .iter()
            .all(|topic| &*topic.name != "nowhere")
    );
}

async fn a_listed_partition_must_exist() {
    let (_broker, session) = with_values(&[Some(b"{\"n\":1}")]).await;
    let options = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:9,offset:0'";
    declare(&session, "t", "n BIGINT", options).await;
    let message = sql::error(&session, "SELECT * FROM t LIMIT 1").await;
    assert!(message.contains("lists partition 9, which topic 't' does not have"), "{message}");
}

/// Specific offsets out of range start at the earliest record, as in Flink.
async fn an_offset_out_of_range_follows_the_startup_mode() {
    let (_broker, session) = with_values(&[Some(b"{\"n\":1}"), Some(b"{\"n\":2}")]).await;
    let options = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:700'";
    declare(&session, "t", "n BIGINT", options).await;
    assert_eq!(sql::rows(&session, "SELECT n FROM t LIMIT 2").await, [["1"], ["2"]]);
}

async fn malformed_ddl_says_where() {
    let session = sql::session("127.0.0.1:1");
    for (statement, fragments) in [
        (
            "CREATE TABLE t (\n  id BIGINT,\n  price\n) WITH ('connector' = 'kafka')",
            &["line 4, column 1", "type"][..],
        ),
        (
            "CREATE TABLE t (id BIGINT) WITH ('connector' 'kafka')",
            &["line 1, column 46", "expected \"=\""],
        ),
        (
            "CREATE TABLE t (id BIGINT, id STRING) WITH ('connector' = 'kafka')",
            &["column \"id\" is declared twice"],
        ),
        (
            "CREATE TABLE t (id BIGINT, PRIMARY KEY (id)) WITH ('connector' = 'kafka')",
            &["a Kafka table doesn't support ENFORCED mode"],
        ),
        ("SELEC 1", &["unsupported: statement=SELEC 1"]),
    ] {
        let message = sql::error(&session, statement).await;
        for fragment in fragments {
            assert!(message.contains(fragment), "{message}\nlacks {fragment}\nin: {statement}");
        }
    }
}

async fn options_are_checked() {
    let session = sql::session("127.0.0.1:1");
    for (options, fragments) in [
        (
            "'scan.statup.mode' = 'earliest-offset'",
            &["Unsupported options found for 'kafka'", "scan.statup.mode", "scan.startup.mode"][..],
        ),
        (
            "'scan.startup.mode' = 'earliest'",
            &["scan.startup.mode", "earliest-offset", "latest-offset"],
        ),
        ("'topic-pattern' = 'x.*'", &["'topic' and 'topic-pattern' shouldn't be set together"]),
        (
            "'key.fields' = 'n'",
            &[
                "The option 'key.fields' can only be declared if a key format is defined using 'key.format'.",
            ],
        ),
        ("'key.format' = 'avro', 'key.fields' = 'n'", &["unsupported: key.format=avro"]),
        (
            "'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = 'g', 'scan.bounded.mode' = 'group-offsets'",
            &["unsupported: scan.bounded.mode=group-offsets"],
        ),
        (
            "'json.fail-on-missing-field' = 'true', 'json.ignore-parse-errors' = 'true'",
            &["shouldn't both be true"],
        ),
    ] {
        let statement = table("t", "n BIGINT", options);
        let created = sql::try_rows(&session, &statement).await;
        let message = match created {
            Err(error) => chain(&error),
            Ok(_) => sql::error(&session, "SELECT * FROM t").await,
        };
        let _ = sql::try_rows(&session, "DROP TABLE IF EXISTS t").await;
        for fragment in fragments {
            assert!(message.contains(fragment), "{message}\nlacks {fragment}\nfor: {options}");
        }
    }
}

async fn a_bad_row_names_its_place() {
    let deep = [vec![b'['; 5_000], vec![b']'; 5_000]].concat();
    let deep = [b"{\"n\":".as_slice(), &deep, b"}"].concat();
    for (value, fragments) in [
        (&b"{\"n\":3"[..], &["t-0", "offset 2"][..]),
        (b"{\"n\":\"three\"}", &["t-0", "offset 2", "n"]),
        (b"{\"n\":3,,}", &["t-0", "offset 2"]),
        (b"{\"n\":3,\"s\":\"\xff\xfe\"}", &["t-0", "offset 2"]),
        (&deep, &["t-0", "offset 2"]),
        (b"[1, 2", &["t-0", "offset 2"]),
    ] {
        let (_broker, session) =
            with_values(&[Some(b"{\"n\":1}"), Some(b"{\"n\":2}"), Some(value)]).await;
        declare(&session, "t", "n BIGINT, s STRING", EARLIEST).await;
        let (mut rows, _) =
            sql::start(&session, "SELECT n FROM t").await.expect("the query starts");
        let mut seen = Vec::new();
        let error = loop {
            match rows.next().await.expect("the bad row comes") {
                Ok(batch) => seen.extend(sql::texts(&batch)),
                Err(error) => break chain(&error),
            }
        };
        assert_eq!(seen, [["1"], ["2"]], "the rows before are not lost");
        for fragment in fragments {
            assert!(error.contains(fragment), "{error}\nlacks {fragment}");
        }
    }
}

async fn missing_fields_follow_the_options() {
    let (_broker, session) = with_values(&[Some(b"{\"s\":\"x\"}")]).await;
    declare(&session, "t", "n BIGINT, s STRING", BOUNDED).await;
    assert_eq!(sql::rows(&session, "SELECT n, s FROM t").await, [["NULL", "x"]]);
    sql::rows(&session, "DROP TABLE t").await;
    declare(
        &session,
        "t",
        "n BIGINT, s STRING",
        &format!("'json.fail-on-missing-field' = 'true', {BOUNDED}"),
    )
    .await;
    let message = sql::error(&session, "SELECT n, s FROM t").await;
    assert!(
        message.contains("Could not find field with name 'n'") && message.contains("t-0"),
        "{message}"
    );
}

async fn ignored_parse_errors_become_nulls() {
    let values = [Some(&b"{\"n\":\"x\",\"s\":\"kept\"}"[..]), Some(b"{\"n\":"), Some(b"{\"n\":3}")];
    let (_broker, session) = with_values(&values).await;
    declare(
        &session,
        "t",
        "n BIGINT, s STRING",
        &format!("'json.ignore-parse-errors' = 'true', {BOUNDED}"),
    )
    .await;
    assert_eq!(sql::rows(&session, "SELECT n, s FROM t").await, [["NULL", "kept"], ["3", "NULL"]]);
}

async fn null_and_empty_values_are_no_rows() {
    let (_broker, session) =
        with_values(&[None, Some(b""), Some(b"null"), Some(b"{\"n\":1}")]).await;
    declare(&session, "t", "n BIGINT", BOUNDED).await;
    assert_eq!(sql::rows(&session, "SELECT n FROM t").await, [["1"]]);
}

async fn start() -> (Broker, SqlContext) {
    let broker = embedded::broker().await;
    let session = sql::session(&broker.bootstrap_servers());
    (broker, session)
}

/// A broker with these values in topic `t`, and a session on it.
async fn with_values(values: &[Option<&[u8]>]) -> (Broker, SqlContext) {
    let (broker, session) = start().await;
    let client = connect(&broker).await;
    let topic = NewTopic { name: "t".into(), partitions: Some(1), ..NewTopic::default() };
    let created = client.admin().create_topics(&[topic]).await.expect("an answer");
    assert!(created.iter().all(Result::is_ok), "{created:?}");
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    let records = values.iter().map(|value| {
        value.iter().fold(OutgoingRecord::to("t"), |record, value| record.value(value))
    });
    producer.send_batch(records).await.expect("accepted").await.expect("acknowledged");
    (broker, session)
}

async fn connect(broker: &Broker) -> Client {
    Client::connect([("bootstrap.servers", broker.bootstrap_servers().as_str())])
        .await
        .expect("the broker is there")
}

async fn declare(session: &SqlContext, topic: &str, columns: &str, options: &str) {
    sql::rows(session, &table(topic, columns, options)).await;
}

fn table(topic: &str, columns: &str, options: &str) -> String {
    let format = if options.contains("'value.format'") { "" } else { "'format' = 'json', " };
    format!(
        "CREATE TABLE {topic} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{topic}', {format}{options})"
    )
}

const EARLIEST: &str = "'scan.startup.mode' = 'earliest-offset'";
const BOUNDED: &str =
    "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";

//! The `kavka` binary as its users run it: letters, output, exit codes.

use std::process::{Output, Stdio};
use std::time::Duration;

use kavka_broker::{Broker, BrokerConfig};
use kavka_connector::client::protocol::{ApiKey, ErrorCode, TopicPartition};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const TABLE: &str = "CREATE TABLE t (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 't', \
     'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_produced_is_consumed() {
    let broker = broker().await;
    let letters = ["produce", "-t", "lines", "-K", ":", "-H", "source=test", "-H", "empty"];
    let produced = kavka(&broker, &letters, "k1:v1\nk2:v:2\nplain\n").await;
    assert_eq!(produced.status.code(), Some(0), "{}", stderr(&produced));
    let consumed =
        kavka(&broker, &["consume", "-t", "lines", "-e", "-q", "-f", "%k=%s %h %o\\n"], "").await;
    assert_eq!(
        stdout(&consumed),
        "k1=v1 source=test,empty=NULL 0\nk2=v:2 source=test,empty=NULL 1\n=plain source=test,empty=NULL 2\n"
    );
    assert_eq!(stderr(&consumed), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_json_envelope_is_kcats() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "j", "-K", ":", "-Z"], "k:v\n:\n").await;
    let consumed = kavka(&broker, &["consume", "-t", "j", "-J", "-c", "2", "-q"], "").await;
    let objects: Vec<Value> =
        stdout(&consumed).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&objects[0]["key"], &objects[0]["payload"], &objects[0]["tstype"]),
        (&"k".into(), &"v".into(), &"create".into())
    );
    assert_eq!(
        (&objects[1]["key"], &objects[1]["payload"], &objects[1]["offset"]),
        (&Value::Null, &Value::Null, &1.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_choose_what_is_read() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "o"], "a\nb\nc\nd\n").await;
    for (letters, expected) in [
        (&["-o", "beginning"][..], "a\nb\nc\nd\n"),
        (&["-o", "1", "-c", "2"], "b\nc\n"),
        (&["-o", "-1"], "d\n"),
        (&["-o", "-100"], "a\nb\nc\nd\n"),
        (&["-o", "s@0", "-o", "e@1"], ""),
        (&["-o", "end"], ""),
        (&["-D", ";"], "a;b;c;d;"),
        (&["-p", "-1"], "a\nb\nc\nd\n"),
        (&["-o", "e@99999999999999"], "a\nb\nc\nd\n"),
        (&["-c", "0"], ""),
    ] {
        let arguments = [&["consume", "-t", "o", "-e", "-q"], letters].concat();
        let consumed = kavka(&broker, &arguments, "").await;
        assert_eq!(
            (stdout(&consumed).as_str(), consumed.status.code()),
            (expected, Some(0)),
            "{letters:?} {}",
            stderr(&consumed)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_between_two_delimiters_is_no_record() {
    let broker = broker().await;
    let letters = ["produce", "-t", "e", "-p", "-1", "-K", ":", "-k", "fixed", "-Z"];
    let produced = kavka(&broker, &letters, "a\n\n:b\n\n\nk:c").await;
    assert_eq!(stderr(&produced), "% 3 records written to e\n");
    let consumed = kavka(&broker, &["consume", "-t", "e", "-e", "-q", "-f", "%k=%s\\n"], "").await;
    assert_eq!(stdout(&consumed), "fixed=a\nfixed=b\nk=c\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_an_end_is_refused_before_it_fills_the_memory() {
    let broker = broker().await;
    let letters = ["produce", "-t", "long", "-X", "max.request.size=1000"];
    let produced = kavka(&broker, &letters, &"x".repeat(2_000)).await;
    assert_eq!(produced.status.code(), Some(1));
    let expected = "more than 1000 bytes without the delimiter";
    assert!(stderr(&produced).contains(expected), "{}", stderr(&produced));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_until_a_time_to_come() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "later"], "a\n").await;
    let letters = ["consume", "-t", "later", "-o", "e@99999999999999", "-J", "-D", ";"];
    let mut child = command(&broker, &letters).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let end = told.next_line().await.unwrap();
    assert_eq!(end.as_deref(), Some("% Reached end of topic later [0] at offset 1"));
    kavka(&broker, &["produce", "-t", "later"], "b\n").await;
    let end = told.next_line().await.unwrap();
    assert_eq!(end.as_deref(), Some("% Reached end of topic later [0] at offset 2"));
    interrupt(&child).await;
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let objects = stdout(&ended);
    let payloads: Vec<Value> =
        objects.split_terminator(';').map(|object| serde_json::from_str(object).unwrap()).collect();
    assert_eq!((payloads.len(), &payloads[1]["payload"]), (2, &"b".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_out_of_range_is_reset_or_an_error() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "r"], "a\n").await;
    let consume = ["consume", "-t", "r", "-e", "-q", "-o", "77", "-X"];
    let earliest =
        kavka(&broker, &[&consume[..], &["auto.offset.reset=earliest"]].concat(), "").await;
    assert_eq!(stdout(&earliest), "a\n", "{}", stderr(&earliest));
    let none = kavka(&broker, &[&consume[..], &["auto.offset.reset=none"]].concat(), "").await;
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("r-0") && stderr(&none).contains("77"), "{}", stderr(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_come_and_go() {
    let broker = broker().await;
    assert_eq!(
        kavka(&broker, &["topics", "create", "orders", "-p", "2"], "").await.status.code(),
        Some(0)
    );
    let again = kavka(&broker, &["topics", "create", "orders"], "").await;
    assert!(
        again.status.code() == Some(1) && stderr(&again).contains("orders"),
        "{}",
        stderr(&again)
    );
    let listed = kavka(&broker, &["topics", "list", "-o", "json"], "").await;
    let topic: Value = serde_json::from_str(stdout(&listed).trim()).unwrap();
    assert_eq!((&topic["topic"], &topic["partitions"]), (&"orders".into(), &2.into()));
    let described = kavka(&broker, &["topics", "describe", "orders"], "").await;
    assert_eq!(stdout(&described).lines().count(), 3, "{}", stdout(&described));
    let deleted = kavka(&broker, &["topics", "delete", "nope", "orders", "nor"], "").await;
    assert_eq!(deleted.status.code(), Some(1));
    let told = stderr(&deleted);
    for line in ["Deleted topic orders.", "error: topic \"nope\"", "error: topic \"nor\""] {
        assert!(told.lines().any(|told| told.starts_with(line)), "{told}");
    }
    assert_eq!(stdout(&kavka(&broker, &["topics", "list", "-o", "json"], "").await), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_to_stdout_in_the_chosen_format_and_talk_to_stderr() {
    let broker = broker().await;
    let insert = format!("{TABLE} INSERT INTO t VALUES (1, 'a,b'), (2, NULL)");
    let inserted = kavka(&broker, &["sql", "-e", &insert], "").await;
    assert_eq!((inserted.status.code(), stdout(&inserted).as_str()), (Some(0), ""));
    assert!(stderr(&inserted).contains("INSERT 2"), "{}", stderr(&inserted));
    for (output, expected) in [
        ("csv", "id,name\n1,\"a,b\"\n2,\n"),
        ("json", "{\"id\":1,\"name\":\"a,b\"}\n{\"id\":2,\"name\":null}\n"),
        ("table", " id | name\n----+------\n  1 | a,b\n  2 | NULL\n"),
    ] {
        let script = format!("{TABLE} SELECT * FROM t ORDER BY id");
        let ran = kavka(&broker, &["sql", "--output", output, "-e", &script], "").await;
        assert_eq!(
            (ran.status.code(), stdout(&ran).as_str()),
            (Some(0), expected),
            "{}",
            stderr(&ran)
        );
        assert!(stderr(&ran).contains("(2 rows"), "{}", stderr(&ran));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_stops_at_its_first_failure_and_names_it() {
    let broker = broker().await;
    let ran = kavka(&broker, &["sql"], "SHOW TABLES;\nSELECT * FROM nowhere;\nSELECT 1;").await;
    assert_eq!((ran.status.code(), stdout(&ran).contains('1')), (Some(1), false));
    assert!(
        stderr(&ran).contains("statement 2 at line 2") && stderr(&ran).contains("nowhere"),
        "{}",
        stderr(&ran)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_words_exit_with_two() {
    let broker = broker().await;
    for arguments in [
        &["sql", "--output", "xml", "-e", "SELECT 1"][..],
        &["sql", "--set", "no.such.key=1", "-e", "SELECT 1"],
        &["consume", "-t", "x", "-o", "middle"],
        &["consume", "-t", "x", "-f", "%y"],
        &["produce", "-t", "x", "-X", "linger.msec=5"],
        &["consume", "-t", "x", "-p", "-2"],
        &["nonsense"],
    ] {
        let ran = kavka(&broker, arguments, "").await;
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {}", stderr(&ran));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_the_log_lacks_is_the_nearest_it_has() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "o"], "a\nb\nc\nd\n").await;
    broker.control().delete_records_before(&TopicPartition::new("o", 0), 2);
    for (offset, expected) in [("0", "c\nd\n"), ("1", "c\nd\n"), ("3", "d\n"), ("99", "")] {
        let consumed = kavka(&broker, &["consume", "-t", "o", "-o", offset, "-e", "-q"], "").await;
        assert_eq!(
            (stdout(&consumed).as_str(), stderr(&consumed).as_str()),
            (expected, ""),
            "{offset}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_query_that_has_no_end() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "t"], "{\"id\":1}\n").await;
    let script = format!(
        "{} SELECT id FROM t",
        TABLE.replace(", 'scan.bounded.mode' = 'latest-offset'", "")
    );
    let mut child = command(&broker, &["sql", "--output", "csv", "-e", &script]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("id"));
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("1"));
    interrupt(&child).await;
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains("interrupted"), "{}", stderr(&ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_wait_for_a_script() {
    let broker = broker().await;
    let mut child = command(&broker, &["sql"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, the command reads.
    stdin.write_all(" ".repeat(200_000).as_bytes()).await.unwrap();
    interrupt(&child).await;
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(stderr(&ended), "error: interrupted while the script was read from stdin\n");
    drop(stdin);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_insert_writes_what_it_has_read() {
    let broker = broker().await;
    kavka(&broker, &["produce", "-t", "t"], "{\"id\":1}\n").await;
    let endless = TABLE.replace(", 'scan.bounded.mode' = 'latest-offset'", "");
    let copy = endless.replace("TABLE t", "TABLE u").replace("'topic' = 't'", "'topic' = 'u'");
    let script = format!("{endless} {copy} INSERT INTO u SELECT * FROM t");
    let child = command(&broker, &["sql", "-e", &script]).spawn().unwrap();
    kavka(&broker, &["topics", "create", "u"], "").await;
    let copied = kavka(&broker, &["consume", "-t", "u", "-c", "1", "-q"], "").await;
    assert_eq!(stdout(&copied), "{\"id\":1,\"name\":null}\n");
    interrupt(&child).await;
    let ended = child.wait_with_output().await.unwrap();
    let lines = stderr(&ended);
    assert!(lines.lines().any(|line| line == "INSERT interrupted after 1 row"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_ends_produce_while_stdin_is_quiet() {
    let broker = broker().await;
    kavka(&broker, &["topics", "create", "t"], "").await;
    broker.control().fail_next(ApiKey::Produce, ErrorCode::TopicAuthorizationFailed, 1);
    let mut child = command(&broker, &["produce", "-t", "t"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\n").await.unwrap();
    let ended = timeout(Duration::from_secs(60), child.wait_with_output());
    let ended = ended.await.expect("it ends by itself").unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).starts_with("error: "), "{}", stderr(&ended));
    drop(stdin);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_deeper_than_the_stack_are_refused_or_run() {
    let broker = broker().await;
    let terms = |count: usize| vec!["a = 1"; count].join(" OR ");
    let query = |count| format!("SELECT a FROM (VALUES (1)) t (a) WHERE {}", terms(count));
    let run = kavka(&broker, &["sql", "-o", "csv"], &query(1_000)).await;
    assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(0), "a\n1\n"), "{}", stderr(&run));
    for script in [
        query(20_000),
        format!("SELECT {}1{}", "ARRAY[".repeat(60), "]".repeat(60)),
        TABLE.replace("id BIGINT", &format!("id BIGINT, b AS {}1", "id + ".repeat(20_000))),
    ] {
        let run = kavka(&broker, &["sql"], &script).await;
        assert_eq!(run.status.code(), Some(1));
        assert!(stderr(&run).contains("more than"), "{}", stderr(&run));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_before_its_background() {
    let broker = broker().await;
    let script = format!(
        "{} SELECT * FROM t",
        TABLE.replace("'scan.startup.mode' = 'earliest-offset', ", "")
    );
    let ran = kavka(&broker, &["sql"], &script).await;
    let lines = stderr(&ran);
    let failure = lines.lines().nth(1).unwrap();
    assert!(
        failure.starts_with("error: statement 2 at line 1: Property group.id is required"),
        "{lines}"
    );
    assert_eq!(lines.lines().nth(2), Some("  in: SELECT * FROM t"));
    assert!(lines.trim_end().ends_with("'topic'='t'"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_lacks_deleted_records_says_how_many() {
    let config = BrokerConfig { retention_bytes: 20_000, ..BrokerConfig::default() };
    let broker = Broker::start(config).await.unwrap();
    let line = format!("{{\"id\":1,\"name\":\"{}\"}}\n", "x".repeat(900));
    for _ in 0..40 {
        kavka(&broker, &["produce", "-t", "t"], &line).await;
    }
    let described = kavka(&broker, &["topics", "describe", "t", "-o", "json"], "").await;
    let partition: Value = serde_json::from_str(stdout(&described).trim()).unwrap();
    let first = partition["first_offset"].as_u64().unwrap();
    assert!(first > 2, "{first}");
    let from_two = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:2'";
    let table = TABLE.replace("'scan.startup.mode' = 'earliest-offset'", from_two);
    let script = format!("{table} SELECT count(*) FROM t");
    let ran = kavka(&broker, &["sql", "-o", "csv"], &script).await;
    assert_eq!(stdout(&ran), format!("count(*)\n{}\n", 40 - first), "{}", stderr(&ran));
    let expected = format!(
        "warning: t-0: {} offsets passed over, deleted before they could be read\n",
        first - 2
    );
    assert!(stderr(&ran).ends_with(&expected), "{}", stderr(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_listens_at_a_host_by_name() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kavka"));
    let child = child.args(["broker", "--listen", "localhost:0"]).stderr(Stdio::piped());
    let mut child = child.kill_on_drop(true).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = told.next_line().await.unwrap().unwrap();
    assert!(line.starts_with("Kafka broker listening on 127.0.0.1:"), "{line}");
    interrupt(&child).await;
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_is_no_failure() {
    let broker = broker().await;
    let lines: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    kavka(&broker, &["produce", "-t", "many"], &lines).await;
    let mut child = command(&broker, &["consume", "-t", "many", "-e", "-q"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(out.next_line().await.unwrap().as_deref(), Some("line 0"));
    drop(out);
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_property_of_a_file_is_warned_of_once_and_without_colours() {
    let broker = broker().await;
    let file = std::env::temp_dir().join(format!("kavka-{}.properties", std::process::id()));
    std::fs::write(&file, "linger.msec = 5\nclient.id = me\n").unwrap();
    let ran = kavka(&broker, &["topics", "list", "--config", file.to_str().unwrap()], "").await;
    let expected = format!(
        "warning: {}: unknown property linger.msec, did you mean linger.ms?\n",
        file.display()
    );
    assert_eq!((ran.status.code(), stderr(&ran)), (Some(0), expected));
    std::fs::write(&file, "linger.msec = 5\nkavka.strict.properties = true\n").unwrap();
    let ran = kavka(&broker, &["topics", "list", "--config", file.to_str().unwrap()], "").await;
    let expected = format!("error: --config {}: ", file.display());
    assert_eq!(ran.status.code(), Some(2));
    assert!(stderr(&ran).starts_with(&expected), "{}", stderr(&ran));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_listening_stops_nobody() {
    let broker = broker().await;
    let demo = Command::new(env!("CARGO_BIN_EXE_kavka"))
        .args(["demo", "--rows", "100"])
        .stdout(closed())
        .stderr(closed())
        .status();
    assert_eq!(demo.await.unwrap().code(), Some(0));
    let failing =
        command(&broker, &["sql", "-e", "SELECT * FROM nowhere"]).stderr(closed()).status();
    assert_eq!(failing.await.unwrap().code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_properties_is_printed() {
    let printed = properties(&[]).await;
    let table = stdout(&printed);
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    let ("name", columns) = header.split_at(4) else { panic!("{header}") };
    let words: Vec<&str> = columns.split_whitespace().collect();
    assert_eq!(words, ["default", "values", "role", "support", "description"]);
    let at = |column| header.find(column).unwrap();
    let linger = lines.find(|line| line.starts_with("linger.ms ")).unwrap();
    for (column, value) in [("default", "5 "), ("role", "producer "), ("support", "yes ")] {
        assert!(linger[at(column)..].starts_with(value), "{linger}");
    }
    let strategy = table.lines().find(|line| line.contains("partition.assignment")).unwrap();
    assert!(strategy.contains('…') && strategy.contains("consumer"), "{strategy}");
    assert_eq!((printed.status.code(), stderr(&printed).as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_property_is_printed_in_detail_and_an_unknown_one_leads_to_the_nearest() {
    let detail = stdout(&properties(&["acks"]).await);
    let expected = "name         acks\ndefault      all\nvalues       one of all, -1, 0, 1\n\
                    role         producer\nsupport      yes\n\
                    description  How many replicas must have a record before it counts as written.\n";
    assert_eq!(detail, expected);
    let json = stdout(&properties(&["group.instance.id", "-o", "json"]).await);
    let object: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&object["default"], &object["support"]),
        (&Value::Null, &"only the default".into())
    );
    let csv = stdout(&properties(&["--output", "csv"]).await);
    assert!(csv.contains("\nacks,all,\"one of all, -1, 0, 1\",producer,yes,"), "{csv}");
    for (name, expected) in [
        ("linger.msec", "unknown property linger.msec, did you mean linger.ms?"),
        (
            "request.required.acks",
            "unknown property request.required.acks: librdkafka's name; Kafka's is acks",
        ),
    ] {
        let unknown = properties(&[name]).await;
        assert_eq!((unknown.status.code(), stdout(&unknown).as_str()), (Some(2), ""));
        assert!(stderr(&unknown).contains(expected), "{}", stderr(&unknown));
    }
}

async fn properties(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kavka"));
    command.arg("properties").args(arguments).env_remove("RUST_LOG").output().await.unwrap()
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

async fn broker() -> Broker {
    Broker::start(BrokerConfig::default()).await.unwrap()
}

/// Runs the binary to its end.
async fn kavka(broker: &Broker, arguments: &[&str], input: &str) -> Output {
    let mut child = command(broker, arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feeder = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    let output = child.wait_with_output().await.unwrap();
    // A command that does not read its input closes the pipe; that is its right.
    let _ = feeder.await.unwrap();
    output
}

/// As Ctrl-C does.
async fn interrupt(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
}

fn command(broker: &Broker, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kavka"));
    let words = if arguments[0] == "topics" { 2 } else { 1 };
    let (subcommand, letters) = arguments.split_at(words.min(arguments.len()));
    command.args(subcommand);
    if subcommand[0] != "nonsense" {
        command.args(["-b", &broker.bootstrap_servers()]);
    }
    command.args(letters);
    command
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

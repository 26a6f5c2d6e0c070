//! Topics by pattern: what a pattern means in Java, and which of Kafka's topics it finds.

use std::time::Duration;

use kavka_client::{Client, ErrorKind, NewTopic, OutgoingRecord, TopicPattern};
use kavka_tests::random::Random;
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, sql, trial};
use libtest_mimic::Trial;

use super::{connect, create, create_topic, scale};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::real("patterns_choose_what_javas_do", choose_as_java),
        trial::real("a_pattern_finds_kafkas_topics_and_none_of_its_own", finds),
        trial::real("a_table_by_pattern_reads_topics_that_come_and_go", table),
    ]
}

/// Random patterns on random names: whatever compiles matches the same names, and what is refused as no pattern is none
/// for Java either.
async fn choose_as_java(_: &'static RealKafka) {
    let (mut random, count) = (Random::new(11), scale(3_000, 500_000));
    let mut lines = String::new();
    let cases: Vec<(String, Vec<String>)> = (0..count)
        .map(|_| {
            let names: Vec<String> = (0..8).map(|_| name(&mut random)).collect();
            let pattern = pattern(&mut random, 0);
            lines.push_str(&format!("{pattern}\t{}\n", names.join("\t")));
            (pattern, names)
        })
        .collect();
    let program = java::program("Match");
    let printed = java::run::<&str>(&program, &[], Some(lines.as_bytes())).expect("Java matches");
    let (mut matched, mut unsupported) = (0, 0);
    for ((pattern, names), java) in cases.iter().zip(printed.lines()) {
        let ours = TopicPattern::new(pattern);
        let ours = ours.map(|ours| names.iter().map(|name| ours.matches(name)).collect::<Vec<_>>());
        match ours {
            Ok(ours) => {
                let ours: String = ours.iter().map(|is| if *is { '1' } else { '0' }).collect();
                assert_eq!(ours, java, "{pattern:?} on {names:?}");
                matched += ours.matches('1').count();
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => unsupported += 1,
            Err(error) => assert_eq!(java, "-", "{pattern:?}: {error}"),
        }
    }
    assert_eq!(printed.lines().count(), cases.len());
    assert!(matched > cases.len() / 4, "{matched} names matched");
    assert!(unsupported < cases.len() / 4, "{unsupported} patterns are not supported");
}

fn pattern(random: &mut Random, depth: usize) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(4) {
        let kind = random.below(12);
        match kind {
            0 if depth < 3 => text.push_str(&format!("({})", pattern(random, depth + 1))),
            1 if depth < 3 => text.push_str(&format!("(?:{})", pattern(random, depth + 1))),
            2 => {
                text = format!("{text}|{}", pattern(random, depth + 3));
            }
            3 | 4 => text.push_str(&class(random, 0)),
            _ => text.push_str(ATOMS[random.below(ATOMS.len())]),
        }
        if random.below(3) == 0 {
            // Java repeats a group that has matched nothing less often than it says.
            let choice = if kind < 2 { 3 } else { QUANTIFIERS.len() };
            text.push_str(QUANTIFIERS[random.below(choice)]);
        }
    }
    text
}

fn class(random: &mut Random, depth: usize) -> String {
    let mut text = String::from(if random.below(4) == 0 { "[^" } else { "[" });
    for _ in 0..=random.below(3) {
        match random.below(10) {
            0 if depth < 2 => text.push_str(&class(random, depth + 1)),
            1 if depth < 2 => {
                text.push_str(&format!("a&&{}", class(random, depth + 1)));
                break;
            }
            _ => text.push_str(MEMBERS[random.below(MEMBERS.len())]),
        }
    }
    text.push(']');
    text
}

fn name(random: &mut Random) -> String {
    let length = random.below(6);
    (0..length).map(|_| NAMES[random.below(NAMES.len())]).collect()
}

const NAMES: [char; 8] = ['a', 'b', 'A', '0', '1', '-', '.', '_'];

const ATOMS: [&str; 40] = [
    "a",
    "b",
    "A",
    "0",
    "1",
    "-",
    ".",
    "_",
    "a",
    "b",
    ".",
    ".",
    r"\.",
    r"\-",
    r"\_",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    r"\Qa.\E",
    r"\Q-",
    r"\p{Lower}",
    r"\p{Upper}",
    r"\p{Alpha}",
    r"\p{Digit}",
    r"\P{Punct}",
    r"\p{Alnum}",
    r"\pL",
    r"\pN",
    r"\x61",
    r"\u0061",
    "^",
    "$",
    r"\z",
    r"\Z",
    "(?i)",
    r"\b",
    r"\B",
];

const QUANTIFIERS: [&str; 14] =
    ["*", "?", "*?", "+", "+?", "??", "{2}", "{1,2}", "{0,}", "{2,}?", "*+", "**", "{1}+", "{2,1}"];

const MEMBERS: [&str; 21] = [
    "a",
    "b",
    "A",
    "0",
    "1",
    "-",
    ".",
    "_",
    "a-b",
    "0-1",
    r"\d",
    r"\w",
    r"\D",
    r"\W",
    r"\p{Lower}",
    r"\P{Upper}",
    r"\-",
    r"\.",
    "]",
    "^",
    "+",
];

/// Kafka makes a topic of its own for the group of a consumer.
async fn finds(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    for topic in ["found-1", "found-2", "found-10", "not-found-1", "found-x"] {
        create(&client, NewTopic::new(topic).with_partitions(2)).await;
    }
    write(&client, "found-1", "1").await;
    let arguments =
        ["--bootstrap-server", kafka.bootstrap_servers(), "--topic", "found-1", "--group", "found"];
    let arguments = [&arguments[..], &["--from-beginning", "--max-messages", "1"]].concat();
    java::run("org.apache.kafka.tools.consumer.ConsoleConsumer", &arguments, None)
        .expect("it reads");
    let all = client.admin().list_topics().await.expect("topics");
    assert!(all.iter().any(|topic| topic.is_internal && &*topic.name == "__consumer_offsets"));
    for (pattern, expected) in [
        (r"found-\d+", &["found-1", "found-10", "found-2"][..]),
        (r"(__consumer_|found-).*", &["found-1", "found-10", "found-2", "found-x"]),
        ("found", &[]),
    ] {
        let found =
            client.topics(&TopicPattern::new(pattern).expect("a pattern")).await.expect("topics");
        assert_eq!(found.iter().map(|topic| &*topic.name).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|topic| topic.partitions.len() == 2 && topic.id.is_some()));
    }
}

async fn table(kafka: &'static RealKafka) {
    let (servers, client) = (kafka.bootstrap_servers(), connect(kafka).await);
    create_topic(servers, "going-1", 2, &[]);
    write(&client, "going-1", "{\"n\":1}").await;
    let session = sql::session(servers);
    let table = "CREATE TABLE going (n INT, name STRING METADATA FROM 'topic' VIRTUAL) WITH ('connector' = 'kafka', \
                 'topic-pattern' = 'going-\\d+', 'format' = 'json', 'scan.startup.mode' = 'latest-offset', \
                 'scan.topic-partition-discovery.interval' = '200 ms')";
    sql::rows(&session, table).await;
    let (mut rows, _) = sql::start(&session, "SELECT name, n FROM going").await.expect("it runs");
    for (topic, line) in [("not-going-1", "{\"n\":2}"), ("going-2", "{\"n\":3}")] {
        create_topic(servers, topic, 3, &[]);
        write(&client, topic, line).await;
    }
    let mut next = async || {
        let batch = tokio::time::timeout(SOON, rows.next()).await.expect("it comes soon");
        sql::texts(&batch.expect("it goes on").expect("rows"))
    };
    assert_eq!(next().await, [["going-2", "3"]]);
    let gone = client.admin().delete_topics(&["going-1"]).await.expect("an answer");
    assert!(gone.iter().all(Result::is_ok));
    create_topic(servers, "going-3", 1, &[]);
    write(&client, "going-3", "{\"n\":4}").await;
    assert_eq!(next().await, [["going-3", "4"]]);
    write(&client, "going-2", "{\"n\":5}").await;
    assert_eq!(next().await, [["going-2", "5"]]);
}

async fn write(client: &Client, topic: &str, value: &'static str) {
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    let delivery = producer.send(OutgoingRecord::to(topic).value(value.as_bytes())).await;
    delivery.expect("accepted").await.expect("delivered");
}

/// What a query takes at most to find a topic and read it.
const SOON: Duration = Duration::from_secs(60);

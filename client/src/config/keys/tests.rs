//! The table against itself, and against that of Kafka.

use super::*;
use crate::config::property::{self, Kind, Role, is_secret};

#[test]
fn the_table_is_sorted_and_names_each_property_once() {
    let names: Vec<&str> = property_definitions().iter().map(PropertyDef::name).collect();
    assert!(names.is_sorted_by(|one, other| one < other));
}

#[test]
fn every_default_is_acceptable_and_every_property_explained() {
    for def in property_definitions() {
        let name = def.name();
        assert!(def.description().ends_with('.'), "{name}");
        let problem = def.default_value().and_then(|default| def.problem(default));
        assert_eq!(problem, None, "{name}");
    }
}

#[test]
fn values_are_judged_by_their_kind() {
    for (name, value, accepted) in [
        (ACKS, "all", true),
        (ACKS, "ALL", true),
        (ACKS, "2", false),
        (ENABLE_IDEMPOTENCE, "True", true),
        (ENABLE_IDEMPOTENCE, "yes", false),
        (LINGER_MS, " 5 ", true),
        (LINGER_MS, "-1", false),
        (LINGER_MS, "5ms", false),
        (COMPRESSION_GZIP_LEVEL, "-1", true),
        (COMPRESSION_GZIP_LEVEL, "0", false),
        (COMPRESSION_GZIP_LEVEL, "10", false),
        (FETCH_MAX_BYTES, "2147483647", true),
        (FETCH_MAX_BYTES, "2147483648", false),
    ] {
        let def = property_definitions().iter().find(|def| def.name() == name).unwrap();
        assert_eq!(def.problem(value).is_none(), accepted, "{name}={value}");
    }
}

/// Kafka's own table, see `client/vectors/README.md`.
const KAFKAS: &str = include_str!("../../../vectors/kafka-properties.tsv");

/// One row of Kafka's table: one property as some of its clients define it.
#[derive(Debug)]
struct Row<'t> {
    name: &'t str,
    kind: &'t str,
    default: Option<&'t str>,
    valid: &'t str,
    clients: Vec<&'t str>,
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, kind, default, valid, _, clients] = fields[..] else { panic!("{line}") };
        let default = Some(default).filter(|text| !["", "(required)", "(unset)"].contains(text));
        Row { name, kind, default, valid, clients: clients.split(',').collect() }
    }

    /// The words of a text that may have no other values, or the bounds of a number.
    fn bounds(&self) -> Vec<String> {
        let valid = self.valid.trim_start_matches("(case insensitive) ").trim_end_matches(" or -1");
        let listed =
            valid.trim_matches(['[', ']']).split([',', ' ']).filter(|word| !word.is_empty());
        let mut words: Vec<String> = match self.kind {
            "STRING" if valid.starts_with('[') => listed.map(str::to_lowercase).collect(),
            "DOUBLE" | "INT" | "LONG" | "SHORT" => {
                let largest = i32::MAX.to_string();
                listed.filter(|word| !["...", &largest].contains(word)).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        if self.kind == "STRING" {
            words.sort();
        }
        words
    }
}

/// What a property of ours says about its values, in the words of Kafka's table.
fn bounds(kind: Kind) -> Vec<String> {
    let number = |min: i64, max: i64| match max {
        i64::MAX => vec![min.to_string()],
        max if max == i64::from(i32::MAX) => vec![min.to_string()],
        max => vec![min.to_string(), max.to_string()],
    };
    match kind {
        Kind::Choice(words) => {
            let mut words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
            words.sort();
            words
        }
        Kind::Int(min, max) | Kind::IntOrUsual(min, max) => number(min, max),
        Kind::Millis => number(0, i64::MAX),
        Kind::Number(min, max) if min.is_finite() => vec![format!("{min:?}"), format!("{max:?}")],
        Kind::Bool | Kind::List | Kind::Number(..) | Kind::Password | Kind::Text => Vec::new(),
    }
}

/// Kafka's types whose values are read as `kind`.
fn types(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bool => &["BOOLEAN"],
        Kind::Choice(_) => &["STRING"],
        Kind::Int(_, max) | Kind::IntOrUsual(_, max) if max < i64::MAX => &["INT", "SHORT"],
        Kind::Int(..) | Kind::IntOrUsual(..) | Kind::Millis => &["LONG"],
        Kind::List => &["LIST"],
        Kind::Number(..) => &["DOUBLE"],
        Kind::Password => &["PASSWORD"],
        Kind::Text => &["STRING", "CLASS"],
    }
}

/// In which fields our property differs from one row of Kafka's table.
fn differences(ours: &PropertyDef, kafkas: &Row<'_>) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if !types(ours.kind()).contains(&kafkas.kind) {
        fields.push("type");
    }
    let default = ours.default_value().filter(|text| !text.is_empty());
    if default.map(str::to_lowercase) != kafkas.default.map(str::to_lowercase) {
        fields.push("default");
    }
    if bounds(ours.kind()) != kafkas.bounds() {
        fields.push("values");
    }
    if kafkas.kind == "PASSWORD" && !is_secret(kafkas.name) {
        fields.push("secret");
    }
    fields
}

/// Who reads a property in Kafka; what several clients read, or the admin client, is everybody's here.
fn role(clients: &[&str]) -> Role {
    match clients {
        ["consumer"] => Role::Consumer,
        ["producer"] => Role::Producer,
        _ => Role::Client,
    }
}

/// Where the table departs from Kafka's, in which field, and why.
const DEPARTURES: &[(&str, &str, &str)] = &[
    (
        "allow.auto.create.topics",
        "role",
        "reading never creates a topic; writing does unless told not to",
    ),
    ("auto.include.jmx.reporter", "added", "Kafka had it before 4.0"),
    ("auto.offset.reset", "values", "the words are checked where durations are (KIP-1106)"),
    ("client.rack", "role", "producers look at it as well (KIP-1123)"),
    ("connections.max.idle.ms", "default", "Kafka's admin client has another; one pool serves all"),
    ("connections.max.idle.ms", "values", UNCHECKED),
    ("enable.metrics.push", "default", "Kafka's admin client has another; nothing is pushed yet"),
    ("heartbeat.interval.ms", "values", UNCHECKED),
    ("kavka.prefetch.bytes", "added", "ours"),
    ("kavka.strict.properties", "added", "ours"),
    ("max.poll.records", "default", "batches are handed out undecoded, and cut only for who asks"),
    ("metadata.max.idle.ms", "role", "consumers share the metadata"),
    ("partitioner.rack.aware", "added", "Kafka has it after 4.3 (KIP-1123)"),
    ("receive.buffer.bytes", "default", TUNED),
    ("sasl.kerberos.min.time.before.relogin", "values", UNCHECKED),
    ("sasl.login.connect.timeout.ms", "values", UNCHECKED),
    ("sasl.login.read.timeout.ms", "values", UNCHECKED),
    ("sasl.login.retry.backoff.max.ms", "values", UNCHECKED),
    ("sasl.login.retry.backoff.ms", "values", UNCHECKED),
    ("sasl.oauthbearer.clock.skew.seconds", "values", UNCHECKED),
    ("sasl.oauthbearer.jwks.endpoint.refresh.ms", "values", UNCHECKED),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "values", UNCHECKED),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "values", UNCHECKED),
    ("sasl.password", "added", "librdkafka's, for those who have no login module to write"),
    ("sasl.username", "added", "librdkafka's, for those who have no login module to write"),
    ("send.buffer.bytes", "default", TUNED),
    ("session.timeout.ms", "values", UNCHECKED),
    ("socket.connection.setup.timeout.max.ms", "values", UNCHECKED),
    ("socket.connection.setup.timeout.ms", "values", UNCHECKED),
    ("transaction.timeout.ms", "values", UNCHECKED),
];

const UNCHECKED: &str = "Kafka takes any number; less than nothing is refused here";
const TUNED: &str =
    "a fixed size keeps the operating system from finding the one that the line needs";

#[test]
fn the_table_is_kafkas_and_every_departure_has_its_reason() {
    let rows: Vec<Row<'_>> = KAFKAS.lines().skip(1).map(Row::parse).collect();
    assert!(rows.len() > 140);
    let mut found = std::collections::BTreeSet::new();
    for row in &rows {
        let Some(ours) = property::find(row.name) else {
            found.insert((row.name, "missing"));
            continue;
        };
        found.extend(differences(ours, row).into_iter().map(|field| (row.name, field)));
        let mut clients: Vec<&str> =
            rows.iter().filter(|r| r.name == row.name).flat_map(|r| r.clients.clone()).collect();
        clients.sort_unstable();
        if role(&clients) != ours.role() {
            found.insert((row.name, "role"));
        }
    }
    for ours in property_definitions() {
        if !rows.iter().any(|row| row.name == ours.name()) {
            found.insert((ours.name(), "added"));
        }
    }
    let allowed = DEPARTURES.iter().map(|(name, field, _)| (*name, *field)).collect();
    let unexplained: Vec<_> = found.difference(&allowed).collect();
    let outdated: Vec<_> = allowed.difference(&found).collect();
    assert!(unexplained.is_empty() && outdated.is_empty(), "{unexplained:#?} {outdated:#?}");
}

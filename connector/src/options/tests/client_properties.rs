//! Properties of clients: which reach whom, and with which values.

use kavka_client::{Support, property_definitions};

use super::*;
use crate::source::StartupMode;

fn client_properties(
    own: &[(&str, &str)],
    defaults: &[(&str, &str)],
) -> properties::ClientProperties {
    let written = own
        .iter()
        .map(|(name, value)| (format!("properties.{name}"), (*value).to_owned()))
        .collect();
    TableProperties::new(&written, &defaults.iter().copied().collect()).resolve().unwrap()
}

#[test]
fn the_start_decides_where_to_go_on_when_an_offset_is_gone() {
    let properties = client_properties(&[("auto.offset.reset", "none")], &[]);
    for (startup, reset) in [
        (StartupMode::EarliestOffset, "earliest"),
        (StartupMode::LatestOffset, "latest"),
        (StartupMode::Timestamp(1), "latest"),
        (StartupMode::SpecificOffsets(BTreeMap::new()), "earliest"),
    ] {
        assert_eq!(
            properties.consumer(&startup).get("auto.offset.reset"),
            Some(reset),
            "{startup}"
        );
    }
}

#[test]
fn properties_reach_those_they_concern_and_the_table_wins_over_the_defaults() {
    let properties = client_properties(
        &[
            ("isolation.level", "read_committed"),
            ("linger.ms", "5"),
            ("client.id.prefix", "mine"),
            ("key.deserializer", "x"),
            ("value.serializer", "x"),
            ("register.consumer.metrics", "false"),
            ("no.such.property", "1"),
        ],
        &[("bootstrap.servers", "localhost:1"), ("linger.ms", "7"), ("fetch.min.bytes", "2")],
    );
    let connection = [("bootstrap.servers", "localhost:1"), ("client.id", "mine")];
    assert_eq!(properties.connection(), Properties::from(connection));
    let consumer = properties.consumer(&StartupMode::EarliestOffset);
    for (name, value) in [
        ("isolation.level", Some("read_committed")),
        ("fetch.min.bytes", Some("2")),
        ("enable.auto.commit", Some("false")),
        ("linger.ms", None),
        ("key.deserializer", None),
        ("register.consumer.metrics", None),
        ("no.such.property", None),
    ] {
        assert_eq!(consumer.get(name), value, "{name}");
    }
    let producer = properties.producer();
    assert_eq!((producer.get("linger.ms"), producer.get("isolation.level")), (Some("5"), None));
    assert_eq!(producer.get("value.serializer"), None);
}

#[test]
fn unknown_properties_are_errors_only_when_strict() {
    assert!(create(COLUMNS, &[("properties.linger.msec", "5")]).is_ok());
    let strict = &[("properties.linger.msec", "5"), ("properties.kavka.strict.properties", "true")];
    let error =
        Table::create(definition(COLUMNS, &changed(strict)), &Properties::new()).unwrap_err();
    assert_eq!(error.to_string(), "the properties of table 'db.orders' are wrong");
    assert!(error.source().unwrap().to_string().contains("did you mean linger.ms?"));
    // What Flink's connector reads itself is known.
    let own = &[
        ("properties.commit.offsets.on.checkpoint", "false"),
        ("properties.kavka.strict.properties", "true"),
    ];
    assert!(create(COLUMNS, own).is_ok());
}

#[test]
fn what_a_table_says_and_nothing_obeys_is_named() {
    let properties = |pairs: &[(&str, &str)]| {
        let own =
            pairs.iter().map(|(name, value)| (format!("properties.{name}"), (*value).to_owned()));
        TableProperties::new(
            &own.collect(),
            &Properties::from([("partition.discovery.interval.ms", "1")]),
        )
    };
    let obeyed = properties(&[
        ("commit.offsets.on.checkpoint", "false"),
        ("enable.auto.commit", "false"),
        ("fetch.min.bytes", "1"),
        ("partition.discovery.interval.ms", "-1"),
        ("register.consumer.metrics", "true"),
    ]);
    assert_eq!(obeyed.ignored(), []);
    let ignored = properties(&[
        ("commit.offsets.on.checkpoint", " TRUE"),
        ("partition.discovery.interval.ms", "60000"),
        ("value.deserializer", "x"),
        ("key.serializer", "x"),
    ]);
    let expected = [
        ("commit.offsets.on.checkpoint", "no offsets are committed"),
        (
            "partition.discovery.interval.ms",
            "'scan.topic-partition-discovery.interval' says how often",
        ),
        ("value.deserializer", "formats read keys and values"),
        ("key.serializer", "formats write keys and values"),
    ];
    assert_eq!(ignored.ignored(), expected);
    let unused = property_definitions()
        .iter()
        .filter(|definition| definition.support() == Support::Unused)
        .map(|definition| (definition.name(), "1"));
    let unused: Vec<_> = unused.collect();
    assert_eq!(properties(&unused).ignored().len(), unused.len());
}

#[test]
fn references_in_properties_are_resolved_when_they_are_used() {
    let unresolved = &[("properties.ssl.key.password", "${env:KAVKA_NOT_SET_ANYWHERE}")];
    let written = definition(COLUMNS, &changed(unresolved)).options;
    assert!(create(COLUMNS, unresolved).is_ok());
    let error = TableProperties::new(&written, &Properties::new()).resolve().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot resolve ${env:KAVKA_NOT_SET_ANYWHERE} in option 'properties.ssl.key.password'"
    );
    assert_eq!(
        refused(COLUMNS, &[("topic", "${env:KAVKA_NOT_SET_ANYWHERE}")]),
        "cannot resolve ${env:KAVKA_NOT_SET_ANYWHERE} in option 'topic'"
    );
    let table = create(COLUMNS, &[("topic", "t-${env:CARGO_PKG_NAME}")]).unwrap();
    assert_eq!(table.topic(), Some("t-kavka-connector"));
    assert_eq!(table.definition().options["topic"], "t-${env:CARGO_PKG_NAME}");
}

//! Every rule about options with its words, and in which order they are looked at.

mod client_properties;
mod settings;
mod topics;

use std::error::Error as _;

use kavka_client::Properties;

use super::*;
use crate::ddl::{TableDefinition, parse_create_table};
use crate::error::ErrorKind;
use crate::table::Table;

const GOOD: &[(&str, &str)] = &[
    ("connector", "kafka"),
    ("topic", "t"),
    ("properties.bootstrap.servers", "localhost:1"),
    ("format", "json"),
];

fn definition(columns: &str, options: &[(&str, &str)]) -> TableDefinition {
    let mut definition =
        parse_create_table(&format!("CREATE TABLE db.orders ({columns})")).unwrap();
    definition.options =
        options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    definition
}

/// The good options with `changes`; an empty name in `changes` takes everything away first.
fn changed(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = GOOD.iter().filter(|(name, _)| !is_changed(name) && !is_changed(""));
    let removed = |value: &str| value == REMOVED;
    kept.chain(changes)
        .filter(|(name, value)| !name.is_empty() && !removed(value))
        .copied()
        .collect()
}

const REMOVED: &str = "\0";
const COLUMNS: &str = "id INT, name STRING";

fn create(columns: &str, changes: &[(&'static str, &'static str)]) -> Result<Table, String> {
    Table::create(definition(columns, &changed(changes)), &Properties::new())
        .map_err(|error| error.to_string())
}

fn refused(columns: &str, changes: &[(&'static str, &'static str)]) -> String {
    create(columns, changes).err().unwrap_or_else(|| panic!("accepted: {changes:?}"))
}

fn source(
    changes: &[(&'static str, &'static str)],
    batch_mode: bool,
) -> Result<SourceSettings, Error> {
    let written = definition(COLUMNS, &changed(changes)).options;
    let properties = TableProperties::new(&written, &Properties::new());
    SourceSettings::new(&TableOptions::resolve(&written).unwrap(), &properties, batch_mode)
}

fn sink(changes: &[(&'static str, &'static str)]) -> Result<SinkSettings, String> {
    let written = definition(COLUMNS, &changed(changes)).options;
    SinkSettings::new(&TableOptions::resolve(&written).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn a_table_needs_four_things() {
    assert!(create(COLUMNS, &[]).is_ok());
    assert_eq!(
        refused(COLUMNS, &[("connector", REMOVED)]),
        "One or more required options are missing.\n\nMissing required options are:\n\nconnector"
    );
    assert_eq!(
        refused(COLUMNS, &[("properties.bootstrap.servers", REMOVED)]),
        "One or more required options are missing.\n\nMissing required options are:\n\nproperties.bootstrap.servers"
    );
    assert_eq!(
        refused(COLUMNS, &[("format", REMOVED)]),
        "Could not find required scan format 'value.format'. Say how values are written, such as 'format' = 'json'."
    );
    assert_eq!(
        refused(COLUMNS, &[("topic", REMOVED)]),
        "Either 'topic' or 'topic-pattern' must be set."
    );
    assert_eq!(refused(COLUMNS, &[("topic", " ")]), "Option 'topic' names no topic.");
}

#[test]
fn the_sessions_defaults_fill_in_properties() {
    let options = changed(&[("properties.bootstrap.servers", REMOVED)]);
    let defaults = Properties::from([("bootstrap.servers", "localhost:1")]);
    assert!(Table::create(definition(COLUMNS, &options), &defaults).is_ok());
}

#[test]
fn what_is_not_built_is_named_with_its_value() {
    for (changes, expected) in [
        (&[("connector", "upsert-kafka")][..], "unsupported: connector=upsert-kafka"),
        (&[("connector", "dynamic-kafka")], "unsupported: connector=dynamic-kafka"),
        (&[("format", "avro-confluent")], "unsupported: format=avro-confluent"),
        (&[("format", REMOVED), ("value.format", "csv")], "unsupported: value.format=csv"),
        (&[("key.format", "protobuf")], "unsupported: key.format=protobuf"),
        (&[("topic", REMOVED), ("topic-pattern", r"a\hb")], r"unsupported: topic-pattern=a\hb"),
        (&[("scan.bad-record.policy", "skip")], "unsupported: scan.bad-record.policy=skip"),
        (
            &[("scan.bad-record.dead-letter.topic", "dead")],
            "unsupported: scan.bad-record.dead-letter.topic=dead",
        ),
        (
            &[("scan.bad-record.dead-letter.properties.sasl.jaas.config", "hidden")],
            "unsupported: scan.bad-record.dead-letter.properties.sasl.jaas.config=******",
        ),
        (
            &[("scan.watermark.emit.strategy", "on-event")],
            "unsupported: scan.watermark.emit.strategy=on-event",
        ),
        (&[("scan.watermark.idle-timeout", "1 s")], "unsupported: scan.watermark.idle-timeout=1 s"),
    ] {
        assert_eq!(refused(COLUMNS, changes), expected);
        let error =
            Table::create(definition(COLUMNS, &changed(changes)), &Properties::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{changes:?}");
    }
    assert!(create(COLUMNS, &[("scan.bad-record.policy", "FAIL")]).is_ok());
    assert!(create(COLUMNS, &[("scan.watermark.emit.strategy", "on-periodic")]).is_ok());
}

#[test]
fn an_unknown_connector_or_format_is_answered_with_the_known_ones() {
    assert_eq!(
        refused(COLUMNS, &[("connector", "kafak")]),
        "Could not find any factory for identifier 'kafak'. Available connectors are: kafka"
    );
    assert_eq!(
        refused(COLUMNS, &[("format", "jason")]),
        "Could not find any factory for identifier 'jason'. Available formats are: json, raw"
    );
}

#[test]
fn an_unknown_option_is_answered_with_the_nearest_and_all_known_ones() {
    let message = refused(COLUMNS, &[("scan.startup-mode", "earliest-offset"), ("color", "red")]);
    let start = "Unsupported options found for 'kafka'.\n\nUnsupported options:\n\n\
                 scan.startup-mode (did you mean 'scan.startup.mode'?)\ncolor\n\nSupported options:\n\nconnector\nformat\n\
                 json.decode.json-parser.enabled\n";
    assert!(message.starts_with(start), "{message}");
    for line in [
        "properties.*",
        "properties.bootstrap.servers",
        "json.ignore-parse-errors",
        "topic-pattern",
        "value.format",
    ] {
        assert!(message.lines().any(|supported| supported == line), "{line}\n{message}");
    }
    let line = "scan.watermark.idle-timeout";
    assert!(!message.lines().any(|supported| supported == line), "it is not built\n{message}");
}

#[test]
fn a_format_finds_its_options_under_its_own_prefix() {
    let key = ("key.fields", "id");
    for (changes, is_known) in [
        (&[("json.ignore-parse-errors", "true")][..], true),
        (&[("value.json.ignore-parse-errors", "true")], false),
        (
            &[
                ("format", REMOVED),
                ("value.format", "json"),
                ("value.json.ignore-parse-errors", "true"),
            ],
            true,
        ),
        (
            &[("format", REMOVED), ("value.format", "json"), ("json.ignore-parse-errors", "true")],
            false,
        ),
        // With both, `format` wins and the other's options are nobody's.
        (&[("value.format", "json"), ("json.ignore-parse-errors", "true")], true),
        (&[("value.format", "json"), ("value.json.ignore-parse-errors", "true")], false),
        (&[("key.format", "json"), key, ("key.json.ignore-parse-errors", "true")], true),
        (&[("key.json.ignore-parse-errors", "true")], false),
        (&[("raw.charset", "UTF-8")], false),
        (&[("json.ignore-parse-error", "true")], false),
    ] {
        match create(COLUMNS, changes) {
            Ok(_) => assert!(is_known, "{changes:?}"),
            Err(message) => {
                assert!(
                    !is_known && message.starts_with("Unsupported options found for 'kafka'."),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn a_bad_value_names_its_option_whoever_would_read_it() {
    for (name, value, expected) in [
        (
            "scan.startup.mode",
            "earliest",
            "Invalid value for option 'scan.startup.mode'. Could not parse value for enum 'earliest'. Expected one \
             of: [[earliest-offset, latest-offset, group-offsets, timestamp, specific-offsets]]",
        ),
        (
            "scan.bounded.mode",
            "latest-ofset",
            "Invalid value for option 'scan.bounded.mode'. Could not parse value for enum 'latest-ofset'. Expected one \
             of: [[unbounded, latest-offset, group-offsets, timestamp, specific-offsets]], did you mean \
             \"latest-offset\"?",
        ),
        (
            "scan.startup.timestamp-millis",
            "yesterday",
            "Invalid value 'yesterday' for option 'scan.startup.timestamp-millis': expected a whole number of at least 0.",
        ),
        (
            "scan.startup.specific-offsets",
            "0:42",
            "Invalid properties 'scan.startup.specific-offsets' should follow the format \
             'partition:0,offset:42;partition:1,offset:300', but is '0:42'.",
        ),
        (
            "scan.bounded.specific-offsets",
            "",
            "Invalid properties 'scan.bounded.specific-offsets' should follow the format \
             'partition:0,offset:42;partition:1,offset:300', but is ''.",
        ),
        (
            "scan.parallelism",
            "0",
            "Invalid value '0' for option 'scan.parallelism': expected a whole number of at least 1.",
        ),
        (
            "sink.parallelism",
            "-2",
            "Invalid value '-2' for option 'sink.parallelism': expected a whole number of at least 1.",
        ),
        (
            "scan.topic-partition-discovery.interval",
            "often",
            "Invalid value 'often' for option 'scan.topic-partition-discovery.interval': expected a duration such as \
             '5 min', '100 ms' or 'PT5M'.",
        ),
        (
            "sink.delivery-guarantee",
            "at-most-once",
            "Invalid value for option 'sink.delivery-guarantee'. Could not parse value for enum 'at-most-once'. \
             Expected one of: [[none, at-least-once, exactly-once]], did you mean \"at-least-once\"?",
        ),
        (
            "json.ignore-parse-errors",
            "maybe",
            "Invalid value 'maybe' for option 'json.ignore-parse-errors': expected true or false.",
        ),
    ] {
        assert_eq!(refused(COLUMNS, &[(name, value)]), expected);
    }
}

#[test]
fn topic_and_pattern_exclude_each_other() {
    assert_eq!(
        refused(COLUMNS, &[("topic-pattern", "t.*")]),
        "Option 'topic' and 'topic-pattern' shouldn't be set together."
    );
}

#[test]
fn a_primary_key_needs_a_changelog() {
    assert_eq!(
        refused("id INT, PRIMARY KEY (id) NOT ENFORCED", &[]),
        "The Kafka table 'db.orders' with 'json' format doesn't support defining PRIMARY KEY constraint on the table, \
         because it can't guarantee the semantic of primary key."
    );
}

#[test]
fn key_and_value_options_are_checked_against_the_columns() {
    for (changes, expected) in [
        (
            &[("key.fields", "id")][..],
            "The option 'key.fields' can only be declared if a key format is defined using 'key.format'.",
        ),
        (
            &[("key.format", "json")],
            "A key format 'key.format' requires the declaration of one or more of key fields using 'key.fields'.",
        ),
        (
            &[("key.format", "json"), ("key.fields", "p")],
            "Could not find the field 'p' in the table schema for usage in the key format. A key field must be a \
             regular, physical column. The following columns can be selected in the 'key.fields' option:\n[id, name]",
        ),
        (
            &[("key.fields-prefix", "k_")],
            "A key prefix is not allowed when option 'value.fields-include' is set to 'ALL'. \
             Set it to 'EXCEPT_KEY' instead to avoid field overlaps.",
        ),
    ] {
        assert_eq!(
            refused("id INT, name STRING, p INT METADATA FROM 'partition' VIRTUAL", changes),
            expected
        );
    }
}

#[test]
fn rules_are_checked_in_flinks_order() {
    let everything = &[
        ("color", "red"),
        ("topic-pattern", "t.*"),
        ("sink.parallelism", "0"),
        ("key.fields", "x"),
        ("format", "xml"),
    ][..];
    let columns = "id INT, PRIMARY KEY (id) NOT ENFORCED";
    for (fixed, expected) in [
        (0, "Could not find any factory"),
        (1, "Unsupported options found"),
        (2, "Invalid value '0' for option 'sink.parallelism'"),
        (3, "Option 'topic' and 'topic-pattern'"),
        (4, "The Kafka table 'db.orders' with 'json' format"),
    ] {
        let order = ["format", "color", "sink.parallelism", "topic-pattern"];
        let mut changes = everything.to_vec();
        changes.retain(|(name, _)| !order.iter().take(fixed).any(|gone| gone == name));
        let message = refused(columns, &changes);
        assert!(message.starts_with(expected), "{fixed}: {message}");
    }
}

#[test]
fn a_first_use_is_refused_in_flinks_frame_with_secrets_masked() {
    let definition = definition(
        COLUMNS,
        &changed(&[
            ("properties.sasl.jaas.config", "x required password=\"hunter2\";"),
            ("properties.ssl.key.password", "${env:KEY_PASSWORD}"),
        ]),
    );
    let cause = Error::option("the cause");
    let error = in_role(Usage::Read, &definition, cause);
    assert_eq!(
        error.to_string(),
        "Unable to create a source for reading table 'db.orders'.\n\nTable options are:\n\n\
         'connector'='kafka'\n'format'='json'\n'properties.bootstrap.servers'='localhost:1'\n\
         'properties.sasl.jaas.config'='******'\n'properties.ssl.key.password'='${env:KEY_PASSWORD}'\n'topic'='t'"
    );
    assert_eq!(error.source().unwrap().to_string(), "the cause");
    assert_eq!(error.kind(), ErrorKind::Option);
    let error = in_role(Usage::Write, &definition, Error::option("the cause"));
    assert!(
        error.to_string().starts_with("Unable to create a sink for writing table 'db.orders'.")
    );
}

#[test]
fn every_option_that_can_be_given_is_accepted() {
    let everything = &[
        ("format", REMOVED),
        ("value.format", "json"),
        ("value.json.fail-on-missing-field", "true"),
        ("key.format", "raw"),
        ("key.fields", "id"),
        ("key.raw.endianness", "big-endian"),
        ("value.fields-include", "except_key"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.startup.timestamp-millis", "1"),
        ("scan.startup.specific-offsets", "partition:0,offset:1"),
        ("scan.bounded.mode", "latest-offset"),
        ("scan.bounded.timestamp-millis", "1"),
        ("scan.bounded.specific-offsets", "partition:0,offset:1"),
        ("scan.topic-partition-discovery.interval", "1 min"),
        ("scan.parallelism", "4"),
        ("sink.partitioner", "fixed"),
        ("sink.parallelism", "2"),
        ("sink.delivery-guarantee", "none"),
        ("sink.semantic", "none"),
        ("sink.transactional-id-prefix", "p"),
        ("sink.transaction-naming-strategy", "pooling"),
    ];
    let table = create(COLUMNS, everything).unwrap();
    assert_eq!((table.scan_parallelism(), table.sink_parallelism()), (Some(4), Some(2)));
}

#[test]
fn a_format_is_asked_about_its_columns_when_the_table_is_created() {
    assert!(create("p INT METADATA FROM 'partition' VIRTUAL", &[]).is_ok());
    assert!(
        create("line STRING, o BIGINT METADATA FROM 'offset' VIRTUAL", &[("format", "raw")])
            .is_ok()
    );
    assert_eq!(
        refused(COLUMNS, &[("format", "raw")]),
        "The 'raw' format only supports single physical column. \
         However the defined schema contains multiple physical columns: [id, name]"
    );
    let message = refused("m MAP<INT, STRING>", &[]);
    assert!(
        message.starts_with("JSON format doesn't support non-string as key type of map."),
        "{message}"
    );
}

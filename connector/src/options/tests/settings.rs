//! What a scan and a sink are told by their options.

use std::time::Duration;

use super::*;
use crate::sink::SinkPartitioner;
use crate::source::{BoundedMode, StartupMode};

#[test]
fn startup_modes_need_what_belongs_to_them() {
    for (changes, expected) in [
        (
            &[("scan.startup.mode", "timestamp")][..],
            "'scan.startup.timestamp-millis' is required in 'timestamp' startup mode but missing.",
        ),
        (
            &[("scan.startup.mode", "specific-offsets")],
            "'scan.startup.specific-offsets' is required in 'specific-offsets' startup mode but missing.",
        ),
        (
            &[
                ("topic", "a;b"),
                ("scan.startup.mode", "specific-offsets"),
                ("scan.startup.specific-offsets", "partition:0,offset:1"),
            ],
            "Currently Kafka source only supports specific offset for single topic.",
        ),
        (
            &[("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "timestamp")],
            "'scan.bounded.timestamp-millis' is required in 'timestamp' bounded mode but missing.",
        ),
        (
            &[("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "specific-offsets")],
            "'scan.bounded.specific-offsets' is required in 'specific-offsets' bounded mode but missing.",
        ),
        (
            &[
                ("topic", "a;b"),
                ("scan.startup.mode", "earliest-offset"),
                ("scan.bounded.mode", "specific-offsets"),
                ("scan.bounded.specific-offsets", "partition:0,offset:1"),
            ],
            "Currently Kafka source only supports specific offset for single topic.",
        ),
        (
            &[],
            "Property group.id is required when using committed offset for offsets initializer: without \
             'scan.startup.mode' reading starts at the offsets of a consumer group. Set 'properties.group.id', or \
             another start such as 'scan.startup.mode' = 'earliest-offset'.",
        ),
        (
            &[("scan.startup.mode", "group-offsets")],
            "Property group.id is required when using committed offset for offsets initializer: 'scan.startup.mode' = \
             'group-offsets' starts at the offsets of a consumer group. Set 'properties.group.id', or another start \
             such as 'scan.startup.mode' = 'earliest-offset'.",
        ),
        (&[("properties.group.id", "g")], "unsupported: scan.startup.mode=group-offsets"),
        (
            &[("properties.group.id", "g"), ("properties.auto.offset.reset", "first")],
            "auto.offset.reset can not be set to first. Valid values: [latest,earliest,none]",
        ),
        (
            &[("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "group-offsets")],
            "Property group.id is required when using committed offset for offsets initializer: 'scan.bounded.mode' = \
             'group-offsets' needs 'properties.group.id'.",
        ),
        (
            &[
                ("scan.startup.mode", "earliest-offset"),
                ("scan.bounded.mode", "group-offsets"),
                ("properties.group.id", "g"),
            ],
            "unsupported: scan.bounded.mode=group-offsets",
        ),
        (
            &[("scan.startup.mode", "earliest-offset"), ("properties.enable.auto.commit", "true")],
            "Property group.id is required when offset commit is enabled",
        ),
        (
            &[
                ("scan.startup.mode", "earliest-offset"),
                ("properties.commit.offsets.on.checkpoint", "TRUE"),
            ],
            "Property group.id is required when offset commit is enabled",
        ),
        (
            &[
                ("scan.startup.mode", "earliest-offset"),
                ("properties.enable.auto.commit", "true"),
                ("properties.group.id", "g"),
            ],
            "unsupported: properties.enable.auto.commit=true",
        ),
    ] {
        assert_eq!(source(changes, false).unwrap_err().to_string(), expected);
    }
}

#[test]
fn new_partitions_are_looked_for_while_a_read_has_no_end() {
    let start = ("scan.startup.mode", "earliest-offset");
    let name = "scan.topic-partition-discovery.interval";
    for (changes, batch_mode, seconds) in [
        (&[start][..], false, Some(300)),
        (&[start, (name, "10 s")], false, Some(10)),
        (&[start, (name, "0")], false, None),
        (&[start, (name, "10 s")], true, None),
        (&[start, (name, "10 s"), ("scan.bounded.mode", "latest-offset")], false, None),
    ] {
        let discovery = source(changes, batch_mode).unwrap().discovery;
        assert_eq!(discovery, seconds.map(Duration::from_secs), "{changes:?}");
    }
}

#[test]
fn startup_and_bounded_modes_are_read() {
    let offsets = |pairs: &[(i32, i64)]| pairs.iter().copied().collect();
    for (changes, batch_mode, startup, bounded) in [
        (
            &[("scan.startup.mode", "EARLIEST-OFFSET")][..],
            false,
            StartupMode::EarliestOffset,
            BoundedMode::Unbounded,
        ),
        (
            &[
                ("scan.startup.mode", "latest-offset"),
                ("scan.topic-partition-discovery.interval", "0"),
            ],
            false,
            StartupMode::LatestOffset,
            BoundedMode::Unbounded,
        ),
        (
            &[("scan.startup.mode", "earliest-offset")],
            true,
            StartupMode::EarliestOffset,
            BoundedMode::LatestOffset,
        ),
        (
            &[
                ("scan.startup.mode", "timestamp"),
                ("scan.startup.timestamp-millis", "1700000000000"),
                ("scan.bounded.mode", "timestamp"),
                ("scan.bounded.timestamp-millis", "1800000000000"),
                ("scan.topic-partition-discovery.interval", "10 s"),
            ],
            true,
            StartupMode::Timestamp(1_700_000_000_000),
            BoundedMode::Timestamp(1_800_000_000_000),
        ),
        (
            &[
                ("scan.startup.mode", "specific-offsets"),
                ("scan.startup.specific-offsets", "partition:0,offset:42;partition:1,offset:300"),
                ("scan.bounded.mode", "specific-offsets"),
                ("scan.bounded.specific-offsets", "partition:0,offset:50"),
                ("properties.group.id", "g"),
            ],
            false,
            StartupMode::SpecificOffsets(offsets(&[(0, 42), (1, 300)])),
            BoundedMode::SpecificOffsets(offsets(&[(0, 50)])),
        ),
        (
            &[("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "unbounded")],
            false,
            StartupMode::EarliestOffset,
            BoundedMode::Unbounded,
        ),
    ] {
        let read = source(changes, batch_mode).unwrap();
        assert_eq!((read.startup, read.bounded), (startup, bounded), "{changes:?}");
    }
}

#[test]
fn sink_options_are_read_and_checked() {
    let settings = |partitioner| Ok(SinkSettings { partitioner });
    use SinkPartitioner as Partitioner;
    let long: &'static str = "x".repeat(64_001).leak();
    for (changes, expected) in [
        (&[][..], settings(Partitioner::Default)),
        (
            &[("sink.partitioner", "fixed"), ("sink.delivery-guarantee", "NONE")],
            settings(Partitioner::Fixed),
        ),
        (&[("sink.partitioner", "round-robin")], settings(Partitioner::RoundRobin)),
        // The old name wins.
        (
            &[("sink.semantic", "at_least_once"), ("sink.delivery-guarantee", "none")],
            settings(Partitioner::Default),
        ),
        (&[("sink.semantic", "none")], settings(Partitioner::Default)),
        (
            &[("sink.partitioner", "round-robin"), ("key.fields", "id")],
            Err("Currently 'round-robin' partitioner only works when option 'key.fields' is not specified.".to_owned()),
        ),
        (&[("sink.partitioner", "")], Err("Option 'sink.partitioner' should be a non-empty string.".to_owned())),
        (
            &[("sink.partitioner", "org.acme.ByRegion")],
            Err("unsupported: sink.partitioner=org.acme.ByRegion: Could not find and instantiate partitioner class \
                 'org.acme.ByRegion'. The partitioners are default, fixed and round-robin."
                .to_owned()),
        ),
        (
            &[("sink.delivery-guarantee", "exactly-once")],
            Err("sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE.".to_owned()),
        ),
        (
            &[("sink.semantic", "exactly-once")],
            Err("sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE.".to_owned()),
        ),
        (
            &[("sink.delivery-guarantee", "exactly-once"), ("sink.transactional-id-prefix", "p")],
            Err("unsupported: sink.delivery-guarantee=exactly-once".to_owned()),
        ),
        (
            &[("sink.delivery-guarantee", "exactly-once"), ("sink.transactional-id-prefix", long)],
            Err("The option 'sink.transactional-id-prefix' is too long: the prefix is too long with 64001 bytes, at \
                 most 64000 are allowed."
                .to_owned()),
        ),
        (
            &[("sink.semantic", "sometimes")],
            Err("Invalid value for option 'sink.semantic'. Could not parse value for enum 'sometimes'. \
                 Expected one of: [[none, at-least-once, exactly-once]]"
                .to_owned()),
        ),
    ] {
        assert_eq!(sink(changes), expected, "{changes:?}");
    }
}

//! Start and stop of every mode, from the answers of an invented cluster.

use super::*;

/// One partition of the invented cluster: the log's first offset, its end, and records as (offset, timestamp).
struct Log {
    start: Offset,
    end: Offset,
    records: &'static [(Offset, i64)],
}

/// Partition 0 has a history with a hole, 1 is empty and fresh, 2 is empty after retention took everything.
const LOGS: [Log; 3] = [
    Log { start: 10, end: 20, records: &[(10, 1_000), (12, 2_000), (15, 1_500), (19, 3_000)] },
    Log { start: 0, end: 0, records: &[] },
    Log { start: 7, end: 7, records: &[] },
];

fn answer(lookups: &[(TopicPartition, OffsetSpec)]) -> Vec<ListedOffset> {
    let offset = |partition: usize, spec| match spec {
        OffsetSpec::Earliest => Some(LOGS[partition].start),
        OffsetSpec::Latest => Some(LOGS[partition].end),
        OffsetSpec::Timestamp(wanted) => LOGS[partition]
            .records
            .iter()
            .find(|(_, timestamp)| *timestamp >= wanted)
            .map(|(offset, _)| *offset),
        _ => panic!("not asked for"),
    };
    lookups
        .iter()
        .map(|(topic_partition, spec)| ListedOffset {
            topic_partition: topic_partition.clone(),
            offset: offset(usize::try_from(topic_partition.partition).unwrap(), *spec),
            timestamp: None,
            leader_epoch: None,
        })
        .collect()
}

fn partitions() -> Vec<LedPartition> {
    [(2, Some(BrokerId(1))), (0, Some(BrokerId(5))), (1, None)]
        .map(|(partition, leader)| (TopicPartition::new("orders", partition), leader))
        .to_vec()
}

fn enumerator(
    startup: &StartupMode,
    bounded: &BoundedMode,
    group: Option<&str>,
) -> Result<Enumerator, String> {
    let subscription = Subscription { startup, bounded, group };
    Enumerator::new(subscription, &partitions()).map_err(|error| error.to_string())
}

fn splits(startup: &StartupMode, bounded: &BoundedMode) -> Vec<String> {
    let mut enumerator = enumerator(startup, bounded, None).unwrap();
    while let Some(lookups) = enumerator.poll_lookup() {
        enumerator.handle_offsets(&answer(&lookups)).unwrap();
    }
    enumerator.splits().iter().map(Split::to_string).collect()
}

fn specific(offsets: &[(i32, Offset)]) -> BTreeMap<i32, Offset> {
    offsets.iter().copied().collect()
}

use std::collections::BTreeMap;

#[test]
fn every_startup_mode_has_its_offsets() {
    let all = |offsets: &[(i32, Offset)]| StartupMode::SpecificOffsets(specific(offsets));
    for (startup, expected) in [
        (StartupMode::EarliestOffset, [10, 0, 7]),
        (StartupMode::LatestOffset, [20, 0, 7]),
        // The first record at or after the time, not the one with the next greater timestamp.
        (StartupMode::Timestamp(0), [10, 0, 7]),
        (StartupMode::Timestamp(1_000), [10, 0, 7]),
        (StartupMode::Timestamp(1_001), [12, 0, 7]),
        (StartupMode::Timestamp(3_000), [19, 0, 7]),
        (StartupMode::Timestamp(3_001), [20, 0, 7]),
        (all(&[(0, 12), (1, 3)]), [12, 3, 7]),
        (all(&[(0, -1), (1, -2), (2, 0)]), [20, 0, 0]),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .enumerate()
            .map(|(partition, start)| format!("orders-{partition} {start}.."))
            .collect();
        assert_eq!(splits(&startup, &BoundedMode::Unbounded), expected, "{startup:?}");
    }
}

#[test]
fn every_bounded_mode_has_its_offsets() {
    let all = |offsets: &[(i32, Offset)]| BoundedMode::SpecificOffsets(specific(offsets));
    for (bounded, expected) in [
        (BoundedMode::LatestOffset, &["orders-0 10..20", "orders-1 0..0", "orders-2 7..7"][..]),
        (BoundedMode::Timestamp(0), &["orders-0 10..10", "orders-1 0..0", "orders-2 7..7"]),
        (BoundedMode::Timestamp(2_000), &["orders-0 10..12", "orders-1 0..0", "orders-2 7..7"]),
        (BoundedMode::Timestamp(3_000), &["orders-0 10..19", "orders-1 0..0", "orders-2 7..7"]),
        (BoundedMode::Timestamp(9_000), &["orders-0 10..20", "orders-1 0..0", "orders-2 7..7"]),
        (all(&[(0, 15), (2, -1)]), &["orders-0 10..15", "orders-2 7..7"]),
        (all(&[(1, 100)]), &["orders-1 0..100"]),
    ] {
        assert_eq!(splits(&StartupMode::EarliestOffset, &bounded), expected, "{bounded:?}");
    }
}

#[test]
fn a_start_beyond_its_stop_is_an_empty_split() {
    let startup = StartupMode::SpecificOffsets(specific(&[(0, 18)]));
    let mut enumerator = enumerator(&startup, &BoundedMode::Timestamp(2_000), None).unwrap();
    while let Some(lookups) = enumerator.poll_lookup() {
        enumerator.handle_offsets(&answer(&lookups)).unwrap();
    }
    let splits = enumerator.splits();
    assert_eq!(splits[0].to_string(), "orders-0 18..12");
    assert!(splits.iter().all(Split::is_empty));
}

/// What is asked, in rounds: the kind of each lookup by partition.
fn rounds(startup: &StartupMode, bounded: &BoundedMode) -> Vec<Vec<(i32, OffsetSpec)>> {
    let mut enumerator = enumerator(startup, bounded, None).unwrap();
    let mut rounds = Vec::new();
    while let Some(lookups) = enumerator.poll_lookup() {
        enumerator.handle_offsets(&answer(&lookups)).unwrap();
        rounds.push(lookups.iter().map(|(partition, spec)| (partition.partition, *spec)).collect());
    }
    rounds
}

#[test]
fn log_ends_are_looked_up_before_timestamps_and_each_round_covers_every_partition() {
    let round = |spec| vec![(0, spec), (1, spec), (2, spec)];
    assert_eq!(
        rounds(&StartupMode::Timestamp(1), &BoundedMode::Timestamp(2)),
        [
            round(OffsetSpec::Latest),
            round(OffsetSpec::Timestamp(1)),
            round(OffsetSpec::Timestamp(2))
        ]
    );
    assert_eq!(
        rounds(&StartupMode::EarliestOffset, &BoundedMode::LatestOffset),
        [round(OffsetSpec::Latest), round(OffsetSpec::Earliest)]
    );
    assert_eq!(
        rounds(&StartupMode::LatestOffset, &BoundedMode::Unbounded),
        [round(OffsetSpec::Latest)]
    );
    let startup = StartupMode::SpecificOffsets(specific(&[(0, 1), (1, 1), (2, 1)]));
    let nothing: [Vec<(i32, OffsetSpec)>; 0] = [];
    assert_eq!(rounds(&startup, &BoundedMode::Unbounded), nothing);
}

#[test]
fn a_record_written_between_the_lookups_is_read_rather_than_missed() {
    let mut enumerator =
        enumerator(&StartupMode::Timestamp(5_000), &BoundedMode::Unbounded, None).unwrap();
    let ends = enumerator.poll_lookup().unwrap();
    enumerator.handle_offsets(&answer(&ends)).unwrap();
    // Had the end been read now, it would already be behind a record with a timestamp of 5,000 or later.
    let starts = enumerator.poll_lookup().unwrap();
    enumerator.handle_offsets(&answer(&starts)).unwrap();
    assert_eq!(enumerator.splits()[0].start, 20);
}

#[test]
fn a_listed_partition_that_does_not_exist_is_named_with_those_that_do() {
    let startup = StartupMode::SpecificOffsets(specific(&[(0, 1), (7, 1)]));
    assert_eq!(
        enumerator(&startup, &BoundedMode::Unbounded, None).unwrap_err(),
        "Option 'scan.startup.specific-offsets' lists partition 7, which topic 'orders' does not have. \
         Its partitions are 2, 0, 1."
    );
    let bounded = BoundedMode::SpecificOffsets(specific(&[(3, 1)]));
    assert_eq!(
        enumerator(&StartupMode::EarliestOffset, &bounded, None).unwrap_err(),
        "Option 'scan.bounded.specific-offsets' lists partition 3, which topic 'orders' does not have. \
         Its partitions are 2, 0, 1."
    );
    for (existing, expected) in [
        (&[][..], "It has no partitions."),
        (&[0], "Its only partition is 0."),
        (&[0, 1], "Its partitions are 0, 1."),
        (&[0, 1, 2, 3], "Its partitions are 0 to 3."),
        (&[0, 2, 5], "Its partitions are 0, 2, 5."),
    ] {
        assert_eq!(partitions_text(existing), expected);
    }
}

#[test]
fn an_offset_without_a_meaning_here_is_refused() {
    let start = |offset| StartupMode::SpecificOffsets(specific(&[(0, offset), (1, 0), (2, 0)]));
    let stop = |offset| BoundedMode::SpecificOffsets(specific(&[(0, offset)]));
    let group = Some("billing");
    for (startup, bounded, group, expected) in [
        (
            start(-4),
            BoundedMode::Unbounded,
            None,
            "Invalid starting offset -4 of partition orders-0",
        ),
        (
            start(-3),
            BoundedMode::Unbounded,
            None,
            "Property group.id is required because partition orders-0 is initialized with committed offset",
        ),
        (
            start(-3),
            BoundedMode::Unbounded,
            group,
            "unsupported: scan.startup.specific-offsets=partition:0,offset:-3",
        ),
        (
            StartupMode::EarliestOffset,
            stop(-2),
            None,
            "Invalid stopping offset -2 of partition orders-0",
        ),
        (
            StartupMode::EarliestOffset,
            stop(-3),
            None,
            "Property group.id is required because partition orders-0 stops at committed offset",
        ),
        (
            StartupMode::EarliestOffset,
            stop(-3),
            group,
            "unsupported: scan.bounded.specific-offsets=partition:0,offset:-3",
        ),
        (
            StartupMode::SpecificOffsets(specific(&[(0, 0), (2, 0)])),
            BoundedMode::Unbounded,
            group,
            "unsupported: scan.startup.mode=specific-offsets with partition orders-1 not listed, which starts at the \
             committed offset of group 'billing'. List it in 'scan.startup.specific-offsets' (-2 is its earliest \
             offset), or remove 'properties.group.id'",
        ),
    ] {
        assert_eq!(enumerator(&startup, &bounded, group).unwrap_err(), expected);
    }
}

#[test]
fn an_unlisted_partition_that_is_not_read_needs_no_start() {
    let startup = StartupMode::SpecificOffsets(specific(&[(0, 11)]));
    let bounded = BoundedMode::SpecificOffsets(specific(&[(0, 15)]));
    let enumerator = enumerator(&startup, &bounded, Some("billing")).unwrap();
    assert_eq!(enumerator.poll_lookup(), None);
    assert_eq!(
        enumerator.splits().iter().map(Split::to_string).collect::<Vec<_>>(),
        ["orders-0 11..15"]
    );
}

#[test]
fn an_answer_that_lacks_a_partition_is_an_error() {
    let mut enumerator =
        enumerator(&StartupMode::EarliestOffset, &BoundedMode::LatestOffset, None).unwrap();
    let lookups = enumerator.poll_lookup().unwrap();
    let error = enumerator.handle_offsets(&answer(&lookups[..2])).unwrap_err();
    assert_eq!(error.to_string(), "ListOffsets was answered without an offset for orders-2");
    let mut answers = answer(&lookups);
    answers[0].offset = None;
    let error = enumerator.handle_offsets(&answers).unwrap_err();
    assert_eq!(error.to_string(), "ListOffsets was answered without an offset for orders-0");
}

#[test]
fn splits_of_several_topics_come_in_the_order_of_their_names() {
    let subscription = Subscription {
        startup: &StartupMode::EarliestOffset,
        bounded: &BoundedMode::LatestOffset,
        group: None,
    };
    let found = [("b", 1), ("a", 2), ("b", 0), ("a", 0)];
    let found = found.map(|(topic, partition)| (TopicPartition::new(topic, partition), None));
    let mut enumerator = Enumerator::new(subscription, &found).unwrap();
    while let Some(lookups) = enumerator.poll_lookup() {
        assert_eq!(lookups.len(), 4, "each kind of lookup is about all of them at once");
        enumerator.handle_offsets(&answer(&lookups)).unwrap();
    }
    assert_eq!(
        enumerator.splits().iter().map(Split::to_string).collect::<Vec<_>>(),
        ["a-0 10..20", "a-2 7..7", "b-0 10..20", "b-1 0..0"]
    );
}

#[test]
fn without_a_partition_there_are_no_splits_and_nothing_is_asked() {
    let (startup, bounded) = (StartupMode::LatestOffset, BoundedMode::LatestOffset);
    let subscription = Subscription { startup: &startup, bounded: &bounded, group: None };
    let enumerator = Enumerator::new(subscription, &[]).unwrap();
    assert_eq!(enumerator.poll_lookup(), None);
    assert!(enumerator.splits().is_empty());
}

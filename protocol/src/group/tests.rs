use std::sync::Arc;

use super::*;
use crate::{allocations::peak_allocation, ids::GenerationId};

fn subscription() -> Subscription {
    Subscription {
        topics: vec!["orders".into(), "users".into()],
        user_data: Some(Bytes::from_static(b"sticky")),
        owned_partitions: vec![TopicPartition::new("orders", 1), TopicPartition::new("users", 0)],
        generation_id: Some(GenerationId(7)),
        rack_id: Some("east".to_owned()),
    }
}

fn assignment() -> Assignment {
    let partitions = [("orders", 3), ("users", 0), ("orders", 1)];
    let partitions = partitions.map(|(topic, partition)| TopicPartition::new(topic, partition));
    Assignment { partitions: partitions.to_vec(), user_data: None }
}

/// The same bytes as another version.
fn with_version(bytes: &[u8], version: i16) -> Bytes {
    [&version.to_be_bytes()[..], &bytes[2..]].concat().into()
}

#[test]
fn a_version_has_the_fields_that_it_came_with() {
    let full = subscription();
    let without_rack = Subscription { rack_id: None, ..full.clone() };
    let without_generation = Subscription { generation_id: None, ..without_rack.clone() };
    let oldest = Subscription { owned_partitions: Vec::new(), ..without_generation.clone() };
    for (version, expected) in (0..).zip([oldest, without_generation, without_rack, full.clone()]) {
        let written = full.encode(version).unwrap();
        assert_eq!(written[..2], version.to_be_bytes());
        assert_eq!(Subscription::decode(written), Ok(expected), "version {version}");
    }
}

#[test]
fn a_newer_version_is_read_as_the_newest_known() {
    let future = |bytes: Bytes| with_version(&[&bytes[..], b"what will be"].concat(), i16::MAX);
    let newest = subscription().encode(3).unwrap();
    assert_eq!(Subscription::decode(future(newest)), Ok(subscription()));
    let newest = assignment().encode(3).unwrap();
    let read = Assignment::decode(future(newest)).unwrap();
    assert_eq!(read.partitions.len(), 3);
}

#[test]
fn a_version_below_0_is_an_error_and_one_not_known_is_not_written() {
    let negative = |field, value| DecodeError::Value { field, value };
    let bytes = with_version(&subscription().encode(3).unwrap(), -1);
    assert_eq!(Subscription::decode(bytes), Err(negative("subscription version", -1)));
    let bytes = with_version(&assignment().encode(3).unwrap(), i16::MIN);
    assert_eq!(Assignment::decode(bytes), Err(negative("assignment version", -32_768)));
    for version in [-1, 4] {
        let what = "consumer protocol version";
        let refused = EncodeError::Unsupported { what, value: version.into() };
        assert_eq!(subscription().encode(version), Err(refused.clone()));
        assert_eq!(assignment().encode(version), Err(refused));
    }
}

#[test]
fn a_subscription_has_the_same_bytes_whatever_its_order() {
    let mut turned = subscription();
    turned.topics.reverse();
    turned.owned_partitions.reverse();
    assert_eq!(turned.encode(3), subscription().encode(3));
}

#[test]
fn assigned_partitions_keep_their_order_within_a_topic() {
    let read = Assignment::decode(assignment().encode(0).unwrap()).unwrap();
    let read: Vec<_> = read.partitions.iter().map(TopicPartition::to_string).collect();
    assert_eq!(read, ["orders-3", "orders-1", "users-0"]);
}

#[test]
fn an_empty_rack_is_none() {
    let written = Subscription { rack_id: Some(String::new()), ..subscription() }.encode(3);
    assert_eq!(Subscription::decode(written.unwrap()).unwrap().rack_id, None);
}

#[test]
fn names_share_their_topic() {
    let read = Assignment::decode(assignment().encode(3).unwrap()).unwrap();
    assert!(Arc::ptr_eq(&read.partitions[0].topic, &read.partitions[1].topic));
}

/// Counts and lengths that cannot be, in the place of one that can.
#[test]
fn a_count_that_cannot_be_is_named_and_reserves_nothing() {
    let bytes = subscription().encode(3).unwrap();
    let owned = 2 + 4 + 8 + 7 + 4 + 6;
    for (place, array) in [(2, "topics"), (owned, "owned partitions"), (owned + 12, "partitions")] {
        for count in [i32::MAX, 1 << 20, -2] {
            let mut hostile = bytes.to_vec();
            hostile[place..place + 4].copy_from_slice(&count.to_be_bytes());
            let (read, peak) = peak_allocation(|| Subscription::decode(hostile.into()));
            let Err(DecodeError::Count { field, count: declared, .. }) = read else {
                panic!("{count} {array}: {read:?}");
            };
            assert_eq!((field, declared), (array, count.into()));
            assert!(peak < 512, "{count} {array}: {peak} bytes");
        }
        let mut null = bytes.to_vec();
        null[place..place + 4].fill(0xff);
        assert_eq!(Subscription::decode(null.into()), Err(DecodeError::Null { field: array }));
    }
}

/// A count that the bytes could hold, were they all its elements.
#[test]
fn a_promise_that_is_not_kept_reserves_nothing() {
    let promised = 50_000_i32;
    let mut bytes = [&[0, 3][..], &promised.to_be_bytes(), &[0; 10]].concat();
    bytes.extend([0xff; 200_000]);
    let (read, peak) = peak_allocation(|| Subscription::decode(bytes.clone().into()));
    assert_eq!(read, Err(DecodeError::Null { field: "topic" }));
    // The bytes themselves.
    assert!(peak < 201_000, "{peak} bytes");
    let (read, peak) = peak_allocation(|| Assignment::decode(bytes.into()));
    assert!(read.is_err());
    assert!(peak < 201_000, "{peak} bytes");
}

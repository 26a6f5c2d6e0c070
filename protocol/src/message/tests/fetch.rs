//! The Fetch walker against the generated encoder.

use bytes::Bytes;
use kafka_protocol::messages::{FetchRequest, FetchResponse as Generated};
use uuid::Uuid;

use super::{SMALL, answer, largest_allocation, samples, versions};
use crate::{
    error::DecodeError,
    error_code::ErrorCode,
    ids::{BrokerId, LeaderEpoch, ProducerId, TopicId},
    message::{FetchResponse, FetchedPartition, FetchedTopic},
    record::AbortedTransactions,
};

fn walk(answer: &[u8], version: i16) -> Result<Vec<FetchedPartition>, DecodeError> {
    FetchResponse::parse(Bytes::copy_from_slice(answer), version)?.partitions().collect()
}

#[test]
fn what_the_generated_encoder_writes_is_walked_whole() {
    for version in versions::<FetchRequest>() {
        let bytes = Bytes::from(answer::<FetchRequest>(&samples::fetch(version), version));
        let response = FetchResponse::parse(bytes.clone(), version).unwrap();
        assert_eq!(response.throttle().as_millis(), 25, "version {version}");
        let error = (version >= 7).then_some(ErrorCode::FetchSessionIdNotFound);
        assert_eq!(response.error(), error);
        assert_eq!(response.session_id(), if version >= 7 { 77 } else { 0 });
        let partitions: Vec<_> = response.partitions().map(Result::unwrap).collect();
        let places: Vec<_> = partitions.iter().map(|p| (p.topic.clone(), p.partition)).collect();
        let topic = |name, id| match version {
            ..13 => FetchedTopic::Name(samples::text(name)),
            _ => FetchedTopic::Id(TopicId(Uuid::from_u128(id))),
        };
        let (orders, users) = (topic("orders", 1), topic("users", 2));
        assert_eq!(places, [(orders.clone(), 0), (orders, 1), (users, 5)]);
        check_full_partition(&partitions[0], version);
        check_records_are_slices(&partitions, &bytes);
        check_empty_partition(&partitions[2]);
    }
}

fn check_full_partition(partition: &FetchedPartition, version: i16) {
    assert_eq!(partition.error, Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(partition.high_watermark, Some(1000));
    assert_eq!(partition.last_stable_offset, Some(990));
    assert_eq!(partition.log_start_offset, (version >= 5).then_some(3));
    let aborted = [(ProducerId(8), 20), (ProducerId(9), 30)];
    assert_eq!(partition.aborted_transactions, AbortedTransactions::from_iter(aborted));
    assert_eq!(partition.preferred_read_replica, (version >= 11).then_some(BrokerId(4)));
    let leader = (version >= 12).then_some((BrokerId(2), LeaderEpoch(6)));
    assert_eq!(partition.current_leader, leader);
    assert_eq!(partition.diverging_epoch, (version >= 12).then_some((LeaderEpoch(2), 5)));
    assert_eq!(partition.records, &b"records of orders-0"[..]);
}

fn check_records_are_slices(partitions: &[FetchedPartition], answer: &Bytes) {
    for partition in partitions.iter().filter(|partition| !partition.records.is_empty()) {
        assert!(answer.as_ptr_range().contains(&partition.records.as_ptr()));
    }
}

fn check_empty_partition(partition: &FetchedPartition) {
    assert_eq!(partition.error, None);
    assert_eq!(partition.high_watermark, None);
    assert_eq!(partition.last_stable_offset, None);
    assert!(partition.aborted_transactions.is_empty());
    assert_eq!((partition.current_leader, partition.diverging_epoch), (None, None));
    assert!(partition.records.is_empty());
}

#[test]
fn every_truncation_and_a_byte_too_many_are_errors() {
    for version in versions::<FetchRequest>() {
        let answer = answer::<FetchRequest>(&samples::fetch(version), version);
        for length in 0..answer.len() {
            let cut = walk(&answer[..length], version);
            assert!(cut.is_err(), "version {version} cut to {length} bytes");
        }
        let longer = walk(&[&answer[..], &[0]].concat(), version);
        assert_eq!(longer.unwrap_err(), DecodeError::Trailing { field: "Fetch answer", bytes: 1 });
    }
}

#[test]
fn a_hostile_count_reserves_nothing_wherever_it_stands() {
    for version in versions::<FetchRequest>() {
        let answer = answer::<FetchRequest>(&samples::fetch(version), version);
        for place in 4..answer.len() - 4 {
            for (count, replaced) in [
                (&i32::MAX.to_be_bytes()[..], 4),
                (&[0xff; 4], 4),
                (&[0xff, 0xff, 0xff, 0xff, 0x0f], 1),
            ] {
                let hostile = [&answer[..place], count, &answer[place + replaced..]].concat();
                let (_, largest) = largest_allocation(|| walk(&hostile, version));
                assert!(largest < SMALL, "version {version}, byte {place}: {largest} bytes");
            }
        }
    }
}

#[test]
fn a_hostile_count_of_topics_is_named() {
    let empty = Generated::default();
    let mut fixed = answer::<FetchRequest>(&empty, 11);
    let count = fixed.len() - 4;
    fixed[count..].copy_from_slice(&i32::MAX.to_be_bytes());
    let refused = DecodeError::Count { field: "topics", count: i32::MAX.into(), limit: 0 };
    assert_eq!(walk(&fixed, 11).unwrap_err(), refused);
    let mut flexible = answer::<FetchRequest>(&empty, 12);
    let count = flexible.len() - 2;
    flexible.splice(count..=count, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    let refused = DecodeError::Count { field: "topics", count: 4_294_967_294, limit: 0 };
    assert_eq!(walk(&flexible, 12).unwrap_err(), refused);
}

#[test]
fn nothing_follows_an_error() {
    let answer = answer::<FetchRequest>(&samples::fetch(11), 11);
    let cut = Bytes::copy_from_slice(&answer[..answer.len() - 1]);
    let partitions: Vec<_> = FetchResponse::parse(cut, 11).unwrap().partitions().collect();
    assert_eq!(partitions.len(), 3);
    assert!(partitions[..2].iter().all(Result::is_ok) && partitions[2].is_err());
}

#[test]
fn a_version_that_is_not_spoken_is_refused() {
    for version in [3, 19] {
        let refused = DecodeError::Unsupported { what: "Fetch version", value: version.into() };
        assert_eq!(walk(&[0; 64], version).unwrap_err(), refused);
    }
}

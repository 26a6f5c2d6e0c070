use kavka_protocol::{Compression, RecordBatchHeader, TimestampType};

use super::*;
use crate::testing::{batch, batch_of, batch_of_size, offsets};

const EPOCH: LeaderEpoch = LeaderEpoch(3);

fn accepted(batch: &Bytes) -> Accepted {
    let batch = Batches::new(batch.clone()).next().unwrap().unwrap();
    let max_timestamp = batch.max_timestamp();
    Accepted { batch, timestamp_type: TimestampType::CreateTime, max_timestamp }
}

fn append(log: &mut PartitionLog, batch: &Bytes) -> Appended {
    log.append(&accepted(batch), EPOCH).unwrap()
}

fn log_of(batches: &[Bytes]) -> PartitionLog {
    let mut log = PartitionLog::default();
    for batch in batches {
        append(&mut log, batch);
    }
    log
}

fn read(log: &PartitionLog, offset: Offset, limit: usize, at_least_one: bool) -> Vec<Offset> {
    offsets(&Bytes::from(log.read(offset, limit, at_least_one).concat()))
}

#[test]
fn batches_get_the_next_offsets_and_the_epoch_and_keep_their_checksum() {
    let log = log_of(&[batch(3), batch(1), batch(2)]);
    assert_eq!((log.start(), log.end()), (0, 6));
    let stored = log.read(0, usize::MAX, true);
    let bases = stored.iter().map(|batch| RecordBatchHeader::parse(batch).unwrap().base_offset);
    assert_eq!(bases.collect::<Vec<_>>(), [0, 3, 4]);
    for batch in &stored {
        let batch = Batches::new(batch.clone()).next().unwrap().unwrap();
        assert_eq!(batch.leader_epoch(), Some(EPOCH));
        assert_eq!(batch.check_crc(), Ok(()));
    }
}

#[test]
fn reading_starts_with_the_batch_that_holds_the_offset() {
    let log = log_of(&[batch(3), batch(1), batch(2)]);
    for (offset, expected) in [
        (0, &[0, 1, 2, 3, 4, 5][..]),
        (1, &[0, 1, 2, 3, 4, 5]),
        (3, &[3, 4, 5]),
        (5, &[4, 5]),
        (6, &[]),
    ] {
        assert_eq!(read(&log, offset, usize::MAX, false), expected, "from {offset}");
    }
}

#[test]
fn reading_stops_at_the_limit_in_the_middle_of_a_batch_but_never_of_the_first() {
    let log = log_of(&[batch(3), batch(3), batch(3)]);
    let size = batch(3).len();
    for (limit, at_least_one, expected) in [
        (0, false, 0),
        (0, true, size),
        (size - 1, false, 0),
        (size - 1, true, size),
        (size, false, size),
        (size + 1, false, size + 1),
        (2 * size - 1, true, 2 * size - 1),
        (2 * size, true, 2 * size),
        (usize::MAX, true, 3 * size),
    ] {
        let records = log.read(0, limit, at_least_one).concat();
        assert_eq!(records.len(), expected, "{limit} {at_least_one}");
        // What is cut off is no record to anybody.
        assert_eq!(offsets(&records.into()).len(), expected / size * 3, "{limit} {at_least_one}");
    }
}

#[test]
fn a_record_is_found_by_its_time_in_every_codec() {
    for codec in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        // Times within a batch need not rise.
        let log = log_of(&[
            batch_of(&[100, 300, 200], codec, None),
            batch_of(&[150, 160], codec, None),
            batch_of(&[400, 400, 350], codec, None),
        ]);
        let find = |time| {
            let found = log.find_timestamp(time, &mut Decompressor::default()).unwrap();
            found.map(|found| (found.offset, found.timestamp, found.leader_epoch))
        };
        for (time, expected) in [
            (0, Some((0, 100, Some(EPOCH)))),
            (100, Some((0, 100, Some(EPOCH)))),
            (101, Some((1, 300, Some(EPOCH)))),
            (300, Some((1, 300, Some(EPOCH)))),
            (301, Some((5, 400, Some(EPOCH)))),
            (400, Some((5, 400, Some(EPOCH)))),
            (401, None),
        ] {
            assert_eq!(find(time), expected, "{codec}, time {time}");
        }
    }
}

#[test]
fn records_that_were_deleted_are_not_found_by_their_time() {
    let mut log = log_of(&[batch_of(&[100, 200, 300], Compression::None, None)]);
    log.delete_before(1);
    let found = log.find_timestamp(50, &mut Decompressor::default()).unwrap();
    assert_eq!(found.map(|found| found.offset), Some(1));
}

#[test]
fn the_greatest_time_is_found_where_it_comes_first() {
    let log = log_of(&[
        batch_of(&[100, 900], Compression::None, None),
        batch_of(&[900, 200], Compression::None, None),
    ]);
    let found = log.find_max_timestamp(&mut Decompressor::default()).unwrap();
    assert_eq!(found.map(|found| (found.offset, found.timestamp)), Some((1, 900)));
    let empty = PartitionLog::default().find_max_timestamp(&mut Decompressor::default());
    assert_eq!(empty, Ok(None));
}

#[test]
fn the_time_of_the_append_replaces_those_of_the_records() {
    let mut log = PartitionLog::default();
    let batch = accepted(&batch_of(&[100, 200], Compression::Lz4, None));
    let timestamp_type = TimestampType::LogAppendTime;
    let batch = Accepted { timestamp_type, max_timestamp: Some(5000), ..batch };
    log.append(&batch, EPOCH).unwrap();
    let found = log.find_timestamp(4000, &mut Decompressor::default()).unwrap();
    assert_eq!(found.map(|found| (found.offset, found.timestamp)), Some((0, 5000)));
    let stored = Batches::new(log.read(0, usize::MAX, true).remove(0)).next().unwrap().unwrap();
    assert_eq!(stored.check_crc(), Ok(()));
}

#[test]
fn memory_grows_with_the_log_and_is_freed_by_segment() {
    let mut log = PartitionLog::default();
    let mut opened = Vec::new();
    for _ in 0..300 {
        let appended = append(&mut log, &batch_of_size(10_000));
        opened.extend(appended.opened.map(|size| (appended.base_offset, size)));
    }
    assert_eq!(log.allocated(), opened.iter().map(|(_, size)| size).sum::<usize>());
    assert!(log.allocated() < 2 * 300 * 10_000);
    assert_eq!(opened[0], (0, SMALLEST_SEGMENT));
    assert!(opened.iter().all(|(_, size)| *size <= LARGEST_SEGMENT));
    for (index, (base_offset, size)) in opened.iter().enumerate() {
        assert_eq!(log.drop_segment(base_offset + 1), 0, "not where a segment begins");
        assert_eq!(log.drop_segment(*base_offset), *size);
        let next = opened.get(index + 1).map_or(log.end(), |(next, _)| *next);
        assert_eq!(log.start(), next);
    }
    assert_eq!(log.allocated(), 0);
    assert_eq!(append(&mut log, &batch(1)).base_offset, 300);
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own() {
    let mut log = log_of(&[batch(1)]);
    let large = batch_of_size(3 * LARGEST_SEGMENT);
    assert_eq!(append(&mut log, &large).opened, Some(large.len()));
    assert_eq!(read(&log, 1, 10, true), [1]);
}

#[test]
fn deleting_frees_only_what_lies_wholly_before() {
    let mut log = log_of(&[batch_of_size(15_000), batch_of_size(15_000), batch(4)]);
    assert_eq!(log.delete_before(0), 0);
    assert_eq!(log.delete_before(1), SMALLEST_SEGMENT);
    assert_eq!((log.start(), read(&log, 1, usize::MAX, true)), (1, vec![1, 2, 3, 4, 5]));
    assert_eq!(log.delete_before(4), 0);
    assert_eq!(log.start(), 4);
    assert_eq!(log.delete_before(2), 0);
    assert_eq!(log.start(), 4, "the start never goes back");
    log.delete_before(1000);
    assert_eq!((log.start(), log.end(), log.allocated()), (6, 6, 0));
}

#[test]
fn what_is_cut_off_goes_by_whole_batches_and_frees_whole_segments() {
    let sizes = [batch(5), batch_of_size(15_000), batch_of_size(15_000), batch(4)];
    for (end, expected) in
        [(15, 11), (11, 11), (10, 7), (7, 7), (8, 7), (6, 6), (5, 5), (3, 0), (0, 0)]
    {
        let mut log = log_of(&sizes);
        let allocated = log.allocated();
        let freed = log.truncate(end);
        let all: Vec<_> = (0..expected).collect();
        assert_eq!((log.end(), read(&log, 0, usize::MAX, true)), (expected, all), "at {end}");
        assert_eq!(log.allocated(), allocated - freed);
        assert_eq!(append(&mut log, &batch(1)).base_offset, expected);
    }
    let mut log = log_of(&[batch(5)]);
    log.delete_before(2);
    log.truncate(1);
    assert_eq!((log.start(), log.end(), log.allocated()), (2, 2, 0));
}

#[test]
fn trimming_keeps_as_much_as_was_asked_for() {
    let mut log = log_of(&vec![batch_of_size(16_000); 20]);
    let allocated = log.allocated();
    let freed = log.trim(64_000);
    assert_eq!(log.allocated(), allocated - freed);
    assert!(log.size() >= 64_000 && log.start() > 0);
    log.trim(0);
    assert!(log.end() > log.start(), "the newest segment stays");
}

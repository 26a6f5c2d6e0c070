//! What a reader sees, and a naive model of it.

use super::*;
use crate::{
    compression::Decompressor,
    record::{
        EndTransactionMarker, RecordBatchHeader,
        testing::{Writer, batch_of, header, logged, marker},
    },
};

const ABORT: EndTransactionMarker =
    EndTransactionMarker { control_type: ControlType::Abort, coordinator_epoch: 3 };
const COMMIT: EndTransactionMarker =
    EndTransactionMarker { control_type: ControlType::Commit, coordinator_epoch: 3 };

fn seen(visible: &mut VisibleBatches) -> Vec<Offset> {
    let mut decompressor = Decompressor::new();
    let mut offsets = Vec::new();
    for batch in visible {
        let body = batch.unwrap().body(&mut decompressor).unwrap();
        offsets.extend(body.records().map(|record| record.unwrap().offset()));
    }
    offsets
}

fn committed(log: &[Bytes], from: Offset, aborted: &[(i64, Offset)]) -> (Vec<Offset>, Offset) {
    let aborted = aborted.iter().map(|(id, first)| (ProducerId(*id), *first)).collect();
    let isolation = IsolationLevel::ReadCommitted;
    let mut visible = VisibleBatches::new(log.concat().into(), from, isolation, aborted);
    (seen(&mut visible), visible.next_offset())
}

fn uncommitted(log: &[Bytes], from: Offset) -> (Vec<Offset>, Offset) {
    let aborted = AbortedTransactions::default();
    let isolation = IsolationLevel::ReadUncommitted;
    let mut visible = VisibleBatches::new(log.concat().into(), from, isolation, aborted);
    (seen(&mut visible), visible.next_offset())
}

fn interleaved() -> [Bytes; 8] {
    [
        logged(0, &["a", "b"], Writer::Transactional(1)),
        logged(2, &["c"], Writer::Transactional(2)),
        logged(3, &["d"], Writer::Plain),
        marker(4, ABORT, 1, 0),
        logged(5, &["e"], Writer::Transactional(1)),
        marker(6, COMMIT, 2, 0),
        logged(7, &["f"], Writer::Idempotent(1)),
        marker(8, COMMIT, 1, 0),
    ]
}

#[test]
fn an_aborted_transaction_is_hidden_until_its_marker_and_no_further() {
    assert_eq!(committed(&interleaved(), 0, &[(1, 0)]), (vec![2, 3, 5, 7], 9));
    assert_eq!(committed(&interleaved(), 0, &[]), (vec![0, 1, 2, 3, 5, 7], 9));
    assert_eq!(uncommitted(&interleaved(), 0), (vec![0, 1, 2, 3, 5, 7], 9));
}

#[test]
fn a_producer_may_abort_more_than_once() {
    let log = [
        logged(0, &["a"], Writer::Transactional(1)),
        marker(1, ABORT, 1, 0),
        logged(2, &["b"], Writer::Transactional(1)),
        marker(3, ABORT, 1, 0),
        logged(4, &["c"], Writer::Transactional(1)),
        marker(5, COMMIT, 1, 0),
    ];
    for aborted in [[(1, 0), (1, 2)], [(1, 2), (1, 0)]] {
        assert_eq!(committed(&log, 0, &aborted), (vec![4], 6));
    }
}

#[test]
fn a_second_marker_without_a_transaction_changes_nothing() {
    let log = [
        logged(0, &["a"], Writer::Transactional(1)),
        marker(1, ABORT, 1, 0),
        marker(2, ABORT, 1, 0),
        logged(3, &["b"], Writer::Transactional(1)),
    ];
    assert_eq!(committed(&log, 0, &[(1, 0)]), (vec![3], 4));
}

#[test]
fn an_idempotent_batch_is_never_aborted() {
    let log =
        [logged(0, &["a"], Writer::Idempotent(1)), logged(1, &["b"], Writer::Transactional(1))];
    assert_eq!(committed(&log, 0, &[(1, 0)]), (vec![0], 2));
}

#[test]
fn a_transaction_that_began_before_the_slice_is_hidden() {
    let log = [logged(50, &["a"], Writer::Transactional(1)), marker(51, ABORT, 1, 0)];
    assert_eq!(committed(&log, 50, &[(1, 3)]), (vec![], 52));
}

#[test]
fn a_reader_sees_nothing_below_its_position_but_moves_past_it() {
    for (from, expected) in [(0, vec![0, 1, 2]), (1, vec![1, 2]), (2, vec![2]), (3, vec![])] {
        let log = [logged(0, &["a", "b"], Writer::Plain), logged(2, &["c"], Writer::Plain)];
        assert_eq!(uncommitted(&log, from), (expected, 3), "{from}");
    }
    let log = [logged(0, &["a"], Writer::Plain)];
    assert_eq!(uncommitted(&log, 10), (vec![], 10), "a position never moves back");
}

#[test]
fn an_offset_comes_out_once_even_if_the_log_repeats_it() {
    let log = [
        logged(0, &["a", "b"], Writer::Plain),
        logged(0, &["a", "b"], Writer::Plain),
        logged(1, &["b", "c"], Writer::Plain),
        logged(0, &["a"], Writer::Plain),
    ];
    assert_eq!(uncommitted(&log, 0), (vec![0, 1, 2], 3));
}

#[test]
fn only_batches_with_something_to_see_come_out() {
    let empty = RecordBatchHeader { base_offset: 4, last_offset_delta: 3, ..header(0) };
    let log = [
        logged(0, &["a", "b"], Writer::Plain),
        logged(2, &["c"], Writer::Plain),
        marker(3, COMMIT, 1, 0),
        batch_of(empty, &[]),
    ];
    for (from, expected) in [(0, 2), (1, 2), (2, 1), (3, 0)] {
        let (isolation, aborted) =
            (IsolationLevel::ReadUncommitted, AbortedTransactions::default());
        let visible = VisibleBatches::new(log.concat().into(), from, isolation, aborted);
        assert_eq!(visible.count(), expected, "{from}");
    }
}

#[test]
fn the_position_is_exact_between_batches() {
    let log = interleaved().concat().into();
    let (isolation, aborted) = (IsolationLevel::ReadUncommitted, AbortedTransactions::default());
    let mut visible = VisibleBatches::new(log, 1, isolation, aborted);
    let mut positions = vec![visible.next_offset()];
    while visible.next().is_some() {
        positions.push(visible.next_offset());
    }
    positions.push(visible.next_offset());
    assert_eq!(positions, [1, 2, 3, 4, 6, 8, 9]);
}

#[test]
fn the_position_moves_across_what_holds_no_records() {
    let empty = RecordBatchHeader { base_offset: 1, last_offset_delta: 8, ..header(0) };
    let log = [logged(0, &["a"], Writer::Plain), batch_of(empty, &[]), marker(10, COMMIT, 5, 0)];
    assert_eq!(uncommitted(&log, 0), (vec![0], 11));
    assert_eq!(committed(&log, 1, &[]), (vec![], 11));
    assert_eq!(next_offset_after(&log.concat().into(), 0), Ok(11));
    assert_eq!(next_offset_after(&log.concat().into(), 20), Ok(20));
}

#[test]
fn the_position_stays_before_a_batch_that_is_cut_short() {
    let log = [logged(0, &["a"], Writer::Plain), logged(1, &["b"], Writer::Plain).slice(..70)];
    assert_eq!(uncommitted(&log, 0), (vec![0], 1));
    assert_eq!(next_offset_after(&log.concat().into(), 0), Ok(1));
}

#[test]
fn nothing_comes_after_an_error_and_the_position_stays_before_it() {
    let mut broken = logged(1, &["b"], Writer::Plain).to_vec();
    broken[16] = 3;
    let log = [logged(0, &["a"], Writer::Plain), broken.into(), logged(2, &["c"], Writer::Plain)];
    let (isolation, aborted) = (IsolationLevel::ReadUncommitted, AbortedTransactions::default());
    let mut visible = VisibleBatches::new(log.concat().into(), 0, isolation, aborted);
    assert!(visible.next().unwrap().is_ok());
    assert!(visible.next().unwrap().is_err());
    assert!(visible.next().is_none());
    assert_eq!(visible.next_offset(), 1);
}

#[test]
fn a_damaged_marker_is_an_error_where_it_decides() {
    let mut damaged = marker(1, ABORT, 1, 0).to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let log: [Bytes; 2] = [logged(0, &["a"], Writer::Transactional(1)), damaged.into()];
    let aborted = [(ProducerId(1), 0)].into_iter().collect();
    let isolation = IsolationLevel::ReadCommitted;
    let mut visible = VisibleBatches::new(log.concat().into(), 0, isolation, aborted);
    assert!(matches!(visible.next(), Some(Err(DecodeError::Checksum { .. }))));
}

/// One batch of the generated log.
#[derive(Clone, Copy)]
enum Entry {
    Data { id: i64, offset: Offset },
    End { id: i64, offset: Offset, aborts: bool },
}

/// A log of five producers' transactions, some of which abort; their aborted transactions.
fn generated(random: &mut impl FnMut(u64) -> u64) -> (Vec<Entry>, Vec<(i64, Offset)>) {
    let (mut log, mut aborted, mut open) = (Vec::new(), Vec::new(), [None; 5]);
    for offset in 0..60 {
        let producer = random(5) as usize;
        let id = producer as i64;
        match open[producer] {
            Some(first) if random(3) == 0 => {
                let aborts = random(2) == 0;
                if aborts {
                    aborted.push((id, first));
                }
                open[producer] = None;
                log.push(Entry::End { id, offset, aborts });
            }
            first => {
                open[producer] = first.or(Some(offset));
                log.push(Entry::Data { id, offset });
            }
        }
    }
    (log, aborted)
}

/// A record is visible unless the next marker of its producer aborts it.
fn naive(log: &[Entry]) -> Vec<Offset> {
    let aborts = |from: usize, of: i64| {
        log[from..].iter().find_map(|entry| match entry {
            Entry::End { id, aborts, .. } if *id == of => Some(*aborts),
            _ => None,
        })
    };
    let visible = log.iter().enumerate().filter_map(|(at, entry)| match entry {
        Entry::Data { id, offset } if aborts(at, *id) != Some(true) => Some(*offset),
        _ => None,
    });
    visible.collect()
}

#[test]
fn the_filter_agrees_with_a_naive_model_whatever_the_order_of_the_list() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..200 {
        let (log, mut aborted) = generated(&mut random);
        let bytes: Vec<_> = log
            .iter()
            .map(|entry| match *entry {
                Entry::Data { id, offset } => logged(offset, &["v"], Writer::Transactional(id)),
                Entry::End { id, offset, aborts: true } => marker(offset, ABORT, id, 0),
                Entry::End { id, offset, aborts: false } => marker(offset, COMMIT, id, 0),
            })
            .collect();
        let expected = naive(&log);
        for _ in 0..3 {
            for at in (1..aborted.len()).rev() {
                aborted.swap(at, random(at as u64 + 1) as usize);
            }
            assert_eq!(committed(&bytes, 0, &aborted), (expected.clone(), 60));
        }
    }
}

/// What comes out in parts of at most `limit` records, one after the other.
fn in_parts(mut rest: VisibleBatches, limit: usize) -> Vec<Offset> {
    let mut offsets = Vec::new();
    loop {
        let mut part = rest.split_off_first(limit).unwrap();
        let seen = seen(&mut part);
        assert!(seen.len() <= limit);
        assert_eq!(part.next_offset(), rest.next_offset(), "a part ends where the rest begins");
        let is_over = seen.is_empty();
        offsets.extend(seen);
        if is_over {
            return offsets;
        }
    }
}

#[test]
fn parts_show_what_the_whole_shows_and_end_between_batches() {
    for (isolation, expected) in [
        (IsolationLevel::ReadCommitted, vec![2, 3, 5, 7]),
        (IsolationLevel::ReadUncommitted, vec![0, 1, 2, 3, 5, 7]),
    ] {
        for limit in 2..8 {
            let aborted = AbortedTransactions::from_iter([(ProducerId(1), 0)]);
            let log = Bytes::from(interleaved().concat());
            let mut whole = VisibleBatches::new(log, 0, isolation, aborted);
            assert_eq!(in_parts(whole.clone(), limit), expected, "{isolation:?}, {limit}");
            let first = whole.split_off_first(limit).unwrap();
            let left = whole.count();
            assert_eq!(first.count() + left, expected.len() - usize::from(expected[0] == 0));
        }
    }
}

#[test]
fn a_batch_with_more_records_than_asked_for_stays() {
    let log = [logged(0, &["a", "b"], Writer::Plain), logged(2, &["c"], Writer::Plain)];
    let isolation = IsolationLevel::ReadUncommitted;
    let none = AbortedTransactions::default();
    let mut rest = VisibleBatches::new(log.concat().into(), 0, isolation, none);
    assert!(seen(&mut rest.split_off_first(1).unwrap()).is_empty());
    assert_eq!((rest.next_offset(), seen(&mut rest)), (0, vec![0, 1, 2]));
}

#[test]
fn damage_is_told_when_nothing_stands_before_it() {
    let whole = logged(0, &["a"], Writer::Plain);
    let mut damaged = logged(1, &["b"], Writer::Plain).to_vec();
    damaged[16] = 9;
    let log = [whole, damaged.into()].concat();
    let none = AbortedTransactions::default();
    let mut rest = VisibleBatches::new(log.into(), 0, IsolationLevel::ReadUncommitted, none);
    assert_eq!(seen(&mut rest.split_off_first(9).unwrap()), [0]);
    assert!(rest.split_off_first(9).is_err());
}

#[test]
fn the_epoch_is_that_of_the_last_batch_passed() {
    let log: Bytes = interleaved().concat().into();
    let isolation = IsolationLevel::ReadUncommitted;
    let mut visible = VisibleBatches::new(log, 0, isolation, AbortedTransactions::default());
    assert_eq!(visible.leader_epoch(), None);
    seen(&mut visible);
    assert_eq!(visible.leader_epoch(), Some(LeaderEpoch(0)));
}

#[test]
fn a_step_goes_to_every_batch_and_says_which_come_out() {
    let log = Bytes::from(interleaved().concat());
    let aborted = AbortedTransactions::from_iter([(ProducerId(1), 0)]);
    let mut visible = VisibleBatches::new(log, 1, IsolationLevel::ReadCommitted, aborted);
    let steps = std::iter::from_fn(|| visible.step().unwrap());
    let steps: Vec<_> = steps.map(|(batch, comes)| (batch.base_offset(), comes)).collect();
    let expected = [0, 2, 3, 4, 5, 6, 7, 8].map(|offset| (offset, [2, 3, 5, 7].contains(&offset)));
    assert_eq!(steps, expected);
    assert_eq!(visible.next_offset(), 9);
}

//! What is counted of what is read: what polls hand out, and nothing else.

use kavka_protocol::{Compression, ProducerId};

use super::parts::{bench, offsets, poll, records, transactional};
use super::*;
use crate::stats::{Consumed, ConsumedStats};

fn stats(bench: &Bench, partition: i32) -> ConsumedStats {
    let all = bench.fetcher.consumed();
    all.into_iter().find(|stats| stats.topic_partition == tp(partition)).unwrap()
}

fn consumed(bench: &Bench, partition: i32) -> Consumed {
    stats(bench, partition).consumed
}

fn counted(consumed: Consumed) -> (u64, u64, u64) {
    (consumed.records, consumed.batches, consumed.bytes)
}

/// What so many batches hold, when all of their records are handed out.
fn whole(batches: &[Bytes], records: u64) -> (u64, u64, u64) {
    (records, batches.len() as u64, batches.concat().len() as u64)
}

#[test]
fn what_is_handed_out_counts_and_what_is_thrown_away_does_not() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    let batches = [batch(0, 4), batch(4, 3)];
    bench.answer(1, vec![fetched(0, 10, &batches), fetched(1, 10, &batches)]);
    assert_eq!(counted(consumed(&bench, 0)), (0, 0, 0), "nobody has it yet");
    bench.fetcher.seek(&tp(1), StartOffset::At(100));
    bench.deliver();
    assert_eq!(counted(consumed(&bench, 0)), whole(&batches, 7));
    assert_eq!(counted(consumed(&bench, 1)), (0, 0, 0), "it was left before");
    bench.deliver();
    assert_eq!(counted(consumed(&bench, 0)), whole(&batches, 7));
}

#[test]
fn a_poll_that_hands_out_nothing_of_a_paused_partition_counts_nothing() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 4, &[batch(0, 4)])]);
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!((bench.deliver(), consumed(&bench, 0).records), (vec![], 0));
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!((bench.deliver().len(), consumed(&bench, 0).records), (1, 4));
}

#[test]
fn markers_and_aborted_records_do_not_count() {
    let marker = Header { base: 53, count: 1, attributes: CONTROL, ..Header::default() };
    let log = [records(Compression::None, 0, 3), transactional(3, 50), batch_with(marker)];
    let all = AbortedTransactions::from_iter([(ProducerId(7), 3)]);
    for (isolation, aborted, expected) in [
        ("read_committed", all, whole(&log[..1], 3)),
        ("read_committed", AbortedTransactions::default(), whole(&log[..2], 53)),
        ("read_uncommitted", AbortedTransactions::default(), whole(&log[..2], 53)),
    ] {
        let mut bench = Bench::reading(1, &[("isolation.level", isolation)]);
        bench.fetch();
        let answer = FetchedPartition { aborted_transactions: aborted, ..fetched(0, 54, &log) };
        bench.answer(1, vec![answer]);
        assert_eq!(bench.deliver(), [(0, 0, 54)]);
        assert_eq!(counted(consumed(&bench, 0)), expected, "{isolation}");
    }
}

#[test]
fn reading_that_begins_inside_of_a_batch_counts_from_there() {
    for (from, expected) in [(0, 9), (4, 5), (8, 1), (9, 2)] {
        let mut bench = Bench::new(&[]);
        bench.lead(0, 1, 5);
        bench.assign([(0, StartOffset::At(from))]);
        bench.fetch();
        let batches = [records(Compression::Zstd, 0, 9), records(Compression::Zstd, 9, 2)];
        let batches = &batches[usize::from(from == 9)..][..1];
        bench.answer(1, vec![fetched(0, 11, batches)]);
        let read = bench.delivery().map(|delivery| offsets(&delivery).len() as u64);
        assert_eq!((read, consumed(&bench, 0).records), (Some(expected), expected), "{from}");
    }
}

#[test]
fn of_a_batch_that_compaction_has_thinned_out_no_more_is_counted_than_may_be_there() {
    let mut bench = Bench::new(&[]);
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::At(95))]);
    bench.fetch();
    let sparse = |base| Header { base, last_delta: 99, count: 10, ..Header::default() };
    bench.answer(1, vec![fetched(0, 200, &[batch_with(sparse(0)), batch_with(sparse(100))])]);
    bench.deliver();
    assert_eq!(consumed(&bench, 0).records, 5 + 10);
}

#[test]
fn parts_count_as_much_as_they_bring_and_the_batches_of_all_once() {
    let sizes = [5, 1, 12, 3, 9];
    for codec in [Compression::None, Compression::Lz4] {
        for limit in [1, 2, 3, 7, 10, 100] {
            for from in [0, 2, 8, 20] {
                let mut bench = bench(codec, &sizes);
                let log = sizes.iter().scan(0, |base, size| {
                    let batch = records(codec, *base, *size);
                    *base += *size as Offset;
                    Some((batch, *base))
                });
                let log: Vec<_> = log.filter(|(_, next)| *next > from).map(|(b, _)| b).collect();
                bench.fetcher.seek(&tp(0), StartOffset::At(from));
                bench.fetch();
                bench.answer(1, vec![fetched(0, 30, &log)]);
                let mut read = 0;
                while let Some(delivery) = poll(&mut bench, limit) {
                    read += offsets(&delivery).len() as u64;
                    assert_eq!(consumed(&bench, 0).records, read, "{codec}, {limit}, {from}");
                }
                assert_eq!(counted(consumed(&bench, 0)), whole(&log, 30 - from as u64));
            }
        }
    }
}

#[test]
fn counts_outlive_the_assignment_and_go_on_with_the_next() {
    let mut bench = Bench::reading(1, &[]);
    for round in 1..4 {
        bench.fetch();
        bench.answer(1, vec![fetched(0, 6, &[batch(0, 4)])]);
        bench.deliver();
        let now = stats(&bench, 0);
        assert_eq!((now.position, now.lag, now.consumed.records), (Some(4), Some(2), 4 * round));
        bench.fetcher.unassign(&[tp(0)]);
        let left = stats(&bench, 0);
        assert_eq!((left.position, left.lag, left.lead), (None, None, None));
        assert_eq!(left.consumed.records, 4 * round);
        bench.assign([(0, StartOffset::At(0))]);
    }
}

#[test]
fn partitions_that_were_left_long_ago_are_added_up() {
    let mut bench = Bench::new(&[]);
    for partition in 0..5000 {
        bench.lead(partition, 1, 5);
        bench.assign([(partition, StartOffset::At(0))]);
        bench.fetch();
        bench.answer(1, vec![fetched(partition, 3, &[batch(0, 3)])]);
        bench.deliver();
        let known = bench.fetcher.consumed();
        assert!(known.len() <= 1001, "{}", known.len());
        let known: u64 = known.iter().map(|stats| stats.consumed.records).sum();
        let earlier = bench.fetcher.consumed_earlier().records;
        assert_eq!(known + earlier, 3 * (partition as u64 + 1));
    }
}

#[test]
fn lag_and_lead_are_to_both_ends_of_the_log_as_the_last_answer_had_them() {
    let mut bench = Bench::reading(1, &[("isolation.level", "read_committed")]);
    assert_eq!((stats(&bench, 0).lag, stats(&bench, 0).lead), (None, None));
    bench.fetcher.seek(&tp(0), StartOffset::At(5));
    bench.fetch();
    let answer = |start, stable, batches: &[Bytes]| FetchedPartition {
        log_start_offset: start,
        last_stable_offset: Some(stable),
        ..fetched(0, 20, batches)
    };
    bench.answer(1, vec![answer(Some(2), 12, &[batch(5, 4)])]);
    assert_eq!((stats(&bench, 0).lag, stats(&bench, 0).lead), (Some(7), Some(3)));
    bench.deliver();
    assert_eq!((stats(&bench, 0).lag, stats(&bench, 0).lead), (Some(3), Some(7)));
    bench.fetch();
    bench.answer(1, vec![answer(None, 15, &[])]);
    assert_eq!((stats(&bench, 0).lag, stats(&bench, 0).lead), (Some(6), Some(7)));
}

#[test]
fn resets_and_what_they_pass_over_are_counted() {
    let mut bench = Bench::reading(1, &[("auto.offset.reset", "earliest")]);
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::OffsetOutOfRange)]);
    let plan = bench.fetcher.poll_lookup().unwrap();
    assert_eq!(consumed(&bench, 0).resets, 0, "not yet");
    let asked = plan.partitions[0].topic_partition.clone();
    let found = LookupAnswer { topic_partition: asked, offset: Ok(Some(40)) };
    bench.fetcher.handle_lookup(&plan, Ok(vec![found]), bench.now);
    let Consumed { resets, passed_over, failures, .. } = consumed(&bench, 0);
    assert_eq!((resets, passed_over, failures), (1, 40, 0));
}

#[test]
fn errors_count_when_they_are_returned() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::TopicAuthorizationFailed)]);
    assert_eq!(consumed(&bench, 0).failures, 0, "not yet");
    bench.failure();
    assert_eq!(consumed(&bench, 0).failures, 1);
}

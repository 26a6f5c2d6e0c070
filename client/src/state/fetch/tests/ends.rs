//! News of the end of a partition: once per arrival, at the exact offset.

use super::*;

fn ends(bench: &mut Bench) -> Vec<(i32, Offset)> {
    let ends = bench.delivery().map(|delivery| delivery.ends).unwrap_or_default();
    ends.into_iter().map(|(partition, offset)| (partition.partition, offset)).collect()
}

#[test]
fn the_end_comes_with_the_data_that_reaches_it() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 4, &[batch(0, 4)])]);
    let delivery = bench.delivery().unwrap();
    assert_eq!(spans(&delivery), [(0, 0, 4)]);
    assert_eq!(delivery.ends, [(tp(0), 4)]);
}

#[test]
fn the_end_is_told_once_until_the_position_moves_on() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 4, &[batch(0, 4)])]);
    assert_eq!(ends(&mut bench), [(0, 4)]);
    for _ in 0..3 {
        bench.fetch();
        bench.answer(1, vec![fetched(0, 4, &[])]);
        assert!(bench.delivery().is_none(), "no news");
    }
    bench.fetch();
    bench.answer(1, vec![fetched(0, 5, &[batch(4, 1)])]);
    assert_eq!(ends(&mut bench), [(0, 5)]);
}

#[test]
fn a_partition_that_is_empty_from_the_start_has_an_end() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    assert_eq!(ends(&mut bench), [(0, 0)]);
    assert_eq!(ends(&mut bench), []);
}

#[test]
fn the_end_is_not_told_while_data_before_it_waits() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 8, &[batch(0, 4)])]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 8, &[batch(4, 4)])]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 8, &[])]);
    assert_eq!(ends(&mut bench), []);
    assert_eq!(ends(&mut bench), [(0, 8)]);
}

#[test]
fn the_end_lies_behind_the_last_marker() {
    let marker =
        batch_with(Header { base: 4, count: 1, attributes: CONTROL, body: 9, ..Header::default() });
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 5, &[batch(0, 4), marker])]);
    assert_eq!(ends(&mut bench), [(0, 5)]);
}

#[test]
fn the_end_is_the_high_watermark_or_the_last_stable_offset() {
    for (isolation, expected) in [("read_uncommitted", vec![]), ("read_committed", vec![(0, 4)])] {
        let mut bench = Bench::reading(1, &[("isolation.level", isolation)]);
        bench.fetch();
        let mut partition = fetched(0, 9, &[batch(0, 4)]);
        partition.last_stable_offset = Some(4);
        bench.answer(1, vec![partition]);
        assert_eq!(ends(&mut bench), expected, "{isolation}");
    }
}

#[test]
fn a_seek_to_the_end_tells_it_again_once_a_broker_has_said_so() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    assert_eq!(ends(&mut bench), [(0, 0)]);
    bench.fetcher.seek(&tp(0), StartOffset::At(0));
    assert_eq!(ends(&mut bench), []);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    assert_eq!(ends(&mut bench), [(0, 0)]);
}

#[test]
fn an_end_that_nobody_asks_about_is_kept_once() {
    let mut bench = Bench::reading(1, &[]);
    for _ in 0..9 {
        bench.fetch();
        bench.answer(1, vec![fetched(0, 0, &[])]);
    }
    assert_eq!(bench.fetcher.arrivals.len(), 1);
    assert_eq!(ends(&mut bench), [(0, 0)]);
}

#[test]
fn an_end_that_has_moved_on_before_it_was_told_is_told_where_it_is() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 3, &[batch(0, 3)])]);
    assert_eq!(ends(&mut bench), [(0, 3)]);
}

#[test]
fn an_end_reached_before_a_seek_is_not_told_after_it() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    bench.fetcher.seek(&tp(0), StartOffset::At(0));
    bench.fetch();
    bench.answer(1, vec![fetched(0, 0, &[])]);
    assert_eq!(ends(&mut bench), [(0, 0)]);
}

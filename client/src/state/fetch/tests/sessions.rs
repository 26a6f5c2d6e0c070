//! Fetch sessions: what is not named is known, and what is not answered has no news.

use super::*;
use crate::error::ErrorKind;

const SESSION: i32 = 7;

/// Partitions 0 and 1 in a session of broker 1, both at their end: 4 and 9.
fn in_session() -> Bench {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    answer(&mut bench, vec![fetched(0, 4, &[batch(0, 4)]), fetched(1, 9, &[batch(0, 9)])]);
    assert_eq!(bench.delivery().unwrap().ends, [(tp(0), 4), (tp(1), 9)]);
    bench
}

fn answer(bench: &mut Bench, partitions: Vec<FetchedPartition>) {
    let answer = FetchAnswer { session: SESSION, partitions, ..FetchAnswer::default() };
    bench.fetcher.handle_fetch(BrokerId(1), Ok(answer), bench.now);
}

fn plan(bench: &mut Bench) -> SessionPart {
    bench.fetcher.poll_fetch().expect("a fetch is due").session
}

fn named(part: &SessionPart) -> Vec<(i32, Offset)> {
    let named = part.partitions.iter();
    named.map(|asked| (asked.topic_partition.partition, asked.offset)).collect()
}

#[test]
fn only_partitions_that_moved_are_named_again() {
    let mut bench = in_session();
    let part = plan(&mut bench);
    assert_eq!((part.id, part.epoch, named(&part)), (SESSION, 1, vec![(0, 4), (1, 9)]));
    answer(&mut bench, vec![fetched(1, 12, &[batch(9, 3)])]);
    let part = plan(&mut bench);
    assert_eq!((part.id, part.epoch, named(&part)), (SESSION, 2, vec![(1, 12)]));
    assert_eq!(part.forgotten, []);
}

#[test]
fn a_partition_that_may_not_be_fetched_is_forgotten_and_named_again_later() {
    let mut bench = in_session();
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!(plan(&mut bench).forgotten, [(tp(0), None)]);
    answer(&mut bench, vec![]);
    bench.fetcher.resume(&[tp(0)]);
    let part = plan(&mut bench);
    assert_eq!((named(&part), part.forgotten), (vec![(0, 4)], vec![]));
}

#[test]
fn an_end_is_told_although_the_broker_does_not_repeat_it() {
    let mut bench = in_session();
    let at_the_end = [(0, StartOffset::At(4)), (1, StartOffset::At(9))];
    bench.assign(at_the_end);
    plan(&mut bench);
    answer(&mut bench, vec![]);
    assert_eq!(bench.delivery().unwrap().ends, [(tp(0), 4), (tp(1), 9)]);
    plan(&mut bench);
    answer(&mut bench, vec![]);
    assert!(bench.delivery().is_none(), "each arrival is told once");
}

#[test]
fn without_a_session_a_partition_that_is_not_answered_is_not_at_its_end() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    answer(&mut bench, vec![]);
    assert!(bench.delivery().is_none());
}

#[test]
fn a_lost_session_is_opened_anew_at_once() {
    for code in [ErrorCode::FetchSessionIdNotFound, ErrorCode::InvalidFetchSessionEpoch] {
        let mut bench = in_session();
        plan(&mut bench);
        bench.fetcher.handle_fetch(BrokerId(1), Err(Error::broker(code)), bench.now);
        let part = plan(&mut bench);
        assert_eq!((part.epoch, named(&part)), (0, vec![(0, 4), (1, 9)]), "{code}");
        assert!(bench.delivery().is_none(), "{code}");
        assert_eq!(bench.fetcher.poll_metadata(), None, "{code}");
    }
}

#[test]
fn a_broker_that_refuses_even_to_open_a_session_is_not_asked_again_at_once() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let refused = Error::broker(ErrorCode::FetchSessionIdNotFound);
    bench.fetcher.handle_fetch(BrokerId(1), Err(refused), bench.now);
    assert_eq!(bench.fetch(), None);
    bench.wait();
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
}

#[test]
fn after_a_lost_connection_the_new_session_replaces_the_old_one() {
    let mut bench = in_session();
    plan(&mut bench);
    let lost = Error::new(ErrorKind::ConnectionLost, "reset by peer");
    bench.fetcher.handle_fetch(BrokerId(1), Err(lost), bench.now);
    bench.refresh();
    bench.wait();
    let part = plan(&mut bench);
    assert_eq!((part.id, part.epoch, named(&part).len()), (SESSION, 0, 2));
}

#[test]
fn every_session_is_known_until_the_end_also_where_nothing_is_led_any_more() {
    let mut bench = in_session();
    bench.lead(0, 2, 6);
    bench.lead(1, 2, 6);
    bench.metadata();
    assert_eq!(bench.fetcher.sessions(), [(BrokerId(1), SESSION)]);
}

//! Positions, versions, pausing: what is asked for and what an answer is still good for.

use super::*;

#[test]
fn a_broker_has_at_most_one_fetch_outstanding() {
    let mut bench = Bench::reading(2, &[]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0), (1, 0)])));
    assert_eq!(bench.fetch(), None);
    bench.answer(1, vec![fetched(0, 0, &[])]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0), (1, 0)])));
}

#[test]
fn a_partition_has_at_most_one_fetch_in_flight_also_when_its_leader_moves() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.lead(0, 2, 6);
    bench.metadata();
    assert_eq!(bench.fetch(), None, "broker 1 still has it");
    bench.fetcher.seek(&tp(0), StartOffset::At(9));
    assert_eq!(bench.fetch(), None, "whatever its position");
    bench.assign([(0, StartOffset::At(3))]);
    assert_eq!(bench.fetch(), None, "and its assignment");
    bench.answer(1, vec![]);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 3)])));
}

#[test]
fn what_is_added_leaves_the_others_as_they_are() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)]), fetched(1, 9, &[batch(0, 2)])]);
    bench.fetcher.pause(&[tp(0)]);
    bench.lead(2, 1, 5);
    bench.fetcher.add(vec![(tp(1), StartOffset::At(6)), (tp(2), StartOffset::At(7))]);
    assert_eq!(bench.fetcher.poll_metadata(), Some(MetadataNeed::Known));
    bench.metadata();
    assert_eq!(bench.fetch(), Some((1, vec![(1, 6), (2, 7)])), "and 0 is still paused");
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!(bench.deliver(), [(0, 0, 4)], "what was fetched of 1 is from its old position");
    assert_eq!([0, 1, 2].map(|partition| bench.position(partition)), [4, 6, 7].map(Some));
}

#[test]
fn brokers_are_asked_independently() {
    let mut bench = Bench::reading(3, &[]);
    bench.lead(2, 7, 1);
    bench.metadata();
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0), (1, 0)])));
    assert_eq!(bench.fetch(), Some((7, vec![(2, 0)])));
    bench.answer(7, vec![fetched(2, 4, &[batch(0, 4)])]);
    assert_eq!(bench.fetch(), Some((7, vec![(2, 4)])));
}

#[test]
fn the_leader_epoch_travels_with_the_request() {
    let mut bench = Bench::reading(1, &[]);
    let plan = bench.fetcher.poll_fetch().unwrap();
    assert_eq!(plan.session.partitions[0].leader_epoch, Some(LeaderEpoch(5)));
}

#[test]
fn the_position_moves_on_delivery_not_on_arrival() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    assert_eq!(bench.position(0), Some(0));
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.position(0), Some(4));
}

#[test]
fn the_next_request_starts_behind_what_arrived_before_that_is_handed_out() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 4)])));
    bench.answer(1, vec![fetched(0, 9, &[batch(4, 5)])]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 9)])));
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.deliver(), [(0, 4, 9)]);
}

#[test]
fn the_position_is_exact_whatever_the_batches_are() {
    let control = |base| {
        batch_with(Header { base, count: 1, attributes: CONTROL, body: 9, ..Header::default() })
    };
    let emptied = |base, last_delta| batch_with(Header { base, last_delta, ..Header::default() });
    let compacted =
        |base| batch_with(Header { base, last_delta: 9, count: 2, body: 9, ..Header::default() });
    for (what, start, records, expected) in [
        ("a plain batch", 0, vec![batch(0, 3)], 3),
        ("a batch that begins before the position", 2, vec![batch(0, 3)], 3),
        ("a control batch", 7, vec![control(7)], 8),
        ("a control batch behind data", 0, vec![batch(0, 7), control(7)], 8),
        ("a batch that compaction emptied", 5, vec![emptied(5, 4)], 10),
        ("a batch that lost its last records", 0, vec![compacted(0)], 10),
        ("a gap before the first batch", 0, vec![batch(100, 1)], 101),
        ("a gap between batches", 0, vec![batch(0, 1), batch(50, 2)], 52),
        ("a last batch that is cut off", 0, vec![batch(0, 2), batch(2, 1).slice(..40)], 2),
    ] {
        let mut bench = Bench::reading(1, &[]);
        bench.fetcher.seek(&tp(0), StartOffset::At(start));
        bench.fetch();
        bench.answer(1, vec![fetched(0, 200, &records)]);
        assert_eq!(bench.deliver(), [(0, start, expected)], "{what}");
        assert_eq!(bench.position(0), Some(expected), "{what}");
        assert_eq!(bench.fetch(), Some((1, vec![(0, expected)])), "{what}");
    }
}

#[test]
fn a_batch_that_is_cut_off_is_not_kept() {
    let whole = batch_of_size(0, 200);
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[whole, batch_of_size(1, 200).slice(..150)])]);
    assert_eq!(bench.fetcher.status(&tp(0)).buffered, 200);
}

#[test]
fn data_fetched_from_an_old_position_is_dropped() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    assert!(bench.fetcher.seek(&tp(0), StartOffset::At(100)));
    bench.answer(1, vec![fetched(0, 200, &[batch(0, 4)])]);
    assert_eq!(bench.deliver(), []);
    assert_eq!(bench.position(0), Some(100));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 100)])));
}

#[test]
fn a_seek_to_where_one_is_does_not_revive_the_old_request() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.fetcher.seek(&tp(0), StartOffset::At(5));
    bench.fetcher.seek(&tp(0), StartOffset::At(0));
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    assert_eq!(bench.deliver(), []);
}

#[test]
fn a_seek_drops_what_is_buffered_and_its_bytes() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    assert_ne!(bench.fetcher.status(&tp(0)).buffered, 0);
    bench.fetcher.seek(&tp(0), StartOffset::At(2));
    assert_eq!(bench.fetcher.status(&tp(0)).buffered, 0);
    assert_eq!(bench.deliver(), []);
}

#[test]
fn only_an_assigned_partition_can_be_sought() {
    let mut bench = Bench::reading(1, &[]);
    assert!(!bench.fetcher.seek(&tp(1), StartOffset::At(2)));
    assert_eq!(bench.position(1), None);
}

#[test]
fn data_of_an_old_assignment_is_dropped() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.assign([(0, StartOffset::At(0))]);
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)]), fetched(1, 9, &[batch(0, 4)])]);
    assert_eq!(bench.deliver(), []);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
}

#[test]
fn an_unassigned_partition_is_neither_delivered_nor_asked_for() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)]), fetched(1, 9, &[batch(0, 4)])]);
    bench.fetcher.unassign(&[tp(0)]);
    assert_eq!(bench.deliver(), [(1, 0, 4)]);
    assert_eq!(bench.fetch(), Some((1, vec![(1, 4)])));
    assert_eq!(bench.state(0), FetchState::Unassigned);
}

#[test]
fn a_pause_keeps_what_was_fetched_and_stops_asking_and_delivering() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.fetcher.pause(&[tp(0)]);
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)]), fetched(1, 9, &[batch(0, 4)])]);
    assert_eq!(bench.deliver(), [(1, 0, 4)]);
    assert_eq!(bench.fetch(), Some((1, vec![(1, 4)])));
    assert_eq!(bench.state(0), FetchState::Paused);
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
}

#[test]
fn a_pause_ends_with_the_assignment() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!(bench.fetch(), None);
    bench.assign([(0, StartOffset::At(0))]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
}

#[test]
fn what_was_not_asked_for_or_is_named_twice_is_not_taken() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let twice = fetched(0, 9, &[batch(0, 4)]);
    bench.answer(1, vec![fetched(8, 9, &[batch(0, 4)]), twice.clone(), twice]);
    bench.answer(1, vec![fetched(0, 9, &[batch(4, 4)])]);
    bench.answer(2, vec![fetched(0, 9, &[batch(4, 4)])]);
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.deliver(), []);
}

#[test]
fn partitions_that_waited_longest_stand_first() {
    let mut bench = Bench::reading(3, &[]);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0), (1, 0), (2, 0)])));
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 1)])]);
    assert_eq!(bench.fetch(), Some((1, vec![(1, 0), (2, 0), (0, 1)])));
    bench.answer(1, vec![fetched(1, 9, &[batch(0, 1)]), fetched(0, 9, &[batch(1, 1)])]);
    assert_eq!(bench.fetch(), Some((1, vec![(2, 0), (1, 1), (0, 2)])));
}

#[test]
fn a_throttled_broker_is_left_alone_for_as_long_as_it_says() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let answer = FetchAnswer { throttle: Duration::from_secs(3), ..FetchAnswer::default() };
    bench.fetcher.handle_fetch(BrokerId(1), Ok(answer), bench.now);
    assert_eq!(bench.fetch(), None);
    assert_eq!(bench.state(0), FetchState::BrokerThrottled(BrokerId(1)));
    assert_eq!(bench.wait(), Duration::from_secs(3));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
}

//! The byte budget: what it counts, what it stops and what it lets pass.

use super::*;

const BUDGET: (&str, &str) = ("kavka.prefetch.bytes", "4000");
const PER_PARTITION: (&str, &str) = ("max.partition.fetch.bytes", "1000");

/// One answer to broker 1: a batch of `size` bytes for `partition` at `base`.
fn bring(bench: &mut Bench, partition: i32, base: Offset, size: usize) {
    bench.answer(1, vec![fetched(partition, 1 << 40, &[batch_of_size(base, size)])]);
}

/// Fetches until the machine stops; how many requests that took.
fn fetch_all(bench: &mut Bench, size: usize) -> usize {
    let mut requests = 0;
    while let Some((_, asked)) = bench.fetch() {
        requests += 1;
        bring(bench, asked[0].0, asked[0].1, size);
    }
    requests
}

#[test]
fn a_request_reserves_what_it_may_bring() {
    let mut bench = Bench::reading(3, &[BUDGET, ("max.partition.fetch.bytes", "300")]);
    let plan = bench.fetcher.poll_fetch().unwrap();
    assert_eq!((plan.max_bytes, plan.max_partition_bytes), (900, 300));
    assert_eq!(bench.fetcher.planner.reserved(), 900);
    bench.answer(1, vec![]);
    assert_eq!(bench.fetcher.planner.reserved(), 0);
}

#[test]
fn a_request_is_bounded_by_fetch_max_bytes_and_by_half_the_brokers_share() {
    for (limit, brokers, expected) in [("700", 1, 700), ("9999", 1, 2000), ("9999", 4, 500)] {
        let mut bench = Bench::reading(8, &[BUDGET, PER_PARTITION, ("fetch.max.bytes", limit)]);
        for partition in 0..8 {
            bench.lead(partition, partition % brokers, 5);
        }
        bench.metadata();
        let plan = bench.fetcher.poll_fetch().unwrap();
        assert_eq!(plan.max_bytes, expected, "{limit} {brokers}");
        assert!(plan.max_partition_bytes <= expected);
    }
}

#[test]
fn what_is_buffered_counts() {
    let mut bench = Bench::reading(1, &[BUDGET, PER_PARTITION]);
    assert_eq!(fetch_all(&mut bench, 1000), 4);
    let FetchState::WaitingForRoom { stats, .. } = bench.state(0) else { panic!() };
    assert_eq!((stats.buffered_bytes, stats.held_bytes, stats.used_bytes()), (4000, 0, 4000));
}

#[test]
fn what_the_application_holds_counts_until_it_lets_go() {
    let mut bench = Bench::reading(1, &[BUDGET, PER_PARTITION]);
    fetch_all(&mut bench, 1000);
    assert_eq!(bench.deliver(), [(0, 0, 1)]);
    assert_eq!(bench.fetch(), None, "handed out is not let go");
    bench.fetcher.release(1000);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 4)])), "the first release is enough");
}

#[test]
fn an_application_that_holds_the_whole_budget_gets_no_more() {
    let mut bench = Bench::reading(1, &[BUDGET, PER_PARTITION]);
    fetch_all(&mut bench, 1000);
    while !bench.deliver().is_empty() {}
    assert_eq!(bench.fetch(), None);
    assert_eq!(bench.fetcher.poll_timeout(), None, "no timer is needed to go on");
    bench.fetcher.release(1000);
    assert!(bench.fetch().is_some());
}

#[test]
fn a_batch_larger_than_the_budget_passes() {
    let mut bench = Bench::reading(1, &[("kavka.prefetch.bytes", "10")]);
    for base in 0..3 {
        assert_eq!(bench.fetch(), Some((1, vec![(0, base)])));
        bring(&mut bench, 0, base, 5000);
        assert_eq!(bench.fetch(), None, "one at a time");
        assert_eq!(bench.deliver(), [(0, base, base + 1)]);
        assert_eq!(bench.fetch(), None);
        bench.fetcher.release(5000);
    }
}

#[test]
fn what_is_kept_for_a_paused_partition_does_not_stop_the_others() {
    let mut bench = Bench::reading(2, &[BUDGET, PER_PARTITION]);
    bench.fetcher.pause(&[tp(1)]);
    fetch_all(&mut bench, 1000);
    bench.fetcher.pause(&[tp(0)]);
    bench.fetcher.resume(&[tp(1)]);
    for base in 0..10 {
        assert_eq!(bench.fetch(), Some((1, vec![(1, base)])));
        bring(&mut bench, 1, base, 1000);
        assert_eq!(bench.deliver(), [(1, base, base + 1)]);
        bench.fetcher.release(1000);
    }
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!(bench.deliver(), [(0, 0, 1)], "and it is still there");
}

#[test]
fn no_broker_overtakes_another_that_waits_for_room() {
    let mut bench = Bench::reading(5, &[BUDGET, ("max.partition.fetch.bytes", "500")]);
    for partition in 1..5 {
        bench.lead(partition, 2, 5);
    }
    bench.metadata();
    // Broker 1 leads one partition and needs 500 bytes of room; broker 2 leads four and needs 1000.
    bench.fetch().unwrap();
    bench.fetch().unwrap();
    let full = fetched(1, 1 << 40, &[batch_of_size(0, 3300)]);
    bench.answer(2, vec![full]);
    bench.answer(1, vec![]);
    assert_eq!(bench.fetch().unwrap().0, 1, "its turn, and there is room");
    bench.answer(1, vec![]);
    assert_eq!(bench.fetch(), None, "broker 2 waits for more room than there is");
    bench.deliver();
    bench.fetcher.release(3300);
    assert_eq!(bench.fetch().unwrap().0, 2);
    assert_eq!(bench.fetch().unwrap().0, 1);
}

#[test]
fn a_smaller_budget_takes_effect_at_the_next_request() {
    let mut bench = Bench::reading(1, &[BUDGET, PER_PARTITION]);
    bench.fetcher.set_budget(2000);
    assert_eq!(fetch_all(&mut bench, 1000), 2);
    bench.fetcher.set_budget(4000);
    assert_eq!(fetch_all(&mut bench, 1000), 2);
}

#[test]
fn one_busy_partition_among_two_hundred_does_not_hold_the_others_back() {
    let mut bench = Bench::reading(
        200,
        &[("kavka.prefetch.bytes", "40000"), ("max.partition.fetch.bytes", "1000")],
    );
    let mut served = vec![0; 200];
    for round in 0..100 {
        while let Some((_, asked)) = bench.fetch() {
            let partitions = asked.iter().filter_map(|(partition, offset)| {
                // Partition 7 always has more, each of the others one record every ten rounds.
                let is_due = *partition == 7 || *offset < round / 10;
                is_due.then(|| fetched(*partition, 1 << 40, &[batch_of_size(*offset, 1000)]))
            });
            let partitions = partitions.collect();
            bench.answer(1, partitions);
        }
        while let Some(delivery) = bench.delivery() {
            for piece in &delivery.pieces {
                served[piece.topic_partition.partition as usize] = piece.next.offset;
            }
            let bytes = delivery.pieces.iter().map(|piece| piece.size).sum();
            bench.fetcher.release(bytes);
            if round % 10 == 9 {
                break;
            }
        }
    }
    assert!(served.iter().all(|next| *next >= 8), "{served:?}");
}

//! Who gets the next request, and with what in it.

use std::time::Duration;

use super::*;

const ONE: BrokerId = BrokerId(1);
const TWO: BrokerId = BrokerId(2);

fn planner(leaders: &[BrokerId]) -> Planner {
    let mut planner = Planner::new(2);
    for (index, leader) in leaders.iter().enumerate() {
        planner.set_leader(PartitionIndex(index), Some(*leader));
        planner.offer(PartitionIndex(index));
    }
    planner
}

fn partitions(planner: &mut Planner, broker: BrokerId) -> Vec<usize> {
    std::iter::from_fn(|| planner.next_partition(broker)).map(|index| index.0).collect()
}

#[test]
fn partitions_line_up_before_their_leader_once() {
    let mut planner = planner(&[ONE, TWO, ONE]);
    planner.offer(PartitionIndex(0));
    assert_eq!(partitions(&mut planner, ONE), [0, 2]);
    assert_eq!(partitions(&mut planner, TWO), [1]);
}

#[test]
fn brokers_take_turns() {
    let mut planner = planner(&[ONE, TWO]);
    let now = Instant::now();
    let named: Vec<_> = (0..4).filter_map(|_| planner.poll_broker(now)).collect();
    assert_eq!(named, [ONE, TWO, ONE, TWO]);
}

#[test]
fn a_broker_has_no_more_requests_under_way_than_allowed() {
    let mut planner = planner(&[ONE]);
    let now = Instant::now();
    planner.sent(ONE);
    assert_eq!(planner.poll_broker(now), Some(ONE));
    planner.sent(ONE);
    assert_eq!(planner.poll_broker(now), None);
    planner.answered(ONE);
    assert_eq!(planner.poll_broker(now), Some(ONE));
}

#[test]
fn a_muted_broker_is_left_alone_until_its_time() {
    let mut planner = planner(&[ONE]);
    let now = Instant::now();
    let until = now + Duration::from_millis(50);
    planner.mute(ONE, until);
    planner.mute(ONE, now);
    assert_eq!(planner.poll_broker(now), None);
    assert_eq!(planner.poll_timeout(), Some(until));
    assert_eq!(planner.poll_broker(until), Some(ONE));
}

#[test]
fn a_partition_whose_leader_comes_back_lines_up_once() {
    for between in [Some(TWO), None] {
        let mut planner = planner(&[ONE]);
        planner.set_leader(PartitionIndex(0), between);
        planner.set_leader(PartitionIndex(0), Some(ONE));
        assert_eq!(planner.waiting(ONE), 1);
        assert_eq!(planner.next_partition(ONE), Some(PartitionIndex(0)));
        planner.offer(PartitionIndex(0));
        assert_eq!(partitions(&mut planner, ONE), [0], "{between:?}");
        assert_eq!(partitions(&mut planner, TWO), [], "{between:?}");
    }
}

#[test]
fn a_partition_without_a_leader_waits_for_one() {
    let mut planner = planner(&[]);
    planner.offer(PartitionIndex(0));
    assert_eq!(planner.poll_broker(Instant::now()), None);
    planner.set_leader(PartitionIndex(0), Some(TWO));
    assert_eq!(partitions(&mut planner, TWO), [0]);
}

#[test]
fn a_partition_counts_as_leaderless_while_it_waits_and_nobody_leads_it() {
    let mut planner = planner(&[ONE]);
    let leaderless = |planner: &Planner| planner.leaderless().count();
    planner.offer(PartitionIndex(1));
    assert_eq!(leaderless(&planner), 1, "it never had one");
    planner.set_leader(PartitionIndex(0), None);
    assert_eq!(leaderless(&planner), 2, "it lost its leader");
    planner.set_leader(PartitionIndex(0), Some(TWO));
    planner.set_leader(PartitionIndex(1), Some(ONE));
    assert_eq!(leaderless(&planner), 0);
    assert_eq!(planner.next_partition(TWO), Some(PartitionIndex(0)));
    planner.set_leader(PartitionIndex(0), None);
    assert_eq!(leaderless(&planner), 0, "it has nothing to send");
}

#[test]
fn a_partition_that_moves_takes_its_place_before_the_new_leader_only() {
    let mut planner = planner(&[ONE, ONE]);
    planner.set_leader(PartitionIndex(0), Some(TWO));
    assert_eq!(partitions(&mut planner, ONE), [1]);
    assert_eq!(partitions(&mut planner, TWO), [0]);
    planner.offer(PartitionIndex(0));
    planner.set_leader(PartitionIndex(0), None);
    assert!(partitions(&mut planner, TWO).is_empty());
    planner.set_leader(PartitionIndex(0), Some(TWO));
    assert_eq!(partitions(&mut planner, TWO), [0]);
}

#[test]
fn what_did_not_fit_is_first_in_the_next_request() {
    let mut planner = planner(&[ONE, ONE]);
    let first = planner.next_partition(ONE).unwrap();
    planner.offer_first(first);
    assert_eq!(partitions(&mut planner, ONE), [0, 1]);
}

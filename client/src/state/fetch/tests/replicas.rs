//! Reading from a replica that the leader names (KIP-392).

use super::*;
use crate::error::ErrorKind;

/// Partition 0, which broker 1 leads and wants to be read from broker 2.
fn moved() -> Bench {
    let mut bench = Bench::reading(1, &[("metadata.max.age.ms", "300000")]);
    bench.fetch();
    bench.answer(1, vec![prefers(2)]);
    bench
}

/// What a leader says that has a replica nearer to the client: how far the log goes, and no data.
fn prefers(replica: i32) -> FetchedPartition {
    FetchedPartition { preferred_read_replica: Some(BrokerId(replica)), ..fetched(0, 10, &[]) }
}

fn plan(bench: &mut Bench) -> FetchPlan {
    bench.fetcher.poll_fetch().expect("a fetch")
}

/// Which broker is asked, and whether it may name a replica.
fn asked_next(bench: &mut Bench) -> (i32, bool) {
    let plan = plan(bench);
    (plan.broker.0, plan.may_name_replica)
}

#[test]
fn the_replica_that_the_leader_names_is_fetched_from() {
    let mut bench = moved();
    let plan = plan(&mut bench);
    let asked = &plan.session.partitions[0];
    assert_eq!((plan.broker, asked.offset), (BrokerId(2), 0));
    assert_eq!(asked.leader_epoch, Some(LeaderEpoch(5)));
    assert_eq!(bench.state(0), FetchState::Asked(BrokerId(2)));
    bench.answer(2, vec![fetched(0, 10, &[batch(0, 4)])]);
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 4)])));
}

#[test]
fn a_replica_is_not_asked_whether_its_log_is_the_one_that_was_read() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 10, &[batch(0, 4)])]);
    bench.fetch();
    bench.answer(1, vec![prefers(2)]);
    let plan = plan(&mut bench);
    assert_eq!(plan.session.partitions[0].last_fetched_epoch, None, "it may be behind");
}

#[test]
fn the_leader_is_asked_again_when_the_lease_is_over_however_often_it_was_named() {
    let mut bench = moved();
    let named_at = bench.now;
    for _ in 0..3 {
        assert_eq!(asked_next(&mut bench), (2, true));
        bench.now += Duration::from_secs(60);
        bench.answer(2, vec![prefers(2)]);
    }
    bench.wait();
    assert_eq!(bench.now.duration_since(named_at), Duration::from_secs(300));
    assert_eq!(asked_next(&mut bench), (1, true));
    bench.answer(1, vec![prefers(3)]);
    assert_eq!(asked_next(&mut bench), (3, true));
}

#[test]
fn a_leader_that_takes_the_reading_back_is_followed() {
    let mut bench = moved();
    bench.fetch();
    bench.answer(2, vec![prefers(1)]);
    assert_eq!(asked_next(&mut bench), (1, true));
}

#[test]
fn what_a_replica_refuses_the_leader_decides_and_names_none_again_for_a_while() {
    for code in [
        ErrorCode::OffsetOutOfRange,
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::ReplicaNotAvailable,
        ErrorCode::KafkaStorageError,
        ErrorCode::OffsetNotAvailable,
        ErrorCode::FencedLeaderEpoch,
        ErrorCode::CorruptMessage,
        ErrorCode::TopicAuthorizationFailed,
    ] {
        let mut bench = moved();
        bench.fetch();
        bench.answer(2, vec![refused(0, code)]);
        assert_eq!(bench.fetcher.poll_lookup(), None, "{code}");
        assert_eq!(asked_next(&mut bench), (1, false), "{code}");
        bench.answer(1, vec![fetched(0, 10, &[batch(0, 4)])]);
        assert_eq!(bench.deliver(), [(0, 0, 4)], "{code}: no failure stands before it");
        bench.refresh();
        bench.wait();
        assert_eq!(asked_next(&mut bench), (1, true), "{code}");
    }
}

#[test]
fn a_replica_that_does_not_know_the_leader_yet_is_asked_again() {
    let mut bench = moved();
    bench.fetch();
    bench.answer(2, vec![refused(0, ErrorCode::UnknownLeaderEpoch)]);
    assert_eq!(bench.fetch(), None);
    bench.wait();
    assert_eq!(asked_next(&mut bench), (2, true));
}

#[test]
fn a_replica_that_cannot_be_reached_is_left_at_once() {
    let mut bench = moved();
    bench.fetch();
    let unreachable = Error::new(ErrorKind::Unreachable, "nobody there");
    bench.fetcher.handle_fetch(BrokerId(2), Err(unreachable), bench.now);
    assert_eq!(asked_next(&mut bench), (1, false));
    bench.refresh();
}

#[test]
fn a_session_that_the_replica_lost_is_no_reason_to_leave_it() {
    let mut bench = moved();
    bench.fetch();
    let answer = FetchAnswer {
        session: 7,
        partitions: vec![fetched(0, 10, &[batch(0, 4)])],
        ..FetchAnswer::default()
    };
    bench.fetcher.handle_fetch(BrokerId(2), Ok(answer), bench.now);
    bench.fetch();
    let lost = Error::broker(ErrorCode::FetchSessionIdNotFound);
    bench.fetcher.handle_fetch(BrokerId(2), Err(lost), bench.now);
    assert_eq!(asked_next(&mut bench), (2, true));
}

#[test]
fn a_replica_that_the_metadata_says_is_offline_is_left() {
    let mut bench = moved();
    bench.known.offline.insert(BrokerId(2));
    bench.metadata();
    assert_eq!(asked_next(&mut bench), (1, true));
}

#[test]
fn a_new_leader_decides_anew() {
    let mut bench = moved();
    bench.lead(0, 3, 6);
    bench.metadata();
    assert_eq!(asked_next(&mut bench), (3, true));
}

#[test]
fn no_leader_no_fetch_not_even_from_the_replica() {
    let mut bench = moved();
    bench.known.leaders.insert(tp(0), Leadership::Leaderless);
    bench.metadata();
    assert_eq!((bench.fetch(), bench.state(0)), (None, FetchState::NoLeader));
}

#[test]
fn only_requests_with_a_partition_that_was_let_down_forbid_replicas() {
    let mut bench = Bench::reading(2, &[]);
    bench.lead(1, 3, 5);
    bench.metadata();
    bench.fetch();
    bench.answer(1, vec![prefers(2)]);
    assert_eq!(asked_next(&mut bench), (3, true));
    assert_eq!(asked_next(&mut bench), (2, true));
    bench.answer(2, vec![refused(0, ErrorCode::OffsetOutOfRange)]);
    bench.answer(3, vec![fetched(1, 10, &[])]);
    assert_eq!(asked_next(&mut bench), (1, false));
    assert_eq!(asked_next(&mut bench), (3, true));
}

#[test]
fn lookups_and_validations_go_to_the_leader() {
    let mut bench = moved();
    bench.fetcher.seek(&tp(0), StartOffset::Latest);
    assert_eq!(bench.fetcher.poll_lookup().unwrap().broker, BrokerId(1));
    bench.fetcher.seek(&tp(0), StartOffset::AtEpoch(3, LeaderEpoch(4)));
    assert_eq!(bench.fetcher.poll_validation().unwrap().broker, BrokerId(1));
}

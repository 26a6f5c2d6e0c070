//! Whether the log is still the one that was read (KIP-320).

use kavka_protocol::ApiKey;

use super::*;
use crate::error::ErrorKind;

/// Offsets 0 to 9 of partition 0 were read under broker 1, epoch 5, the last of them appended in that
/// epoch; then broker 2 leads in epoch 6.
fn after_an_election(properties: &[(&str, &str)]) -> Bench {
    let mut bench = read_to_ten(properties);
    bench.lead(0, 2, 6);
    bench.metadata();
    bench
}

fn read_to_ten(properties: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::reading(1, properties);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 10, &[batch_of_epoch(4, 0, 5), batch_of_epoch(5, 5, 5)])]);
    assert_eq!(bench.deliver(), [(0, 0, 10)]);
    bench
}

fn end(epoch: i32, end_offset: Offset) -> Result<Option<EpochEndOffset>, ErrorCode> {
    Ok(Some(EpochEndOffset { epoch: LeaderEpoch(epoch), end_offset }))
}

/// Asks the leader about partition 0, and answers for it.
fn validate(bench: &mut Bench, end: Result<Option<EpochEndOffset>, ErrorCode>) -> ValidationPlan {
    let plan = bench.fetcher.poll_validation().expect("a position to be validated");
    let answer = ValidationAnswer { topic_partition: tp(0), end };
    bench.fetcher.handle_validation(&plan, Ok(vec![answer]), bench.now);
    plan
}

fn diverging(epoch: i32, end_offset: Offset) -> FetchedPartition {
    let diverging_epoch = Some((LeaderEpoch(epoch), end_offset));
    FetchedPartition { diverging_epoch, ..fetched(0, 10, &[]) }
}

fn truncation(from: Offset, to: Offset) -> PositionReset {
    PositionReset { topic_partition: tp(0), from, to, cause: ResetCause::Truncated }
}

/// What the application and the log are told.
fn told(bench: &mut Bench) -> (Vec<PositionReset>, Vec<PositionReset>) {
    let delivered = bench.delivery().map(|delivery| delivery.resets).unwrap_or_default();
    (delivered, std::iter::from_fn(|| bench.fetcher.poll_reset()).collect())
}

#[test]
fn a_new_leader_is_asked_for_the_epoch_of_the_last_record_before_anything_is_fetched() {
    let mut bench = after_an_election(&[]);
    assert_eq!((bench.fetch(), bench.state(0)), (None, FetchState::Validating(BrokerId(2))));
    let plan = validate(&mut bench, end(5, 10));
    let asked = &plan.partitions[0];
    assert_eq!((plan.broker, asked.epoch), (BrokerId(2), LeaderEpoch(5)));
    assert_eq!(asked.leader.epoch, Some(LeaderEpoch(6)));
    assert_eq!(bench.fetcher.poll_validation(), None);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 10)])));
    assert_eq!(told(&mut bench), (vec![], vec![]));
}

#[test]
fn a_position_without_known_epoch_needs_no_validation() {
    for start in [StartOffset::At(7), StartOffset::Earliest] {
        let mut bench = Bench::new(&[]);
        bench.lead(0, 1, 5);
        bench.assign([(0, start)]);
        bench.lead(0, 2, 6);
        bench.metadata();
        assert_eq!(bench.fetcher.poll_validation(), None, "{start:?}");
    }
}

#[test]
fn a_start_with_an_epoch_is_validated_first() {
    let mut bench = Bench::new(&[("auto.offset.reset", "earliest")]);
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::AtEpoch(10, LeaderEpoch(3)))]);
    assert_eq!((bench.fetch(), bench.position(0)), (None, Some(10)));
    let plan = validate(&mut bench, end(3, 8));
    assert_eq!(plan.partitions[0].epoch, LeaderEpoch(3));
    assert_eq!(told(&mut bench), (vec![truncation(10, 8)], vec![truncation(10, 8)]));
    bench.fetcher.seek(&tp(0), StartOffset::AtEpoch(6, LeaderEpoch(3)));
    validate(&mut bench, end(3, 8));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 6)])));
}

#[test]
fn a_log_that_ends_earlier_or_in_an_earlier_epoch_is_gone_back_in() {
    for reset in ["earliest", "latest"] {
        for (answer, to) in [(end(5, 7), 7), (end(4, 5), 5), (end(4, 10), 10), (end(4, 30), 10)] {
            let mut bench = after_an_election(&[("auto.offset.reset", reset)]);
            validate(&mut bench, answer);
            let expected = truncation(10, to);
            assert_eq!(told(&mut bench), (vec![expected.clone()], vec![expected]), "{answer:?}");
            assert_eq!(bench.position(0), Some(to));
            assert_eq!(bench.fetch(), Some((2, vec![(0, to)])), "{answer:?}");
        }
    }
}

#[test]
fn a_leader_that_knows_nothing_of_the_epoch_makes_the_policy_decide() {
    let mut bench = after_an_election(&[("auto.offset.reset", "earliest")]);
    validate(&mut bench, Ok(None));
    let plan = bench.fetcher.poll_lookup().unwrap();
    assert_eq!((plan.broker, plan.partitions[0].end), (BrokerId(2), End::Earliest));
    let answer = LookupAnswer { topic_partition: tp(0), offset: Ok(Some(2)) };
    bench.fetcher.handle_lookup(&plan, Ok(vec![answer]), bench.now);
    assert_eq!(told(&mut bench), (vec![truncation(10, 2)], vec![truncation(10, 2)]));
    assert_eq!(bench.position(0), Some(2));
}

#[test]
fn without_a_policy_truncation_is_an_error_at_each_poll_until_the_application_seeks() {
    for (answer, text) in
        [(end(4, 7), "part at offset 7 at the latest"), (Ok(None), "part nobody knows where")]
    {
        let mut bench = after_an_election(&[("auto.offset.reset", "none")]);
        for _ in 0..2 {
            validate(&mut bench, answer);
            assert_eq!(bench.fetch(), None);
            let error = bench.failure();
            assert_eq!(error.kind(), ErrorKind::LogTruncated);
            assert_eq!(error.place().topic_partition, Some(tp(0)));
            assert_eq!(error.place().offset, Some(10));
            assert!(error.to_string().contains(text), "{error}");
        }
        bench.fetcher.seek(&tp(0), StartOffset::At(7));
        assert_eq!(bench.fetch(), Some((2, vec![(0, 7)])));
    }
}

#[test]
fn what_was_fetched_and_not_delivered_is_fetched_anew_and_no_news() {
    let mut bench = Bench::reading(1, &[]);
    for (epoch, base) in [(4, 0), (5, 5)] {
        bench.fetch();
        bench.answer(1, vec![fetched(0, 10, &[batch_of_epoch(epoch, base, 5)])]);
    }
    assert_eq!(bench.deliver(), [(0, 0, 5)]);
    bench.lead(0, 2, 6);
    bench.metadata();
    validate(&mut bench, end(4, 5));
    assert_eq!((bench.deliver(), bench.position(0)), (vec![], Some(5)));
    let plan = validate(&mut bench, end(4, 5));
    assert_eq!(plan.partitions[0].epoch, LeaderEpoch(4), "that of the last record delivered");
    assert_eq!(bench.fetch(), Some((2, vec![(0, 5)])));
    assert_eq!(told(&mut bench), (vec![], vec![]));
}

#[test]
fn what_was_fetched_is_delivered_while_the_leader_is_asked() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 10, &[batch_of_epoch(5, 0, 5)])]);
    bench.lead(0, 2, 6);
    bench.metadata();
    let plan = bench.fetcher.poll_validation().unwrap();
    assert_eq!(bench.deliver(), [(0, 0, 5)]);
    let answer = ValidationAnswer { topic_partition: tp(0), end: end(5, 5) };
    bench.fetcher.handle_validation(&plan, Ok(vec![answer]), bench.now);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 5)])));
}

#[test]
fn an_answer_that_was_asked_for_under_another_leader_is_dropped() {
    let mut bench = read_to_ten(&[]);
    bench.fetch();
    bench.lead(0, 2, 6);
    bench.metadata();
    bench.answer(1, vec![fetched(0, 20, &[batch_of_epoch(5, 10, 10)])]);
    let stale = bench.fetcher.poll_validation().unwrap();
    bench.lead(0, 3, 7);
    bench.metadata();
    let answer = ValidationAnswer { topic_partition: tp(0), end: end(5, 3) };
    bench.fetcher.handle_validation(&stale, Ok(vec![answer]), bench.now);
    assert_eq!((bench.deliver(), bench.position(0)), (vec![], Some(10)));
    assert_eq!(validate(&mut bench, end(5, 10)).broker, BrokerId(3));
    assert_eq!(bench.fetch(), Some((3, vec![(0, 10)])));
}

#[test]
fn data_of_an_older_epoch_is_dropped_even_when_the_position_was_found_valid() {
    let mut bench = read_to_ten(&[]);
    bench.fetch();
    bench.lead(0, 2, 6);
    bench.metadata();
    validate(&mut bench, end(5, 10));
    bench.answer(1, vec![fetched(0, 20, &[batch_of_epoch(5, 10, 10)])]);
    assert_eq!(bench.deliver(), []);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 10)])));
}

#[test]
fn a_validation_that_fails_is_made_again() {
    for (what, answer) in [
        ("no connection", Err(Error::new(ErrorKind::ConnectionLost, "gone"))),
        ("not named", Ok(vec![])),
        ("fenced", Ok(vec![Err(ErrorCode::FencedLeaderEpoch)])),
        ("ahead of the broker", Ok(vec![Err(ErrorCode::UnknownLeaderEpoch)])),
    ] {
        let mut bench = after_an_election(&[]);
        let plan = bench.fetcher.poll_validation().unwrap();
        let named = |end| ValidationAnswer { topic_partition: tp(0), end };
        let answers = answer.map(|ends: Vec<_>| ends.into_iter().map(named).collect());
        bench.fetcher.handle_validation(&plan, answers, bench.now);
        assert_eq!((bench.fetcher.poll_validation(), bench.fetch()), (None, None), "{what}");
        while bench.fetcher.poll_timeout().is_some() {
            bench.wait();
        }
        validate(&mut bench, end(5, 10));
        assert_eq!(bench.fetch(), Some((2, vec![(0, 10)])), "{what}");
    }
}

#[test]
fn a_validation_that_is_refused_for_good_is_an_error() {
    let mut bench = after_an_election(&[]);
    let refused = ErrorCode::TopicAuthorizationFailed;
    validate(&mut bench, Err(refused));
    let error = bench.failure();
    assert_eq!(error.kind(), ErrorKind::Broker(refused));
    assert_eq!(error.place().api, Some(ApiKey::OffsetForLeaderEpoch));
}

#[test]
fn a_broker_that_cannot_be_asked_is_believed() {
    let mut bench = after_an_election(&[]);
    let plan = bench.fetcher.poll_validation().unwrap();
    let too_old = Error::unsupported("OffsetForLeaderEpoch");
    bench.fetcher.handle_validation(&plan, Err(too_old), bench.now);
    assert_eq!(bench.fetch(), Some((2, vec![(0, 10)])));
}

#[test]
fn a_fetch_says_the_epoch_of_the_record_before_its_offset() {
    let mut bench = Bench::reading(1, &[]);
    let said = |bench: &mut Bench| {
        let plan = bench.fetcher.poll_fetch().unwrap();
        plan.session.partitions[0].last_fetched_epoch
    };
    assert_eq!(said(&mut bench), None);
    bench.answer(1, vec![fetched(0, 10, &[batch_of_epoch(3, 0, 5)])]);
    assert_eq!(said(&mut bench), Some(LeaderEpoch(3)));
}

#[test]
fn a_fetch_that_finds_the_log_diverging_goes_back_as_well() {
    let mut bench = read_to_ten(&[]);
    bench.fetch();
    bench.answer(1, vec![diverging(4, 5)]);
    assert_eq!(told(&mut bench), (vec![truncation(10, 5)], vec![truncation(10, 5)]));
    let plan = bench.fetcher.poll_fetch().unwrap();
    let asked = &plan.session.partitions[0];
    assert_eq!((asked.offset, asked.last_fetched_epoch), (5, Some(LeaderEpoch(4))));
}

#[test]
fn a_divergence_behind_what_was_delivered_is_no_news() {
    let mut bench = Bench::reading(1, &[]);
    for (epoch, base) in [(4, 0), (5, 5)] {
        bench.fetch();
        bench.answer(1, vec![fetched(0, 10, &[batch_of_epoch(epoch, base, 5)])]);
    }
    bench.fetch();
    bench.answer(1, vec![diverging(4, 5)]);
    assert_eq!((bench.deliver(), bench.position(0)), (vec![], Some(0)));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
    assert_eq!(told(&mut bench), (vec![], vec![]));
}

#[test]
fn without_a_policy_a_diverging_log_is_an_error_at_each_poll() {
    let mut bench = read_to_ten(&[("auto.offset.reset", "none")]);
    for _ in 0..2 {
        bench.fetch();
        bench.answer(1, vec![diverging(4, 5)]);
        assert_eq!(bench.fetch(), None);
        assert_eq!(bench.failure().kind(), ErrorKind::LogTruncated);
    }
    assert_eq!(bench.position(0), Some(10));
}

#[test]
fn a_broker_that_finds_a_divergence_where_none_is_is_asked_again_after_a_while() {
    let mut bench = read_to_ten(&[]);
    bench.fetch();
    bench.answer(1, vec![diverging(5, 10)]);
    assert_eq!((bench.fetch(), bench.position(0)), (None, Some(10)));
    bench.wait();
    assert_eq!(bench.fetch(), Some((1, vec![(0, 10)])));
}

#[test]
fn a_reset_that_is_not_told_yet_survives_an_election() {
    let mut bench = after_an_election(&[]);
    validate(&mut bench, end(5, 7));
    bench.lead(0, 1, 7);
    bench.metadata();
    assert_eq!(told(&mut bench).0, [truncation(10, 7)]);
}

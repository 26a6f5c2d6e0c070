//! Symbolic starts and positions outside of the log.

use super::*;
use crate::error::ErrorKind;

/// The next lookup: the broker, and the partitions with the wanted end.
fn lookup(bench: &mut Bench) -> Option<LookupPlan> {
    bench.fetcher.poll_lookup()
}

fn wanted(plan: &LookupPlan) -> Vec<(i32, End)> {
    plan.partitions.iter().map(|asked| (asked.topic_partition.partition, asked.end)).collect()
}

/// Returns what is logged.
fn found(bench: &mut Bench, plan: &LookupPlan, offset: Offset) -> Vec<PositionReset> {
    let answers = plan.partitions.iter().map(|asked| LookupAnswer {
        topic_partition: asked.topic_partition.clone(),
        offset: Ok(Some(offset)),
    });
    bench.fetcher.handle_lookup(plan, Ok(answers.collect()), bench.now);
    std::iter::from_fn(|| bench.fetcher.poll_reset()).collect()
}

fn symbolic() -> Bench {
    let mut bench = Bench::new(&[]);
    (0..3).for_each(|partition| bench.lead(partition, 1, 5));
    bench.lead(2, 2, 5);
    bench.assign([(0, StartOffset::Earliest), (1, StartOffset::Latest), (2, StartOffset::Latest)]);
    bench
}

fn out_of_range(reset: &str) -> Bench {
    let mut bench = Bench::reading(1, &[("auto.offset.reset", reset)]);
    bench.fetcher.seek(&tp(0), StartOffset::At(500));
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::OffsetOutOfRange)]);
    bench
}

#[test]
fn symbolic_starts_are_looked_up_at_each_leader_once() {
    let mut bench = symbolic();
    assert_eq!(bench.fetch(), None);
    let first = lookup(&mut bench).unwrap();
    assert_eq!(
        (first.broker, wanted(&first)),
        (BrokerId(1), vec![(0, End::Earliest), (1, End::Latest)])
    );
    let second = lookup(&mut bench).unwrap();
    assert_eq!((second.broker, wanted(&second)), (BrokerId(2), vec![(2, End::Latest)]));
    assert_eq!(lookup(&mut bench), None);
    assert_eq!(bench.position(0), None);
    found(&mut bench, &first, 40);
    assert_eq!(bench.position(0), Some(40));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 40), (1, 40)])));
}

#[test]
fn a_position_that_becomes_known_is_news() {
    let mut bench = symbolic();
    let plan = lookup(&mut bench).unwrap();
    assert!(bench.delivery().is_none());
    found(&mut bench, &plan, 40);
    assert!(bench.delivery().is_some());
    assert!(bench.delivery().is_none());
}

#[test]
fn a_lookup_that_fails_or_is_not_answered_is_made_again() {
    let failed = |error| LookupAnswer { topic_partition: tp(0), offset: error };
    for (what, answer) in [
        ("no connection", Err(Error::new(ErrorKind::ConnectionLost, "gone"))),
        ("not named", Ok(vec![])),
        ("no offset", Ok(vec![failed(Ok(None))])),
        ("not leader", Ok(vec![failed(Err(ErrorCode::NotLeaderOrFollower))])),
        ("not yet", Ok(vec![failed(Err(ErrorCode::OffsetNotAvailable))])),
    ] {
        let mut bench = Bench::new(&[]);
        bench.lead(0, 1, 5);
        bench.assign([(0, StartOffset::Earliest)]);
        let plan = lookup(&mut bench).unwrap();
        bench.fetcher.handle_lookup(&plan, answer, bench.now);
        assert_eq!(lookup(&mut bench), None, "{what}");
        while bench.fetcher.poll_timeout().is_some() {
            bench.wait();
        }
        assert!(lookup(&mut bench).is_some(), "{what}");
    }
}

#[test]
fn a_lookup_that_is_refused_for_good_is_an_error() {
    let mut bench = Bench::new(&[]);
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::Earliest)]);
    let plan = lookup(&mut bench).unwrap();
    let refused = ErrorCode::TopicAuthorizationFailed;
    let answer = LookupAnswer { topic_partition: tp(0), offset: Err(refused) };
    bench.fetcher.handle_lookup(&plan, Ok(vec![answer]), bench.now);
    let error = bench.failure();
    assert_eq!(error.kind(), ErrorKind::Broker(refused));
    assert_eq!(error.place().topic_partition, Some(tp(0)));
}

#[test]
fn an_answer_to_a_lookup_of_an_old_position_is_dropped() {
    let mut bench = symbolic();
    let plan = lookup(&mut bench).unwrap();
    bench.fetcher.seek(&tp(0), StartOffset::At(7));
    found(&mut bench, &plan, 40);
    assert_eq!(bench.position(0), Some(7));
}

#[test]
fn out_of_range_goes_on_where_auto_offset_reset_says() {
    for (reset, end) in [("earliest", End::Earliest), ("latest", End::Latest)] {
        let mut bench = out_of_range(reset);
        assert_eq!(bench.position(0), Some(500), "until the new position is known");
        let plan = lookup(&mut bench).unwrap();
        assert_eq!(wanted(&plan), [(0, end)]);
        let logged = found(&mut bench, &plan, 1000);
        let delivery = bench.delivery().expect("a bounded reader must look at its position");
        let cause = ResetCause::OutOfRange;
        let reset = PositionReset { topic_partition: tp(0), from: 500, to: 1000, cause };
        assert_eq!((&logged, &delivery.resets), (&vec![reset.clone()], &vec![reset]));
        assert_eq!(bench.position(0), Some(1000));
        assert_eq!(bench.fetch(), Some((1, vec![(0, 1000)])));
        bench.answer(1, vec![fetched(0, 1010, &[batch(1000, 4)])]);
        assert_eq!(bench.delivery().unwrap().resets, [], "each is told once");
    }
}

#[test]
fn a_reset_by_duration_goes_to_the_end_where_nothing_is_that_young() {
    let mut bench = out_of_range("by_duration:PT1H");
    let plan = lookup(&mut bench).unwrap();
    assert_eq!(wanted(&plan), [(0, End::Since(Duration::from_secs(3600)))]);
    let nothing = LookupAnswer { topic_partition: tp(0), offset: Ok(None) };
    bench.fetcher.handle_lookup(&plan, Ok(vec![nothing]), bench.now);
    let plan = lookup(&mut bench).expect("at once");
    assert_eq!(wanted(&plan), [(0, End::Latest)]);
    found(&mut bench, &plan, 1000);
    assert_eq!(bench.fetch(), Some((1, vec![(0, 1000)])));
}

#[test]
fn a_reset_that_the_application_has_left_behind_is_not_told() {
    let mut bench = out_of_range("earliest");
    let plan = lookup(&mut bench).unwrap();
    found(&mut bench, &plan, 1000);
    bench.fetcher.seek(&tp(0), StartOffset::At(2000));
    assert_eq!(bench.delivery().map(|delivery| delivery.resets), Some(vec![]));
}

#[test]
fn a_symbolic_start_is_no_reset() {
    let mut bench = symbolic();
    let plan = lookup(&mut bench).unwrap();
    assert_eq!(found(&mut bench, &plan, 40), []);
    assert_eq!(bench.delivery().unwrap().resets, []);
}

#[test]
fn out_of_range_without_reset_names_partition_position_and_log() {
    let mut bench = out_of_range("none");
    let plan = lookup(&mut bench).unwrap();
    assert_eq!(wanted(&plan), [(0, End::Earliest)]);
    found(&mut bench, &plan, 1000);
    let plan = lookup(&mut bench).unwrap();
    assert_eq!(wanted(&plan), [(0, End::Latest)]);
    found(&mut bench, &plan, 2000);
    let error = bench.failure();
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
    assert_eq!(
        (error.place().topic_partition.clone(), error.place().offset),
        (Some(tp(0)), Some(500))
    );
    assert!(error.to_string().contains("1000 to before 2000"), "{error}");
    assert_eq!(bench.position(0), Some(500));
}

#[test]
fn what_was_fetched_before_a_reset_is_delivered_first() {
    let mut bench = Bench::reading(1, &[("auto.offset.reset", "earliest")]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::OffsetOutOfRange)]);
    assert_eq!(lookup(&mut bench), None, "there is something to deliver");
    assert_eq!(bench.position(0), Some(0));
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.position(0), Some(4));
    let plan = lookup(&mut bench).unwrap();
    found(&mut bench, &plan, 100);
    assert_eq!(bench.position(0), Some(100));
    let resets = bench.delivery().unwrap().resets;
    assert_eq!(resets.iter().map(PositionReset::passed_over).collect::<Vec<_>>(), [96]);
}

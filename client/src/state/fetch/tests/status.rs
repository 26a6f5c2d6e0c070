//! Why a partition is not being fetched: each state is reached once and says what it waits for.

use super::*;
use crate::error::ErrorKind;
use crate::stats::PrefetchStats;

fn explained(bench: &Bench) -> (FetchState, String) {
    let status = bench.fetcher.status(&tp(0));
    (status.state, status.state.to_string())
}

#[track_caller]
fn assert_explained(bench: &Bench, state: FetchState, words: &str) {
    let (found, text) = explained(bench);
    assert_eq!(found, state);
    assert!(text.contains(words), "{text}");
}

const ONE: BrokerId = BrokerId(1);

#[test]
fn what_the_application_has_done_is_said() {
    let mut bench = Bench::new(&[]);
    assert_explained(&bench, FetchState::Unassigned, "not assigned");
    bench.assign([(0, StartOffset::At(0))]);
    assert_explained(&bench, FetchState::NoLeader, "metadata is being refreshed");
    bench.lead(0, 1, 5);
    bench.metadata();
    bench.fetcher.pause(&[tp(0)]);
    assert_explained(&bench, FetchState::Paused, "paused by the application");
    bench.fetcher.resume(&[tp(0)]);
    bench.fetch();
    assert_explained(&bench, FetchState::Asked(ONE), "broker 1 has been asked");
}

#[test]
fn questions_to_the_leader_are_said() {
    let mut bench = Bench::new(&[]);
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::Latest)]);
    assert_explained(&bench, FetchState::LookingUp(ONE), "where the log begins or ends");
    bench.fetcher.seek(&tp(0), StartOffset::AtEpoch(4, LeaderEpoch(3)));
    assert_explained(&bench, FetchState::Validating(ONE), "the one that was read");
}

#[test]
fn refusals_and_failures_are_said() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::OffsetNotAvailable)]);
    assert_explained(&bench, FetchState::Refused(1), "refused 1 times in a row");
    bench.wait();
    bench.fetch();
    bench.answer(1, vec![refused(0, ErrorCode::TopicAuthorizationFailed)]);
    assert_explained(&bench, FetchState::Failed, "an error waits");
}

#[test]
fn brokers_that_fail_or_throttle_are_said_apart() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let answer = FetchAnswer { throttle: Duration::from_secs(3), ..FetchAnswer::default() };
    bench.fetcher.handle_fetch(ONE, Ok(answer), bench.now);
    assert_explained(&bench, FetchState::BrokerThrottled(ONE), "throttles this client");
    bench.wait();
    bench.fetch();
    let lost = Error::new(ErrorKind::ConnectionLost, "gone");
    bench.fetcher.handle_fetch(ONE, Err(lost), bench.now);
    assert_explained(&bench, FetchState::BrokerDelayed(ONE), "broker 1 failed");
}

#[test]
fn waiting_for_others_is_said() {
    let mut bench = Bench::reading(2, &[("kavka.prefetch.bytes", "1000")]);
    bench.fetcher.pause(&[tp(0)]);
    bench.fetch();
    bench.fetcher.resume(&[tp(0)]);
    assert_explained(&bench, FetchState::BrokerBusy(ONE), "an earlier request");
    bench.answer(1, vec![fetched(1, 9, &[batch_of_size(0, 900)])]);
    let stats =
        PrefetchStats { budget_bytes: 1000, buffered_bytes: 900, ..PrefetchStats::default() };
    assert_explained(&bench, FetchState::WaitingForRoom { broker: ONE, stats }, "900 buffered");
}

#[test]
fn the_lag_is_what_the_last_answer_left_to_read() {
    let mut bench = Bench::reading(1, &[]);
    let lag = |bench: &Bench| bench.fetcher.status(&tp(0)).lag();
    assert_eq!(lag(&bench), None);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 10, &[batch(0, 4)])]);
    assert_eq!(lag(&bench), Some(10), "nothing was delivered");
    bench.deliver();
    assert_eq!(lag(&bench), Some(6));
    bench.fetcher.seek(&tp(0), StartOffset::At(12));
    assert_eq!(lag(&bench), Some(0), "behind the end");
}

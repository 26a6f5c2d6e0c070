//! When a broker counts as one whose partitions are better avoided (KIP-794).

use super::rules::{LEADER, ready};
use super::*;

const LIMIT: Duration = Duration::from_millis(300);

fn fixture() -> Fixture {
    ready(SenderSettings { availability_timeout: Some(LIMIT), ..settings() }, 1)
}

/// The change, once nothing more can be sent.
fn avoided(at: &mut Fixture) -> Option<Vec<BrokerId>> {
    assert!(at.plans().is_empty());
    at.sender.poll_unavailable(at.now).map(|brokers| brokers.into_iter().collect())
}

#[test]
fn a_broker_that_does_not_answer_is_avoided_until_it_does() {
    let mut at = fixture();
    at.append(0, "a", 0).unwrap();
    let plan = at.plans().remove(0);
    assert_eq!(at.sender.poll_timeout(), Some(at.now + LIMIT));
    at.now += LIMIT - Duration::from_millis(1);
    assert_eq!(avoided(&mut at), None);
    at.now += Duration::from_millis(1);
    assert_eq!(avoided(&mut at), Some(vec![LEADER]));
    at.sender.handle_answer(plan.number, response([(0, Ok(0))]), at.now);
    assert_eq!(avoided(&mut at), Some(vec![]));
}

#[test]
fn a_broker_that_cannot_be_reached_stays_avoided_while_there_is_something_to_repeat() {
    let mut at = fixture();
    at.append(0, "a", 0).unwrap();
    let end = at.now + DELIVERY;
    let mut changes = Vec::new();
    while at.now < end {
        for plan in at.plans() {
            at.sender.handle_answer(plan.number, lost(false), at.now);
        }
        changes.extend(avoided(&mut at));
        at.now = at.sender.poll_timeout().unwrap();
    }
    assert_eq!(changes, [[LEADER]], "all the time");
    assert!(at.plans().is_empty());
    assert_eq!(at.settled().len(), 1, "delivery.timeout.ms is over");
    at.now = at.sender.poll_timeout().expect("the wait for the next attempt ends");
    assert_eq!(avoided(&mut at), Some(vec![]));
}

#[test]
fn a_broker_that_wants_to_be_left_alone_for_long_is_avoided_meanwhile() {
    let mut at = fixture();
    at.append(0, "a", 0).unwrap();
    let plan = at.plans().remove(0);
    let Answer::Response(answer) = response([(0, Ok(0))]) else { panic!("an answer") };
    let answer = Answer::Response(answer.with_throttle_time_ms(1000));
    at.sender.handle_answer(plan.number, answer, at.now);
    at.now += LIMIT;
    assert_eq!(avoided(&mut at), Some(vec![LEADER]));
    at.now += Duration::from_secs(1);
    assert_eq!(avoided(&mut at), Some(vec![]));
}

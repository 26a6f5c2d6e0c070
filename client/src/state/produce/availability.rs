//! Which brokers have stopped taking what is sent to them (`partitioner.availability.timeout.ms`,
//! KIP-794).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kavka_protocol::BrokerId;

use crate::state::timers::is_reached;

/// Knows since when each broker owes an answer, and names those that have for too long.
///
/// `sent` and `answered` tell of requests, `poll` yields the brokers to be avoided when they are
/// others than before. A broker that nothing is left for is given another chance.
pub(super) struct Availability {
    /// `None`: no broker is ever avoided.
    timeout: Option<Duration>,
    owing: BTreeMap<BrokerId, Instant>,
    avoided: BTreeSet<BrokerId>,
}

impl Availability {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Self { timeout, owing: BTreeMap::new(), avoided: BTreeSet::new() }
    }

    /// `broker` has got something to do, or has asked to be left alone while there is something.
    pub(super) fn sent(&mut self, broker: BrokerId, now: Instant) {
        if self.timeout.is_some() {
            self.owing.entry(broker).or_insert(now);
        }
    }

    /// `broker` has done something; perhaps it `has_more` to do.
    pub(super) fn answered(&mut self, broker: BrokerId, has_more: bool, now: Instant) {
        self.owing.remove(&broker);
        if has_more {
            self.sent(broker, now);
        }
    }

    /// The brokers to be avoided from now on, if that has changed.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        is_busy: impl Fn(BrokerId) -> bool,
    ) -> Option<BTreeSet<BrokerId>> {
        let timeout = self.timeout?;
        self.owing.retain(|broker, _| is_busy(*broker));
        let overdue =
            self.owing.iter().filter(|(_, since)| is_reached(Some(**since + timeout), now));
        let avoided: BTreeSet<_> = overdue.map(|(broker, _)| *broker).collect();
        (avoided != self.avoided).then(|| self.avoided.clone_from(&avoided))?;
        Some(avoided)
    }

    /// When to poll again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.owing.iter().filter(|(broker, _)| !self.avoided.contains(broker));
        waiting.map(|(_, since)| *since).min().zip(self.timeout).map(|(since, limit)| since + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKER: BrokerId = BrokerId(1);
    const OTHER: BrokerId = BrokerId(2);

    /// An availability with a timeout of 100 ms, and a time to count from.
    fn availability() -> (Availability, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let at = move |millis| start + Duration::from_millis(millis);
        (Availability::new(Some(Duration::from_millis(100))), at)
    }

    #[test]
    fn a_broker_that_owes_an_answer_for_too_long_is_avoided_until_it_gives_one() {
        let (mut availability, at) = availability();
        availability.sent(BROKER, at(0));
        availability.sent(BROKER, at(90));
        availability.sent(OTHER, at(50));
        assert_eq!(availability.poll(at(99), |_| true), None);
        assert_eq!(availability.poll_timeout(), Some(at(100)));
        assert_eq!(availability.poll(at(100), |_| true), Some(BTreeSet::from([BROKER])));
        assert_eq!(availability.poll(at(101), |_| true), None, "that is known");
        assert_eq!(availability.poll_timeout(), Some(at(150)));
        availability.answered(BROKER, true, at(120));
        assert_eq!(availability.poll(at(120), |_| true), Some(BTreeSet::new()));
        assert_eq!(availability.poll(at(219), |_| true), Some(BTreeSet::from([OTHER])));
        assert_eq!(availability.poll(at(220), |_| true), Some(BTreeSet::from([BROKER, OTHER])));
    }

    #[test]
    fn a_broker_that_nothing_is_left_for_is_given_another_chance() {
        let (mut availability, at) = availability();
        availability.sent(BROKER, at(0));
        assert!(availability.poll(at(100), |_| true).is_some());
        assert_eq!(availability.poll(at(200), |_| false), Some(BTreeSet::new()));
        assert_eq!(availability.poll_timeout(), None);
        availability.sent(BROKER, at(300));
        assert_eq!(availability.poll(at(399), |_| true), None);
    }

    #[test]
    fn without_a_timeout_no_broker_is_avoided() {
        let mut availability = Availability::new(None);
        let now = Instant::now();
        availability.sent(BROKER, now);
        assert_eq!(availability.poll(now + Duration::from_secs(9999), |_| true), None);
        assert_eq!(availability.poll_timeout(), None);
    }
}

//! The rules of metadata, on hand-made time and hand-made answers.

use uuid::Uuid;

use super::*;
use crate::error::ErrorKind;
use crate::testing::{metadata as cluster_of, topic};

type Ticket = &'static str;

impl Waiter for Ticket {
    fn is_gone(&self) -> bool {
        self.starts_with("gone")
    }
}

const BROKERS: &[(i32, &str, u16)] = &[(1, "a", 9092), (2, "b", 9092)];

/// Metadata and the time it believes it is.
struct Known {
    metadata: Metadata<Ticket>,
    now: Instant,
}

impl Known {
    fn nothing() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut MetadataSettings)) -> Self {
        let mut settings = MetadataSettings {
            max_age: secs(300),
            max_idle: secs(300),
            retry_backoff: millis(100),
            retry_backoff_max: millis(1000),
            creates_topics: true,
        };
        change(&mut settings);
        let now = Instant::now();
        Self { metadata: Metadata::new(settings, 7, now), now }
    }

    /// Metadata that tracks `orders`, led by these brokers in these epochs.
    fn orders(leaders: &[(i32, i32)]) -> Self {
        let mut known = Self::nothing();
        known.metadata.track("orders", Interest::Read, known.now);
        known.refresh(vec![topic("orders", leaders)]);
        known
    }

    /// The next refresh, which must be due now, is answered with `topics`.
    fn refresh(&mut self, topics: Vec<MetadataResponseTopic>) -> Refresh {
        let refresh = self.metadata.poll_refresh(self.now).expect("a refresh is due");
        let response = cluster_of(BROKERS).with_topics(topics);
        self.metadata.handle_response(&response, self.now);
        refresh
    }

    fn leader(&mut self, partition: i32) -> Option<(i32, Option<i32>)> {
        let tp = TopicPartition::new("orders", partition);
        let leader = self.metadata.leader(&tp, self.now)?;
        Some((leader.broker.0, leader.epoch.map(|epoch| epoch.0)))
    }

    /// Passes the time until the next refresh and says how long that was.
    fn pass(&mut self) -> Duration {
        let due = self.metadata.poll_timeout().expect("a refresh will be due");
        let wait = due.saturating_duration_since(self.now);
        self.now += wait;
        wait
    }

    fn hint(&mut self, partition: i32, leader: i32, epoch: i32) -> bool {
        self.hint_about(None, partition, leader, epoch)
    }

    fn hint_about(
        &mut self,
        topic_id: Option<TopicId>,
        partition: i32,
        leader: i32,
        epoch: i32,
    ) -> bool {
        let topic_partition = TopicPartition::new("orders", partition);
        let (leader, epoch) = (BrokerId(leader), LeaderEpoch(epoch));
        let hint = LeaderHint { topic_partition, topic_id, leader, epoch };
        self.metadata.handle_leader_hint(&hint, self.now)
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn away() -> Error {
    Error::new(ErrorKind::Unreachable, "connection refused")
}

fn failed(name: &str, code: ErrorCode) -> MetadataResponseTopic {
    topic(name, &[]).with_error_code(code.code())
}

#[test]
fn leader_epochs_only_go_forward() {
    let mut known = Known::orders(&[(1, 5), (1, 5)]);
    known.metadata.request_refresh(known.now);
    known.pass();
    known.refresh(vec![topic("orders", &[(2, 4), (2, 6)])]);
    assert_eq!(known.leader(0), Some((1, Some(5))));
    assert_eq!(known.leader(1), Some((2, Some(6))));
}

#[test]
fn brokers_without_epochs_are_believed() {
    let mut known = Known::orders(&[(1, -1)]);
    known.metadata.request_refresh(known.now);
    known.pass();
    known.refresh(vec![topic("orders", &[(2, -1)])]);
    assert_eq!(known.leader(0), Some((2, None)));
}

#[test]
fn a_topic_with_another_id_is_another_topic() {
    let mut known = Known::nothing();
    known.metadata.track("orders", Interest::Read, known.now);
    known.refresh(vec![topic("orders", &[(1, 9)]).with_topic_id(Uuid::from_u128(1))]);
    known.metadata.request_refresh(known.now);
    known.pass();
    known.refresh(vec![topic("orders", &[(2, 0)]).with_topic_id(Uuid::from_u128(2))]);
    assert_eq!(known.leader(0), Some((2, Some(0))));
}

#[test]
fn a_hint_is_taken_only_from_a_later_epoch_and_about_a_known_broker() {
    for (leader, epoch, adopted) in [(2, 6, true), (2, 5, false), (2, 4, false), (3, 6, false)] {
        let mut known = Known::orders(&[(1, 5)]);
        let before = known.metadata.revision();
        assert_eq!(known.hint(0, leader, epoch), adopted, "{leader} {epoch}");
        assert_eq!(known.metadata.revision() > before, adopted);
        let expected = if adopted { (leader, Some(epoch)) } else { (1, Some(5)) };
        assert_eq!(known.leader(0), Some(expected));
        let soon = known.metadata.poll_timeout().unwrap() < known.now + secs(2);
        assert_eq!(soon, !adopted, "what cannot be used calls for a refresh");
    }
}

#[test]
fn a_hint_about_a_topic_that_had_the_name_before_is_not_taken() {
    let id = |number| Some(TopicId(Uuid::from_u128(number)));
    for (asked, adopted) in [(id(2), true), (None, true), (id(1), false)] {
        let mut known = Known::nothing();
        known.metadata.track("orders", Interest::Read, known.now);
        known.refresh(vec![topic("orders", &[(1, 0)]).with_topic_id(Uuid::from_u128(2))]);
        assert_eq!(known.hint_about(asked, 0, 2, 6), adopted, "{asked:?}");
        let expected = if adopted { (2, Some(6)) } else { (1, Some(0)) };
        assert_eq!(known.leader(0), Some(expected));
    }
}

#[test]
fn a_new_topic_is_asked_for_at_once() {
    let mut known = Known::orders(&[(1, 0)]);
    known.metadata.track("payments", Interest::Read, known.now);
    let refresh = known.refresh(vec![topic("payments", &[(1, 0)])]);
    let names: Vec<&str> = refresh.topics.iter().map(|topic| &**topic).collect();
    assert_eq!(names, ["orders", "payments"]);
}

#[test]
fn refreshes_without_news_come_ever_more_slowly() {
    let mut known = Known::orders(&[(1, 0)]);
    let mut waits = Vec::new();
    for _ in 0..6 {
        known.metadata.request_refresh(known.now);
        waits.push(known.pass());
        known.refresh(vec![topic("orders", &[(1, 0)])]);
    }
    for (wait, expected) in waits.iter().zip([100, 200, 400, 800, 1000, 1000].map(millis)) {
        let jitter = expected / 5;
        assert!((expected - jitter..=expected + jitter).contains(wait), "{wait:?} ~ {expected:?}");
    }
}

#[test]
fn news_and_long_quiet_make_refreshes_quick_again() {
    let mut known = Known::orders(&[(1, 0)]);
    for epoch in [0, 0, 0, 0, 1] {
        known.metadata.request_refresh(known.now);
        known.pass();
        known.refresh(vec![topic("orders", &[(1, epoch)])]);
    }
    known.metadata.request_refresh(known.now);
    assert!(known.pass() <= millis(120), "a new epoch is news");
    known.refresh(vec![topic("orders", &[(1, 1)])]);
    known.now += secs(60);
    known.metadata.request_refresh(known.now);
    assert_eq!(known.pass(), Duration::ZERO);
}

#[test]
fn a_failed_refresh_is_repeated_after_a_backoff() {
    let mut known = Known::orders(&[(1, 0)]);
    known.metadata.request_refresh(known.now);
    known.pass();
    assert!(known.metadata.poll_refresh(known.now).is_some());
    assert_eq!(known.metadata.poll_timeout(), None, "one refresh at a time");
    known.metadata.handle_failure(away(), known.now);
    assert!(known.pass() >= millis(80));
    assert!(known.metadata.poll_refresh(known.now).is_some());
}

#[test]
fn metadata_is_renewed_when_it_is_old() {
    let mut known = Known::orders(&[(1, 0)]);
    assert_eq!(known.pass(), secs(300));
    assert!(known.metadata.poll_refresh(known.now).is_some());
}

#[test]
fn a_partition_without_leader_is_asked_about_again() {
    let mut known = Known::orders(&[(-1, 3)]);
    assert_eq!(known.leader(0), None);
    assert!(known.pass() <= millis(120));
    known.refresh(vec![topic("orders", &[(2, 4)])]);
    assert_eq!(known.leader(0), Some((2, Some(4))));
    assert_eq!(known.pass(), secs(300), "nothing is missing any more");
}

#[test]
fn those_who_wait_are_woken_by_the_name_of_their_topic() {
    let mut known = Known::nothing();
    known.metadata.wait("orders", Interest::Read, "first", known.now);
    known.metadata.wait("orders", Interest::Read, "second", known.now);
    known.metadata.wait("payments", Interest::Read, "other", known.now);
    known.refresh(vec![topic("orders", &[(1, 0)])]);
    let woken: Vec<_> = std::iter::from_fn(|| known.metadata.poll_woken()).collect();
    assert_eq!(woken, ["first", "second"]);
}

#[test]
fn bad_news_wake_those_who_wait_too() {
    let mut known = Known::nothing();
    known.metadata.wait("orders", Interest::Read, "reader", known.now);
    known.refresh(vec![failed("orders", ErrorCode::UnknownTopicOrPartition)]);
    assert_eq!(known.metadata.poll_woken(), Some("reader"));
    assert_eq!(known.metadata.error("orders"), Some(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn those_who_wait_are_told_of_a_refusal_and_spared_what_passes() {
    for (kind, told) in [(ErrorKind::Unreachable, false), (ErrorKind::Authentication, true)] {
        let mut known = Known::nothing();
        known.metadata.wait("orders", Interest::Read, "reader", known.now);
        assert!(known.metadata.poll_refresh(known.now).is_some());
        known.metadata.handle_failure(Error::new(kind, "no"), known.now);
        assert_eq!(known.metadata.poll_woken().is_some(), told, "{kind:?}");
        assert_eq!(known.metadata.trouble().map(Error::kind), Some(kind));
        assert!(known.pass() <= millis(120), "it is asked for on: {kind:?}");
        known.refresh(vec![topic("orders", &[(1, 0)])]);
        assert!(known.metadata.trouble().is_none(), "a broker has answered");
    }
}

#[test]
fn those_who_wait_no_more_are_not_remembered() {
    let mut known = Known::nothing();
    for _ in 0..1000 {
        known.metadata.wait("orders", Interest::Read, "gone while others wait", known.now);
    }
    known.metadata.wait("orders", Interest::Read, "here", known.now);
    known.metadata.wait("orders", Interest::Read, "gone at last", known.now);
    assert!(known.metadata.topics["orders"].waiters.len() < 10);
    assert!(known.metadata.poll_refresh(known.now).is_some());
    known.metadata.handle_failure(away(), known.now);
    assert_eq!(known.metadata.topics["orders"].waiters, ["here"]);
}

#[test]
fn reading_never_creates_and_writing_does_in_a_request_of_its_own() {
    let mut known = Known::nothing();
    known.metadata.track("read", Interest::Read, known.now);
    known.metadata.track("written", Interest::Write, known.now);
    let created = known.refresh(vec![topic("written", &[(1, 0)])]);
    assert_eq!(created, Refresh { topics: vec!["written".into()], may_create: true });
    known.pass();
    let renewed = known.refresh(vec![topic("read", &[(1, 0)])]);
    assert_eq!(
        renewed,
        Refresh { topics: vec!["read".into(), "written".into()], may_create: false }
    );
}

#[test]
fn a_topic_that_cannot_be_created_does_not_keep_others_from_being_renewed() {
    let mut known = Known::orders(&[(1, 0)]);
    known.metadata.track("written", Interest::Write, known.now);
    let refused = || failed("written", ErrorCode::UnknownTopicOrPartition);
    let kinds: Vec<bool> = (0..4)
        .map(|_| {
            known.pass();
            known.refresh(vec![refused()]).may_create
        })
        .collect();
    assert_eq!(kinds, [true, false, true, false]);
}

#[test]
fn nothing_is_created_when_that_is_switched_off() {
    let mut known = Known::with(|settings| settings.creates_topics = false);
    known.metadata.track("written", Interest::Write, known.now);
    assert!(!known.refresh(Vec::new()).may_create);
}

#[test]
fn a_moment_of_trouble_does_not_forget_leaders_and_deletion_does() {
    for (code, remembered) in [
        (ErrorCode::LeaderNotAvailable, true),
        (ErrorCode::UnknownTopicOrPartition, false),
        (ErrorCode::TopicAuthorizationFailed, false),
    ] {
        let mut known = Known::orders(&[(1, 0)]);
        known.metadata.request_refresh(known.now);
        known.pass();
        known.refresh(vec![failed("orders", code)]);
        assert_eq!(known.leader(0).is_some(), remembered, "{code}");
        assert_eq!(known.metadata.error("orders"), Some(code));
    }
}

#[test]
fn a_topic_nobody_looks_at_is_left_out() {
    let mut known = Known::orders(&[(1, 0)]);
    known.now += secs(200);
    known.metadata.track("payments", Interest::Read, known.now);
    known.refresh(vec![topic("payments", &[(1, 0)])]);
    known.now += secs(200);
    known.metadata.request_refresh(known.now);
    assert_eq!(known.refresh(Vec::new()).topics, ["payments".into()]);
}

#[test]
fn an_answer_without_brokers_changes_nothing_about_the_cluster() {
    let mut known = Known::orders(&[(1, 0)]);
    let before = known.metadata.cluster().clone();
    assert!(!known.metadata.handle_news(&cluster_of(&[])));
    assert_eq!(known.metadata.cluster(), &before);
    assert_eq!(before.controller, Some(BrokerId(1)));
}

#[test]
fn silence_counts_from_the_first_request_that_nobody_answered() {
    let mut known = Known::orders(&[(1, 5)]);
    assert_eq!(known.metadata.silent_since(), None);
    known.pass();
    let first = known.now;
    for _ in 0..3 {
        assert!(known.metadata.poll_refresh(known.now).is_some());
        assert_eq!(known.metadata.silent_since(), Some(first));
        known.metadata.handle_failure(away(), known.now);
        known.pass();
    }
    known.refresh(vec![topic("orders", &[(1, 5)])]);
    assert_eq!(known.metadata.silent_since(), None);
}

#[test]
fn who_is_sent_back_to_the_bootstrap_addresses_forgets_and_goes_on_waiting() {
    let mut known = Known::orders(&[(1, 5)]);
    known.metadata.wait("orders", Interest::Read, "reader", known.now);
    known.pass();
    let (asked, revision) = (known.metadata.cluster().clone(), known.metadata.revision());
    assert!(known.metadata.poll_refresh(known.now).is_some());
    assert!(known.metadata.rebootstrap(&asked));
    assert_eq!(known.leader(0), None);
    assert!(known.metadata.cluster().brokers.is_empty());
    assert!(known.metadata.revision() > revision, "everybody is told");
    assert_eq!(known.metadata.poll_woken(), None);
    assert_eq!(known.metadata.poll_timeout(), None, "the same request goes on elsewhere");
    // The cluster behind the bootstrap addresses may be another one, of earlier epochs.
    let response = cluster_of(BROKERS).with_topics(vec![topic("orders", &[(2, 1)])]);
    known.metadata.handle_response(&response, known.now);
    assert_eq!(known.leader(0), Some((2, Some(1))));
    assert_eq!(known.metadata.poll_woken(), Some("reader"));
    assert!(known.pass() > secs(200), "nothing more is wanted");
}

#[test]
fn bootstrap_addresses_that_fail_after_that_are_asked_again_after_a_backoff() {
    let mut known = Known::orders(&[(1, 5)]);
    known.metadata.request_refresh(known.now);
    known.pass();
    assert!(known.metadata.poll_refresh(known.now).is_some());
    assert!(known.metadata.rebootstrap(&known.metadata.cluster().clone()));
    known.metadata.handle_failure(away(), known.now);
    assert!(known.pass() >= millis(80));
    known.refresh(vec![topic("orders", &[(1, 5)])]);
    assert_eq!(known.leader(0), Some((1, Some(5))));
}

#[test]
fn what_an_outdated_broker_says_does_not_forget_the_cluster_found_since() {
    let mut known = Known::orders(&[(1, 5)]);
    let outdated = Cluster { id: Some("gone".to_owned()), ..known.metadata.cluster().clone() };
    assert!(!known.metadata.rebootstrap(&outdated));
    assert_eq!(known.leader(0), Some((1, Some(5))));
}

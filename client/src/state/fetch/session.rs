//! `FetchSession`: what one broker has been told to fetch and need not be told again (KIP-227).
//!
//! A broker that keeps a session remembers every partition of it with its offset. A request then
//! names what has changed since the one before, and an answer the partitions that have news.

use std::collections::HashMap;

use kavka_protocol::{ErrorCode, LeaderEpoch, Offset, TopicId, TopicPartition};

use super::planner::PlannedPartition;

/// The fetch session of one consumer with one broker.
///
/// Call `plan` for each request and `handle_answer` for its answer; a request that was refused as a
/// whole is reported through `handle_refusal`, one that died without an answer through `reset`. A
/// broker without room for a session answers every request in full.
#[derive(Debug, Default)]
pub(crate) struct FetchSession {
    phase: Phase,
    /// What the broker believes we want: exactly what was named and not forgotten since.
    known: HashMap<TopicPartition, Known>,
    /// Counts requests, to tell what is wanted no more.
    requests: u64,
}

/// Full → Incremental, and back when the session is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next request names everything and asks for a session, in place of this one.
    Full { replaced: SessionId },
    /// The next request has this number within the session.
    Incremental { id: SessionId, epoch: i32 },
}

/// A session as its broker calls it; 0 is none.
pub(crate) type SessionId = i32;

#[derive(Debug)]
struct Known {
    terms: Terms,
    /// The end of what may be read, as of the last answer that said so.
    end: Option<Offset>,
    /// The last request that wanted it.
    wanted: u64,
}

/// What makes it necessary to name a partition again when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    topic_id: Option<TopicId>,
    offset: Offset,
    leader_epoch: Option<LeaderEpoch>,
    last_fetched_epoch: Option<LeaderEpoch>,
    max_bytes: usize,
}

/// The part of one request that depends on the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionPart {
    pub(crate) id: SessionId,
    pub(crate) epoch: i32,
    /// New to the broker, or changed.
    pub(crate) partitions: Vec<PlannedPartition>,
    /// Not wanted any more.
    pub(crate) forgotten: Vec<(TopicPartition, Option<TopicId>)>,
    /// Wanted, but of another topic of the same name.
    pub(crate) replaced: Vec<(TopicPartition, Option<TopicId>)>,
    /// Whether the ids of all topics are known.
    pub(crate) has_topic_ids: bool,
}

impl FetchSession {
    /// The next request, for `wanted` and nothing else.
    pub(crate) fn plan(&mut self, wanted: Vec<PlannedPartition>, max_bytes: usize) -> SessionPart {
        self.requests += 1;
        let (id, epoch) = match self.phase {
            Phase::Full { replaced } => {
                self.known.clear();
                (replaced, FIRST_EPOCH)
            }
            Phase::Incremental { id, epoch } => (id, epoch),
        };
        let mut replaced = Vec::new();
        let mut has_topic_ids = wanted.iter().all(|asked| asked.topic_id.is_some());
        let is_news = |asked: &PlannedPartition| self.is_news(asked, max_bytes, &mut replaced);
        let partitions = wanted.into_iter().filter(is_news).collect();
        let request = self.requests;
        let unwanted = self.known.extract_if(|_, known| known.wanted != request);
        let forgotten: Vec<_> =
            unwanted.map(|(partition, known)| (partition, known.terms.topic_id)).collect();
        has_topic_ids &= forgotten.iter().all(|(_, id)| id.is_some());
        SessionPart { id, epoch, partitions, forgotten, replaced, has_topic_ids }
    }

    /// The broker answered and named the session `id`.
    pub(crate) fn handle_answer(&mut self, id: SessionId) {
        self.phase = match self.phase {
            _ if id == NO_SESSION => Phase::Full { replaced: NO_SESSION },
            Phase::Incremental { id: present, epoch } if present == id => {
                Phase::Incremental { id, epoch: epoch.checked_add(1).unwrap_or(FIRST_EPOCH + 1) }
            }
            _ => Phase::Incremental { id, epoch: FIRST_EPOCH + 1 },
        };
    }

    /// The broker refused the request as a whole. Says whether that only means that a new session
    /// has to be opened.
    pub(crate) fn handle_refusal(&mut self, code: Option<ErrorCode>) -> bool {
        let was_incremental = self.is_incremental();
        let is_lost = code == Some(ErrorCode::FetchSessionIdNotFound);
        self.reset();
        if is_lost {
            self.phase = Phase::Full { replaced: NO_SESSION };
        }
        let is_about_sessions = matches!(
            code,
            Some(
                ErrorCode::FetchSessionIdNotFound
                    | ErrorCode::FetchSessionTopicIdError
                    | ErrorCode::InvalidFetchSessionEpoch
            )
        );
        // A broker that refuses even to open one has another trouble.
        was_incremental && is_about_sessions
    }

    /// A request died without an answer: nobody knows whether the broker counted it.
    pub(crate) fn reset(&mut self) {
        let replaced = self.id();
        self.phase = Phase::Full { replaced };
    }

    /// An answer said up to where `partition` may be read.
    pub(crate) fn note_end(&mut self, partition: &TopicPartition, end: Option<Offset>) {
        if let Some(known) = self.known.get_mut(partition) {
            known.end = end;
        }
    }

    /// Up to where `partition` may be read, as of the last answer in which it was named.
    pub(crate) fn end(&self, partition: &TopicPartition) -> Option<Offset> {
        self.known.get(partition)?.end
    }

    /// Whether the request just planned relies on what the broker remembers, so that a partition of
    /// which the answer says nothing has no news.
    pub(crate) fn is_incremental(&self) -> bool {
        matches!(self.phase, Phase::Incremental { .. })
    }

    /// The session that the broker keeps, as far as is known.
    pub(crate) fn id(&self) -> SessionId {
        match self.phase {
            Phase::Full { replaced } => replaced,
            Phase::Incremental { id, .. } => id,
        }
    }

    /// Notes that `asked` is wanted, and says whether the broker has to be told. What it replaces is
    /// added to `replaced`.
    fn is_news(
        &mut self,
        asked: &PlannedPartition,
        max_bytes: usize,
        replaced: &mut Vec<(TopicPartition, Option<TopicId>)>,
    ) -> bool {
        let terms = Terms {
            topic_id: asked.topic_id,
            offset: asked.offset,
            leader_epoch: asked.leader_epoch,
            last_fetched_epoch: asked.last_fetched_epoch,
            max_bytes,
        };
        let (topic_partition, wanted) = (&asked.topic_partition, self.requests);
        match self.known.get_mut(topic_partition) {
            Some(known) => {
                known.wanted = wanted;
                let before = std::mem::replace(&mut known.terms, terms);
                if before.topic_id != terms.topic_id {
                    replaced.push((topic_partition.clone(), before.topic_id));
                    known.end = None;
                }
                before != terms
            }
            None => {
                self.known.insert(topic_partition.clone(), Known { terms, end: None, wanted });
                true
            }
        }
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self::Full { replaced: NO_SESSION }
    }
}

/// What a broker calls no session, and what it is asked with for a new one.
pub(crate) const NO_SESSION: SessionId = 0;

/// The number of a request that names everything; those within the session follow.
const FIRST_EPOCH: i32 = 0;

/// The number of a request that ends its session.
pub(crate) const FINAL_EPOCH: i32 = -1;

#[cfg(test)]
mod tests {
    use super::*;

    fn tp(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    fn at(partition: i32, offset: Offset) -> PlannedPartition {
        let (topic_id, leader_epoch, last_fetched_epoch) = (None, None, None);
        PlannedPartition {
            topic_partition: tp(partition),
            topic_id,
            offset,
            leader_epoch,
            last_fetched_epoch,
        }
    }

    fn plan(
        session: &mut FetchSession,
        wanted: &[(i32, Offset)],
    ) -> (i32, i32, Vec<i32>, Vec<i32>) {
        let wanted = wanted.iter().map(|(partition, offset)| at(*partition, *offset)).collect();
        let part = session.plan(wanted, 100);
        let named = part.partitions.iter().map(|asked| asked.topic_partition.partition);
        let mut forgotten: Vec<_> = part.forgotten.iter().map(|(tp, _)| tp.partition).collect();
        forgotten.sort_unstable();
        (part.id, part.epoch, named.collect(), forgotten)
    }

    /// A session 7 in which partitions 0, 1 and 2 are wanted from offset 0.
    fn open() -> FetchSession {
        let mut session = FetchSession::default();
        assert_eq!(plan(&mut session, &[(0, 0), (1, 0), (2, 0)]), (0, 0, vec![0, 1, 2], vec![]));
        session.handle_answer(7);
        session
    }

    #[test]
    fn only_what_changed_is_named_and_only_what_is_wanted_no_more_forgotten() {
        let mut session = open();
        assert_eq!(plan(&mut session, &[(0, 0), (1, 5), (2, 0)]), (7, 1, vec![1], vec![]));
        session.handle_answer(7);
        assert_eq!(plan(&mut session, &[(1, 5), (3, 0)]), (7, 2, vec![3], vec![0, 2]));
        session.handle_answer(7);
        assert_eq!(plan(&mut session, &[(1, 5), (3, 0), (0, 0)]), (7, 3, vec![0], vec![]));
    }

    #[test]
    fn another_epoch_or_limit_is_a_change() {
        let mut session = open();
        let part = session.plan(vec![at(0, 0), at(1, 0), at(2, 0)], 200);
        assert_eq!(part.partitions.len(), 3);
        session.handle_answer(7);
        let moved = PlannedPartition { leader_epoch: Some(LeaderEpoch(1)), ..at(0, 0) };
        let part = session.plan(vec![moved.clone(), at(1, 0), at(2, 0)], 200);
        assert_eq!(part.partitions, [moved]);
    }

    #[test]
    fn another_topic_of_the_same_name_replaces_the_one_before() {
        let of = |id, partition, offset| PlannedPartition {
            topic_id: Some(TopicId(uuid::Uuid::from_u128(id))),
            ..at(partition, offset)
        };
        let mut session = FetchSession::default();
        let part = session.plan(vec![of(1, 0, 5), of(1, 1, 5)], 100);
        assert!(part.has_topic_ids && part.replaced.is_empty());
        session.handle_answer(7);
        session.note_end(&tp(0), Some(9));
        let part = session.plan(vec![of(2, 0, 5), of(1, 1, 5)], 100);
        let old = Some(TopicId(uuid::Uuid::from_u128(1)));
        assert_eq!((part.partitions, part.replaced), (vec![of(2, 0, 5)], vec![(tp(0), old)]));
        assert_eq!(session.end(&tp(0)), None, "that of the old topic");
        session.handle_answer(7);
        let part = session.plan(vec![of(2, 0, 5)], 100);
        assert_eq!((part.forgotten, part.has_topic_ids), (vec![(tp(1), old)], true));
    }

    #[test]
    fn one_topic_without_an_id_makes_all_go_by_their_names() {
        let mut session = open();
        let id = Some(TopicId(uuid::Uuid::from_u128(1)));
        let known = PlannedPartition { topic_id: id, ..at(0, 0) };
        assert!(!session.plan(vec![known.clone(), at(1, 0)], 100).has_topic_ids);
        session.handle_answer(7);
        assert!(!session.plan(vec![known.clone()], 100).has_topic_ids, "one is to be forgotten");
        session.handle_answer(7);
        assert!(session.plan(vec![known], 100).has_topic_ids);
    }

    #[test]
    fn a_broker_without_room_for_a_session_is_told_everything_each_time() {
        let mut session = FetchSession::default();
        for _ in 0..2 {
            assert_eq!(plan(&mut session, &[(0, 0)]), (0, 0, vec![0], vec![]));
            session.handle_answer(NO_SESSION);
        }
    }

    #[test]
    fn a_session_that_the_broker_ends_is_opened_anew() {
        let mut session = open();
        plan(&mut session, &[(0, 0)]);
        session.handle_answer(NO_SESSION);
        assert_eq!(plan(&mut session, &[(0, 0)]), (0, 0, vec![0], vec![]));
        session.handle_answer(9);
        assert_eq!(plan(&mut session, &[(0, 0)]), (9, 1, vec![], vec![]));
    }

    #[test]
    fn after_a_request_without_answer_a_new_session_replaces_the_old_one() {
        let mut session = open();
        plan(&mut session, &[(0, 0)]);
        session.reset();
        assert_eq!(plan(&mut session, &[(0, 0)]), (7, 0, vec![0], vec![]));
    }

    #[test]
    fn refusals_open_a_new_session_once() {
        for (code, next, is_over) in [
            (ErrorCode::FetchSessionIdNotFound, 0, true),
            (ErrorCode::InvalidFetchSessionEpoch, 7, true),
            (ErrorCode::FetchSessionTopicIdError, 7, true),
            (ErrorCode::UnknownServerError, 7, false),
        ] {
            let mut session = open();
            plan(&mut session, &[(0, 0)]);
            assert_eq!(session.handle_refusal(Some(code)), is_over, "{code}");
            assert_eq!(plan(&mut session, &[(0, 0)]).0, next, "{code}");
            assert!(!session.handle_refusal(Some(code)), "{code} to a request in full");
        }
    }

    #[test]
    fn numbers_go_round_without_ever_asking_for_everything_or_the_end() {
        let mut session = open();
        session.phase = Phase::Incremental { id: 7, epoch: i32::MAX };
        assert_eq!(plan(&mut session, &[(0, 0)]).1, i32::MAX);
        session.handle_answer(7);
        assert_eq!(plan(&mut session, &[(0, 0)]).1, 1);
    }

    #[test]
    fn an_end_is_known_for_as_long_as_the_partition_is() {
        let mut session = open();
        session.note_end(&tp(0), Some(9));
        plan(&mut session, &[(0, 4)]);
        assert_eq!(session.end(&tp(0)), Some(9), "moving on does not change it");
        session.handle_answer(7);
        plan(&mut session, &[(1, 0)]);
        assert_eq!(session.end(&tp(0)), None);
    }
}

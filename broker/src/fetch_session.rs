//! Fetch sessions (KIP-227): what the nodes remember of their readers, so that a request names only
//! what has changed and an answer only what is news.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use kavka_protocol::{
    BrokerId, ErrorCode, Offset, TopicId,
    messages::{FetchRequest, TopicName, fetch_request::FetchPartition},
    server::PartitionAnswer,
};
use uuid::Uuid;

/// The sessions of all nodes.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    /// How many each node keeps.
    slots: usize,
    sessions: HashMap<SessionId, FetchSession>,
    next_id: SessionId,
}

/// A session as both sides call it; 0 is none.
type SessionId = i32;

type Key = (WantedTopic, i32);

/// A topic as a reader calls it: up to version 12 by its name, then by its id (KIP-516).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WantedTopic {
    /// Empty where it is called by its id.
    pub(crate) name: TopicName,
    pub(crate) id: Option<TopicId>,
}

#[derive(Debug)]
struct FetchSession {
    node: BrokerId,
    /// Whether its requests have ids of topics.
    has_ids: bool,
    /// The number of the next request.
    epoch: i32,
    created: Instant,
    used: Instant,
    /// What gave records lies behind what did not, so that nothing waits for ever.
    partitions: IndexMap<Key, Remembered>,
}

/// A partition of a session: how it was asked for, and what its reader was told.
#[derive(Debug)]
struct Remembered {
    asked: FetchPartition,
    high_watermark: Option<Offset>,
    log_start_offset: Option<Offset>,
}

/// What one request is about.
#[derive(Debug)]
pub(crate) struct FetchContext {
    kind: Kind,
    has_ids: bool,
    /// The partitions to read, in this order.
    pub(crate) wanted: Vec<(WantedTopic, FetchPartition)>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Sessionless,
    /// Everything is asked for and answered, and a session begins with it.
    Full,
    Incremental(SessionId),
}

impl FetchSessions {
    /// Takes in a request of this version that has just come to `node`.
    pub(crate) fn open(
        &mut self,
        node: BrokerId,
        version: i16,
        request: &FetchRequest,
        now: Instant,
    ) -> Result<FetchContext, ErrorCode> {
        let has_ids = version >= FIRST_WITH_IDS;
        if !is_incremental(request) {
            if self.find(node, request.session_id).is_ok() {
                self.sessions.remove(&request.session_id);
            }
            return Ok(FetchContext::of_named(request, has_ids));
        }
        let session = self.find(node, request.session_id)?;
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.has_ids != has_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        session.update(request);
        if session.partitions.is_empty() {
            self.sessions.remove(&request.session_id);
            return Ok(FetchContext { kind: Kind::Sessionless, has_ids, wanted: Vec::new() });
        }
        session.epoch = next_epoch(session.epoch);
        session.used = now;
        Ok(session.context(request.session_id))
    }

    /// The same for a request that was taken in before and has waited since.
    pub(crate) fn reopen(
        &mut self,
        node: BrokerId,
        version: i16,
        request: &FetchRequest,
    ) -> Result<FetchContext, ErrorCode> {
        if !is_incremental(request) {
            return Ok(FetchContext::of_named(request, version >= FIRST_WITH_IDS));
        }
        let session = self.find(node, request.session_id)?;
        // Another request with the same number has overtaken it.
        if session.epoch != next_epoch(request.session_epoch) {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        Ok(session.context(request.session_id))
    }

    /// Notes what a request is answered with: the session to name, and the partitions that are news.
    pub(crate) fn close(
        &mut self,
        node: BrokerId,
        context: FetchContext,
        answers: Vec<PartitionAnswer>,
        now: Instant,
    ) -> (SessionId, Vec<PartitionAnswer>) {
        match context.kind {
            Kind::Sessionless => (NO_SESSION, answers),
            Kind::Full => (self.begin(node, context, &answers, now), answers),
            Kind::Incremental(id) => match self.sessions.get_mut(&id) {
                Some(session) => (id, session.news(answers)),
                None => (NO_SESSION, answers),
            },
        }
    }

    /// Keeps at most so many sessions per node from now on; those beyond are forgotten.
    pub(crate) fn limit(&mut self, slots: usize) {
        self.slots = slots;
        let mut kept = HashMap::new();
        self.sessions.retain(|_, session| {
            let kept: &mut usize = kept.entry(session.node).or_default();
            *kept += 1;
            *kept <= slots
        });
    }

    fn find(&mut self, node: BrokerId, id: SessionId) -> Result<&mut FetchSession, ErrorCode> {
        let session = self.sessions.get_mut(&id).filter(|session| session.node == node);
        session.ok_or(ErrorCode::FetchSessionIdNotFound)
    }

    fn begin(
        &mut self,
        node: BrokerId,
        context: FetchContext,
        answers: &[PartitionAnswer],
        now: Instant,
    ) -> SessionId {
        let FetchContext { has_ids, wanted, .. } = context;
        if !self.has_room(node, wanted.len(), now) {
            return NO_SESSION;
        }
        let remember =
            |((topic, asked), answer): ((WantedTopic, FetchPartition), &PartitionAnswer)| {
                let PartitionAnswer { high_watermark, log_start_offset, .. } = *answer;
                let key = (topic, asked.partition);
                (key, Remembered { asked, high_watermark, log_start_offset })
            };
        let partitions = wanted.into_iter().zip(answers).map(remember).collect();
        let (epoch, created, used) = (FIRST_EPOCH, now, now);
        let id = self.take_id();
        let session = FetchSession { node, has_ids, epoch, created, used, partitions };
        self.sessions.insert(id, session);
        id
    }

    /// Makes room where another session may go: one that nobody has used for long or, among those
    /// that are not young any more, the smallest, for a larger one.
    fn has_room(&mut self, node: BrokerId, size: usize, now: Instant) -> bool {
        let of_node = || self.sessions.iter().filter(move |(_, session)| session.node == node);
        if of_node().count() < self.slots {
            return true;
        }
        let is_stale = |session: &FetchSession| now - session.used > EVICTION;
        let stale = of_node().filter(|(_, session)| is_stale(session));
        let stale = stale.min_by_key(|(_, session)| session.used);
        let settled = of_node().filter(|(_, session)| session.used - session.created > EVICTION);
        let smallest = settled.min_by_key(|(_, session)| session.partitions.len());
        let smaller = smallest.filter(|(_, session)| session.partitions.len() < size);
        let evicted = stale.or(smaller).map(|(id, _)| *id);
        evicted.is_some_and(|id| self.sessions.remove(&id).is_some())
    }

    fn take_id(&mut self) -> SessionId {
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(1);
        id
    }
}

impl Default for FetchSessions {
    fn default() -> Self {
        // Not where another cluster at the same address began, which a client may remember.
        let [first, ..] = Uuid::new_v4().into_bytes().map(i32::from);
        Self { slots: SLOTS, sessions: HashMap::new(), next_id: 1 + (first << 16) }
    }
}

impl FetchSession {
    /// Takes in what has changed in what is wanted.
    fn update(&mut self, request: &FetchRequest) {
        for (topic, asked) in named(request) {
            let known = self.partitions.entry((topic, asked.partition));
            known.and_modify(|known| known.asked = asked.clone()).or_insert(Remembered {
                asked,
                high_watermark: None,
                log_start_offset: None,
            });
        }
        for forgotten in &request.forgotten_topics_data {
            for partition in &forgotten.partitions {
                let topic = WantedTopic::new(&forgotten.topic, forgotten.topic_id);
                self.partitions.shift_remove(&(topic, *partition));
            }
        }
    }

    fn context(&self, id: SessionId) -> FetchContext {
        let partitions = self.partitions.iter();
        let wanted = partitions.map(|((topic, _), known)| (topic.clone(), known.asked.clone()));
        let (kind, has_ids) = (Kind::Incremental(id), self.has_ids);
        FetchContext { kind, has_ids, wanted: wanted.collect() }
    }

    /// Which answers tell something that was not told before.
    fn news(&mut self, mut answers: Vec<PartitionAnswer>) -> Vec<PartitionAnswer> {
        let last = self.partitions.len().saturating_sub(1);
        answers.retain(|answer| {
            let (name, id) = (TopicName(answer.topic.clone()), answer.topic_id);
            let key = (WantedTopic { name, id }, answer.partition);
            let Some((place, _, known)) = self.partitions.get_full_mut(&key) else {
                return true;
            };
            let is_news = known.tell(answer);
            if !answer.records.is_empty() {
                self.partitions.move_index(place, last);
            }
            is_news
        });
        answers
    }
}

impl Remembered {
    /// Whether the answer says what the reader does not know yet; from then on it does.
    fn tell(&mut self, answer: &PartitionAnswer) -> bool {
        let before = (self.high_watermark, self.log_start_offset);
        self.high_watermark = answer.high_watermark;
        self.log_start_offset = answer.log_start_offset;
        !answer.records.is_empty()
            || answer.error.is_some()
            || answer.diverging_epoch.is_some()
            || answer.preferred_read_replica.is_some()
            || before != (self.high_watermark, self.log_start_offset)
    }
}

impl WantedTopic {
    fn new(name: &TopicName, id: Uuid) -> Self {
        Self { name: name.clone(), id: TopicId::from_wire(id) }
    }
}

impl FetchContext {
    fn of_named(request: &FetchRequest, has_ids: bool) -> Self {
        let is_last = request.session_epoch == FINAL_EPOCH;
        let kind = if is_last { Kind::Sessionless } else { Kind::Full };
        Self { kind, has_ids, wanted: named(request).collect() }
    }
}

/// Whether the request goes on with a session.
fn is_incremental(request: &FetchRequest) -> bool {
    !matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH)
}

/// The partitions that the request names.
fn named(request: &FetchRequest) -> impl Iterator<Item = (WantedTopic, FetchPartition)> {
    request.topics.iter().flat_map(|topic| {
        let wanted = WantedTopic::new(&topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |partition| (wanted.clone(), partition.clone()))
    })
}

fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(FIRST_EPOCH)
}

const NO_SESSION: SessionId = 0;

/// The first version of Fetch that has ids of topics instead of their names.
const FIRST_WITH_IDS: i16 = 13;

/// Asks for a session.
const INITIAL_EPOCH: i32 = 0;
/// The number of the first request within a session.
const FIRST_EPOCH: i32 = 1;
/// Ends a session and wants none.
const FINAL_EPOCH: i32 = -1;

/// Kafka's `max.incremental.fetch.session.cache.slots`, as it is by default.
const SLOTS: usize = 1000;

/// For how long a session is safe from others that need its place.
const EVICTION: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;

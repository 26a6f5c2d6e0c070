//! [`Metadata`]: what is known about the cluster, and when to ask again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kavka_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponsePartition, MetadataResponseTopic,
};
use kavka_protocol::messages::{self, metadata_response::MetadataResponseBroker};
use kavka_protocol::{BrokerId, ErrorCode, LeaderEpoch, TopicId, TopicPartition};

use super::backoff::Backoff;
use super::timers::earliest;
use crate::error::Error;
use crate::topic::{BrokerNode, Cluster, PartitionMetadata, TopicMetadata};

/// Brokers, and the topics somebody is interested in.
///
/// `track` and `wait` say what matters, `request_refresh` that something seems out of date.
/// `poll_refresh` yields a request when one is due; report its outcome with `handle_response` or
/// `handle_failure`. Refreshes without news come ever more slowly. `W` is the ticket of somebody who
/// waits for news of one topic; `poll_woken` gives it back when there are any, or when there will be
/// none because the brokers refuse to say.
pub(crate) struct Metadata<W> {
    settings: MetadataSettings,
    backoff: Backoff,
    cluster: Cluster,
    topics: HashMap<Arc<str>, Topic<W>>,
    woken: VecDeque<W>,
    /// When the next refresh is due, if one has been asked for.
    wanted: Option<Instant>,
    /// Not before then, so that trouble that lasts does not become a storm of requests.
    allowed: Instant,
    refreshed: Option<Instant>,
    /// When the first of the requests was due that no broker has answered since the last answer.
    silent_since: Option<Instant>,
    /// How the last request failed, until a broker answers one.
    trouble: Option<Error>,
    is_refreshing: bool,
    /// Whether the last request was one that may create topics: the next one is for all others, so
    /// that a topic which cannot be created does not keep them from being renewed.
    was_creation: bool,
    revision: u64,
}

/// What metadata needs to know.
#[derive(Clone, Debug)]
pub(crate) struct MetadataSettings {
    pub(crate) max_age: Duration,
    pub(crate) max_idle: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) retry_backoff_max: Duration,
    /// Whether a topic somebody wants to write to may be created by asking for it.
    pub(crate) creates_topics: bool,
}

/// What somebody wants with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    /// Reading never creates a topic.
    Read,
    Write,
}

/// The broker to talk to about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) broker: BrokerId,
    pub(crate) epoch: Option<LeaderEpoch>,
}

/// A broker's word about who leads a partition (KIP-951).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaderHint {
    pub(crate) topic_partition: TopicPartition,
    /// The topic that was asked about, unless it was by name.
    pub(crate) topic_id: Option<TopicId>,
    pub(crate) leader: BrokerId,
    pub(crate) epoch: LeaderEpoch,
}

/// A request for metadata that is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refresh {
    pub(crate) topics: Vec<Arc<str>>,
    pub(crate) may_create: bool,
}

struct Topic<W> {
    interest: Interest,
    last_used: Instant,
    known: Option<Arc<TopicMetadata>>,
    error: Option<ErrorCode>,
    waiters: Vec<W>,
}

/// The ticket of somebody who waits for news.
pub(crate) trait Waiter {
    /// Whether nobody waits any more.
    fn is_gone(&self) -> bool;
}

impl<W: Waiter> Metadata<W> {
    pub(crate) fn new(settings: MetadataSettings, seed: u64, now: Instant) -> Self {
        let backoff = Backoff::new(settings.retry_backoff, settings.retry_backoff_max, seed);
        Self {
            settings,
            backoff,
            cluster: Cluster::default(),
            topics: HashMap::new(),
            woken: VecDeque::new(),
            wanted: None,
            allowed: now,
            refreshed: None,
            silent_since: None,
            trouble: None,
            is_refreshing: false,
            was_creation: false,
            revision: 0,
        }
    }

    /// Keeps `topic` known from now on; a topic that is not is asked for at once.
    pub(crate) fn track(&mut self, topic: &str, interest: Interest, now: Instant) {
        if let Some(tracked) = self.topics.get_mut(topic) {
            tracked.last_used = now;
            tracked.interest = tracked.interest.max(interest);
            return;
        }
        let (known, error, waiters) = (None, None, Vec::new());
        let topic_state = Topic { interest, last_used: now, known, error, waiters };
        self.topics.insert(topic.into(), topic_state);
        self.allowed = now;
        self.want(now);
    }

    /// Gives `ticket` back through `poll_woken` at the next news about `topic`, and hurries them.
    pub(crate) fn wait(&mut self, topic: &str, interest: Interest, ticket: W, now: Instant) {
        self.track(topic, interest, now);
        self.request_refresh(now);
        match self.topics.get_mut(topic) {
            Some(tracked) => tracked.admit(ticket),
            None => self.woken.push_back(ticket),
        }
    }

    /// Something does not fit what is known: asks again, as soon as the last time is long enough ago.
    pub(crate) fn request_refresh(&mut self, now: Instant) {
        if now >= self.allowed + self.backoff.max() {
            self.backoff.reset();
        }
        self.want(now);
    }

    /// A broker named the leader of a partition (KIP-951). Says whether that was news that can be
    /// used; otherwise a refresh is wanted.
    pub(crate) fn handle_leader_hint(&mut self, hint: &LeaderHint, now: Instant) -> bool {
        let adopted = self.adopt_hint(hint);
        match adopted {
            true => self.revision += 1,
            false => self.request_refresh(now),
        }
        adopted
    }

    /// The answer to the request last polled.
    pub(crate) fn handle_response(&mut self, response: &MetadataResponse, now: Instant) {
        self.is_refreshing = false;
        self.refreshed = Some(now);
        self.silent_since = None;
        if self.handle_news(response) {
            self.backoff.reset();
        }
        self.allowed = now + self.backoff.next();
        if self.topics.values().any(|topic| topic.is_incomplete()) {
            self.want(now);
        }
    }

    /// Metadata from any answer, asked for here or elsewhere. Says whether anything changed.
    pub(crate) fn handle_news(&mut self, response: &MetadataResponse) -> bool {
        self.trouble = None;
        let mut changed = self.adopt_cluster(response);
        for news in &response.topics {
            let Some(name) = news.name.as_ref() else { continue };
            if let Some(topic) = self.topics.get_mut(&*name.0) {
                changed |= topic.adopt(&name.0, news);
                self.woken.extend(topic.waiters.drain(..));
            }
        }
        // Not `revision += u64::from(changed)`: rustc 1.95 loses that sum from opt-level 2 on.
        if changed {
            self.revision += 1;
        }
        changed
    }

    /// A broker of the cluster `asked` sends the client back to its bootstrap addresses (KIP-1102): who
    /// leads what is forgotten, since those brokers may be another cluster's by now. Whoever waits goes on
    /// waiting. Does nothing and says so when another cluster has become known meanwhile.
    pub(crate) fn rebootstrap(&mut self, asked: &Cluster) -> bool {
        if self.cluster != *asked {
            return false;
        }
        self.cluster = Cluster::default();
        for topic in self.topics.values_mut() {
            (topic.known, topic.error) = (None, None);
        }
        self.revision += 1;
        true
    }

    /// No broker answered the request last polled. It is repeated all the same, but those who wait
    /// are told of an `error` that does not pass by itself.
    pub(crate) fn handle_failure(&mut self, error: Error, now: Instant) {
        self.is_refreshing = false;
        self.allowed = now + self.backoff.next();
        self.want(now);
        for topic in self.topics.values_mut() {
            match error.is_retriable() {
                true => topic.waiters.retain(|waiter| !waiter.is_gone()),
                false => self.woken.extend(topic.waiters.drain(..)),
            }
        }
        self.trouble = Some(error);
    }

    /// The request that is due now; the next one comes after its outcome.
    pub(crate) fn poll_refresh(&mut self, now: Instant) -> Option<Refresh> {
        if self.poll_timeout()? > now {
            return None;
        }
        let idle = self.settings.max_idle;
        self.topics.retain(|_, t| t.last_used + idle > now || !t.waiters.is_empty());
        self.is_refreshing = true;
        self.silent_since.get_or_insert(now);
        self.wanted = None;
        let creation = self.creation().filter(|_| !self.was_creation);
        self.was_creation = creation.is_some();
        Some(creation.unwrap_or_else(|| self.renewal()))
    }

    /// The next ticket whose topic has news.
    pub(crate) fn poll_woken(&mut self) -> Option<W> {
        self.woken.pop_front()
    }

    /// When `poll_refresh` is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_refreshing {
            return None;
        }
        let wanted = self.wanted.map(|wanted| wanted.max(self.allowed));
        let aged = self.refreshed.map(|at| (at + self.settings.max_age).max(self.allowed));
        earliest([wanted, aged])
    }

    /// Who leads `tp`, as far as is known.
    pub(crate) fn leader(&mut self, tp: &TopicPartition, now: Instant) -> Option<Leader> {
        let partition = self.topic(&tp.topic, now)?.partition(tp.partition)?;
        Some(Leader { broker: partition.leader?, epoch: partition.leader_epoch })
    }

    /// What is known of `topic`.
    pub(crate) fn topic(&mut self, topic: &str, now: Instant) -> Option<&Arc<TopicMetadata>> {
        let tracked = self.topics.get_mut(topic)?;
        tracked.last_used = now;
        tracked.known.as_ref()
    }

    /// What is known of `topic`, looked at by somebody who does not use it.
    pub(crate) fn peek(&self, topic: &str) -> Option<&Arc<TopicMetadata>> {
        self.topics.get(topic)?.known.as_ref()
    }

    /// What was wrong with `topic` when it was last heard of.
    pub(crate) fn error(&self, topic: &str) -> Option<ErrorCode> {
        self.topics.get(topic)?.error
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// How the last request failed, unless a broker has answered one since.
    pub(crate) fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    /// Since when brokers have been asked without an answer, the request under way included.
    pub(crate) fn silent_since(&self) -> Option<Instant> {
        self.silent_since
    }

    /// A number that grows with every change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    fn want(&mut self, now: Instant) {
        self.wanted.get_or_insert(now);
    }

    /// A request of its own for topics that asking may create, so that nothing else is.
    fn creation(&self) -> Option<Refresh> {
        let topics = self.names(|t| t.interest == Interest::Write && t.known.is_none());
        let is_wanted = self.settings.creates_topics && !topics.is_empty();
        is_wanted.then_some(Refresh { topics, may_create: true })
    }

    fn renewal(&self) -> Refresh {
        Refresh { topics: self.names(|_| true), may_create: false }
    }

    fn names(&self, choose: impl Fn(&Topic<W>) -> bool) -> Vec<Arc<str>> {
        let chosen = self.topics.iter().filter(|(_, topic)| choose(topic));
        let mut names: Vec<Arc<str>> = chosen.map(|(name, _)| Arc::clone(name)).collect();
        names.sort_unstable();
        names
    }

    fn adopt_cluster(&mut self, response: &MetadataResponse) -> bool {
        let cluster = cluster(response);
        if cluster.brokers.is_empty() || cluster == self.cluster {
            return false;
        }
        self.cluster = cluster;
        true
    }

    fn adopt_hint(&mut self, hint: &LeaderHint) -> bool {
        let LeaderHint { topic_partition: tp, topic_id, leader, epoch } = hint;
        let (leader, epoch) = (*leader, *epoch);
        let is_known_broker = self.cluster.brokers.iter().any(|broker| broker.id == leader);
        let topic = self.topics.get_mut(&*tp.topic).and_then(|topic| topic.known.as_mut());
        let (true, Some(topic)) = (is_known_broker, topic) else {
            return false;
        };
        let Ok(at) = topic.partitions.binary_search_by_key(&tp.partition, |p| p.partition) else {
            return false;
        };
        // The epochs of a topic that was deleted since say nothing about the one that has its name.
        let is_of_another = topic_id.zip(topic.id).is_some_and(|(asked, known)| asked != known);
        let is_old = topic.partitions.get(at).is_none_or(|known| known.leader_epoch >= Some(epoch));
        if is_of_another || is_old {
            return false;
        }
        if let Some(known) = Arc::make_mut(topic).partitions.get_mut(at) {
            (known.leader, known.leader_epoch) = (Some(leader), Some(epoch));
        }
        true
    }
}

impl<W: Waiter> Topic<W> {
    fn admit(&mut self, waiter: W) {
        // Only before it would grow: whoever asks often and gives up soon leaves no heap behind, and those
        // who stay are not looked at every time.
        if self.waiters.len() == self.waiters.capacity() {
            self.waiters.retain(|waiter| !waiter.is_gone());
        }
        self.waiters.push(waiter);
    }

    /// Takes over what a broker said, except for partitions of which more recent things are known.
    fn adopt(&mut self, name: &str, news: &MetadataResponseTopic) -> bool {
        let error = ErrorCode::from_code(news.error_code);
        let error_changed = std::mem::replace(&mut self.error, error) != error;
        let known = match error {
            None => Some(merged(self.known.as_deref(), topic_metadata(name, news))),
            // The partitions are still those that were known; only the moment is bad.
            Some(code) if code.is_retriable() && code != ErrorCode::UnknownTopicOrPartition => {
                return error_changed;
            }
            Some(_) => None,
        };
        if known.as_ref() == self.known.as_deref() {
            return error_changed;
        }
        self.known = known.map(Arc::new);
        true
    }

    /// Whether a later answer may say more.
    fn is_incomplete(&self) -> bool {
        let may_appear = !self.waiters.is_empty() || self.interest == Interest::Write;
        match (&self.known, self.error) {
            (_, Some(ErrorCode::UnknownTopicOrPartition)) => may_appear,
            (_, Some(code)) => code.is_retriable(),
            (None, None) => true,
            (Some(known), None) => known.partitions.iter().any(|p| p.leader.is_none()),
        }
    }
}

/// `new`, with partitions of `old` wherever their leader epoch is later. A topic with another id is
/// another topic: nothing of the old one holds.
fn merged(old: Option<&TopicMetadata>, mut new: TopicMetadata) -> TopicMetadata {
    let Some(old) = old.filter(|old| old.id == new.id || old.id.is_none() || new.id.is_none())
    else {
        return new;
    };
    for partition in &mut new.partitions {
        if let Some(known) = old.partition(partition.partition)
            && partition.leader_epoch.is_some()
            && known.leader_epoch > partition.leader_epoch
        {
            partition.clone_from(known);
        }
    }
    new
}

/// The brokers, controller and id in an answer.
pub(crate) fn cluster(response: &MetadataResponse) -> Cluster {
    let mut brokers: Vec<BrokerNode> = response.brokers.iter().filter_map(broker_node).collect();
    brokers.sort_unstable_by_key(|broker| broker.id);
    let id = response.cluster_id.as_ref().map(|id| id.to_string());
    Cluster { id, controller: BrokerId::from_wire(response.controller_id.0), brokers }
}

/// A topic without error as an answer describes it.
pub(crate) fn topic_metadata(name: &str, topic: &MetadataResponseTopic) -> TopicMetadata {
    let mut partitions: Vec<_> = topic.partitions.iter().map(partition_metadata).collect();
    partitions.sort_unstable_by_key(|partition| partition.partition);
    partitions.dedup_by_key(|partition| partition.partition);
    let id = (!topic.topic_id.is_nil()).then_some(TopicId(topic.topic_id));
    TopicMetadata { name: name.into(), id, is_internal: topic.is_internal, partitions }
}

fn broker_node(broker: &MetadataResponseBroker) -> Option<BrokerNode> {
    Some(BrokerNode {
        id: BrokerId::from_wire(broker.node_id.0)?,
        host: (*broker.host).into(),
        port: u16::try_from(broker.port).ok()?,
        rack: broker.rack.as_ref().map(|rack| rack.to_string()),
    })
}

fn partition_metadata(partition: &MetadataResponsePartition) -> PartitionMetadata {
    PartitionMetadata {
        partition: partition.partition_index,
        leader: BrokerId::from_wire(partition.leader_id.0),
        leader_epoch: LeaderEpoch::from_wire(partition.leader_epoch),
        replicas: broker_ids(&partition.replica_nodes),
        isr: broker_ids(&partition.isr_nodes),
        offline: broker_ids(&partition.offline_replicas),
    }
}

fn broker_ids(ids: &[messages::BrokerId]) -> Vec<BrokerId> {
    ids.iter().map(|id| BrokerId(id.0)).collect()
}

#[cfg(test)]
mod tests;

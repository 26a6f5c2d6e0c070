//! The cluster without IO: requests and the time go in, answers come out.
//!
//! Every node knows all topics at once and shares one log per partition, so replicas are never
//! behind. What a request may not do is decided here and in [`api`](crate::api); when an answer has
//! to wait, the request comes back as [`Step::Park`] and is handed in again by
//! [`Cluster::resume`] when something has changed or its time is over.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use kavka_protocol::{
    ApiKey, BrokerId, DecodeError, Decompressor, EncodeError, ErrorCode, Frame, LeaderEpoch,
    Timestamp, TopicId, TopicPartition, VersionRange, server::RequestFrame, spoken,
};
use uuid::Uuid;

use crate::{
    BrokerConfig, api,
    control::{Disconnect, Fault, Script},
    dispatch,
    fetch_session::FetchSessions,
    log::Appended,
    retention::Retention,
    topic::{NewTopic, Partition, Topic},
    topic_config::TopicConfig,
};

/// The moment a request is handled, as the machine counts and as the calendar does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) timestamp: Timestamp,
}

/// Who is asked, and under which address the client knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) node: BrokerId,
    pub(crate) host: IpAddr,
}

/// What the connection does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Sends the answer, after a delay the script asks for.
    Reply { frame: Frame, delay: Duration },
    /// Goes on: this request has no answer.
    Silent,
    /// Waits for a change, at most until the given time.
    Park(Box<Parked>),
    /// Closes the connection.
    Close,
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) until: Instant,
    peer: Peer,
    request: RequestFrame,
    fault: Fault,
}

/// What a handler made of a request.
pub(crate) enum Handled {
    Reply(Frame),
    Silent,
    Park(Instant),
    Close,
}

/// Why a request cannot be answered at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandleError {
    #[error("the request cannot be read")]
    Decode(#[from] DecodeError),
    #[error("the answer cannot be written")]
    Encode(#[from] EncodeError),
    #[error("unsupported: {api:?} version={version}")]
    Version { api: ApiKey, version: i16 },
}

/// One request and the circumstances it is handled in.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a RequestFrame,
    pub(crate) peer: Peer,
    /// The error the script wants instead of doing what is asked.
    pub(crate) failure: Option<ErrorCode>,
    /// When a parked request has to be answered.
    pub(crate) until: Option<Instant>,
    pub(crate) now: Now,
}

/// All nodes with all topics.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    nodes: Vec<SocketAddr>,
    racks: Vec<String>,
    pub(crate) topics: BTreeMap<Arc<str>, Topic>,
    pub(crate) retention: Retention,
    pub(crate) script: Script,
    pub(crate) decompressor: Decompressor,
    pub(crate) fetch_sessions: FetchSessions,
    pub(crate) default_partitions: i32,
    pub(crate) auto_create_topics: bool,
    next_leader: usize,
    next_producer_id: i64,
    /// When producers are forgotten next, once anybody has asked for anything.
    next_expiry: Option<Instant>,
    /// How many bytes of records were fetched.
    pub(crate) fetched_bytes: u64,
    changes: u64,
}

impl Cluster {
    /// A cluster without topics; node `n` is reached at the `n`th address, counted from 1.
    pub(crate) fn new(config: &BrokerConfig, nodes: &[SocketAddr]) -> Self {
        Self {
            id: Uuid::new_v4().simple().to_string(),
            nodes: nodes.to_vec(),
            racks: config.racks.clone(),
            topics: BTreeMap::new(),
            retention: Retention::new(config.retention_bytes),
            script: Script::default(),
            decompressor: Decompressor::default(),
            fetch_sessions: FetchSessions::default(),
            default_partitions: config.default_partitions,
            auto_create_topics: config.auto_create_topics,
            next_leader: 0,
            next_producer_id: FIRST_PRODUCER_ID,
            next_expiry: None,
            fetched_bytes: 0,
            changes: 0,
        }
    }

    /// Handles a request that has just arrived.
    pub(crate) fn handle(
        &mut self,
        peer: Peer,
        request: RequestFrame,
        now: Now,
    ) -> Result<Step, HandleError> {
        self.expire_producers(now);
        let fault = self.script.next(request.api_key);
        if fault.disconnect == Some(Disconnect::BeforeApplying) {
            return Ok(Step::Close);
        }
        self.apply(peer, request, fault, None, now)
    }

    /// Looks at a parked request again.
    pub(crate) fn resume(&mut self, parked: Parked, now: Now) -> Result<Step, HandleError> {
        let Parked { until, peer, request, fault } = parked;
        self.apply(peer, request, fault, Some(until), now)
    }

    fn apply(
        &mut self,
        peer: Peer,
        request: RequestFrame,
        fault: Fault,
        until: Option<Instant>,
        now: Now,
    ) -> Result<Step, HandleError> {
        let call = Call { request: &request, peer, failure: fault.error, until, now };
        let handled = self.dispatch(&call)?;
        if let Handled::Park(until) = handled {
            return Ok(Step::Park(Box::new(Parked { until, peer, request, fault })));
        }
        if fault.disconnect.is_some() {
            return Ok(Step::Close);
        }
        Ok(match handled {
            Handled::Reply(frame) => Step::Reply { frame, delay: fault.delay },
            Handled::Silent => Step::Silent,
            Handled::Park(_) | Handled::Close => Step::Close,
        })
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Result<Handled, HandleError> {
        let (api, version) = (call.request.api_key, call.request.version);
        let offered = self.versions(api);
        if offered.is_some_and(|offered| (offered.min..=offered.max).contains(&version)) {
            return dispatch::handle(self, call);
        }
        if api == ApiKey::ApiVersions {
            return api::api_versions::refuse(self, call);
        }
        Err(HandleError::Version { api, version })
    }

    /// Forgets the producers that have been gone for long, every now and then.
    fn expire_producers(&mut self, now: Now) {
        let due = *self.next_expiry.get_or_insert(now.instant + EXPIRATION_INTERVAL);
        if now.instant < due {
            return;
        }
        self.next_expiry = Some(now.instant + EXPIRATION_INTERVAL);
        let partitions = self.topics.values_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.producers.expire(now.timestamp));
    }

    /// Notes a change that parked requests may be waiting for.
    pub(crate) fn changed(&mut self) {
        self.changes += 1;
    }

    /// Creates a topic whose name and numbers have been checked.
    pub(crate) fn create_topic(&mut self, name: &str, new: NewTopic) -> &Topic {
        let nodes = self.nodes.len();
        let first = self.next_leader;
        self.next_leader += new.replicas.len();
        let partitions = new.replicas.into_iter().enumerate();
        let partitions = partitions
            .map(|(index, replicas)| Partition::new(replicas.resolve(nodes, first + index)));
        let topic = Topic {
            id: TopicId(Uuid::new_v4()),
            config: new.config,
            partitions: partitions.collect(),
        };
        self.changed();
        self.topics.entry(name.into()).insert_entry(topic).into_mut()
    }

    /// Adds partitions, each on one node, until a topic has `count`. Unknown topics are passed over.
    pub(crate) fn add_partitions(&mut self, name: &str, count: usize) {
        let (nodes, next) = (self.nodes.len(), &mut self.next_leader);
        let Some(topic) = self.topics.get_mut(name) else { return };
        let missing = count.saturating_sub(topic.partitions.len());
        for replicas in
            NewTopic::spread(i32::try_from(missing).unwrap_or(0), 1, TopicConfig::default())
                .replicas
        {
            topic.partitions.push(Partition::new(replicas.resolve(nodes, *next)));
            *next += 1;
        }
        self.changed();
    }

    /// Deletes a topic with all it holds.
    pub(crate) fn delete_topic(&mut self, name: &str) {
        if let Some(topic) = self.topics.remove(name) {
            let freed = topic.partitions.iter().map(|partition| partition.log.allocated()).sum();
            self.retention.forget_topic(name, freed);
            self.changed();
        }
    }

    /// Notes that a log has grown, and lets go of its oldest records if it is now too large for its
    /// topic, and of the oldest of all if all logs together are.
    pub(crate) fn appended(&mut self, log: &TopicPartition, appended: Appended) {
        self.changed();
        if let Some(allocated) = appended.opened {
            self.retention.opened(log.clone(), appended.base_offset, allocated);
        }
        let limit = self.topics.get(&log.topic).and_then(|topic| topic.config.retention_bytes);
        if let (Some(limit), Some(grown)) = (limit, self.partition_mut(&log.topic, log.partition)) {
            let freed = grown.log.trim(limit);
            self.retention.freed(freed);
        }
        while let Some((log, base_offset)) = self.retention.poll_oldest() {
            let oldest = self.partition_mut(&log.topic, log.partition);
            let freed = oldest.map_or(0, |oldest| oldest.log.drop_segment(base_offset));
            self.retention.freed(freed);
        }
    }

    pub(crate) fn next_producer_id(&mut self) -> i64 {
        self.next_producer_id += 1;
        self.next_producer_id - 1
    }

    /// The partition, for a request that came to `node` and believes in `epoch`.
    pub(crate) fn led_by(
        &mut self,
        node: BrokerId,
        topic: &str,
        partition: i32,
        epoch: Option<LeaderEpoch>,
    ) -> Result<&mut Partition, ErrorCode> {
        let partition =
            self.partition_mut(topic, partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        partition.check_epoch(epoch)?;
        match partition.leader() == node {
            true => Ok(partition),
            false => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// The partition, for a request to `node` that any of its replicas may answer.
    pub(crate) fn replicated_by(
        &self,
        node: BrokerId,
        topic: &str,
        partition: i32,
        epoch: Option<LeaderEpoch>,
    ) -> Result<&Partition, ErrorCode> {
        let partition =
            self.partition(topic, partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        partition.check_epoch(epoch)?;
        match partition.replicas.contains(&node) {
            true => Ok(partition),
            false => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// The replica that a reader in `rack` should turn to instead of the leader (KIP-392).
    pub(crate) fn nearest_replica(&self, partition: &Partition, rack: &str) -> Option<BrokerId> {
        let leader = partition.leader();
        let is_near = |replica: BrokerId| !rack.is_empty() && self.rack(replica) == Some(rack);
        let mut replicas = partition.replicas.iter().copied();
        replicas.find(|replica| is_near(*replica)).filter(|_| !is_near(leader))
    }

    /// The rack that the node stands in.
    pub(crate) fn rack(&self, node: BrokerId) -> Option<&str> {
        let index = usize::try_from(node.0).ok()?.checked_sub(1)?;
        self.racks.get(index).map(String::as_str)
    }

    pub(crate) fn partition_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Partition> {
        let index = usize::try_from(partition).ok()?;
        self.topics.get_mut(topic)?.partitions.get_mut(index)
    }

    pub(crate) fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        let index = usize::try_from(partition).ok()?;
        self.topics.get(topic)?.partitions.get(index)
    }

    /// How often something has changed that a parked request may be waiting for.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// The versions of `api` that are offered, unless the script withholds all of them.
    pub(crate) fn versions(&self, api: ApiKey) -> Option<VersionRange> {
        let mut versions = spoken(api).filter(|_| dispatch::knows(api))?;
        versions.max = versions.max.min(self.script.newest(api));
        Some(versions).filter(|versions| !versions.is_empty())
    }

    /// Who leads the partition now.
    pub(crate) fn current_leader(
        &self,
        topic: &str,
        partition: i32,
    ) -> Option<(BrokerId, LeaderEpoch)> {
        let partition = self.partition(topic, partition)?;
        Some((partition.leader(), partition.leader_epoch))
    }

    /// The topic that has the id, with its name.
    pub(crate) fn topic_by_id(&self, id: Uuid) -> Option<(&Arc<str>, &Topic)> {
        self.topics.iter().find(|(_, topic)| topic.id.0 == id)
    }

    /// The nodes as the client behind `peer` reaches them.
    pub(crate) fn nodes(&self, peer: Peer) -> impl Iterator<Item = (BrokerId, SocketAddr)> {
        let reached = move |node: &SocketAddr| match node.ip().is_unspecified() {
            // Listening on every address, the one the client came by is one it can reach.
            true => SocketAddr::new(peer.host, node.port()),
            false => *node,
        };
        self.nodes.iter().zip(1..).map(move |(node, id)| (BrokerId(id), reached(node)))
    }

    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What a topic gets that is created because somebody asked for it.
    pub(crate) fn default_topic(&self) -> NewTopic {
        NewTopic::spread(
            self.default_partitions,
            DEFAULT_REPLICATION_FACTOR,
            TopicConfig::default(),
        )
    }
}

/// Kafka's `default.replication.factor`.
pub(crate) const DEFAULT_REPLICATION_FACTOR: usize = 1;

/// Brokers hand out producer ids in blocks of a thousand; nothing depends on where they begin.
const FIRST_PRODUCER_ID: i64 = 1000;

/// Kafka's `producer.id.expiration.check.interval.ms`, as it is by default.
const EXPIRATION_INTERVAL: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;

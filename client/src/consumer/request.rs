//! The requests that the machine's plans stand for, and their answers in the machine's terms.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kavka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kavka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kavka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, offset_for_leader_epoch_response,
};
use kavka_protocol::{
    ApiKey, DecodeError, ErrorCode, FetchResponse, LeaderEpoch, StrBytes, Timestamp, TopicId,
    TopicPartition,
};

use crate::config::ConsumerConfig;
use crate::error::{Error, Result};
use crate::network::{by_topic, topic_name, wire_isolation, wire_millis};
use crate::offsets::wire::{self, Question};
use crate::state::connection::{Answer, throttle};
use crate::state::fetch::{
    End, EpochEndOffset, FINAL_EPOCH, FetchAnswer, FetchPlan, LookupAnswer, LookupPlan, SessionId,
    SessionPart, ValidationAnswer, ValidationPlan,
};
use crate::topic::OffsetSpec;

/// The fetch `plan` in `version`: what its session does not know yet.
pub(super) fn fetch_request(
    plan: &FetchPlan,
    config: &ConsumerConfig,
    version: i16,
) -> FetchRequest {
    let max_bytes = wire_size(plan.max_bytes);
    let max_partition_bytes = wire_size(plan.max_partition_bytes);
    let SessionPart { id, epoch, partitions, forgotten, replaced, .. } = &plan.session;
    // By name it is the same partition, and only once in the session.
    let replaced = if version > LAST_VERSION_BY_NAME { &replaced[..] } else { &[] };
    let partitions = partitions.iter().map(|asked| {
        let last_epoch = asked.last_fetched_epoch.filter(|_| version >= LAST_FETCHED_EPOCH_VERSION);
        let partition = FetchPartition::default()
            .with_partition(asked.topic_partition.partition)
            .with_current_leader_epoch(LeaderEpoch::to_wire(asked.leader_epoch))
            .with_fetch_offset(asked.offset)
            .with_last_fetched_epoch(LeaderEpoch::to_wire(last_epoch))
            .with_partition_max_bytes(max_partition_bytes);
        ((&*asked.topic_partition.topic, asked.topic_id), partition)
    });
    let topics = by_topic(partitions).into_iter().map(|((topic, id), partitions)| {
        let topic = FetchTopic::default().with_topic(topic_name(topic));
        topic.with_topic_id(TopicId::to_wire(id)).with_partitions(partitions)
    });
    let forgotten = forgotten.iter().chain(replaced);
    let forgotten = by_topic(forgotten.map(|(tp, id)| ((&*tp.topic, *id), tp.partition)));
    let forgotten = forgotten.into_iter().map(|((topic, id), partitions)| {
        let topic = ForgottenTopic::default().with_topic(topic_name(topic));
        topic.with_topic_id(TopicId::to_wire(id)).with_partitions(partitions)
    });
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_wait_ms(wire_millis(config.fetch_max_wait))
        .with_min_bytes(config.fetch_min_bytes.min(max_bytes))
        .with_max_bytes(max_bytes)
        .with_isolation_level(wire_isolation(config.isolation_level))
        .with_session_id(*id)
        .with_session_epoch(*epoch)
        .with_rack_id(rack_id(plan, config))
        .with_topics(topics.collect())
        .with_forgotten_topics_data(forgotten.collect())
}

/// Where the client is, unless the leader is not to name a replica near it (KIP-392).
fn rack_id(plan: &FetchPlan, config: &ConsumerConfig) -> StrBytes {
    let rack = if plan.may_name_replica { &*config.client_rack } else { "" };
    StrBytes::from_string(rack.to_owned())
}

/// The last request of a session: the broker need not keep it any more.
pub(super) fn farewell(session: SessionId) -> FetchRequest {
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_session_id(session)
        .with_session_epoch(FINAL_EPOCH)
}

/// What the broker said about the fetch; records stay slices of the answer.
pub(super) fn fetched(answer: Answer) -> Result<FetchAnswer> {
    let at = |error: Error| error.with_api(ApiKey::Fetch);
    let version = answer.version;
    let parsed = FetchResponse::parse(answer.bytes, answer.version);
    let response = parsed.map_err(|error| at(error.into()))?;
    if let Some(code) = response.error() {
        return Err(at(Error::broker(code)));
    }
    let partitions: Result<_, DecodeError> = response.partitions().collect();
    let partitions = partitions.map_err(|error| at(error.into()))?;
    let throttle = throttle(ApiKey::Fetch, version, wire_millis(response.throttle()));
    Ok(FetchAnswer { session: response.session_id(), throttle, partitions })
}

/// The questions of `plan`. Before [`VALIDATION_VERSION`] a client would need rights on the cluster.
pub(super) fn validation_request(plan: &ValidationPlan) -> OffsetForLeaderEpochRequest {
    let partitions = plan.partitions.iter().map(|asked| {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(asked.topic_partition.partition)
            .with_current_leader_epoch(LeaderEpoch::to_wire(asked.leader.epoch))
            .with_leader_epoch(asked.epoch.0);
        (&*asked.topic_partition.topic, partition)
    });
    let topics = by_topic(partitions).into_iter().map(|(topic, partitions)| {
        OffsetForLeaderTopic::default().with_topic(topic_name(topic)).with_partitions(partitions)
    });
    OffsetForLeaderEpochRequest::default()
        .with_replica_id((-1).into())
        .with_topics(topics.collect())
}

/// What the broker said about each partition.
pub(super) fn validated(response: &OffsetForLeaderEpochResponse) -> Vec<ValidationAnswer> {
    let topics = response.topics.iter();
    topics
        .flat_map(|topic| {
            let name: Arc<str> = (*topic.topic.0).into();
            topic.partitions.iter().map(move |partition| ValidationAnswer {
                topic_partition: TopicPartition::new(Arc::clone(&name), partition.partition),
                end: match ErrorCode::from_code(partition.error_code) {
                    Some(code) => Err(code),
                    None => Ok(epoch_end(partition)),
                },
            })
        })
        .collect()
}

fn epoch_end(
    partition: &offset_for_leader_epoch_response::EpochEndOffset,
) -> Option<EpochEndOffset> {
    let epoch = LeaderEpoch::from_wire(partition.leader_epoch)?;
    let end_offset = Some(partition.end_offset).filter(|offset| *offset >= 0)?;
    Some(EpochEndOffset { epoch, end_offset })
}

/// The lookup `plan`, and the least version that can express it.
pub(super) fn lookup_request(
    plan: &LookupPlan,
    config: &ConsumerConfig,
) -> (ListOffsetsRequest, i16) {
    let questions = plan.partitions.iter().map(|asked| Question {
        topic_partition: &asked.topic_partition,
        leader_epoch: asked.leader_epoch,
        spec: match asked.end {
            End::Earliest => OffsetSpec::Earliest,
            End::Latest => OffsetSpec::Latest,
            End::Since(duration) => OffsetSpec::Timestamp(so_long_ago(duration)),
        },
    });
    wire::request(questions, config.isolation_level, config.request_timeout)
}

/// What the broker said about each partition.
pub(super) fn looked_up(response: &ListOffsetsResponse) -> Vec<LookupAnswer> {
    let answers = wire::answers(response).map(|answer| LookupAnswer {
        topic_partition: TopicPartition::new(answer.topic, answer.partition),
        offset: answer.found.map(|found| found.offset),
    });
    answers.collect()
}

fn so_long_ago(duration: Duration) -> Timestamp {
    let since = SystemTime::now().checked_sub(duration).unwrap_or(UNIX_EPOCH);
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::try_from(since.as_millis()).unwrap_or(Timestamp::MAX)
}

fn wire_size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// The last Fetch version that names topics; later ones have their ids (KIP-516).
pub(super) const LAST_VERSION_BY_NAME: i16 = 12;

/// The first Fetch version in which a reader says what it has read.
const LAST_FETCHED_EPOCH_VERSION: i16 = 12;

/// The first OffsetForLeaderEpoch version that whoever may read a topic may use (KIP-320).
pub(super) const VALIDATION_VERSION: i16 = 3;

//! CreateTopics (versions 2 to 7): partitions spread over the nodes, or placed by hand.

use std::collections::HashMap;

use kavka_protocol::{
    BrokerId, ErrorCode,
    messages::{
        CreateTopicsRequest, CreateTopicsResponse, TopicName,
        create_topics_request::{CreatableReplicaAssignment, CreatableTopic},
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
    },
};

use super::text;
use crate::{
    cluster::{Call, Cluster, DEFAULT_REPLICATION_FACTOR, HandleError, Handled},
    topic::{NewTopic, Replicas, check_name},
    topic_config::TopicConfig,
};

/// Creates each topic that can be created; any node can do what a controller does.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: CreateTopicsRequest = call.body()?;
    let mut named = HashMap::new();
    for topic in &request.topics {
        *named.entry(&topic.name).or_insert(0) += 1;
    }
    let mut results = Vec::with_capacity(named.len());
    for topic in &request.topics {
        let planned = match named.remove(&topic.name) {
            Some(1) => plan(cluster, call, topic),
            Some(_) => Err(refuse(ErrorCode::InvalidRequest, "The topic is named more than once")),
            // The first mention has had the answer for all of them.
            None => continue,
        };
        results.push(create(cluster, call, &topic.name, planned, request.validate_only));
    }
    let response = CreateTopicsResponse::default().with_topics(results);
    call.reply::<CreateTopicsRequest>(&response)
}

/// Why a topic cannot be created.
struct Refusal {
    error: ErrorCode,
    message: String,
}

fn refuse(error: ErrorCode, message: impl Into<String>) -> Refusal {
    Refusal { error, message: message.into() }
}

fn create(
    cluster: &mut Cluster,
    call: &Call<'_>,
    name: &TopicName,
    planned: Result<NewTopic, Refusal>,
    validate_only: bool,
) -> CreatableTopicResult {
    let version = call.request.version;
    let mut result = CreatableTopicResult::default().with_name(name.clone());
    match planned {
        Err(Refusal { error, message }) => {
            result.error_code = error.code();
            result.error_message = Some(text(message));
        }
        Ok(new) => {
            if version >= 5 {
                describe(&mut result, &new);
            }
            if !validate_only {
                let topic = cluster.create_topic(name, new);
                if version >= 7 {
                    result.topic_id = topic.id.0;
                }
            }
        }
    }
    result
}

/// Fills in what the topic came to be.
fn describe(result: &mut CreatableTopicResult, new: &NewTopic) {
    result.num_partitions = i32::try_from(new.replicas.len()).unwrap_or(i32::MAX);
    let factor = new.replicas.first().map_or(0, Replicas::count);
    result.replication_factor = i16::try_from(factor).unwrap_or(i16::MAX);
    let config = |(name, value): &(String, String)| {
        CreatableTopicConfigs::default()
            .with_name(text(name.clone()))
            .with_value(Some(text(value.clone())))
            .with_config_source(SET_FOR_THE_TOPIC)
    };
    result.configs = Some(new.config.given.iter().map(config).collect());
}

fn plan(cluster: &Cluster, call: &Call<'_>, topic: &CreatableTopic) -> Result<NewTopic, Refusal> {
    call.permit().map_err(|error| refuse(error, error.description()))?;
    check_name(&topic.name).map_err(|message| refuse(ErrorCode::InvalidTopicException, message))?;
    if cluster.topics.contains_key(topic.name.as_str()) {
        let message = format!("Topic '{}' already exists.", topic.name.as_str());
        return Err(refuse(ErrorCode::TopicAlreadyExists, message));
    }
    let config = config(topic)?;
    if topic.assignments.is_empty() {
        let partitions = partition_count(cluster, topic.num_partitions)?;
        let factor = replication_factor(cluster, topic.replication_factor)?;
        return Ok(NewTopic::spread(partitions, factor, config));
    }
    if topic.num_partitions != -1 || topic.replication_factor != -1 {
        let message = "Both assignments and numbers of partitions or replicas are given";
        return Err(refuse(ErrorCode::InvalidRequest, message));
    }
    Ok(NewTopic { replicas: assignments(cluster, &topic.assignments)?, config })
}

fn partition_count(cluster: &Cluster, asked: i32) -> Result<i32, Refusal> {
    match asked {
        -1 => Ok(cluster.default_partitions),
        1..=MOST_PARTITIONS => Ok(asked),
        _ => {
            let message =
                format!("Number of partitions must be from 1 to {MOST_PARTITIONS}, not {asked}.");
            Err(refuse(ErrorCode::InvalidPartitions, message))
        }
    }
}

fn replication_factor(cluster: &Cluster, asked: i16) -> Result<usize, Refusal> {
    let nodes = cluster.node_count();
    match usize::try_from(asked) {
        Ok(factor) if (1..=nodes).contains(&factor) => Ok(factor),
        Err(_) if asked == -1 => Ok(DEFAULT_REPLICATION_FACTOR),
        _ => {
            let message = format!(
                "Replication factor must be from 1 to {nodes}, the number of brokers, not {asked}."
            );
            Err(refuse(ErrorCode::InvalidReplicationFactor, message))
        }
    }
}

fn config(topic: &CreatableTopic) -> Result<TopicConfig, Refusal> {
    let mut config = TopicConfig::default();
    for setting in &topic.configs {
        // A setting without a value asks for the default.
        if let Some(value) = &setting.value {
            let refuse = |message| refuse(ErrorCode::InvalidConfig, message);
            config.set(&setting.name, value).map_err(refuse)?;
        }
    }
    Ok(config)
}

/// Partitions must be numbered from 0 without gaps, each on as many distinct nodes that exist.
fn assignments(
    cluster: &Cluster,
    given: &[CreatableReplicaAssignment],
) -> Result<Vec<Replicas>, Refusal> {
    let refuse = |message: &str| refuse(ErrorCode::InvalidReplicaAssignment, message);
    let mut sorted: Vec<_> = given.iter().collect();
    sorted.sort_by_key(|assignment| assignment.partition_index);
    if sorted.iter().zip(0..).any(|(assignment, index)| assignment.partition_index != index) {
        return Err(refuse("Partitions must be numbered from 0 without gaps"));
    }
    let factor = sorted.first().map_or(0, |first| first.broker_ids.len());
    let nodes = 1..=i32::try_from(cluster.node_count()).unwrap_or(i32::MAX);
    let mut replicas = Vec::with_capacity(sorted.len());
    for assignment in sorted {
        let mut ids: Vec<_> = assignment.broker_ids.iter().map(|id| id.0).collect();
        let placed = ids.iter().copied().map(BrokerId).collect();
        if ids.is_empty() || ids.len() != factor || !ids.iter().all(|id| nodes.contains(id)) {
            return Err(refuse("Partitions must all have as many replicas, on brokers that exist"));
        }
        ids.sort_unstable();
        if ids.array_windows().any(|[a, b]| a == b) {
            return Err(refuse("A partition cannot have two replicas on one broker"));
        }
        replicas.push(Replicas::Given(placed));
    }
    Ok(replicas)
}

/// More is a mistake on a broker that lives in memory.
const MOST_PARTITIONS: i32 = 10_000;

/// Kafka's `DYNAMIC_TOPIC_CONFIG`.
const SET_FOR_THE_TOPIC: i8 = 1;

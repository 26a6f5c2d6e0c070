//! Topics: create, delete, describe, list.

use std::time::Duration;

use kavka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kavka_protocol::messages::delete_topics_request::DeleteTopicState;
use kavka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, TopicName};
use kavka_protocol::{ErrorCode, Request, StrBytes};
use tokio::time::timeout_at;

use super::Admin;
use crate::client::{described, overdue, wait_for_retry};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Lane, Target, now};
use crate::network::{topic_name, wire_millis};
use crate::state::metadata::topic_metadata;
use crate::topic::TopicMetadata;

/// A topic to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; `None` takes the broker's default.
    pub partitions: Option<i32>,
    /// How many copies of each; `None` takes the broker's default.
    pub replication_factor: Option<i16>,
    /// Settings of the topic, by Kafka's names.
    pub configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the broker's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With so many partitions.
    pub fn with_partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// With so many copies of each partition.
    pub fn with_replication_factor(mut self, replication_factor: i16) -> Self {
        self.replication_factor = Some(replication_factor);
        self
    }

    /// With one more setting.
    pub fn with_config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.push((name.into(), value.into()));
        self
    }
}

impl Admin {
    /// Creates topics, each on its own: one outcome per topic, in the order given. Returns when the
    /// cluster shows what was created, as far as that happens within `default.api.timeout.ms`.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<Result<()>>> {
        let timeout = self.client.config().request_timeout;
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        let leaves_default =
            |t: &NewTopic| t.partitions.is_none() || t.replication_factor.is_none();
        let least = if topics.iter().any(leaves_default) { DEFAULTS_VERSION } else { 0 };
        let outcomes = self
            .for_each_topic(&names, async |open: &[usize]| {
                let open = open.iter().filter_map(|at| topics.get(*at)).map(creatable).collect();
                let request = CreateTopicsRequest::default()
                    .with_topics(open)
                    .with_timeout_ms(wire_millis(timeout));
                let answer = self.ask_controller(least, move |_| request).await;
                let response = answer.map_err(|error| match error.kind() {
                    ErrorKind::Unsupported => {
                        error.advise("say how many partitions and copies to make")
                    }
                    _ => error,
                })?;
                let answers = response.topics.into_iter();
                Ok(answers.map(|t| (t.name, t.error_code, t.error_message)).collect())
            })
            .await?;
        let created = names.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        for (topic, _) in created {
            self.wait_until_led(topic).await;
        }
        Ok(outcomes)
    }

    /// Deletes topics with everything in them: one outcome per topic, in the order given.
    pub async fn delete_topics(&self, topics: &[&str]) -> Result<Vec<Result<()>>> {
        let timeout = self.client.config().request_timeout;
        self.for_each_topic(topics, async |open: &[usize]| {
            let open = open.iter().filter_map(|at| topics.get(*at));
            let names: Vec<TopicName> = open.map(|topic| topic_name(topic)).collect();
            let response = self.ask_controller(0, move |v| deletion(names, timeout, v)).await?;
            let answers = response.responses.into_iter();
            Ok(answers.filter_map(|t| Some((t.name?, t.error_code, t.error_message))).collect())
        })
        .await
    }

    /// Describes topics: one outcome per topic, in the order given.
    pub async fn describe_topics(&self, topics: &[&str]) -> Result<Vec<Result<TopicMetadata>>> {
        let response = self.client.ask_for_metadata(Some(topics), Ok).await?;
        Ok(topics.iter().map(|topic| described(&response, topic)).collect())
    }

    /// Describes every topic there is, by name; topics that cannot be described now are left out.
    pub async fn list_topics(&self) -> Result<Vec<TopicMetadata>> {
        let response = self.client.ask_for_metadata(None, Ok).await?;
        let usable = response.topics.iter().filter(|topic| topic.error_code == 0);
        let mut topics: Vec<TopicMetadata> =
            usable.filter_map(|t| Some(topic_metadata(&t.name.as_ref()?.0, t))).collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(topics)
    }

    /// Makes one request to the controller, or to whichever broker passes it on.
    async fn ask_controller<R: Request>(
        &self,
        least_version: i16,
        build: impl FnOnce(i16) -> R + Send + 'static,
    ) -> Result<R::Response> {
        let cluster = self.client.metadata().cluster();
        let any = || cluster.brokers.first().map(|broker| broker.id);
        let unknown = || Error::new(ErrorKind::Unreachable, "no controller is known");
        let controller = cluster.controller.or_else(any).ok_or_else(unknown)?;
        let controller = Target::Broker(controller);
        self.client.network().call_at(controller, Lane::General, least_version, build).await
    }

    /// Makes requests about the topics that are still open (by place in `topics`) until each has an
    /// outcome that will not change.
    async fn for_each_topic(
        &self,
        topics: &[&str],
        attempt: impl AsyncFn(&[usize]) -> Result<Vec<TopicAnswer>>,
    ) -> Result<Vec<Result<()>>> {
        let limit = self.client.config().default_api_timeout;
        let deadline = now() + limit;
        let mut outcomes: Vec<Result<()>> = topics.iter().map(|_| Err(overdue(limit))).collect();
        let mut open: Vec<usize> = (0..topics.len()).collect();
        let mut backoff = self.client.backoff();
        while !open.is_empty() {
            // An attempt that is cut short has nothing to say; the one before it may have.
            let Ok(answered) = timeout_at(deadline.into(), attempt(&open)).await else { break };
            let failed = match answered {
                Ok(answers) => settle(topics, &answers, &mut open, &mut outcomes),
                Err(error) if error.is_retriable() => {
                    note_failure(&open, &mut outcomes, &error);
                    Some(error)
                }
                Err(error) => return Err(error),
            };
            if let Some(error) = failed {
                self.client.metadata().request_refresh();
                if wait_for_retry(&mut backoff, deadline, error).await.is_err() {
                    break;
                }
            }
        }
        Ok(outcomes)
    }

    /// Waits until every partition of a new topic has a leader.
    async fn wait_until_led(&self, topic: &str) {
        let deadline = now() + self.client.config().default_api_timeout;
        let mut backoff = self.client.backoff();
        loop {
            let known = self.client.topic(topic).await;
            if known.is_ok_and(|known| known.partitions.iter().all(|p| p.leader.is_some())) {
                return;
            }
            if wait_for_retry(&mut backoff, deadline, silent(topic)).await.is_err() {
                return;
            }
        }
    }
}

/// What a broker says about one topic: its name, an error code and a sentence.
type TopicAnswer = (TopicName, i16, Option<StrBytes>);

/// Notes what was answered; topics that must be asked about again stay in `open`, and the reason is
/// returned.
fn settle(
    topics: &[&str],
    answers: &[TopicAnswer],
    open: &mut Vec<usize>,
    outcomes: &mut [Result<()>],
) -> Option<Error> {
    let mut again = None;
    open.retain(|at| {
        let (Some(topic), Some(outcome)) = (topics.get(*at), outcomes.get_mut(*at)) else {
            return false;
        };
        *outcome = outcome_of(topic, answers);
        let retry = outcome.as_ref().err().filter(|error| error.is_retriable());
        let retry = retry.filter(|error| error.kind() != ErrorKind::UnknownTopic);
        again = retry.cloned().or(again.take());
        retry.is_some()
    });
    again
}

/// None of the topics that are still open was answered.
fn note_failure(open: &[usize], outcomes: &mut [Result<()>], error: &Error) {
    for at in open {
        if let Some(outcome) = outcomes.get_mut(*at) {
            *outcome = Err(error.clone());
        }
    }
}

fn outcome_of(topic: &str, answers: &[TopicAnswer]) -> Result<()> {
    let Some((_, code, sentence)) = answers.iter().find(|(name, ..)| &*name.0 == topic) else {
        return Err(silent(topic));
    };
    match ErrorCode::from_code(*code) {
        None => Ok(()),
        Some(ErrorCode::UnknownTopicOrPartition) => Err(Error::unknown_topic(topic)),
        Some(code) => Err(Error::broker_said(code, sentence.as_deref()).about_topic(topic)),
    }
}

fn silent(topic: &str) -> Error {
    Error::new(ErrorKind::MalformedAnswer, format!("the broker said nothing about topic {topic:?}"))
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let configs = topic.configs.iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_string(name.clone()))
            .with_value(Some(StrBytes::from_string(value.clone())))
    });
    CreatableTopic::default()
        .with_name(topic_name(&topic.name))
        .with_num_partitions(topic.partitions.unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.unwrap_or(-1))
        .with_configs(configs.collect())
}

/// From version 6 topics are named one by one, so that they can also be given by id.
pub(super) fn deletion(
    names: Vec<TopicName>,
    timeout: Duration,
    version: i16,
) -> DeleteTopicsRequest {
    let request = DeleteTopicsRequest::default().with_timeout_ms(wire_millis(timeout));
    if version < 6 {
        return request.with_topic_names(names);
    }
    let named = |name| DeleteTopicState::default().with_name(Some(name));
    request.with_topics(names.into_iter().map(named).collect())
}

/// The first version in which the broker fills in how many partitions and copies (KIP-464).
const DEFAULTS_VERSION: i16 = 4;

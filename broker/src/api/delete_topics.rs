//! DeleteTopics (versions 1 to 6): by name, from version 6 on also by id.

use kavka_protocol::{
    ErrorCode,
    messages::{
        DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
        delete_topics_request::DeleteTopicState, delete_topics_response::DeletableTopicResult,
    },
};

use super::{text, wire_code};
use crate::cluster::{Call, Cluster, HandleError, Handled};

/// Deletes each topic with its records.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: DeleteTopicsRequest = call.body()?;
    let by_name = |name: TopicName| DeleteTopicState::default().with_name(Some(name));
    let asked = request.topic_names.into_iter().map(by_name).chain(request.topics);
    let responses = asked.map(|topic| delete(cluster, call, topic)).collect();
    let response = DeleteTopicsResponse::default().with_responses(responses);
    call.reply::<DeleteTopicsRequest>(&response)
}

fn delete(cluster: &mut Cluster, call: &Call<'_>, asked: DeleteTopicState) -> DeletableTopicResult {
    let found = call.permit().and_then(|()| find(cluster, &asked));
    let mut result = DeletableTopicResult::default()
        .with_error_code(wire_code(found.as_ref().err().copied()))
        .with_name(asked.name);
    if call.request.version >= 6 {
        result.topic_id = asked.topic_id;
    }
    if let Ok((name, id)) = found {
        cluster.delete_topic(&name);
        result.name = Some(TopicName(text(name)));
        if call.request.version >= 6 {
            result.topic_id = id;
        }
    }
    result
}

fn find(cluster: &Cluster, asked: &DeleteTopicState) -> Result<(String, uuid::Uuid), ErrorCode> {
    match &asked.name {
        Some(name) => {
            let topic = cluster.topics.get(name.as_str());
            let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
            Ok((name.to_string(), topic.id.0))
        }
        None => {
            let (name, topic) =
                cluster.topic_by_id(asked.topic_id).ok_or(ErrorCode::UnknownTopicId)?;
            Ok((name.to_string(), topic.id.0))
        }
    }
}

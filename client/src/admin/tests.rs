//! Administrative calls against a cluster that answers by hand, over pipes and on held time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kavka_protocol::messages::create_topics_response::CreatableTopicResult;
use kavka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kavka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, MetadataRequest,
};
use kavka_protocol::server::{RequestFrame, decode_request_body};
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, StrBytes, VersionRange};
use tokio::time::Instant as Clock;

use super::*;
use crate::client::ClientBuilder;
use crate::error::ErrorKind;
use crate::network::topic_name;
use crate::testing::{api_versions_with, metadata, network, reply, serve, topic};

/// What the cluster was asked: the broker's host and the request.
type Asked = Arc<Mutex<Vec<(String, RequestFrame)>>>;

/// A cluster with the topics `orders` and `payments` and its controller at `a`. Each topic in a
/// request to create or delete gets the next of `codes`, and success when there are no more.
async fn admin(codes: &'static [ErrorCode]) -> (Admin, Asked) {
    let (pipes, listener) = network();
    let (asked, mut codes) = (Asked::default(), codes.iter().copied());
    let seen = Arc::clone(&asked);
    serve(listener, move |endpoint, request| {
        let mut next = || codes.next().map_or(0, ErrorCode::code);
        let answer = match request.api_key {
            ApiKey::CreateTopics => created(request, &mut next),
            ApiKey::DeleteTopics => deleted(request, &mut next),
            _ => {
                let body: MetadataRequest = decode_request_body(request).unwrap();
                assert!(!body.allow_auto_topic_creation);
                let topics = vec![topic("payments", &[(2, 0)]), topic("orders", &[(1, 0), (2, 0)])];
                let brokers = [(1, "a", 9092), (2, "b", 9092)];
                return Some(reply::<MetadataRequest>(
                    request,
                    &metadata(&brokers).with_topics(topics),
                ));
            }
        };
        seen.lock().unwrap().push((endpoint.host.to_string(), request.clone()));
        Some(answer)
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "b:9092")]).with_connect(pipes);
    (builder.connect().await.unwrap().admin(), asked)
}

fn created(request: &RequestFrame, next: &mut dyn FnMut() -> i16) -> bytes::Bytes {
    let body: CreateTopicsRequest = decode_request_body(request).unwrap();
    let results = body.topics.into_iter().map(|topic| {
        CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(next())
            .with_error_message(Some(StrBytes::from_static_str("the broker's own words")))
    });
    let response = CreateTopicsResponse::default().with_topics(results.collect());
    reply::<CreateTopicsRequest>(request, &response)
}

fn deleted(request: &RequestFrame, next: &mut dyn FnMut() -> i16) -> bytes::Bytes {
    let body: DeleteTopicsRequest = decode_request_body(request).unwrap();
    let results = body
        .topics
        .into_iter()
        .map(|topic| DeletableTopicResult::default().with_name(topic.name).with_error_code(next()));
    let response = DeleteTopicsResponse::default().with_responses(results.collect());
    reply::<DeleteTopicsRequest>(request, &response)
}

#[tokio::test(start_paused = true)]
async fn topics_are_created_by_the_controller_as_described() {
    let (admin, asked) = admin(&[]).await;
    let described = NewTopic::new("orders")
        .with_partitions(2)
        .with_replication_factor(1)
        .with_config("cleanup.policy", "compact");
    let outcomes = admin.create_topics(&[described, NewTopic::new("payments")]).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.is_ok()));
    let asked = asked.lock().unwrap();
    let (host, request) = &asked[0];
    assert_eq!((asked.len(), host.as_str()), (1, "a"));
    let body: CreateTopicsRequest = decode_request_body(request).unwrap();
    let [orders, payments] = &body.topics[..] else { panic!("two topics: {body:?}") };
    assert_eq!((orders.num_partitions, orders.replication_factor), (2, 1));
    assert_eq!(&*orders.configs[0].name, "cleanup.policy");
    assert_eq!((payments.num_partitions, payments.replication_factor), (-1, -1));
}

#[tokio::test(start_paused = true)]
async fn each_topic_has_an_outcome_of_its_own_in_the_order_given() {
    let (admin, _) = admin(&[ErrorCode::TopicAlreadyExists]).await;
    let topics = [NewTopic::new("payments"), NewTopic::new("orders")];
    let outcomes = admin.create_topics(&topics).await.unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TopicAlreadyExists));
    assert_eq!(
        error.to_string(),
        "topic \"payments\": TOPIC_ALREADY_EXISTS (36): the broker's own words"
    );
    assert!(outcomes[1].is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_what_can_be_repeated_is_repeated() {
    let (admin, asked) = admin(&[ErrorCode::NotController, ErrorCode::InvalidPartitions]).await;
    let topics = [NewTopic::new("orders"), NewTopic::new("payments")];
    let outcomes = admin.create_topics(&topics).await.unwrap();
    assert!(outcomes[0].is_ok());
    let code = outcomes[1].as_ref().unwrap_err().code();
    assert_eq!(code, Some(ErrorCode::InvalidPartitions));
    let asked = asked.lock().unwrap();
    let again: CreateTopicsRequest = decode_request_body(&asked[1].1).unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(again.topics.len(), 1);
    assert_eq!(again.topics[0].name, topic_name("orders"));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_is_the_outcome_when_time_is_up() {
    let (admin, _) = admin(&[ErrorCode::NotController; 200]).await;
    let started = Clock::now();
    let outcomes = admin.delete_topics(&["orders"]).await.unwrap();
    let code = outcomes[0].as_ref().unwrap_err().code();
    assert_eq!(code, Some(ErrorCode::NotController));
    assert!((Duration::from_secs(55)..=Duration::from_secs(60)).contains(&started.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_short_ends_with_what_was_said_before() {
    let (pipes, listener) = network();
    let mut answers = 0;
    serve(listener, move |_, request| {
        if request.api_key != ApiKey::DeleteTopics {
            return Some(reply::<MetadataRequest>(request, &metadata(&[(1, "a", 9092)])));
        }
        answers += 1;
        let mut next = || ErrorCode::NotController.code();
        (answers == 1).then(|| deleted(request, &mut next))
    });
    let limit = "20000";
    let properties = [
        ("bootstrap.servers", "a:9092"),
        ("request.timeout.ms", limit),
        ("default.api.timeout.ms", limit),
    ];
    let client = ClientBuilder::new(properties).with_connect(pipes).connect().await.unwrap();
    let outcomes = client.admin().delete_topics(&["orders"]).await.unwrap();
    let code = outcomes[0].as_ref().unwrap_err().code();
    assert_eq!(code, Some(ErrorCode::NotController));
}

#[tokio::test(start_paused = true)]
async fn a_broker_too_old_to_fill_in_defaults_is_an_error_that_says_what_to_give() {
    let (pipes, mut listener) = network();
    let old = tokio::spawn(async move {
        loop {
            let (_, mut peer) = listener.accept().await;
            let hello = peer.expect(ApiKey::ApiVersions).await;
            let spoken = [
                (ApiKey::CreateTopics, VersionRange { min: 0, max: 2 }),
                (ApiKey::Metadata, VersionRange { min: 0, max: 5 }),
            ];
            peer.answer::<ApiVersionsRequest>(&hello, &api_versions_with(&spoken)).await;
            tokio::spawn(async move {
                while let Some(request) = peer.next_request().await {
                    let cluster = metadata(&[(1, "a", 9092)]);
                    peer.answer::<MetadataRequest>(&request, &cluster).await;
                }
            });
        }
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "a:9092")]).with_connect(pipes);
    let admin = builder.connect().await.unwrap().admin();
    let error = admin.create_topics(&[NewTopic::new("orders")]).await.unwrap_err();
    old.abort();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(
        text.contains("only up to version 2") && text.contains("say how many partitions"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_a_topic_that_does_not_exist_names_it() {
    let (admin, _) = admin(&[ErrorCode::UnknownTopicOrPartition]).await;
    let outcomes = admin.delete_topics(&["nothing", "orders"]).await.unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
    assert!(error.to_string().contains("\"nothing\""), "{error}");
    assert!(outcomes[1].is_ok());
}

#[test]
fn topics_to_delete_are_named_as_each_version_wants_them() {
    for (version, named_one_by_one) in [(5, false), (6, true)] {
        let names = vec![topic_name("orders")];
        let request = topics::deletion(names, Duration::from_secs(1), version);
        assert_eq!(request.topics.len() == 1, named_one_by_one, "{version}");
        assert_eq!(request.topic_names.is_empty(), named_one_by_one, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn descriptions_come_in_the_order_asked_and_lists_by_name() {
    let (admin, _) = admin(&[]).await;
    let described = admin.describe_topics(&["orders", "nothing", "payments"]).await.unwrap();
    assert_eq!(described[0].as_ref().unwrap().partitions.len(), 2);
    assert_eq!(described[1].as_ref().unwrap_err().kind(), ErrorKind::UnknownTopic);
    assert_eq!(described[2].as_ref().unwrap().name.as_ref(), "payments");
    let names: Vec<_> = admin.list_topics().await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["orders".into(), "payments".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_described_with_its_brokers() {
    let (admin, _) = admin(&[]).await;
    let cluster = admin.describe_cluster().await.unwrap();
    assert_eq!(cluster.id.as_deref(), Some("cluster"));
    assert_eq!(cluster.controller, Some(BrokerId(1)));
    let hosts: Vec<_> = cluster.brokers.iter().map(|broker| &*broker.host).collect();
    assert_eq!(hosts, ["a", "b"]);
}

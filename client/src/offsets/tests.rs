//! ListOffsets against a cluster of two brokers, over pipes and on held time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kavka_protocol::messages::MetadataRequest;
use kavka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kavka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kavka_protocol::server::{RequestFrame, decode_request_body};
use tokio::time::Instant as Clock;

use super::*;
use crate::client::ClientBuilder;
use crate::config::Endpoint;
use crate::testing::{metadata, network, reply, serve, topic};

type Asked = Arc<Mutex<Vec<(String, ListOffsetsRequest)>>>;

/// A cluster whose partition 0 is led by broker 1 at `a`, and whose partition 1 by broker 2 at `b`.
/// `answer` gives error code, offset and timestamp for a partition; it is told who is asked.
async fn client(
    answer: impl Fn(&Endpoint, &ListOffsetsPartition) -> (i16, i64, i64) + Send + 'static,
) -> (Client, Asked) {
    let (pipes, listener) = network();
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let mut moved = 0;
    serve(listener, move |endpoint, request| {
        if request.api_key == ApiKey::Metadata {
            // Partition 0 moves to broker 2 with the second description of the topic.
            let described: MetadataRequest = decode_request_body(request).unwrap();
            moved += i32::from(described.topics.is_some_and(|topics| !topics.is_empty()));
            let first = if moved > 1 { (2, 1) } else { (1, 0) };
            let orders = topic("orders", &[first, (2, 0)]);
            let cluster = metadata(&[(1, "a", 9092), (2, "b", 9092)]).with_topics(vec![orders]);
            return Some(reply::<MetadataRequest>(request, &cluster));
        }
        let body: ListOffsetsRequest = decode_request_body(request).unwrap();
        seen.lock().unwrap().push((endpoint.host.to_string(), body.clone()));
        Some(list_offsets(request, &body, |partition| answer(endpoint, partition)))
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "a:9092")]).with_connect(pipes);
    (builder.connect().await.unwrap(), asked)
}

fn list_offsets(
    request: &RequestFrame,
    body: &ListOffsetsRequest,
    answer: impl Fn(&ListOffsetsPartition) -> (i16, i64, i64),
) -> bytes::Bytes {
    let topics = body.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let (code, offset, timestamp) = answer(partition);
            ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
                .with_offset(offset)
                .with_timestamp(timestamp)
                .with_leader_epoch(3)
        });
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    let response = ListOffsetsResponse::default().with_topics(topics.collect());
    reply::<ListOffsetsRequest>(request, &response)
}

fn orders(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

#[tokio::test(start_paused = true)]
async fn each_leader_is_asked_once_and_answers_come_in_the_order_asked() {
    let (client, asked) =
        client(|_, partition| (0, 10 + i64::from(partition.partition_index), -1)).await;
    let specs = [(orders(1), OffsetSpec::Latest), (orders(0), OffsetSpec::Earliest)];
    let listed = client.list_offsets(&specs).await.unwrap();
    let offsets: Vec<_> = listed.iter().map(|l| (l.topic_partition.partition, l.offset)).collect();
    assert_eq!(offsets, [(1, Some(11)), (0, Some(10))]);
    assert_eq!(listed[0].leader_epoch, Some(LeaderEpoch(3)));
    let mut hosts: Vec<_> = asked.lock().unwrap().iter().map(|(host, _)| host.clone()).collect();
    hosts.sort();
    assert_eq!(hosts, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_what_kafka_calls_it() {
    for (spec, timestamp) in [
        (OffsetSpec::Earliest, -2),
        (OffsetSpec::Latest, -1),
        (OffsetSpec::Timestamp(1_700_000_000_000), 1_700_000_000_000),
        (OffsetSpec::Timestamp(-1), 0),
        (OffsetSpec::MaxTimestamp, -3),
        (OffsetSpec::EarliestLocal, -4),
        (OffsetSpec::LatestTiered, -5),
        (OffsetSpec::EarliestPendingUpload, -6),
    ] {
        let (client, asked) = client(|_, _| (0, 5, 6)).await;
        client.list_offsets(&[(orders(0), spec)]).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].1.topics[0].partitions[0].timestamp, timestamp, "{spec:?}");
        assert_eq!(asked[0].1.isolation_level, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_may_be_asked_about_twice() {
    let (client, asked) = client(|_, partition| (0, partition.timestamp + 100, -1)).await;
    let specs = [(orders(0), OffsetSpec::Earliest), (orders(0), OffsetSpec::Latest)];
    let listed = client.list_offsets(&specs).await.unwrap();
    assert_eq!((listed[0].offset, listed[1].offset), (Some(98), Some(99)));
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(_, request)| request.topics[0].partitions.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn no_record_at_or_after_a_time_is_none() {
    let (client, _) = client(|_, _| (0, -1, -1)).await;
    let listed = client.list_offsets(&[(orders(0), OffsetSpec::Timestamp(9))]).await.unwrap();
    assert_eq!((listed[0].offset, listed[0].timestamp), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_moved_is_found_and_asked() {
    let (client, asked) = client(|endpoint, partition| {
        let moved = &*endpoint.host == "a" && partition.partition_index == 0;
        (if moved { ErrorCode::NotLeaderOrFollower.code() } else { 0 }, 7, -1)
    })
    .await;
    let specs = [(orders(0), OffsetSpec::Latest), (orders(1), OffsetSpec::Latest)];
    let listed = client.list_offsets(&specs).await.unwrap();
    assert_eq!(listed.len(), 2);
    let asked = asked.lock().unwrap();
    let partitions = |(_, r): &(String, ListOffsetsRequest)| r.topics[0].partitions.clone();
    let about_1 = asked.iter().flat_map(partitions).filter(|p| p.partition_index == 1);
    assert_eq!(about_1.count(), 1, "what was answered is not asked again");
    let (host, last) = asked.last().unwrap();
    assert_eq!(host, "b");
    assert_eq!(last.topics[0].partitions[0].current_leader_epoch, 1);
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_ends_with_the_time_of_the_call() {
    let (client, _) = client(|_, _| (ErrorCode::NotLeaderOrFollower.code(), -1, -1)).await;
    let started = Clock::now();
    let error = client.list_offsets(&[(orders(0), OffsetSpec::Latest)]).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(error.place().topic_partition, Some(orders(0)));
    assert!((Duration::from_secs(55)..=Duration::from_secs(60)).contains(&started.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stays_is_reported_at_once() {
    let (client, _) = client(|_, _| (ErrorCode::TopicAuthorizationFailed.code(), -1, -1)).await;
    let started = Clock::now();
    let error = client.list_offsets(&[(orders(0), OffsetSpec::Latest)]).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TopicAuthorizationFailed));
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(error.to_string().starts_with("ListOffsets at broker 1 for orders-0: TOPIC_AUTH"));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_exist_is_named_with_how_many_there_are() {
    let (client, _) = client(|_, _| (0, 0, -1)).await;
    let error = client.list_offsets(&[(orders(9), OffsetSpec::Latest)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownPartition);
    assert!(
        error.to_string().contains("orders-9") && error.to_string().contains("has 2"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_never_answers_does_not_outlast_the_time_of_the_call() {
    let (pipes, listener) = network();
    serve(listener, |_, request| {
        let orders = topic("orders", &[(1, 0)]);
        let cluster = metadata(&[(1, "a", 9092)]).with_topics(vec![orders]);
        (request.api_key == ApiKey::Metadata).then(|| reply::<MetadataRequest>(request, &cluster))
    });
    let properties = [("bootstrap.servers", "a:9092"), ("default.api.timeout.ms", "5000")];
    let client = ClientBuilder::new(properties).with_connect(pipes).connect().await.unwrap();
    let started = Clock::now();
    let error = client.list_offsets(&[(orders(0), OffsetSpec::Latest)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn many_topics_are_asked_about_at_once() {
    let (pipes, listener) = network();
    let described = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&described);
    serve(listener, move |_, request| {
        if request.api_key == ApiKey::ListOffsets {
            let body: ListOffsetsRequest = decode_request_body(request).unwrap();
            return Some(list_offsets(request, &body, |_| (0, 7, -1)));
        }
        let body: MetadataRequest = decode_request_body(request).unwrap();
        let names = body.topics.unwrap().into_iter().filter_map(|asked| asked.name);
        let topics: Vec<_> = names.map(|name| topic(&name.0, &[(1, 0)])).collect();
        if !topics.is_empty() {
            seen.lock().unwrap().push(topics.len());
        }
        let cluster = metadata(&[(1, "a", 9092)]).with_topics(topics);
        Some(reply::<MetadataRequest>(request, &cluster))
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "a:9092")]).with_connect(pipes);
    let client = builder.connect().await.unwrap();
    let specs: Vec<_> = (0..200)
        .map(|number| (TopicPartition::new(format!("t{number}"), 0), OffsetSpec::Latest))
        .collect();
    assert_eq!(client.list_offsets(&specs).await.unwrap().len(), 200);
    assert_eq!(*described.lock().unwrap(), [200]);
}

//! What a client does when it meets its cluster, over pipes and on held time.

mod rebootstrap;
mod trouble;

use std::sync::Mutex;

use kavka_protocol::ApiKey;
use kavka_protocol::messages::MetadataRequest;
use kavka_protocol::messages::metadata_response::MetadataResponseTopic;
use kavka_protocol::server::decode_request_body;
use tokio::time::Instant as Clock;

use super::*;
use crate::state::metadata::Interest;
use crate::testing::{Pipes, metadata, network, reply, serve, topic};

const BROKERS: &[(i32, &str, u16)] = &[(1, "a", 9092), (2, "b", 9092)];

fn builder(servers: &str, pipes: Pipes) -> ClientBuilder {
    ClientBuilder::new([("bootstrap.servers", servers)]).with_connect(pipes)
}

async fn failure(servers: &str, pipes: Pipes) -> (Error, Duration) {
    let started = Clock::now();
    let error = builder(servers, pipes).connect().await.expect_err("nobody is there");
    (error, started.elapsed())
}

/// A client of a cluster that describes topics as `describe` says; the requests are noted.
async fn client(
    mut describe: impl FnMut(&MetadataRequest) -> Vec<MetadataResponseTopic> + Send + 'static,
) -> (Client, Arc<Mutex<Vec<MetadataRequest>>>) {
    let (pipes, listener) = network();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    serve(listener, move |_, request| {
        let body: MetadataRequest = decode_request_body(request).unwrap();
        let response = metadata(BROKERS).with_topics(describe(&body));
        seen.lock().unwrap().push(body);
        Some(reply::<MetadataRequest>(request, &response))
    });
    (builder("a:9092", pipes).connect().await.unwrap(), asked)
}

fn unknown(name: &str) -> MetadataResponseTopic {
    topic(name, &[]).with_error_code(ErrorCode::UnknownTopicOrPartition.code())
}

#[tokio::test(start_paused = true)]
async fn addresses_that_all_refuse_fail_at_once_and_are_all_named() {
    let (pipes, _listener) = network();
    let (error, took) = failure("a:9092,b:9093", pipes.refusing("a").refusing("b")).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let text = error.to_string();
    for address in ["a:9092", "b:9093"] {
        let named = format!("{address} cannot be reached: connection refused");
        assert!(text.contains(&named), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_borne_until_the_time_of_a_call_is_up() {
    let (pipes, _listener) = network();
    let (error, took) = failure("a:9092", pipes.losing("a")).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(took.as_secs(), 60);
    assert!(error.to_string().contains("a:9092"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn between_attempts_that_take_no_time_there_is_a_pause() {
    let (pipes, _listener) = network();
    let impatient = [
        ("bootstrap.servers", "a:9092"),
        ("request.timeout.ms", "0"),
        ("default.api.timeout.ms", "5000"),
    ];
    let started = Clock::now();
    let connecting = ClientBuilder::new(impatient).with_connect(pipes.losing("a")).connect();
    assert_eq!(connecting.await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_address_that_answers_is_enough() {
    for pipes in [|p: Pipes| p.refusing("x"), |p: Pipes| p.losing("x")] {
        let (ours, listener) = network();
        serve(listener, |_, r| Some(reply::<MetadataRequest>(r, &metadata(BROKERS))));
        let started = Clock::now();
        assert!(builder("x:9092,a:9092", pipes(ours)).connect().await.is_ok());
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_still_starting_is_not_taken_for_the_cluster() {
    let (pipes, listener) = network();
    serve(listener, |_, r| Some(reply::<MetadataRequest>(r, &metadata(&[]))));
    let (error, _) = failure("a:9092", pipes).await;
    assert!(error.to_string().contains("does not know its cluster yet"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_of_another_kind_is_named() {
    let (pipes, mut listener) = network();
    let web = tokio::spawn(async move {
        let (_, mut peer) = listener.accept().await;
        peer.expect(ApiKey::ApiVersions).await;
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let (error, took) = failure("a:80", pipes).await;
    web.await.unwrap();
    assert_eq!(error.kind(), ErrorKind::NotKafka);
    assert!(took < Duration::from_secs(5));
    assert!(error.to_string().contains("a:80 answered with HTTP, not Kafka"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_does_not_exist_is_named_and_not_created() {
    let (client, asked) = client(|_| vec![unknown("orders")]).await;
    let started = Clock::now();
    let error = client.topic("orders").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(error.to_string().contains("topic \"orders\" does not exist"), "{error}");
    assert!(asked.lock().unwrap().iter().all(|request| !request.allow_auto_topic_creation));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_just_created_elsewhere_is_found() {
    let mut answers = 0;
    let (client, _) = client(move |_| {
        answers += 1;
        if answers < 4 { vec![unknown("orders")] } else { vec![topic("orders", &[(1, 0), (2, 0)])] }
    })
    .await;
    let found = client.topic("orders").await.unwrap();
    assert_eq!(found.partitions.len(), 2);
    assert_eq!(found.partition(1).unwrap().leader, Some(BrokerId(2)));
}

#[tokio::test(start_paused = true)]
async fn topics_are_found_by_pattern_among_all_there_are() {
    let mut refusals = vec![ErrorCode::LeaderNotAvailable];
    let (client, asked) = client(move |request| {
        if request.topics.is_some() {
            return Vec::new();
        }
        let electing = refusals.pop().map_or(0, ErrorCode::code);
        let forbidden = ErrorCode::TopicAuthorizationFailed.code();
        vec![
            topic("orders-2", &[(1, 0), (2, 0)]).with_error_code(electing),
            topic("orders-1", &[(1, 0)]),
            unknown("orders-3"),
            topic("orders-offsets", &[(1, 0)]).with_is_internal(true),
            topic("my-orders-1", &[(1, 0)]),
            topic("secret", &[]).with_error_code(forbidden),
        ]
    })
    .await;
    let found = client.topics(&TopicPattern::new("orders-.*").unwrap()).await.unwrap();
    let found: Vec<_> = found.iter().map(|t| (&*t.name, t.partitions.len())).collect();
    assert_eq!(found, [("orders-1", 1), ("orders-2", 2)]);
    let lists: Vec<_> =
        asked.lock().unwrap().iter().filter(|request| request.topics.is_none()).cloned().collect();
    assert_eq!(lists.len(), 2);
    assert!(lists.iter().all(|request| !request.allow_auto_topic_creation));
    let error = client.topics(&TopicPattern::new("secret|orders-1").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TopicAuthorizationFailed), "{error}");
    assert!(error.to_string().contains("secret"), "{error}");
    assert_eq!(client.topics(&TopicPattern::new("none").unwrap()).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_the_broker_to_create_its_topic() {
    let mut created = false;
    let (client, _) = client(move |request| {
        let known = if created { topic("orders", &[(1, 0)]) } else { unknown("orders") };
        created |= request.allow_auto_topic_creation;
        vec![known]
    })
    .await;
    let deadline = now() + Duration::from_secs(60);
    let metadata = client.metadata();
    let found = metadata.wait_for_topic("orders", Interest::Write, deadline).await.unwrap();
    assert_eq!(found.partitions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_told_soon_and_a_writer_at_its_deadline_that_there_is_no_topic() {
    for (interest, least, most) in [(Interest::Read, 0, 2), (Interest::Write, 10, 10)] {
        let (client, _) = client(|_| vec![unknown("orders")]).await;
        let started = Clock::now();
        let deadline = now() + Duration::from_secs(10);
        let error =
            client.metadata().wait_for_topic("orders", interest, deadline).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownTopic);
        let took = started.elapsed().as_secs();
        assert!((least..=most).contains(&took), "{interest:?} {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_leaders_is_published() {
    let epoch = Arc::new(Mutex::new(0));
    let later = Arc::clone(&epoch);
    let (client, _) = client(move |_| vec![topic("orders", &[(1, *later.lock().unwrap())])]).await;
    let metadata = client.metadata();
    let deadline = now() + Duration::from_secs(60);
    metadata.wait_for_topic("orders", Interest::Read, deadline).await.unwrap();
    let mut changes = metadata.changes();
    *epoch.lock().unwrap() = 1;
    metadata.request_refresh();
    changes.changed().await.unwrap();
    let tp = kavka_protocol::TopicPartition::new("orders", 0);
    assert_eq!(metadata.leader(&tp).unwrap().epoch, Some(kavka_protocol::LeaderEpoch(1)));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_client_ends_its_connections_and_tasks() {
    let (pipes, mut listener) = network();
    let connecting = tokio::spawn(builder("a:9092", pipes).connect());
    let (_, mut peer) = listener.accept_ready().await;
    peer.answer_metadata(&metadata(BROKERS)).await;
    let client = connecting.await.unwrap().unwrap();
    let started = Clock::now();
    assert!(peer.next_request().await.is_none(), "the bootstrap connection is not kept");
    assert!(started.elapsed() < Duration::from_secs(1), "nor left until it is idle");
    client.metadata().request_refresh();
    let (_, mut peer) = listener.accept_ready().await;
    peer.expect(ApiKey::Metadata).await;
    let clone = client.clone();
    drop(client);
    drop(clone);
    assert!(peer.next_request().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn metadata_comes_from_the_bootstrap_addresses_when_every_known_broker_is_gone() {
    let (pipes, listener) = network();
    serve(listener, |endpoint, request| {
        // The brokers listen where nobody can connect to, as behind a wrong advertised.listeners.
        let reachable = if endpoint.host.starts_with('a') { "gone" } else { "other" };
        Some(reply::<MetadataRequest>(request, &metadata(&[(1, reachable, 9092)])))
    });
    let pipes = pipes.refusing("gone");
    let client = builder("a:9092", pipes).connect().await.unwrap();
    let described = client.admin().describe_cluster().await.unwrap();
    assert_eq!(described.brokers[0].host.as_ref(), "gone");
}

#[tokio::test(start_paused = true)]
async fn regular_refreshes_ask_the_known_brokers_however_long_nothing_else_happens() {
    let (pipes, listener) = network();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    serve(listener, move |endpoint, request| {
        seen.lock().unwrap().push(endpoint.host.to_string());
        let cluster = metadata(&[(1, "a", 9092)]).with_topics(vec![topic("orders", &[(1, 0)])]);
        Some(reply::<MetadataRequest>(request, &cluster))
    });
    let client = builder("bootstrap:9092", pipes).connect().await.unwrap();
    for _ in 0..40 {
        client.metadata().track("orders", Interest::Read);
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let asked = asked.lock().unwrap();
    assert!(asked.len() > 5, "{asked:?}");
    assert!(asked[1..].iter().all(|host| host == "a"), "{asked:?}");
}

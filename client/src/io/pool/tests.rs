//! Whole connections over pipes: the pool, its links and their tasks, on held time.

use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::messages::MetadataRequest;
use kavka_protocol::server::RequestFrame;
use kavka_protocol::{Frame, encode_request};
use tokio::time::Instant as Clock;

use super::*;
use crate::config::Properties;
use crate::io::{BoxFuture, Stream};
use crate::testing::{Listener, Peer, Pipes, metadata, network, topic};

/// A pool that knows broker 1 at `a:9092` and broker 2 at `b:9092`.
fn pool(pipes: Pipes) -> Pool {
    let properties = Properties::from([
        ("bootstrap.servers", "a:9092"),
        ("client.id", "tests"),
        ("request.timeout.ms", "30000"),
    ]);
    let config = ClientConfig::resolve(&properties).unwrap();
    let pool = Pool::new(&config, Arc::new(pipes), Handle::current(), 7);
    pool.set_brokers(&[node(1, "a"), node(2, "b")]);
    pool
}

fn node(id: i32, host: &str) -> BrokerNode {
    BrokerNode { id: BrokerId(id), host: host.into(), port: 9092, rack: None }
}

fn broker(id: i32) -> Target {
    Target::Broker(BrokerId(id))
}

/// A request for metadata of `topic`.
fn request(topic: &'static str) -> Outgoing {
    request_within(topic, Duration::from_secs(30))
}

fn request_within(topic: &'static str, timeout: Duration) -> Outgoing {
    Outgoing::new(ApiKey::Metadata, timeout, move |version, correlation, client_id| {
        let request = crate::network::metadata_request(Some([topic.into()]), false);
        encode_request(&request, version, correlation, client_id)
    })
}

fn topic_of(request: &RequestFrame) -> String {
    let body: MetadataRequest = kavka_protocol::server::decode_request_body(request).unwrap();
    body.topics.unwrap()[0].name.as_ref().unwrap().to_string()
}

async fn answer(peer: &mut Peer, to: &RequestFrame) {
    peer.answer::<MetadataRequest>(to, &metadata(&[(1, "a", 9092)])).await;
}

async fn failure(answer: PendingAnswer) -> Error {
    answer.await.expect_err("no answer was given")
}

#[tokio::test(start_paused = true)]
async fn requests_leave_in_the_order_of_the_calls() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let names = ["one", "two", "three"];
    let answers = names.map(|name| pool.send(broker(1), Lane::General, request(name)));
    let (_, mut peer) = listener.accept_ready().await;
    for (name, pending) in names.into_iter().zip(answers) {
        let received = peer.expect(ApiKey::Metadata).await;
        assert_eq!(topic_of(&received), name);
        answer(&mut peer, &received).await;
        assert!(pending.await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_does_not_harm_the_connection() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    drop(pool.send(broker(1), Lane::General, request("dropped")));
    let kept = pool.send(broker(1), Lane::General, request("kept"));
    let (_, mut peer) = listener.accept_ready().await;
    for _ in 0..2 {
        let received = peer.expect(ApiKey::Metadata).await;
        answer(&mut peer, &received).await;
    }
    assert!(kept.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn lanes_and_brokers_have_connections_of_their_own() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let _pending = [
        pool.send(broker(1), Lane::General, request("t")),
        pool.send(broker(1), Lane::Fetch(1), request("t")),
        pool.send(broker(1), Lane::Fetch(2), request("t")),
        pool.send(broker(2), Lane::General, request("t")),
        pool.send(broker(1), Lane::General, request("t")),
    ];
    let mut hosts = Vec::new();
    for _ in 0..4 {
        hosts.push(listener.accept().await.0.to_string());
    }
    hosts.sort();
    assert_eq!(hosts, ["a:9092", "a:9092", "a:9092", "b:9092"]);
}

#[tokio::test(start_paused = true)]
async fn a_retired_lane_answers_what_it_has_and_then_closes() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let pending = pool.send(broker(1), Lane::Fetch(1), request("t"));
    let (_, mut peer) = listener.accept_ready().await;
    let received = peer.expect(ApiKey::Metadata).await;
    pool.retire_lane(Lane::Fetch(1));
    answer(&mut peer, &received).await;
    assert!(pending.await.is_ok());
    assert!(peer.next_request().await.is_none(), "nobody sends on it any more");
}

#[tokio::test(start_paused = true)]
async fn large_frames_pass_in_both_directions() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let payload = Bytes::from(vec![7; 3 << 20]);
    let sent = payload.clone();
    let large = Outgoing::new(ApiKey::Metadata, Duration::from_secs(1), move |_, id, client_id| {
        // A header, and a body of many chunks that no socket takes at once.
        let header = encode_request(&MetadataRequest::default(), 1, id, client_id)?;
        let header = header.chunks().concat();
        let length = i32::try_from(header.len() - 4 + sent.len()).unwrap().to_be_bytes();
        Ok(Frame::from(Bytes::from([&length, &header[4..], &sent[..]].concat())))
    });
    let pending = pool.send(broker(1), Lane::General, large);
    let (_, mut peer) = listener.accept_ready().await;
    let received = peer.expect(ApiKey::Metadata).await;
    assert!(received.body.ends_with(&payload));
    let topics = (0..20_000).map(|at| topic(&format!("topic-{at}"), &[(1, 0); 4])).collect();
    let cluster = metadata(&[(1, "a", 9092)]).with_topics(topics);
    let answering = tokio::spawn(async move {
        peer.answer::<MetadataRequest>(&received, &cluster).await;
        peer
    });
    assert!(pending.await.unwrap().bytes.len() > 1 << 20);
    answering.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_that_stalls_ends_with_the_time_of_its_request() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let large = Outgoing::new(ApiKey::Produce, Duration::from_secs(5), |_, _, _| {
        Ok(Frame::from(Bytes::from(vec![0; 1 << 20])))
    });
    let pending = pool.send(broker(1), Lane::Produce, large);
    let (_, _peer) = listener.accept_ready().await;
    let started = Clock::now();
    let error = failure(pending).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!error.may_have_been_written());
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(
        error.to_string(),
        "Produce at broker 1: a:9092 could not be sent a request within 5000 ms"
    );
}

#[tokio::test(start_paused = true)]
async fn a_written_request_without_answer_may_have_been_carried_out() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let produce = Outgoing::new(ApiKey::Produce, Duration::from_secs(5), |_, id, client_id| {
        encode_request(&MetadataRequest::default(), 1, id, client_id)
    });
    let pending = pool.send(broker(1), Lane::Produce, produce);
    let (_, mut peer) = listener.accept_ready().await;
    peer.next_request().await.unwrap();
    drop(peer);
    let error = failure(pending).await;
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(error.may_have_been_written() && error.is_retriable());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_pool_closes_connections_and_fails_what_is_pending() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let pending = pool.send(broker(1), Lane::General, request("t"));
    let (_, mut peer) = listener.accept_ready().await;
    peer.expect(ApiKey::Metadata).await;
    drop(pool);
    assert!(peer.next_request().await.is_none());
    assert_eq!(failure(pending).await.kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_tried_again_only_after_a_backoff() {
    let (pipes, _listener) = network();
    let pool = pool(pipes.refusing("a"));
    let started = Clock::now();
    let mut waits = Vec::new();
    for _ in 0..3 {
        let error = failure(pool.send(broker(1), Lane::General, request("t"))).await;
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        waits.push(started.elapsed().as_millis());
    }
    assert_eq!(waits[0], 0);
    assert!((40..=61).contains(&waits[1]), "{waits:?}");
    assert!((120..=181).contains(&waits[2]), "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_refused_on_another_thread_at_once_still_answers_its_first_request() {
    let (pipes, _listener) = network();
    let pool = pool(pipes.refusing("a"));
    for number in 0..5000 {
        // A lane of its own for each: no backoff, and a link that was just made.
        let error = failure(pool.send(broker(1), Lane::Fetch(number), request("t"))).await;
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{number}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_connection_no_longer_than_its_time() {
    let (pipes, _listener) = network();
    let pool = pool(pipes.losing("a"));
    let started = Clock::now();
    let patient = pool.send(broker(1), Lane::General, request("t"));
    let hasty = pool.send(broker(1), Lane::General, request_within("t", Duration::from_secs(1)));
    assert_eq!(failure(hasty).await.kind(), ErrorKind::Timeout);
    assert_eq!(started.elapsed().as_secs(), 1);
    let error = failure(patient).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(13), "the setup timeout ends it");
    assert!(
        error.to_string().contains("a:9092 cannot be reached: no connection within"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_moves_is_found_at_its_new_address() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let old = pool.send(broker(1), Lane::General, request("old"));
    let (_, mut before) = listener.accept_ready().await;
    let received = before.expect(ApiKey::Metadata).await;
    pool.set_brokers(&[node(1, "c")]);
    let _new = pool.send(broker(1), Lane::General, request("new"));
    let (endpoint, mut after) = listener.accept_ready().await;
    assert_eq!(endpoint.to_string(), "c:9092");
    assert_eq!(topic_of(&after.expect(ApiKey::Metadata).await), "new");
    answer(&mut before, &received).await;
    assert!(old.await.is_ok(), "what was under way is finished");
    assert!(before.next_request().await.is_none(), "and then the old connection closes");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_is_replaced_by_the_next_request() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let first = pool.send(broker(1), Lane::General, request("t"));
    drop(listener.accept_ready().await);
    assert_eq!(failure(first).await.kind(), ErrorKind::ConnectionLost);
    let second = pool.send(broker(1), Lane::General, request("t"));
    let (_, mut peer) = listener.accept_ready().await;
    let received = peer.expect(ApiKey::Metadata).await;
    answer(&mut peer, &received).await;
    assert!(second.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let (pipes, mut listener) = network();
    let pool = pool(pipes);
    let pending = pool.send(broker(1), Lane::General, request("t"));
    let (_, mut peer) = listener.accept_ready().await;
    let received = peer.expect(ApiKey::Metadata).await;
    answer(&mut peer, &received).await;
    assert!(pending.await.is_ok());
    let started = Clock::now();
    assert!(peer.next_request().await.is_none());
    assert_eq!(started.elapsed().as_secs(), 540);
}

#[tokio::test(start_paused = true)]
async fn peers_that_are_not_kafka_are_named_with_their_address() {
    for (bytes, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "a:9092 answered with HTTP, not Kafka"),
        (
            &[0x15, 3, 1, 0, 2, 2, 0x16],
            "a:9092 answered with TLS, not Kafka; set security.protocol to SSL or SASL_SSL",
        ),
    ] {
        let (pipes, mut listener) = network();
        let pool = pool(pipes);
        let pending = pool.send(Target::Bootstrap(0), Lane::General, request("t"));
        spoken(&mut listener, bytes).await;
        let error = failure(pending).await;
        assert_eq!(error.kind(), ErrorKind::NotKafka);
        assert_eq!(error.message(), expected);
    }
}

/// It says nothing about the requests that wait: they can be made again elsewhere.
#[tokio::test(start_paused = true)]
async fn an_answer_that_belongs_to_nothing_is_a_lost_connection_for_the_others() {
    for bytes in [&[0, 0, 0, 4, 0, 0, 0, 9][..], &[0x80, 0, 0, 0], &[0, 0, 0, 1, 7]] {
        let (pipes, mut listener) = network();
        let pool = pool(pipes);
        let pending = pool.send(Target::Bootstrap(0), Lane::General, request("t"));
        let (_, mut peer) = listener.accept_ready().await;
        peer.expect(ApiKey::Metadata).await;
        peer.send(bytes).await;
        let error = failure(pending).await;
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert!(error.is_retriable());
    }
}

async fn spoken(listener: &mut Listener, bytes: &[u8]) {
    let (_, mut peer) = listener.accept().await;
    peer.expect(ApiKey::ApiVersions).await;
    peer.send(bytes).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_nobody_has_heard_of_is_an_error_at_once() {
    let (pipes, _listener) = network();
    let pool = pool(pipes);
    let error = failure(pool.send(broker(9), Lane::General, request("t"))).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with("Metadata at broker 9: it is not among"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_task_dies_fails_its_requests_and_is_replaced() {
    /// Panics at the first attempt.
    struct Faulty(Pipes, std::sync::atomic::AtomicBool);

    impl Connect for Faulty {
        fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, std::io::Result<Stream>> {
            assert!(self.1.swap(true, std::sync::atomic::Ordering::Relaxed), "planted");
            self.0.connect(to)
        }
    }

    let (pipes, mut listener) = network();
    let config = ClientConfig::resolve(&[("bootstrap.servers", "a:9092")].into()).unwrap();
    let faulty = Arc::new(Faulty(pipes, false.into()));
    let pool = Pool::new(&config, faulty, Handle::current(), 7);
    let error = failure(pool.send(Target::Bootstrap(0), Lane::General, request("t"))).await;
    assert_eq!(error.kind(), ErrorKind::Closed);
    let pending = pool.send(Target::Bootstrap(0), Lane::General, request("t"));
    let (_, mut peer) = listener.accept_ready().await;
    let received = peer.expect(ApiKey::Metadata).await;
    answer(&mut peer, &received).await;
    assert!(pending.await.is_ok());
}

//! Conversations between producers and brokers spoken by hand, on virtual time.

mod leaders;
mod placement;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::ApiKey;
use kavka_protocol::messages::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use kavka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, MetadataRequest, ProduceRequest,
};
use kavka_protocol::server::{RequestFrame, decode_request_body};
use tokio::time::Instant as Clock;

use super::*;
use crate::client::ClientBuilder;
use crate::config::Properties;
use crate::testing::{metadata, network, reply, serve, topic};

/// What the broker is to answer, and what it was asked.
struct Script {
    /// In turn, to requests for metadata of a topic; when there is none left they stay unanswered.
    descriptions: usize,
    /// In turn, in answers to Produce; when there is none left, no time.
    throttles: Vec<i32>,
    produced: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self { descriptions: usize::MAX, throttles: Vec::new(), produced: 0 }
    }
}

/// A client of broker `a`, which leads the one partition of `orders`.
async fn client(script: Script) -> (Client, Arc<Mutex<Script>>) {
    let (pipes, listener) = network();
    let script = Arc::new(Mutex::new(script));
    let played = Arc::clone(&script);
    serve(listener, move |_, request| {
        let mut script = played.lock().unwrap();
        match request.api_key {
            ApiKey::Metadata => described(request, &mut script),
            ApiKey::InitProducerId => {
                let named = InitProducerIdResponse::default().with_producer_id(7.into());
                Some(reply::<InitProducerIdRequest>(request, &named))
            }
            ApiKey::Produce => Some(acknowledged(request, &mut script)),
            other => panic!("nobody should ask for {other:?}"),
        }
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "a:9092")]).with_connect(pipes);
    (builder.connect().await.unwrap(), script)
}

fn described(request: &RequestFrame, script: &mut Script) -> Option<Bytes> {
    let body: MetadataRequest = decode_request_body(request).unwrap();
    if body.topics.is_some_and(|topics| !topics.is_empty()) {
        script.descriptions = script.descriptions.checked_sub(1)?;
    }
    let cluster = metadata(&[(1, "a", 9092)]).with_topics(vec![topic("orders", &[(1, 0)])]);
    Some(reply::<MetadataRequest>(request, &cluster))
}

fn acknowledged(request: &RequestFrame, script: &mut Script) -> Bytes {
    let body: ProduceRequest = decode_request_body(request).unwrap();
    let offset = i64::try_from(script.produced).unwrap();
    script.produced += 1;
    let responses = body.topic_data.into_iter().map(|topic| {
        let partitions = topic.partition_data.into_iter().map(|partition| {
            PartitionProduceResponse::default().with_index(partition.index).with_base_offset(offset)
        });
        TopicProduceResponse::default()
            .with_name(topic.name)
            .with_partition_responses(partitions.collect())
    });
    let throttle = if script.throttles.is_empty() { 0 } else { script.throttles.remove(0) };
    let response = ProduceResponse::default()
        .with_responses(responses.collect())
        .with_throttle_time_ms(throttle);
    reply::<ProduceRequest>(request, &response)
}

fn record() -> OutgoingRecord<'static> {
    OutgoingRecord::to("orders").value(b"value")
}

#[tokio::test(start_paused = true)]
async fn one_record_flushed_and_closed_waits_for_nothing_but_the_broker() {
    let (client, script) = client(Script::default()).await;
    let started = Clock::now();
    let producer = client.producer([("linger.ms", "60000")]).unwrap();
    let delivery = producer.send(record()).await.unwrap();
    producer.flush().await.unwrap();
    assert_eq!(delivery.await.unwrap().offset, Some(0));
    producer.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(script.lock().unwrap().produced, 1);
    assert!(started.elapsed() < Duration::from_millis(2), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_throttle_holds_every_producer_on_the_connection() {
    let (client, script) = client(Script { throttles: vec![10_000], ..Script::default() }).await;
    let [told, other] = [(), ()].map(|()| client.producer([("linger.ms", "0")]).unwrap());
    told.send(record()).await.unwrap().await.unwrap();
    let started = Clock::now();
    let delivery = other.send(record()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(script.lock().unwrap().produced, 1);
    delivery.await.unwrap();
    assert!((10..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_may_be_new_is_asked_for_no_longer_than_max_block() {
    let (client, _) = client(Script { descriptions: 1, ..Script::default() }).await;
    let producer = client.producer([("max.block.ms", "2000")]).unwrap();
    let started = Clock::now();
    let error = producer.send(record().partition(5)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(started.elapsed().as_secs(), 2);
    let text = error.to_string();
    assert!(text.contains("max.block.ms=2000") && text.contains("a partition 5"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_memory_behind_one_who_waits_for_metadata() {
    let (client, script) = client(Script { descriptions: 1, ..Script::default() }).await;
    let tight = [("batch.size", "1000"), ("buffer.memory", "1000"), ("max.request.size", "1000")];
    let producer = client.producer(tight.to_vec()).unwrap();
    script.lock().unwrap().throttles = vec![2_000];
    drop(producer.send(record()).await.unwrap());
    producer.flush().await.unwrap();
    // The broker wants to be left alone for two seconds: the memory is taken that long.
    let _first = producer.send(record()).await.unwrap();
    let large = [7; 900];
    let stuck = producer.clone();
    let waiting = tokio::spawn(async move {
        let orders = OutgoingRecord::to("orders").value(&large);
        stuck.send_batch([orders, OutgoingRecord::to("elsewhere")]).await.map(drop)
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!waiting.is_finished(), "nothing is known of the other topic");
    let started = Clock::now();
    producer.send(record()).await.unwrap().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn full_batches_leave_while_the_rest_of_the_call_is_still_being_accepted() {
    let (client, script) = client(Script::default()).await;
    let producer = client.producer([("linger.ms", "60000"), ("batch.size", "1000")]).unwrap();
    drop(producer.send(record()).await.unwrap());
    producer.flush().await.unwrap();
    let delivery = producer.send_batch((0..20 * CHUNK).map(|_| record())).await.unwrap();
    let produced = script.lock().unwrap().produced;
    assert!(produced > 1, "caller and producer share a thread, and only the caller has used it");
    producer.flush().await.unwrap();
    delivery.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_takes_no_more_from_other_clones_and_sends_what_they_had() {
    let (client, script) = client(Script { throttles: vec![2_000], ..Script::default() }).await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    let other = producer.clone();
    let before = other.send(record()).await.unwrap();
    let closing = tokio::spawn(producer.close(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(other.send(record()).await.err().map(|e| e.kind()), Some(ErrorKind::Closed));
    before.await.unwrap();
    closing.await.unwrap().unwrap();
    assert_eq!(script.lock().unwrap().produced, 2);
}

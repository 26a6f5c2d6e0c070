//! Conversations between a consumer and brokers spoken by hand, on virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::messages::{
    FetchRequest, ListOffsetsRequest, ListOffsetsResponse, MetadataRequest,
    list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
};
use kavka_protocol::server::{
    FetchAnswer, PartitionAnswer, RequestFrame, decode_request_body, encode_fetch,
};
use kavka_protocol::{
    ApiKey, BatchBuilder, BrokerId, Compression, Compressor, ErrorCode, LeaderEpoch, StrBytes,
};

use super::*;
use crate::client::ClientBuilder;
use crate::network::topic_name;
use crate::testing::{Told, metadata, network, reply, serve, topic};

/// What the brokers have been asked, and what they are to answer to fetches.
#[derive(Default)]
struct Script {
    asked: Vec<(String, ApiKey)>,
    fetches: Vec<FetchRequest>,
    /// In turn; when there is none left, a fetch waits for data for ever.
    answers: Vec<Bytes>,
}

type Shared = Arc<Mutex<Script>>;

/// A client of brokers `a` (1) and `b` (2); `a` leads `orders-0` at epoch 4.
async fn cluster(script: &Shared) -> Client {
    let (pipes, listener) = network();
    let script = Arc::clone(script);
    serve(listener, move |endpoint, request| {
        let mut script = script.lock().unwrap();
        script.asked.push((endpoint.host.to_string(), request.api_key));
        match request.api_key {
            ApiKey::Metadata => Some(known(request)),
            ApiKey::ListOffsets => Some(begins_at(request, 7)),
            ApiKey::Fetch => {
                script.fetches.push(decode_request_body(request).unwrap());
                let answer = script.answers.pop()?;
                Some(
                    [&answer[..4], &request.correlation_id.0.to_be_bytes(), &answer[8..]]
                        .concat()
                        .into(),
                )
            }
            other => panic!("nobody should ask for {other:?}"),
        }
    });
    let properties = [("bootstrap.servers", "a:9092"), ("client.id", "me")];
    let client = ClientBuilder::new(properties).with_connect(pipes);
    client.connect().await.unwrap()
}

fn known(request: &RequestFrame) -> Bytes {
    let brokers = metadata(&[(1, "a", 9092), (2, "b", 9092)]);
    reply::<MetadataRequest>(request, &brokers.with_topics(vec![topic("orders", &[(1, 4)])]))
}

fn begins_at(request: &RequestFrame, offset: Offset) -> Bytes {
    let partition = ListOffsetsPartitionResponse::default().with_offset(offset);
    let topic = ListOffsetsTopicResponse::default()
        .with_name(topic_name("orders"))
        .with_partitions(vec![partition]);
    let response = ListOffsetsResponse::default().with_topics(vec![topic]);
    reply::<ListOffsetsRequest>(request, &response)
}

/// An answer about `orders-0` in the version that is spoken.
fn answer(partition: PartitionAnswer) -> Bytes {
    let partition = PartitionAnswer { topic: StrBytes::from_static_str("orders"), ..partition };
    encoded(&FetchAnswer { partitions: vec![partition], ..FetchAnswer::default() })
}

fn encoded(answer: &FetchAnswer) -> Bytes {
    let frame = encode_fetch(answer, 12, kavka_protocol::CorrelationId(0)).unwrap();
    frame.chunks().concat().into()
}

/// `count` records from offset 0 of a log that ends at `end`.
fn records(count: usize, end: Offset) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None, None);
    for _ in 0..count {
        builder.append(0, None, Some(b"value"), []).unwrap();
    }
    let batch = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    answer(PartitionAnswer {
        high_watermark: Some(end),
        records: vec![batch],
        ..PartitionAnswer::default()
    })
}

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

/// Lets everybody act until `is_so`.
async fn until(script: &Shared, is_so: impl Fn(&Script) -> bool) {
    within_a_minute(async {
        while !is_so(&script.lock().unwrap()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

async fn poll(consumer: &mut Consumer) -> Result<Fetch> {
    within_a_minute(consumer.poll()).await
}

/// A minute of virtual time: over as soon as nothing else can happen.
async fn within_a_minute<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("nothing happens any more")
}

#[tokio::test(start_paused = true)]
async fn a_fetch_says_what_is_wanted_and_asks_for_a_session() {
    let script = Shared::default();
    let client = cluster(&script).await;
    let wanted = [
        ("isolation.level", "read_committed"),
        ("fetch.max.wait.ms", "123"),
        ("fetch.min.bytes", "45"),
        ("max.partition.fetch.bytes", "678"),
    ];
    let mut consumer = client.consumer(wanted).unwrap();
    consumer.assign([(orders(), StartOffset::At(9))]);
    until(&script, |script| !script.fetches.is_empty()).await;
    let script = script.lock().unwrap();
    let fetch = &script.fetches[0];
    assert_eq!((fetch.session_id, fetch.session_epoch), (0, 0));
    assert_eq!((fetch.isolation_level, fetch.max_wait_ms, fetch.min_bytes), (1, 123, 45));
    let asked = &fetch.topics[0].partitions[0];
    assert_eq!((&*fetch.topics[0].topic.0, asked.partition), ("orders", 0));
    assert_eq!((asked.fetch_offset, asked.current_leader_epoch), (9, 4));
    assert_eq!((asked.partition_max_bytes, fetch.max_bytes), (678, 678));
}

/// `answer` within the fetch session 7.
fn in_session(answer: &Bytes) -> Bytes {
    // Behind length, correlation id, tags, throttle and error code.
    [&answer[..15], &7_i32.to_be_bytes(), &answer[19..]].concat().into()
}

/// An answer that refuses the fetch as a whole.
fn refusal(code: ErrorCode) -> Bytes {
    encoded(&FetchAnswer { error: Some(code), ..FetchAnswer::default() })
}

/// Of every fetch so far: its session, the number within it, and how many topics it names.
fn sessions(script: &Shared) -> Vec<(i32, i32, usize)> {
    let script = script.lock().unwrap();
    script.fetches.iter().map(|f| (f.session_id, f.session_epoch, f.topics.len())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_session_is_gone_on_with_and_ended_with_the_consumer() {
    let script = Shared::default();
    script.lock().unwrap().answers = vec![in_session(&records(3, 3))];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    until(&script, |script| script.fetches.len() == 2).await;
    drop(consumer);
    until(&script, |script| script.fetches.len() == 3).await;
    assert_eq!(sessions(&script), [(0, 0, 1), (7, 1, 1), (7, -1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_broker_has_lost_is_no_error_and_everything_is_asked_for_again_at_once()
{
    // Longer than anybody waits here.
    let backoff = [("retry.backoff.ms", "3600000"), ("retry.backoff.max.ms", "3600000")];
    for (code, replaced) in
        [(ErrorCode::FetchSessionIdNotFound, 0), (ErrorCode::InvalidFetchSessionEpoch, 7)]
    {
        let script = Shared::default();
        script.lock().unwrap().answers = vec![refusal(code), in_session(&records(3, 3))];
        let client = cluster(&script).await;
        let mut consumer = client.consumer(backoff).unwrap();
        consumer.assign([(orders(), StartOffset::At(0))]);
        until(&script, |script| script.fetches.len() == 3).await;
        assert_eq!(sessions(&script), [(0, 0, 1), (7, 1, 1), (replaced, 0, 1)], "{code}");
        let asked: Vec<_> = script.lock().unwrap().asked.iter().map(|(_, api)| *api).collect();
        assert!(asked.ends_with(&[ApiKey::Fetch; 3]), "{code}: nothing is looked up, {asked:?}");
        assert_eq!(poll(&mut consumer).await.unwrap().partitions().len(), 1, "{code}");
        let more = tokio::time::timeout(Duration::from_secs(60), consumer.poll()).await;
        assert!(more.is_err(), "{code}: {more:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_fetch_is_sent_before_the_previous_one_is_handed_out() {
    let script = Shared::default();
    script.lock().unwrap().answers = vec![records(3, 9)];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    until(&script, |script| script.fetches.len() == 2).await;
    assert_eq!(script.lock().unwrap().fetches[1].topics[0].partitions[0].fetch_offset, 3);
    assert_eq!(consumer.position(&orders()), Some(0));
    let fetch = poll(&mut consumer).await.unwrap();
    assert_eq!(fetch.partitions().map(FetchedBatches::next_offset).collect::<Vec<_>>(), [3]);
    assert_eq!(consumer.position(&orders()), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_symbolic_start_is_looked_up_at_the_leader() {
    let script = Shared::default();
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::Earliest)]);
    poll(&mut consumer).await.unwrap();
    assert_eq!(consumer.position(&orders()), Some(7));
    until(&script, |script| !script.fetches.is_empty()).await;
    assert_eq!(script.lock().unwrap().fetches[0].topics[0].partitions[0].fetch_offset, 7);
}

#[tokio::test(start_paused = true)]
async fn a_leader_named_by_the_old_one_is_asked_at_once() {
    let script = Shared::default();
    script.lock().unwrap().answers = vec![answer(PartitionAnswer {
        error: Some(ErrorCode::NotLeaderOrFollower),
        current_leader: Some((BrokerId(2), LeaderEpoch(5))),
        ..PartitionAnswer::default()
    })];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    let started = tokio::time::Instant::now();
    until(&script, |script| script.fetches.len() == 2).await;
    assert!(started.elapsed() < Duration::from_millis(50), "{:?}", started.elapsed());
    let script = script.lock().unwrap();
    let fetches: Vec<_> = script.asked.iter().filter(|(_, api)| *api == ApiKey::Fetch).collect();
    assert_eq!(fetches, [&("a".to_owned(), ApiKey::Fetch), &("b".to_owned(), ApiKey::Fetch)]);
    assert_eq!(script.fetches[1].topics[0].partitions[0].current_leader_epoch, 5);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_the_protocol_is_an_error_and_reading_can_go_on() {
    let script = Shared::default();
    let mut broken = records(3, 9).to_vec();
    let at = broken.len() - 100;
    broken.truncate(at);
    let length = u32::try_from(broken.len() - 4).unwrap();
    broken[..4].copy_from_slice(&length.to_be_bytes());
    script.lock().unwrap().answers = vec![records(3, 9), broken.into()];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    let error = poll(&mut consumer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedAnswer);
    assert_eq!((error.place().api, error.place().broker), (Some(ApiKey::Fetch), Some(BrokerId(1))));
    let fetch = poll(&mut consumer).await.unwrap();
    assert_eq!(fetch.partitions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_at_any_point_takes_nothing_with_it() {
    let script = Shared::default();
    script.lock().unwrap().answers = vec![records(3, 9)];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    let fetch = loop {
        tokio::select! {
            biased;
            fetch = consumer.poll() => break fetch.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(fetch.partitions().map(FetchedBatches::first_offset).collect::<Vec<_>>(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_out_counts_until_it_is_dropped() {
    let script = Shared::default();
    script.lock().unwrap().answers = vec![records(3, 9)];
    let client = cluster(&script).await;
    let mut consumer = client.consumer([("kavka.prefetch.bytes", "10")]).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    let fetch = poll(&mut consumer).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(script.lock().unwrap().fetches.len(), 1);
    let state = consumer.explain(&orders()).state;
    assert!(matches!(state, crate::FetchState::WaitingForRoom { .. }), "{state}");
    let size = fetch.partitions().map(FetchedBatches::size_in_bytes).sum();
    let stats = consumer.stats().prefetch;
    assert_eq!((stats.held_bytes, stats.used_bytes()), (size, size));
    drop(fetch);
    assert_eq!(consumer.stats().prefetch.held_bytes, 0);
    until(&script, |script| script.fetches.len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_says_that_it_is_over_when_its_runtime_is() {
    let (mut consumer, runtime) = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let consumer = runtime.block_on(async {
            let client = cluster(&Shared::default()).await;
            client.consumer(Properties::new()).unwrap()
        });
        (consumer, runtime)
    })
    .join()
    .unwrap();
    runtime.shutdown_background();
    let error = poll(&mut consumer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn wrong_properties_are_refused_when_the_consumer_is_made() {
    let client = cluster(&Shared::default()).await;
    let error = client.consumer([("auto.offset.reset", "start")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_counted_by_partition_and_broker_and_a_recorder_is_told() {
    let told = Told::default();
    let _recording = metrics::set_default_local_recorder(&told);
    let script = Shared::default();
    let refused = PartitionAnswer {
        error: Some(ErrorCode::TopicAuthorizationFailed),
        ..PartitionAnswer::default()
    };
    script.lock().unwrap().answers = vec![answer(refused), records(3, 9)];
    let client = cluster(&script).await;
    let mut consumer = client.consumer(Properties::new()).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    drop(poll(&mut consumer).await.unwrap());
    assert!(poll(&mut consumer).await.is_err());
    until(&script, |script| script.fetches.len() == 3).await;
    let (labels, size) = ("client_id=me,topic=orders,partition=0", 61 + 3 * 12);
    let stats = consumer.stats();
    let read = stats.partition(&orders()).unwrap();
    assert_eq!((read.position, read.lag), (Some(3), Some(6)));
    assert_eq!((read.consumed.records, read.consumed.batches, read.consumed.bytes), (3, 1, size));
    assert_eq!((read.consumed.failures, stats.total()), (1, read.consumed));
    let [broker] = &stats.brokers[..] else { panic!("{stats:?}") };
    assert_eq!((broker.broker, broker.bytes), (BrokerId(1), size));
    assert_eq!((broker.requests, broker.responses, broker.failures), (3, 2, 0));
    for (name, labels, expected) in [
        ("kavka_consumed_records_total", labels, 3),
        ("kavka_consumed_batches_total", labels, 1),
        ("kavka_consumed_bytes_total", labels, size),
        ("kavka_consume_failures_total", labels, 1),
        ("kavka_fetch_requests_total", "client_id=me,broker=1", 3),
        ("kavka_fetch_responses_total", "client_id=me,broker=1", 2),
        ("kavka_fetched_bytes_total", "client_id=me,broker=1", size),
    ] {
        assert_eq!(told.number(name, labels), expected, "{name}");
    }
    assert_eq!(told.level("kavka_records_lag", labels), Some(6.0));
    assert_eq!(told.level("kavka_position", labels), Some(3.0));
    consumer.unassign(&[orders()]);
    assert_eq!(told.level("kavka_records_lag", labels), Some(0.0), "somebody else's from now on");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_fetches_take_and_the_throttle_are_counted_by_broker() {
    let script = Shared::default();
    // Behind length, correlation id and tags.
    let mut throttled = records(3, 9).to_vec();
    throttled[9..13].copy_from_slice(&70_i32.to_be_bytes());
    script.lock().unwrap().answers = vec![throttled.into()];
    let client = cluster(&script).await;
    let mut consumer = client.consumer([("request.timeout.ms", "1000")]).unwrap();
    consumer.assign([(orders(), StartOffset::At(0))]);
    poll(&mut consumer).await.unwrap();
    until(&script, |script| script.fetches.len() == 3).await;
    let [broker] = &consumer.stats().brokers[..] else { panic!("one leader") };
    assert_eq!((broker.requests, broker.responses, broker.failures), (3, 1, 1));
    assert_eq!(broker.throttle_time, Duration::from_millis(70));
    assert!(broker.latency < Duration::from_millis(100), "that of the answer: {broker:?}");
}

//! What is counted, and that a recorder is told the same.

use std::time::Duration;

use kavka_protocol::messages::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use kavka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, MetadataRequest, MetadataResponse,
    ProduceRequest,
};
use kavka_protocol::server::RequestFrame;
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, TopicPartition, encode_request};

use super::*;
use crate::client::{Client, ClientBuilder};
use crate::config::Properties;
use crate::io::Lane;
use crate::network::topic_name;
use crate::producer::OutgoingRecord;
use crate::state::connection::Outgoing;
use crate::state::metadata::Interest;
use crate::testing::{Said, Told, metadata, network, reply, serve, topic};

fn cluster() -> MetadataResponse {
    metadata(&[(1, "a", 9092), (2, "b", 9092)]).with_topics(vec![topic("orders", &[(1, 0)])])
}

/// A client of brokers `a` (1), which throttles by so many milliseconds, and `b` (2), which is away.
async fn client(throttle: i32) -> Client {
    client_of(throttle, Vec::new()).await
}

/// The same, where `a` answers to what is written with these codes in turn.
async fn client_of(throttle: i32, mut codes: Vec<Option<ErrorCode>>) -> Client {
    let (pipes, listener) = network();
    serve(listener, move |_, request| match request.api_key {
        ApiKey::Metadata => {
            Some(reply::<MetadataRequest>(request, &cluster().with_throttle_time_ms(throttle)))
        }
        ApiKey::InitProducerId => {
            let named = InitProducerIdResponse::default().with_producer_id(7.into());
            Some(reply::<InitProducerIdRequest>(request, &named))
        }
        ApiKey::Produce => Some(written(request, codes.remove(0))),
        other => panic!("nobody should ask for {other:?}"),
    });
    let properties = [("bootstrap.servers", "a:9092"), ("client.id", "me")];
    let builder = ClientBuilder::new(properties).with_connect(pipes.refusing("b"));
    builder.connect().await.unwrap()
}

/// What becomes of a batch for `orders-0`.
fn written(request: &RequestFrame, code: Option<ErrorCode>) -> bytes::Bytes {
    let code = code.map_or(0, ErrorCode::code);
    let partition = PartitionProduceResponse::default().with_error_code(code).with_base_offset(0);
    let topic = TopicProduceResponse::default()
        .with_name(topic_name("orders"))
        .with_partition_responses(vec![partition]);
    reply::<ProduceRequest>(request, &ProduceResponse::default().with_responses(vec![topic]))
}

fn of(client: &Client, broker: Option<BrokerId>) -> BrokerStats {
    let known = client.stats().brokers.into_iter().find(|stats| stats.broker == broker);
    known.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn requests_and_bytes_are_counted_by_broker_and_a_recorder_is_told() {
    let told = Told::default();
    let _recording = metrics::set_default_local_recorder(&told);
    let client = client(0).await;
    let bootstrap = of(&client, None);
    assert_eq!((bootstrap.connections_made, bootstrap.connections_failed), (1, 0));
    assert_eq!((bootstrap.requests, bootstrap.responses, bootstrap.failures), (1, 1, 0));
    assert!(bootstrap.bytes_sent > 20 && bootstrap.bytes_received > 40, "{bootstrap:?}");
    assert_eq!(bootstrap.requests_in_flight(), 0);
    for (name, expected) in [
        ("kavka_connections_made_total", bootstrap.connections_made),
        ("kavka_requests_total", bootstrap.requests),
        ("kavka_responses_total", bootstrap.responses),
        ("kavka_sent_bytes_total", bootstrap.bytes_sent),
        ("kavka_received_bytes_total", bootstrap.bytes_received),
    ] {
        assert_eq!(told.number(name, "client_id=me,broker=bootstrap"), expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_fail_or_end_are_counted() {
    let client = client(0).await;
    let asked = client.network().send(BrokerId(2), Lane::Produce, ask());
    assert!(asked.await.is_err());
    let away = of(&client, Some(BrokerId(2)));
    assert_eq!((away.connections_made, away.connections_failed, away.connections), (0, 1, 0));
    assert_eq!((away.requests, away.failures), (1, 1));
    client.network().send(BrokerId(1), Lane::Produce, ask()).await.unwrap();
    assert_eq!(of(&client, Some(BrokerId(1))).connections, 1);
    client.network().pool.retire_lane(Lane::Produce);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let retired = of(&client, Some(BrokerId(1)));
    assert_eq!((retired.connections_made, retired.connections), (1, 0));
    let total = client.stats().total();
    assert_eq!((total.broker, total.connections_failed), (None, 1));
    assert_eq!(total.requests, total.responses + 1);
}

#[tokio::test(start_paused = true)]
async fn what_brokers_ask_for_to_be_left_alone_adds_up() {
    let client = client(70).await;
    assert_eq!(of(&client, None).throttle_time, Duration::from_millis(70));
}

#[tokio::test(start_paused = true)]
async fn refreshes_of_metadata_are_counted() {
    let client = client(0).await;
    assert_eq!(client.stats().metadata_refreshes, 0);
    client.metadata().next_news("orders", Interest::Read).await.unwrap();
    let stats = client.stats();
    assert_eq!((stats.metadata_refreshes, stats.metadata_failures), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_counted_by_partition_and_a_recorder_is_told() {
    let told = Told::default();
    let _recording = metrics::set_default_local_recorder(&told);
    let codes = [Some(ErrorCode::RequestTimedOut), None, Some(ErrorCode::InvalidRecord)];
    let client = client_of(0, codes.to_vec()).await;
    let producer = client.producer([("linger.ms", "40")]).unwrap();
    let records = || (0..3).map(|_| OutgoingRecord::to("orders").value(b"value"));
    let delivery = producer.send_batch(records()).await.unwrap();
    let waiting = producer.stats();
    assert_eq!((waiting.batches, waiting.buffered_bytes, waiting.records()), (1, 16384, 0));
    delivery.await.unwrap();
    assert!(producer.send_batch(records()).await.unwrap().await.is_err());
    let stats = producer.stats();
    let [orders] = &stats.partitions[..] else { panic!("{stats:?}") };
    assert_eq!(orders.topic_partition, TopicPartition::new("orders", 0));
    assert_eq!((orders.records, orders.failed_records), (3, 3));
    assert_eq!((orders.batches, orders.retries), (2, 1));
    assert_eq!((orders.bytes % 3, orders.bytes / 3), (0, 61 + 3 * 12));
    assert_eq!((stats.batches, stats.buffered_bytes, stats.records()), (0, 0, 3));
    assert!((80..90).contains(&orders.queue_time.as_millis()), "{:?}", orders.queue_time);
    for (name, expected) in [
        ("kavka_produced_records_total", 3),
        ("kavka_produce_failed_records_total", 3),
        ("kavka_produced_batches_total", 2),
        ("kavka_produce_retries_total", 1),
        ("kavka_produced_bytes_total", orders.bytes),
    ] {
        let labels = "client_id=me,topic=orders,partition=0";
        assert_eq!(told.number(name, labels), expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_has_a_span() {
    let said = Said::default();
    let _listening = said.listen();
    let client = client_of(0, vec![None]).await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    producer.send(OutgoingRecord::to("orders")).await.unwrap().await.unwrap();
    client.topic("orders").await.unwrap();
    drop(client.consumer(Properties::default()).unwrap());
    let text = said.text();
    for span in [
        "connection{target=Bootstrap(0) lane=General endpoint=a:9092}: ",
        "connection{target=Broker(BrokerId(1)) lane=Produce endpoint=a:9092}: ",
        "consumer{client_id=\"me\"}: ",
        "producer{client_id=\"me\"}: ",
        "metadata_refresh{topics=[\"orders\"]}: ",
        "call{api=Metadata}: ",
    ] {
        assert!(text.contains(span), "{span} is missing in {text}");
    }
}

#[test]
fn every_number_is_in_the_documentation() {
    let documentation = include_str!("../lib.rs");
    for (name, ..) in COUNTERS.iter().chain(GAUGES) {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_tables_of_numbers_are_sorted_and_say_what_a_total_is() {
    for (table, is_total) in [(COUNTERS, true), (GAUGES, false)] {
        assert!(table.is_sorted_by_key(|(name, ..)| name));
        for (name, ..) in table {
            assert!(name.starts_with("kavka_") && name.ends_with("_total") == is_total, "{name}");
        }
    }
}

/// A request for metadata.
fn ask() -> Outgoing {
    let timeout = Duration::from_secs(1);
    Outgoing::new(ApiKey::Metadata, timeout, |version, correlation, id| {
        encode_request(&MetadataRequest::default(), version, correlation, id)
    })
}

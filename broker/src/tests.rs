//! Conversations over TCP.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kavka_protocol::{
    ApiKey, BrokerId, CorrelationId, ErrorCode, Frame, LeaderEpoch, Offset, Request,
    TopicPartition, VersionTable, correlation_id, decode_response, encode_request,
    messages::{
        FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
    },
    split_frame,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::*;
use crate::testing::{
    NEWEST_PRODUCE, api_versions, batch, batch_of_size, create, fetch, offsets, produce_frame, walk,
};

const NEWEST_FETCH: i16 = 12;

struct Client {
    stream: TcpStream,
    received: BytesMut,
}

impl Client {
    async fn connect(broker: &Broker, node: usize) -> Self {
        let stream = TcpStream::connect(broker.addresses()[node - 1]).await.unwrap();
        Self { stream, received: BytesMut::new() }
    }

    async fn send(&mut self, frame: &Frame) {
        self.stream.write_all(&frame.chunks().concat()).await.unwrap();
    }

    /// The next answer; `None` when the broker has closed the connection.
    async fn receive(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = split_frame(&mut self.received, usize::MAX).unwrap() {
                return Some(frame);
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let frame = encode_request(request, version, CorrelationId(1), "test").unwrap();
        self.send(&frame).await;
        decode_response::<R>(self.receive().await.unwrap(), version).unwrap()
    }

    /// Produces and says at which offset, or why not; `None` when the connection was closed.
    async fn produce(
        &mut self,
        tp: &TopicPartition,
        batch: Bytes,
    ) -> Option<Result<Offset, ErrorCode>> {
        self.send(&produce_frame(tp, batch, -1, NEWEST_PRODUCE)).await;
        let answer = self.receive().await?;
        let response = decode_response::<ProduceRequest>(answer, NEWEST_PRODUCE).unwrap();
        let partition = &response.responses[0].partition_responses[0];
        Some(ErrorCode::from_code(partition.error_code).map_or(Ok(partition.base_offset), Err))
    }

    async fn begin_fetch(&mut self, request: &FetchRequest) {
        self.send(&encode_request(request, NEWEST_FETCH, CorrelationId(1), "test").unwrap()).await;
    }

    async fn end_of_orders(&mut self) -> Offset {
        let partition = ListOffsetsPartition::default().with_timestamp(-1);
        let topic = ListOffsetsTopic::default().with_name(TopicName("orders".to_owned().into()));
        let request = ListOffsetsRequest::default()
            .with_topics(vec![topic.with_partitions(vec![partition.clone()])]);
        self.ask(&request, 7).await.topics[0].partitions[0].offset
    }
}

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

async fn start() -> Broker {
    Broker::start(BrokerConfig::default()).await.unwrap()
}

/// A broker of one node with the topic `orders`, and a connection to it.
async fn with_orders() -> (Broker, Client) {
    let broker = start().await;
    let mut client = Client::connect(&broker, 1).await;
    assert_eq!(client.ask(&create("orders", 1, &[]), 7).await.topics[0].error_code, 0);
    (broker, client)
}

/// Lets the broker's tasks run until `count` requests of `key` have arrived.
async fn arrived(broker: &Broker, key: ApiKey, count: usize) {
    while broker.control().requests(key) < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_produced_to_its_leader_is_fetched_from_there() {
    let config = BrokerConfig { nodes: 3, ..BrokerConfig::default() };
    let broker = Broker::start(config).await.unwrap();
    let mut client = Client::connect(&broker, 1).await;
    client.ask(&create("orders", 3, &[]), 7).await;
    let topics = client.ask(&MetadataRequest::default().with_topics(None), 12).await.topics;
    for (index, partition) in (0..).zip(&topics[0].partitions) {
        let leader = usize::try_from(partition.leader_id.0).unwrap();
        let mut client = Client::connect(&broker, leader).await;
        let tp = TopicPartition::new("orders", index);
        assert_eq!(client.produce(&tp, batch(2)).await, Some(Ok(0)));
        assert_eq!(client.produce(&tp, batch(3)).await, Some(Ok(2)));
        client.begin_fetch(&fetch(&[("orders", index, 0)])).await;
        let partitions = walk(client.receive().await.unwrap(), NEWEST_FETCH);
        assert_eq!(offsets(&partitions[0].records), [0, 1, 2, 3, 4]);
    }
    assert_eq!(broker.bootstrap_servers().split(',').count(), 3);
}

#[tokio::test]
async fn a_client_is_sent_back_by_answers_that_have_room_for_it_and_told_nothing_else() {
    let (broker, mut client) = with_orders().await;
    for (version, sent_back) in [(12, false), (13, true)] {
        broker.control().fail_next(ApiKey::Metadata, ErrorCode::RebootstrapRequired, 1);
        let answer = client.ask(&MetadataRequest::default().with_topics(None), version).await;
        let code = ErrorCode::from_code(answer.error_code);
        assert_eq!(code == Some(ErrorCode::RebootstrapRequired), sent_back, "{version}");
        assert_eq!((answer.brokers.is_empty(), answer.topics.is_empty()), (sent_back, sent_back));
    }
}

#[tokio::test]
async fn an_answer_of_thousands_of_batches_arrives_whole() {
    let (_broker, mut client) = with_orders().await;
    for offset in 0..3000 {
        assert_eq!(client.produce(&orders(), batch(1)).await, Some(Ok(offset)));
    }
    client.begin_fetch(&fetch(&[("orders", 0, 0)])).await;
    let partitions = walk(client.receive().await.unwrap(), NEWEST_FETCH);
    assert!(offsets(&partitions[0].records).into_iter().eq(0..3000));
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let (_broker, mut client) = with_orders().await;
    for id in [7, 3, 9] {
        let request = api_versions();
        client.send(&encode_request(&request, 0, CorrelationId(id), "test").unwrap()).await;
    }
    for id in [7, 3, 9] {
        let answer = client.receive().await.unwrap();
        assert_eq!(correlation_id(&answer), Ok(CorrelationId(id)));
    }
}

#[tokio::test]
async fn a_waiting_fetch_is_woken_by_a_produce() {
    let (broker, mut writer) = with_orders().await;
    let mut reader = Client::connect(&broker, 1).await;
    let patient = fetch(&[("orders", 0, 0)]).with_max_wait_ms(i32::MAX);
    reader.begin_fetch(&patient).await;
    arrived(&broker, ApiKey::Fetch, 1).await;
    writer.produce(&orders(), batch(1)).await;
    let partitions = walk(reader.receive().await.unwrap(), NEWEST_FETCH);
    assert_eq!(offsets(&partitions[0].records), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_is_answered_empty_when_its_time_is_over() {
    let (_broker, mut client) = with_orders().await;
    let begun = Instant::now();
    client.begin_fetch(&fetch(&[("orders", 0, 0)]).with_max_wait_ms(60_000)).await;
    let partitions = walk(client.receive().await.unwrap(), NEWEST_FETCH);
    assert!(partitions[0].records.is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(60));
}

#[tokio::test]
async fn a_waiting_fetch_is_woken_by_a_moved_leader() {
    let config = BrokerConfig { nodes: 2, ..BrokerConfig::default() };
    let broker = Broker::start(config).await.unwrap();
    let mut client = Client::connect(&broker, 1).await;
    client.ask(&create("orders", 1, &[]), 7).await;
    client.begin_fetch(&fetch(&[("orders", 0, 0)]).with_max_wait_ms(i32::MAX)).await;
    arrived(&broker, ApiKey::Fetch, 1).await;
    broker.control().move_leader(&orders(), BrokerId(2));
    let partition = walk(client.receive().await.unwrap(), NEWEST_FETCH).remove(0);
    assert_eq!(partition.error, Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(partition.current_leader, None, "Kafka names it from version 16 on");
    assert_eq!(
        client.produce(&orders(), batch(1)).await,
        Some(Err(ErrorCode::NotLeaderOrFollower))
    );
    let mut client = Client::connect(&broker, 2).await;
    assert_eq!(client.produce(&orders(), batch(1)).await, Some(Ok(0)));
}

#[tokio::test]
async fn a_moved_leader_can_be_named() {
    let (broker, mut client) = with_orders().await;
    broker.control().hint_leaders();
    broker.control().move_leader(&orders(), BrokerId(2));
    client.begin_fetch(&fetch(&[("orders", 0, 0)])).await;
    let partition = walk(client.receive().await.unwrap(), NEWEST_FETCH).remove(0);
    assert_eq!(partition.current_leader, Some((BrokerId(2), LeaderEpoch(1))));
}

#[tokio::test]
async fn a_request_can_be_made_to_fail() {
    let (broker, mut client) = with_orders().await;
    broker.control().fail_next(ApiKey::Produce, ErrorCode::NotEnoughReplicas, 2);
    let refused = Some(Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(client.produce(&orders(), batch(1)).await, refused);
    assert_eq!(client.produce(&orders(), batch(1)).await, refused);
    assert_eq!(client.produce(&orders(), batch(1)).await, Some(Ok(0)));
    assert_eq!(broker.control().requests(ApiKey::Produce), 3);
}

#[tokio::test]
async fn a_connection_can_be_closed_before_or_after_the_request_took_effect() {
    for (when, end) in [(Disconnect::BeforeApplying, 0), (Disconnect::AfterApplying, 1)] {
        let (broker, mut client) = with_orders().await;
        broker.control().disconnect_next(ApiKey::Produce, when);
        assert_eq!(client.produce(&orders(), batch(1)).await, None);
        let mut client = Client::connect(&broker, 1).await;
        assert_eq!(client.end_of_orders().await, end, "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_made_late_while_its_request_takes_effect_at_once() {
    let (broker, mut client) = with_orders().await;
    let delay = Duration::from_secs(30);
    broker.control().delay_next(ApiKey::Produce, delay);
    let begun = Instant::now();
    client.send(&produce_frame(&orders(), batch(1), -1, NEWEST_PRODUCE)).await;
    arrived(&broker, ApiKey::Produce, 1).await;
    let mut other = Client::connect(&broker, 1).await;
    assert_eq!(other.end_of_orders().await, 1);
    assert!(client.receive().await.is_some());
    assert!(begun.elapsed() >= delay);
}

#[tokio::test]
async fn records_can_be_deleted() {
    let (broker, mut client) = with_orders().await;
    client.produce(&orders(), batch(5)).await;
    broker.control().delete_records_before(&orders(), 3);
    client.begin_fetch(&fetch(&[("orders", 0, 2)])).await;
    let partition = walk(client.receive().await.unwrap(), NEWEST_FETCH).remove(0);
    assert_eq!(partition.error, Some(ErrorCode::OffsetOutOfRange));
    client.begin_fetch(&fetch(&[("orders", 0, 3)])).await;
    let partition = walk(client.receive().await.unwrap(), NEWEST_FETCH).remove(0);
    assert_eq!((partition.error, partition.log_start_offset), (None, Some(3)));
}

#[tokio::test]
async fn an_older_broker_can_be_played() {
    let (broker, mut client) = with_orders().await;
    broker.control().api_versions(ApiKey::Fetch, 7);
    broker.control().api_versions(ApiKey::InitProducerId, -1);
    let table = VersionTable::negotiate(&client.ask(&api_versions(), 3).await);
    assert_eq!(table.version_of(ApiKey::Fetch), Ok(7));
    assert!(table.version_of(ApiKey::InitProducerId).is_err());
    client.begin_fetch(&fetch(&[("orders", 0, 0)])).await;
    assert_eq!(client.receive().await, None, "a version that is not offered ends the connection");
}

#[tokio::test]
async fn controls_pass_over_what_does_not_exist() {
    let (broker, mut client) = with_orders().await;
    for tp in [TopicPartition::new("orders", 1), TopicPartition::new("users", 0)] {
        broker.control().move_leader(&tp, BrokerId(2));
        broker.control().delete_records_before(&tp, 10);
    }
    assert_eq!(client.produce(&orders(), batch(1)).await, Some(Ok(0)));
}

#[tokio::test]
async fn hostile_bytes_end_their_own_connection_only() {
    let (broker, mut client) = with_orders().await;
    let count_of_topics =
        [0, 0, 0, 15, 0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 1];
    for hostile in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x7f, 0xff, 0xff, 0xff, 0],
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4, 0x12, 0x67, 0, 0],
        &[0, 0, 0, 3, 0, 18, 0],
        &count_of_topics,
        &[0, 0, 0, 10, 0, 10, 0, 0, 0, 0, 0, 1, 0xff, 0xff],
    ] {
        let mut attacker = Client::connect(&broker, 1).await;
        attacker.stream.write_all(hostile).await.unwrap();
        assert_eq!(attacker.receive().await, None, "{hostile:x?}");
    }
    assert!(client.produce(&orders(), batch(1)).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_a_request_does_no_harm() {
    let (broker, mut client) = with_orders().await;
    let frame = produce_frame(&orders(), batch_of_size(100_000), -1, NEWEST_PRODUCE);
    let bytes = frame.chunks().concat();
    for length in [1, 4, 30, bytes.len() - 1] {
        let mut leaving = Client::connect(&broker, 1).await;
        leaving.stream.write_all(&bytes[..length]).await.unwrap();
    }
    assert_eq!(client.produce(&orders(), batch(1)).await, Some(Ok(0)));
}

#[tokio::test]
async fn a_node_on_every_address_is_known_by_the_one_its_client_came_by() {
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let broker = Broker::start(BrokerConfig { listen, ..BrokerConfig::default() }).await.unwrap();
    let port = broker.addresses()[0].port();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let mut client = Client { stream, received: BytesMut::new() };
    let node = client.ask(&MetadataRequest::default(), 12).await.brokers.remove(0);
    assert_eq!((&*node.host, node.port), ("127.0.0.1", i32::from(port)));
}

#[tokio::test]
async fn a_topic_asked_for_is_created_with_the_partitions_set() {
    let config = BrokerConfig { default_partitions: 4, ..BrokerConfig::default() };
    let broker = Broker::start(config).await.unwrap();
    let mut client = Client::connect(&broker, 1).await;
    let topic = MetadataRequestTopic::default().with_name(Some(TopicName("new".to_owned().into())));
    let request = MetadataRequest::default().with_topics(Some(vec![topic]));
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(client.ask(&request, 12).await.topics[0].error_code, unknown);
    assert_eq!(client.ask(&request, 12).await.topics[0].partitions.len(), 4);
}

#[tokio::test]
async fn shutting_down_and_dropping_close_every_connection() {
    for graceful in [true, false] {
        let (broker, mut client) = with_orders().await;
        let address = broker.addresses()[0];
        client.begin_fetch(&fetch(&[("orders", 0, 0)]).with_max_wait_ms(i32::MAX)).await;
        arrived(&broker, ApiKey::Fetch, 1).await;
        if graceful {
            broker.shutdown().await
        } else {
            drop(broker)
        }
        assert_eq!(client.receive().await, None);
        assert!(TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn a_cluster_that_cannot_be_is_refused() {
    let taken = start().await;
    for config in [
        BrokerConfig { nodes: 0, ..BrokerConfig::default() },
        BrokerConfig { default_partitions: 0, ..BrokerConfig::default() },
        BrokerConfig { listen: taken.addresses()[0], ..BrokerConfig::default() },
        BrokerConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, u16::MAX)),
            nodes: 2,
            ..BrokerConfig::default()
        },
    ] {
        assert!(Broker::start(config.clone()).await.is_err(), "{config:?}");
    }
}

//! What producers and consumers are told when the cluster says nothing any more.

use kavka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kavka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kavka_protocol::{StrBytes, TopicPartition};

use super::*;
use crate::StartOffset;
use crate::network::topic_name;
use crate::producer::OutgoingRecord;

/// A client that authenticates with PLAIN, and whether its password is the one that brokers know.
async fn client() -> (Client, Arc<Mutex<bool>>) {
    let (pipes, listener) = network();
    let is_known = Arc::new(Mutex::new(true));
    let changing = Arc::clone(&is_known);
    serve(listener, move |_, request| {
        let is_known = *changing.lock().unwrap();
        match request.api_key {
            ApiKey::SaslHandshake => {
                let answer = SaslHandshakeResponse::default();
                Some(reply::<SaslHandshakeRequest>(request, &answer))
            }
            ApiKey::SaslAuthenticate => {
                let code = if is_known { 0 } else { ErrorCode::SaslAuthenticationFailed.code() };
                let sentence = (!is_known).then_some(StrBytes::from_static_str("who?"));
                let answer = SaslAuthenticateResponse::default()
                    .with_error_code(code)
                    .with_error_message(sentence);
                Some(reply::<SaslAuthenticateRequest>(request, &answer))
            }
            ApiKey::Metadata => {
                let cluster = metadata(BROKERS).with_topics(vec![topic("orders", &[(1, 0)])]);
                Some(reply::<MetadataRequest>(request, &cluster))
            }
            ApiKey::InitProducerId => {
                let named = InitProducerIdResponse::default().with_producer_id(7.into());
                Some(reply::<InitProducerIdRequest>(request, &named))
            }
            ApiKey::Produce => Some(reply::<ProduceRequest>(request, &written())),
            _ => None,
        }
    });
    let properties = [
        ("bootstrap.servers", "a:9092"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", "PlainLoginModule required username=u password=p;"),
    ];
    let client = ClientBuilder::new(properties).with_connect(pipes).connect().await.unwrap();
    (client, is_known)
}

fn written() -> ProduceResponse {
    let partition = PartitionProduceResponse::default();
    let topic = TopicProduceResponse::default()
        .with_name(topic_name("orders"))
        .with_partition_responses(vec![partition]);
    ProduceResponse::default().with_responses(vec![topic])
}

#[tokio::test(start_paused = true)]
async fn a_consumer_whose_brokers_do_not_know_it_any_more_is_told_and_goes_on_when_they_do() {
    let (client, is_known) = client().await;
    *is_known.lock().unwrap() = false;
    let mut consumer = client.consumer([("a", ""); 0]).unwrap();
    let orders = TopicPartition::new("orders", 0);
    consumer.assign([(orders.clone(), StartOffset::At(0))]);
    for _ in 0..3 {
        let polled = tokio::time::timeout(Duration::from_secs(60), consumer.poll()).await;
        let error = polled.expect("it is told").unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::SaslAuthenticationFailed), "{error}");
        assert!(error.to_string().contains("who?"), "{error}");
    }
    *is_known.lock().unwrap() = true;
    while !matches!(consumer.explain(&orders).state, crate::FetchState::Asked(_)) {
        let _ = tokio::time::timeout(Duration::from_millis(10), consumer.poll()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_told_at_once_that_brokers_do_not_know_him() {
    let (client, is_known) = client().await;
    *is_known.lock().unwrap() = false;
    let producer = client.producer([("a", ""); 0]).unwrap();
    let started = Clock::now();
    let error = producer.send(OutgoingRecord::to("orders")).await.err().unwrap();
    assert_eq!(error.code(), Some(ErrorCode::SaslAuthenticationFailed), "{error}");
    assert!(error.to_string().contains("topic \"orders\": "), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    *is_known.lock().unwrap() = true;
    drop(producer.send(OutgoingRecord::to("orders")).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn records_outlive_a_while_in_which_brokers_do_not_know_their_sender() {
    let (client, is_known) = client().await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    let deadline = now() + Duration::from_secs(60);
    client.metadata().wait_for_topic("orders", Interest::Write, deadline).await.unwrap();
    *is_known.lock().unwrap() = false;
    let delivery = producer.send(OutgoingRecord::to("orders")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    *is_known.lock().unwrap() = true;
    delivery.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_who_waited_in_vain_is_told_what_was_in_the_way() {
    let (pipes, listener) = network();
    serve(listener, |_, request| {
        let cluster = metadata(&[(1, "gone", 9092)]);
        Some(reply::<MetadataRequest>(request, &cluster))
    });
    let servers = [("bootstrap.servers", "a:9092"), ("metadata.recovery.strategy", "none")];
    let builder = ClientBuilder::new(servers).with_connect(pipes.refusing("gone"));
    let client = builder.connect().await.unwrap();
    let producer = client.producer([("max.block.ms", "5000")]).unwrap();
    let started = Clock::now();
    let error = producer.send(OutgoingRecord::to("orders")).await.err().unwrap();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (ErrorKind::Timeout, 5));
    let text = error.to_string();
    assert!(text.contains("gone:9092 cannot be reached: connection refused"), "{text}");
}

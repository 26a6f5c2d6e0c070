//! Topics that are meant by their ids.

use kavka_client::Client;
use kavka_protocol::messages::metadata_request::MetadataRequestTopic;
use kavka_protocol::messages::{MetadataRequest, TopicName};
use kavka_protocol::{BatchBuilder, Compression, Compressor, ErrorCode, TopicId, TopicPartition};
use kavka_tests::real_kafka::RealKafka;

use super::{Pair, Side};

pub(super) async fn produced(kafka: &'static RealKafka) {
    let mut pair = Pair::connect(kafka).await;
    for side in &mut pair.sides {
        for topic in [TOPIC, DELETED] {
            side.create(topic, 1, &[]).await;
        }
    }
    let mut answers = Vec::new();
    for side in &mut pair.sides {
        let ids = (id(side, TOPIC).await, id(side, DELETED).await);
        let (Ok(known), Ok(deleted)) = ids else { panic!("topics without ids: {ids:?}") };
        delete(side).await;
        let nobody = TopicId(Default::default());
        let mut of_side = Vec::new();
        for (id, partition) in [(known, 0), (known, 0), (known, 7), (deleted, 0), (nobody, 0)] {
            of_side.push(produce(side, id, partition).await);
        }
        answers.push(of_side);
    }
    assert_eq!(answers[1], answers[0]);
}

/// The error, the offset and the words.
async fn produce(
    side: &mut Side,
    id: TopicId,
    partition: i32,
) -> (Option<ErrorCode>, i64, i64, Option<String>) {
    let place = TopicPartition::new("", partition);
    let mut batch = BatchBuilder::new(Compression::None, None);
    batch.append(7, None, Some(b"value"), []).unwrap();
    let batch = batch.seal(&mut Compressor::new()).unwrap().into_stamped(None);
    let answer = side.wire.produce_to(&place, Some(id), batch, VERSION).await;
    let code = ErrorCode::from_code(answer.error_code);
    let words = answer.error_message.map(|words| words.to_string());
    (code, answer.base_offset, answer.log_start_offset, words)
}

async fn id(side: &mut Side, topic: &str) -> Result<TopicId, Option<ErrorCode>> {
    let topic = MetadataRequestTopic::default().with_name(Some(TopicName(topic.to_owned().into())));
    let request = MetadataRequest::default().with_topics(Some(vec![topic]));
    let answer = side.wire.ask(&request, 12).await.topics.remove(0);
    TopicId::from_wire(answer.topic_id).ok_or(ErrorCode::from_code(answer.error_code))
}

/// Deletes the topic and waits until the broker has heard of it.
async fn delete(side: &mut Side) {
    let client = Client::connect([("bootstrap.servers", &*side.bootstrap_servers)]).await.unwrap();
    client.admin().delete_topics(&[DELETED]).await.unwrap().remove(0).unwrap();
    while id(side, DELETED).await != Err(Some(ErrorCode::UnknownTopicOrPartition)) {
        tokio::task::yield_now().await;
    }
}

const VERSION: i16 = 13;
const TOPIC: &str = "likeness_by_id";
const DELETED: &str = "likeness_by_old_id";

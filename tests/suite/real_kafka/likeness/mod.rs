//! The in-process broker is held against Apache Kafka: the same bytes get the same answers.

mod batches;
mod fetches;
mod topic_ids;

use kavka_broker::Broker;
use kavka_client::{Client, NewTopic};
use kavka_protocol::messages::metadata_request::MetadataRequestTopic;
use kavka_protocol::messages::{ApiVersionsRequest, MetadataRequest, TopicName};
use kavka_protocol::{ErrorCode, TopicId, TopicPartition};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::wire::Wire;
use kavka_tests::{embedded, trial};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::real("likeness::a_batch_is_accepted_or_refused_as_by_kafka", batches::refused),
        trial::real("likeness::records_are_found_by_time_as_by_kafka", batches::found_by_time),
        trial::real("likeness::topics_are_written_to_by_id_as_by_kafka", topic_ids::produced),
        trial::real("likeness::an_answer_is_cut_where_kafka_cuts_it", fetches::cut),
        trial::real("likeness::a_fetch_session_is_kept_as_by_kafka", fetches::sessions),
        trial::real("likeness::a_topic_is_created_for_the_next_time_as_by_kafka", created),
        trial::real("likeness::clients_without_a_name_are_refused_as_by_kafka", nameless),
    ]
}

/// Real Kafka and the in-process broker, with a connection to each.
struct Pair {
    sides: [Side; 2],
    /// Runs for as long as it is held against Kafka.
    _broker: Broker,
}

/// One of the two.
struct Side {
    bootstrap_servers: String,
    wire: Wire,
}

impl Pair {
    async fn connect(kafka: &RealKafka) -> Self {
        let broker = embedded::broker().await;
        let kafka = Side::connect(kafka.bootstrap_servers().to_owned()).await;
        let sides = [kafka, Side::connect(broker.bootstrap_servers()).await];
        Self { sides, _broker: broker }
    }
}

impl Side {
    async fn connect(bootstrap_servers: String) -> Self {
        let wire = Wire::connect(&bootstrap_servers).await;
        Self { bootstrap_servers, wire }
    }

    /// Creates a topic and waits until it takes records.
    async fn create(&mut self, topic: &str, partitions: i32, configs: &[(&str, &str)]) {
        let client =
            Client::connect([("bootstrap.servers", &*self.bootstrap_servers)]).await.unwrap();
        let mut new = NewTopic::new(topic).with_partitions(partitions);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        new.configs = configs.iter().map(owned).collect();
        super::create(&client, new).await;
        for partition in 0..partitions {
            let partition = TopicPartition::new(topic, partition);
            // The metadata may be ahead of the node that is to lead.
            while fetches::position(&mut self.wire, &partition).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The id that the cluster has given a topic.
    async fn topic_id(&mut self, topic: &str) -> TopicId {
        let request = MetadataRequest::default().with_topics(Some(vec![named(topic)]));
        TopicId(self.wire.ask(&request, 12).await.topics.remove(0).topic_id)
    }
}

/// Names a topic in a request.
fn named(topic: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(TopicName(topic.to_owned().into())))
}

async fn created(kafka: &'static RealKafka) {
    let mut described = Vec::new();
    for side in &mut Pair::connect(kafka).await.sides {
        for (name, may_create, expected) in [
            ("created_on_the_way", true, Some(ErrorCode::UnknownTopicOrPartition)),
            ("not created", true, Some(ErrorCode::InvalidTopicException)),
            ("not_created", false, Some(ErrorCode::UnknownTopicOrPartition)),
            ("not_created", false, Some(ErrorCode::UnknownTopicOrPartition)),
        ] {
            let request = MetadataRequest::default()
                .with_topics(Some(vec![named(name)]))
                .with_allow_auto_topic_creation(may_create);
            let answer = side.wire.ask(&request, 12).await.topics.remove(0);
            assert_eq!(ErrorCode::from_code(answer.error_code), expected, "{name}");
        }
        let request = MetadataRequest::default()
            .with_topics(Some(vec![named("created_on_the_way")]))
            .with_allow_auto_topic_creation(false);
        while side.wire.ask(&request, 12).await.topics[0].error_code != 0 {
            tokio::task::yield_now().await;
        }
        let mut topics = Vec::new();
        for version in [4, 8, 12] {
            let topic = side.wire.ask(&request, version).await.topics.remove(0);
            topics.push(topic.with_topic_id(Default::default()));
        }
        described.push(topics);
    }
    assert_eq!(described[1], described[0]);
}

async fn nameless(kafka: &'static RealKafka) {
    let mut pair = Pair::connect(kafka).await;
    for (name, version) in [
        ("", ""),
        ("kavka", ""),
        ("", "1"),
        ("-a", "1"),
        ("a", "1."),
        ("a b", "1"),
        ("a.-b", "1-rc.1"),
    ] {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(name.to_owned().into())
            .with_client_software_version(version.to_owned().into());
        for spoken in [2, 3] {
            let mut answers = Vec::new();
            for side in &mut pair.sides {
                let answer = side.wire.ask(&request, spoken).await;
                answers.push((ErrorCode::from_code(answer.error_code), answer.api_keys.is_empty()));
            }
            assert_eq!(answers[1], answers[0], "{name:?} {version:?} in version {spoken}");
        }
    }
}

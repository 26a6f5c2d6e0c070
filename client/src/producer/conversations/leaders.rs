//! Partitions that lose their leader, and find one again however long that takes.

use kavka_protocol::ErrorCode;
use kavka_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};

use super::*;

/// A cluster of broker 1 at `a`, and of broker 2 at `b`, which never goes away.
struct Cluster {
    is_away: bool,
    /// Who leads the partitions of `orders`, unless he is away.
    leader: i32,
    partitions: usize,
    /// Answers in turn that know nothing of the topic, before those that do.
    unaware: usize,
    /// How many partitions answers in turn describe, before those that describe all.
    outdated: Vec<usize>,
    /// Whether Produce is refused by a broker that leads no more.
    is_deposed: bool,
    /// Whether `a` does not answer Produce.
    is_silent: bool,
    /// How often metadata of the topic was asked for.
    asked: usize,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            is_away: false,
            leader: 1,
            partitions: 1,
            unaware: 0,
            outdated: Vec::new(),
            is_deposed: false,
            is_silent: false,
            asked: 0,
        }
    }
}

impl Cluster {
    fn metadata(&mut self, request: &MetadataRequest) -> MetadataResponse {
        let brokers: &[_] = match self.is_away {
            true => &[(2, "b", 9092)],
            false => &[(1, "a", 9092), (2, "b", 9092)],
        };
        let is_asked = request.topics.as_ref().is_some_and(|topics| {
            topics.iter().any(|topic| topic.name.as_ref().is_some_and(|name| &*name.0 == "orders"))
        });
        let topics = if is_asked { vec![self.orders()] } else { Vec::new() };
        metadata(brokers).with_topics(topics)
    }

    fn orders(&mut self) -> MetadataResponseTopic {
        self.asked += 1;
        if self.unaware > 0 {
            self.unaware -= 1;
            let code = ErrorCode::UnknownTopicOrPartition.code();
            return topic("orders", &[]).with_error_code(code);
        }
        let leader = if self.is_away { -1 } else { self.leader };
        let partitions =
            if self.outdated.is_empty() { self.partitions } else { self.outdated.remove(0) };
        topic("orders", &vec![(leader, 0); partitions])
    }

    fn produce(&self, request: &RequestFrame) -> Bytes {
        let code = if self.is_deposed { ErrorCode::NotLeaderOrFollower.code() } else { 0 };
        let body: ProduceRequest = decode_request_body(request).unwrap();
        let responses = body.topic_data.into_iter().map(|topic| {
            let partitions = topic.partition_data.into_iter().map(|partition| {
                let answer = PartitionProduceResponse::default().with_index(partition.index);
                answer.with_error_code(code)
            });
            TopicProduceResponse::default()
                .with_name(topic.name)
                .with_partition_responses(partitions.collect())
        });
        let response = ProduceResponse::default().with_responses(responses.collect());
        reply::<ProduceRequest>(request, &response)
    }
}

/// A client of the cluster, which can be changed meanwhile.
async fn client(properties: &[(&str, &str)]) -> (Client, Arc<Mutex<Cluster>>) {
    let (pipes, listener) = network();
    let cluster = Arc::new(Mutex::new(Cluster::default()));
    let changing = Arc::clone(&cluster);
    serve(listener, move |endpoint, request| {
        let mut cluster = changing.lock().unwrap();
        match request.api_key {
            ApiKey::Metadata => {
                let response = cluster.metadata(&decode_request_body(request).unwrap());
                Some(reply::<MetadataRequest>(request, &response))
            }
            ApiKey::InitProducerId => {
                let named = InitProducerIdResponse::default().with_producer_id(7.into());
                Some(reply::<InitProducerIdRequest>(request, &named))
            }
            ApiKey::Produce if cluster.is_silent && &*endpoint.host == "a" => None,
            ApiKey::Produce => Some(cluster.produce(request)),
            other => panic!("nobody should ask for {other:?}"),
        }
    });
    let mut all: Properties = properties.iter().copied().collect();
    all.set("bootstrap.servers", "b:9092");
    (ClientBuilder::new(all).with_connect(pipes).connect().await.unwrap(), cluster)
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_was_leaderless_longer_than_topics_are_remembered_is_written_to_again() {
    let (client, cluster) = client(&[]).await;
    // Each record in a batch of its own: there is always one that has not expired.
    let producer = client.producer([("linger.ms", "0"), ("batch.size", "1")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    cluster.lock().unwrap().is_away = true;
    client.metadata().request_refresh();
    pass(1).await;
    for _ in 0..20 {
        drop(producer.send(record()).await.unwrap());
        pass(30).await;
    }
    cluster.lock().unwrap().is_away = false;
    producer.send(record()).await.unwrap().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_is_noticed_however_long_its_partition_was_in_trouble() {
    let (client, cluster) = client(&[]).await;
    let producer = client.producer([("linger.ms", "0"), ("batch.size", "1")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    cluster.lock().unwrap().is_silent = true;
    for _ in 0..60 {
        drop(producer.send(record()).await.unwrap());
        pass(10).await;
    }
    cluster.lock().unwrap().leader = 2;
    producer.send(record()).await.unwrap().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_some_brokers_do_not_know_is_asked_for_until_one_does() {
    let (client, cluster) = client(&[("allow.auto.create.topics", "false")]).await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    cluster.lock().unwrap().is_deposed = true;
    cluster.lock().unwrap().unaware = 5;
    let delivery = producer.send(record()).await.unwrap();
    pass(1).await;
    cluster.lock().unwrap().is_deposed = false;
    let started = Clock::now();
    delivery.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_an_outdated_answer_leaves_out_is_asked_for_again() {
    let (client, cluster) = client(&[]).await;
    cluster.lock().unwrap().partitions = 2;
    let producer = client.producer([("linger.ms", "5000")]).unwrap();
    let started = Clock::now();
    let delivery = producer.send(record().partition(1)).await.unwrap();
    cluster.lock().unwrap().outdated = vec![1; 4];
    client.metadata().request_refresh();
    delivery.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_partition_without_leader_is_not_asked_about_once_nothing_waits_for_it() {
    let (client, cluster) = client(&[("allow.auto.create.topics", "false")]).await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    cluster.lock().unwrap().unaware = usize::MAX;
    cluster.lock().unwrap().is_deposed = true;
    assert!(producer.send(record()).await.unwrap().await.is_err());
    pass(60).await;
    let asked = cluster.lock().unwrap().asked;
    assert!(asked > 10, "{asked} times while a record waited");
    pass(240).await;
    let more = cluster.lock().unwrap().asked - asked;
    assert!(more <= 2, "{more} times for nobody");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_nothing_is_sent_to_is_forgotten_however_much_happens_elsewhere() {
    let (client, cluster) = client(&[]).await;
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    for minute in 0..10 {
        let brokers = [(1, "a", 9092), (2, "b", 9092), (3 + minute, "c", 9092)];
        client.metadata().handle_news(&metadata(&brokers));
        client.metadata().request_refresh();
        pass(60).await;
    }
    let asked = cluster.lock().unwrap().asked;
    assert!((5..10).contains(&asked), "for five of ten minutes, not {asked}");
    producer.send(record()).await.unwrap().await.unwrap();
}

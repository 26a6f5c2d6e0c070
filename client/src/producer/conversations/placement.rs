//! Where records go that do not name their partition.

use kavka_protocol::messages::metadata_response::MetadataResponse;

use super::*;

/// Broker 1 at `a` in rack `r1` leads partitions 0 and 1 of `orders`, broker 2 at `b` in `r2` the others.
fn cluster() -> MetadataResponse {
    let mut cluster = metadata(&[(1, "a", 9092), (2, "b", 9092)]);
    for (broker, rack) in cluster.brokers.iter_mut().zip(["r1", "r2"]) {
        broker.rack = Some(kavka_protocol::StrBytes::from_static_str(rack));
    }
    cluster.with_topics(vec![topic("orders", &[(1, 0), (1, 0), (2, 0), (2, 0)])])
}

/// A client of the cluster, and how often a batch was written to each partition. Broker 1 takes nothing if it
/// `is_silent`.
async fn client(is_silent: bool) -> (Client, Arc<Mutex<[usize; 4]>>) {
    let (pipes, listener) = network();
    let batches = Arc::new(Mutex::new([0; 4]));
    let counted = Arc::clone(&batches);
    serve(listener, move |endpoint, request| match request.api_key {
        ApiKey::Metadata => Some(reply::<MetadataRequest>(request, &cluster())),
        ApiKey::InitProducerId => {
            let named = InitProducerIdResponse::default().with_producer_id(7.into());
            Some(reply::<InitProducerIdRequest>(request, &named))
        }
        ApiKey::Produce if is_silent && &*endpoint.host == "a" => None,
        ApiKey::Produce => {
            let body: ProduceRequest = decode_request_body(request).unwrap();
            for partition in body.topic_data.iter().flat_map(|topic| &topic.partition_data) {
                counted.lock().unwrap()[usize::try_from(partition.index).unwrap()] += 1;
            }
            Some(acknowledged(request, &mut Script::default()))
        }
        other => panic!("nobody should ask for {other:?}"),
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "b:9092")]).with_connect(pipes);
    (builder.connect().await.unwrap(), batches)
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_cares_about_racks_writes_to_leaders_in_its_own() {
    let (client, batches) = client(false).await;
    let properties =
        [("batch.size", "1"), ("client.rack", "r2"), ("partitioner.rack.aware", "true")];
    let producer = client.producer(properties).unwrap();
    producer.send_batch((0..40).map(|_| record())).await.unwrap().await.unwrap();
    let [first, second, third, fourth] = *batches.lock().unwrap();
    assert_eq!((first, second), (0, 0));
    assert!(third > 0 && fourth > 0);
    let away = client.producer([("client.rack", "r3"), ("partitioner.rack.aware", "true")]);
    away.unwrap().send(record()).await.unwrap().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn partitions_of_a_broker_that_is_silent_too_long_are_avoided() {
    for (timeout, is_avoided) in [("500", true), ("0", false)] {
        let (client, batches) = client(true).await;
        let properties = [
            ("batch.size", "1"),
            ("partitioner.availability.timeout.ms", timeout),
            ("request.timeout.ms", "1000"),
        ];
        let producer = client.producer(properties).unwrap();
        let lost = producer.send(record().partition(0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        let mut deliveries = Vec::new();
        for _ in 0..40 {
            deliveries.push(producer.send(record()).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let [.., third, fourth] = *batches.lock().unwrap();
        assert_eq!(third + fourth == 40, is_avoided, "{timeout}: {third} {fourth}");
        drop((lost, deliveries));
    }
}

/// Counts what it was asked, and answers as its topic is called.
struct Counting(Arc<Mutex<Vec<String>>>);

impl Partitioner for Counting {
    fn for_topic(&self, topic: &str) -> Box<dyn TopicPartitioner> {
        Box::new(CountingTopic(Arc::clone(&self.0), topic.to_owned()))
    }
}

struct CountingTopic(Arc<Mutex<Vec<String>>>, String);

impl TopicPartitioner for CountingTopic {
    fn partition(&mut self, record: &UnplacedRecord<'_>, partitions: &Partitions) -> i32 {
        let key = String::from_utf8_lossy(record.key.unwrap_or_default());
        let available = partitions.available();
        self.0.lock().unwrap().push(format!("{} {key} {available:?}", self.1));
        partitions.count() - 1
    }
}

#[tokio::test(start_paused = true)]
async fn an_applications_partitioner_is_asked_about_every_record_without_a_partition() {
    let (client, batches) = client(false).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let builder = client.producer_builder([("partitioner.class", "RoundRobinPartitioner")]);
    let producer = builder.with_partitioner(Counting(Arc::clone(&asked))).start().unwrap();
    let records = [record().key(b"a"), record().partition(1), record().key(b"b")];
    producer.send_batch(records).await.unwrap().await.unwrap();
    assert_eq!(*batches.lock().unwrap(), [0, 1, 0, 1]);
    assert_eq!(*asked.lock().unwrap(), ["orders a [0, 1, 2, 3]", "orders b [0, 1, 2, 3]"]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_not_there_is_an_error_of_the_record() {
    let (client, _) = client(false).await;
    for (chosen, expected) in [(-1, "no partition -1; it has 4"), (9, "no partition 9; it has 4")] {
        let choose = move |_: &UnplacedRecord<'_>, _: &Partitions| chosen;
        let builder = client.producer_builder(Properties::new()).with_partitioner(choose);
        let error = builder.start().unwrap().send(record()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnknownPartition);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partitioner_that_panics_takes_nothing_else_with_it() {
    let (client, batches) = client(false).await;
    let choose = |record: &UnplacedRecord<'_>, _: &Partitions| match record.key {
        Some(_) => panic!("of the application"),
        None => 2,
    };
    let builder = client.producer_builder([("linger.ms", "20")]).with_partitioner(choose);
    let producer = builder.start().unwrap();
    producer.send(record()).await.unwrap().await.unwrap();
    let failing = producer.clone();
    let call = tokio::spawn(async move {
        failing.send_batch([record(), record().key(b"x"), record()]).await.map(drop)
    });
    assert!(call.await.unwrap_err().is_panic());
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(*batches.lock().unwrap(), [0, 0, 2, 0], "what was accepted before is delivered");
    producer.send(record()).await.unwrap().await.unwrap();
    producer.close(Duration::from_secs(1)).await.unwrap();
}

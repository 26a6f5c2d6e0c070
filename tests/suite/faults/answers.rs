//! Answers that come in pieces, twice, wrong, or not at all.

use kavka_client::protocol::Decompressor;
use kavka_client::{Consumer, Error, ErrorKind, FetchedBatches, StartOffset};
use kavka_protocol::{ApiKey, TopicPartition};
use kavka_tests::numbered;
use kavka_tests::proxy::{Conditions, Fault};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::{Ground, LANES, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "faults::answers_in_single_bytes_are_read_whole",
            answers_in_single_bytes_are_read_whole,
        ),
        trial::conversation(
            "faults::two_answers_in_one_piece_reach_their_requests",
            two_answers_in_one_piece_reach_their_requests,
        ),
        trial::conversation(
            "faults::answers_that_come_twice_misnumbered_or_never_repeat_and_lose_nothing",
            answers_that_come_twice_misnumbered_or_never_repeat_and_lose_nothing,
        ),
        trial::conversation(
            "faults::a_wrong_byte_in_a_batch_is_found_and_the_batch_read_again",
            a_wrong_byte_in_a_batch_is_found_and_the_batch_read_again,
        ),
        trial::conversation(
            "faults::a_wrong_length_costs_a_connection_and_no_record",
            a_wrong_length_costs_a_connection_and_no_record,
        ),
        trial::conversation(
            "faults::no_wrong_byte_in_an_answer_stops_the_client",
            no_wrong_byte_in_an_answer_stops_the_client,
        ),
    ]
}

async fn answers_in_single_bytes_are_read_whole() {
    let ground = Ground::with(1, 2, &[("request.timeout.ms", "30000")]).await;
    let proxy = ground.proxies.node(0);
    let before = proxy.accepted();
    proxy.set(Conditions { piece: Some(1), ..Conditions::default() });
    let mut traffic = ground.traffic(&[]).await;
    for _ in 0..5 {
        traffic.send(50).await;
        within(RECOVERY, traffic.settled()).await;
    }
    ground.recovers(traffic).await;
    assert_eq!(proxy.accepted() - before, LANES);
}

async fn two_answers_in_one_piece_reach_their_requests() {
    let ground = Ground::with(1, 3, &[("request.timeout.ms", "30000")]).await;
    let proxy = ground.proxies.node(0);
    let before = proxy.accepted();
    proxy.once(ApiKey::Metadata, Fault::Join);
    let admin = ground.client.admin();
    let (one, other) =
        within(RECOVERY, async { tokio::join!(ground.client.topic(TOPIC), admin.list_topics()) })
            .await;
    assert_eq!(
        one.expect("the topic").partitions.len(),
        other.expect("a list")[0].partitions.len()
    );
    let mut traffic = ground.traffic(&[("batch.size", "200"), ("linger.ms", "0")]).await;
    // Until the first batch is acknowledged no other is sent.
    traffic.send(100).await;
    traffic.settled().await;
    let happened = proxy.more_happened(3);
    (0..3).for_each(|_| proxy.once(ApiKey::Produce, Fault::Join));
    within(RECOVERY, traffic.during(happened)).await;
    ground.recovers(traffic).await;
    assert_eq!((proxy.happened(), proxy.accepted() - before), (4, LANES));
}

async fn answers_that_come_twice_misnumbered_or_never_repeat_and_lose_nothing() {
    let ground = Ground::start(2, 4).await;
    let mut traffic = ground.traffic(&[("batch.size", "500")]).await;
    for fault in [Fault::Repeat, Fault::Misnumber, Fault::Lose] {
        for api in [ApiKey::Produce, ApiKey::Fetch] {
            let proxy = ground.proxies.node(0);
            let happened = proxy.more_happened(1);
            proxy.once(api, fault);
            within(RECOVERY, traffic.during(happened)).await;
            within(RECOVERY, traffic.settled()).await;
        }
    }
    ground.recovers(traffic).await;
}

/// The checksum finds it where the batch is decoded; what the broker has is right, and so is a second look.
async fn a_wrong_byte_in_a_batch_is_found_and_the_batch_read_again() {
    let ground = Ground::start(1, 1).await;
    let producer = ground.direct.producer([("linger.ms", "1000")]).expect("a producer");
    drop(numbered::send(&producer, TOPIC, 0..500).await);
    producer.flush().await.expect("delivered");
    let proxy = ground.proxies.node(0);
    let partition = TopicPartition::new(TOPIC, 0);
    for at in [-100, -1000, -3000] {
        proxy.once(ApiKey::Fetch, Fault::Flip { at });
        let mut consumer =
            ground.client.consumer([("fetch.max.wait.ms", "10")]).expect("a consumer");
        consumer.assign([(partition.clone(), StartOffset::At(0))]);
        let fetched = within(RECOVERY, next(&mut consumer)).await.expect("fetched");
        let error = numbers(&fetched).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::CorruptData);
        assert_eq!(error.place().topic_partition, Some(partition.clone()));
        consumer.seek(&partition, StartOffset::At(0)).expect("assigned");
        let fetched = within(RECOVERY, next(&mut consumer)).await.expect("fetched");
        assert_eq!(numbers(&fetched).expect("intact"), (0..500).collect::<Vec<_>>());
    }
    assert_eq!(proxy.happened(), 3);
}

/// A length that is negative, too large or too small. An answer that is too short is told, and polling
/// again is the cure.
async fn a_wrong_length_costs_a_connection_and_no_record() {
    for at in 0..4 {
        let ground = Ground::start(1, 1).await;
        numbered_records(&ground, 100).await;
        let proxy = ground.proxies.node(0);
        proxy.once(ApiKey::Fetch, Fault::Flip { at });
        let mut consumer =
            ground.client.consumer([("fetch.max.wait.ms", "10")]).expect("a consumer");
        consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::At(0))]);
        let before = proxy.accepted();
        let found = within(RECOVERY, read(&mut consumer, 100)).await;
        assert_eq!(found, (0..100).collect::<Vec<_>>(), "byte {at}");
        // One to look around, one to read, and the one that was made anew.
        assert_eq!((proxy.happened(), proxy.accepted() - before), (1, 3), "byte {at}");
    }
}

/// Answers have no checksum of their own, so a wrong byte may pass for news. Whatever it does, every call
/// ends within its time, and what is written afterwards is there once.
async fn no_wrong_byte_in_an_answer_stops_the_client() {
    for api in [ApiKey::ApiVersions, ApiKey::ListOffsets, ApiKey::Produce, ApiKey::InitProducerId] {
        let mut at = 0;
        let mut happened = 1;
        while happened > 0 {
            happened = with_a_wrong_byte(api, at).await;
            at += 1;
        }
        assert!(at > 15, "{api:?} has {at} bytes");
    }
}

/// Whether there is such a byte.
async fn with_a_wrong_byte(api: ApiKey, at: isize) -> usize {
    let limits = [("default.api.timeout.ms", "1000"), ("request.timeout.ms", "200")];
    let ground = Ground::with(1, 1, &limits).await;
    let proxy = ground.proxies.node(0);
    proxy.once(api, Fault::Flip { at });
    let limits = [("delivery.timeout.ms", "500"), ("max.block.ms", "500"), ("linger.ms", "0")];
    let producer = ground.client.producer(limits).expect("a producer");
    let (mut written, mut doubtful) = (0, 0);
    for number in 0..3 {
        let sent = within(RECOVERY, async {
            let text = number.to_string();
            let record = kavka_client::OutgoingRecord::to(TOPIC).value(text.as_bytes());
            producer.send(record).await?.await
        });
        match sent.await {
            Ok(_) => written += 1,
            Err(error) if error.may_have_been_written() => doubtful += 1,
            Err(_) => {}
        }
    }
    let partition = TopicPartition::new(TOPIC, 0);
    let latest = [(partition, kavka_client::OffsetSpec::Latest)];
    let _ = within(RECOVERY, ground.client.list_offsets(&latest)).await;
    let found = numbered::records(&ground.direct, TOPIC, 0).await;
    let found: Vec<i32> = found.iter().map(numbered::Found::number).collect();
    assert!(found.is_sorted_by(|a, b| a < b), "{api:?} byte {at}: {found:?}");
    let possible = written..=written + doubtful;
    assert!(possible.contains(&found.len()), "{api:?} byte {at}: {found:?} of {possible:?}");
    proxy.happened()
}

async fn numbered_records(ground: &Ground, count: i32) {
    let producer = ground.direct.producer([("linger.ms", "0")]).expect("a producer");
    numbered::send(&producer, TOPIC, 0..count).await.await.expect("delivered");
}

async fn next(consumer: &mut Consumer) -> Result<FetchedBatches, Error> {
    loop {
        if let Some(fetched) = consumer.poll().await?.into_partitions().next() {
            return Ok(fetched);
        }
    }
}

/// Reads so many records, whatever answers make no sense.
async fn read(consumer: &mut Consumer, count: usize) -> Vec<i32> {
    let mut found = Vec::new();
    while found.len() < count {
        match next(consumer).await {
            Ok(fetched) => found.extend(numbers(&fetched).expect("intact")),
            Err(error) => assert_eq!(error.kind(), ErrorKind::MalformedAnswer, "{error}"),
        }
    }
    found
}

fn numbers(fetched: &FetchedBatches) -> Result<Vec<i32>, Error> {
    let mut decompressor = Decompressor::default();
    let mut found = Vec::new();
    for batch in fetched.batches() {
        let at = fetched.first_offset();
        let batch = batch.map_err(|error| fetched.damaged(at, error))?;
        let body = batch.body(&mut decompressor).map_err(|error| fetched.damaged(at, error))?;
        for record in body.records() {
            let record = record.map_err(|error| fetched.damaged(at, error))?;
            found.push(numbered::Found::new(&record).number());
        }
    }
    Ok(found)
}

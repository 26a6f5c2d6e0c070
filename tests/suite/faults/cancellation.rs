//! Calls that are given up at any moment: the next one works, and what was accepted is carried out.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use kavka_client::{Client, ErrorKind, NewTopic, OffsetSpec, OutgoingRecord};
use kavka_protocol::{ApiKey, TopicPartition};
use kavka_tests::numbered::{self, Found};
use kavka_tests::{embedded, trial};
use libtest_mimic::Trial;
use tokio::runtime::Handle;

use super::{Ground, QUICK, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "faults::connecting_can_be_given_up_at_any_moment",
            connecting_can_be_given_up_at_any_moment,
        ),
        trial::conversation(
            "faults::lookups_can_be_given_up_at_any_moment",
            lookups_can_be_given_up_at_any_moment,
        ),
        trial::conversation(
            "faults::a_send_that_is_given_up_takes_its_record_back",
            a_send_that_is_given_up_takes_its_record_back,
        ),
        trial::conversation(
            "faults::a_flush_that_is_given_up_stops_no_record",
            a_flush_that_is_given_up_stops_no_record,
        ),
        trial::conversation(
            "faults::a_close_that_is_given_up_ends_the_producer",
            a_close_that_is_given_up_ends_the_producer,
        ),
    ]
}

/// Polls `future` so many times; `None` if that was not enough, and it is dropped.
pub(crate) async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        let Some(rest) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = rest;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// The result of a call that was given up before at every moment at which that is possible.
async fn at_last<F: Future>(mut call: impl FnMut() -> F) -> F::Output {
    let mut polls = 0;
    loop {
        if let Some(result) = give_up_after(polls, call()).await {
            assert!(polls > 1, "a call that is never given up");
            return result;
        }
        polls += 1;
    }
}

async fn connecting_can_be_given_up_at_any_moment() {
    let broker = embedded::cluster(2).await;
    let servers = broker.bootstrap_servers();
    let tasks = Handle::current().metrics().num_alive_tasks();
    let connect = || Client::connect([("bootstrap.servers", servers.as_str())]);
    let client = at_last(connect).await.expect("connected");
    client.admin().create_topics(&[NewTopic::new(TOPIC)]).await.expect("created");
    drop(client);
    within(RECOVERY, until_tasks(tasks)).await;
}

async fn lookups_can_be_given_up_at_any_moment() {
    let ground = Ground::start(2, 2).await;
    let (client, admin) = (&ground.client, ground.client.admin());
    let latest = [(TopicPartition::new(TOPIC, 1), OffsetSpec::Latest)];
    let known = at_last(|| client.topic(TOPIC)).await.expect("the topic");
    assert_eq!(known.partitions.len(), 2);
    let listed = at_last(|| client.list_offsets(&latest)).await.expect("listed");
    assert_eq!(listed[0].offset, Some(0));
    let topics = at_last(|| admin.list_topics()).await.expect("a list");
    assert_eq!(topics.len(), 1);
    let cluster = at_last(|| admin.describe_cluster()).await.expect("described");
    assert_eq!(cluster.brokers.len(), 2);
    let missing = at_last(|| client.topic("nowhere")).await.expect_err("there is none");
    assert_eq!(missing.kind(), ErrorKind::UnknownTopic);
    // Creating goes on although nobody waits for it: there is nothing left to create in the end.
    let topics = [NewTopic::new("another")];
    let created = at_last(|| admin.create_topics(&topics)).await.expect("an answer");
    assert!(created.iter().all(|created| {
        created.as_ref().err().is_none_or(|error| error.to_string().contains("another"))
    }));
    assert_eq!(client.topic("another").await.expect("the topic").partitions.len(), 1);
}

/// Whatever holds a record up, nothing known of its topic or no memory, it is in the log exactly if it was
/// accepted.
async fn a_send_that_is_given_up_takes_its_record_back() {
    let ground = Ground::start(1, 1).await;
    let mut accepted = Vec::new();
    let mut number = 0;
    let mut polls = 0;
    while accepted.len() < 10 {
        let client = client(&ground).await;
        let producer = client.producer([("linger.ms", "0")]).expect("a producer");
        for _ in 0..2 {
            let text = number.to_string();
            let record = OutgoingRecord::to(TOPIC).value(text.as_bytes());
            if let Some(delivery) = give_up_after(polls, producer.send(record)).await {
                drop(delivery.expect("accepted"));
                accepted.push(number);
            }
            number += 1;
        }
        producer.close(RECOVERY).await.expect("delivered");
        polls = (polls + 1) % 6;
    }
    accepted.extend(with_memory_used_up(&ground, number).await);
    let found = numbered::records(&ground.direct, TOPIC, 0).await;
    assert_eq!(found.iter().map(Found::number).collect::<Vec<_>>(), accepted);
}

/// Numbers that were accepted while others waited in vain for memory.
async fn with_memory_used_up(ground: &Ground, first: i32) -> Vec<i32> {
    let client = client(ground).await;
    let full = [("buffer.memory", "2000"), ("batch.size", "500"), ("linger.ms", "0")];
    let producer = client.producer(full).expect("a producer");
    let mut accepted = Vec::new();
    for number in first..first + 200 {
        if number % 40 == 0 {
            ground.broker.control().delay_next(ApiKey::Produce, Duration::from_millis(50));
        }
        let text = format!("{number:0100}");
        let record = OutgoingRecord::to(TOPIC).value(text.as_bytes());
        let polls = number as usize % 4;
        if let Some(delivery) = give_up_after(polls, producer.send(record)).await {
            drop(delivery.expect("accepted"));
            accepted.push(number);
        }
    }
    assert!((1..200).contains(&accepted.len()), "{} were accepted", accepted.len());
    producer.close(RECOVERY).await.expect("delivered");
    accepted
}

async fn a_flush_that_is_given_up_stops_no_record() {
    let ground = Ground::start(1, 2).await;
    let producer = ground.client.producer([("linger.ms", "60000")]).expect("a producer");
    drop(numbered::send(&producer, TOPIC, 0..500).await);
    at_last(|| producer.flush()).await.expect("delivered");
    drop(numbered::send(&producer, TOPIC, 500..1000).await);
    assert!(give_up_after(1, producer.flush()).await.is_none());
    within(RECOVERY, async {
        while numbered::end(&ground.direct, TOPIC, 0).await
            + numbered::end(&ground.direct, TOPIC, 1).await
            < 1000
        {}
    })
    .await;
    numbered::holds(&ground.direct, TOPIC, 0..1000).await;
}

/// Its records are delivered or given up, and nothing of it is left.
async fn a_close_that_is_given_up_ends_the_producer() {
    let ground = Ground::start(1, 1).await;
    drop(client(&ground).await);
    let tasks = Handle::current().metrics().num_alive_tasks();
    for polls in 0..4 {
        let client = client(&ground).await;
        let producer = client.producer([("linger.ms", "1000")]).expect("a producer");
        ground.broker.control().delay_next(ApiKey::Produce, Duration::from_millis(200));
        let delivery = numbered::send(&producer, TOPIC, 0..10).await;
        let closed = give_up_after(polls, producer.close(RECOVERY)).await;
        assert!(polls > 1 || closed.is_none());
        if let Err(error) = within(RECOVERY, delivery).await {
            assert!(closed.is_none());
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        }
        drop(client);
        within(RECOVERY, until_tasks(tasks)).await;
    }
}

async fn client(ground: &Ground) -> Client {
    let servers = ground.broker.bootstrap_servers();
    let properties = QUICK.iter().copied().chain([("bootstrap.servers", servers.as_str())]);
    Client::connect(properties.collect::<kavka_client::Properties>()).await.expect("connected")
}

/// Waits until so many tasks are left.
pub(crate) async fn until_tasks(count: usize) {
    while Handle::current().metrics().num_alive_tasks() > count {
        tokio::task::yield_now().await;
    }
}

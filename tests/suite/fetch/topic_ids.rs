//! A topic that is deleted and created again while it is read (KIP-516).

use kavka_client::protocol::{ApiKey, Compression};
use kavka_client::{Client, Consumer, ErrorKind, Fetch, NewTopic, ResetCause, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::TOPIC;
use super::world::{Reader, World, batch, properties, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::topic_ids::another_topic_of_the_same_name_is_begun_by_the_policy",
            another_topic_of_the_same_name_is_begun_by_the_policy,
        ),
        trial::conversation(
            "fetch::topic_ids::without_a_policy_the_application_has_to_seek",
            without_a_policy_the_application_has_to_seek,
        ),
    ]
}

/// Thirty records that were read, and the topic replaced by one with fifty.
async fn recreated(newest_fetch: i16, policy: &str) -> (World, Consumer) {
    let mut world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::None, 30, 50)]).await;
    world.broker.control().api_versions(ApiKey::Fetch, newest_fetch);
    world.client = Client::connect(properties(&world.broker)).await.unwrap();
    let mut consumer = world.consumer(&[("auto.offset.reset", policy)]);
    consumer.assign([(tp(0), StartOffset::At(0))]);
    let mut reader = Reader::default();
    while reader.next(0) < 30 {
        reader.take(consumer.poll().await.unwrap());
    }
    let admin = world.client.admin();
    admin.delete_topics(&[TOPIC]).await.unwrap();
    admin.create_topics(&[NewTopic::new(TOPIC).with_partitions(1)]).await.unwrap();
    world.write(0, vec![batch(Compression::None, 50, 50)]).await;
    (world, consumer)
}

async fn another_topic_of_the_same_name_is_begun_by_the_policy() {
    for newest_fetch in [13, 18] {
        let (_world, mut consumer) = recreated(newest_fetch, "earliest").await;
        let fetch = until_reset(&mut consumer).await;
        let reset = &fetch.resets()[0];
        assert_eq!((reset.from, reset.to, reset.cause), (30, 0, ResetCause::Recreated));
        let mut reader = Reader::default();
        reader.take(fetch);
        while reader.next(0) < 50 {
            reader.take(consumer.poll().await.unwrap());
        }
    }
}

async fn until_reset(consumer: &mut Consumer) -> Fetch {
    loop {
        let fetch = consumer.poll().await.unwrap();
        if !fetch.resets().is_empty() {
            return fetch;
        }
        assert_eq!(fetch.partitions().len(), 0, "records of the new topic at the old position");
    }
}

async fn without_a_policy_the_application_has_to_seek() {
    let (_world, mut consumer) = recreated(18, "none").await;
    for _ in 0..2 {
        let error = loop {
            match consumer.poll().await {
                Ok(fetch) => assert_eq!(fetch.partitions().len(), 0),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TopicRecreated, "{error}");
    }
    consumer.seek(&tp(0), StartOffset::Earliest).unwrap();
    let mut reader = Reader::default();
    while reader.next(0) < 50 {
        reader.take(consumer.poll().await.unwrap());
    }
}

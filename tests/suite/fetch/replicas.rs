//! Reading from the replica that stands in the reader's rack (KIP-392).

use kavka_broker::BrokerConfig;
use kavka_client::protocol::{ApiKey, BrokerId, Compression, ErrorCode};
use kavka_client::{Client, NewTopic, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::TOPIC;
use super::world::{Reader, World, batch, next_batches, properties, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::replicas::the_one_in_the_readers_rack_is_read_until_it_refuses",
            the_one_in_the_readers_rack_is_read_until_it_refuses,
        ),
        trial::conversation(
            "fetch::replicas::brokers_that_know_no_racks_are_read_at_the_leader",
            brokers_that_know_no_racks_are_read_at_the_leader,
        ),
        trial::conversation(
            "fetch::replicas::a_new_leader_is_asked_for_the_nearest_again",
            a_new_leader_is_asked_for_the_nearest_again,
        ),
    ]
}

/// Node 1 leads and stands in rack `a`, node 2 in `b` and node 3 in `c`; all have a copy.
async fn world() -> World {
    let racks = ["a", "b", "c"].map(str::to_owned).to_vec();
    let config = BrokerConfig { nodes: 3, racks, ..BrokerConfig::default() };
    let topic = NewTopic::new(TOPIC).with_partitions(1).with_replication_factor(3);
    let world = World::with(config, topic).await;
    world.write(0, vec![batch(Compression::Snappy, 10, 50)]).await;
    world
}

const IN_B: &[(&str, &str)] = &[("client.rack", "b")];

async fn the_one_in_the_readers_rack_is_read_until_it_refuses() {
    let world = world().await;
    let mut consumer = world.consumer(IN_B);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let mut reader = Reader::default();
    let mut brokers = Vec::new();
    for step in 0..6 {
        if step == 1 {
            world.broker.control().fail_next(ApiKey::Fetch, ErrorCode::OffsetOutOfRange, 1);
        }
        let batches = next_batches(&mut consumer).await;
        reader.check(&batches);
        brokers.push(batches.broker());
        world.write(0, vec![batch(Compression::Snappy, 10, 50)]).await;
    }
    // Up to two requests were on their way to the replica before it refused.
    let (replica, leader) = brokers.split_at(brokers.partition_point(|one| *one == BrokerId(2)));
    assert!((1..=3).contains(&replica.len()), "{brokers:?}");
    assert!(leader.iter().all(|broker| *broker == BrokerId(1)), "{brokers:?}");
}

async fn brokers_that_know_no_racks_are_read_at_the_leader() {
    for newest in [4, 10, 11, 12] {
        let mut world = world().await;
        world.broker.control().api_versions(ApiKey::Fetch, newest);
        world.client = Client::connect(properties(&world.broker)).await.unwrap();
        let mut consumer = world.consumer(IN_B);
        consumer.assign([(tp(0), StartOffset::Earliest)]);
        let batches = next_batches(&mut consumer).await;
        let expected = if newest >= 11 { 2 } else { 1 };
        assert_eq!(batches.broker(), BrokerId(expected), "version {newest}");
        Reader::default().check(&batches);
    }
}

async fn a_new_leader_is_asked_for_the_nearest_again() {
    let world = world().await;
    let mut consumer = world.consumer(IN_B);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let mut reader = Reader::default();
    for leader in [3, 2, 1] {
        let batches = next_batches(&mut consumer).await;
        assert_eq!(batches.broker(), BrokerId(2), "before {leader}");
        reader.check(&batches);
        world.broker.control().move_leader(&tp(0), BrokerId(leader));
        world.write(0, vec![batch(Compression::Snappy, 10, 50)]).await;
    }
    reader.check(&next_batches(&mut consumer).await);
}

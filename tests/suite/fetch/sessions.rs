//! Fetch sessions (KIP-227), which brokers grant, refuse and forget as they like.

use kavka_broker::Disconnect;
use kavka_client::StartOffset;
use kavka_client::protocol::{ApiKey, BrokerId, Compression};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::world::{Reader, World, batch, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::sessions::brokers_that_refuse_them_are_read_whole",
            brokers_that_refuse_them_are_read_whole,
        ),
        trial::conversation(
            "fetch::sessions::those_that_are_forgotten_lose_and_repeat_nothing",
            those_that_are_forgotten_lose_and_repeat_nothing,
        ),
    ]
}

/// Leaders move and connections end while every request has to name all its partitions.
async fn brokers_that_refuse_them_are_read_whole() {
    read_while(|world, step| {
        let control = world.broker.control();
        match step {
            0 => control.fetch_sessions(0),
            1 => control.disconnect_next(ApiKey::Fetch, Disconnect::AfterApplying),
            _ => control.move_leader(&tp(step % 4), BrokerId(1 + step % 2)),
        }
    })
    .await;
}

/// The brokers forget all sessions, refuse some and grant new ones while they are in use.
async fn those_that_are_forgotten_lose_and_repeat_nothing() {
    read_while(|world, step| {
        let control = world.broker.control();
        control.fetch_sessions(0);
        if step % 3 != 0 {
            control.fetch_sessions(1000);
        }
        if step % 5 == 0 {
            control.disconnect_next(ApiKey::Fetch, Disconnect::AfterApplying);
        }
        control.move_leader(&tp(step % 4), BrokerId(1 + step % 2));
    })
    .await;
}

/// Reads four partitions of two nodes in small steps, before each of which something happens.
async fn read_while(mut disturb: impl FnMut(&World, i32)) {
    let world = World::start(2, 4).await;
    for partition in 0..4 {
        world.write(partition, vec![batch(Compression::None, 10, 1000); 30]).await;
    }
    let mut consumer = world.consumer(&[("max.partition.fetch.bytes", "20000")]);
    consumer.assign((0..4).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    for step in 0.. {
        disturb(&world, step);
        reader.take(consumer.poll().await.unwrap());
        if reader.ends.len() == 4 {
            break;
        }
    }
    assert!((0..4).all(|partition| reader.next(partition) == 300));
}

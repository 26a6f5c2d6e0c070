//! The memory that a reader takes (`kavka.prefetch.bytes`).

use kavka_client::protocol::Compression;
use kavka_client::{Consumer, FetchState, FetchedBatches, PrefetchStats, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::world::{Reader, World, batch, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::memory::a_slow_reader_is_given_no_more_than_the_budget_holds",
            a_slow_reader_is_given_no_more_than_the_budget_holds,
        ),
        trial::conversation(
            "fetch::memory::a_reader_that_stops_takes_no_more_than_the_budget",
            a_reader_that_stops_takes_no_more_than_the_budget,
        ),
        trial::conversation(
            "fetch::memory::batches_larger_than_every_limit_pass",
            batches_larger_than_every_limit_pass,
        ),
    ]
}

/// A reader that keeps what it gets holds its share of the budget, and goes on when it lets go.
async fn a_slow_reader_is_given_no_more_than_the_budget_holds() {
    let world = World::start(1, 3).await;
    for partition in 0..3 {
        world.write(partition, vec![batch(Compression::None, 10, 1000); 40]).await;
    }
    let small = [("max.partition.fetch.bytes", "11000"), ("kavka.prefetch.bytes", "100000")];
    let mut consumer = world.consumer(&small);
    consumer.assign((0..3).map(|partition| (tp(partition), StartOffset::At(0))));
    let mut reader = Reader::default();
    let mut held: Vec<FetchedBatches> = Vec::new();
    while reader.ends.len() < 3 {
        let bytes: usize = held.iter().map(FetchedBatches::size_in_bytes).sum();
        assert!(bytes <= 150_000, "{bytes} bytes handed out");
        if bytes >= 100_000 {
            let state = consumer.explain(&tp(0)).state;
            assert!(!matches!(state, FetchState::Unassigned | FetchState::NoLeader), "{state}");
            held.clear();
        }
        let fetch = consumer.poll().await.unwrap();
        reader.note_ends(&fetch);
        for batches in fetch.into_partitions() {
            reader.check(&batches);
            held.push(batches);
        }
    }
    assert!((0..3).all(|partition| reader.next(partition) == 400));
}

/// More than six times the budget lies in 64 partitions of three brokers, and nobody polls.
async fn a_reader_that_stops_takes_no_more_than_the_budget() {
    const BUDGET: usize = 2_000_000;
    let world = World::start(3, 64).await;
    for partition in 0..64 {
        world.write(partition, vec![batch(Compression::None, 10, 1000); 20]).await;
    }
    let budget = BUDGET.to_string();
    let limits = [("kavka.prefetch.bytes", &*budget), ("max.partition.fetch.bytes", "60000")];
    let mut consumer = world.consumer(&limits);
    consumer.assign((0..64).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    let first = loop {
        let fetch = consumer.poll().await.unwrap();
        if fetch.partitions().len() > 0 {
            break fetch;
        }
    };
    first.partitions().for_each(|batches| reader.check(batches));
    let stats = settled(&consumer).await;
    assert_eq!(stats.budget_bytes, BUDGET);
    assert!((BUDGET / 2..=BUDGET).contains(&stats.used_bytes()), "{stats:?}");
    let held: usize = first.partitions().map(FetchedBatches::size_in_bytes).sum();
    assert_eq!(stats.held_bytes, held);
    // Every answer may end with the beginning of a batch that nobody has room for.
    let fetched = usize::try_from(world.broker.control().fetched_bytes()).unwrap();
    assert!(fetched <= BUDGET + BUDGET / 20, "{fetched} bytes fetched, {stats:?}");
    drop(first);
    reader.read_until_ends(&mut consumer, 64).await;
    assert!((0..64).all(|partition| reader.next(partition) == 200));
    let stats = consumer.stats().prefetch;
    assert_eq!(stats.used_bytes(), stats.in_flight_bytes);
}

/// What a consumer takes up when every partition waits for room.
async fn settled(consumer: &Consumer) -> PrefetchStats {
    let is_waiting = |partition| {
        matches!(consumer.explain(&tp(partition)).state, FetchState::WaitingForRoom { .. })
    };
    while !(0..64).all(is_waiting) {
        tokio::task::yield_now().await;
    }
    consumer.stats().prefetch
}

/// Batches larger than the budget, the partition limit and the answer limit pass one by one.
async fn batches_larger_than_every_limit_pass() {
    let world = World::start(1, 3).await;
    for partition in 0..3 {
        world.write(partition, vec![batch(Compression::None, 1, 300_000); 3]).await;
    }
    let tiny = [
        ("kavka.prefetch.bytes", "1000"),
        ("max.partition.fetch.bytes", "100"),
        ("fetch.max.bytes", "100"),
    ];
    let mut consumer = world.consumer(&tiny);
    consumer.assign((0..3).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    reader.read_until_ends(&mut consumer, 3).await;
    assert!((0..3).all(|partition| reader.next(partition) == 3));
}

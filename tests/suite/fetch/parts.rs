//! Polls of so many records (`max.poll.records`): nothing is fetched twice for them.

use kavka_client::protocol::{Compression, Decompressor};
use kavka_client::{Fetch, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::CODECS;
use super::world::{Reader, World, batch, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::parts::a_scan_in_small_polls_reads_each_byte_of_the_log_once",
            a_scan_in_small_polls_reads_each_byte_of_the_log_once,
        ),
        trial::conversation(
            "fetch::parts::pauses_in_the_middle_of_batches_lose_and_repeat_nothing",
            pauses_in_the_middle_of_batches_lose_and_repeat_nothing,
        ),
        trial::conversation(
            "fetch::parts::polls_that_are_given_up_lose_nothing",
            polls_that_are_given_up_lose_nothing,
        ),
    ]
}

fn records(fetch: &Fetch) -> usize {
    let mut decompressor = Decompressor::default();
    let batches = fetch.partitions().flat_map(|fetched| fetched.batches());
    batches.map(|batch| batch.unwrap().body(&mut decompressor).unwrap().records().count()).sum()
}

/// 64 partitions, twice what the budget has room for, in batches of 1 to 60 records and every codec. A
/// broker cuts each answer off at its limit, mostly in the middle of a batch, whose beginning is then
/// the only thing that is fetched twice.
async fn a_scan_in_small_polls_reads_each_byte_of_the_log_once() {
    const PARTITIONS: i32 = 64;
    const ROUNDS: usize = 6;
    let world = World::start(3, PARTITIONS).await;
    let mut size = 0;
    for partition in 0..PARTITIONS {
        let batches = CODECS.iter().flat_map(|codec| {
            [1, 9, 10, 11, 60].map(|count| batch(*codec, count, 100 + partition as usize))
        });
        let batches = vec![batches.collect::<Vec<_>>(); ROUNDS].concat();
        size += batches.iter().map(bytes::Bytes::len).sum::<usize>();
        world.write(partition, batches).await;
    }
    let mut consumer = world.consumer(&[
        ("max.poll.records", "10"),
        ("kavka.prefetch.bytes", "3000000"),
        ("max.partition.fetch.bytes", "200000"),
    ]);
    consumer.assign((0..PARTITIONS).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    while reader.ends.len() < PARTITIONS as usize {
        let fetch = consumer.poll().await.unwrap();
        assert!(records(&fetch) <= 10, "{} records at once", records(&fetch));
        reader.take(fetch);
    }
    for partition in 0..PARTITIONS {
        assert_eq!(reader.next(partition), 5 * 91 * ROUNDS as i64);
    }
    let fetched = world.broker.control().fetched_bytes();
    let amplification = fetched as f64 / size as f64;
    assert!((1.0..=1.02).contains(&amplification), "{fetched} bytes fetched of {size}");
}

async fn pauses_in_the_middle_of_batches_lose_and_repeat_nothing() {
    let world = World::start(1, 2).await;
    for partition in 0..2 {
        world.write(partition, vec![batch(Compression::Zstd, 500, 20); 4]).await;
    }
    let mut consumer = world.consumer(&[("max.poll.records", "7")]);
    consumer.assign((0..2).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    for step in 0.. {
        let paused = tp(step / 3 % 2);
        consumer.pause(std::slice::from_ref(&paused));
        let fetch = consumer.poll().await.unwrap();
        assert!(fetch.partitions().all(|fetched| *fetched.topic_partition() != paused));
        reader.take(fetch);
        consumer.resume(std::slice::from_ref(&paused));
        if reader.next(0).max(reader.next(1)) == 2000 {
            break;
        }
    }
    reader.read_until_ends(&mut consumer, 2).await;
    assert_eq!((reader.next(0), reader.next(1)), (2000, 2000));
}

async fn polls_that_are_given_up_lose_nothing() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::Gzip, 100, 50); 3]).await;
    let mut consumer = world.consumer(&[("max.poll.records", "3")]);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let mut reader = Reader::default();
    while reader.next(0) < 300 {
        tokio::select! {
            biased;
            fetch = consumer.poll() => reader.take(fetch.unwrap()),
            () = tokio::task::yield_now() => {}
        }
    }
}

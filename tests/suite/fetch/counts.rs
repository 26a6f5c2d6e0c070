//! What is read is counted: as many records, batches and bytes as were handed out, however they are polled.

use kavka_client::protocol::{Decompressor, Offset};
use kavka_client::{Consumer, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::CODECS;
use super::world::{World, batch, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::conversation(
        "fetch::counts::what_was_handed_out_is_what_is_counted",
        what_was_handed_out_is_what_is_counted,
    )]
}

/// Partitions of every codec on three brokers, read whole and in parts, from the beginning and from within
/// a batch.
async fn what_was_handed_out_is_what_is_counted() {
    let world = World::start(3, CODECS.len() as i32).await;
    let mut size = 0;
    for (codec, partition) in CODECS.iter().zip(0..) {
        let batches: Vec<_> = SIZES.iter().map(|count| batch(*codec, *count, 500)).collect();
        size += batches.iter().map(bytes::Bytes::len).sum::<usize>();
        world.write(partition, batches).await;
    }
    for limits in [&[][..], &[("max.poll.records", "10")]] {
        for start in [0, 7] {
            let mut consumer = world.consumer(limits);
            read(&mut consumer, start).await;
            let stats = consumer.stats();
            let (total, batches) = (stats.total(), CODECS.len() * SIZES.len());
            assert_eq!((total.batches, total.bytes), (batches as u64, size as u64));
            let fetched: u64 = stats.brokers.iter().map(|broker| broker.bytes).sum();
            assert!((size as u64..=2 * size as u64).contains(&fetched), "{fetched} of {size}");
            for broker in &stats.brokers {
                assert!(broker.responses > 0 && broker.failures == 0, "{broker:?}");
                assert!(broker.requests - broker.responses <= 1, "{broker:?}");
            }
        }
    }
}

/// Reads every partition to its end; after each poll the counts are those of the records that came.
async fn read(consumer: &mut Consumer, start: Offset) {
    let partitions = 0..CODECS.len() as i32;
    consumer.assign(partitions.map(|partition| (tp(partition), StartOffset::At(start))));
    let records = SIZES.iter().sum::<usize>() as Offset;
    let (mut read, mut ends) = (vec![0; CODECS.len()], 0);
    let mut decompressor = Decompressor::default();
    while ends < CODECS.len() {
        let fetch = consumer.poll().await.unwrap();
        ends += fetch.ends().len();
        for fetched in fetch.partitions() {
            let at = fetched.topic_partition().partition as usize;
            for batch in fetched.batches() {
                let body = batch.unwrap().body(&mut decompressor).unwrap();
                read[at] += body.records().map(Result::unwrap).count() as u64;
            }
        }
        let stats = consumer.stats();
        for (partition, read) in (0..).zip(&read) {
            let counted = stats.partition(&tp(partition)).unwrap();
            assert_eq!(counted.consumed.records, *read, "{partition}, from {start}");
            let position = start + *read as Offset;
            assert_eq!(
                (counted.position, counted.lead),
                match *read {
                    0 => (Some(start), counted.lead),
                    _ => (Some(position), Some(position as u64)),
                }
            );
            assert!(counted.lag.is_none_or(|lag| lag == (records - position) as u64));
        }
    }
    assert!(read.iter().all(|read| *read == (records - start) as u64));
}

/// How many records each batch holds.
const SIZES: [usize; 6] = [9, 1, 40, 3, 10, 25];

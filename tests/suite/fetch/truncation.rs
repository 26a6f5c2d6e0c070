//! Logs that an unclean election cut off after they had been read (KIP-320).

use kavka_client::protocol::{ApiKey, BrokerId, Compression, LeaderEpoch, Offset};
use kavka_client::{Client, Consumer, ErrorKind, Fetch, PositionReset, ResetCause, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::world::{Reader, World, batch, next_batches, properties, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "fetch::truncation::a_reader_goes_back_to_where_the_logs_part",
            a_reader_goes_back_to_where_the_logs_part,
        ),
        trial::conversation(
            "fetch::truncation::without_a_policy_it_is_an_error_until_the_application_seeks",
            without_a_policy_it_is_an_error_until_the_application_seeks,
        ),
        trial::conversation(
            "fetch::truncation::where_reading_stopped_earlier_is_compared_too",
            where_reading_stopped_earlier_is_compared_too,
        ),
    ]
}

/// Twenty records in two batches, all of them read from brokers that speak these versions.
async fn read_to_twenty(
    versions: &[(ApiKey, i16)],
    overrides: &[(&str, &str)],
) -> (World, Consumer, Reader) {
    let mut world = World::start(2, 1).await;
    world.write(0, vec![batch(Compression::Zstd, 10, 50); 2]).await;
    for (api, newest) in versions {
        world.broker.control().api_versions(*api, *newest);
    }
    world.client = Client::connect(properties(&world.broker)).await.unwrap();
    let mut consumer = world.consumer(overrides);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let mut reader = Reader::default();
    reader.read_until_ends(&mut consumer, 1).await;
    assert_eq!(reader.next(0), 20);
    (world, consumer, reader)
}

/// Node 2 leads and lacks the second batch, in the place of which a longer one is written.
async fn cut_off(world: &World) {
    world.broker.control().elect_uncleanly(&tp(0), BrokerId(2), 15);
    world.write(0, vec![batch(Compression::Lz4, 30, 50)]).await;
}

async fn next_reset(consumer: &mut Consumer) -> (PositionReset, Fetch) {
    loop {
        let fetch = consumer.poll().await.unwrap();
        if let Some(reset) = fetch.resets().first() {
            return (reset.clone(), fetch);
        }
        assert_eq!(fetch.partitions().len(), 0, "records of the new log, and no word");
    }
}

/// Whoever finds it: the new leader when it is asked, as from Kafka 2.3 on, or the fetch itself, as from
/// 2.7 on.
async fn a_reader_goes_back_to_where_the_logs_part() {
    for (fetch, offset_for_leader_epoch) in [(99, 99), (11, 4), (11, 3), (12, -1), (99, 2)] {
        let versions =
            [(ApiKey::Fetch, fetch), (ApiKey::OffsetForLeaderEpoch, offset_for_leader_epoch)];
        let (world, mut consumer, mut reader) = read_to_twenty(&versions, &[]).await;
        cut_off(&world).await;
        let (reset, fetched) = next_reset(&mut consumer).await;
        assert_eq!(reset.topic_partition, tp(0));
        assert_eq!((reset.from, reset.to, reset.cause), (20, 10, ResetCause::Truncated));
        reader.expect(0, 10);
        reader.take(fetched);
        while reader.next(0) < 40 {
            reader.take(consumer.poll().await.unwrap());
        }
    }
}

async fn without_a_policy_it_is_an_error_until_the_application_seeks() {
    let overrides = [("auto.offset.reset", "none")];
    let (world, mut consumer, mut reader) = read_to_twenty(&[], &overrides).await;
    cut_off(&world).await;
    for _ in 0..2 {
        let error = loop {
            match consumer.poll().await {
                Ok(fetch) => assert_eq!(fetch.partitions().len(), 0),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::LogTruncated);
        assert_eq!(error.place().topic_partition, Some(tp(0)));
        assert_eq!((error.place().offset, consumer.position(&tp(0))), (Some(20), Some(20)));
    }
    consumer.seek(&tp(0), StartOffset::At(10)).unwrap();
    reader.expect(0, 10);
    while reader.next(0) < 40 {
        reader.take(consumer.poll().await.unwrap());
    }
}

/// An application that stores offset and epoch of what it has read, and starts again from there.
async fn where_reading_stopped_earlier_is_compared_too() {
    let world = World::start(2, 1).await;
    world.write(0, vec![batch(Compression::None, 10, 50); 2]).await;
    let mut consumer = world.consumer(&[]);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let (stored, epoch): (Offset, LeaderEpoch) = loop {
        let batches = next_batches(&mut consumer).await;
        if batches.next_offset() == 20 {
            break (batches.next_offset(), batches.leader_epoch().unwrap());
        }
    };
    drop(consumer);
    cut_off(&world).await;
    let mut consumer = world.consumer(&[]);
    consumer.assign([(tp(0), StartOffset::AtEpoch(stored, epoch))]);
    let (reset, _) = next_reset(&mut consumer).await;
    assert_eq!((reset.from, reset.to), (20, 10));
}

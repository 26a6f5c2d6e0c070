//! Reading through the whole client from the in-process broker: what arrives, in which order, and
//! what happens when the cluster does not behave.

mod counts;
mod memory;
mod offsets;
mod parts;
mod replicas;
mod resets;
mod sessions;
mod topic_ids;
mod truncation;
mod world;

use kavka_broker::Disconnect;
use kavka_client::protocol::{
    ApiKey, BrokerId, Compression, Decompressor, ErrorCode, Offset, TopicPartition,
};
use kavka_client::{Client, ErrorKind, Properties, StartOffset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use world::{Reader, World, batch, next_batches, offsets, properties, tp};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial::conversation(
            "fetch::every_codec_on_many_partitions_is_read_whole",
            every_codec_on_many_partitions_is_read_whole,
        ),
        trial::conversation(
            "fetch::partitions_are_read_whole_while_their_leaders_move",
            partitions_are_read_whole_while_their_leaders_move,
        ),
        trial::conversation(
            "fetch::lost_connections_lose_and_repeat_nothing",
            lost_connections_lose_and_repeat_nothing,
        ),
        trial::conversation("fetch::passing_errors_are_not_seen", passing_errors_are_not_seen),
        trial::conversation(
            "fetch::a_lasting_error_names_its_place_and_keeps_the_position",
            a_lasting_error_names_its_place_and_keeps_the_position,
        ),
        trial::conversation(
            "fetch::out_of_range_is_reset_or_reported",
            out_of_range_is_reset_or_reported,
        ),
        trial::conversation(
            "fetch::what_was_fetched_before_retention_passed_is_delivered_first",
            what_was_fetched_before_retention_passed_is_delivered_first,
        ),
        trial::conversation(
            "fetch::symbolic_starts_are_where_the_log_begins_and_ends",
            symbolic_starts_are_where_the_log_begins_and_ends,
        ),
        trial::conversation(
            "fetch::a_seek_goes_on_exactly_where_it_says",
            a_seek_goes_on_exactly_where_it_says,
        ),
        trial::conversation(
            "fetch::a_pause_keeps_what_was_fetched_and_lets_the_others_go_on",
            a_pause_keeps_what_was_fetched_and_lets_the_others_go_on,
        ),
        trial::conversation(
            "fetch::polls_that_are_given_up_lose_nothing",
            polls_that_are_given_up_lose_nothing,
        ),
        trial::conversation(
            "fetch::consumers_of_one_client_do_not_wait_for_one_another",
            consumers_of_one_client_do_not_wait_for_one_another,
        ),
        trial::conversation(
            "fetch::batches_outlive_consumer_client_and_broker",
            batches_outlive_consumer_client_and_broker,
        ),
        trial::conversation(
            "fetch::the_end_is_told_once_per_arrival",
            the_end_is_told_once_per_arrival,
        ),
        trial::conversation(
            "fetch::a_missing_topic_or_partition_is_named",
            a_missing_topic_or_partition_is_named,
        ),
        trial::conversation(
            "fetch::a_topic_deleted_while_it_is_read_is_named",
            a_topic_deleted_while_it_is_read_is_named,
        ),
        trial::conversation(
            "fetch::every_version_of_the_requests_reads_the_same",
            every_version_of_the_requests_reads_the_same,
        ),
        trial::conversation(
            "fetch::one_large_partition_among_many_small_ones_holds_none_back",
            one_large_partition_among_many_small_ones_holds_none_back,
        ),
        trial::conversation(
            "fetch::a_million_records_arrive_once_and_in_order",
            a_million_records_arrive_once_and_in_order,
        ),
    ];
    trials.extend(counts::trials());
    trials.extend(memory::trials());
    trials.extend(offsets::trials());
    trials.extend(parts::trials());
    trials.extend(replicas::trials());
    trials.extend(resets::trials());
    trials.extend(sessions::trials());
    trials.extend(topic_ids::trials());
    trials.extend(truncation::trials());
    trials
}

const TOPIC: &str = "orders";
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

/// Six partitions, each with batches of every codec: every record arrives once, in order, with its
/// key, value and header, and each end is told.
async fn every_codec_on_many_partitions_is_read_whole() {
    let world = World::start(3, 6).await;
    for partition in 0..6 {
        world.write(partition, CODECS.map(|codec| batch(codec, 40, 100)).to_vec()).await;
    }
    let mut consumer = world.consumer(&[]);
    consumer.assign((0..6).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    reader.read_until_ends(&mut consumer, 6).await;
    for partition in 0..6 {
        assert_eq!(reader.next(partition), 200);
        assert_eq!(consumer.position(&tp(partition)), Some(200));
    }
}

/// Leaders move again and again while their partitions are read.
async fn partitions_are_read_whole_while_their_leaders_move() {
    let world = World::start(3, 4).await;
    for partition in 0..4 {
        world.write(partition, vec![batch(Compression::None, 10, 1000); 60]).await;
    }
    let mut consumer = world.consumer(&[("max.partition.fetch.bytes", "20000")]);
    consumer.assign((0..4).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    let mut step = 0;
    while reader.ends.len() < 4 {
        step += 1;
        let to = BrokerId(1 + step % 3);
        world.broker.control().move_leader(&tp(step % 4), to);
        reader.take(consumer.poll().await.unwrap());
    }
    assert!((0..4).all(|partition| reader.next(partition) == 600));
}

/// Connections end before and after a fetch was carried out.
async fn lost_connections_lose_and_repeat_nothing() {
    let world = World::start(1, 2).await;
    for partition in 0..2 {
        world.write(partition, vec![batch(Compression::None, 10, 100); 20]).await;
    }
    let mut consumer = world.consumer(&[("max.partition.fetch.bytes", "5000")]);
    consumer.assign((0..2).map(|partition| (tp(partition), StartOffset::At(0))));
    let mut reader = Reader::default();
    for when in [Disconnect::BeforeApplying, Disconnect::AfterApplying] {
        world.broker.control().disconnect_next(ApiKey::Fetch, when);
        world.broker.control().disconnect_next(ApiKey::Metadata, when);
        reader.take(consumer.poll().await.unwrap());
    }
    reader.read_until_ends(&mut consumer, 2).await;
    assert_eq!((reader.next(0), reader.next(1)), (200, 200));
}

/// Errors that pass are handled inside, for fetches as for lookups.
async fn passing_errors_are_not_seen() {
    use ErrorCode::*;
    for code in [
        NotLeaderOrFollower,
        FencedLeaderEpoch,
        UnknownLeaderEpoch,
        UnknownTopicOrPartition,
        LeaderNotAvailable,
        OffsetNotAvailable,
        KafkaStorageError,
    ] {
        let world = World::start(1, 1).await;
        world.write(0, vec![batch(Compression::None, 10, 100)]).await;
        world.broker.control().fail_next(ApiKey::ListOffsets, code, 1);
        world.broker.control().fail_next(ApiKey::Fetch, code, 2);
        let mut consumer = world.consumer(&[]);
        consumer.assign([(tp(0), StartOffset::Earliest)]);
        let mut reader = Reader::default();
        reader.read_until_ends(&mut consumer, 1).await;
        assert_eq!(reader.next(0), 10, "{code}");
    }
}

/// An error that does not pass is returned with its place, and the position stays.
async fn a_lasting_error_names_its_place_and_keeps_the_position() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::None, 10, 100)]).await;
    world.broker.control().fail_next(ApiKey::Fetch, ErrorCode::TopicAuthorizationFailed, 1);
    let mut consumer = world.consumer(&[]);
    consumer.assign([(tp(0), StartOffset::At(4))]);
    let error = consumer.poll().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TopicAuthorizationFailed));
    let place = error.place();
    assert_eq!((place.topic_partition.clone(), place.offset), (Some(tp(0)), Some(4)));
    assert_eq!(place.broker, Some(BrokerId(1)));
    assert_eq!(consumer.position(&tp(0)), Some(4));
    let mut reader = Reader::starting_at(4);
    reader.read_until_ends(&mut consumer, 1).await;
    assert_eq!(reader.next(0), 10);
}

/// A position that the log no longer holds goes where `auto.offset.reset` says.
async fn out_of_range_is_reset_or_reported() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::None, 10, 100); 10]).await;
    world.broker.control().delete_records_before(&tp(0), 40);
    for start in [7, 101] {
        let mut consumer = world.consumer(&[("auto.offset.reset", "earliest")]);
        consumer.assign([(tp(0), StartOffset::At(start))]);
        assert_eq!(next_batches(&mut consumer).await.first_offset(), 40, "from {start}");
        let mut consumer = world.consumer(&[("auto.offset.reset", "latest")]);
        consumer.assign([(tp(0), StartOffset::At(start))]);
        while consumer.position(&tp(0)) == Some(start) {
            consumer.poll().await.unwrap();
        }
        assert_eq!(consumer.position(&tp(0)), Some(100), "from {start}");
        let mut consumer = world.consumer(&[("auto.offset.reset", "none")]);
        consumer.assign([(tp(0), StartOffset::At(start))]);
        let error = consumer.poll().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
        let place = error.place();
        assert_eq!((place.topic_partition.clone(), place.offset), (Some(tp(0)), Some(start)));
        assert!(error.to_string().contains("40 to before 100"), "{error}");
    }
}

/// Retention overtakes a reader that has fetched ahead: what it has is delivered first.
async fn what_was_fetched_before_retention_passed_is_delivered_first() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::None, 10, 1000); 20]).await;
    let small = [("max.partition.fetch.bytes", "11000"), ("kavka.prefetch.bytes", "22000")];
    let mut consumer = world.consumer(&[&small[..], &[("auto.offset.reset", "earliest")]].concat());
    consumer.assign([(tp(0), StartOffset::At(0))]);
    let first = next_batches(&mut consumer).await;
    world.broker.control().delete_records_before(&tp(0), 150);
    let mut next = first.next_offset();
    drop(first);
    while next < 200 {
        let batches = next_batches(&mut consumer).await;
        assert!(batches.first_offset() == next || batches.first_offset() == 150);
        next = batches.next_offset();
    }
    assert_eq!(consumer.position(&tp(0)), Some(200));
}

/// Earliest and latest are resolved when the partition is assigned.
async fn symbolic_starts_are_where_the_log_begins_and_ends() {
    let world = World::start(1, 2).await;
    for partition in 0..2 {
        world.write(partition, vec![batch(Compression::None, 10, 100); 3]).await;
    }
    world.broker.control().delete_records_before(&tp(0), 10);
    let mut consumer = world.consumer(&[]);
    assert_eq!(consumer.position(&tp(0)), None);
    consumer.assign([(tp(0), StartOffset::Earliest), (tp(1), StartOffset::Latest)]);
    let mut reader = Reader::default();
    reader.expect(0, 10);
    reader.expect(1, 30);
    reader.read_until_ends(&mut consumer, 2).await;
    world.write(1, vec![batch(Compression::None, 5, 100)]).await;
    reader.ends.clear();
    reader.read_until_ends(&mut consumer, 1).await;
    assert_eq!((reader.next(0), reader.next(1)), (30, 35));
}

/// A seek drops what was read ahead, in whichever direction it goes.
async fn a_seek_goes_on_exactly_where_it_says() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::Zstd, 7, 100); 30]).await;
    let mut consumer = world.consumer(&[("max.partition.fetch.bytes", "500")]);
    consumer.assign([(tp(0), StartOffset::At(0))]);
    for to in [100, 3, 0, 11, 12, 13, 205] {
        next_batches(&mut consumer).await;
        consumer.seek(&tp(0), StartOffset::At(to)).unwrap();
        assert_eq!(consumer.position(&tp(0)), Some(to));
        let batches = next_batches(&mut consumer).await;
        assert_eq!((batches.first_offset(), offsets(&batches)[0]), (to, to));
    }
    let error = consumer.seek(&tp(9), StartOffset::At(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// A paused partition keeps what was fetched; nothing is fetched twice and the other goes on.
async fn a_pause_keeps_what_was_fetched_and_lets_the_others_go_on() {
    let world = World::start(1, 2).await;
    for partition in 0..2 {
        world.write(partition, vec![batch(Compression::None, 10, 1000); 40]).await;
    }
    let small = [("max.partition.fetch.bytes", "11000"), ("kavka.prefetch.bytes", "66000")];
    let mut consumer = world.consumer(&small);
    consumer.assign([(tp(0), StartOffset::At(0)), (tp(1), StartOffset::At(0))]);
    let mut reader = Reader::default();
    reader.take(consumer.poll().await.unwrap());
    consumer.pause(&[tp(0)]);
    let paused_at = reader.next(0);
    while reader.next(1) < 400 {
        reader.take(consumer.poll().await.unwrap());
    }
    assert_eq!(reader.next(0), paused_at);
    consumer.resume(&[tp(0)]);
    while reader.next(0) < 400 {
        reader.take(consumer.poll().await.unwrap());
    }
    // Each partition takes 40 fetches of one batch; some ask for both, none asks again.
    let fetches = world.broker.control().requests(ApiKey::Fetch);
    assert!(fetches <= 90, "{fetches} fetches");
}

/// A poll that is given up at any moment takes nothing with it.
async fn polls_that_are_given_up_lose_nothing() {
    let world = World::start(1, 2).await;
    for partition in 0..2 {
        world.write(partition, vec![batch(Compression::Snappy, 10, 100); 100]).await;
    }
    let mut consumer = world.consumer(&[("max.partition.fetch.bytes", "3000")]);
    consumer.assign((0..2).map(|partition| (tp(partition), StartOffset::At(0))));
    let mut reader = Reader::default();
    let mut given_up = 0;
    while reader.ends.len() < 2 {
        tokio::select! {
            biased;
            fetch = consumer.poll() => reader.take(fetch.unwrap()),
            () = tokio::task::yield_now() => given_up += 1,
        }
    }
    assert_eq!((reader.next(0), reader.next(1)), (1000, 1000));
    assert!(given_up > 0);
}

/// One that waits a minute for data does not hold up another, nor does one that was dropped.
async fn consumers_of_one_client_do_not_wait_for_one_another() {
    let world = World::start(1, 3).await;
    let patient = [("fetch.max.wait.ms", "60000")];
    let mut waiting = [world.consumer(&patient), world.consumer(&patient)];
    for consumer in &mut waiting {
        let fetches = world.broker.control().requests(ApiKey::Fetch);
        consumer.assign([(tp(1), StartOffset::At(0))]);
        while world.broker.control().requests(ApiKey::Fetch) == fetches {
            tokio::task::yield_now().await;
        }
    }
    let [_waiting, dropped] = waiting;
    drop(dropped);
    world.write(0, vec![batch(Compression::None, 10, 100); 3]).await;
    let mut consumer = world.consumer(&[]);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    let mut reader = Reader::default();
    reader.read_until_ends(&mut consumer, 1).await;
    assert_eq!(reader.next(0), 30);
}

/// What was handed out is the application's own.
async fn batches_outlive_consumer_client_and_broker() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::Gzip, 10, 100); 3]).await;
    let mut consumer = world.consumer(&[]);
    consumer.assign([(tp(0), StartOffset::At(5))]);
    let batches = next_batches(&mut consumer).await;
    drop(consumer);
    let World { broker, client } = world;
    drop(client);
    broker.shutdown().await;
    let read = tokio::task::spawn_blocking(move || offsets(&batches)).await.unwrap();
    assert_eq!(read, (5..30).collect::<Vec<Offset>>());
}

/// The end of a partition is told once per arrival, also of an empty one.
async fn the_end_is_told_once_per_arrival() {
    let world = World::start(1, 2).await;
    world.write(0, vec![batch(Compression::None, 10, 100)]).await;
    let mut consumer = world.consumer(&[("fetch.max.wait.ms", "1")]);
    consumer.assign((0..2).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut ends = Vec::new();
    while ends.len() < 2 {
        ends.extend_from_slice(consumer.poll().await.unwrap().ends());
    }
    ends.sort();
    assert_eq!(ends, [(tp(0), 10), (tp(1), 0)]);
    let before = world.broker.control().requests(ApiKey::Fetch);
    while world.broker.control().requests(ApiKey::Fetch) < before + 5 {
        tokio::select! {
            biased;
            fetch = consumer.poll() => panic!("no news, but {fetch:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    world.write(1, vec![batch(Compression::None, 2, 100)]).await;
    loop {
        let fetch = consumer.poll().await.unwrap();
        if !fetch.ends().is_empty() {
            assert_eq!(fetch.ends(), [(tp(1), 2)]);
            break;
        }
    }
}

/// Reading never creates a topic; one that does not exist is an error that names it.
async fn a_missing_topic_or_partition_is_named() {
    let world = World::start(1, 1).await;
    for (partition, kind) in [
        (TopicPartition::new("nowhere", 0), ErrorKind::UnknownTopic),
        (tp(7), ErrorKind::UnknownPartition),
    ] {
        let mut consumer = world.consumer(&[]);
        consumer.assign([(partition.clone(), StartOffset::Earliest)]);
        let error = consumer.poll().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.place().topic_partition, Some(partition));
    }
    let known = world.client.admin().list_topics().await.unwrap();
    assert!(known.iter().all(|topic| &*topic.name != "nowhere"));
}

/// A topic that is deleted while it is read is an error once it is really gone.
async fn a_topic_deleted_while_it_is_read_is_named() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(Compression::None, 10, 100)]).await;
    let mut consumer = world.consumer(&[("fetch.max.wait.ms", "10")]);
    consumer.assign([(tp(0), StartOffset::Earliest)]);
    Reader::default().read_until_ends(&mut consumer, 1).await;
    world.client.admin().delete_topics(&[TOPIC]).await.unwrap();
    let error = consumer.poll().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
    assert_eq!(error.place().topic_partition, Some(tp(0)));
}

/// Every version of Fetch and ListOffsets that is spoken reads the same.
async fn every_version_of_the_requests_reads_the_same() {
    for (fetch, list_offsets) in (4..=12).zip([1, 2, 3, 4, 5, 6, 7, 7, 7]) {
        let world = World::start(1, 2).await;
        for partition in 0..2 {
            world.write(partition, vec![batch(Compression::Lz4, 10, 100); 5]).await;
        }
        world.broker.control().api_versions(ApiKey::Fetch, fetch);
        world.broker.control().api_versions(ApiKey::ListOffsets, list_offsets);
        let client = Client::connect(properties(&world.broker)).await.unwrap();
        let mut consumer = client.consumer(Properties::new()).unwrap();
        consumer.assign((0..2).map(|partition| (tp(partition), StartOffset::Earliest)));
        let mut reader = Reader::default();
        reader.read_until_ends(&mut consumer, 2).await;
        assert_eq!((reader.next(0), reader.next(1)), (50, 50), "Fetch {fetch}");
    }
}

/// Two hundred partitions, one of which has most of the data: all are read, none of them twice.
async fn one_large_partition_among_many_small_ones_holds_none_back() {
    let world = World::start(3, 200).await;
    world.write(0, vec![batch(Compression::None, 10, 1000); 300]).await;
    for partition in 1..200 {
        world.write(partition, vec![batch(Compression::None, 3, 10)]).await;
    }
    let mut consumer = world.consumer(&[("kavka.prefetch.bytes", "1000000")]);
    consumer.assign((0..200).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut reader = Reader::default();
    reader.read_until_ends(&mut consumer, 200).await;
    assert_eq!(reader.next(0), 3000);
    assert!((1..200).all(|partition| reader.next(partition) == 3));
}

/// A million records in batches as producers make them: every one once and in order, and the broker
/// is not asked for anything twice.
async fn a_million_records_arrive_once_and_in_order() {
    let world = World::start(1, 4).await;
    let one = batch(Compression::None, 1000, 100);
    let log_bytes = one.len() * 1000;
    for partition in 0..4 {
        for _ in 0..25 {
            world.write(partition, vec![one.clone(); 10]).await;
        }
    }
    let mut consumer = world.consumer(&[]);
    consumer.assign((0..4).map(|partition| (tp(partition), StartOffset::Earliest)));
    let mut next = [0; 4];
    let (mut bytes, mut records) = (0, 0);
    let mut decompressor = Decompressor::default();
    while next.iter().sum::<Offset>() < 1_000_000 {
        for batches in consumer.poll().await.unwrap().into_partitions() {
            let at = &mut next[batches.topic_partition().partition as usize];
            bytes += batches.size_in_bytes();
            for batch in batches.batches() {
                for record in batch.unwrap().body(&mut decompressor).unwrap().records() {
                    assert_eq!(record.unwrap().offset(), *at);
                    *at += 1;
                    records += 1;
                }
            }
        }
    }
    assert_eq!((records, bytes), (1_000_000, log_bytes));
}

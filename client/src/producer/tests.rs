//! Waiting: for the fate of records, for memory, and for one's turn.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use kavka_protocol::{BrokerId, TopicPartition};

use super::delivery::{BatchDelivery, Delivery, Ticket};
use super::shared::{Clock, Hurdle, Reported, Shared};
use super::{OutgoingRecord, append};
use crate::config::ProducerConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::io::now;
use crate::state::produce::{Acknowledged, Settled};
use crate::topic::{PartitionMetadata, TopicMetadata};

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn waker() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken::default());
    (Arc::clone(&woken), Waker::from(woken))
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

/// A producer without a task, and one partition.
fn shared(properties: &[(&str, &str)]) -> Shared {
    shared_of(1, properties)
}

/// A producer without a task, and so many partitions.
fn shared_of(partitions: i32, properties: &[(&str, &str)]) -> Shared {
    let config = ProducerConfig::resolve(&properties.iter().copied().collect()).unwrap();
    let shared = Shared::new(&Arc::new(config), None, "me", 7);
    shared.learn(&described(0..partitions)).unwrap();
    shared
}

/// The topic with these partitions, all led by one broker.
fn described(numbers: impl IntoIterator<Item = i32>) -> Arc<TopicMetadata> {
    let (replicas, isr, offline) = (Vec::new(), Vec::new(), Vec::new());
    let (leader, leader_epoch) = (Some(BrokerId(1)), None);
    let first = PartitionMetadata { partition: 0, leader, leader_epoch, replicas, isr, offline };
    let numbers = numbers.into_iter();
    let numbered = numbers.map(|partition| PartitionMetadata { partition, ..first.clone() });
    let (name, partitions) = ("orders".into(), numbered.collect());
    Arc::new(TopicMetadata { name, id: None, is_internal: false, partitions })
}

fn record(value: &[u8]) -> OutgoingRecord<'_> {
    OutgoingRecord::to("orders").value(value)
}

/// Appends records that find room.
fn send(shared: &Shared, records: &[OutgoingRecord<'_>], delivery: &mut BatchDelivery) {
    let mut note = |ticket: &mut Ticket, index, _| delivery.add(ticket, index);
    assert!(append(shared, records, false, &mut note).hurdle.is_none());
}

fn send_one(shared: &Shared, value: &[u8]) -> Delivery {
    let mut state = shared.lock();
    let Ok(to) = state.append(&record(value), false, Clock::read()) else {
        panic!("refused");
    };
    Delivery::new(Arc::clone(&to.ticket.completion), to.index, 5)
}

/// Settles some records of everything that was appended.
fn settle(shared: &Shared, first: usize, records: usize, result: &Result<Acknowledged>) {
    let taken: Vec<_> = {
        let mut state = shared.lock();
        std::iter::from_fn(|| state.accumulator.poll_any()).collect()
    };
    let wholes = taken.into_iter().map(|batch| batch.settle(Error::closed("producer")));
    let settled = wholes.map(|whole| Settled { first, records, result: result.clone(), ..whole });
    shared.settle(settled.collect(), Vec::new());
}

fn acknowledged(base_offset: i64) -> Result<Acknowledged> {
    Ok(Acknowledged { base_offset: Some(base_offset), log_append_time: None })
}

fn refused() -> Result<Acknowledged> {
    Err(Error::new(ErrorKind::Timeout, "too late").with_maybe_written(true))
}

#[test]
fn whoever_appends_learns_whether_something_can_leave() {
    let shared = shared(&[("batch.size", "400")]);
    let value = [7; 90];
    let can_leave = |count| {
        let records = vec![record(&value); count];
        append(&shared, &records, false, &mut |_: &mut Ticket, _, _| ()).has_closed
    };
    assert!(!can_leave(1), "the batch has room");
    assert!(can_leave(4), "the first has none");
    settle(&shared, 0, 5, &acknowledged(0));
    assert!(!can_leave(1), "all that was full has left");
}

#[test]
fn each_record_of_a_batch_learns_its_own_offset() {
    let shared = shared(&[]);
    let mut deliveries = [b"a", b"b", b"c"].map(|value| send_one(&shared, value));
    let (woken, waker) = waker();
    assert!(poll(&mut deliveries[1], &waker).is_pending());
    settle(&shared, 0, 3, &acknowledged(40));
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    for (delivery, offset) in deliveries.iter_mut().zip(40..) {
        let Poll::Ready(Ok(metadata)) = poll(delivery, &waker) else {
            panic!("not settled");
        };
        assert_eq!(metadata.topic_partition, TopicPartition::new("orders", 0));
        assert_eq!((metadata.offset, metadata.timestamp), (Some(offset), 5));
    }
}

#[test]
fn an_offset_that_cannot_be_is_unknown() {
    let shared = shared(&[]);
    let mut deliveries = [b"a", b"b"].map(|value| send_one(&shared, value));
    settle(&shared, 0, 2, &acknowledged(i64::MAX));
    let [first, second] = deliveries.each_mut().map(|delivery| poll(delivery, Waker::noop()));
    assert!(matches!(first, Poll::Ready(Ok(metadata)) if metadata.offset == Some(i64::MAX)));
    assert!(matches!(second, Poll::Ready(Ok(metadata)) if metadata.offset.is_none()));
}

#[test]
fn the_brokers_time_replaces_the_records_where_there_is_one() {
    let shared = shared(&[]);
    let mut delivery = send_one(&shared, b"a");
    let result = Ok(Acknowledged { base_offset: None, log_append_time: Some(99) });
    settle(&shared, 0, 1, &result);
    let Poll::Ready(Ok(metadata)) = poll(&mut delivery, Waker::noop()) else {
        panic!("not settled");
    };
    assert_eq!((metadata.offset, metadata.timestamp), (None, 99));
}

#[test]
fn a_record_of_a_split_batch_has_the_fate_of_its_part() {
    let shared = shared(&[]);
    let mut deliveries = [b"a", b"b", b"c"].map(|value| send_one(&shared, value));
    let completion = deliveries[0].completion();
    let settled = |first, records, result| {
        let mut state = shared.lock();
        let ticket = Ticket::of(&completion);
        let id = state.accumulator.flush();
        Settled { id, ticket, first, records, of: 3, reserved: 0, result }
    };
    completion.settle(settled(1, 2, acknowledged(7)));
    assert!(poll(&mut deliveries[0], Waker::noop()).is_pending());
    assert!(
        matches!(poll(&mut deliveries[2], Waker::noop()), Poll::Ready(Ok(m)) if m.offset == Some(8))
    );
    completion.settle(settled(0, 1, refused()));
    assert!(matches!(poll(&mut deliveries[0], Waker::noop()), Poll::Ready(Err(_))));
}

#[test]
fn everybody_who_waits_is_woken_once_however_often_he_asked() {
    let shared = shared(&[]);
    let mut deliveries = [b"a", b"b"].map(|value| send_one(&shared, value));
    let (first, second) = (waker(), waker());
    for _ in 0..3 {
        assert!(poll(&mut deliveries[0], &first.1).is_pending());
        assert!(poll(&mut deliveries[1], &second.1).is_pending());
    }
    settle(&shared, 0, 1, &acknowledged(0));
    assert_eq!([&first.0, &second.0].map(|woken| woken.0.load(Ordering::Relaxed)), [1, 1]);
    assert!(poll(&mut deliveries[1], &second.1).is_pending(), "its own part is not settled");
    assert!(poll(&mut deliveries[0], &first.1).is_ready());
}

#[test]
fn a_call_is_delivered_when_all_its_batches_are() {
    let shared = shared(&[("batch.size", "100")]);
    let mut delivery = BatchDelivery::default();
    send(&shared, &[record(&[7; 60])], &mut delivery);
    assert!(poll(&mut delivery, Waker::noop()).is_pending());
    settle(&shared, 0, 1, &acknowledged(0));
    send(&shared, &[record(&[7; 60])], &mut delivery);
    let (woken, waker) = waker();
    assert!(poll(&mut delivery, &waker).is_pending());
    settle(&shared, 0, 1, &acknowledged(1));
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(matches!(poll(&mut delivery, &waker), Poll::Ready(Ok(()))));
}

#[test]
fn a_failure_of_others_in_the_same_batch_is_not_the_calls() {
    let shared = shared(&[]);
    let (mut first, mut second) = (BatchDelivery::default(), BatchDelivery::default());
    send(&shared, &[record(b"a"), record(b"b")], &mut first);
    send(&shared, &[record(b"c")], &mut second);
    send(&shared, &[record(b"d")], &mut first);
    settle(&shared, 2, 1, &refused());
    assert!(matches!(poll(&mut second, Waker::noop()), Poll::Ready(Err(_))));
    assert!(poll(&mut first, Waker::noop()).is_pending());
}

#[test]
fn the_first_failure_is_the_calls_at_once() {
    let shared = shared(&[]);
    let mut delivery = BatchDelivery::default();
    send(&shared, &[record(b"a"), record(b"b")], &mut delivery);
    settle(&shared, 1, 1, &refused());
    let Poll::Ready(Err(error)) = poll(&mut delivery, Waker::noop()) else {
        panic!("not settled");
    };
    assert!(error.may_have_been_written());
}

#[tokio::test(start_paused = true)]
async fn small_records_do_not_overtake_one_that_waits_for_memory() {
    let shared =
        shared(&[("batch.size", "1000"), ("buffer.memory", "2000"), ("max.request.size", "2000")]);
    let mut delivery = BatchDelivery::default();
    send(&shared, &[record(&[7; 900])], &mut delivery);
    let large = [7; 1900];
    let refusal = shared.lock().append(&record(&large), false, Clock::read()).err();
    assert!(matches!(refusal, Some(Hurdle::Full)));
    let turn = shared.turn(now() + Duration::from_secs(1)).await.unwrap();
    let refusal = shared.lock().append(&record(&[7; 900]), false, Clock::read()).err();
    assert!(matches!(refusal, Some(Hurdle::Full)), "there is room, but somebody waits");
    settle(&shared, 0, 1, &acknowledged(0));
    assert!(shared.lock().append(&record(&large), true, Clock::read()).is_ok());
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_memory_waits_in_line_and_not_for_ever() {
    let shared = shared(&[]);
    let deadline = now() + Duration::from_secs(1);
    let turn = shared.turn(deadline).await.unwrap();
    assert!(shared.turn(deadline).await.is_none());
    drop(turn);
    assert!(shared.turn(now() + Duration::from_secs(1)).await.is_some());
    assert!(shared.lock().append(&record(b"a"), false, Clock::read()).is_ok(), "the line is empty");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_producer_that_has_ended() {
    let shared = shared(&[]);
    shared.end(Error::closed("producer"));
    let refusal = shared.lock().append(&record(b"a"), false, Clock::read()).err();
    assert!(matches!(refusal, Some(Hurdle::Refused(error)) if error.kind() == ErrorKind::Closed));
    shared.flush(&Reported::default()).await.unwrap();
}

#[test]
fn records_without_a_key_go_where_fewer_batches_wait() {
    let value = [0; 1500];
    for (is_adaptive, expected) in [("true", 22..=30), ("false", 10..=20)] {
        let shared = shared_of(
            2,
            &[("batch.size", "1000"), ("partitioner.adaptive.partitioning.enable", is_adaptive)],
        );
        // Each takes a batch of its own; the broker of partition 0 takes none.
        let slow: Vec<_> = (0..30).map(|_| record(&value).partition(0)).collect();
        let any: Vec<_> = (0..30).map(|_| record(&value)).collect();
        for records in [&slow, &any] {
            send(&shared, records, &mut BatchDelivery::default());
        }
        let mut state = shared.lock();
        let index = state.topics.find("orders").and_then(|topic| topic.index(1)).unwrap();
        let waiting = state.accumulator.waiting(index);
        assert!(expected.contains(&waiting), "{is_adaptive}: {waiting}");
    }
}

#[test]
fn a_topic_whose_partitions_are_not_numbered_from_zero_on_is_refused_and_changes_nothing() {
    let shared = shared_of(2, &[]);
    for numbers in [vec![0, 1, i32::MAX - 1], vec![1], vec![0, 2], vec![-1, 0]] {
        let error = shared.learn(&described(numbers.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedAnswer, "{numbers:?}");
        assert!(error.to_string().contains("orders"), "{error}");
        let mut state = shared.lock();
        assert_eq!(state.topics.find("orders").unwrap().count(), 2, "{numbers:?}");
    }
    shared.learn(&described(0..3)).unwrap();
    assert_eq!(shared.lock().topics.find("orders").unwrap().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_handle_is_told_of_a_failure_once() {
    let shared = shared(&[]);
    let fail = |why: &'static str| {
        drop(send_one(&shared, b"a"));
        settle(&shared, 0, 1, &Err(Error::new(ErrorKind::Timeout, why)));
    };
    let told = async |handle: &Reported| {
        let flushed = shared.flush(handle).await;
        flushed.err().map(|error| error.to_string())
    };
    let (first, second) = (Reported::default(), Reported::default());
    fail("one");
    fail("two");
    assert_eq!(told(&first).await.as_deref(), Some("one"));
    assert_eq!(told(&first).await, None);
    let third = first.clone();
    assert_eq!(told(&second).await.as_deref(), Some("one"), "it may have been its record");
    fail("three");
    assert_eq!(told(&third).await.as_deref(), Some("three"));
    assert_eq!(told(&first).await.as_deref(), Some("three"));
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_closes_accepts_nothing_and_lets_what_it_has_be_sent() {
    let shared = shared(&[]);
    let mut delivery = send_one(&shared, b"a");
    shared.refuse(Error::closed("producer"));
    let refusal = shared.lock().append(&record(b"b"), false, Clock::read()).err();
    assert!(matches!(refusal, Some(Hurdle::Refused(error)) if error.kind() == ErrorKind::Closed));
    assert!(!shared.is_over());
    settle(&shared, 0, 1, &acknowledged(0));
    assert!(matches!(poll(&mut delivery, Waker::noop()), Poll::Ready(Ok(_))));
    let cause = shared.end(Error::new(ErrorKind::Timeout, "fenced"));
    assert_eq!((cause.kind(), shared.is_over()), (ErrorKind::Timeout, true));
    assert_eq!(shared.end(Error::closed("producer")).kind(), ErrorKind::Timeout, "the first end");
}

//! What is due when, what does not fit, and what a flush waits for.

use kavka_protocol::{Batches, Compressor, Decompressor};

use super::*;
use crate::error::{Error, ErrorKind};

const LINGER: Duration = Duration::from_millis(5);
const DELIVERY: Duration = Duration::from_secs(120);

fn limits() -> Limits {
    Limits {
        batch_size: 200,
        linger: LINGER,
        buffer_memory: 1000,
        max_request_size: 900,
        delivery_timeout: DELIVERY,
        compression: Compression::None,
        compression_level: None,
    }
}

struct Fixture {
    accumulator: Accumulator<&'static str>,
    now: Instant,
}

impl Fixture {
    fn new(limits: Limits) -> Self {
        Self { accumulator: Accumulator::new(limits), now: Instant::now() }
    }

    fn partition(&mut self, number: i32) -> PartitionIndex {
        self.accumulator.partition(&TopicPartition::new("orders", number))
    }

    fn append(&mut self, index: PartitionIndex, value: &str) -> Result<usize, Refusal> {
        let (key, value) = (None, Some(value.as_bytes()));
        let record = Record { timestamp: 7, key, value, headers: &[] };
        self.accumulator
            .append(index, record, true, self.now, |_| "ticket")
            .map(|appended| appended.index)
    }

    fn append_all(&mut self, index: PartitionIndex, values: &[&str]) {
        for value in values {
            self.append(index, value).unwrap();
        }
    }

    fn take(&mut self, index: PartitionIndex) -> Option<OpenBatch<&'static str>> {
        self.accumulator.take(index)
    }

    fn settle(&mut self, batch: OpenBatch<&'static str>) {
        self.accumulator.handle_settled(&batch.settle(Error::new(ErrorKind::Closed, "")));
    }
}

fn values(batch: OpenBatch<&str>) -> Vec<String> {
    let wire = batch.builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
    let view = Batches::new(wire).next().unwrap().unwrap();
    let body = view.body(&mut Decompressor::new()).unwrap();
    let texts = body.records().map(|record| record.unwrap().value().unwrap().to_vec());
    texts.map(|text| String::from_utf8(text).unwrap()).collect()
}

/// A record of about half a batch.
fn half() -> String {
    "x".repeat(90)
}

#[test]
fn an_open_batch_is_due_when_it_has_lingered() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &["a", "b"]);
    assert!(at.accumulator.take_wake(), "the owner has to learn of the first batch");
    assert_eq!(at.accumulator.poll_timeout(), Some(at.now + LINGER));
    assert_eq!(at.accumulator.poll_ready(at.now + LINGER - Duration::from_nanos(1)), None);
    assert!(at.take(orders).is_none());
    assert_eq!(at.accumulator.poll_ready(at.now + LINGER), Some(orders));
    assert_eq!(values(at.take(orders).unwrap()), ["a", "b"]);
    assert!(at.take(orders).is_none());
}

#[test]
fn without_linger_a_batch_is_due_at_once() {
    let mut at = Fixture::new(Limits { linger: Duration::ZERO, ..limits() });
    let orders = at.partition(0);
    at.append_all(orders, &["a"]);
    assert_eq!(at.accumulator.poll_ready(at.now), Some(orders));
}

#[test]
fn a_batch_that_has_no_room_for_another_such_record_is_due_at_once() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &[&half()]);
    assert!(at.accumulator.take_wake());
    assert_eq!(at.accumulator.poll_ready(at.now), Some(orders));
    assert_eq!(values(at.take(orders).unwrap()), [half()]);
}

#[test]
fn batches_and_records_come_out_in_the_order_of_appending() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &["1", &half(), "2", &half(), "3"]);
    let mut found = Vec::new();
    at.accumulator.flush();
    while let Some(batch) = at.take(orders) {
        found.extend(values(batch));
    }
    assert_eq!(found, ["1", &half(), "2", &half(), "3"]);
}

#[test]
fn partitions_have_batches_of_their_own() {
    let mut at = Fixture::new(limits());
    let (zero, one) = (at.partition(0), at.partition(1));
    assert_eq!(at.append(zero, "a"), Ok(0));
    assert_eq!(at.append(one, "b"), Ok(0));
    assert_eq!(at.append(zero, "c"), Ok(1));
    at.accumulator.flush();
    assert_eq!(values(at.take(zero).unwrap()), ["a", "c"]);
    assert_eq!(values(at.take(one).unwrap()), ["b"]);
}

#[test]
fn a_partition_is_named_again_after_nothing_was_left_to_take() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    for _ in 0..2 {
        at.append_all(orders, &["a"]);
        assert_eq!(at.accumulator.poll_ready(at.now + LINGER), Some(orders));
        assert_eq!(at.accumulator.poll_ready(at.now + LINGER), None);
        assert!(at.take(orders).is_some());
        assert!(at.take(orders).is_none());
    }
}

#[test]
fn a_full_buffer_refuses_and_makes_everything_due() {
    let mut at = Fixture::new(Limits { buffer_memory: 400, ..limits() });
    let partitions = [0, 1, 2].map(|number| at.partition(number));
    at.append_all(partitions[0], &["a"]);
    at.append_all(partitions[1], &["b"]);
    assert_eq!(at.append(partitions[2], "c"), Err(Refusal::Full));
    assert_eq!(at.append(partitions[0], "room in an open batch"), Ok(1));
    assert_eq!(at.accumulator.poll_ready(at.now), Some(partitions[0]));
    assert_eq!(at.accumulator.poll_ready(at.now), Some(partitions[1]));
    let taken = at.take(partitions[0]).unwrap();
    assert_eq!(at.append(partitions[2], "c"), Err(Refusal::Full), "taken is not settled");
    at.settle(taken);
    assert_eq!(at.append(partitions[2], "c"), Ok(0));
}

#[test]
fn a_record_beyond_a_limit_is_refused_with_the_name_of_the_limit() {
    let large = "x".repeat(1200);
    for (changed, property, limit) in [
        (
            Limits { max_request_size: 1100, buffer_memory: 5000, ..limits() },
            "max.request.size",
            1100,
        ),
        (Limits { max_request_size: 5000, buffer_memory: 1100, ..limits() }, "buffer.memory", 1100),
    ] {
        let mut at = Fixture::new(changed);
        let orders = at.partition(0);
        let refusal = at.append(orders, &large).unwrap_err();
        assert!(
            matches!(refusal, Refusal::TooLarge { size: 1261.., property: p, limit: l } if (p, l) == (property, limit)),
            "{refusal:?}"
        );
        assert_eq!(at.accumulator.unsettled(), 0);
    }
}

#[test]
fn a_record_beyond_the_batch_size_has_a_batch_of_its_own() {
    let large = "x".repeat(500);
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &["a", &large, "b"]);
    at.accumulator.flush();
    assert_eq!(values(at.take(orders).unwrap()), ["a"]);
    assert_eq!(values(at.take(orders).unwrap()), [large]);
    assert_eq!(values(at.take(orders).unwrap()), ["b"]);
}

#[test]
fn a_record_that_cannot_be_expressed_leaves_nothing_behind() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    let record = Record { timestamp: -2, key: None, value: None, headers: &[] };
    let refusal = at.accumulator.append(orders, record, true, at.now, |_| "ticket").unwrap_err();
    assert!(matches!(refusal, Refusal::Encode(EncodeError::Value { .. })));
    assert_eq!((at.accumulator.unsettled(), at.accumulator.reserved), (0, 0));
    at.accumulator.flush();
    assert!(at.take(orders).is_none());
    assert_eq!(at.append(orders, "next"), Ok(0));
}

#[test]
fn a_flush_waits_for_what_was_appended_before_it_and_for_nothing_else() {
    let mut at = Fixture::new(limits());
    let (zero, one) = (at.partition(0), at.partition(1));
    at.append_all(zero, &["before"]);
    let mark = at.accumulator.flush();
    at.append_all(one, &["after"]);
    assert_eq!(at.accumulator.poll_ready(at.now), Some(zero));
    assert_eq!(at.accumulator.poll_ready(at.now), None);
    let batch = at.take(zero).unwrap();
    assert!(!at.accumulator.is_settled_before(mark));
    at.settle(batch);
    assert!(at.accumulator.is_settled_before(mark));
    assert_eq!(at.accumulator.unsettled(), 1);
}

#[test]
fn a_batch_in_parts_is_settled_when_all_its_parts_are() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &["a", "b", "c"]);
    let mark = at.accumulator.flush();
    let whole = at.take(orders).unwrap().settle(Error::new(ErrorKind::Closed, ""));
    let reserved = whole.reserved;
    at.accumulator.handle_settled(&Settled { records: 2, reserved: 1, ..whole });
    assert!(!at.accumulator.is_settled_before(mark));
    let (id, result) = (BatchId(0), Err(Error::new(ErrorKind::Closed, "")));
    let rest = Settled {
        id,
        ticket: "ticket",
        first: 2,
        records: 1,
        of: 3,
        reserved: reserved - 1,
        result,
    };
    at.accumulator.handle_settled(&rest);
    assert!(at.accumulator.is_settled_before(mark));
    assert_eq!(at.accumulator.reserved, 0);
}

#[test]
fn what_nobody_takes_expires_oldest_first() {
    let mut at = Fixture::new(limits());
    let (zero, one) = (at.partition(0), at.partition(1));
    let start = at.now;
    at.append_all(zero, &["a"]);
    at.now += Duration::from_secs(1);
    at.append_all(one, &["b"]);
    while at.accumulator.poll_ready(at.now + LINGER).is_some() {}
    assert_eq!(at.accumulator.poll_timeout(), Some(start + DELIVERY));
    at.append_all(one, &[&half(), &half()]);
    let mut expired = |now| at.accumulator.expire(now).into_iter().map(values).collect::<Vec<_>>();
    assert!(expired(start + DELIVERY - Duration::from_nanos(1)).is_empty());
    assert_eq!(expired(start + DELIVERY), [["a"]]);
    assert!(expired(start + DELIVERY).is_empty());
    assert_eq!(at.accumulator.poll_timeout(), Some(at.now + DELIVERY));
    let mut expired = |now| at.accumulator.expire(now).into_iter().map(values).collect::<Vec<_>>();
    assert_eq!(expired(at.now + DELIVERY), [vec!["b".to_owned(), half()], vec![half()]]);
    assert!(expired(at.now + DELIVERY).is_empty());
    assert_eq!(at.accumulator.poll_timeout(), None);
}

#[test]
fn an_expired_batch_does_not_linger_on() {
    let mut at = Fixture::new(Limits { linger: DELIVERY * 2, ..limits() });
    let orders = at.partition(0);
    at.append_all(orders, &["a"]);
    assert_eq!(at.accumulator.expire(at.now + DELIVERY).len(), 1);
    at.now += DELIVERY;
    at.append_all(orders, &["b"]);
    assert_eq!(at.accumulator.poll_ready(at.now + DELIVERY * 2), Some(orders));
    assert_eq!(values(at.take(orders).unwrap()), ["b"]);
}

#[test]
fn a_partition_whose_batches_expired_untaken_is_named_again() {
    let mut at = Fixture::new(Limits { linger: Duration::ZERO, ..limits() });
    let orders = at.partition(0);
    at.append_all(orders, &["a"]);
    assert_eq!(at.accumulator.poll_ready(at.now), Some(orders));
    at.now += DELIVERY;
    assert_eq!(at.accumulator.expire(at.now).len(), 1);
    at.append_all(orders, &["b"]);
    assert_eq!(at.accumulator.poll_ready(at.now), Some(orders));
}

#[test]
fn everything_comes_out_when_all_is_given_up() {
    let mut at = Fixture::new(limits());
    let (zero, one) = (at.partition(0), at.partition(1));
    at.append_all(zero, &[&half(), "a"]);
    at.append_all(one, &["b"]);
    let batches: Vec<_> =
        std::iter::from_fn(|| at.accumulator.poll_any()).flat_map(values).collect();
    assert_eq!(batches, [&half(), "a", "b"]);
}

#[test]
fn appending_to_a_known_batch_wakes_nobody() {
    let mut at = Fixture::new(limits());
    let orders = at.partition(0);
    at.append_all(orders, &["a"]);
    assert!(at.accumulator.take_wake());
    at.append_all(orders, &["b"]);
    assert!(!at.accumulator.take_wake());
}

#[test]
fn memory_that_comes_back_is_used_again_within_the_limit() {
    let mut at = Fixture::new(Limits { buffer_memory: 400, ..limits() });
    let orders = at.partition(0);
    let spares = [200, 200, 200, 100, 1000].map(BytesMut::with_capacity);
    let first = spares[1].as_ptr();
    spares.into_iter().for_each(|spare| at.accumulator.handle_spare(spare));
    assert_eq!(at.accumulator.spares.len(), 2, "no more than buffer.memory, none of another size");
    at.append_all(orders, &["a"]);
    at.accumulator.flush();
    let wire = at.take(orders).unwrap().builder.seal(&mut Compressor::new()).unwrap();
    assert_eq!(wire.into_stamped(None).as_ptr(), first);
}

//! Stamps that never change and are never given twice, order, and what follows a gap.

use std::time::Duration;

use bytes::Bytes;
use kavka_protocol::{
    BatchBuilder, Compression, Compressor, RecordBatchHeader, Sequence, TopicPartition,
};

use super::*;
use crate::state::backoff::Backoff;
use crate::state::produce::BatchId;

const ORDERS: PartitionIndex = PartitionIndex(0);
const LEADER: BrokerId = BrokerId(1);

struct Fixture {
    sequencer: Sequencer<char>,
    now: Instant,
}

impl Fixture {
    /// A producer in epoch 0 whose first record, with sequence number 0, was accepted.
    fn new() -> Self {
        let mut at = Self::unidentified();
        at.sequencer.handle_identity(identity(7, 0));
        let first = at.send('z', 1);
        at.acked(first);
        at
    }

    fn unidentified() -> Self {
        Self { sequencer: Sequencer::new(true, 5), now: Instant::now() }
    }

    /// Pushes a batch of `records` and sends it.
    fn send(&mut self, ticket: char, records: usize) -> EntryNumber {
        self.push(ticket, records);
        self.resend()
    }

    fn push(&mut self, ticket: char, records: usize) {
        let (batch, sealed) = batch(ticket, records, self.now + Duration::from_secs(120));
        self.sequencer.push(ORDERS, batch, sealed, self.now);
    }

    /// Sends what is next.
    fn resend(&mut self) -> EntryNumber {
        let Next::Entry(number, _) = self.next() else {
            panic!("nothing to send: {:?}", self.next());
        };
        self.sequencer.sent(ORDERS, number, LEADER);
        number
    }

    fn next(&self) -> Next {
        self.sequencer.next(ORDERS, LEADER, self.now)
    }

    fn retry(&mut self, number: EntryNumber) {
        self.sequencer.retry(ORDERS, number, self.now);
    }

    fn restamp(&mut self, number: EntryNumber) {
        self.sequencer.restamp(ORDERS, number, self.now);
    }

    fn acked(&mut self, number: EntryNumber) -> Option<char> {
        self.sequencer.acked(ORDERS, number).map(|batch| batch.ticket)
    }

    fn fail(&mut self, number: EntryNumber, maybe_written: bool) -> Option<char> {
        self.sequencer.fail(ORDERS, number, maybe_written).map(|batch| batch.ticket)
    }

    /// Epoch and first sequence number of what goes over the wire.
    fn stamp(&self, number: EntryNumber) -> (i16, i32) {
        let header = self.header(number);
        (header.producer_epoch.unwrap().0, header.base_sequence.unwrap().get())
    }

    fn header(&self, number: EntryNumber) -> RecordBatchHeader {
        RecordBatchHeader::parse(&self.wire(number)).unwrap()
    }

    fn wire(&self, number: EntryNumber) -> Bytes {
        self.sequencer.batch(ORDERS, number).unwrap().wire.clone()
    }
}

fn identity(id: i64, epoch: i16) -> Identity {
    Identity { producer_id: ProducerId(id), producer_epoch: ProducerEpoch(epoch) }
}

fn batch(ticket: char, records: usize, deadline: Instant) -> (Batch<char>, SealedBatch) {
    let mut builder = BatchBuilder::new(Compression::None, None);
    for _ in 0..records {
        builder.append(7, None, Some(b"value"), []).unwrap();
    }
    let batch = Batch {
        id: BatchId(0),
        partition: ORDERS,
        topic_partition: TopicPartition::new("orders", 0),
        ticket,
        first: 0,
        records,
        of: records,
        wire: Bytes::new(),
        reserved: 100,
        opened: deadline,
        deadline,
        attempts: 0,
        maybe_written: false,
        trouble: None,
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(1), 0),
    };
    (batch, builder.seal(&mut Compressor::new()).unwrap())
}

#[test]
fn stamps_count_the_records_of_each_partition() {
    let mut at = Fixture::new();
    let first = at.send('a', 3);
    let second = at.send('b', 1);
    let (other, sealed) = batch('c', 1, at.now);
    at.sequencer.push(PartitionIndex(4), other, sealed, at.now);
    let Next::Entry(third, _) = at.sequencer.next(PartitionIndex(4), LEADER, at.now) else {
        panic!("nothing to send");
    };
    let wire = &at.sequencer.batch(PartitionIndex(4), third).unwrap().wire;
    assert_eq!((at.stamp(first), at.stamp(second)), ((0, 1), (0, 4)));
    assert_eq!(RecordBatchHeader::parse(wire).unwrap().base_sequence, Some(Sequence::new(0)));
}

#[test]
fn a_retried_batch_keeps_its_bytes_and_its_stamp() {
    let mut at = Fixture::new();
    let first = at.send('a', 3);
    let wire = at.wire(first);
    at.retry(first);
    assert_eq!(at.resend(), first);
    assert_eq!(at.wire(first), wire);
}

#[test]
fn without_idempotence_nothing_is_stamped() {
    let mut at = Fixture::new();
    at.sequencer = Sequencer::new(false, 5);
    let first = at.send('a', 3);
    assert_eq!(at.header(first).producer_id, None);
    at.fail(first, true);
    assert_eq!(at.next(), Next::NewBatch);
}

#[test]
fn nothing_new_goes_out_before_the_producer_has_an_identity() {
    let mut at = Fixture::unidentified();
    assert!(at.sequencer.needs_identity());
    assert_eq!(at.next(), Next::Blocked);
    at.sequencer.handle_identity(identity(7, 3));
    let first = at.send('a', 1);
    assert_eq!(at.stamp(first), (3, 0));
}

#[test]
fn a_second_batch_waits_until_the_first_is_accepted() {
    let mut at = Fixture::unidentified();
    at.sequencer.handle_identity(identity(7, 0));
    let first = at.send('a', 1);
    assert_eq!(at.next(), Next::Blocked, "a new producer may begin with any sequence number");
    at.acked(first);
    at.send('b', 1);
    assert_eq!(at.next(), Next::NewBatch);
}

#[test]
fn what_goes_to_another_topic_waits_for_what_is_under_way_to_the_first() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 1), at.send('b', 1));
    at.sequencer.set_topic(ORDERS, topic(2));
    assert_eq!(at.next(), Next::Blocked, "what is refused would come behind what is sent now");
    at.retry(first);
    assert_eq!(at.resend(), first);
    at.acked(first);
    assert_eq!(at.next(), Next::Blocked, "the second would come behind the third");
    at.retry(second);
    assert_eq!(at.resend(), second);
    assert_eq!(at.next(), Next::NewBatch);
}

#[test]
fn in_another_topic_the_second_batch_waits_until_the_first_is_accepted() {
    let mut at = Fixture::new();
    at.sequencer.set_topic(ORDERS, topic(1));
    let first = at.send('a', 1);
    at.acked(first);
    let old = at.send('b', 1);
    at.sequencer.set_topic(ORDERS, topic(2));
    at.acked(old);
    let first = at.send('c', 1);
    assert_eq!(at.next(), Next::Blocked, "the brokers know nothing of this producer there");
    at.acked(first);
    let second = at.send('d', 1);
    assert_eq!(at.stamp(second), (0, 4), "the numbers go on");
}

fn topic(number: u128) -> Option<TopicId> {
    Some(TopicId(uuid::Uuid::from_u128(number)))
}

#[test]
fn at_most_five_batches_are_in_line() {
    let mut at = Fixture::new();
    let sent: Vec<_> = "abcde".chars().map(|ticket| at.send(ticket, 1)).collect();
    assert_eq!(at.next(), Next::Blocked);
    at.acked(sent[0]);
    assert_eq!(at.next(), Next::NewBatch);
}

#[test]
fn retries_leave_before_what_follows_them_and_in_order() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 1), at.send('b', 1));
    at.retry(second);
    at.retry(first);
    at.push('c', 1);
    assert_eq!(at.resend(), first);
    assert_eq!(at.resend(), second);
    at.resend();
    assert_eq!(at.next(), Next::NewBatch);
}

#[test]
fn a_retry_waits_out_its_backoff_and_holds_up_what_follows() {
    let mut at = Fixture::new();
    let first = at.send('a', 1);
    at.push('b', 1);
    let until = at.now + Duration::from_millis(100);
    at.sequencer.retry(ORDERS, first, until);
    assert_eq!(at.next(), Next::Wait(until));
    at.now = until;
    assert_eq!(at.resend(), first);
}

#[test]
fn nothing_overtakes_an_attempt_at_another_broker() {
    let mut at = Fixture::new();
    let first = at.send('a', 1);
    at.push('b', 1);
    assert_eq!(at.sequencer.next(ORDERS, BrokerId(2), at.now), Next::Blocked);
    at.retry(first);
    assert!(
        matches!(at.sequencer.next(ORDERS, BrokerId(2), at.now), Next::Entry(number, _) if number == first)
    );
}

#[test]
fn a_batch_that_was_surely_not_written_leaves_a_gap_and_the_next_epoch_closes_it() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 2), at.send('b', 3));
    assert_eq!(at.fail(first, false), Some('a'));
    assert_eq!(at.next(), Next::Blocked, "a stamp does not change while it is under way");
    assert_eq!(at.stamp(second), (0, 3));
    at.retry(second);
    assert_eq!(at.resend(), second);
    assert_eq!(at.stamp(second), (1, 0));
    at.acked(second);
    let third = at.send('c', 1);
    assert_eq!(at.stamp(third), (1, 3));
}

#[test]
fn a_gap_behind_a_batch_leaves_its_stamp_alone() {
    let mut at = Fixture::new();
    let (first, second, third) = (at.send('a', 1), at.send('b', 1), at.send('c', 1));
    at.fail(second, false);
    at.retry(third);
    at.retry(first);
    assert_eq!(at.resend(), first);
    assert_eq!(at.stamp(first), (0, 1), "it may be in the log under this stamp");
    assert_eq!(at.next(), Next::Blocked, "an epoch fences the ones before it");
    at.acked(first);
    assert_eq!(at.resend(), third);
    assert_eq!(at.stamp(third), (1, 0));
}

#[test]
fn a_doubt_is_resolved_when_a_later_batch_is_accepted() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 1), at.send('b', 1));
    at.fail(first, true);
    assert!(at.sequencer.is_after_doubt(ORDERS, second));
    at.retry(second);
    assert_eq!(at.resend(), second);
    assert_eq!(at.stamp(second), (0, 2), "if both were written, only this stamp tells");
    assert_eq!(at.next(), Next::Blocked, "what is new waits for certainty");
    assert_eq!(at.acked(second), Some('b'));
    let third = at.send('c', 1);
    assert_eq!(at.stamp(third), (0, 3));
}

#[test]
fn a_doubt_becomes_a_gap_when_the_next_batch_is_refused() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 1), at.send('b', 1));
    at.fail(first, true);
    at.restamp(second);
    assert_eq!(at.resend(), second);
    assert_eq!(at.stamp(second), (1, 0));
}

#[test]
fn a_doubt_with_nothing_behind_it_begins_the_next_epoch() {
    let mut at = Fixture::new();
    let first = at.send('a', 1);
    at.fail(first, true);
    let second = at.send('b', 1);
    assert_eq!(at.stamp(second), (1, 0));
}

#[test]
fn an_epoch_begins_only_when_nothing_is_under_way() {
    let mut at = Fixture::new();
    let sent: Vec<_> = "abc".chars().map(|ticket| at.send(ticket, 2)).collect();
    at.restamp(sent[0]);
    at.retry(sent[1]);
    assert_eq!(at.next(), Next::Blocked);
    at.retry(sent[2]);
    let stamps = [sent[0], sent[1], sent[2]].map(|number| at.stamp(number));
    assert_eq!(stamps, [(1, 0), (1, 2), (1, 4)]);
    assert_eq!(at.resend(), sent[0]);
}

#[test]
fn each_partition_counts_its_own_epochs() {
    let mut at = Fixture::new();
    let first = at.send('a', 1);
    at.fail(first, false);
    let (other, sealed) = batch('b', 1, at.now);
    at.sequencer.push(PartitionIndex(1), other, sealed, at.now);
    let Next::Entry(number, _) = at.sequencer.next(PartitionIndex(1), LEADER, at.now) else {
        panic!("nothing to send");
    };
    let wire = &at.sequencer.batch(PartitionIndex(1), number).unwrap().wire;
    assert_eq!(RecordBatchHeader::parse(wire).unwrap().producer_epoch, Some(ProducerEpoch(0)));
}

#[test]
fn after_the_last_epoch_comes_another_producer_id() {
    let mut at = Fixture::unidentified();
    at.sequencer.handle_identity(identity(7, i16::MAX));
    let zeroth = at.send('z', 1);
    at.acked(zeroth);
    let (first, second) = (at.send('a', 1), at.send('b', 1));
    at.restamp(first);
    at.retry(second);
    assert!(at.sequencer.needs_identity());
    assert_eq!(at.next(), Next::Blocked);
    at.sequencer.handle_identity(identity(8, 0));
    assert_eq!(at.resend(), first);
    assert_eq!(at.header(first).producer_id, Some(ProducerId(8)));
    assert_eq!((at.stamp(first), at.stamp(second)), ((0, 0), (0, 1)));
}

#[test]
fn the_halves_of_a_batch_share_its_sequence_numbers() {
    let mut at = Fixture::new();
    let (first, second) = (at.send('a', 5), at.send('b', 1));
    let halves = [batch('x', 2, at.now), batch('y', 3, at.now)];
    at.sequencer.split(ORDERS, first, halves, at.now);
    at.retry(second);
    let stamps = [at.resend(), at.resend(), at.resend()].map(|number| at.stamp(number));
    assert_eq!(stamps, [(0, 1), (0, 3), (0, 6)]);
}

#[test]
fn an_expired_batch_under_way_is_given_up_but_its_answer_still_counts() {
    let mut at = Fixture::new();
    let first = at.send('a', 1);
    at.now += Duration::from_secs(120);
    let expired = at.sequencer.expire(at.now);
    assert_eq!(expired.len(), 1);
    assert!(expired[0].maybe_written);
    at.push('b', 1);
    let second = at.resend();
    assert!(at.acked(first).is_none(), "it was given up before");
    assert_eq!(at.stamp(second), (0, 2), "its sequence number is used up");
    at.acked(second);
    let third = at.send('c', 1);
    assert_eq!(at.stamp(third), (0, 3));
}

#[test]
fn an_expired_batch_that_waits_leaves_a_gap_or_a_doubt() {
    for (maybe_written, stamp_of_next) in [(false, (1, 0)), (true, (0, 2))] {
        let mut at = Fixture::new();
        let first = at.send('a', 1);
        let (mut later, sealed) = batch('b', 1, at.now + Duration::from_secs(500));
        later.maybe_written = maybe_written;
        at.sequencer.push(ORDERS, later, sealed, at.now);
        at.sequencer.batch_mut(ORDERS, first).unwrap().maybe_written = maybe_written;
        at.retry(first);
        at.now += Duration::from_secs(120);
        assert_eq!(at.sequencer.expire(at.now).len(), 1);
        let second = at.resend();
        assert_eq!(at.stamp(second), stamp_of_next, "maybe written: {maybe_written}");
    }
}

//! Order and stamps of the batches of each partition (KIP-98, KIP-360).

mod line;
#[cfg(test)]
mod tests;

use std::time::Instant;

use kavka_protocol::{BrokerId, ProducerEpoch, ProducerId, SealedBatch, TopicId};

use super::PartitionIndex;
use super::batch::Batch;

pub(super) use line::EntryNumber;
use line::Line;

/// Keeps the batches of every partition in order from their sealing until their fate is known, and
/// gives each a stamp by which brokers recognise what they already have.
///
/// `push` puts a batch behind the others of its partition; `next` says which one to send and `sent`
/// that it was. After each attempt exactly one of `acked`, `retry`, `restamp`, `fail` and `split` is
/// called. `expire` gives up what is too old.
///
/// A batch keeps its stamp through all its attempts, and no stamp is ever given to other records.
/// Where the log has a gap that can never be filled, because a batch was given up, the partition
/// goes on under the next epoch, whose sequence numbers start at zero: brokers count by partition,
/// so each partition moves to its next epoch on its own.
pub(super) struct Sequencer<T> {
    stamping: Stamping,
    max_in_flight: usize,
    next_number: u64,
    lines: Vec<Line<T>>,
}

/// A producer as the cluster knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: ProducerId,
    pub(crate) producer_epoch: ProducerEpoch,
}

/// Whether batches get stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamping {
    /// The producer is not idempotent.
    Off,
    /// It is, and has no identity yet, or none with epochs left.
    Unidentified,
    On(Identity),
}

/// What a partition would send next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// This entry, of this many bytes.
    Entry(EntryNumber, usize),
    /// A new batch, if there is one.
    NewBatch,
    /// Nothing before this time.
    Wait(Instant),
    /// Nothing before an answer, or an identity, has arrived.
    Blocked,
}

impl<T> Sequencer<T> {
    /// A sequencer that stamps if `is_idempotent`, with at most `max_in_flight` batches in line per
    /// partition.
    pub(super) fn new(is_idempotent: bool, max_in_flight: usize) -> Self {
        let stamping = if is_idempotent { Stamping::Unidentified } else { Stamping::Off };
        Self { stamping, max_in_flight, next_number: 0, lines: Vec::new() }
    }

    /// The cluster has named this producer.
    pub(super) fn handle_identity(&mut self, identity: Identity) {
        self.stamping = Stamping::On(identity);
        for index in 0..self.lines.len() {
            self.close_gap(PartitionIndex(index));
        }
    }

    /// Puts `batch`, which is `sealed`, behind the others, to be sent from `now` on.
    pub(super) fn push(
        &mut self,
        index: PartitionIndex,
        batch: Batch<T>,
        sealed: SealedBatch,
        now: Instant,
    ) {
        let number = self.next_number();
        let identity = self.identity();
        self.line(index).push(number, (batch, sealed), identity, now);
    }

    /// The topic that has the name now: what is sent from here on goes there.
    pub(super) fn set_topic(&mut self, index: PartitionIndex, topic: Option<TopicId>) {
        self.line(index).set_topic(topic);
    }

    /// The topic that the partition is one of, as far as is known.
    pub(super) fn topic(&self, index: PartitionIndex) -> Option<TopicId> {
        self.lines.get(index.0)?.topic()
    }

    /// An attempt to write the entry at broker `to` begins.
    pub(super) fn sent(&mut self, index: PartitionIndex, number: EntryNumber, to: BrokerId) {
        self.line(index).sent(number, to);
    }

    /// The entry is in the log. `None` if it was abandoned before.
    pub(super) fn acked(&mut self, index: PartitionIndex, number: EntryNumber) -> Option<Batch<T>> {
        let acked = self.line(index).acked(number);
        self.close_gap(index);
        acked
    }

    /// The same bytes are to be sent again, not before `until`.
    pub(super) fn retry(&mut self, index: PartitionIndex, number: EntryNumber, until: Instant) {
        self.line(index).retry(number, until);
        self.close_gap(index);
    }

    /// Whatever waits for its next attempt need not wait; says whether something did.
    pub(super) fn hurry(&mut self, index: PartitionIndex) -> bool {
        self.lines.get_mut(index.0).is_some_and(Line::hurry)
    }

    /// Nothing from this entry on will be accepted as it is stamped: a new epoch is needed.
    pub(super) fn restamp(&mut self, index: PartitionIndex, number: EntryNumber, until: Instant) {
        self.line(index).restamp(number, until);
        self.close_gap(index);
    }

    /// The entry is given up. `None` if it was abandoned before.
    pub(super) fn fail(
        &mut self,
        index: PartitionIndex,
        number: EntryNumber,
        maybe_written: bool,
    ) -> Option<Batch<T>> {
        let failed = self.line(index).fail(number, maybe_written);
        self.close_gap(index);
        failed
    }

    /// The entry gives its place to `parts`, which together hold its records.
    pub(super) fn split(
        &mut self,
        index: PartitionIndex,
        number: EntryNumber,
        parts: [(Batch<T>, SealedBatch); 2],
        now: Instant,
    ) {
        let numbers = [self.next_number(), self.next_number()];
        self.line(index).split(number, numbers, parts, now);
        self.close_gap(index);
    }

    /// Gives up every batch whose deadline has passed, even while an attempt is under way.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Batch<T>> {
        self.give_up(|batch| batch.deadline <= now)
    }

    /// Gives up every batch.
    pub(super) fn expire_all(&mut self) -> Vec<Batch<T>> {
        self.give_up(|_| true)
    }

    /// Whether nothing new can be stamped before `handle_identity`.
    pub(super) fn needs_identity(&self) -> bool {
        self.stamping == Stamping::Unidentified
    }

    /// What the partition would send to `broker` now.
    pub(super) fn next(&self, index: PartitionIndex, broker: BrokerId, now: Instant) -> Next {
        match self.lines.get(index.0) {
            Some(line) => line.next(broker, self.max_in_flight, !self.needs_identity(), now),
            None if self.needs_identity() => Next::Blocked,
            None => Next::NewBatch,
        }
    }

    /// The batch of the entry, unless it was given up.
    pub(super) fn batch(&self, index: PartitionIndex, number: EntryNumber) -> Option<&Batch<T>> {
        self.lines.get(index.0)?.entry(number)?.batch.as_ref()
    }

    pub(super) fn batch_mut(
        &mut self,
        index: PartitionIndex,
        number: EntryNumber,
    ) -> Option<&mut Batch<T>> {
        self.lines.get_mut(index.0)?.entry_mut(number)?.batch.as_mut()
    }

    /// Whether the partition has batches whose fate is open.
    pub(super) fn has_batches(&self, index: PartitionIndex) -> bool {
        self.lines.get(index.0).is_some_and(Line::has_batches)
    }

    /// Whether everything before the entry is settled.
    pub(super) fn is_oldest(&self, index: PartitionIndex, number: EntryNumber) -> bool {
        self.lines.get(index.0).is_some_and(|line| line.is_oldest(number))
    }

    /// Whether a batch right before the entry was given up without knowing its fate.
    pub(super) fn is_after_doubt(&self, index: PartitionIndex, number: EntryNumber) -> bool {
        self.lines.get(index.0).is_some_and(|line| line.is_after_doubt(number))
    }

    /// The earliest deadline of a batch in line.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lines.iter().filter_map(Line::deadline).min()
    }

    fn give_up(&mut self, is_due: impl Fn(&Batch<T>) -> bool) -> Vec<Batch<T>> {
        let mut given_up = Vec::new();
        for index in 0..self.lines.len() {
            let before = given_up.len();
            self.lines[index].give_up(&is_due, &mut given_up);
            if given_up.len() > before {
                self.close_gap(PartitionIndex(index));
            }
        }
        given_up
    }

    /// Begins the next epoch of the partition if it needs one and nothing is under way.
    fn close_gap(&mut self, index: PartitionIndex) {
        if !self.line(index).is_ready_for_next_epoch() {
            return;
        }
        let next = match (self.line(index).identity(), self.stamping) {
            (_, Stamping::Off) => return,
            (Some(current), _) if current.producer_epoch.0 < i16::MAX => {
                let producer_epoch = ProducerEpoch(current.producer_epoch.0 + 1);
                Some(Identity { producer_epoch, ..current })
            }
            (current, Stamping::On(fresh)) => Some(fresh)
                .filter(|_| current.is_none_or(|current| current.producer_id != fresh.producer_id)),
            (_, Stamping::Unidentified) => None,
        };
        match next {
            Some(identity) => self.line(index).begin_epoch(identity),
            None => self.stamping = Stamping::Unidentified,
        }
    }

    fn identity(&self) -> Option<Identity> {
        match self.stamping {
            Stamping::On(identity) => Some(identity),
            Stamping::Off | Stamping::Unidentified => None,
        }
    }

    fn line(&mut self, index: PartitionIndex) -> &mut Line<T> {
        if self.lines.len() <= index.0 {
            self.lines.resize_with(index.0 + 1, Line::default);
        }
        &mut self.lines[index.0]
    }

    fn next_number(&mut self) -> EntryNumber {
        self.next_number += 1;
        EntryNumber(self.next_number)
    }
}

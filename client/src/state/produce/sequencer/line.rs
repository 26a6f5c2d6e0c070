//! The batches of one partition in the order in which they must get into its log.

use std::collections::VecDeque;
use std::time::Instant;

use kavka_protocol::{BrokerId, ProducerStamp, SealedBatch, Sequence, TopicId};

use super::super::batch::Batch;
use super::{Identity, Next};

/// One partition's batches, from the oldest whose fate is open to the newest.
pub(super) struct Line<T> {
    entries: VecDeque<Entry<T>>,
    /// What the log may lack between the last entry and the next new batch.
    behind: Before,
    /// Under which identity stamps are given; none before the first stamp.
    identity: Option<Identity>,
    next_sequence: Sequence,
    /// Where batches go: the topic that has the name, as far as that is known.
    topic: Option<TopicId>,
    /// A batch was accepted under this identity, in this topic. Of a producer that is new to it a broker
    /// accepts any sequence number: until then a later batch could get into the log in place of a
    /// refused first.
    is_established: bool,
}

/// One batch in line.
pub(super) struct Entry<T> {
    number: EntryNumber,
    /// Gone once the batch was given up while an attempt was under way.
    pub(super) batch: Option<Batch<T>>,
    stamp: Option<ProducerStamp>,
    before: Before,
    state: State,
}

/// Names an entry among all that ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct EntryNumber(pub(super) u64);

/// What the log may lack right before an entry.
///
/// ```text
/// Nothing → Doubt  a batch was given up that may have been written
///         → Gap    a batch was given up that was not, or the broker says that it is missing
/// Doubt → Nothing  the entry, or a later one, was accepted: the batch was written
///       → Gap      the entry was refused, or there is none
/// Gap → Nothing    everything before is settled and nothing under way: the next epoch begins
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    #[default]
    Nothing,
    Doubt,
    Gap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For its next attempt; without a time for nothing but its turn.
    Waiting {
        until: Option<Instant>,
    },
    Sent {
        to: BrokerId,
        topic: Option<TopicId>,
    },
}

impl<T> Line<T> {
    /// Sends to `topic` from now on. In another one the broker knows nothing of this producer.
    pub(super) fn set_topic(&mut self, topic: Option<TopicId>) {
        if self.topic != topic {
            self.topic = topic;
            self.is_established = false;
        }
    }

    /// Puts `batch` last; an identity is what a line without one takes for its stamps.
    pub(super) fn push(
        &mut self,
        number: EntryNumber,
        batch: (Batch<T>, SealedBatch),
        identity: Option<Identity>,
        now: Instant,
    ) {
        self.identity = self.identity.or(identity);
        let stamp =
            self.identity.map(|identity| stamp(identity, &mut self.next_sequence, &batch.0));
        let before = std::mem::take(&mut self.behind);
        self.entries.push_back(Entry::new(number, batch, stamp, before, now));
    }

    pub(super) fn sent(&mut self, number: EntryNumber, to: BrokerId) {
        let topic = self.topic;
        let Some(entry) = self.entry_mut(number) else {
            return;
        };
        entry.state = State::Sent { to, topic };
        if let Some(batch) = &mut entry.batch {
            batch.attempts += 1;
        }
    }

    pub(super) fn acked(&mut self, number: EntryNumber) -> Option<Batch<T>> {
        let place = self.place(number)?;
        let topic = self.topic;
        let is_here =
            matches!(self.entries[place].state, State::Sent { topic: of, .. } if of == topic);
        if is_here {
            self.is_established = true;
        }
        for entry in self.entries.range_mut(..=place) {
            if entry.before == Before::Doubt {
                entry.before = Before::Nothing;
            }
        }
        self.remove(place, Before::Nothing)
    }

    pub(super) fn retry(&mut self, number: EntryNumber, until: Instant) {
        if let Some(entry) = self.entry_mut(number) {
            entry.state = State::Waiting { until: Some(until) };
        }
    }

    pub(super) fn hurry(&mut self) -> bool {
        let mut waited = false;
        for entry in &mut self.entries {
            if let State::Waiting { until } = &mut entry.state {
                waited |= until.take().is_some();
            }
        }
        waited
    }

    pub(super) fn restamp(&mut self, number: EntryNumber, until: Instant) {
        if let Some(entry) = self.entry_mut(number) {
            entry.state = State::Waiting { until: Some(until) };
            entry.before = Before::Gap;
        }
    }

    pub(super) fn fail(&mut self, number: EntryNumber, maybe_written: bool) -> Option<Batch<T>> {
        let place = self.place(number)?;
        self.remove(place, if maybe_written { Before::Doubt } else { Before::Gap })
    }

    /// The parts take over the sequence numbers of the whole, which no broker has accepted.
    pub(super) fn split(
        &mut self,
        number: EntryNumber,
        numbers: [EntryNumber; 2],
        parts: [(Batch<T>, SealedBatch); 2],
        now: Instant,
    ) {
        let Some(place) = self.place(number) else {
            return;
        };
        let Some(whole) = self.entries.remove(place) else {
            return;
        };
        let mut stamp = whole.stamp;
        let mut before = whole.before;
        for (at, (number, part)) in numbers.into_iter().zip(parts).enumerate() {
            let records = part.1.len();
            let entry = Entry::new(number, part, stamp, std::mem::take(&mut before), now);
            self.entries.insert(place + at, entry);
            stamp = stamp.map(|stamp| ProducerStamp {
                base_sequence: after(stamp.base_sequence, records),
                ..stamp
            });
        }
    }

    /// Moves what `is_due` into `given_up`; an entry under way stays as a shadow until its answer.
    pub(super) fn give_up(
        &mut self,
        is_due: impl Fn(&Batch<T>) -> bool,
        given_up: &mut Vec<Batch<T>>,
    ) {
        let mut place = 0;
        while let Some(entry) = self.entries.get_mut(place) {
            let is_sent = matches!(entry.state, State::Sent { .. });
            if !entry.batch.as_ref().is_some_and(&is_due) {
                place += 1;
            } else if is_sent {
                given_up
                    .extend(entry.batch.take().map(|batch| Batch { maybe_written: true, ..batch }));
                place += 1;
            } else {
                let maybe_written = entry.batch.as_ref().is_some_and(|batch| batch.maybe_written);
                let before = if maybe_written { Before::Doubt } else { Before::Gap };
                given_up.extend(self.remove(place, before));
            }
        }
    }

    /// Stamps every entry anew, under `identity`.
    pub(super) fn begin_epoch(&mut self, identity: Identity) {
        self.identity = Some(identity);
        self.next_sequence = Sequence::new(0);
        self.is_established = false;
        self.behind = Before::Nothing;
        for entry in &mut self.entries {
            entry.before = Before::Nothing;
            if let Some(batch) = &mut entry.batch {
                entry.stamp = Some(stamp(identity, &mut self.next_sequence, batch));
                restamp(batch, entry.stamp);
            }
        }
    }

    pub(super) fn entry(&self, number: EntryNumber) -> Option<&Entry<T>> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    pub(super) fn entry_mut(&mut self, number: EntryNumber) -> Option<&mut Entry<T>> {
        self.entries.iter_mut().find(|entry| entry.number == number)
    }

    /// What goes to `broker` next, if the line may hold as many as `limit` batches.
    pub(super) fn next(
        &self,
        broker: BrokerId,
        limit: usize,
        can_identify: bool,
        now: Instant,
    ) -> Next {
        let limit = if self.identity.is_some() && !self.is_established { 1 } else { limit };
        for entry in self.entries.iter().take(limit) {
            match entry.state {
                _ if entry.before == Before::Gap => return Next::Blocked,
                State::Sent { to, topic } if to == broker && topic == self.topic => {}
                // What follows an attempt at another broker could only arrive out of order. So could what
                // goes to another topic, if the attempt is refused and then repeated there.
                State::Sent { .. } => return Next::Blocked,
                State::Waiting { until: Some(until) } if until > now => return Next::Wait(until),
                State::Waiting { .. } => return Next::Entry(entry.number, entry.size()),
            }
        }
        let is_whole = self.behind == Before::Nothing && self.entries.iter().all(Entry::is_whole);
        let has_room = self.entries.len() < limit;
        let can_stamp = self.identity.is_some() || can_identify;
        if is_whole && has_room && can_stamp { Next::NewBatch } else { Next::Blocked }
    }

    /// Whether the oldest entry, or the next new batch, needs an epoch that can begin.
    pub(super) fn is_ready_for_next_epoch(&self) -> bool {
        match self.entries.front() {
            Some(oldest) => {
                oldest.before == Before::Gap && !self.entries.iter().any(Entry::is_sent)
            }
            None => self.behind != Before::Nothing,
        }
    }

    /// Whether it holds a batch that was not given up.
    pub(super) fn has_batches(&self) -> bool {
        self.entries.iter().any(|entry| entry.batch.is_some())
    }

    pub(super) fn is_oldest(&self, number: EntryNumber) -> bool {
        self.entries.front().is_some_and(|entry| entry.number == number)
    }

    pub(super) fn is_after_doubt(&self, number: EntryNumber) -> bool {
        self.place(number).is_some_and(|place| self.entries[place].before == Before::Doubt)
    }

    pub(super) fn topic(&self) -> Option<TopicId> {
        self.topic
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.entries
            .iter()
            .filter_map(|entry| entry.batch.as_ref())
            .map(|batch| batch.deadline)
            .min()
    }

    /// Takes the entry out; what the log lacks in its place concerns the next one.
    fn remove(&mut self, place: usize, lacks: Before) -> Option<Batch<T>> {
        let removed = self.entries.remove(place)?;
        let after = match self.entries.get_mut(place) {
            Some(entry) => &mut entry.before,
            None => &mut self.behind,
        };
        let lacks = if removed.stamp.is_some() { lacks } else { Before::Nothing };
        *after = (*after).max(removed.before).max(lacks);
        removed.batch
    }

    fn place(&self, number: EntryNumber) -> Option<usize> {
        self.entries.iter().position(|entry| entry.number == number)
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            behind: Before::Nothing,
            identity: None,
            next_sequence: Sequence::new(0),
            topic: None,
            is_established: false,
        }
    }
}

impl<T> Entry<T> {
    fn new(
        number: EntryNumber,
        (batch, sealed): (Batch<T>, SealedBatch),
        stamp: Option<ProducerStamp>,
        before: Before,
        now: Instant,
    ) -> Self {
        let batch = Batch { wire: sealed.into_stamped(stamp), ..batch };
        Self {
            number,
            batch: Some(batch),
            stamp,
            before,
            state: State::Waiting { until: Some(now) },
        }
    }

    /// How many bytes are sent.
    fn size(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.wire.len())
    }

    fn is_sent(&self) -> bool {
        matches!(self.state, State::Sent { .. })
    }

    fn is_whole(&self) -> bool {
        self.before == Before::Nothing
    }
}

/// The stamp for `batch`, which uses up as many sequence numbers as it has records.
fn stamp<T>(identity: Identity, next: &mut Sequence, batch: &Batch<T>) -> ProducerStamp {
    let Identity { producer_id, producer_epoch } = identity;
    let base_sequence = *next;
    *next = after(base_sequence, batch.records);
    ProducerStamp { producer_id, producer_epoch, base_sequence, is_transactional: false }
}

fn restamp<T>(batch: &mut Batch<T>, stamp: Option<ProducerStamp>) {
    // What was sealed here can be read here; if not, the broker refuses the old stamp.
    if let Ok(sealed) = SealedBatch::from_wire(batch.wire.clone()) {
        batch.wire = sealed.into_stamped(stamp);
    }
}

/// The sequence number of what follows `records` records from `sequence` on.
fn after(sequence: Sequence, records: usize) -> Sequence {
    // A batch counts its records with an `i32`, so that none are left over.
    sequence.plus(i32::try_from(records).unwrap_or(i32::MAX))
}

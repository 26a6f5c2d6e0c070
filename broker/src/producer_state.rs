//! Idempotence (KIP-98): what a partition knows of the producers that write to it.

use std::collections::{HashMap, VecDeque};

use kavka_protocol::{
    ErrorCode, Offset, ProducerEpoch, ProducerId, RecordBatchHeader, Sequence, Timestamp,
};

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct ProducerStates {
    producers: HashMap<ProducerId, ProducerState>,
}

/// One producer: its epoch and the last batches it wrote in it.
#[derive(Debug)]
struct ProducerState {
    epoch: ProducerEpoch,
    /// Never empty; the newest last.
    batches: VecDeque<WrittenBatch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WrittenBatch {
    first: Sequence,
    last: Sequence,
    place: Place,
}

/// Where a batch lies, and the greatest timestamp of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) base_offset: Offset,
    pub(crate) max_timestamp: Option<Timestamp>,
}

/// The stamp a producer has put on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    producer: ProducerId,
    epoch: ProducerEpoch,
    first: Sequence,
    last: Sequence,
}

impl Stamp {
    /// The stamp in a header; `Ok(None)` when the producer is not idempotent, an error when the
    /// stamp is incomplete.
    pub(crate) fn of(header: &RecordBatchHeader) -> Result<Option<Self>, ErrorCode> {
        let Some(producer) = header.producer_id else {
            return Ok(None);
        };
        let (Some(epoch), Some(first)) = (header.producer_epoch, header.base_sequence) else {
            return Err(ErrorCode::InvalidRecord);
        };
        Ok(Some(Self { producer, epoch, first, last: first.plus(header.last_offset_delta) }))
    }
}

/// What is to be done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next one.
    Append,
    /// It was written before, to this place.
    Duplicate(Place),
}

impl ProducerStates {
    /// Notes that a batch was appended.
    pub(crate) fn record(&mut self, stamp: Stamp, place: Place) {
        let Stamp { producer, epoch, first, last } = stamp;
        let fresh = || ProducerState { epoch, batches: VecDeque::new() };
        let state = self.producers.entry(producer).or_insert_with(fresh);
        if state.epoch != epoch {
            *state = fresh();
        }
        if state.batches.len() == REMEMBERED_BATCHES {
            state.batches.pop_front();
        }
        state.batches.push_back(WrittenBatch { first, last, place });
    }

    /// Forgets the batches at `end` and behind.
    pub(crate) fn truncate(&mut self, end: Offset) {
        self.producers.retain(|_, state| {
            state.batches.retain(|batch| batch.place.base_offset < end);
            !state.batches.is_empty()
        });
    }

    /// Whether a batch is the next of its producer, an earlier one again, or neither.
    ///
    /// A producer that is not known may start anywhere: it may have been forgotten.
    pub(crate) fn check(&self, stamp: Stamp) -> Result<Verdict, ErrorCode> {
        let Some(state) = self.producers.get(&stamp.producer) else {
            return Ok(Verdict::Append);
        };
        if stamp.epoch < state.epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if stamp.epoch > state.epoch {
            return in_order(stamp.first == Sequence::new(0));
        }
        let same = |batch: &&WrittenBatch| batch.first == stamp.first && batch.last == stamp.last;
        if let Some(batch) = state.batches.iter().find(same) {
            return Ok(Verdict::Duplicate(batch.place));
        }
        in_order(state.batches.back().is_some_and(|last| last.last.plus(1) == stamp.first))
    }

    /// Forgets the producers whose last records are a day old. As with Kafka, that is the age that
    /// the records claim: whoever writes history is forgotten at the next occasion.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let latest_gone = now.saturating_sub(PRODUCER_ID_EXPIRATION);
        self.producers.retain(|_, state| {
            let last = state.batches.back().and_then(|batch| batch.place.max_timestamp);
            last.is_some_and(|last| last > latest_gone)
        });
    }
}

fn in_order(is_next: bool) -> Result<Verdict, ErrorCode> {
    is_next.then_some(Verdict::Append).ok_or(ErrorCode::OutOfOrderSequenceNumber)
}

/// Kafka keeps the last five batches per producer to recognise duplicates: as many as may be in
/// flight.
const REMEMBERED_BATCHES: usize = 5;

/// Kafka's `producer.id.expiration.ms`, as it is by default: a day.
const PRODUCER_ID_EXPIRATION: Timestamp = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(epoch: i16, first: i32, count: i32) -> Stamp {
        let first = Sequence::new(first);
        let epoch = ProducerEpoch(epoch);
        Stamp { producer: ProducerId(7), epoch, first, last: first.plus(count - 1) }
    }

    fn place(base_offset: Offset) -> Place {
        Place { base_offset, max_timestamp: Some(1000) }
    }

    /// A partition to which producer 7 has written batches of ten records from sequence 0 on.
    fn written(batches: i32) -> ProducerStates {
        let mut states = ProducerStates::default();
        for batch in 0..batches {
            states.record(stamp(0, batch * 10, 10), place(Offset::from(batch) * 10 + 100));
        }
        states
    }

    #[test]
    fn a_producer_that_is_not_known_may_start_anywhere() {
        assert_eq!(ProducerStates::default().check(stamp(3, 55, 2)), Ok(Verdict::Append));
    }

    #[test]
    fn only_the_next_sequence_is_appended() {
        let states = written(2);
        assert_eq!(states.check(stamp(0, 20, 1)), Ok(Verdict::Append));
        for first in [21, 19, 5, 30] {
            let refused = Err(ErrorCode::OutOfOrderSequenceNumber);
            assert_eq!(states.check(stamp(0, first, 3)), refused, "{first}");
        }
    }

    #[test]
    fn the_last_five_batches_are_recognised_again() {
        let states = written(6);
        for batch in 1..6 {
            let duplicate = Verdict::Duplicate(place(Offset::from(batch) * 10 + 100));
            assert_eq!(states.check(stamp(0, batch * 10, 10)), Ok(duplicate));
        }
        let refused = Err(ErrorCode::OutOfOrderSequenceNumber);
        assert_eq!(states.check(stamp(0, 0, 10)), refused);
        assert_eq!(states.check(stamp(0, 50, 9)), refused, "another number of records");
    }

    #[test]
    fn an_older_epoch_is_fenced_and_a_newer_one_starts_at_zero() {
        let mut states = written(1);
        assert_eq!(states.check(stamp(1, 10, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(states.check(stamp(1, 0, 1)), Ok(Verdict::Append));
        states.record(stamp(1, 0, 1), place(500));
        assert_eq!(states.check(stamp(0, 10, 1)), Err(ErrorCode::InvalidProducerEpoch));
        assert_eq!(states.check(stamp(1, 1, 1)), Ok(Verdict::Append));
    }

    #[test]
    fn sequences_go_on_at_zero_after_the_greatest() {
        let mut states = ProducerStates::default();
        states.record(stamp(0, i32::MAX - 1, 2), place(0));
        assert_eq!(states.check(stamp(0, 0, 1)), Ok(Verdict::Append));
        states.record(stamp(0, 0, 1), place(2));
        assert_eq!(states.check(stamp(0, 1, 1)), Ok(Verdict::Append));
    }

    #[test]
    fn a_producer_is_forgotten_a_day_after_the_time_of_its_last_records() {
        const DAY: Timestamp = 86_400_000;
        let refused = Err(ErrorCode::OutOfOrderSequenceNumber);
        for (made, now, is_forgotten) in
            [(Some(1000), 1000 + DAY - 1, false), (Some(1000), 1000 + DAY, true), (None, DAY, true)]
        {
            let mut states = written(1);
            states.record(stamp(0, 10, 1), Place { base_offset: 110, max_timestamp: made });
            states.expire(now);
            let expected = if is_forgotten { Ok(Verdict::Append) } else { refused };
            assert_eq!(states.check(stamp(0, 500, 1)), expected, "{made:?} at {now}");
        }
    }
}

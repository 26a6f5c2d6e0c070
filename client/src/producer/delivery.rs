//! What a sender holds until its records are acknowledged: one completion per batch, however many
//! records wait for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use kavka_protocol::{Offset, Timestamp, TopicPartition};

use crate::error::Result;
use crate::state::produce::{Acknowledged, Settled};

/// The fate of one record.
///
/// Resolves when the record is acknowledged as `acks` demands, or when it is given up. Dropping it
/// forgets the answer, not the record: that is delivered all the same.
#[must_use = "a record is delivered without it, but only this and `flush` tell whether it was"]
pub struct Delivery {
    completion: Arc<Completion>,
    index: usize,
    timestamp: Timestamp,
    registered: Option<Registration>,
}

/// The fate of all records of one call.
///
/// Resolves when all of them are acknowledged, or with a failure, once the fate of everything that
/// was handed over after the failed record is known; the other records are not affected by it.
/// Dropping it forgets the answer, not the records.
#[must_use = "records are delivered without it, but only this and `flush` tell whether they were"]
#[derive(Default)]
pub struct BatchDelivery {
    runs: Vec<Run>,
    registered: Option<Registration>,
}

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordMetadata {
    /// The partition it was written to.
    pub topic_partition: TopicPartition,
    /// Its place there. Unknown with `acks=0`, and where a broker recognises a repetition without
    /// remembering where it put the first.
    pub offset: Option<Offset>,
    /// Its time: its own, or that of the broker where the topic says so.
    pub timestamp: Timestamp,
}

/// The fate of one batch, shared by everybody who has a record in it.
pub(super) struct Completion {
    topic_partition: TopicPartition,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// One entry unless the batch had to be split.
    parts: Vec<Part>,
    wakers: Vec<Waker>,
    /// How often all have been woken, so that nobody takes a place in `wakers` for his own that is
    /// somebody else's by now.
    round: usize,
}

struct Part {
    first: usize,
    records: usize,
    result: Result<Acknowledged>,
}

/// Records of one call that lie next to each other in one batch.
struct Run {
    completion: Arc<Completion>,
    first: usize,
    records: usize,
}

#[derive(Clone, Copy)]
struct Registration {
    round: usize,
    place: usize,
}

impl Completion {
    pub(super) fn new(topic_partition: TopicPartition) -> Self {
        Self { topic_partition, state: Mutex::default() }
    }

    pub(super) fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    /// Tells everybody who waits for these records.
    pub(super) fn settle<T>(&self, settled: Settled<T>) {
        let Settled { first, records, result, .. } = settled;
        let wakers = self.with(|state| {
            state.parts.push(Part { first, records, result });
            state.round += 1;
            std::mem::take(&mut state.wakers)
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// The offset, if known, and the broker's time of the record at `index`; `None` before it is settled.
    fn fate(&self, index: usize) -> Option<Result<Acknowledged>> {
        let part = self
            .parts
            .iter()
            .find(|part| (part.first..part.first + part.records).contains(&index))?;
        Some(part.result.clone().map(|acknowledged| {
            let distance = i64::try_from(index - part.first).unwrap_or(i64::MAX);
            // No log reaches so far; a number from the wire may.
            let offset = |base: Offset| base.checked_add(distance);
            let base_offset = acknowledged.base_offset.and_then(offset);
            Acknowledged { base_offset, ..acknowledged }
        }))
    }

    /// What became of a run of records: the first failure, or success once all are settled.
    fn fate_of_run(&self, first: usize, records: usize) -> Option<Result<()>> {
        let mut open = records;
        for part in &self.parts {
            let from = part.first.max(first);
            let to = (part.first + part.records).min(first + records);
            match &part.result {
                Err(error) if from < to => return Some(Err(error.clone())),
                _ => open -= to.saturating_sub(from),
            }
        }
        (open == 0).then_some(Ok(()))
    }

    fn register(&mut self, waker: &Waker, before: Option<Registration>) -> Registration {
        let known = before.filter(|before| before.round == self.round);
        let place = known.map_or(self.wakers.len(), |known| known.place);
        match self.wakers.get_mut(place) {
            Some(known) => known.clone_from(waker),
            None => self.wakers.push(waker.clone()),
        }
        Registration { round: self.round, place }
    }
}

impl Delivery {
    pub(super) fn new(completion: Arc<Completion>, index: usize, timestamp: Timestamp) -> Self {
        Self { completion, index, timestamp, registered: None }
    }

    #[cfg(test)]
    pub(super) fn completion(&self) -> Arc<Completion> {
        Arc::clone(&self.completion)
    }
}

impl Future for Delivery {
    type Output = Result<RecordMetadata>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (index, before) = (self.index, self.registered);
        let fate = self.completion.with(|state| match state.fate(index) {
            Some(fate) => Ok(fate),
            None => Err(state.register(context.waker(), before)),
        });
        match fate {
            Ok(fate) => Poll::Ready(fate.map(|acknowledged| RecordMetadata {
                topic_partition: self.completion.topic_partition.clone(),
                offset: acknowledged.base_offset,
                timestamp: acknowledged.log_append_time.unwrap_or(self.timestamp),
            })),
            Err(registration) => {
                self.registered = Some(registration);
                Poll::Pending
            }
        }
    }
}

impl BatchDelivery {
    /// Adds a record that lies in the batch of `completion`.
    #[inline]
    pub(super) fn add(&mut self, ticket: &mut Ticket, index: usize) {
        match self.runs.get_mut(ticket.run) {
            Some(run) if ticket.is_of(run, index) => run.records += 1,
            _ => {
                ticket.run = self.runs.len();
                let completion = Arc::clone(&ticket.completion);
                self.runs.push(Run { completion, first: index, records: 1 });
            }
        }
    }
}

impl Future for BatchDelivery {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(run) = self.runs.last() {
            let before = self.registered;
            let fate =
                run.completion.with(|state| match state.fate_of_run(run.first, run.records) {
                    Some(fate) => Ok(fate),
                    None => Err(state.register(context.waker(), before)),
                });
            self.registered = fate.as_ref().err().copied();
            match fate {
                Ok(Ok(())) => drop(self.runs.pop()),
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_) => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What the machines keep with a batch.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) completion: Arc<Completion>,
    /// Where the call that appended last has its run of this batch.
    run: usize,
}

impl Ticket {
    pub(super) fn new(topic_partition: &TopicPartition) -> Self {
        Self::of(&Arc::new(Completion::new(topic_partition.clone())))
    }

    /// A ticket that no call has a run for.
    pub(super) fn of(completion: &Arc<Completion>) -> Self {
        Self { completion: Arc::clone(completion), run: usize::MAX }
    }

    /// Whether the record at `index` continues `run`.
    #[inline]
    fn is_of(&self, run: &Run, index: usize) -> bool {
        Arc::ptr_eq(&run.completion, &self.completion) && run.first + run.records == index
    }
}

//! Producing without IO: records become batches, batches get their place and their stamp, requests
//! get their batches.
//!
//! [`Accumulator`] collects records into open batches. [`Sender`] takes them from there when they
//! are due and owns them until they are settled; inside it `Sequencer` keeps the order and the
//! stamps of each partition, `Planner` the requests of each broker, and [`outcome`] decides what an
//! answer means. None of them has a clock, a lock or a socket.

mod accumulator;
mod availability;
mod batch;
mod outcome;
mod planner;
mod sender;
mod sequencer;
mod split;

pub(crate) use accumulator::Accumulator;
pub(crate) use accumulator::AppendedTo;
pub(crate) use accumulator::Header;
pub(crate) use accumulator::Limits;
pub(crate) use accumulator::Record;
pub(crate) use accumulator::Refusal;
pub(crate) use batch::Acknowledged;
pub(crate) use batch::OpenBatch;
pub(crate) use batch::Settled;
pub(crate) use sender::Answer;
pub(crate) use sender::ProducePlan;
pub(crate) use sender::RequestNumber;
pub(crate) use sender::Sender;
pub(crate) use sender::SenderSettings;
pub(crate) use sequencer::Identity;

/// A partition by its place in the [`Accumulator`]: stable for as long as the producer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartitionIndex(usize);

/// A batch by the order in which the batches of one producer were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BatchId(u64);

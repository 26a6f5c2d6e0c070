//! `Stage`: what is done with a partition, and how far it has been read.
//!
//! Three offsets must not be confused: `fetched` is the next offset to ask a broker for,
//! `delivered` the next one to hand to the application, and a committed offset (kept elsewhere)
//! the next one after a restart. `delivered <= fetched`; the difference lies in the buffer.

use kavka_protocol::{LeaderEpoch, Offset};

use super::reset::{End, Lookup};

/// Where reading a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOffset {
    /// The oldest record still in the log.
    Earliest,
    /// The end of the log: only records written from now on.
    Latest,
    /// This offset; outside of the log, `auto.offset.reset` decides.
    At(Offset),
    /// This offset, in a log in which the record before it is of this epoch: where reading stopped
    /// earlier, so that it is noticed if the log was truncated since (KIP-320).
    AtEpoch(Offset, LeaderEpoch),
}

/// Where a reader stands: what comes next, and in which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FetchPosition {
    pub(crate) offset: Offset,
    /// The epoch of the record before it, as far as it is known. A log that has another one there is
    /// not the log that was read.
    pub(crate) epoch: Option<LeaderEpoch>,
}

/// How far a partition has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) delivered: FetchPosition,
    pub(crate) fetched: FetchPosition,
}

/// What is done with a partition.
///
/// ```text
///            ┌────────────── out of range ──────────────┐
///            ▼                                          │
///         Lookup ──answer──► Fetching ──new leader──► Validating
///            ▲                  │ ▲                     │ │
///            └── out of range ──┘ └── the same log ─────┘ │
///                                 └── where it was cut ───┘
/// ```
#[derive(Debug)]
pub(crate) enum Stage {
    /// No usable offset: a broker has to say where the log begins or ends, once what was fetched
    /// before has been delivered.
    Lookup { delivered: Option<Offset>, lookup: Lookup },
    /// The leader has to say whether its log is the one that was read. What was fetched before is
    /// delivered meanwhile.
    Validating { progress: Progress, is_asked: bool },
    /// Being read.
    Fetching(Progress),
}

impl FetchPosition {
    /// `offset`, in whatever log it is.
    pub(crate) fn unknown(offset: Offset) -> Self {
        Self { offset, epoch: None }
    }
}

impl Progress {
    /// Nothing fetched that was not delivered.
    pub(crate) fn at(position: FetchPosition) -> Self {
        Self { delivered: position, fetched: position }
    }
}

impl Stage {
    /// Read from `position` on.
    pub(crate) fn at(position: FetchPosition) -> Self {
        Self::Fetching(Progress::at(position))
    }

    /// Read on, once the leader has said that this is the log; right away where nothing is known that
    /// it could be recognised by.
    pub(crate) fn validating(progress: Progress) -> Self {
        match progress.fetched.epoch {
            Some(_) => Self::Validating { progress, is_asked: false },
            None => Self::Fetching(progress),
        }
    }

    fn lookup(lookup: Lookup) -> Self {
        Self::Lookup { delivered: None, lookup }
    }
}

impl From<StartOffset> for Stage {
    fn from(start: StartOffset) -> Self {
        match start {
            StartOffset::At(offset) => Self::at(FetchPosition::unknown(offset)),
            StartOffset::AtEpoch(offset, epoch) => {
                Self::validating(Progress::at(FetchPosition { offset, epoch: Some(epoch) }))
            }
            StartOffset::Earliest => Self::lookup(Lookup::start(End::Earliest)),
            StartOffset::Latest => Self::lookup(Lookup::start(End::Latest)),
        }
    }
}

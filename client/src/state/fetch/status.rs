//! Why a partition is being fetched, or is not: what to look at when a reader seems stuck.

use std::fmt;

use kavka_protocol::{BrokerId, Offset, TopicPartition};

use super::Fetcher;
use super::counted::distance;
use super::positions::Position;
use super::stage::Stage;
use crate::stats::PrefetchStats;

/// How things stand with the fetching of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchStatus {
    /// The next offset to be delivered, once it is known.
    pub position: Option<Offset>,
    /// The end of what may be read, as of the last answer.
    pub log_end: Option<Offset>,
    /// The bytes that wait to be delivered.
    pub buffered: usize,
    /// What happens next, or what that waits for.
    pub state: FetchState,
}

/// What happens next with a partition, or what that waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchState {
    /// The partition is not assigned.
    Unassigned,
    /// An error waits to be returned by `poll`.
    Failed,
    /// The application has paused it.
    Paused,
    /// The topic it was read from is gone, and another one has its name: the application has to seek.
    Orphaned,
    /// No broker is known to lead it; the metadata is being refreshed.
    NoLeader,
    /// It was refused so many times in a row, and is asked for again after a backoff.
    Refused(u32),
    /// This broker is asked where the log begins or ends.
    LookingUp(BrokerId),
    /// This broker leads the partition since lately, and is asked whether its log is the one that was
    /// read until now.
    Validating(BrokerId),
    /// This broker has been asked for it.
    Asked(BrokerId),
    /// This broker is not asked for the moment: it failed.
    BrokerDelayed(BrokerId),
    /// This broker is not asked for the moment: it throttles this client (KIP-219).
    BrokerThrottled(BrokerId),
    /// This broker has not yet answered an earlier request that did not name the partition.
    BrokerBusy(BrokerId),
    /// This broker is asked as soon as `kavka.prefetch.bytes` leaves room.
    WaitingForRoom {
        /// The broker that the partition is fetched from.
        broker: BrokerId,
        /// What takes it up.
        stats: PrefetchStats,
    },
}

impl Fetcher {
    /// How things stand with `partition`.
    pub(crate) fn status(&self, partition: &TopicPartition) -> FetchStatus {
        let position = self.positions.get(partition);
        FetchStatus {
            position: position.and_then(Position::delivered),
            log_end: position.and_then(|position| position.log_end),
            buffered: self.buffer.bytes_of(partition),
            state: position.map_or(FetchState::Unassigned, |position| self.state(position)),
        }
    }

    fn state(&self, position: &Position) -> FetchState {
        if position.failure.is_some() {
            return FetchState::Failed;
        }
        if let Some(broker) = position.asked_at {
            return FetchState::Asked(broker);
        }
        if position.is_paused {
            return FetchState::Paused;
        }
        if position.is_orphaned {
            return FetchState::Orphaned;
        }
        let (Some(leader), Some(source)) = (position.leader, position.fetched_from()) else {
            return FetchState::NoLeader;
        };
        if position.retry_at.is_some() {
            return FetchState::Refused(position.refusals);
        }
        let asked = match position.stage {
            Stage::Fetching(_) => source,
            Stage::Lookup { .. } | Stage::Validating { .. } => leader.broker,
        };
        if self.planner.is_delayed(asked) {
            return match self.planner.has_failed(asked) {
                true => FetchState::BrokerDelayed(asked),
                false => FetchState::BrokerThrottled(asked),
            };
        }
        match position.stage {
            Stage::Lookup { .. } => FetchState::LookingUp(leader.broker),
            Stage::Validating { .. } => FetchState::Validating(leader.broker),
            Stage::Fetching(_) => self.waiting_for(source),
        }
    }

    fn waiting_for(&self, broker: BrokerId) -> FetchState {
        if self.planner.is_asked(broker) {
            return FetchState::BrokerBusy(broker);
        }
        FetchState::WaitingForRoom { broker, stats: self.prefetch() }
    }

    /// How much of the budget is taken, and for what.
    pub(crate) fn prefetch(&self) -> PrefetchStats {
        PrefetchStats {
            budget_bytes: self.planner.limit(),
            in_flight_bytes: self.planner.reserved(),
            buffered_bytes: self.buffer.bytes(),
            held_bytes: self.planner.held(),
        }
    }
}

impl FetchStatus {
    /// How many offsets lie between the position and the end of what may be read, as of the last answer.
    pub fn lag(&self) -> Option<u64> {
        Some(distance(self.position?, self.log_end?))
    }
}

impl fmt::Display for FetchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "at {position}")?,
            None => f.write_str("position not known yet")?,
        }
        if let Some(end) = self.log_end {
            write!(f, " of {end}")?;
        }
        write!(f, ", {} bytes to be delivered: {}", self.buffered, self.state)
    }
}

impl fmt::Display for FetchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unassigned => f.write_str("not assigned"),
            Self::Failed => f.write_str("an error waits to be returned by poll"),
            Self::Paused => f.write_str("paused by the application"),
            Self::Orphaned => f.write_str("of a topic that is gone, the application has to seek"),
            Self::NoLeader => f.write_str("no leader is known, metadata is being refreshed"),
            Self::Refused(times) => {
                write!(f, "refused {times} times in a row, asked again after a backoff")
            }
            Self::LookingUp(broker) => {
                write!(f, "broker {broker} is asked where the log begins or ends")
            }
            Self::Validating(broker) => {
                write!(f, "broker {broker} is asked whether its log is the one that was read")
            }
            Self::Asked(broker) => write!(f, "broker {broker} has been asked"),
            Self::BrokerDelayed(broker) => {
                write!(f, "broker {broker} failed, asked again later")
            }
            Self::BrokerThrottled(broker) => {
                write!(f, "broker {broker} throttles this client, asked again later")
            }
            Self::BrokerBusy(broker) => {
                write!(f, "broker {broker} has an earlier request to answer first")
            }
            Self::WaitingForRoom { broker, stats } => {
                let PrefetchStats { budget_bytes, in_flight_bytes, buffered_bytes, held_bytes } =
                    stats;
                write!(
                    f,
                    "broker {broker} is asked once the budget of {budget_bytes} bytes has room: {in_flight_bytes} \
                     in flight, {buffered_bytes} buffered, {held_bytes} held by the application"
                )
            }
        }
    }
}

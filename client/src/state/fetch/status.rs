//! Why a partition is being fetched, or is not: what to look at when a reader seems stuck.

use std::fmt;

use kavka_protocol::{BrokerId, Offset, TopicPartition};

use super::Fetcher;
use super::positions::{Position, Stage};

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
    /// This broker is not asked for the moment: it failed or throttles.
    BrokerDelayed(BrokerId),
    /// This broker has not yet answered an earlier request that did not name the partition.
    BrokerBusy(BrokerId),
    /// This broker is asked as soon as `kavka.prefetch.bytes` leaves room.
    WaitingForRoom {
        /// The broker that leads the partition.
        broker: BrokerId,
        /// The consumer's share of the budget.
        budget: usize,
        /// What requests on their way may bring.
        in_flight: usize,
        /// What waits to be delivered, of all partitions.
        buffered: usize,
        /// What the application holds.
        held: usize,
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
        let Some(leader) = position.leader else { return FetchState::NoLeader };
        if position.retry_at.is_some() {
            return FetchState::Refused(position.refusals);
        }
        if self.planner.is_delayed(leader.broker) {
            return FetchState::BrokerDelayed(leader.broker);
        }
        match position.stage {
            Stage::Lookup { .. } => FetchState::LookingUp(leader.broker),
            Stage::Validating { .. } => FetchState::Validating(leader.broker),
            Stage::Fetching(_) => self.waiting_for(leader.broker),
        }
    }

    fn waiting_for(&self, broker: BrokerId) -> FetchState {
        if self.planner.is_asked(broker) {
            return FetchState::BrokerBusy(broker);
        }
        FetchState::WaitingForRoom {
            broker,
            budget: self.planner.limit(),
            in_flight: self.planner.reserved(),
            buffered: self.buffer.bytes(),
            held: self.planner.held(),
        }
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
                write!(f, "broker {broker} failed or throttles, asked again later")
            }
            Self::BrokerBusy(broker) => {
                write!(f, "broker {broker} has an earlier request to answer first")
            }
            Self::WaitingForRoom { broker, budget, in_flight, buffered, held } => write!(
                f,
                "broker {broker} is asked once the budget of {budget} bytes has room: {in_flight} in flight, \
                 {buffered} buffered, {held} held by the application"
            ),
        }
    }
}

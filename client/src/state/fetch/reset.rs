//! `Lookup`: asking where a log begins or ends (ListOffsets), for a symbolic start and when a
//! position turns out to lie outside of the log.

use std::fmt;
use std::time::Duration;

use kavka_protocol::{Offset, TopicPartition};

use super::counted::distance;
use crate::config::OffsetReset;

/// A position that is not, or no longer, one in the log, and where reading goes on instead because
/// `auto.offset.reset` allows it.
///
/// Retention deletes the oldest records of a log whether or not everybody has read them; an unclean
/// election can cut off the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PositionReset {
    /// The partition.
    pub topic_partition: TopicPartition,
    /// The position that was left.
    pub from: Offset,
    /// Where reading goes on.
    pub to: Offset,
    /// Why it was left.
    pub cause: ResetCause,
}

/// Why a position had to be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetCause {
    /// It lay outside of the log.
    OutOfRange,
    /// The log was cut off before it, and goes on with other records, or none (KIP-320): some that were
    /// read do not exist any more. Reading goes on where the two logs part, as far as that is known.
    Truncated,
    /// The topic was deleted, and another one has its name now (KIP-516).
    Recreated,
}

impl PositionReset {
    /// How many offsets are passed over and will not be handed out. None when reading goes back; all
    /// those before where it goes on, when that is in another topic.
    pub fn passed_over(&self) -> u64 {
        let from = if self.cause == ResetCause::Recreated { 0 } else { self.from };
        distance(from, self.to)
    }
}

impl fmt::Display for PositionReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic_partition, from, to, cause } = self;
        let what = match cause {
            ResetCause::OutOfRange => "is outside of the log",
            ResetCause::Truncated => "had been reached when the log was cut off before it",
            ResetCause::Recreated => "had been reached when the topic was replaced by another one",
        };
        write!(f, "{topic_partition}: offset {from} {what}, reading goes on at {to}")?;
        match self.passed_over() {
            0 if *cause == ResetCause::Recreated => Ok(()),
            0 if to < from => f.write_str(", which is before it"),
            0 => Ok(()),
            count => write!(f, "; {count} offsets are passed over"),
        }
    }
}

/// One end of a log, or a place in it by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The oldest record.
    Earliest,
    /// Behind the newest record that may be read.
    Latest,
    /// The oldest record that is not older than this, counted back from when it is asked.
    Since(Duration),
}

/// A question about the extent of a log, and why it is asked.
#[derive(Debug)]
pub(crate) struct Lookup {
    purpose: Purpose,
    /// Whether a broker has been asked and has not answered yet.
    pub(crate) is_asked: bool,
}

#[derive(Debug)]
enum Purpose {
    /// Reading starts there.
    Start(End),
    /// Reading goes on there: this position did not hold.
    Reset { position: Offset, end: End, cause: ResetCause },
    /// Nothing will be reset; an error that says what the log holds is worth two questions.
    Report { position: Offset, log_start: Option<Offset> },
}

/// What the answer to a lookup leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Reading starts here.
    Position(Offset),
    /// Reading goes on at `to` instead of `from`.
    Reset { from: Offset, to: Offset, cause: ResetCause },
    /// The other end has to be looked up too.
    AskAgain,
    /// The position is of no use; the log holds the offsets from `log_start` to before `log_end`.
    OutOfRange { position: Offset, log_start: Offset, log_end: Offset },
}

impl Lookup {
    /// For a partition that starts at `end`.
    pub(crate) fn start(end: End) -> Self {
        Self { purpose: Purpose::Start(end), is_asked: false }
    }

    /// For a `position` that the broker says is outside of the log.
    pub(crate) fn out_of_range(position: Offset, reset: OffsetReset) -> Self {
        Self::instead_of(position, reset, ResetCause::OutOfRange).unwrap_or(Self {
            purpose: Purpose::Report { position, log_start: None },
            is_asked: false,
        })
    }

    /// For a `position` that did not hold; `None` where nothing is to be read instead.
    pub(crate) fn instead_of(
        position: Offset,
        reset: OffsetReset,
        cause: ResetCause,
    ) -> Option<Self> {
        let end = match reset {
            OffsetReset::Earliest => End::Earliest,
            OffsetReset::Latest => End::Latest,
            OffsetReset::ByDuration(duration) => End::Since(duration),
            OffsetReset::None => return None,
        };
        Some(Self { purpose: Purpose::Reset { position, end, cause }, is_asked: false })
    }

    /// The broker has said that the log begins or ends, whichever was wanted, at `offset`.
    pub(crate) fn handle_answer(&mut self, offset: Offset) -> Found {
        self.is_asked = false;
        match &mut self.purpose {
            Purpose::Start(_) => Found::Position(offset),
            Purpose::Reset { position, cause, .. } => {
                Found::Reset { from: *position, to: offset, cause: *cause }
            }
            Purpose::Report { position, log_start: Some(log_start) } => {
                Found::OutOfRange { position: *position, log_start: *log_start, log_end: offset }
            }
            Purpose::Report { log_start, .. } => {
                *log_start = Some(offset);
                Found::AskAgain
            }
        }
    }

    /// The broker has named no offset. Says whether that is an answer: nothing in the log is young
    /// enough, so that its end is to be asked for.
    pub(crate) fn handle_nothing(&mut self) -> bool {
        match &mut self.purpose {
            Purpose::Start(end @ End::Since(_))
            | Purpose::Reset { end: end @ End::Since(_), .. } => {
                *end = End::Latest;
                true
            }
            _ => false,
        }
    }

    /// The end to ask for now.
    pub(crate) fn wanted(&self) -> End {
        match self.purpose {
            Purpose::Start(end) | Purpose::Reset { end, .. } => end,
            Purpose::Report { log_start: None, .. } => End::Earliest,
            Purpose::Report { log_start: Some(_), .. } => End::Latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_and_a_reset_are_one_question() {
        for (end, reset) in
            [(End::Earliest, OffsetReset::Earliest), (End::Latest, OffsetReset::Latest)]
        {
            let found = Found::Reset { from: 5, to: 7, cause: ResetCause::OutOfRange };
            for (mut lookup, expected) in
                [(Lookup::start(end), Found::Position(7)), (Lookup::out_of_range(5, reset), found)]
            {
                assert_eq!(lookup.wanted(), end);
                assert_eq!(lookup.handle_answer(7), expected);
            }
        }
    }

    #[test]
    fn a_reset_says_how_much_is_passed_over_or_that_it_goes_back() {
        use ResetCause::{OutOfRange, Recreated, Truncated};
        for (from, to, cause, passed_over, text) in [
            (
                500,
                1000,
                OutOfRange,
                500,
                "orders-0: offset 500 is outside of the log, reading goes on at 1000; 500 offsets are passed over",
            ),
            (
                500,
                400,
                OutOfRange,
                0,
                "orders-0: offset 500 is outside of the log, reading goes on at 400, which is before it",
            ),
            (
                500,
                400,
                Truncated,
                0,
                "orders-0: offset 500 had been reached when the log was cut off before it, \
                 reading goes on at 400, which is before it",
            ),
            (
                500,
                500,
                Truncated,
                0,
                "orders-0: offset 500 had been reached when the log was cut off before it, \
                 reading goes on at 500",
            ),
            (
                500,
                0,
                Recreated,
                0,
                "orders-0: offset 500 had been reached when the topic was replaced by another one, \
                 reading goes on at 0",
            ),
            (
                500,
                40,
                Recreated,
                40,
                "orders-0: offset 500 had been reached when the topic was replaced by another one, \
                 reading goes on at 40; 40 offsets are passed over",
            ),
        ] {
            let topic_partition = TopicPartition::new("orders", 0);
            let reset = PositionReset { topic_partition, from, to, cause };
            assert_eq!((reset.passed_over(), reset.to_string().as_str()), (passed_over, text));
        }
    }

    #[test]
    fn where_nothing_is_young_enough_the_end_is_asked_for() {
        let hour = Duration::from_secs(3600);
        let mut lookup = Lookup::out_of_range(5, OffsetReset::ByDuration(hour));
        assert_eq!(lookup.wanted(), End::Since(hour));
        assert!(lookup.handle_nothing());
        assert_eq!((lookup.wanted(), lookup.handle_nothing()), (End::Latest, false));
        let found = Found::Reset { from: 5, to: 7, cause: ResetCause::OutOfRange };
        assert_eq!(lookup.handle_answer(7), found);
    }

    #[test]
    fn without_reset_both_ends_are_looked_up_for_the_error() {
        let mut lookup = Lookup::out_of_range(500, OffsetReset::None);
        assert_eq!(lookup.handle_answer(1000), Found::AskAgain);
        assert_eq!(lookup.wanted(), End::Latest);
        let found = Found::OutOfRange { position: 500, log_start: 1000, log_end: 2000 };
        assert_eq!(lookup.handle_answer(2000), found);
    }
}

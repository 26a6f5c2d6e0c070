//! `Lookup`: asking where a log begins or ends (ListOffsets), for a symbolic start and when a
//! position turns out to lie outside of the log.

use kavka_protocol::Offset;

use crate::config::OffsetReset;

/// One end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The oldest record.
    Earliest,
    /// Behind the newest record that may be read.
    Latest,
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
    /// Reading starts or goes on there.
    Read(End),
    /// Nothing will be reset; an error that says what the log holds is worth two questions.
    Report { position: Offset, log_start: Option<Offset> },
}

/// What the answer to a lookup leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Reading goes on here.
    Position(Offset),
    /// The other end has to be looked up too.
    AskAgain,
    /// The position is of no use; the log holds the offsets from `log_start` to before `log_end`.
    OutOfRange { position: Offset, log_start: Offset, log_end: Offset },
}

impl Lookup {
    /// For a partition that starts at `end`.
    pub(crate) fn start(end: End) -> Self {
        Self { purpose: Purpose::Read(end), is_asked: false }
    }

    /// For a `position` that the broker says is outside of the log.
    pub(crate) fn out_of_range(position: Offset, reset: OffsetReset) -> Self {
        let purpose = match reset {
            OffsetReset::Earliest => Purpose::Read(End::Earliest),
            OffsetReset::Latest => Purpose::Read(End::Latest),
            OffsetReset::None => Purpose::Report { position, log_start: None },
        };
        Self { purpose, is_asked: false }
    }

    /// The broker has said that the log begins or ends, whichever was wanted, at `offset`.
    pub(crate) fn handle_answer(&mut self, offset: Offset) -> Found {
        self.is_asked = false;
        match &mut self.purpose {
            Purpose::Read(_) => Found::Position(offset),
            Purpose::Report { position, log_start: Some(log_start) } => {
                Found::OutOfRange { position: *position, log_start: *log_start, log_end: offset }
            }
            Purpose::Report { log_start, .. } => {
                *log_start = Some(offset);
                Found::AskAgain
            }
        }
    }

    /// The end to ask for now.
    pub(crate) fn wanted(&self) -> End {
        match self.purpose {
            Purpose::Read(end) => end,
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
            for mut lookup in [Lookup::start(end), Lookup::out_of_range(5, reset)] {
                assert_eq!(lookup.wanted(), end);
                assert_eq!(lookup.handle_answer(7), Found::Position(7));
            }
        }
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

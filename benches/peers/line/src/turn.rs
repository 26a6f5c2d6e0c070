//! How one side's turn is timed, and the line it is told in.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;

use crate::Seen;

/// One side's turn: some passes over the same bytes, of which the fastest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The fastest pass, in time of the processor: what others do on it meanwhile does not count.
    pub fastest: Duration,
    /// How often the last pass asked for memory; 0 where nobody counts.
    pub allocations: u64,
    /// What the last pass came across.
    pub seen: Seen,
}

/// Repeats `pass` for some milliseconds, twice at least: the first finds caches that the others have filled.
///
/// `allocations` says how often memory has been asked for so far.
pub fn turn<E>(
    allocations: impl Fn() -> u64,
    mut pass: impl FnMut() -> Result<Seen, E>,
) -> Result<Turn, E> {
    let begun = Instant::now();
    let mut fastest = Duration::MAX;
    for number in 1.. {
        let (allocated, started) = (allocations(), ProcessTime::now());
        let seen = pass()?;
        fastest = fastest.min(started.elapsed());
        if number >= LEAST_PASSES && begun.elapsed() >= LENGTH {
            return Ok(Turn { fastest, allocations: allocations() - allocated, seen });
        }
    }
    unreachable!("the loop has no end")
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fastest, allocations, seen: Seen { records, sum } } = self;
        write!(f, "{} {allocations} {records} {sum}", fastest.as_nanos())
    }
}

impl FromStr for Turn {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([nanos, allocations, records, sum]) => Ok(Self {
                fastest: Duration::from_nanos(*nanos),
                allocations: *allocations,
                seen: Seen { records: *records, sum: *sum },
            }),
            _ => Err(format!("not a turn: {line}")),
        }
    }
}

const LEAST_PASSES: u32 = 2;
const LENGTH: Duration = Duration::from_millis(8);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_turn_survives_the_line() {
        let turn = Turn {
            fastest: Duration::from_nanos(1_234_567_890),
            allocations: 3,
            seen: Seen { records: 9, sum: u64::MAX },
        };
        assert_eq!(turn.to_string().parse(), Ok(turn));
        assert!("error: no such file".parse::<Turn>().is_err());
    }

    #[test]
    fn allocations_are_those_of_the_last_pass() {
        let counted = Cell::new(0);
        let pass = || {
            counted.set(counted.get() + 5);
            Ok::<_, ()>(Seen::default())
        };
        assert_eq!(turn(|| counted.get(), pass).map(|turn| turn.allocations), Ok(5));
    }
}

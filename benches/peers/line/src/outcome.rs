//! What came of a job, and the line it is told in.

use std::{fmt, str::FromStr, time::Duration};

use crate::Tally;

/// What came of a job, from the first record to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The time that passed.
    pub elapsed: Duration,
    /// What all threads of the program took of the processors meanwhile.
    pub processor: Duration,
    /// How often memory was asked for; 0 where nobody counts.
    pub allocations: u64,
    /// The most memory that the program ever had, in bytes; 0 where the operating system does not say.
    pub peak_memory: u64,
    /// What was delivered. A producer does not know its values nor always its offsets: the other side does.
    pub tally: Tally,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elapsed, processor, allocations, peak_memory, tally } = self;
        let Tally { records, offsets, values } = tally;
        write!(f, "{} {}", elapsed.as_nanos(), processor.as_nanos())?;
        write!(f, " {allocations} {peak_memory} {records} {offsets} {values}")
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[elapsed, processor, allocations, peak_memory, records, offsets, values]) => {
                Ok(Self {
                    elapsed: Duration::from_nanos(elapsed),
                    processor: Duration::from_nanos(processor),
                    allocations,
                    peak_memory,
                    tally: Tally { records, offsets, values },
                })
            }
            _ => Err(format!("not an outcome: {line}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_survives_the_line() {
        let outcome = Outcome {
            elapsed: Duration::from_nanos(1_234_567_890),
            processor: Duration::from_nanos(987),
            allocations: 3,
            peak_memory: 1 << 30,
            tally: Tally { records: 9, offsets: u64::MAX, values: 7 },
        };
        assert_eq!(outcome.to_string().parse(), Ok(outcome));
        assert!("error: no broker".parse::<Outcome>().is_err());
    }
}

//! How a client measures itself.

use std::{fs, time::Instant};

use cpu_time::ProcessTime;

use crate::{Outcome, Tally};

/// Counts what a client delivers and what that takes, from the first record to the last.
pub struct Meter {
    expected: u64,
    allocations: fn() -> u64,
    begun: Option<Begun>,
    tally: Tally,
}

struct Begun {
    at: Instant,
    processor: ProcessTime,
    allocations: u64,
}

impl Meter {
    /// Waits for `expected` records; `allocations` says how often memory has been asked for so far.
    pub fn new(expected: u64, allocations: fn() -> u64) -> Self {
        Self { expected, allocations, begun: None, tally: Tally::default() }
    }

    /// The first record is there; later calls are of no account.
    #[inline]
    pub fn begin(&mut self) {
        if self.begun.is_none() {
            self.begun = Some(Begun {
                at: Instant::now(),
                processor: ProcessTime::now(),
                allocations: (self.allocations)(),
            });
        }
    }

    /// A record was read.
    #[inline]
    pub fn add(&mut self, offset: i64, value: &[u8]) {
        self.tally.add(offset, value);
    }

    /// So many more records were acknowledged.
    pub fn acknowledge(&mut self, records: u64) {
        self.tally.records += records;
    }

    /// Whether records are missing.
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.tally.records < self.expected
    }

    /// The last record is there.
    pub fn finish(self) -> Result<Outcome, String> {
        let Begun { at, processor, allocations } = self.begun.ok_or("no record came")?;
        Ok(Outcome {
            elapsed: at.elapsed(),
            processor: processor.elapsed(),
            allocations: (self.allocations)() - allocations,
            peak_memory: peak_memory().unwrap_or(0),
            tally: self.tally,
        })
    }
}

/// What Linux says of this process.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_waits_until_everything_is_there() {
        let mut meter = Meter::new(3, || 0);
        meter.begin();
        meter.add(7, b"value");
        meter.acknowledge(1);
        assert!(meter.is_waiting());
        meter.add(8, b"value");
        assert!(!meter.is_waiting());
        let outcome = meter.finish().unwrap();
        assert_eq!((outcome.tally.records, outcome.tally.offsets), (3, 15));
    }

    #[test]
    fn without_a_record_there_is_no_outcome() {
        assert!(Meter::new(3, || 0).finish().is_err());
    }
}

//! What producers write: keys and values of one size each, over and over.

use std::{fs, ops::Range, path::Path};

use crate::{Job, Tally};

/// Keys and values side by side in one piece of memory, as a file holds them.
#[derive(Clone, Debug)]
pub struct Entries {
    bytes: Vec<u8>,
    /// The bytes of an entry.
    size: usize,
    count: u64,
}

impl Entries {
    /// The size of a key.
    pub const KEY_SIZE: usize = 11;

    /// What `job` is to write.
    pub fn of(job: &Job) -> Result<Self, String> {
        Self::read(job.entries.as_deref().ok_or("nothing to write")?, job.value_size)
    }

    /// Takes the entries out of a file.
    pub fn read(path: &Path, value_size: usize) -> Result<Self, String> {
        let bytes =
            fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
        let size = Self::KEY_SIZE + value_size;
        match (bytes.len() / size) as u64 {
            0 => Err(format!("no entry in {}", path.display())),
            count => Ok(Self { bytes, size, count }),
        }
    }

    /// All entries.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What is written in so many turns, each partition's offsets beginning with 0.
    pub fn tally(&self, job: &Job) -> Tally {
        let mut tally = Tally::default();
        for partition in 0..job.partitions {
            for (offset, turn) in (0..).zip(job.turns_of(partition)) {
                tally.add(offset, self.entry(turn).1);
            }
        }
        tally
    }

    /// Where the key and the value of the entry that is written `turn`th lie.
    #[inline]
    pub fn places(&self, turn: u64) -> (Range<usize>, Range<usize>) {
        let start = (turn % self.count) as usize * self.size;
        let middle = start + Self::KEY_SIZE;
        (start..middle, middle..start + self.size)
    }

    /// The key and the value of the entry that is written `turn`th.
    #[inline]
    pub fn entry(&self, turn: u64) -> (&[u8], &[u8]) {
        let (key, value) = self.places(turn);
        (&self.bytes[key], &self.bytes[value])
    }
}

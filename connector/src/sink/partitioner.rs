//! Which partition a row goes to.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// `sink.partitioner`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkPartitioner {
    /// The producer decides: by the hash of the key, without a key one partition at a time.
    #[default]
    Default,
    /// Each writer has one partition for all its rows.
    Fixed,
    /// The producer decides, as in Flink, where this name has no other meaning.
    RoundRobin,
}

impl SinkPartitioner {
    /// The partition for all rows of writer `writer`, or `None` where the producer decides row by row.
    ///
    /// `partitions` are those of the topic, ascending.
    pub(crate) fn partition_of(
        self,
        writer: usize,
        partitions: &[i32],
    ) -> Result<Option<i32>, Error> {
        if self != Self::Fixed {
            return Ok(None);
        }
        writer
            .checked_rem(partitions.len())
            .and_then(|index| partitions.get(index))
            .map(|&partition| Some(partition))
            .ok_or_else(|| Error::schema("Partitions of the target topic is empty."))
    }
}

impl FromStr for SinkPartitioner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "default" => Ok(Self::Default),
            "fixed" => Ok(Self::Fixed),
            "round-robin" => Ok(Self::RoundRobin),
            "" => Err(Error::option("Option 'sink.partitioner' should be a non-empty string.")),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "unsupported: sink.partitioner={text}: Could not find and instantiate partitioner class '{text}'. \
                     The partitioners are default, fixed and round-robin."
                ),
            )),
        }
    }
}

impl fmt::Display for SinkPartitioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Fixed => "fixed",
            Self::RoundRobin => "round-robin",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_writer_has_one_partition_and_writers_share_partitions_evenly() {
        let partitions = [0, 1, 2];
        let of = |writer| SinkPartitioner::Fixed.partition_of(writer, &partitions).unwrap();
        assert_eq!([of(0), of(1), of(2), of(3)], [Some(0), Some(1), Some(2), Some(0)]);
    }

    #[test]
    fn otherwise_the_producer_decides() {
        for partitioner in [SinkPartitioner::Default, SinkPartitioner::RoundRobin] {
            assert_eq!(partitioner.partition_of(0, &[]).unwrap(), None);
        }
    }

    #[test]
    fn a_topic_without_partitions_cannot_be_written() {
        let error = SinkPartitioner::Fixed.partition_of(0, &[]).unwrap_err();
        assert_eq!(error.to_string(), "Partitions of the target topic is empty.");
    }

    #[test]
    fn partitioners_read_back_as_written() {
        for name in ["default", "fixed", "round-robin"] {
            assert_eq!(name.parse::<SinkPartitioner>().unwrap().to_string(), name);
        }
    }
}

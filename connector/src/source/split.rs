//! [`Split`]: one partition with the offsets between which it is read.

use std::fmt;

use kavka_client::StartOffset;
use kavka_client::protocol::{BrokerId, Offset, TopicPartition};

/// One partition and what is to be read of it. A split is read by one reader, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Split {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// The offset of the first record to read. Where it is gone, reading starts at the next one there is.
    pub start: Offset,
    /// The offset before which reading ends; without one it never does.
    pub stop: Option<Offset>,
    /// Who led the partition when the read was planned.
    pub leader: Option<BrokerId>,
}

impl Split {
    /// The partition and where it is read from.
    pub(crate) fn place(&self) -> (TopicPartition, StartOffset) {
        (self.topic_partition.clone(), StartOffset::At(self.start))
    }

    /// Whether there is nothing to read: the start is not before the stop.
    pub fn is_empty(&self) -> bool {
        self.stop.is_some_and(|stop| self.start >= stop)
    }
}

/// What `EXPLAIN` shows: `orders-3 120..4500`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}..", self.topic_partition, self.start)?;
        self.stop.map_or(Ok(()), |stop| stop.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_empty_when_its_start_is_not_before_its_stop() {
        for (start, stop, is_empty, text) in [
            (0, Some(0), true, "orders-3 0..0"),
            (9, Some(5), true, "orders-3 9..5"),
            (4, Some(5), false, "orders-3 4..5"),
            (9, None, false, "orders-3 9.."),
        ] {
            let split = Split {
                topic_partition: TopicPartition::new("orders", 3),
                start,
                stop,
                leader: None,
            };
            assert_eq!((split.is_empty(), split.to_string().as_str()), (is_empty, text));
        }
    }
}

//! Kafka's numbers and names as types, so that a broker id is never taken for an epoch.
//!
//! Absent is `None`: the `-1` of the wire is converted by `from_wire` and `to_wire` and goes
//! no further.

use std::{fmt, sync::Arc};

use uuid::Uuid;

/// The position of a record within its partition.
pub type Offset = i64;

/// Milliseconds since the Unix epoch.
pub type Timestamp = i64;

/// One partition of one topic: the key for maps everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number within the topic.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A number that is `-1` on the wire when it is absent.
macro_rules! optional_number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number as it came over the wire; negative means absent.
            #[inline]
            pub const fn from_wire(number: $inner) -> Option<Self> {
                if number < 0 { None } else { Some(Self(number)) }
            }

            /// The number as it goes over the wire; absent is `-1`.
            #[inline]
            pub const fn to_wire(number: Option<Self>) -> $inner {
                match number {
                    Some(number) => number.0,
                    None => -1,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

optional_number! {
    /// One broker of a cluster.
    BrokerId(i32)
}

optional_number! {
    /// How often the members of a group have agreed anew on who consumes what.
    GenerationId(i32)
}

optional_number! {
    /// How often the leadership of a partition has changed.
    LeaderEpoch(i32)
}

optional_number! {
    /// An idempotent or transactional producer, as named by the cluster.
    ProducerId(i64)
}

optional_number! {
    /// The incarnation of a producer id; an older one is fenced by a newer one.
    ProducerEpoch(i16)
}

/// Ties an answer to its request on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(pub i32);

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id that a topic keeps until it is deleted; a topic of the same name created later has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub Uuid);

impl TopicId {
    /// The id as it came over the wire; all zeros mean absent.
    pub const fn from_wire(id: Uuid) -> Option<Self> {
        if id.is_nil() { None } else { Some(Self(id)) }
    }

    /// The id as it goes over the wire; absent is all zeros.
    pub const fn to_wire(id: Option<Self>) -> Uuid {
        match id {
            Some(id) => id.0,
            None => Uuid::nil(),
        }
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a record within what one producer wrote to one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(i32);

impl Sequence {
    /// The sequence number `number`.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number as it came over the wire; negative means absent.
    pub const fn from_wire(number: i32) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    /// The number as it goes over the wire; absent is `-1`.
    pub const fn to_wire(number: Option<Self>) -> i32 {
        match number {
            Some(number) => number.0,
            None => -1,
        }
    }

    /// The plain number.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The sequence number `count` records later: after `i32::MAX` comes 0, as brokers count.
    #[must_use]
    pub const fn plus(self, count: i32) -> Self {
        Self(self.0.wrapping_add(count) & i32::MAX)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_partition_prints_as_kafka_names_it() {
        assert_eq!(TopicPartition::new("orders", 7).to_string(), "orders-7");
    }

    #[test]
    fn absent_is_minus_one_on_the_wire_and_none_here() {
        assert_eq!(LeaderEpoch::from_wire(-1), None);
        assert_eq!(LeaderEpoch::from_wire(0), Some(LeaderEpoch(0)));
        assert_eq!(ProducerId::to_wire(None), -1);
        assert_eq!(ProducerEpoch::to_wire(Some(ProducerEpoch(4))), 4);
        assert_eq!(TopicId::from_wire(Uuid::nil()), None);
        assert_eq!(Sequence::from_wire(-1), None);
    }

    #[test]
    fn sequence_numbers_start_again_at_zero_after_the_greatest() {
        for (start, count, expected) in [
            (0, 1, 1),
            (i32::MAX, 0, i32::MAX),
            (i32::MAX, 1, 0),
            (i32::MAX - 1, 5, 3),
            (i32::MAX, i32::MAX, i32::MAX - 1),
        ] {
            assert_eq!(Sequence::new(start).plus(count).get(), expected, "{start} + {count}");
        }
    }
}

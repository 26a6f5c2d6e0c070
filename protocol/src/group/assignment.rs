//! What the leader of a group tells a member (`ConsumerProtocolAssignment`).

use std::collections::HashMap;

use bytes::Bytes;

use super::{VERSIONS, begin, open, partitions, put_partitions, put_user_data};
use crate::{
    api::VersionRange,
    error::{DecodeError, EncodeError},
    ids::TopicPartition,
};

/// What a member of a group has to consume: the group's leader decides in SyncGroup, and the member learns it there.
///
/// ```
/// use kavka_protocol::{Assignment, TopicPartition};
///
/// let partitions = vec![TopicPartition::new("orders", 0), TopicPartition::new("orders", 1)];
/// let assignment = Assignment { partitions, user_data: None };
/// let written = assignment.encode(Assignment::VERSIONS.max)?;
/// assert_eq!(Assignment::decode(written)?, assignment);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
    /// What the assignor of the leader has to say to that of the member.
    pub user_data: Option<Bytes>,
}

impl Assignment {
    /// The versions that are written here; they differ in nothing but their number.
    pub const VERSIONS: VersionRange = VERSIONS;

    /// Reads the assignment of a member. The user data stays a slice of `bytes`.
    ///
    /// # Errors
    /// A field that is cut off or breaks its rules, and a version below 0. A version above the newest known is read as
    /// that one.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let (_, mut fields) = open(bytes, "assignment version")?;
        Ok(Self {
            partitions: partitions(&mut fields, "assigned partitions")?,
            user_data: fields.bytes("user data")?,
        })
    }

    /// Writes the assignment of a member in `version`: topics in the order of their first partitions, the partitions
    /// of each in theirs.
    ///
    /// # Errors
    /// A name or user data longer than the protocol allows, and a version that is not one of
    /// [`VERSIONS`](Self::VERSIONS).
    pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut fields = begin(version)?;
        put_partitions(&mut fields, "assigned partitions", &by_topic(&self.partitions))?;
        put_user_data(&mut fields, self.user_data.as_ref())?;
        Ok(fields.freeze())
    }
}

/// The partitions with those of a topic side by side.
fn by_topic(partitions: &[TopicPartition]) -> Vec<&TopicPartition> {
    let mut places = HashMap::new();
    for tp in partitions {
        let next = places.len();
        places.entry(&tp.topic).or_insert(next);
    }
    let mut sorted: Vec<_> = partitions.iter().collect();
    sorted.sort_by_key(|tp| places.get(&tp.topic));
    sorted
}

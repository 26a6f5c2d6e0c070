//! What a member of a group tells its leader (`ConsumerProtocolSubscription`).

use std::sync::Arc;

use bytes::{BufMut, Bytes};

use super::{VERSIONS, begin, count, open, partitions, put_partitions, put_user_data};
use crate::{
    api::VersionRange,
    error::{DecodeError, EncodeError},
    ids::{GenerationId, TopicPartition},
    message::fields::{Fields, put_length, put_short_string},
};

/// What a member of a group wants and has: it tells the group's leader in JoinGroup, who assigns partitions by it.
///
/// ```
/// use kavka_protocol::{GenerationId, Subscription, TopicPartition};
///
/// let subscription = Subscription {
///     topics: vec!["orders".into()],
///     owned_partitions: vec![TopicPartition::new("orders", 2)],
///     generation_id: Some(GenerationId(7)),
///     ..Subscription::default()
/// };
/// let metadata = subscription.encode(Subscription::VERSIONS.max)?;
/// assert_eq!(Subscription::decode(metadata)?, subscription);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The topics that it wants to consume.
    pub topics: Vec<Arc<str>>,
    /// What its assignor has to say to that of the leader.
    pub user_data: Option<Bytes>,
    /// The partitions that it consumes until it is told otherwise; from version 1 on (KIP-429).
    pub owned_partitions: Vec<TopicPartition>,
    /// Since which generation it has them; `None` when it has been in none. From version 2 on (KIP-792).
    pub generation_id: Option<GenerationId>,
    /// Where it runs, for assignors that prefer replicas nearby; an empty one is none. From version 3 on (KIP-881).
    pub rack_id: Option<String>,
}

impl Subscription {
    /// The versions that are written here.
    pub const VERSIONS: VersionRange = VERSIONS;

    /// Reads the metadata of a member. The user data stays a slice of `bytes`.
    ///
    /// # Errors
    /// A field that is cut off or breaks its rules, and a version below 0. A version above the newest known is read as
    /// that one.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let (version, mut fields) = open(bytes, "subscription version")?;
        let mut subscription = Self {
            topics: topics(&mut fields)?,
            user_data: fields.bytes("user data")?,
            ..Self::default()
        };
        if version >= 1 {
            subscription.owned_partitions = partitions(&mut fields, "owned partitions")?;
        }
        if version >= 2 {
            subscription.generation_id = GenerationId::from_wire(fields.i32("generation id")?);
        }
        if version >= 3 {
            let rack_id = fields.nullable_string("rack id")?;
            let rack_id = rack_id.filter(|rack_id| !rack_id.is_empty());
            subscription.rack_id = rack_id.map(|rack_id| rack_id.as_str().to_owned());
        }
        Ok(subscription)
    }

    /// Writes the metadata of a member in `version`, without the fields that the version does not have.
    ///
    /// Topics and partitions are sorted, so that the same subscription always has the same bytes: brokers compare
    /// them to see whether a member has changed its mind.
    ///
    /// # Errors
    /// A name or user data longer than the protocol allows, and a version that is not one of
    /// [`VERSIONS`](Self::VERSIONS).
    pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut fields = begin(version)?;
        let mut topics: Vec<&str> = self.topics.iter().map(|topic| &**topic).collect();
        topics.sort_unstable();
        put_length(&mut fields, false, "topics", Some(topics.len()))?;
        topics.iter().try_for_each(|topic| put_short_string(&mut fields, "topic", Some(topic)))?;
        put_user_data(&mut fields, self.user_data.as_ref())?;
        if version >= 1 {
            let mut owned: Vec<_> = self.owned_partitions.iter().collect();
            owned.sort_unstable();
            put_partitions(&mut fields, "owned partitions", &owned)?;
        }
        if version >= 2 {
            fields.put_i32(GenerationId::to_wire(self.generation_id));
        }
        if version >= 3 {
            put_short_string(&mut fields, "rack id", self.rack_id.as_deref())?;
        }
        Ok(fields.freeze())
    }
}

fn topics(fields: &mut Fields) -> Result<Vec<Arc<str>>, DecodeError> {
    let count = count(fields, "topics", LENGTH_SIZE)?;
    // Read once before anything is reserved for them.
    let mut ahead = fields.clone();
    (0..count).try_for_each(|_| ahead.string("topic").map(drop))?;
    let mut topics = Vec::with_capacity(count);
    for _ in 0..count {
        topics.push(fields.string("topic")?.as_str().into());
    }
    Ok(topics)
}

/// What an empty name takes.
const LENGTH_SIZE: usize = 2;

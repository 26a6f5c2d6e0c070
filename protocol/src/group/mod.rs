//! The consumer protocol: what the members of a group tell its leader, and the leader them, in bytes that the broker
//! hands on with JoinGroup and SyncGroup and need not understand.
//!
//! Each begins with its version. A newer version only adds fields at the end: one that is not known here is read as the
//! newest that is, as Kafka's own clients do it, and whatever follows the fields known here is passed over.

mod assignment;
mod subscription;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::{assignment::Assignment, subscription::Subscription};
use crate::{
    api::VersionRange,
    error::{DecodeError, EncodeError},
    ids::TopicPartition,
    limits::Limits,
    message::fields::{Fields, put_length, put_short_string},
};

/// The version to read `bytes` in, and what follows their version.
fn open(bytes: Bytes, field: &'static str) -> Result<(i16, Fields), DecodeError> {
    let mut fields = Fields::new(bytes, false, &Limits::default());
    let version = fields.i16(field)?;
    if version < VERSIONS.min {
        return Err(DecodeError::Value { field, value: version.into() });
    }
    Ok((version.min(VERSIONS.max), fields))
}

/// Begins to write in `version`.
fn begin(version: i16) -> Result<BytesMut, EncodeError> {
    if !(VERSIONS.min..=VERSIONS.max).contains(&version) {
        let value = version.into();
        return Err(EncodeError::Unsupported { what: "consumer protocol version", value });
    }
    let mut fields = BytesMut::new();
    fields.put_i16(version);
    Ok(fields)
}

/// The number of elements of an array that may not be null, each of at least `size` bytes.
fn count(fields: &mut Fields, array: &'static str, size: usize) -> Result<usize, DecodeError> {
    fields.count(array, size)?.ok_or(DecodeError::Null { field: array })
}

/// Reads an array of topics, each with its partitions.
fn partitions(
    fields: &mut Fields,
    array: &'static str,
) -> Result<Vec<TopicPartition>, DecodeError> {
    // Read once before anything is reserved for it: then no count promises more than there is.
    let mut found = 0;
    each_partition(&mut fields.clone(), array, |_, _| found += 1)?;
    let mut partitions = Vec::with_capacity(found);
    each_partition(fields, array, |topic, partition| {
        partitions.push(TopicPartition::new(Arc::clone(topic), partition));
    })?;
    Ok(partitions)
}

fn each_partition(
    fields: &mut Fields,
    array: &'static str,
    mut take: impl FnMut(&Arc<str>, i32),
) -> Result<(), DecodeError> {
    for _ in 0..count(fields, array, LEAST_TOPIC_SIZE)? {
        let topic = fields.string("topic")?.as_str().into();
        for _ in 0..count(fields, "partitions", PARTITION_SIZE)? {
            take(&topic, fields.i32("partition")?);
        }
    }
    Ok(())
}

/// Writes an array of topics, each with its partitions, which stand side by side in `partitions`.
fn put_partitions(
    fields: &mut BytesMut,
    array: &'static str,
    partitions: &[&TopicPartition],
) -> Result<(), EncodeError> {
    let topics = || partitions.chunk_by(|one, next| one.topic == next.topic);
    put_length(fields, false, array, Some(topics().count()))?;
    for partitions in topics() {
        let topic = partitions.first().map(|tp| &*tp.topic);
        put_short_string(fields, "topic", topic)?;
        put_length(fields, false, "partitions", Some(partitions.len()))?;
        partitions.iter().for_each(|tp| fields.put_i32(tp.partition));
    }
    Ok(())
}

fn put_user_data(fields: &mut BytesMut, user_data: Option<&Bytes>) -> Result<(), EncodeError> {
    put_length(fields, false, "user data", user_data.map(Bytes::len))?;
    fields.put_slice(user_data.map_or(&[], |bytes| bytes));
    Ok(())
}

/// The versions known here; those of subscriptions and of assignments rise together.
const VERSIONS: VersionRange = VersionRange { min: 0, max: 3 };

/// The length of its name, and the number of its partitions.
const LEAST_TOPIC_SIZE: usize = 2 + 4;
const PARTITION_SIZE: usize = 4;

//! What the members of a group tell one another.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::protocol::Decodable;

use super::memory::own_codec;
use crate::{
    Assignment, GenerationId, Subscription, TopicPartition,
    message::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription},
};

/// Bytes taken for a subscription and for an assignment: each is refused or read as the generated codec reads it, and
/// what was read can be written and read again.
pub fn fuzz_consumer_protocol(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(read) = own_codec(data.len(), || Subscription::decode(bytes.clone())) {
        check_subscription(&read, bytes.clone());
    }
    if let Ok(read) = own_codec(data.len(), || Assignment::decode(bytes.clone())) {
        check_assignment(&read, bytes);
    }
}

fn check_subscription(read: &Subscription, bytes: Bytes) {
    let (version, expected) = generated::<ConsumerProtocolSubscription>(bytes);
    let owned = expected.owned_partitions.iter();
    let expected = Subscription {
        topics: expected.topics.iter().map(|topic| topic.as_str().into()).collect(),
        user_data: expected.user_data,
        owned_partitions: partitions(owned.map(|one| (&**one.topic, &*one.partitions))),
        generation_id: GenerationId::from_wire(expected.generation_id),
        rack_id: expected.rack_id.map(|rack| rack.to_string()).filter(|rack| !rack.is_empty()),
    };
    assert_eq!(*read, expected);
    let written = read.encode(version).expect("what was read can be written");
    let again = Subscription::decode(written).expect("what was written can be read");
    assert_eq!(again, sorted(expected));
}

fn sorted(mut subscription: Subscription) -> Subscription {
    subscription.topics.sort();
    subscription.owned_partitions.sort();
    subscription
}

fn check_assignment(read: &Assignment, bytes: Bytes) {
    let (version, expected) = generated::<ConsumerProtocolAssignment>(bytes);
    let assigned = expected.assigned_partitions.iter();
    let expected = Assignment {
        partitions: partitions(assigned.map(|one| (&**one.topic, &*one.partitions))),
        user_data: expected.user_data,
    };
    assert_eq!(*read, expected);
    let written = read.encode(version).expect("what was read can be written");
    let again = Assignment::decode(written).expect("what was written can be read");
    // Topics are put together, and the order within each is kept.
    assert_eq!(by_topic(&again), by_topic(read));
    assert_eq!(again.user_data, read.user_data);
}

fn by_topic(assignment: &Assignment) -> BTreeMap<&str, Vec<i32>> {
    let mut topics = BTreeMap::<_, Vec<_>>::new();
    for tp in &assignment.partitions {
        topics.entry(&*tp.topic).or_default().push(tp.partition);
    }
    topics
}

/// What the generated codec reads where there is something to read: it believes every count.
fn generated<M: Decodable>(mut bytes: Bytes) -> (i16, M) {
    let version = bytes.get_i16().min(Subscription::VERSIONS.max);
    (version, M::decode(&mut bytes, version).expect("it can be read"))
}

fn partitions<'a>(topics: impl Iterator<Item = (&'a str, &'a [i32])>) -> Vec<TopicPartition> {
    let each = topics.flat_map(|(topic, partitions)| {
        partitions.iter().map(move |partition| TopicPartition::new(topic, *partition))
    });
    each.collect()
}

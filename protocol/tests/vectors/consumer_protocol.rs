//! Subscriptions and assignments of the consumer protocol, in every version and of versions to come.

use std::{collections::BTreeSet, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use kavka_protocol::{Assignment, DecodeError, EncodeError, Subscription, TopicPartition};
use serde_json::{Value, json};

use crate::file;

/// One of either, and what Java makes of it.
pub(crate) struct Vector {
    pub(crate) kind: String,
    pub(crate) version: i16,
    pub(crate) shape: String,
    pub(crate) bytes: Bytes,
    /// How many bytes at the end belong to no field that Java knows.
    pub(crate) unknown: usize,
    /// What Java reads.
    fields: Value,
    /// What Java writes of what it has read.
    written: Bytes,
}

impl Vector {
    pub(crate) fn read() -> Vec<Self> {
        file::json_lines("consumer-protocol.jsonl").iter().map(Self::of).collect()
    }

    fn of(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let number = |name: &str| line[name].as_i64().unwrap();
        Self {
            kind: text("kind"),
            version: number("version").try_into().unwrap(),
            shape: text("shape"),
            bytes: file::bytes(&line["bytes"]).unwrap(),
            unknown: number("unknown").try_into().unwrap(),
            fields: line["fields"].clone(),
            written: file::bytes(&line["written"]).unwrap(),
        }
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}, {}", self.kind, self.version, self.shape)
    }
}

/// Either of the two, as the vector's kind has it.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Subscription(Subscription),
    Assignment(Assignment),
}

impl Message {
    pub(crate) fn decode(kind: &str, bytes: Bytes) -> Result<Self, DecodeError> {
        match kind {
            "Subscription" => Subscription::decode(bytes).map(Self::Subscription),
            "Assignment" => Assignment::decode(bytes).map(Self::Assignment),
            other => panic!("no message is called {other}"),
        }
    }

    pub(crate) fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        match self {
            Self::Subscription(subscription) => subscription.encode(version),
            Self::Assignment(assignment) => assignment.encode(version),
        }
    }

    fn fields(&self) -> Value {
        match self {
            Self::Subscription(subscription) => json!({
                "topics": subscription.topics.iter().map(|topic| &**topic).collect::<Vec<_>>(),
                "userData": base64(subscription.user_data.as_ref()),
                "ownedPartitions": partitions(&subscription.owned_partitions),
                "generationId": subscription.generation_id.map(|id| id.0),
                "rackId": subscription.rack_id,
            }),
            Self::Assignment(assignment) => json!({
                "partitions": partitions(&assignment.partitions),
                "userData": base64(assignment.user_data.as_ref()),
            }),
        }
    }
}

fn base64(bytes: Option<&Bytes>) -> Option<String> {
    bytes.map(|bytes| BASE64_STANDARD.encode(bytes))
}

fn partitions(partitions: &[TopicPartition]) -> Vec<Value> {
    partitions.iter().map(|tp| json!([&*tp.topic, tp.partition])).collect()
}

/// What a version is read and written as.
pub(crate) fn known(version: i16) -> i16 {
    version.min(Subscription::VERSIONS.max)
}

#[test]
fn every_version_is_there_in_every_shape() {
    let vectors = Vector::read();
    let found: BTreeSet<_> =
        vectors.iter().map(|vector| (&*vector.kind, vector.version, &*vector.shape)).collect();
    let mut expected = BTreeSet::new();
    for version in Subscription::VERSIONS.min..=Subscription::VERSIONS.max {
        expected.extend(SUBSCRIPTIONS.map(|shape| ("Subscription", version, shape)));
        expected.extend(ASSIGNMENTS.map(|shape| ("Assignment", version, shape)));
    }
    for version in [Subscription::VERSIONS.max + 1, i16::MAX] {
        expected.extend(["Assignment", "Subscription"].map(|kind| (kind, version, "future")));
    }
    assert_eq!(found, expected);
    assert!(vectors.iter().any(|vector| vector.unknown > 0));
}

#[test]
fn fields_are_those_that_java_reads() {
    for vector in Vector::read() {
        let read = Message::decode(&vector.kind, vector.bytes.clone()).unwrap();
        assert_eq!(read.fields(), vector.fields, "{vector}");
    }
}

#[test]
fn what_was_read_is_written_with_javas_bytes() {
    for vector in Vector::read() {
        let read = Message::decode(&vector.kind, vector.bytes.clone()).unwrap();
        assert_eq!(read.encode(known(vector.version)), Ok(vector.written.clone()), "{vector}");
        // Java changes nothing in what a client writes.
        let is_clients = !matches!(vector.shape.as_str(), "future" | "least" | "repeated");
        assert!(vector.written == vector.bytes || !is_clients, "{vector}");
    }
}

const SUBSCRIPTIONS: [&str; 8] =
    ["empty", "greatest", "least", "many", "no-rack", "nothing-owned", "one", "repeated"];
const ASSIGNMENTS: [&str; 7] =
    ["empty", "greatest", "least", "many", "no-user-data", "one", "repeated"];

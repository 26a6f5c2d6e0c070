//! The messages that carry records, as they are coded by hand here: Fetch responses and Produce requests.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use kavka_protocol::{
    CorrelationId, ErrorCode, FetchResponse, FetchedPartition, FetchedTopic, PartitionBatch,
    ProduceBatches, StrBytes, TopicId, TopicPartition, encode_produce,
    server::{FetchAnswer, PartitionAnswer, encode_fetch},
};
use serde_json::Value;

use crate::{
    file,
    messages::{Vector, check_written},
};

fn fetch_responses() -> Vec<Vector> {
    let all = Vector::read().into_iter();
    all.filter(|vector| vector.api == "Fetch" && !vector.is_request).collect()
}

#[test]
fn fetched_partitions_are_those_that_java_reads() {
    for vector in fetch_responses() {
        let context = vector.context();
        let response = FetchResponse::parse(vector.frame(), vector.version).unwrap();
        check_response(&response, &vector);
        let mut read = response.partitions().map(Result::unwrap);
        for topic in elements(&vector.fields["responses"]) {
            for expected in elements(&topic["partitions"]) {
                let partition = read.next().expect("a partition");
                match &partition.topic {
                    FetchedTopic::Name(name) => {
                        assert_eq!(name.as_str(), topic["topic"], "{context}");
                    }
                    FetchedTopic::Id(id) => {
                        let id = BASE64_URL_SAFE_NO_PAD.encode(id.0);
                        assert_eq!(id, topic["topicId"], "{context}");
                    }
                }
                check_partition(&partition, expected, &context);
            }
        }
        assert!(read.next().is_none(), "{context}");
    }
}

fn check_response(response: &FetchResponse, vector: &Vector) {
    let number = |name: &str| vector.fields[name].as_i64();
    let throttle = Duration::from_millis(number("throttleTimeMs").unwrap().try_into().unwrap_or(0));
    assert_eq!(response.throttle(), throttle, "{}", vector.context());
    let error = number("errorCode").unwrap_or(0);
    assert_eq!(response.error().map_or(0, ErrorCode::code), i16::try_from(error).unwrap());
    assert_eq!(i64::from(response.session_id()), number("sessionId").unwrap_or(0));
}

fn check_partition(partition: &FetchedPartition, expected: &Value, context: &str) {
    let number = |name: &str| expected[name].as_i64();
    // Negative numbers stand for none.
    let known = |name: &str| number(name).filter(|number| *number >= 0);
    assert_eq!(Some(i64::from(partition.partition)), number("partitionIndex"), "{context}");
    let error = partition.error.map_or(0, ErrorCode::code);
    assert_eq!(Some(i64::from(error)), number("errorCode"), "{context}");
    assert_eq!(partition.high_watermark, known("highWatermark"), "{context}");
    assert_eq!(partition.last_stable_offset, known("lastStableOffset"), "{context}");
    assert_eq!(partition.log_start_offset, known("logStartOffset"), "{context}");
    let replica = partition.preferred_read_replica.map(|replica| i64::from(replica.0));
    assert_eq!(replica, known("preferredReadReplica"), "{context}");
    let both = |names: [&str; 2], of: &str| {
        let [one, other] = names.map(|name| expected[of][name].as_i64().filter(|n| *n >= 0));
        one.zip(other)
    };
    let leader = both(["leaderId", "leaderEpoch"], "currentLeader");
    let read = partition.current_leader.map(|(id, epoch)| (i64::from(id.0), i64::from(epoch.0)));
    assert_eq!(read, leader, "{context}");
    let diverging = both(["epoch", "endOffset"], "divergingEpoch");
    let read = partition.diverging_epoch.map(|(epoch, end)| (i64::from(epoch.0), end));
    assert_eq!(read, diverging, "{context}");
    let aborted = partition.aborted_transactions.iter().map(|(id, offset)| (id.0, offset));
    let expected_aborted = elements(&expected["abortedTransactions"]).map(|aborted| {
        (aborted["producerId"].as_i64().unwrap(), aborted["firstOffset"].as_i64().unwrap())
    });
    assert_eq!(aborted.collect::<Vec<_>>(), expected_aborted.collect::<Vec<_>>(), "{context}");
    let records = file::bytes(&expected["records"]).unwrap_or_default();
    assert_eq!(partition.records, records, "{context}");
}

/// Answers without aborted transactions are what brokers write here.
#[test]
fn fetch_answers_are_written_with_javas_bytes() {
    let mut written = 0;
    let plain = |vector: &Vector| matches!(vector.shape.as_str(), "defaults" | "plain");
    for vector in fetch_responses().into_iter().filter(plain) {
        let response = FetchResponse::parse(vector.frame(), vector.version).unwrap();
        let partitions: Vec<_> = response.partitions().map(Result::unwrap).collect();
        let answer = FetchAnswer {
            throttle: response.throttle(),
            error: response.error(),
            session_id: response.session_id(),
            partitions: partitions.iter().map(answer).collect(),
        };
        let frame = encode_fetch(&answer, vector.version, CorrelationId(42)).unwrap();
        check_written(&frame.chunks().concat(), &vector);
        written += 1;
    }
    assert!(written >= MINIMUM, "only {written} answers");
}

fn answer(partition: &FetchedPartition) -> PartitionAnswer {
    let (topic, topic_id) = match &partition.topic {
        FetchedTopic::Name(name) => (name.clone(), None),
        FetchedTopic::Id(id) => (StrBytes::default(), Some(*id)),
    };
    PartitionAnswer {
        topic,
        topic_id,
        partition: partition.partition,
        error: partition.error,
        high_watermark: partition.high_watermark,
        last_stable_offset: partition.last_stable_offset,
        log_start_offset: partition.log_start_offset,
        diverging_epoch: partition.diverging_epoch,
        preferred_read_replica: partition.preferred_read_replica,
        current_leader: partition.current_leader,
        records: vec![partition.records.clone()],
    }
}

fn produce_requests() -> Vec<Vector> {
    let all = Vector::read().into_iter();
    all.filter(|vector| vector.api == "Produce" && vector.is_request).collect()
}

#[test]
fn produce_requests_are_written_with_javas_bytes() {
    let mut written = 0;
    for vector in produce_requests().iter().filter(|vector| vector.has_our_header()) {
        let timeout = vector.fields["timeoutMs"].as_i64().unwrap();
        let Ok(timeout) = u64::try_from(timeout) else { continue };
        let request = ProduceBatches {
            acks: vector.fields["acks"].as_i64().unwrap().try_into().unwrap(),
            timeout: Duration::from_millis(timeout),
            transactional_id: vector.fields["transactionalId"].as_str(),
            batches: &batches(vector),
        };
        let frame = encode_produce(&request, vector.version, CorrelationId(42), "kavka").unwrap();
        check_written(&frame.chunks().concat(), vector);
        written += 1;
    }
    assert!(written >= MINIMUM, "only {written} requests");
}

fn batches(vector: &Vector) -> Vec<PartitionBatch> {
    let topics = elements(&vector.fields["topicData"]);
    let batches = topics.flat_map(|topic| {
        elements(&topic["partitionData"]).map(|partition| {
            let number = partition["index"].as_i64().unwrap().try_into().unwrap();
            // The id stands where the name did.
            let name = topic["name"].as_str().unwrap_or_default();
            let id = topic["topicId"].as_str().map(|id| BASE64_URL_SAFE_NO_PAD.decode(id).unwrap());
            PartitionBatch {
                topic_partition: TopicPartition::new(name, number),
                topic_id: id.map(|id| TopicId(uuid::Uuid::from_slice(&id).unwrap())),
                records: file::bytes(&partition["records"]).unwrap(),
            }
        })
    });
    batches.collect()
}

fn elements(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

/// At least one for every version.
const MINIMUM: usize = 9;

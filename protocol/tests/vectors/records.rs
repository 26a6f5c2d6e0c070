//! Record batches of format 2.

use std::collections::BTreeSet;

use kavka_protocol::{
    BatchView, Batches, Compression, ControlType, Decompressor, EndTransactionMarker,
};
use serde_json::Value;

use crate::cases::{FORMAT_2, Vector, placed, read, rewrite};

#[test]
fn every_combination_is_there() {
    let vectors = Vector::read(FORMAT_2);
    let names: BTreeSet<_> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names, NAMES.into_iter().collect());
    for name in NAMES {
        let vectors: Vec<_> = vectors.iter().filter(|vector| vector.name == name).collect();
        let types: Vec<_> = vectors.iter().map(|vector| vector.timestamp_type.as_str()).collect();
        assert_eq!(types, ["CreateTime", "LogAppendTime"], "{name}");
        let is_compressed = !matches!(name, "abort" | "commit" | "empty-batch");
        let expected = if is_compressed { &Compression::ALL[..] } else { &[Compression::None] };
        for vector in vectors {
            let codecs: Vec<_> = vector.encodings.iter().map(|encoding| encoding.codec).collect();
            assert_eq!(codecs, expected, "{name}");
        }
    }
}

#[test]
fn records_are_those_that_java_reads() {
    for vector in Vector::read(FORMAT_2) {
        for encoding in &vector.encodings {
            assert_eq!(read(&encoding.bytes), vector.records, "{}", vector.context(encoding));
        }
    }
}

#[test]
fn headers_say_what_java_reads() {
    for vector in Vector::read(FORMAT_2) {
        for encoding in &vector.encodings {
            let context = vector.context(encoding);
            let batches: Vec<_> =
                Batches::new(encoding.bytes.clone()).map(Result::unwrap).collect();
            assert_eq!(batches.len(), encoding.batches.len(), "{context}");
            for (batch, expected) in batches.iter().zip(&encoding.batches) {
                check_header(batch, expected, &context);
            }
        }
    }
}

fn check_header(batch: &BatchView, expected: &Value, context: &str) {
    let header = batch.header();
    let number = |name: &str| expected[name].as_i64();
    // The client's numbers are never negative: -1 stands for none.
    let known = |name: &str| number(name).filter(|number| *number != -1);
    assert_eq!(Some(batch.base_offset()), number("baseOffset"), "{context}");
    assert_eq!(Some(batch.last_offset()), number("lastOffset"), "{context}");
    assert_eq!(Some(batch.size_in_bytes() as i64), number("sizeInBytes"), "{context}");
    assert_eq!(batch.leader_epoch().map(|epoch| epoch.0.into()), known("leaderEpoch"), "{context}");
    assert_eq!(Some(i64::from(header.crc)), number("crc"), "{context}");
    assert_eq!(Some(batch.record_count() as i64), number("count"), "{context}");
    assert_eq!(batch.compression().name(), expected["compression"], "{context}");
    assert_eq!(batch.max_timestamp(), known("maxTimestamp"), "{context}");
    assert_eq!(batch.timestamp_type().name(), expected["timestampType"], "{context}");
    assert_eq!(batch.producer_id().map(|id| id.0), known("producerId"), "{context}");
    assert_eq!(
        header.producer_epoch.map(|epoch| epoch.0.into()),
        known("producerEpoch"),
        "{context}"
    );
    let sequence = header.base_sequence.map(|sequence| sequence.get().into());
    assert_eq!(sequence, known("baseSequence"), "{context}");
    assert_eq!(batch.is_transactional(), expected["transactional"] == true, "{context}");
    let horizon = header.attributes.has_delete_horizon.then_some(header.base_timestamp);
    assert_eq!(horizon, number("deleteHorizon"), "{context}");
    check_marker(batch, &expected["control"], context);
}

fn check_marker(batch: &BatchView, expected: &Value, context: &str) {
    assert_eq!(batch.is_control(), expected.is_object(), "{context}");
    if !batch.is_control() {
        return;
    }
    let body = batch.body(&mut Decompressor::new()).unwrap();
    let marker = EndTransactionMarker::parse(&body.records().next().unwrap().unwrap());
    let marker = marker.unwrap().expect("the end of a transaction");
    let control_type = match marker.control_type {
        ControlType::Abort => "ABORT",
        ControlType::Commit => "COMMIT",
        ControlType::Other(_) => "OTHER",
    };
    assert_eq!(control_type, expected["type"], "{context}");
    assert_eq!(marker.coordinator_epoch, expected["coordinatorEpoch"], "{context}");
    assert_eq!(ControlType::parse(batch), Ok(marker.control_type), "{context}");
}

#[test]
fn markers_are_written_with_javas_bytes() {
    for vector in Vector::read(FORMAT_2) {
        let encoding = vector.encoding(Compression::None);
        let expected = &encoding.batches[0];
        let control_type = match expected["control"]["type"].as_str() {
            Some("COMMIT") => ControlType::Commit,
            Some("ABORT") => ControlType::Abort,
            _ => continue,
        };
        let epoch = expected["control"]["coordinatorEpoch"].as_i64().unwrap();
        let marker =
            EndTransactionMarker { control_type, coordinator_epoch: i32::try_from(epoch).unwrap() };
        let batch = &Batches::new(encoding.bytes.clone()).next().unwrap().unwrap();
        let (id, epoch) = (batch.producer_id().unwrap(), batch.header().producer_epoch.unwrap());
        let written = marker.to_batch(id, epoch, batch.header().base_timestamp).unwrap();
        assert_eq!(placed(&written, expected), encoding.bytes, "{}", vector.name);
    }
}

/// Not stored are the times that producers gave where the broker put its own: the vector of the same
/// name that keeps them has them.
#[test]
fn batches_are_written_with_javas_bytes_or_read_the_same_when_compressed() {
    let vectors = Vector::read(FORMAT_2);
    let mut left_alone = BTreeSet::new();
    for vector in &vectors {
        let produced = vectors.iter().find(|other| other.name == vector.name).unwrap();
        for encoding in &vector.encodings {
            let Some(written) = rewrite(encoding, &produced.records) else {
                left_alone.insert(vector.name.as_str());
                continue;
            };
            let context = vector.context(encoding);
            assert_eq!(read(&written), vector.records, "{context}");
            if encoding.codec == Compression::None {
                assert_eq!(written, encoding.bytes, "{context}");
            }
        }
    }
    // Compaction and coordinators write these, not producers.
    let theirs = ["abort", "commit", "compacted-gaps", "delete-horizon", "empty-batch"];
    assert_eq!(left_alone, theirs.into_iter().collect());
}

const NAMES: [&str; 18] = [
    "abort",
    "binary-header-values",
    "commit",
    "compacted-gaps",
    "delete-horizon",
    "empty-batch",
    "empty-key-and-value",
    "greatest-numbers",
    "idempotent",
    "large-value",
    "null-key",
    "null-value",
    "one",
    "repeated-header-keys",
    "several-batches",
    "thousand",
    "timestamps",
    "transactional",
];

//! Messages of formats 0 and 1, alone and in compressed sets, as record batches.

use std::collections::BTreeSet;

use kavka_protocol::{Batches, Compression};

use crate::cases::{FORMATS, Vector, read};

#[test]
fn every_combination_is_there() {
    for (magic, file) in FORMATS[..2].iter().enumerate() {
        let vectors = Vector::read(file);
        let types = if magic == 0 { &["NoTimestampType"][..] } else { &TYPES };
        // Format 0 has no times.
        let names = NAMES.into_iter().filter(|name| magic > 0 || *name != "timestamps");
        let expected: BTreeSet<_> =
            names.flat_map(|name| types.iter().map(move |kind| (name, *kind))).collect();
        let found = vectors.iter().map(|v| (v.name.as_str(), v.timestamp_type.as_str()));
        assert_eq!(found.collect::<BTreeSet<_>>(), expected, "{file}");
        for vector in &vectors {
            let codecs: Vec<_> = vector.encodings.iter().map(|encoding| encoding.codec).collect();
            assert_eq!(codecs, Compression::ALL[..4], "{}", vector.name);
        }
    }
}

#[test]
fn messages_are_those_that_java_reads() {
    for file in &FORMATS[..2] {
        for vector in Vector::read(file) {
            for encoding in &vector.encodings {
                assert_eq!(read(&encoding.bytes), vector.records, "{}", vector.context(encoding));
            }
        }
    }
}

#[test]
fn messages_keep_their_format_codec_and_kind_of_time() {
    for (magic, file) in FORMATS[..2].iter().enumerate() {
        for vector in Vector::read(file) {
            for encoding in &vector.encodings {
                let context = vector.context(encoding);
                for batch in Batches::new(encoding.bytes.clone()).map(Result::unwrap) {
                    assert_eq!(i64::from(batch.magic()), magic as i64, "{context}");
                    assert_eq!(batch.compression(), encoding.codec, "{context}");
                    assert_eq!(batch.timestamp_type().name(), vector.timestamp_type, "{context}");
                    assert!(!batch.is_control() && !batch.is_transactional(), "{context}");
                    assert_eq!(batch.producer_id(), None, "{context}");
                }
            }
        }
    }
}

const TYPES: [&str; 2] = ["CreateTime", "LogAppendTime"];

const NAMES: [&str; 9] = [
    "compacted-gaps",
    "empty-key-and-value",
    "large-value",
    "null-key",
    "null-value",
    "one",
    "several-batches",
    "thousand",
    "timestamps",
];

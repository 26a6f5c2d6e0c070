//! Record batches as they are committed, and how batches like them are built here.

use bytes::Bytes;
use kavka_protocol::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, LeaderEpoch, ProducerEpoch,
    ProducerId, ProducerStamp, RecordView, Sequence, assign_offsets,
};
use serde_json::Value;

use crate::file;

/// One line of a file: records, and the bytes that each codec makes of them.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) timestamp_type: String,
    pub(crate) records: Vec<Record>,
    /// The records as Java shows them.
    pub(crate) fields: Value,
    pub(crate) encodings: Vec<Encoding>,
}

/// The records of a vector as one codec stores them.
pub(crate) struct Encoding {
    pub(crate) codec: Compression,
    pub(crate) bytes: Bytes,
    /// What Java reads in the headers.
    pub(crate) batches: Vec<Value>,
}

/// A record as Java reads it, or as it is read here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<(Bytes, Option<Bytes>)>,
}

impl Vector {
    pub(crate) fn read(file: &str) -> Vec<Self> {
        file::json_lines(file).iter().map(Self::of).collect()
    }

    fn of(line: &Value) -> Self {
        let encodings = line["encodings"].as_object().unwrap().iter();
        Self {
            name: text(&line["name"]),
            timestamp_type: text(&line["timestampType"]),
            records: line["records"].as_array().unwrap().iter().map(Record::expected).collect(),
            fields: line["records"].clone(),
            encodings: encodings.map(|(codec, encoding)| Encoding::of(codec, encoding)).collect(),
        }
    }

    pub(crate) fn context(&self, encoding: &Encoding) -> String {
        format!("{} ({}, {})", self.name, self.timestamp_type, encoding.codec)
    }

    pub(crate) fn encoding(&self, codec: Compression) -> &Encoding {
        self.encodings.iter().find(|encoding| encoding.codec == codec).unwrap()
    }
}

impl Encoding {
    fn of(codec: &str, encoding: &Value) -> Self {
        let batches = encoding["batches"].as_array().cloned().unwrap_or_default();
        let bytes = file::bytes(&encoding["bytes"]).unwrap();
        Self { codec: codec.parse().unwrap(), bytes, batches }
    }
}

impl Record {
    fn expected(fields: &Value) -> Self {
        let headers = fields[4].as_array().into_iter().flatten();
        Self {
            offset: fields[0].as_i64().unwrap(),
            timestamp: fields[1].as_i64().filter(|timestamp| *timestamp != -1),
            key: file::bytes(&fields[2]),
            value: file::bytes(&fields[3]),
            headers: headers
                .map(|header| (text(&header[0]).into(), file::bytes(&header[1])))
                .collect(),
        }
    }

    pub(crate) fn of(record: &RecordView<'_>) -> Self {
        let copy = Bytes::copy_from_slice;
        let headers = record.headers().iter().map(|header| {
            let (key, value) = header.expect("a valid header");
            (copy(key), value.map(copy))
        });
        Self {
            offset: record.offset(),
            timestamp: record.timestamp(),
            key: record.key().map(copy),
            value: record.value().map(copy),
            headers: headers.collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The records in `bytes`, all of which can be read.
pub(crate) fn read(bytes: &Bytes) -> Vec<Record> {
    let mut decompressor = Decompressor::new();
    let mut records = Vec::new();
    for batch in Batches::new(bytes.clone()) {
        let body = batch.unwrap().body(&mut decompressor).unwrap();
        records.extend(body.records().map(|record| Record::of(&record.unwrap())));
    }
    records
}

/// The batches of `encoding` built anew from `records`, if a producer could have built them.
pub(crate) fn rewrite(encoding: &Encoding, records: &[Record]) -> Option<Bytes> {
    rewrite_at(None, encoding, records)
}

/// The same at a level of the codec.
pub(crate) fn rewrite_at(
    level: Option<i32>,
    encoding: &Encoding,
    records: &[Record],
) -> Option<Bytes> {
    let mut written = Vec::new();
    let mut rest = records;
    for expected in &encoding.batches {
        let number = |name: &str| expected[name].as_i64();
        let has_gaps = number("count")? != number("lastOffset")? - number("baseOffset")? + 1;
        if has_gaps || expected["control"].is_object() || expected["deleteHorizon"].is_number() {
            return None;
        }
        let (ours, others) = rest.split_at(usize::try_from(number("count")?).unwrap());
        rest = others;
        written.extend_from_slice(&build(encoding.codec, level, ours, expected));
    }
    Some(written.into())
}

fn build(codec: Compression, level: Option<i32>, records: &[Record], expected: &Value) -> Bytes {
    let mut builder = BatchBuilder::new(codec, level);
    for record in records {
        let headers = record.headers.iter().map(|(key, value)| {
            (str::from_utf8(key).expect("a header key in UTF-8"), value.as_deref())
        });
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.append(record.timestamp.unwrap_or(-1), key, value, headers).unwrap();
    }
    let sealed = builder.seal(&mut Compressor::new()).unwrap();
    placed(&sealed.into_stamped(stamp(expected)), expected)
}

fn stamp(expected: &Value) -> Option<ProducerStamp> {
    let number = |name: &str| expected[name].as_i64().unwrap();
    (number("producerId") != -1).then(|| ProducerStamp {
        producer_id: ProducerId(number("producerId")),
        producer_epoch: ProducerEpoch(number("producerEpoch").try_into().unwrap()),
        base_sequence: Sequence::new(number("baseSequence").try_into().unwrap()),
        is_transactional: expected["transactional"] == true,
    })
}

/// What a broker makes of a batch that was produced.
pub(crate) fn placed(batch: &[u8], expected: &Value) -> Bytes {
    let mut batch = batch.to_vec();
    let number = |name: &str| expected[name].as_i64().unwrap();
    let epoch = LeaderEpoch(number("leaderEpoch").try_into().unwrap());
    let append = (expected["timestampType"] == "LogAppendTime").then(|| number("maxTimestamp"));
    assign_offsets(&mut batch, number("baseOffset"), epoch, append).unwrap();
    batch.into()
}

/// The files by format.
pub(crate) const FORMATS: [&str; 3] = ["records-v0.jsonl", "records-v1.jsonl", FORMAT_2];
/// Record batches.
pub(crate) const FORMAT_2: &str = "records-v2.jsonl";

//! krafka: `RecordBatch::decode` and `RecordBatch::encode`, as its own benchmarks call them.

use bytes::Bytes;
use kavka_bench_line::{Peer, Seen};
use krafka::__private::protocol::{Compression, Record, RecordBatch, RecordHeader};

/// krafka's record codec.
#[derive(Default)]
pub struct Krafka {
    log: Bytes,
    batches: Vec<RecordBatch>,
}

impl Peer for Krafka {
    fn load(&mut self, log: Vec<u8>) -> Result<(), String> {
        self.log = log.into();
        self.batches.clear();
        let mut rest = self.log.clone();
        while !rest.is_empty() {
            self.batches.push(decode(&mut rest)?);
        }
        Ok(())
    }

    fn decode(&mut self) -> Result<Seen, String> {
        let mut seen = Seen::default();
        let mut rest = self.log.clone();
        while !rest.is_empty() {
            let batch = decode(&mut rest)?;
            for record in &batch.records {
                let offset = batch.base_offset + i64::from(record.offset_delta);
                let timestamp = batch.base_timestamp + record.timestamp_delta;
                seen.add(offset, timestamp, record.key.as_deref(), record.value.as_deref());
            }
        }
        Ok(seen)
    }

    fn encode(&mut self, codec: &str, sent: &mut dyn FnMut(&[u8])) -> Result<Seen, String> {
        let codec = compression(codec)?;
        let mut seen = Seen::default();
        for given in &self.batches {
            let batch = build(given, codec).encode().map_err(|error| error.to_string())?;
            seen.records += given.records.len() as u64;
            seen.sum += batch.len() as u64;
            sent(&batch);
        }
        Ok(seen)
    }
}

fn decode(rest: &mut Bytes) -> Result<RecordBatch, String> {
    RecordBatch::decode(rest).map_err(|error| error.to_string())
}

/// A batch of new records over bytes that the application already owns, so that none are copied.
fn build(given: &RecordBatch, codec: Compression) -> RecordBatch {
    let mut batch = RecordBatch::new().with_compression(codec);
    batch.base_timestamp = given.base_timestamp;
    batch.max_timestamp = given.max_timestamp;
    batch.last_offset_delta = given.last_offset_delta;
    batch.records = Vec::with_capacity(given.records.len());
    for (delta, record) in (0..).zip(&given.records) {
        let mut new = Record::new(record.key.clone(), record.value.clone())
            .with_timestamp_delta(record.timestamp_delta)
            .with_offset_delta(delta);
        new.headers.extend(record.headers.iter().map(header));
        batch.add_record(new);
    }
    batch
}

fn header(given: &RecordHeader) -> RecordHeader {
    RecordHeader { key: given.key.clone(), value: given.value.clone() }
}

fn compression(name: &str) -> Result<Compression, String> {
    match name {
        "none" => Ok(Compression::None),
        "gzip" => Ok(Compression::Gzip),
        "snappy" => Ok(Compression::Snappy),
        "lz4" => Ok(Compression::Lz4),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(format!("no codec {name}")),
    }
}

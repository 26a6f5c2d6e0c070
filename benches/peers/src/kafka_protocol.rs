//! kafka-protocol: `RecordBatchDecoder::decode` and `RecordBatchEncoder::encode` with the crate's own codecs.

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record,
    RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, RecordSet, TimestampType,
};
use kavka_bench_line::{Peer, Seen};

/// kafka-protocol's record codec.
#[derive(Default)]
pub struct KafkaProtocol {
    log: Bytes,
    batches: Vec<Vec<Record>>,
    /// Where batches are encoded, used again for each.
    buffer: BytesMut,
}

impl Peer for KafkaProtocol {
    fn load(&mut self, log: Vec<u8>) -> Result<(), String> {
        self.log = log.into();
        self.batches.clear();
        let mut rest = self.log.clone();
        while !rest.is_empty() {
            self.batches.push(decode(&mut rest)?.records);
        }
        Ok(())
    }

    fn decode(&mut self) -> Result<Seen, String> {
        let mut seen = Seen::default();
        let mut rest = self.log.clone();
        while !rest.is_empty() {
            for record in &decode(&mut rest)?.records {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                seen.add(record.offset, record.timestamp, key, value);
            }
        }
        Ok(seen)
    }

    fn encode(&mut self, codec: &str, sent: &mut dyn FnMut(&[u8])) -> Result<Seen, String> {
        let options = RecordEncodeOptions { version: 2, compression: compression(codec)? };
        let mut seen = Seen::default();
        for given in &self.batches {
            let records: Vec<Record> = (0..).zip(given).map(build).collect();
            self.buffer.clear();
            RecordBatchEncoder::encode(&mut self.buffer, &records, &options)
                .map_err(|error| error.to_string())?;
            seen.records += records.len() as u64;
            seen.sum += self.buffer.len() as u64;
            sent(&self.buffer);
        }
        Ok(seen)
    }
}

fn decode(rest: &mut Bytes) -> Result<RecordSet, String> {
    RecordBatchDecoder::decode(rest).map_err(|error| error.to_string())
}

/// A new record over bytes that the application already owns, so that none are copied.
fn build((offset, given): (i32, &Record)) -> Record {
    let headers = given.headers.iter().map(|(key, value)| (key.clone(), value.clone()));
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: offset.into(),
        sequence: offset,
        timestamp: given.timestamp,
        key: given.key.clone(),
        value: given.value.clone(),
        headers: if given.headers.is_empty() { IndexMap::new() } else { headers.collect() },
    }
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

//! Batches put together by hand for tests, valid or not.

use bytes::Bytes;

use crate::{
    compression::{Compression, Compressor},
    ids::Sequence,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp},
    record::{
        Attributes, BatchBuilder, BatchView, Batches, EndTransactionMarker, ProducerStamp,
        RecordBatchHeader, RecordView, SealedBatch, assign_offsets,
        header::{HASHED_FROM, HEADER_SIZE, LOG_OVERHEAD, MAGIC},
    },
    varint::{put_varint, put_varlong},
};

/// A plain header for `count` records of the offsets from 0.
pub(crate) fn header(count: i32) -> RecordBatchHeader {
    RecordBatchHeader {
        base_offset: 0,
        batch_length: 0,
        leader_epoch: None,
        magic: MAGIC,
        crc: 0,
        attributes: Attributes::parse(0).unwrap(),
        last_offset_delta: (count - 1).max(0),
        base_timestamp: 1000,
        max_timestamp: Some(1000),
        producer_id: None,
        producer_epoch: None,
        base_sequence: None,
        record_count: count,
    }
}

/// `records` behind `header`, with the right length and checksum.
pub(crate) fn batch_of(header: RecordBatchHeader, records: &[u8]) -> Bytes {
    let length = HEADER_SIZE - LOG_OVERHEAD + records.len();
    let header = RecordBatchHeader { batch_length: i32::try_from(length).unwrap(), ..header };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(records);
    fix_crc(&mut bytes);
    bytes.into()
}

/// Gives the batch in `bytes` the checksum of what it holds.
pub(crate) fn fix_crc(bytes: &mut [u8]) {
    let crc = crc32c::crc32c(&bytes[HASHED_FROM..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
}

/// A record of the parts given; `tail` begins with the number of headers.
pub(crate) fn record(timestamp_delta: i64, offset_delta: i32, tail: &[u8]) -> Vec<u8> {
    let mut content = vec![0];
    put_varlong(&mut content, timestamp_delta);
    put_varint(&mut content, offset_delta);
    content.extend_from_slice(&[0x01, 0x02, b'v']);
    content.extend_from_slice(tail);
    let mut record = Vec::new();
    put_varint(&mut record, i32::try_from(content.len()).unwrap());
    record.extend_from_slice(&content);
    record
}

/// The only batch of `bytes`.
pub(crate) fn view(bytes: impl Into<Bytes>) -> BatchView {
    let mut batches = Batches::new(bytes.into());
    let batch = batches.next().expect("a batch").expect("a valid batch");
    assert!(batches.next().is_none());
    batch
}

/// A sealed batch with the values of `values` and the timestamps from 1000.
pub(crate) fn sealed(compression: Compression, values: &[&str]) -> SealedBatch {
    let mut builder = BatchBuilder::new(compression, None);
    for (timestamp, value) in (1000..).zip(values) {
        builder.append(timestamp, Some(b"key"), Some(value.as_bytes()), []).unwrap();
    }
    builder.seal(&mut Compressor::new()).unwrap()
}

/// The batch `sealed(..)` at its place in a log.
pub(crate) fn logged(base_offset: Offset, values: &[&str], writer: Writer) -> Bytes {
    let stamp = match writer {
        Writer::Plain => None,
        Writer::Idempotent(id) => Some((id, false)),
        Writer::Transactional(id) => Some((id, true)),
    };
    let stamp = stamp.map(|(id, is_transactional)| ProducerStamp {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(0),
        base_sequence: Sequence::new(0),
        is_transactional,
    });
    placed(base_offset, &sealed(Compression::None, values).stamp(stamp))
}

/// The end of a transaction at its place in a log.
pub(crate) fn marker(
    base_offset: Offset,
    marker: EndTransactionMarker,
    id: i64,
    timestamp: Timestamp,
) -> Bytes {
    placed(base_offset, &marker.to_batch(ProducerId(id), ProducerEpoch(0), timestamp).unwrap())
}

fn placed(base_offset: Offset, batch: &[u8]) -> Bytes {
    let mut batch = batch.to_vec();
    assign_offsets(&mut batch, base_offset, LeaderEpoch(0), None).unwrap();
    batch.into()
}

/// Who wrote a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writer {
    Plain,
    Idempotent(i64),
    Transactional(i64),
}

/// What there is to know of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) offset: Offset,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Plain {
    pub(crate) fn of(record: &RecordView<'_>) -> Self {
        let headers = record.headers().iter().map(|header| {
            let (key, value) = header.expect("a valid header");
            (key.to_vec(), value.map(<[u8]>::to_vec))
        });
        Self {
            offset: record.offset(),
            timestamp: record.timestamp(),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.collect(),
        }
    }
}

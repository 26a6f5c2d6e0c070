//! A batch that a broker finds too large becomes two.

use bytes::Bytes;
use kavka_protocol::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, RecordView, SealedBatch,
    Timestamp,
};

use super::batch::Batch;

/// Two batches with the records of one, in order, of about equal size; `None` if it cannot be divided.
pub(super) fn halves<T: Clone>(
    batch: &Batch<T>,
    codec: (Compression, Option<i32>),
    compressor: &mut Compressor,
) -> Option<[(Batch<T>, SealedBatch); 2]> {
    let whole = Batches::new(batch.wire.clone()).next()?.ok()?;
    let body = whole.body(&mut Decompressor::default()).ok()?;
    let new_builder = || BatchBuilder::new(codec.0, codec.1);
    let (mut first, mut second) = (new_builder(), new_builder());
    let middle = first.size_in_bytes() + body.bytes().len() / 2;
    for (place, record) in body.records().enumerate() {
        let is_last = place + 1 == batch.records;
        let goes_first =
            second.is_empty() && !is_last && (first.is_empty() || first.size_in_bytes() < middle);
        append(if goes_first { &mut first } else { &mut second }, &record.ok()?)?;
    }
    let records = first.len();
    let first = (part(batch, 0, records), first.seal(compressor).ok()?);
    let second = (part(batch, records, batch.records - records), second.seal(compressor).ok()?);
    Some([first, second])
}

/// The records of `batch` from `skipped` on; it has not been tried yet.
fn part<T: Clone>(batch: &Batch<T>, skipped: usize, records: usize) -> Batch<T> {
    let half = batch.reserved / 2;
    Batch {
        id: batch.id,
        partition: batch.partition,
        topic_partition: batch.topic_partition.clone(),
        ticket: batch.ticket.clone(),
        first: batch.first + skipped,
        records,
        of: batch.of,
        wire: Bytes::new(),
        reserved: if skipped == 0 { batch.reserved - half } else { half },
        opened: batch.opened,
        deadline: batch.deadline,
        attempts: 0,
        maybe_written: false,
        trouble: batch.trouble.clone(),
        backoff: batch.backoff.clone(),
    }
}

fn append(builder: &mut BatchBuilder, record: &RecordView<'_>) -> Option<()> {
    let mut headers = Vec::with_capacity(record.headers().len());
    for header in record.headers() {
        let (name, content) = header.ok()?;
        headers.push((std::str::from_utf8(name).ok()?, content));
    }
    let timestamp = record.timestamp().unwrap_or(NO_TIMESTAMP);
    builder.append(timestamp, record.key(), record.value(), headers).ok().map(drop)
}

/// A record without a time.
const NO_TIMESTAMP: Timestamp = -1;

//! kavka's own passes: reading a log, and making its batches anew.

use bytes::{Bytes, BytesMut};
use kavka_bench_line::Seen;
use kavka_protocol::{
    BatchBuilder, Batches, Compression, Compressor, DecodeError, Decompressor, EncodeError,
    RecordColumns, RecordView,
};

/// Reads every record of `log`, checksums verified; headers stay undecoded.
pub fn walk(log: &Bytes, decompressor: &mut Decompressor) -> Result<Seen, DecodeError> {
    let mut seen = Seen::default();
    for batch in Batches::new(log.clone()) {
        for record in batch?.body(decompressor)?.records() {
            look_at(&mut seen, &record?);
        }
    }
    Ok(seen)
}

/// Reads every batch of `log` into columns, and then what the columns hold.
pub fn read_columns(
    log: &Bytes,
    decompressor: &mut Decompressor,
    columns: &mut RecordColumns,
) -> Result<Seen, DecodeError> {
    let mut seen = Seen::default();
    for batch in Batches::new(log.clone()) {
        let body = batch?.body(decompressor)?;
        columns.clear();
        body.records().read_columns(usize::MAX, columns)?;
        let times = columns.offsets().iter().zip(columns.timestamps());
        let parts = columns.keys().iter().zip(columns.values());
        for ((offset, timestamp), (key, value)) in times.zip(parts) {
            seen.add(*offset, *timestamp, key.of(body.bytes()), value.of(body.bytes()));
        }
    }
    Ok(seen)
}

/// Reads every record of `log` and every header of it, which the rivals do unasked.
pub fn walk_headers(log: &Bytes, decompressor: &mut Decompressor) -> Result<Seen, DecodeError> {
    let (seen, headers) = walk_both(log, decompressor)?;
    std::hint::black_box(headers);
    Ok(seen)
}

/// The same with the headers in what was seen: logs of which it is equal hold the same.
pub(crate) fn walk_all(log: &Bytes, decompressor: &mut Decompressor) -> Result<Seen, DecodeError> {
    let (seen, headers) = walk_both(log, decompressor)?;
    Ok(Seen { records: seen.records, sum: seen.sum.wrapping_add(headers.sum) })
}

#[inline]
fn walk_both(log: &Bytes, decompressor: &mut Decompressor) -> Result<(Seen, Seen), DecodeError> {
    let (mut seen, mut headers) = (Seen::default(), Seen::default());
    for batch in Batches::new(log.clone()) {
        for record in batch?.body(decompressor)?.records() {
            let record = record?;
            look_at(&mut seen, &record);
            for header in record.headers() {
                let (key, value) = header?;
                headers.add(0, 0, Some(key), value);
            }
        }
    }
    Ok((seen, headers))
}

#[inline]
fn look_at(seen: &mut Seen, record: &RecordView<'_>) {
    let timestamp = record.timestamp().unwrap_or(-1);
    seen.add(record.offset(), timestamp, record.key(), record.value());
}

/// The records of a log as an application holds them, batch by batch.
#[derive(Debug)]
pub struct Records {
    batches: Vec<Vec<Given>>,
}

#[derive(Debug)]
struct Given {
    timestamp: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(String, Option<Bytes>)>,
}

impl Records {
    /// Takes the records out of `log`.
    pub fn read(log: &Bytes) -> Result<Self, DecodeError> {
        let mut decompressor = Decompressor::new();
        let batches = Batches::new(log.clone()).map(|batch| {
            let body = batch?.body(&mut decompressor)?;
            body.records().map(|record| Given::new(&record?, body.bytes())).collect()
        });
        Ok(Self { batches: batches.collect::<Result<_, _>>()? })
    }
}

impl Given {
    fn new(record: &RecordView<'_>, body: &Bytes) -> Result<Self, DecodeError> {
        let keep = |bytes: Option<&[u8]>| bytes.map(|bytes| body.slice_ref(bytes));
        let headers = record.headers().into_iter().map(|header| {
            let (key, value) = header?;
            Ok((String::from_utf8_lossy(key).into_owned(), keep(value)))
        });
        Ok(Self {
            timestamp: record.timestamp().unwrap_or(-1),
            key: keep(record.key()),
            value: keep(record.value()),
            headers: headers.collect::<Result<_, _>>()?,
        })
    }
}

/// Makes batches with one codec, its memory used again from batch to batch as the client does.
#[derive(Debug)]
pub struct EncodePass {
    codec: Compression,
    compressor: Compressor,
    buffer: BytesMut,
}

impl EncodePass {
    /// Nothing is reserved before the first batch.
    pub fn new(codec: Compression) -> Self {
        Self { codec, compressor: Compressor::new(), buffer: BytesMut::new() }
    }

    /// Makes all batches of `records`; each goes to `sent`. The sum seen is the number of bytes.
    pub fn run(
        &mut self,
        records: &Records,
        mut sent: impl FnMut(&[u8]),
    ) -> Result<Seen, EncodeError> {
        let mut seen = Seen::default();
        for given in &records.batches {
            let wire = self.encode(given)?;
            seen.records += given.len() as u64;
            seen.sum += wire.len() as u64;
            sent(&wire);
            self.buffer = match self.codec {
                Compression::None => wire.try_into_mut().unwrap_or_default(),
                _ => self.compressor.take_spare(),
            };
        }
        Ok(seen)
    }

    fn encode(&mut self, records: &[Given]) -> Result<Bytes, EncodeError> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut builder = BatchBuilder::with_buffer(self.codec, None, buffer);
        for record in records {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let headers = record.headers.iter().map(|(key, value)| (&**key, value.as_deref()));
            builder.append(record.timestamp, key, value, headers)?;
        }
        Ok(builder.seal(&mut self.compressor)?.into_stamped(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_differ_in_a_header_hold_different_records() {
        let seen = |header: Option<&[u8]>| {
            let mut builder = BatchBuilder::new(Compression::None, None);
            builder
                .append(1, None, Some(b"value"), header.map(|value| ("h", Some(value))))
                .unwrap();
            let log = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
            walk_all(&log, &mut Decompressor::new()).unwrap()
        };
        assert_eq!(seen(Some(b"a")), seen(Some(b"a")));
        assert_ne!(seen(Some(b"a")), seen(Some(b"b")));
        assert_ne!(seen(Some(b"a")), seen(None));
    }
}

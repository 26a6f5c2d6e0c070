//! What the clients work on: logs of one kind of record each.

use std::io::{self, Write};

use bytes::Bytes;
use kavka_protocol::{
    BatchBuilder, Compression, Compressor, EncodeError, LeaderEpoch, assign_offsets,
};

use crate::{Options, Result, payload::Payloads};

/// A kind of record.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What the kind is called in tables.
    pub name: &'static str,
    /// Bytes of the value.
    pub value_size: usize,
    /// How many headers there are.
    pub headers: usize,
}

impl Shape {
    /// The kind that is called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.name == name)
    }

    /// Bytes of a key and a value.
    pub fn payload_size(&self) -> usize {
        KEY_SIZE + self.value_size
    }
}

/// The kinds that are measured.
pub const SHAPES: [Shape; 4] = [
    Shape { name: "100B", value_size: 100, headers: 0 },
    Shape { name: "100B+2h", value_size: 100, headers: 2 },
    Shape { name: "1KiB", value_size: 1024, headers: 0 },
    Shape { name: "10KiB", value_size: 10 * 1024, headers: 0 },
];

/// A slice of a log: batches of one kind of record, stored with one codec.
#[derive(Debug)]
pub struct Case {
    /// The kind and, where there is one, the codec: `1KiB/lz4`.
    pub name: String,
    /// How the batches are compressed.
    pub codec: Compression,
    /// The batches as they lie on a broker's disk.
    pub log: Bytes,
    /// Whether the records have headers.
    pub has_headers: bool,
    /// How many records there are.
    pub records: u64,
    /// How many batches there are.
    pub batches: u64,
    /// The size of the batches before compression.
    pub plain_size: u64,
}

impl Case {
    /// Every kind with every codec, as far as `options` asks for it.
    pub fn all(options: &Options) -> impl Iterator<Item = Result<Self>> {
        let kinds = SHAPES.iter().flat_map(|shape| Compression::ALL.map(|codec| (shape, codec)));
        kinds.filter(|(shape, codec)| options.wants(&name(shape, *codec))).map(|(shape, codec)| {
            Ok(Self::new(shape, codec, options.batch_size, options.log_size)?)
        })
    }

    /// About `log_size` bytes in batches of about `batch_size`, compression aside.
    pub fn new(
        shape: &Shape,
        codec: Compression,
        batch_size: usize,
        log_size: usize,
    ) -> Result<Self, EncodeError> {
        let mut writer = Writer::new(shape, codec);
        while writer.plain_size < log_size {
            writer.write_batch(batch_size)?;
        }
        Ok(Self {
            name: name(shape, codec),
            codec,
            has_headers: shape.headers > 0,
            log: writer.log.into(),
            records: writer.records.cast_unsigned(),
            batches: writer.batches,
            plain_size: writer.plain_size as u64,
        })
    }
}

/// Writes batches after each other, as a producer and a broker do together.
struct Writer {
    headers: usize,
    codec: Compression,
    payloads: Payloads,
    compressor: Compressor,
    log: Vec<u8>,
    records: i64,
    batches: u64,
    plain_size: usize,
}

impl Writer {
    fn new(shape: &Shape, codec: Compression) -> Self {
        Self {
            headers: shape.headers,
            codec,
            payloads: Payloads::new(shape.value_size),
            compressor: Compressor::new(),
            log: Vec::new(),
            records: 0,
            batches: 0,
            plain_size: 0,
        }
    }

    fn write_batch(&mut self, size: usize) -> Result<(), EncodeError> {
        let base_offset = self.records;
        let mut builder = BatchBuilder::new(self.built_with(), None);
        while builder.size_in_bytes() < size {
            self.append(&mut builder)?;
        }
        self.plain_size += builder.size_in_bytes();
        self.batches += 1;
        let start = self.log.len();
        let batch = builder.seal(&mut self.compressor)?.into_stamped(None);
        match self.codec {
            Compression::Zstd => self.log.extend(in_zstd_stream(&batch)?),
            _ => self.log.extend_from_slice(&batch),
        }
        assign_offsets(&mut self.log[start..], base_offset, LeaderEpoch(0), None)
            .expect("a batch of ours");
        Ok(())
    }

    /// The codec of batches as they are built, from which those that are kept are made.
    fn built_with(&self) -> Compression {
        match self.codec {
            Compression::Zstd => Compression::None,
            codec => codec,
        }
    }

    fn append(&mut self, builder: &mut BatchBuilder) -> Result<(), EncodeError> {
        let key = format!("key-{:07}", self.records % 10_000_000);
        let timestamp = FIRST_TIMESTAMP + self.records / RECORDS_PER_MILLISECOND;
        let headers = HEADERS.iter().take(self.headers).copied();
        builder.append(timestamp, Some(key.as_bytes()), Some(self.payloads.next()), headers)?;
        self.records += 1;
        Ok(())
    }
}

/// The uncompressed `batch` compressed as Java's client does it: with a stream, whose frame does not say how much it
/// holds, as kavka's own frames do.
fn in_zstd_stream(batch: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let refused = |error: io::Error| EncodeError::Compress {
        codec: Compression::Zstd,
        cause: error.to_string(),
    };
    let (header, records) = batch.split_at(HEADER_SIZE);
    let mut stream =
        zstd::Encoder::new(header.to_vec(), zstd::DEFAULT_COMPRESSION_LEVEL).map_err(refused)?;
    stream.write_all(records).map_err(refused)?;
    let mut batch = stream.finish().map_err(refused)?;
    let length = u32::try_from(batch.len() - LENGTH_END).expect("a batch of ours");
    batch[LENGTH_END - 4..LENGTH_END].copy_from_slice(&length.to_be_bytes());
    batch[ATTRIBUTES_END - 1] |= ZSTD;
    let crc = crc32c::crc32c(&batch[CRC_END..]);
    batch[CRC_END - 4..CRC_END].copy_from_slice(&crc.to_be_bytes());
    Ok(batch)
}

fn name(shape: &Shape, codec: Compression) -> String {
    match codec {
        Compression::None => shape.name.to_owned(),
        codec => format!("{}/{codec}", shape.name),
    }
}

/// Places in a batch, and the codec's number in its attributes.
const HEADER_SIZE: usize = 61;
const LENGTH_END: usize = 12;
const CRC_END: usize = 21;
const ATTRIBUTES_END: usize = 23;
const ZSTD: u8 = 4;
/// `key-` and seven digits.
const KEY_SIZE: usize = kavka_bench_line::Entries::KEY_SIZE;
const FIRST_TIMESTAMP: i64 = 1_700_000_000_000;
const RECORDS_PER_MILLISECOND: i64 = 10;
const HEADERS: [(&str, Option<&[u8]>); 2] =
    [("trace-id", Some(b"4bf92f3577b34da6")), ("content-type", Some(b"application/json"))];

#[cfg(test)]
mod tests {
    use kavka_protocol::{Batches, Decompressor};

    use super::*;

    #[test]
    fn a_log_with_zstd_holds_the_same_records_in_frames_that_do_not_say_their_size() {
        let log = |codec| Case::new(&SHAPES[1], codec, 20_000, 60_000).unwrap().log;
        let (plain, compressed) = (log(Compression::None), log(Compression::Zstd));
        let walk = |log| crate::codec::walk_all(log, &mut Decompressor::new()).unwrap();
        assert_eq!(walk(&compressed), walk(&plain));
        assert!(compressed.len() < plain.len() / 2);
        for batch in Batches::new(compressed) {
            let batch = batch.unwrap();
            let frame = &batch.bytes()[HEADER_SIZE..];
            assert!(matches!(zstd::zstd_safe::get_frame_content_size(frame), Ok(None)));
        }
    }
}

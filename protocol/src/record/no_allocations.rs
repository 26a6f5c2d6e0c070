//! Reading and writing allocate by the batch, never by the record.

use bytes::{Bytes, BytesMut};

use crate::{
    allocations::count_allocations,
    compression::{Compression, Compressor, Decompressor},
    ids::{ProducerEpoch, ProducerId, Sequence},
    record::{BatchBuilder, Batches, ProducerStamp},
};

const FEW: usize = 10;
const MANY: usize = 5000;
/// More than all records of a large batch take.
const ROOM: usize = 1 << 20;

const STAMP: ProducerStamp = ProducerStamp {
    producer_id: ProducerId(1),
    producer_epoch: ProducerEpoch(0),
    base_sequence: Sequence::new(0),
    is_transactional: false,
};

/// All but zstd in pure Rust, which allocates as it likes.
fn codecs() -> impl Iterator<Item = Compression> {
    let is_native = cfg!(feature = "zstd");
    Compression::ALL.into_iter().filter(move |codec| is_native || *codec != Compression::Zstd)
}

fn append(builder: &mut BatchBuilder, records: usize) {
    for n in 0..records {
        let key = (n as u64).to_be_bytes();
        let headers = [("trace", Some(&key[..])), ("trace", None)];
        builder.append(n as i64, Some(&key), Some(&[7; 100]), headers).unwrap();
    }
}

fn batch(codec: Compression, records: usize) -> Bytes {
    let mut builder = BatchBuilder::new(codec, None);
    append(&mut builder, records);
    builder.seal(&mut Compressor::new()).unwrap().into_stamped(None)
}

/// Reads all parts of all records and returns their size.
fn walk(log: &Bytes, decompressor: &mut Decompressor) -> usize {
    let mut size = 0;
    for batch in Batches::new(log.clone()) {
        let body = batch.unwrap().body(decompressor).unwrap();
        for record in body.records() {
            let record = record.unwrap();
            size += record.key().unwrap().len() + record.value().unwrap().len();
            for header in record.headers() {
                let (key, value) = header.unwrap();
                size += key.len() + value.map_or(0, <[u8]>::len);
            }
        }
    }
    size
}

#[test]
fn reading_records_allocates_nothing() {
    for codec in codecs() {
        let [few, many] = [FEW, MANY].map(|records| {
            let (log, mut decompressor) = (batch(codec, records), Decompressor::new());
            // The first batch makes the state of the codec and the buffer that are used again.
            walk(&log, &mut decompressor);
            let (size, allocations) = count_allocations(|| walk(&log, &mut decompressor));
            assert_eq!(size, records * (8 + 100 + 5 + 8 + 5));
            allocations
        });
        assert_eq!(few, many, "{codec}");
        // What counts the references to a decompressed buffer; gzip begins anew.
        assert!(many <= 2, "{codec} {many}");
    }
}

#[test]
fn appending_records_to_a_buffer_with_room_allocates_nothing() {
    let buffer = BytesMut::with_capacity(ROOM);
    let mut builder = BatchBuilder::with_buffer(Compression::None, None, buffer);
    let ((), allocations) = count_allocations(|| append(&mut builder, MANY));
    assert_eq!((builder.len(), allocations), (MANY, 0));
}

#[test]
fn sealing_and_stamping_allocate_by_the_batch() {
    for codec in codecs() {
        let mut compressor = Compressor::new();
        let mut counts = [MANY, FEW, MANY].map(|records| {
            let mut spare = compressor.take_spare();
            spare.reserve(ROOM);
            let mut builder = BatchBuilder::with_buffer(codec, None, spare);
            append(&mut builder, records);
            let sealed = count_allocations(|| {
                builder.seal(&mut compressor).unwrap().into_stamped(Some(STAMP))
            });
            sealed.1
        });
        counts[0] = 0;
        let [_, few, many] = counts;
        assert_eq!(few, many, "{codec}");
        // The memory of the compressed batch, and its count of references.
        assert!(many <= 2, "{codec} {many}");
    }
}

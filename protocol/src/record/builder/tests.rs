//! Batches that are written: their exact bytes, what another implementation reads from them, stamps.

use kafka_protocol::records::RecordBatchDecoder;

use super::*;
use crate::{
    compression::Decompressor,
    record::{
        header::HASHED_FROM,
        testing::{Plain, sealed, view},
    },
};

const STAMP: ProducerStamp = ProducerStamp {
    producer_id: ProducerId(0x0102_0304_0506_0708),
    producer_epoch: ProducerEpoch(0x1112),
    base_sequence: Sequence::new(0x2122_2324),
    is_transactional: true,
};

/// Keys, values and headers in every shape that matters.
fn varied(compression: Compression) -> BatchBuilder {
    let long = "x".repeat(300);
    let mut builder = BatchBuilder::new(compression, None);
    builder.append(5000, None, None, []).unwrap();
    builder.append(4000, Some(b""), Some(b""), []).unwrap();
    builder.append(9_000_000_000_000, Some(b"k"), Some(long.as_bytes()), []).unwrap();
    let headers = [("a", Some(&b"1"[..])), ("a", None), ("\u{e4}", Some(&b"\xff"[..])), ("", None)];
    builder.append(-1, Some(&[0xff; 70]), None, headers).unwrap();
    builder
}

fn records(batch: &Bytes) -> Vec<Plain> {
    let body = view(batch.clone()).body(&mut Decompressor::new()).unwrap();
    body.records().map(|record| Plain::of(&record.unwrap())).collect()
}

#[test]
fn a_small_batch_has_exactly_kafkas_bytes() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(0x0000_0160_0000_0000, Some(b"k1"), Some(b"hi"), []).unwrap();
    builder.append(0x0000_0160_0000_0005, None, Some(b""), [("h", Some(&b"v"[..]))]).unwrap();
    let batch = builder.seal(&mut Compressor::new()).unwrap().stamp(Some(STAMP));

    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 0, 0, 0, 0, 0, // base offset
        0, 0, 0, 71, // length: 49 of header, twice 11 of records
        0xff, 0xff, 0xff, 0xff, // leader epoch: set by the broker
        2, // magic
        0x3d, 0xa0, 0x89, 0x97, // checksum, computed bit by bit elsewhere
        0, 0x10, // attributes: transactional
        0, 0, 0, 1, // last offset delta
        0, 0, 1, 0x60, 0, 0, 0, 0, // base timestamp
        0, 0, 1, 0x60, 0, 0, 0, 5, // max timestamp
        1, 2, 3, 4, 5, 6, 7, 8, // producer id
        0x11, 0x12, // producer epoch
        0x21, 0x22, 0x23, 0x24, // base sequence
        0, 0, 0, 2, // record count
        20, 0, 0, 0, // length 10, attributes, timestamp +0, offset +0
        4, b'k', b'1', 4, b'h', b'i', 0, // key, value, no headers
        20, 0, 10, 2, // length 10, attributes, timestamp +5, offset +1
        1, 0, 2, 2, b'h', 2, b'v', // no key, empty value, one header
    ];
    assert_eq!(batch[..], expected);
}

#[test]
fn another_implementation_reads_the_same_records() {
    let batch = varied(Compression::None).seal(&mut Compressor::new()).unwrap().stamp(Some(STAMP));

    let theirs = RecordBatchDecoder::decode(&mut batch.clone()).unwrap();
    let ours = records(&batch);

    assert_eq!(theirs.records.len(), ours.len());
    for (theirs, ours) in theirs.records.iter().zip(&ours) {
        assert_eq!(theirs.offset, ours.offset);
        assert_eq!(theirs.timestamp, ours.timestamp.unwrap_or(-1));
        assert_eq!(theirs.key.as_deref(), ours.key.as_deref());
        assert_eq!(theirs.value.as_deref(), ours.value.as_deref());
        assert_eq!((theirs.producer_id, theirs.producer_epoch), (0x0102_0304_0506_0708, 0x1112));
        assert!(theirs.transactional && !theirs.control);
        // It keeps one header of a name only, the last; ours has them all.
        for (name, value) in &theirs.headers {
            let last = ours.headers.iter().rev().find(|(key, _)| key == name.as_bytes());
            assert_eq!(last.unwrap().1.as_deref(), value.as_deref());
        }
    }
}

#[test]
fn records_come_back_as_they_were_appended_with_every_codec() {
    let expected =
        records(&varied(Compression::None).seal(&mut Compressor::new()).unwrap().stamp(None));
    assert_eq!(expected[3].headers[0], (b"a".to_vec(), Some(b"1".to_vec())));
    assert_eq!(expected[3].headers[1], (b"a".to_vec(), None));
    assert_eq!(expected[3].timestamp, None);
    assert_eq!(expected[1].key.as_deref(), Some(&b""[..]));
    assert_eq!(expected[0].value, None);
    for codec in Compression::ALL {
        let sealed = varied(codec).seal(&mut Compressor::new()).unwrap();
        let batch = sealed.stamp(None);
        assert_eq!(records(&batch), expected, "{codec}");
        assert_eq!(view(batch.clone()).compression(), codec);
        assert_eq!((sealed.len(), sealed.size_in_bytes()), (4, batch.len()));
        assert_eq!(sealed.max_timestamp(), 9_000_000_000_000);
        assert_eq!(view(batch).max_timestamp(), Some(9_000_000_000_000));
    }
}

#[test]
fn every_stamp_leaves_a_valid_checksum_and_the_same_records() {
    for codec in Compression::ALL {
        let sealed = sealed(codec, &["one", "two", "three"]);
        let expected = records(&sealed.stamp(None));
        let later =
            ProducerStamp { producer_epoch: ProducerEpoch(9), is_transactional: false, ..STAMP };
        for stamp in [None, Some(STAMP), Some(later)] {
            let batch = sealed.stamp(stamp);
            let crc = crc32c::crc32c(&batch[HASHED_FROM..]);
            assert_eq!(batch[17..21], crc.to_be_bytes(), "{codec}");
            assert_eq!(records(&batch), expected);
            let header = *view(batch.clone()).header();
            assert_eq!(header.producer_id, stamp.map(|stamp| stamp.producer_id));
            assert_eq!(header.producer_epoch, stamp.map(|stamp| stamp.producer_epoch));
            assert_eq!(header.base_sequence, stamp.map(|stamp| stamp.base_sequence));
            let is_transactional = stamp.is_some_and(|stamp| stamp.is_transactional);
            assert_eq!(header.attributes.is_transactional, is_transactional);
            assert_eq!(sealed.clone().into_stamped(stamp), batch);
        }
    }
}

#[test]
fn the_last_stamp_takes_the_memory_of_the_batch() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(0, None, Some(&[7; 1000]), []).unwrap();
    let at = builder.buffer.as_ptr();
    assert_eq!(builder.seal(&mut Compressor::new()).unwrap().into_stamped(None).as_ptr(), at);
}

#[test]
fn the_memory_of_a_compressed_batch_serves_the_next() {
    let mut compressor = Compressor::new();
    let mut builder = BatchBuilder::new(Compression::Lz4, None);
    builder.append(0, None, Some(&[7; 1000]), []).unwrap();
    let at = builder.buffer.as_ptr();
    builder.seal(&mut compressor).unwrap();

    let mut builder = BatchBuilder::with_buffer(Compression::Lz4, None, compressor.take_spare());
    builder.append(0, None, Some(&[8; 900]), []).unwrap();

    assert_eq!(builder.buffer.as_ptr(), at);
    let batch = builder.seal(&mut compressor).unwrap().stamp(None);
    assert_eq!(records(&batch)[0].value.as_deref(), Some(&[8; 900][..]));
}

#[test]
fn the_size_is_known_to_the_byte_before_the_batch_is_sealed() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    for n in 0..300_usize {
        let (key, value) = ([1; 70], vec![2; n * n]);
        let headers = [("same", Some(&key[..n % 70])), ("same", None)];
        let key = (n % 2 == 0).then_some(&key[..]);
        builder.append(n as i64 * 1000, key, Some(&value), headers).unwrap();
    }
    let size = builder.size_in_bytes();
    let sealed = builder.seal(&mut Compressor::new()).unwrap();
    assert_eq!((sealed.size_in_bytes(), sealed.stamp(Some(STAMP)).len()), (size, size));
}

#[test]
fn deltas_are_the_order_of_appending() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    for delta in 0..200 {
        assert_eq!(builder.append(7, None, None, []), Ok(delta));
    }
    assert_eq!(builder.len(), 200);
}

#[test]
fn a_record_never_takes_more_than_its_upper_bound() {
    let value = vec![1; 70_000];
    let headers = [("name", Some(&b"value"[..])), ("none", None)];
    for (key, value) in
        [(None, None), (Some(&b"key"[..]), Some(&value[..])), (None, Some(&b""[..]))]
    {
        let mut builder = BatchBuilder::new(Compression::None, None);
        builder.append(1, None, None, []).unwrap();
        let before = builder.size_in_bytes();
        builder.append(i64::MAX, key, value, headers).unwrap();
        let size = builder.size_in_bytes() - before;
        assert!(size <= record_size_upper_bound(key, value, headers));
        assert!(size + 40 >= record_size_upper_bound(key, value, headers));
    }
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    let error = builder.append(-2, None, None, []);
    assert_eq!(error, Err(EncodeError::Value { field: "record timestamp", value: -2 }));
    assert_eq!((builder.len(), builder.size_in_bytes()), (0, HEADER_SIZE));
    let sealed = builder.seal(&mut Compressor::new());
    assert_eq!(sealed.unwrap_err(), EncodeError::EmptyBatch);
}

#[test]
fn a_time_too_far_from_the_first_is_refused() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(-1, None, Some(b"first"), []).unwrap();
    let value = i64::MAX;
    let error = EncodeError::Value { field: "record timestamp", value };
    assert_eq!(builder.append(value, None, None, []), Err(error));
    builder.append(value - 1, None, Some(b"second"), []).unwrap();
    let batch = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
    let times: Vec<_> = records(&batch).into_iter().map(|record| record.timestamp).collect();
    assert_eq!(times, [None, Some(value - 1)]);
}

#[test]
fn a_wrong_level_is_refused_when_the_batch_is_sealed() {
    let mut builder = BatchBuilder::new(Compression::Gzip, Some(10));
    builder.append(0, None, None, []).unwrap();
    let error = builder.seal(&mut Compressor::new()).unwrap_err();
    let codec = Compression::Gzip;
    assert_eq!(error, EncodeError::CompressionLevel { codec, level: 10, levels: 1..=9 });
}

#[test]
fn a_batch_restored_from_the_wire_loses_its_stamp_when_it_gets_none() {
    let sealed = varied(Compression::None).seal(&mut Compressor::new()).unwrap();
    let plain = sealed.stamp(None);
    let stamped = sealed.into_stamped(Some(STAMP));
    let restored = SealedBatch::from_wire(stamped.clone()).unwrap();
    assert_eq!(restored.into_stamped(None), plain);
    let more = [&stamped[..], b"more"].concat();
    let error = SealedBatch::from_wire(more.into()).unwrap_err();
    assert_eq!(error, DecodeError::Trailing { field: "record batch", bytes: 4 });
}

#[test]
fn a_batch_restored_from_the_wire_takes_another_stamp() {
    let other = ProducerStamp {
        producer_epoch: ProducerEpoch(1),
        base_sequence: Sequence::new(0),
        is_transactional: false,
        ..STAMP
    };
    for codec in [Compression::None, Compression::Lz4] {
        let sealed = varied(codec).seal(&mut Compressor::new()).unwrap();
        let expected = sealed.stamp(Some(other));
        let restored = SealedBatch::from_wire(sealed.into_stamped(Some(STAMP))).unwrap();
        assert_eq!(restored.into_stamped(Some(other)), expected, "{codec}");
    }
}

//! Batches that are read: whole, cut short, damaged, and lying about what they hold.

use super::*;
use crate::{
    compression::Compressor,
    ids::{LeaderEpoch, ProducerEpoch},
    record::{
        Attributes, BatchBuilder, RecordView,
        testing::{batch_of, fix_crc, header, record, sealed, view},
    },
};

fn two_batches() -> Bytes {
    let batch = sealed(Compression::None, &["a", "b", "c"]).stamp(None);
    [batch.as_ref(), batch.as_ref()].concat().into()
}

/// Reads everything there is to read.
fn read_all(bytes: &Bytes) -> Result<usize, DecodeError> {
    let (mut decompressor, mut records) = (Decompressor::new(), 0);
    for batch in Batches::new(bytes.clone()) {
        let body = batch?.body(&mut decompressor)?;
        for record in body.records() {
            let record = record?;
            assert!(is_inside(&record, body.bytes()));
            records += 1;
            for header in record.headers() {
                header?;
            }
        }
    }
    Ok(records)
}

fn is_inside(record: &RecordView<'_>, body: &Bytes) -> bool {
    let range = body.as_ptr_range();
    let mut parts = [record.key(), record.value()].into_iter().flatten();
    parts.all(|part| {
        let part = part.as_ptr_range();
        range.start <= part.start && part.end <= range.end
    })
}

#[test]
fn a_batch_cut_short_is_where_the_data_ends() {
    let bytes = two_batches();
    for length in 0..=bytes.len() {
        let whole = length / (bytes.len() / 2);
        assert_eq!(read_all(&bytes.slice(..length)), Ok(3 * whole), "{length}");
    }
}

#[test]
fn a_flipped_bit_under_the_checksum_is_noticed() {
    for codec in Compression::ALL {
        let batch = sealed(codec, &["a", "b", "c"]).stamp(None);
        for at in HASHED_FROM..batch.len() {
            let mut damaged = batch.to_vec();
            damaged[at] ^= 0x04;
            let read = read_all(&damaged.into());
            assert!(read.is_err(), "{codec} {at}: {read:?}");
        }
    }
}

#[test]
fn damage_that_the_checksum_does_not_show_never_panics() {
    for codec in Compression::ALL {
        let batch = sealed(codec, &["a", "b", "c"]).stamp(None);
        for at in 0..batch.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = batch.to_vec();
                damaged[at] ^= flip;
                if at >= HASHED_FROM {
                    fix_crc(&mut damaged);
                }
                let _ = read_all(&damaged.into());
            }
        }
    }
}

#[test]
fn records_cut_short_under_a_valid_checksum_never_panic() {
    for codec in Compression::ALL {
        let batch = sealed(codec, &["a", "b", "c"]).stamp(None);
        let whole = *view(batch.clone()).header();
        for length in 0..batch.len() - HEADER_SIZE {
            let records = &batch[HEADER_SIZE..HEADER_SIZE + length];
            assert!(read_all(&batch_of(whole, records)).is_err(), "{codec} {length}");
        }
    }
}

#[test]
fn a_wrong_checksum_is_an_error_of_the_body_only() {
    let mut bytes = sealed(Compression::None, &["a"]).stamp(None).to_vec();
    let stored = u32::from_be_bytes(bytes[17..21].try_into().unwrap());
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    let computed = crc32c::crc32c(&bytes[HASHED_FROM..]);
    let error = view(bytes).body(&mut Decompressor::new()).unwrap_err();
    assert_eq!(error, DecodeError::Checksum { field: "record batch", stored, computed });
}

#[test]
fn unknown_formats_are_named_even_when_cut_short() {
    for magic in [3_i8, 127, -1] {
        let mut bytes = vec![0; 17];
        bytes[8..12].copy_from_slice(&22_i32.to_be_bytes());
        bytes[16] = magic.to_be_bytes()[0];
        let error = DecodeError::Unsupported { what: "record batch magic", value: magic.into() };
        let mut batches = Batches::new(bytes.into());
        assert_eq!(batches.next().unwrap().unwrap_err(), error);
        assert!(batches.next().is_none());
    }
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused() {
    let records = record(0, 0, &[0]);
    for count in [2, 1000, i32::MAX] {
        let lying = RecordBatchHeader { last_offset_delta: i32::MAX, ..header(count) };
        let error = view(batch_of(lying, &records)).body(&mut Decompressor::new()).unwrap_err();
        let count = count.into();
        assert_eq!(error, DecodeError::Count { field: "record batch", count, limit: 1 });
    }
}

#[test]
fn records_that_are_not_compressed_are_not_copied() {
    let batch = view(sealed(Compression::None, &["a"]).stamp(None));
    let body = batch.body(&mut Decompressor::new()).unwrap();
    assert_eq!(body.bytes().as_ptr(), batch.bytes()[HEADER_SIZE..].as_ptr());
}

#[test]
fn a_value_can_be_kept_without_a_copy() {
    let batch = view(sealed(Compression::Zstd, &["kept"]).stamp(None));
    let body = batch.body(&mut Decompressor::new()).unwrap();
    let value = body.records().next().unwrap().unwrap().value().unwrap();
    let kept = body.bytes().slice_ref(value);
    drop(body);
    assert_eq!(kept, "kept");
}

#[test]
fn an_appended_batch_has_the_time_of_the_broker_for_every_record() {
    let attributes = Attributes::parse(0x08).unwrap();
    for max_timestamp in [Some(7777), None] {
        let header = RecordBatchHeader { attributes, max_timestamp, ..header(2) };
        let batch = view(batch_of(header, &[record(0, 0, &[0]), record(5, 1, &[0])].concat()));
        assert_eq!(batch.timestamp_type(), TimestampType::LogAppendTime);
        let body = batch.body(&mut Decompressor::new()).unwrap();
        let times: Vec<_> = body.records().map(|record| record.unwrap().timestamp()).collect();
        assert_eq!(times, [max_timestamp, max_timestamp]);
    }
}

#[test]
fn timestamps_count_from_the_delete_horizon_where_there_is_one() {
    let attributes = Attributes::parse(0x40).unwrap();
    let header = RecordBatchHeader { attributes, base_timestamp: 9000, ..header(1) };
    let body = view(batch_of(header, &record(-8000, 0, &[0]))).body(&mut Decompressor::new());
    assert_eq!(body.unwrap().records().next().unwrap().unwrap().timestamp(), Some(1000));
}

#[test]
fn a_batch_thinned_out_by_compaction_keeps_its_offsets() {
    let compacted = RecordBatchHeader { base_offset: 100, last_offset_delta: 9, ..header(2) };
    let batch = view(batch_of(compacted, &[record(0, 3, &[0]), record(0, 7, &[0])].concat()));
    let body = batch.body(&mut Decompressor::new()).unwrap();
    let offsets: Vec<_> = body.records().map(|record| record.unwrap().offset()).collect();
    assert_eq!(offsets, [103, 107]);
    assert_eq!((batch.last_offset(), batch.next_offset(), batch.record_count()), (109, 110, 2));
}

#[test]
fn a_batch_without_records_still_covers_its_offsets() {
    for codec in 0..5 {
        let attributes = Attributes::parse(codec).unwrap();
        let empty =
            RecordBatchHeader { base_offset: 5, last_offset_delta: 4, attributes, ..header(0) };
        let batch = view(batch_of(empty, &[]));
        assert_eq!(batch.next_offset(), 10);
        assert_eq!(batch.body(&mut Decompressor::new()).unwrap().records().count(), 0);
    }
}

#[test]
fn records_below_the_floor_do_not_come_out() {
    let batch = view(sealed(Compression::Snappy, &["a", "b", "c"]).stamp(None));
    for (floor, expected) in [(0, 3), (1, 2), (2, 1), (3, 0)] {
        let body = batch.clone().with_floor(floor).body(&mut Decompressor::new()).unwrap();
        assert_eq!(body.records().count(), expected);
        assert!(body.records().all(|record| record.unwrap().offset() >= floor));
    }
}

#[test]
fn what_a_header_says_can_be_asked() {
    let said = RecordBatchHeader {
        base_offset: 40,
        leader_epoch: Some(LeaderEpoch(6)),
        attributes: Attributes::parse(0x30).unwrap(),
        producer_id: Some(ProducerId(8)),
        producer_epoch: Some(ProducerEpoch(1)),
        ..header(1)
    };
    let bytes = batch_of(said, &record(0, 0, &[0]));
    let batch = view(bytes.clone());
    assert!(batch.is_control() && batch.is_transactional());
    assert_eq!(batch.leader_epoch(), Some(LeaderEpoch(6)));
    assert_eq!(batch.producer_id(), Some(ProducerId(8)));
    assert_eq!(batch.max_timestamp(), Some(1000));
    assert_eq!((batch.base_offset(), batch.size_in_bytes()), (40, bytes.len()));
    assert_eq!(batch.bytes(), &bytes);
}

#[test]
fn large_batches_survive_every_codec() {
    let value: Vec<u8> = (0..10_000_u32).flat_map(|n| (n / 3).to_be_bytes()).collect();
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new(codec, None);
        for _ in 0..100 {
            builder.append(0, None, Some(&value), []).unwrap();
        }
        let batch = view(builder.seal(&mut Compressor::new()).unwrap().stamp(None));
        let body = batch.body(&mut Decompressor::new()).unwrap();
        assert_eq!(
            body.records().filter(|r| r.as_ref().unwrap().value() == Some(&value)).count(),
            100
        );
    }
}

#[test]
fn a_walk_goes_on_where_it_stood_without_decoding_what_lies_before() {
    use crate::{BatchBuilder, Compressor};
    let mut builder = BatchBuilder::new(Compression::Lz4, None);
    for n in 0..100_u8 {
        builder.append(i64::from(n), None, Some(&[n; 9]), []).unwrap();
    }
    let batch = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    let batch = Batches::new(batch).next().unwrap().unwrap();
    let body = batch.body(&mut Decompressor::default()).unwrap();
    let whole: Vec<_> = body.records().map(|record| record.unwrap().offset()).collect();
    let (mut pieces, mut position) = (Vec::new(), body.records().position());
    while pieces.len() < whole.len() {
        let mut records = body.resume(position);
        pieces.extend(records.by_ref().take(7).map(|record| record.unwrap().offset()));
        position = records.position();
    }
    assert_eq!(pieces, whole);
    assert!(body.resume(position).next().is_none());
}

/// The offsets of the records that come out, part by part.
fn parts(mut body: BatchBody, limit: usize) -> Vec<Vec<Offset>> {
    let whole = usize::try_from(body.header().record_count).unwrap();
    let (mut parts, mut next, mut all) = (Vec::new(), Some(0), 0);
    while let Some(from) = next {
        let (part, then) = body.split_off_first(limit).unwrap();
        let offsets: Vec<_> = part.records().map(|record| record.unwrap().offset()).collect();
        assert!(offsets.iter().all(|offset| *offset >= from));
        let count = usize::try_from(part.header().record_count).unwrap();
        assert!(count >= offsets.len(), "those below the floor are in it, too");
        all += count;
        parts.push(offsets);
        next = then;
    }
    assert_eq!(all, whole);
    parts
}

#[test]
fn a_body_is_handed_out_in_parts_without_being_opened_again() {
    for codec in Compression::ALL {
        let bytes = sealed(codec, &["a", "b", "c", "d", "e"]).stamp(None);
        let body = |floor| view(bytes.clone()).with_floor(floor).body(&mut Decompressor::new());
        for (floor, limit, expected) in [
            (0, 2, vec![vec![0, 1], vec![2, 3], vec![4]]),
            (0, 5, vec![vec![0, 1, 2, 3, 4]]),
            (0, 9, vec![vec![0, 1, 2, 3, 4]]),
            (2, 2, vec![vec![2, 3], vec![4]]),
        ] {
            assert_eq!(parts(body(floor).unwrap(), limit), expected, "{codec}, {floor}, {limit}");
        }
        let (first, next) = body(0).unwrap().split_off_first(2).unwrap();
        let part = view(bytes.clone()).with_body(first);
        assert_eq!((part.record_count(), next), (2, Some(2)));
        let again = part.body(&mut Decompressor::new()).unwrap();
        let values: Vec<_> =
            again.records().map(|r| r.unwrap().value().unwrap().to_vec()).collect();
        assert_eq!(values, [b"a", b"b"]);
    }
}

#[test]
fn records_before_a_damaged_one_come_first() {
    let records = [record(0, 0, &[0]), record(0, 1, &[0]), vec![0x7f; 9]].concat();
    let bytes = batch_of(header(3), &records);
    let mut body = view(bytes).body(&mut Decompressor::new()).unwrap();
    let (first, next) = body.split_off_first(9).unwrap();
    assert_eq!((first.records().map(Result::unwrap).count(), next), (2, Some(2)));
    assert!(body.split_off_first(9).is_err());
}

#[test]
fn as_many_records_come_out_as_are_counted_from_the_position_on() {
    for codec in Compression::ALL {
        let bytes = sealed(codec, &["a", "b", "c", "d", "e"]).stamp(None);
        for floor in [Offset::MIN, -1, 0, 1, 4, 5, 6, Offset::MAX] {
            let batch = view(bytes.clone()).with_floor(floor);
            let body = batch.body(&mut Decompressor::new()).unwrap();
            assert_eq!(batch.most_records(), body.records().count(), "{codec}, {floor}");
            assert_eq!(batch.with_body(body.clone()).most_records(), body.records().count());
        }
    }
}

#[test]
fn a_batch_with_gaps_counts_no_more_records_than_it_has() {
    let thin = RecordBatchHeader { last_offset_delta: 99, ..header(2) };
    let bytes = batch_of(thin, &[record(0, 7, &[0]), record(0, 90, &[0])].concat());
    for (floor, most) in [(0, 2), (8, 2), (98, 2), (99, 1), (100, 0)] {
        assert_eq!(view(bytes.clone()).with_floor(floor).most_records(), most, "{floor}");
    }
}

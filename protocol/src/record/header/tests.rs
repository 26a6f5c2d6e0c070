//! What headers say, what is refused, and what a broker may change.

use super::*;

fn header() -> RecordBatchHeader {
    RecordBatchHeader {
        base_offset: 1000,
        batch_length: 49,
        leader_epoch: Some(LeaderEpoch(7)),
        magic: MAGIC,
        crc: 0xdead_beef,
        attributes: Attributes::parse(0x78).unwrap(),
        last_offset_delta: 9,
        base_timestamp: 1_600_000_000_000,
        max_timestamp: None,
        producer_id: Some(ProducerId(5)),
        producer_epoch: Some(ProducerEpoch(3)),
        base_sequence: Some(Sequence::new(44)),
        record_count: 4,
    }
}

#[test]
fn a_header_survives_the_round_trip() {
    let header = header();
    assert_eq!(RecordBatchHeader::parse(&header.to_bytes()), Ok(header));
    assert_eq!(header.next_offset(), 1010);
    assert_eq!(header.size_in_bytes(), HEADER_SIZE);
    let absent = RecordBatchHeader {
        leader_epoch: None,
        producer_id: None,
        producer_epoch: None,
        base_sequence: None,
        ..header
    };
    assert_eq!(RecordBatchHeader::parse(&absent.to_bytes()), Ok(absent));
}

#[test]
fn every_flag_has_kafkas_bit() {
    for (bits, codec) in (0..).zip(Compression::ALL) {
        let attributes = Attributes::parse(bits).unwrap();
        assert_eq!((attributes.compression, attributes.bits()), (codec, bits));
    }
    let flags = Attributes::parse(0x7c).unwrap();
    assert_eq!(flags.timestamp_type, TimestampType::LogAppendTime);
    assert!(flags.is_transactional && flags.is_control && flags.has_delete_horizon);
    assert_eq!(flags.bits(), 0x7c);
    let plain = Attributes::parse(0x00).unwrap();
    assert_eq!(plain.timestamp_type, TimestampType::CreateTime);
    assert!(!plain.is_transactional && !plain.is_control && !plain.has_delete_horizon);
}

#[test]
fn impossible_headers_are_named() {
    let codec = DecodeError::Unsupported { what: "compression codec", value: 5 };
    let legacy = DecodeError::Unsupported { what: "record batch magic", value: 1 };
    let base = DecodeError::Value { field: "batch base offset", value: -1 };
    let delta = |value| DecodeError::Value { field: "batch last offset delta", value };
    let count = DecodeError::Count { field: "record batch", count: -1, limit: 0 };
    for (at, bytes, expected) in [
        (22, &[5][..], codec),
        (16, &[1], legacy),
        (0, &[0xff; 8], base),
        (23, &[0xff; 4], delta(-1)),
        (23, &[0, 0, 0, 2], delta(2)),
        (57, &[0xff; 4], count),
    ] {
        let mut header = header().to_bytes();
        header[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(RecordBatchHeader::parse(&header), Err(expected));
    }
}

#[test]
fn a_length_that_does_not_cover_the_header_or_overflows_is_refused() {
    for length in [-1, 0, 48, i32::MIN, i32::MAX] {
        let header = RecordBatchHeader { batch_length: length, ..header() };
        let error = RecordBatchHeader::parse(&header.to_bytes());
        assert!(matches!(error, Err(DecodeError::Length { field: "record batch", .. })));
    }
}

#[test]
fn the_last_offset_must_leave_room_for_a_next_one() {
    let header = RecordBatchHeader { base_offset: i64::MAX, ..header() };
    let error = DecodeError::Value { field: "batch base offset", value: i64::MAX };
    assert_eq!(RecordBatchHeader::parse(&header.to_bytes()), Err(error));
}

#[test]
fn a_header_cut_short_is_truncated() {
    let bytes = header().to_bytes();
    for length in 0..HEADER_SIZE {
        let error = RecordBatchHeader::parse(&bytes[..length]);
        assert!(matches!(error, Err(DecodeError::Truncated { .. })), "{length}");
    }
}

#[test]
fn a_place_in_the_log_leaves_the_checksum_right() {
    for log_append in [None, Some(1_700_000_000_123)] {
        let records = b"what the records hold is not looked at";
        let batch_length = header().batch_length + i32::try_from(records.len()).unwrap();
        let mut batch = RecordBatchHeader { batch_length, ..header() }.to_bytes().to_vec();
        batch.extend_from_slice(records);
        let crc = crc32c::crc32c(&batch[HASHED_FROM..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());

        assign_offsets(&mut batch, 77, LeaderEpoch(8), log_append).unwrap();

        let header = RecordBatchHeader::parse(&batch).unwrap();
        assert_eq!(header.crc, crc32c::crc32c(&batch[HASHED_FROM..]));
        assert_eq!((header.base_offset, header.leader_epoch), (77, Some(LeaderEpoch(8))));
        assert_eq!(header.max_timestamp, log_append);
    }
}

#[test]
fn only_one_whole_batch_takes_a_place_in_the_log_and_only_one_that_there_is() {
    let place = |batch: &[u8], offset| {
        assign_offsets(&mut batch.to_vec(), offset, LeaderEpoch(8), Some(5)).unwrap_err()
    };
    let batch = header().to_bytes();
    let two = DecodeError::Trailing { field: "record batch", bytes: HEADER_SIZE };
    assert_eq!(place(&[batch, batch].concat(), 77), two);
    let header = RecordBatchHeader { batch_length: header().batch_length + 1, ..header() };
    assert!(matches!(place(&header.to_bytes(), 77), DecodeError::Truncated { .. }));
    let beyond = DecodeError::Value { field: "batch base offset", value: i64::MAX };
    assert_eq!(place(&batch, i64::MAX), beyond);
}

#[test]
fn a_place_in_the_log_changes_nothing_else() {
    for log_append in [None, Some(1_700_000_000_123)] {
        let mut batch = header().to_bytes().to_vec();
        // Bits without a meaning, and numbers that stand for nothing but are not -1.
        batch[21] = 0x80;
        batch[43..57].copy_from_slice(&[0xf0; 14]);
        let crc = crc32c::crc32c(&batch[HASHED_FROM..]);
        batch[CRC_AT..HASHED_FROM].copy_from_slice(&crc.to_be_bytes());
        let before = batch.clone();

        assign_offsets(&mut batch, 77, LeaderEpoch(8), log_append).unwrap();

        let crc = crc32c::crc32c(&batch[HASHED_FROM..]).to_be_bytes();
        assert_eq!(batch[CRC_AT..HASHED_FROM], crc);
        assert_eq!(batch[21], 0x80);
        assert_eq!((&batch[23..35], &batch[43..]), (&before[23..35], &before[43..]));
    }
}

#[test]
fn a_greatest_timestamp_replaces_the_one_before_with_its_type() {
    for (timestamp_type, max_timestamp) in [
        (TimestampType::CreateTime, None),
        (TimestampType::CreateTime, Some(5)),
        (TimestampType::LogAppendTime, Some(7)),
    ] {
        for records in [&[][..], &[1, 2, 3]] {
            let batch_length = header().batch_length + i32::try_from(records.len()).unwrap();
            let written = RecordBatchHeader { batch_length, ..header() };
            let mut batch = [&written.to_bytes()[..], records].concat();
            assign_offsets(&mut batch, 77, LeaderEpoch(8), Some(1_700_000_000_123)).unwrap();
            let crc = crc32c::crc32c(&batch[HASHED_FROM..]);
            batch[CRC_AT..HASHED_FROM].copy_from_slice(&crc.to_be_bytes());

            set_max_timestamp(&mut batch, timestamp_type, max_timestamp).unwrap();

            let set = RecordBatchHeader::parse(&batch).unwrap();
            assert_eq!(set.crc, crc32c::crc32c(&batch[HASHED_FROM..]));
            assert_eq!(set.attributes.timestamp_type, timestamp_type);
            assert_eq!((set.base_offset, set.max_timestamp), (77, max_timestamp));
        }
    }
}

#[test]
fn the_horizon_and_the_last_sequence_follow_from_the_header() {
    let horizon =
        RecordBatchHeader { base_sequence: Some(Sequence::new(i32::MAX - 3)), ..header() };
    assert_eq!(horizon.delete_horizon(), Some(1_600_000_000_000));
    assert_eq!(horizon.last_sequence(), Some(Sequence::new(5)));
    let attributes = Attributes::parse(0x38).unwrap();
    let plain = RecordBatchHeader { attributes, base_sequence: None, ..header() };
    assert_eq!((plain.delete_horizon(), plain.last_sequence()), (None, None));
}

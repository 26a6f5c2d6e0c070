use kavka_protocol::{BatchBuilder, Compressor};

use super::*;
use crate::testing::{batch, batch_of, batch_of_size, damaged, forged, stamp};

const NOW: Timestamp = 1_700_000_000_000;
const NEWEST: i16 = 12;

fn ask(records: &Bytes, config: &TopicConfig) -> Result<Accepted, Refusal> {
    check_frame(records)?;
    validate(records.clone(), NEWEST, config, &mut Decompressor::default(), NOW)
}

fn error(records: &Bytes) -> Option<ErrorCode> {
    ask(records, &TopicConfig::default()).err().map(|refusal| refusal.error)
}

fn topic(settings: &[(&str, &str)]) -> TopicConfig {
    let mut config = TopicConfig::default();
    settings.iter().for_each(|(name, value)| config.set(name, value).unwrap());
    config
}

/// The error and the places of the records to blame.
fn blamed(records: &Bytes, config: &TopicConfig) -> (ErrorCode, Vec<i32>) {
    let refusal = ask(records, config).unwrap_err();
    (refusal.error, refusal.records.iter().map(|(place, _)| *place).collect())
}

fn made_at(times: &[Timestamp]) -> Bytes {
    batch_of(times, Compression::None, None)
}

/// What Apache Kafka 4.3.1 answers to each of these.
#[test]
fn an_illegal_batch_is_refused_with_kafkas_error() {
    let good = batch(3);
    let gzip = batch_of(&[1, 2, 3], Compression::Gzip, None);
    let no_gzip = forged(&good, 22, &[1]);
    let with = |at, number: i32| forged(&good, at, &number.to_be_bytes());
    let counting = |batch: &Bytes, count: i32| {
        let batch = damaged(batch, 23, &(count - 1).to_be_bytes());
        forged(&batch, 57, &count.to_be_bytes())
    };
    let far = damaged(&good, 0, &5_i64.to_be_bytes());
    for (what, bad, expected) in [
        ("nothing", Bytes::new(), ErrorCode::InvalidRecord),
        ("cut short", good.slice(..good.len() - 1), ErrorCode::InvalidRecord),
        ("two batches", [&good[..], &good].concat().into(), ErrorCode::InvalidRecord),
        ("length 10", damaged(&good, 8, &10_i32.to_be_bytes()), ErrorCode::CorruptMessage),
        ("length -1", damaged(&good, 8, &[0xff; 4]), ErrorCode::CorruptMessage),
        ("magic 0", damaged(&good, 16, &[0]), ErrorCode::InvalidRecord),
        ("magic 1", damaged(&good, 16, &[1]), ErrorCode::InvalidRecord),
        ("magic 3", damaged(&good, 16, &[3]), ErrorCode::CorruptMessage),
        ("magic -1", damaged(&good, 16, &[0xff]), ErrorCode::CorruptMessage),
        ("base offset 5", far.clone(), ErrorCode::InvalidRecord),
        ("base offset -1", damaged(&good, 0, &[0xff; 8]), ErrorCode::InvalidRecord),
        ("base offset 5, damaged", damaged(&far, 70, &[0xff]), ErrorCode::InvalidRecord),
        ("another last byte", damaged(&good, good.len() - 1, &[9]), ErrorCode::CorruptMessage),
        ("codec 7", forged(&good, 22, &[7]), ErrorCode::UnknownServerError),
        ("codec 7, damaged", damaged(&good, 22, &[7]), ErrorCode::CorruptMessage),
        ("control", forged(&good, 22, &[0x20]), ErrorCode::InvalidRecord),
        ("last offset delta -1", with(23, -1), ErrorCode::InvalidRecord),
        ("last offset delta 9", with(23, 9), ErrorCode::InvalidRecord),
        ("no records", with(57, 0), ErrorCode::InvalidRecord),
        ("-1 records", with(57, -1), ErrorCode::InvalidRecord),
        ("-1 records, damaged", damaged(&good, 57, &[0xff; 4]), ErrorCode::CorruptMessage),
        ("one record too few", counting(&good, 2), ErrorCode::InvalidRecord),
        ("one record too many", counting(&good, 4), ErrorCode::InvalidRecord),
        ("one too few, compressed", counting(&gzip, 2), ErrorCode::InvalidRecord),
        ("one too many, compressed", counting(&gzip, 4), ErrorCode::InvalidRecord),
        ("as many records as can be", counting(&good, i32::MAX), ErrorCode::InvalidRecord),
        ("a record of 63 bytes", forged(&good, 61, &[0x7e]), ErrorCode::InvalidRecord),
        ("a record of -1 bytes", forged(&good, 61, &[0x01]), ErrorCode::InvalidRecord),
        ("a key of 63 bytes", forged(&good, 65, &[0x7e]), ErrorCode::InvalidRecord),
        ("a header that is not there", forged(&good, 68, &[2]), ErrorCode::InvalidRecord),
        ("gzip that is none", no_gzip, ErrorCode::UnknownServerError),
        ("snappy that is none", forged(&good, 22, &[2]), ErrorCode::UnknownServerError),
        ("lz4 that is none", forged(&good, 22, &[3]), ErrorCode::UnknownServerError),
        ("zstd that is none", forged(&good, 22, &[4]), ErrorCode::UnknownServerError),
        ("too large", batch_of_size(1_100_000), ErrorCode::MessageTooLarge),
    ] {
        assert_eq!(error(&bad), Some(expected), "{what}");
    }
    assert_eq!(error(&good), None);
}

#[test]
fn no_batch_with_a_wrong_bit_is_accepted() {
    let good = batch_of(&[1, 2, 3], Compression::None, Some(stamp(0, 0)));
    // The leader epoch, which only brokers write, is covered by nothing.
    let covered = (0..good.len()).filter(|place| !(12..16).contains(place));
    for (place, bit) in covered.flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let flipped = damaged(&good, place, &[good[place] ^ (1 << bit)]);
        assert!(error(&flipped).is_some(), "byte {place}, bit {bit}");
    }
}

#[test]
fn records_out_of_order_are_refused() {
    let good = batch(3);
    // Of equal records each takes a third: length, attributes, time, and then its place.
    let second = 61 + (good.len() - 61) / 3;
    for delta in [0, 2 << 1, 9 << 1] {
        let bad = forged(&good, second + 3, &[delta]);
        assert_eq!(error(&bad), Some(ErrorCode::InvalidRecord), "{delta}");
    }
}

#[test]
fn headers_are_read_as_well() {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(1000, None, None, [("trace", Some(&b"1"[..]))]).unwrap();
    let good = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    assert_eq!(error(&good), None);
    // The value and its length come last.
    let value_length = good.len() - 2;
    for length in [0x7e, 0x04, 0x00] {
        let bad = forged(&good, value_length, &[length]);
        assert_eq!(error(&bad), Some(ErrorCode::InvalidRecord), "{length}");
    }
}

#[test]
fn every_record_whose_time_is_out_of_range_is_named() {
    const HOUR: Timestamp = 3_600_000;
    let usual = TopicConfig::default();
    for (after, expected) in [(0, None), (HOUR, None), (HOUR + 1, Some(0))] {
        let refused = ask(&made_at(&[NOW + after]), &usual).err();
        let place = refused.map(|refusal| refusal.records[0].0);
        assert_eq!(place, expected, "{after} ms ahead");
    }
    let mixed = [1, NOW + 2 * HOUR, 7, NOW + 3 * HOUR];
    let expected = (ErrorCode::InvalidTimestamp, vec![1, 3]);
    assert_eq!(blamed(&made_at(&mixed), &usual), expected);
    assert_eq!(blamed(&batch_of(&mixed, Compression::Zstd, None), &usual), expected);
    let least = forged(&made_at(&[1000]), 27, &Timestamp::MIN.to_be_bytes());
    assert_eq!(blamed(&least, &usual), (ErrorCode::InvalidTimestamp, vec![0]));
    let strict = topic(&[
        ("message.timestamp.after.max.ms", "10"),
        ("message.timestamp.before.max.ms", "20"),
    ]);
    let times = [NOW - 21, NOW - 20, NOW + 10, NOW + 11];
    assert_eq!(blamed(&made_at(&times), &strict), (ErrorCode::InvalidTimestamp, vec![0, 3]));
}

#[test]
fn a_record_without_a_time_or_in_a_topic_of_append_times_is_never_late() {
    let none = forged(&made_at(&[1000]), 27, &(-1_i64).to_be_bytes());
    let accepted = ask(&none, &TopicConfig::default()).unwrap();
    assert_eq!(accepted.max_timestamp, None);
    let append_time = topic(&[("message.timestamp.type", "LogAppendTime")]);
    let accepted = ask(&made_at(&[NOW * 2]), &append_time).unwrap();
    assert_eq!(accepted.max_timestamp, Some(NOW));
    assert_eq!(accepted.timestamp_type, TimestampType::LogAppendTime);
}

/// Where the topic keeps the producers' times, a batch that claims the time of its append is taken for
/// one whose records were all made then, as Kafka does.
#[test]
fn only_the_broker_sets_the_time_of_the_append() {
    let claiming = |time: Timestamp| {
        let batch = damaged(&batch(2), 22, &[0x08]);
        forged(&batch, 35, &time.to_be_bytes())
    };
    let usual = TopicConfig::default();
    let append_time = topic(&[("message.timestamp.type", "LogAppendTime")]);
    let refused = (ErrorCode::InvalidTimestamp, vec![0, 1]);
    assert_eq!(blamed(&claiming(2000), &append_time), refused);
    assert_eq!(blamed(&claiming(-1), &usual), refused);
    assert_eq!(blamed(&claiming(NOW * 2), &usual), refused);
    let accepted = ask(&claiming(2000), &usual).unwrap();
    assert_eq!(accepted.timestamp_type, TimestampType::CreateTime);
    assert_eq!(accepted.max_timestamp, Some(2000));
}

#[test]
fn records_of_a_compacted_topic_need_a_key() {
    for (policy, expected) in [("compact", true), ("delete,compact", true), ("delete", false)] {
        let config = topic(&[("cleanup.policy", policy)]);
        for codec in [Compression::None, Compression::Lz4] {
            let refused = ask(&batch_of(&[1, 2], codec, None), &config).err();
            let refused = refused.map(|refusal| (refusal.error, refusal.records.len()));
            let expected = expected.then_some((ErrorCode::InvalidRecord, 2));
            assert_eq!(refused, expected, "{policy}, {codec}");
        }
    }
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(NOW * 2, Some(b"key"), None, []).unwrap();
    builder.append(1000, None, None, []).unwrap();
    let mixed = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
    let refused = (ErrorCode::InvalidTimestamp, vec![0, 1]);
    assert_eq!(blamed(&mixed, &topic(&[("cleanup.policy", "compact")])), refused);
}

#[test]
fn the_greatest_time_is_that_of_the_records() {
    for codec in [Compression::None, Compression::Snappy] {
        let batch = batch_of(&[100, 300, 200], codec, None);
        let lying = forged(&batch, 35, &Timestamp::MAX.to_be_bytes());
        let accepted = ask(&lying, &TopicConfig::default()).unwrap();
        assert_eq!(accepted.max_timestamp, Some(300), "{codec}");
    }
}

//! Produced batches, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use kavka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kavka_protocol::messages::{ListOffsetsRequest, TopicName};
use kavka_protocol::{
    BatchBuilder, Compression, Compressor, ErrorCode, Offset, ProducerEpoch, ProducerId,
    ProducerStamp, Sequence, Timestamp, TopicPartition,
};
use kavka_tests::real_kafka::RealKafka;

use super::{Pair, Side};

/// Topics and their settings.
const TOPICS: [(&str, &[(&str, &str)]); 4] = [
    ("likeness_plain", &[]),
    ("likeness_append_time", &[("message.timestamp.type", "LogAppendTime")]),
    ("likeness_compacted", &[("cleanup.policy", "compact")]),
    ("likeness_small", &[("max.message.bytes", "80")]),
];

/// What is sent to a topic, under a name.
type Case = (&'static str, &'static str, Bytes);

pub(super) async fn refused(kafka: &'static RealKafka) {
    let mut pair = Pair::connect(kafka).await;
    for (topic, configs) in TOPICS {
        for side in &mut pair.sides {
            side.create(topic, 1, configs).await;
        }
    }
    let mut differences = Vec::new();
    for (what, topic, batch) in cases() {
        let mut answers = Vec::new();
        for side in &mut pair.sides {
            answers.push(produce(side, topic, batch.clone()).await);
        }
        if answers[1] != answers[0] {
            differences.push(format!("{what}: {:?} instead of {:?}", answers[1], answers[0]));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What an answer to Produce says.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    error: Option<ErrorCode>,
    base_offset: Offset,
    log_start_offset: Offset,
    /// 1,000,000 stands for the clock's time.
    log_append_time: Timestamp,
    /// The places of the records to blame.
    blamed: Vec<i32>,
    has_message: bool,
}

async fn produce(side: &mut Side, topic: &str, batch: Bytes) -> Heard {
    let answer = side.wire.produce(&TopicPartition::new(topic, 0), batch, 12).await;
    Heard {
        error: ErrorCode::from_code(answer.error_code),
        base_offset: answer.base_offset,
        log_start_offset: answer.log_start_offset,
        log_append_time: answer.log_append_time_ms.min(1_000_000),
        blamed: answer.record_errors.iter().map(|record| record.batch_index).collect(),
        has_message: answer.error_message.is_some(),
    }
}

fn cases() -> Vec<Case> {
    [headers("likeness_plain"), records("likeness_plain"), times(), keys(), stamps()].concat()
}

fn headers(topic: &'static str) -> Vec<Case> {
    let good = keyed(Compression::None, &[1000, 2000, 1500]);
    let put = |at, bytes: &[u8]| damaged(&good, at, bytes);
    let forge = |at, bytes: &[u8]| forged(&good, at, bytes);
    let number = |number: i32| number.to_be_bytes();
    vec![
        ("good", topic, good.clone()),
        ("nothing", topic, Bytes::new()),
        ("cut short", topic, good.slice(..good.len() - 1)),
        ("two batches", topic, [&good[..], &good].concat().into()),
        ("length 10", topic, put(8, &number(10))),
        ("length -1", topic, put(8, &number(-1))),
        ("magic 0", topic, put(16, &[0])),
        ("magic 1", topic, put(16, &[1])),
        ("magic 3", topic, put(16, &[3])),
        ("magic -1", topic, put(16, &[0xff])),
        ("damage", topic, put(good.len() - 1, &[9])),
        ("codec 7", topic, forge(22, &[7])),
        ("codec 7, damaged", topic, put(22, &[7])),
        ("base offset 5", topic, put(0, &5_i64.to_be_bytes())),
        ("base offset -5", topic, put(0, &(-5_i64).to_be_bytes())),
        ("control", topic, forge(22, &[0x20])),
        ("delete horizon", topic, forge(22, &[0x40])),
        ("bits without a meaning", topic, forge(21, &[0x80, 0x80])),
        ("last offset delta -1", topic, forge(23, &number(-1))),
        ("last offset delta 9", topic, forge(23, &number(9))),
        ("-1 records", topic, forge(57, &number(-1))),
        ("-1 records, damaged", topic, put(57, &number(-1))),
        ("no records", topic, forge(57, &number(0))),
        ("a producer without a sequence", topic, forge(43, &7_i64.to_be_bytes())),
        ("too large", "likeness_small", good.clone()),
        ("too large and damaged", "likeness_small", put(good.len() - 1, &[9])),
        ("too large, base offset 5", "likeness_small", put(0, &5_i64.to_be_bytes())),
        ("nowhere", "likeness_nowhere", good.clone()),
    ]
}

fn records(topic: &'static str) -> Vec<Case> {
    let good = keyed(Compression::None, &[1000, 2000, 1500]);
    let forge = |at, bytes: &[u8]| forged(&good, at, bytes);
    let counting = |batch: &Bytes, count: i32| {
        let batch = damaged(batch, 23, &(count - 1).to_be_bytes());
        forged(&batch, 57, &count.to_be_bytes())
    };
    let mut cases = vec![
        ("a record of 63 bytes", topic, forge(61, &[0x7e])),
        ("a record of -1 bytes", topic, forge(61, &[0x01])),
        ("a key of 63 bytes", topic, forge(65, &[0x7e])),
        ("a header too many", topic, forge(good.len() - 1, &[2])),
        ("as many records as can be", topic, counting(&good, i32::MAX)),
    ];
    for (code, codec) in (0..).zip(Compression::ALL) {
        let batch = keyed(codec, &[1000, 2000, 1500]);
        cases.push(("one record too few", topic, counting(&batch, 2)));
        cases.push(("one record too many", topic, counting(&batch, 4)));
        if codec != Compression::None {
            cases.push(("not what the codec says", topic, forge(22, &[code])));
        }
    }
    cases
}

fn times() -> Vec<Case> {
    const HOUR: Timestamp = 3_600_000;
    let (plain, append_time) = ("likeness_plain", "likeness_append_time");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let now = Timestamp::try_from(now).unwrap();
    let at = |times: &[Timestamp]| keyed(Compression::None, times);
    let claiming = |time: Timestamp| {
        let batch = damaged(&at(&[1000, 2000]), 22, &[8]);
        forged(&batch, 35, &time.to_be_bytes())
    };
    let based = |time: Timestamp| forged(&at(&[1000]), 27, &time.to_be_bytes());
    let late = [1000, now + 2 * HOUR, 7, now + 3 * HOUR];
    vec![
        ("ahead by half an hour", plain, at(&[now + HOUR / 2])),
        ("ahead by hours", plain, at(&late)),
        ("ahead by hours, compressed", plain, keyed(Compression::Gzip, &late)),
        ("ahead by hours where the append counts", append_time, at(&late)),
        ("no time", plain, based(-1)),
        ("before all time", plain, based(Timestamp::MIN)),
        ("claiming an append", plain, claiming(2000)),
        ("claiming no append", plain, claiming(-1)),
        ("claiming an append to come", plain, claiming(now + 2 * HOUR)),
        ("claiming an append where that counts", append_time, claiming(2000)),
    ]
}

fn keys() -> Vec<Case> {
    let topic = "likeness_compacted";
    let keyless = |codec| batch(codec, &[1, 2], None, None);
    vec![
        ("without keys", topic, keyless(Compression::None)),
        ("without keys, compressed", topic, keyless(Compression::Lz4)),
        ("with keys", topic, keyed(Compression::None, &[1, 2])),
    ]
}

fn stamps() -> Vec<Case> {
    let topic = "likeness_plain";
    let stamped = |producer, epoch, sequence, time| {
        let stamp = ProducerStamp {
            producer_id: ProducerId(producer),
            producer_epoch: ProducerEpoch(epoch),
            base_sequence: Sequence::new(sequence),
            is_transactional: false,
        };
        batch(Compression::None, &[time], None, Some(stamp))
    };
    vec![
        ("a new producer", topic, stamped(900_000_077, 0, 0, 1234)),
        ("once more", topic, stamped(900_000_077, 0, 0, 1234)),
        ("a gap", topic, stamped(900_000_077, 0, 5, 1234)),
        ("a new epoch", topic, stamped(900_000_077, 2, 0, 1234)),
        ("an old epoch", topic, stamped(900_000_077, 1, 1, 1234)),
        ("a new epoch in the middle", topic, stamped(900_000_077, 3, 4, 1234)),
        ("a new producer in the middle", topic, stamped(900_000_078, 0, 5, 1234)),
        (
            "once more with the time of the append",
            "likeness_append_time",
            stamped(900_000_079, 0, 0, 5),
        ),
        ("the same again", "likeness_append_time", stamped(900_000_079, 0, 0, 5)),
    ]
}

pub(super) async fn found_by_time(kafka: &'static RealKafka) {
    const TOPIC: &str = "likeness_times";
    let mut pair = Pair::connect(kafka).await;
    let mut found = Vec::new();
    for side in &mut pair.sides {
        side.create(TOPIC, 1, &[]).await;
        for (codec, claimed) in
            [(Compression::None, 9_000_000_i64), (Compression::Gzip, 10), (Compression::Lz4, -1)]
        {
            let lying = forged(&keyed(codec, &[1000, 3000, 2000]), 35, &claimed.to_be_bytes());
            assert_eq!(produce(side, TOPIC, lying).await.error, None);
        }
        let mut listed = Vec::new();
        for time in [-1, -2, -3, 0, 1500, 2500, 3001, 5_000_000] {
            listed.push(list(side, TOPIC, time, 9).await);
        }
        // What tiered storage brought, where there is none, and what there is not yet.
        for version in 6..=11 {
            for time in [-3, -4, -5, -6, -7] {
                listed.push(list(side, TOPIC, time, version).await);
            }
        }
        found.push(listed);
    }
    assert_eq!(found[1], found[0]);
}

/// The error, the offset, the timestamp and the leader epoch.
async fn list(
    side: &mut Side,
    topic: &str,
    time: Timestamp,
    version: i16,
) -> (i16, Offset, Timestamp, i32) {
    let partition = ListOffsetsPartition::default().with_timestamp(time);
    let topic = ListOffsetsTopic::default().with_name(TopicName(topic.to_owned().into()));
    let request = ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![topic.with_partitions(vec![partition])]);
    let found = side.wire.ask(&request, version).await.topics.remove(0).partitions.remove(0);
    (found.error_code, found.offset, found.timestamp, found.leader_epoch)
}

/// Records of these times with one key.
pub(super) fn keyed(codec: Compression, times: &[Timestamp]) -> Bytes {
    batch(codec, times, Some(b"k"), None)
}

fn batch(
    codec: Compression,
    times: &[Timestamp],
    key: Option<&[u8]>,
    stamp: Option<ProducerStamp>,
) -> Bytes {
    let mut builder = BatchBuilder::new(codec, None);
    for time in times {
        builder.append(*time, key, Some(b"value"), []).unwrap();
    }
    builder.seal(&mut Compressor::default()).unwrap().stamp(stamp)
}

/// The batch with other bytes at a place.
fn damaged(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let mut batch = BytesMut::from(&batch[..]);
    batch[place..place + bytes.len()].copy_from_slice(bytes);
    batch.freeze()
}

/// The batch with other bytes at a place and the right checksum.
fn forged(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let batch = damaged(batch, place, bytes);
    damaged(&batch, 17, &crc32c::crc32c(&batch[21..]).to_be_bytes())
}

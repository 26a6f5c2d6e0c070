//! Record batches: their headers, their records, and the way there and back.

use bytes::{BufMut, Bytes};
use kafka_protocol::records::RecordBatchDecoder;

use super::{
    input::Input,
    memory::{decompression, own_codec},
    naive,
};
use crate::{
    AbortedTransactions, BatchBody, BatchBuilder, BatchView, Batches, Compression, Compressor,
    ControlType, Decompressor, EndTransactionMarker, IsolationLevel, ProducerEpoch, ProducerId,
    ProducerStamp, RecordColumns, RecordView, Sequence, VisibleBatches, next_offset_after,
};

/// A slice of a log is walked to its end, whatever it is: every batch takes bytes, none that are not
/// there, and what is cut off at the end is as if it were not there.
pub fn fuzz_batch_header_walk(data: &[u8]) {
    let log = Bytes::copy_from_slice(data);
    let (mut sizes, mut failed) = (Vec::new(), false);
    own_codec(data.len(), || Batches::new(log.clone()).for_each(drop));
    for batch in Batches::new(log.clone()) {
        let Ok(batch) = batch else {
            failed = true;
            break;
        };
        assert!(batch.size_in_bytes() > 0);
        assert!(batch.next_offset() > batch.last_offset());
        sizes.push(batch.size_in_bytes());
    }
    let walked: usize = sizes.iter().sum();
    assert!(walked <= data.len(), "batches hold more than there is");
    let next = next_offset_after(&log, 0);
    assert_eq!(next.is_err(), failed);
    if let (Some(last), false) = (sizes.last(), failed) {
        let cut = log.slice(..walked - 1);
        let before: Vec<_> =
            Batches::new(cut).map(|one| one.map(|one| one.size_in_bytes())).collect();
        assert!(
            before.iter().eq(sizes[..sizes.len() - 1]
                .iter()
                .map(|size| Ok(*size))
                .collect::<Vec<_>>()
                .iter()),
            "{last}"
        );
    }
}

/// Bytes as the records of a batch, without a checksum in the way: both decoders see the same, and so
/// does that of `kafka-protocol` where it can. The first eight bytes are for the batch's header.
pub fn fuzz_record_body(data: &[u8]) {
    let Some((&[count, more, flags, spare, time @ ..], section)) = data.split_first_chunk::<8>()
    else {
        return;
    };
    let count = i32::from(count) | i32::from(more & 0x0f) << 8;
    let time = i64::from(i32::from_be_bytes(time));
    let batch = naive::Batch {
        base_offset: i64::from(flags) << 20,
        last_offset_delta: (count - 1).max(0) + i32::from(spare),
        count,
        base_timestamp: if flags & 2 == 0 { time } else { i64::MAX - time.abs() },
        append_time: (flags & 1 != 0).then_some(time),
    };
    let bytes = batch_of(batch, section);
    let view = Batches::new(bytes.clone()).next().expect("it is whole").expect("it is valid");
    let body = own_codec(bytes.len(), || view.body(&mut Decompressor::new()));
    let Ok(body) = body else {
        assert!(usize::try_from(count).is_ok_and(|count| count > section.len() / 7));
        return;
    };
    own_codec(bytes.len(), || body.records().for_each(drop));
    if check_body(&body, batch) && batch.append_time.is_none() {
        check_against_kafka_protocol(&body, bytes);
    }
}

/// A batch of format 2 put together by hand.
fn batch_of(batch: naive::Batch, section: &[u8]) -> Bytes {
    let mut hashed = Vec::new();
    hashed.put_i16(if batch.append_time.is_some() { 0x08 } else { 0 });
    hashed.put_i32(batch.last_offset_delta);
    hashed.put_i64(batch.base_timestamp);
    hashed.put_i64(batch.append_time.unwrap_or(batch.base_timestamp));
    hashed.put_i64(-1);
    hashed.put_i16(-1);
    hashed.put_i32(-1);
    hashed.put_i32(batch.count);
    hashed.put_slice(section);
    let mut bytes = Vec::new();
    bytes.put_i64(batch.base_offset);
    bytes.put_i32(i32::try_from(9 + hashed.len()).expect("inputs are small"));
    bytes.put_i32(-1);
    bytes.put_i8(2);
    bytes.put_u32(crc32c::crc32c(&hashed));
    bytes.extend(hashed);
    bytes.into()
}

/// Whether all records are good.
fn check_body(body: &BatchBody, batch: naive::Batch) -> bool {
    let whole = body.bytes().as_ptr_range();
    let (expected, is_bad) = naive::records(batch, body.bytes());
    let mut records = body.records();
    for expected in &expected {
        let record = records.next().expect("there is one more").expect("it is good");
        for bytes in [record.key(), record.value()].into_iter().flatten() {
            let range = bytes.as_ptr_range();
            assert!(whole.start <= range.start && range.end <= whole.end, "a view from outside");
        }
        assert_eq!(seen(&record), *expected);
    }
    match records.next() {
        None => assert!(!is_bad, "an error was overlooked"),
        Some(Ok(record)) => panic!("{record:?} is not there"),
        Some(Err(error)) => assert!(is_bad, "{error}"),
    }
    assert!(records.next().is_none(), "after an error there is nothing");
    check_resumed(body, expected.len() / 2);
    !is_bad && expected.iter().all(|record| !record.headers.1)
}

/// Whoever stops after some records goes on with the next.
fn check_resumed(body: &BatchBody, read: usize) {
    let mut records = body.records();
    records.by_ref().take(read).for_each(drop);
    assert!(body.resume(records.position()).eq(records));
}

fn seen<'a>(record: &RecordView<'a>) -> naive::Record<'a> {
    let mut headers = Vec::new();
    let mut is_bad = false;
    for header in record.headers() {
        match header {
            Ok(header) => headers.push(header),
            Err(_) => is_bad = true,
        }
    }
    naive::Record {
        offset: record.offset(),
        timestamp: record.timestamp(),
        key: record.key(),
        value: record.value(),
        headers: (headers, is_bad),
    }
}

/// It knows header keys that are text and do not repeat.
fn check_against_kafka_protocol(body: &BatchBody, mut bytes: Bytes) {
    let records: Vec<_> = body.records().map(|record| record.expect("it is good")).collect();
    for record in &records {
        let keys: Vec<_> =
            record.headers().iter().map(|header| header.expect("it is good").0).collect();
        let repeats = keys.iter().enumerate().any(|(n, key)| keys[..n].contains(key));
        if repeats || keys.iter().any(|key| std::str::from_utf8(key).is_err()) {
            return;
        }
    }
    let theirs = RecordBatchDecoder::decode(&mut bytes).expect("all records are good");
    assert_eq!(theirs.records.len(), records.len());
    for (ours, theirs) in records.iter().zip(&theirs.records) {
        assert_eq!(ours.offset(), theirs.offset);
        assert_eq!(ours.timestamp().unwrap_or(-1), theirs.timestamp);
        assert_eq!((ours.key(), ours.value()), (theirs.key.as_deref(), theirs.value.as_deref()));
        let headers = ours.headers().iter().map(|header| header.expect("it is good"));
        let expected = theirs.headers.iter().map(|(key, value)| (key.as_bytes(), value.as_deref()));
        assert!(headers.eq(expected));
    }
}

/// Whole batches with their checksums put right: what is inside of them is read within the limits,
/// and a reader's position only grows.
pub fn fuzz_record_batch_crc(data: &[u8]) {
    let mut log = data.to_vec();
    fix_checksums(&mut log);
    let log = Bytes::from(log);
    let mut decompressor = Decompressor::with_size_limit(SIZE_LIMIT);
    for batch in Batches::new(log.clone()).map_while(Result::ok) {
        let limit = SIZE_LIMIT + 16 * batch.size_in_bytes();
        let Ok(body) = decompression(limit, || batch.body(&mut decompressor)) else { continue };
        check_whole_batch(&batch, &body);
    }
    check_visible(&log, AbortedTransactions::default());
    // Every producer has aborted something: markers are read, whatever they look like.
    let producers = Batches::new(log.clone()).map_while(Result::ok);
    let producers = producers.filter_map(|batch| Some((batch.producer_id()?, batch.base_offset())));
    check_visible(&log, producers.collect());
}

fn check_visible(log: &Bytes, aborted: AbortedTransactions) {
    let mut visible = VisibleBatches::new(log.clone(), 0, IsolationLevel::ReadCommitted, aborted);
    let mut position = visible.next_offset();
    while let Some(Ok(_)) = decompression(16 * log.len(), || visible.next()) {
        assert!(visible.next_offset() > position, "the position goes forward");
        position = visible.next_offset();
    }
}

fn check_whole_batch(batch: &BatchView, body: &BatchBody) {
    check_columns(body);
    if batch.is_control() {
        body.records().map_while(Result::ok).for_each(|record| check_marker(&record));
    }
    // The older formats have a target of their own.
    if batch.magic() < 2 {
        return;
    }
    let header = batch.header();
    let log_append = batch.timestamp_type() == crate::TimestampType::LogAppendTime;
    let facts = naive::Batch {
        base_offset: header.base_offset,
        last_offset_delta: header.last_offset_delta,
        count: header.record_count,
        base_timestamp: header.base_timestamp,
        append_time: log_append.then(|| header.max_timestamp.unwrap_or(-1)),
    };
    check_body(body, facts);
}

/// A record is read as the marker that its bytes are, or not at all.
fn check_marker(record: &RecordView<'_>) {
    let Ok(Some(marker)) = EndTransactionMarker::parse(record) else { return };
    let (key, value) = (record.key().expect("it is read"), record.value().expect("it is read"));
    assert!(key[0] < 0x80 && value[0] < 0x80, "versions are not negative");
    let is_commit = u8::from(marker.control_type == ControlType::Commit);
    assert_eq!(key[2..4], [0, is_commit]);
    assert_eq!(value[2..6], marker.coordinator_epoch.to_be_bytes());
}

/// Columns say what rows say.
fn check_columns(body: &BatchBody) {
    let mut columns = RecordColumns::new();
    let input = body.bytes().len() + 100;
    let outcome = own_codec(input, || body.records().read_columns(usize::MAX, &mut columns));
    let rows: Result<Vec<_>, _> = body.records().collect();
    let (Ok(rows), Ok(_)) = (&rows, &outcome) else {
        return assert_eq!(rows.err(), outcome.err());
    };
    assert!(rows.iter().map(RecordView::offset).eq(columns.offsets().iter().copied()));
    let times = rows.iter().map(|row| row.timestamp().unwrap_or(-1));
    assert!(times.eq(columns.timestamps().iter().copied()));
    let bytes = body.bytes();
    assert!(rows.iter().map(RecordView::key).eq(columns.keys().iter().map(|span| span.of(bytes))));
    let values = columns.values().iter().map(|span| span.of(bytes));
    assert!(rows.iter().map(RecordView::value).eq(values));
}

/// Every batch of format 2 gets the checksum of what it holds.
fn fix_checksums(mut log: &mut [u8]) {
    while let Some(prefix) = log.get(8..17) {
        let length = i32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
        let magic = prefix[8];
        let size = usize::try_from(length).unwrap_or(0).saturating_add(12);
        let Some((batch, rest)) = log.split_at_mut_checked(size) else { return };
        if magic == 2 && size >= 61 {
            let crc = crc32c::crc32c(&batch[21..]);
            batch[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        log = rest;
    }
}

/// What is appended to a batch comes out of it again: timestamps, nulls, repeated headers, in order.
/// The input is a list of records behind a codec.
pub fn fuzz_produce_roundtrip(data: &[u8]) {
    let mut input = Input(data);
    let compression = Compression::ALL[usize::from(input.byte()) % Compression::ALL.len()];
    let mut sent = Vec::new();
    while !input.is_empty() && sent.len() < 1000 {
        sent.push(Sent::choose(&mut input));
    }
    let mut builder = BatchBuilder::new(compression, None);
    // The builder says which records do not fit behind those before them.
    sent.retain(|one| {
        let headers = one.headers.iter().copied();
        builder.append(one.timestamp, one.key, one.value, headers).is_ok()
    });
    if sent.is_empty() {
        return;
    }
    let batch = builder.seal(&mut Compressor::new()).expect("it has records");
    let stamp = ProducerStamp {
        producer_id: ProducerId(5),
        producer_epoch: ProducerEpoch(3),
        base_sequence: Sequence::new(7),
        is_transactional: false,
    };
    for bytes in [batch.stamp(None), batch.stamp(Some(stamp))] {
        check_sent(&sent, bytes, compression);
    }
}

struct Sent<'a> {
    timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

impl<'a> Sent<'a> {
    fn choose(input: &mut Input<'a>) -> Self {
        let kind = input.byte();
        let timestamp = match kind >> 6 {
            0 => i64::from(input.byte()),
            1 => i64::from_be_bytes(input.array()),
            2 => 1_700_000_000_000 + i64::from(i16::from_be_bytes(input.array())),
            _ => -1,
        };
        let (key, value) = (input.nullable_bytes(), input.nullable_bytes());
        let headers = (0..kind & 3).map(|_| {
            let key = std::str::from_utf8(input.bytes(usize::from(kind >> 2 & 3))).unwrap_or("h");
            (key, input.nullable_bytes())
        });
        Self { timestamp, key, value, headers: headers.collect() }
    }
}

fn check_sent(sent: &[Sent<'_>], bytes: Bytes, compression: Compression) {
    let view = Batches::new(bytes.clone()).next().expect("it is whole").expect("it is valid");
    assert_eq!((view.compression(), view.record_count()), (compression, sent.len()));
    let body = view.body(&mut Decompressor::new()).expect("it was just made");
    let mut records = body.records();
    for (offset, sent) in (0..).zip(sent) {
        let record = records.next().expect("as many as sent").expect("each is good");
        assert_eq!((record.offset(), record.key(), record.value()), (offset, sent.key, sent.value));
        assert_eq!(record.timestamp().unwrap_or(-1), sent.timestamp);
        let headers = record.headers().iter().map(|header| header.expect("each is good"));
        assert!(headers.eq(sent.headers.iter().map(|(key, value)| (key.as_bytes(), *value))));
    }
    assert!(records.next().is_none());
    if compression == Compression::None {
        check_against_kafka_protocol(&body, bytes);
    }
}

/// What one batch may become here: small, so that fuzzing is quick.
const SIZE_LIMIT: usize = 1 << 20;

//! Samples for every target: messages of every API in every version, batches of every
//! codec, and what each target makes of a few bytes.

use crate::{
    ApiKey, BatchBuilder, Compression, Compressor, ControlType, EndTransactionMarker, LeaderEpoch,
    ProducerEpoch, ProducerId, ProducerStamp, SPOKEN, Sequence, assign_offsets, message::synthetic,
};

/// A target, a name, and an input.
pub type Seed = (&'static str, String, Vec<u8>);

/// What a fuzzer begins with: the samples, and the golden vectors.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = samples();
    seeds.extend(super::vectors::inputs());
    seeds
}

pub(super) fn samples() -> Vec<Seed> {
    let mut samples = messages();
    samples.extend(batches());
    samples.extend(codecs());
    let frames = b"\x07\0\0\0\0\0\0\0\x05frame\0\0\0\x03cut";
    samples.push(("frame_reader", "three".to_owned(), frames.to_vec()));
    samples.push(("frame_reader", "negative".to_owned(), vec![200, 0, 0, 0, 1, 9, 255, 0, 0, 0]));
    samples.push(("frame_reader", "announced".to_owned(), vec![1, 6, 0, 0, 0, 1, 2, 3]));
    let tags = b"\x03\0\x01a\x64\x02bc\x90\x4e\0rest";
    samples.push(("tagged_fields", "three".to_owned(), tags.to_vec()));
    samples.push(("tagged_fields", "none".to_owned(), vec![0, 1]));
    for codec in 0..5 {
        let records =
            b"\x4dx\x04key\x06value\x02\x03hv\x41\0\0\0\0\0\0\0\x09\0\0\x03\0\0\0\0\xc0\0\0";
        let name = format!("{}", Compression::ALL[usize::from(codec)]);
        samples.push(("produce_roundtrip", name, [&[codec][..], records].concat()));
    }
    for (name, steps) in [
        ("committed", &[0_u8, 4, 0, 68, 28][..]),
        ("aborted", &[0, 4, 0, 68, 12, 0]),
        ("interleaved", &[1, 4, 5, 6, 68, 69, 12, 0, 4, 29, 14, 132, 12, 31]),
        ("open", &[3, 5, 13, 5, 0, 7, 15, 7, 7]),
    ] {
        samples.push(("aborted_filter", name.to_owned(), steps.to_vec()));
    }
    for (name, bytes) in [
        ("topic", &b"\0\x03\0\0\0\x01\0\x01t\0\0\0\x02ud\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x05\0\0\0\x09\0\x01r"[..]),
        ("partitions", b"\0\0\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x05\0\0\0\x06\xff\xff\xff\xff"),
    ] {
        samples.push(("consumer_protocol", name.to_owned(), bytes.to_vec()));
    }
    for (name, exchange) in [
        ("plain", &b"\x00"[..]),
        ("scram", b"\x01r=nonce1,s=QUJD,i=4096\nv=QUJD"),
        (
            "scram-proved",
            b"\x01r=nonce1,s=QUJD,i=4096\nv=COymIfgmyUvpURzJR6StVzLE/JzYBpJ2cN0mQFvaRLY=",
        ),
        ("oauthbearer", b"\x03{\"status\":\"invalid_token\"}\n"),
    ] {
        samples.push(("sasl", name.to_owned(), exchange.to_vec()));
    }
    samples
}

fn messages() -> Vec<Seed> {
    let mut samples = Vec::new();
    for (index, (api, versions)) in (0_u8..).zip(SPOKEN) {
        for (choice, version) in (0_u8..).zip(versions.min..=versions.max) {
            let name = format!("{api:?}-v{version}").to_lowercase();
            let choice = [index, choice];
            let answer = synthetic::answer(*api, version);
            samples.push(("response_any", name.clone(), [&choice[..], &answer].concat()));
            #[cfg(feature = "broker")]
            let request = synthetic::request(*api, version);
            #[cfg(feature = "broker")]
            samples.push(("request_any", name, [&choice[..], &request].concat()));
        }
    }
    samples.push(("response_any", "empty".to_owned(), vec![ApiKey::Metadata as u8, 9]));
    samples
}

/// Messages of every API in its newest version, each full of something: they show what takes too long or too much. They
/// are too long for a fuzzer to make much of them.
pub fn crowded() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (index, (api, versions)) in (0_u8..).zip(SPOKEN) {
        let choice = [index, u8::try_from(versions.max - versions.min).unwrap()];
        let mut add = |target, messages: Vec<Vec<u8>>| {
            for (place, message) in messages.iter().enumerate() {
                let name = format!("{api:?}-crowded-{place}").to_lowercase();
                seeds.push((target, name, [&choice[..], message].concat()));
            }
        };
        add("response_any", synthetic::crowded_answers(*api, versions.max, CROWD));
        #[cfg(feature = "broker")]
        add("request_any", synthetic::crowded_requests(*api, versions.max, CROWD));
    }
    seeds
}

fn batch(compression: Compression, stamp: Option<ProducerStamp>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(compression, None);
    for n in 0..6_u8 {
        let (byte, value) = ([n], [b'v'; 30]);
        let headers = [("h", Some(&byte[..])), ("h", None), ("other", Some(b"x"))];
        let headers = headers.into_iter().take(usize::from(n % 4));
        let key = (n != 2).then_some(&byte[..]);
        let value = (n != 3).then_some(&value[usize::from(n)..]);
        builder.append(1_700_000_000_000 - 7 * i64::from(n), key, value, headers).unwrap();
    }
    builder.seal(&mut Compressor::new()).unwrap().stamp(stamp).to_vec()
}

fn batches() -> Vec<Seed> {
    let stamp = ProducerStamp {
        producer_id: ProducerId(5),
        producer_epoch: ProducerEpoch(3),
        base_sequence: Sequence::new(0),
        is_transactional: true,
    };
    let marker = EndTransactionMarker { control_type: ControlType::Abort, coordinator_epoch: 2 };
    let marker = marker.to_batch(ProducerId(5), ProducerEpoch(3), 1000).unwrap();
    let mut log = Vec::new();
    let mut named: Vec<(String, Vec<u8>)> = Vec::new();
    for compression in Compression::ALL {
        let mut bytes = batch(compression, Some(stamp));
        let offset = 10 * i64::from(compression as u8);
        assign_offsets(&mut bytes, offset, LeaderEpoch(4), Some(1_800_000_000_000)).unwrap();
        named.push((format!("{compression}"), bytes.clone()));
        log.extend(bytes);
    }
    let mut marker = marker.to_vec();
    assign_offsets(&mut marker, 50, LeaderEpoch(4), None).unwrap();
    named.push(("marker".to_owned(), marker.clone()));
    log.extend_from_slice(&marker);
    log.extend_from_slice(&batch(Compression::None, None)[..50]);
    named.push(("log".to_owned(), log));
    let mut samples = Vec::new();
    for target in ["batch_header_walk", "record_batch_crc"] {
        samples.extend(named.iter().map(|(name, bytes)| (target, name.clone(), bytes.clone())));
    }
    // Three messages of format 1 with relative offsets, without their checksums.
    let message = |offset: u8, value: &[u8]| {
        let head =
            [0, 0, 0, 0, 0, 0, 0, offset, 0, 0, 0, 22 + 1 + value.len() as u8, 0, 0, 0, 0, 1, 0];
        let body = [0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 0, 1, b'k', 0, 0, 0, value.len() as u8];
        [&head[..], &body, value].concat()
    };
    let set = [message(0, b"one"), message(1, b""), message(2, b"three")].concat();
    for (name, flags) in [("bare", 1), ("gzip", 3), ("snappy", 5), ("lz4", 7), ("append-time", 11)]
    {
        let input = [&[flags, 10][..], &set].concat();
        samples.push(("legacy_message_set", name.to_owned(), input));
    }
    let section = &batch(Compression::None, None)[61..];
    for (name, flags) in [("create-time", 0), ("log-append-time", 1), ("late", 2)] {
        let prefix = [6, 0, flags, 1, 0, 0, 3, 232];
        samples.push(("record_body", name.to_owned(), [&prefix[..], section].concat()));
    }
    samples
}

fn codecs() -> Vec<Seed> {
    let text: Vec<u8> =
        (0..400_u32).flat_map(|n| format!("order {}\n", n * 7919).into_bytes()).collect();
    let mut samples = Vec::new();
    for (target, codec) in [
        ("gzip", Compression::Gzip),
        ("snappy_xerial", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ] {
        for (name, plain) in
            [("text", &text[..]), ("short", &text[..20]), ("run", &[7; 3000]), ("nothing", &[])]
        {
            let stored = Compressor::new().compress(codec, None, plain).unwrap().to_vec();
            // The target puts the header of the framing in front itself.
            let header = if target == "snappy_xerial" { 16 } else { 0 };
            samples.push((target, name.to_owned(), stored[header..].to_vec()));
        }
    }
    for (name, plain) in [("text", &text[..]), ("run", &[7; 3000])] {
        let stored = snap::raw::Encoder::new().compress_vec(plain).unwrap();
        samples.push(("snappy_raw", name.to_owned(), stored));
    }
    samples
}

/// Close to the 64 KiB that inputs may have.
const CROWD: usize = 64_000;

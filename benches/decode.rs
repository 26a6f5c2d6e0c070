//! Walking record batches, against what the hardware allows: the checksum alone, and a copy of the same bytes.
//!
//! `cargo bench -p kavka-benches --bench decode` prints millions of records per second, GB/s, and the share of the
//! checksum's speed that is left. The cases run interleaved, so that a slow moment of the machine hits all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kavka_protocol::{BatchBuilder, Batches, Compression, Compressor, Decompressor};

/// One log slice: the same kind of record over and over.
struct Case {
    name: &'static str,
    log: Bytes,
    records: usize,
}

/// What is timed over a log slice.
type Subject = (&'static str, fn(&Bytes) -> u64);

fn main() {
    let cases = [
        case("100B", 100, 0),
        case("100B+2h", 100, 2),
        case("1KiB", 1_024, 0),
        case("10KiB", 10_240, 0),
    ];
    let subjects: [Subject; 3] = [("kavka", walk), ("crc", checksum), ("memcpy", copy)];
    println!("{:<9} {:<7} {:>9} {:>7} {:>7}", "case", "client", "Mrec/s", "GB/s", "of crc");
    for case in &cases {
        let fastest = measure(case, &subjects);
        let crc = fastest[1];
        for ((name, _), time) in subjects.iter().zip(&fastest) {
            let seconds = time.as_secs_f64();
            let records = case.records as f64 / seconds / 1e6;
            let bytes = case.log.len() as f64 / seconds / 1e9;
            println!(
                "{:<9} {name:<7} {records:>9.1} {bytes:>7.2} {:>7.2}",
                case.name,
                crc.as_secs_f64() / seconds
            );
        }
    }
}

/// The fastest of many interleaved runs of each subject.
fn measure(case: &Case, subjects: &[Subject; 3]) -> [Duration; 3] {
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..RUNS {
        for ((_, subject), best) in subjects.iter().zip(&mut fastest) {
            let started = Instant::now();
            black_box(subject(black_box(&case.log)));
            *best = started.elapsed().min(*best);
        }
    }
    fastest
}

/// Touches key and value of every record, checksums verified.
fn walk(log: &Bytes) -> u64 {
    let mut decompressor = Decompressor::default();
    let mut touched = 0;
    for batch in Batches::new(log.clone()) {
        let body = batch.expect("a batch").body(&mut decompressor).expect("a body");
        for record in body.records() {
            let record = record.expect("a record");
            touched += first(record.key()) + first(record.value());
        }
    }
    touched
}

fn first(bytes: Option<&[u8]>) -> u64 {
    bytes.and_then(|bytes| bytes.first()).map_or(0, |byte| u64::from(*byte))
}

fn checksum(log: &Bytes) -> u64 {
    u64::from(crc32c::crc32c(log))
}

fn copy(log: &Bytes) -> u64 {
    log.to_vec().len() as u64
}

/// About 64 MiB in batches of about a megabyte.
fn case(name: &'static str, value: usize, headers: usize) -> Case {
    let value = vec![b'v'; value];
    let headers = vec![("header", Some(&b"value"[..])); headers];
    let (mut log, mut records) = (Vec::new(), 0);
    while log.len() < LOG {
        let mut builder = BatchBuilder::new(Compression::None, None);
        while builder.size_in_bytes() < BATCH {
            builder
                .append(
                    1_700_000_000_000,
                    Some(b"key-0123456"),
                    Some(&value),
                    headers.iter().copied(),
                )
                .expect("it fits");
            records += 1;
        }
        log.extend_from_slice(
            &builder.seal(&mut Compressor::default()).expect("it seals").stamp(None),
        );
    }
    Case { name, log: log.into(), records }
}

const LOG: usize = 64 << 20;
const BATCH: usize = 1 << 20;
const RUNS: usize = 15;

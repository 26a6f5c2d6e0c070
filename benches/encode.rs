//! Making record batches: kavka beside other clients, and beside what the hardware allows.
//!
//! `cargo bench -p kavka-benches --bench encode -- --help` says what can be chosen. Everybody is given records whose keys
//! and values the application owns already, and ends with batches that could be sent, checksums included. Everybody
//! compresses as it does by default, so that speed has to be read beside the bytes that a record takes: kafka-protocol's
//! lz4 is the slow and thorough LZ4HC.

use bytes::Bytes;
use kavka_benches::{
    Bench, COUNTING, Case, CountingAllocator, EncodePass, Lane, Options, Records, Result, Target,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = COUNTING;

const TARGETS: [Target; 1] = [Target { case: "100B", against: "krafka", least: 3.0, aim: 3.0 }];

const NOTES: [&str; 2] = [
    "millions of records per second of one core; crc: hashing the same bytes and nothing else",
    "kafka-protocol: LZ4HC level 4 in C, the others lz4_flex; krafka: ruzstd at its fastest, the others zstd level 3 in C",
];

fn main() -> Result<()> {
    let mut bench = Bench::start(Options::from_arguments())?;
    for case in Case::all(&bench.options().clone()) {
        let case = case?;
        let records = Records::read(&case.log)?;
        let mut pass = EncodePass::new(case.codec);
        let made = make(&mut pass, &records)?;
        let lane = Lane::here("kavka", || pass.run(&records, |_| ()))?;
        bench.encode(&case, vec![lane], &made)?;
    }
    bench.finish("Making record batches, one core", &NOTES, &TARGETS)
}

fn make(pass: &mut EncodePass, records: &Records) -> Result<Bytes> {
    let mut made = Vec::new();
    pass.run(records, |batch| made.extend_from_slice(batch))?;
    Ok(made.into())
}

//! Reading record batches: kavka beside other clients, and beside what the hardware allows.
//!
//! `cargo bench -p kavka-benches --bench decode -- --help` says what can be chosen. Checksums are verified by everybody.
//! kavka leaves headers undecoded until they are asked for: `kavka-headers` asks for all of them, as the rivals do.

use kavka_benches::{
    Bench, COUNTING, Case, CountingAllocator, Lane, Options, Result, Target, read_columns, walk,
    walk_headers,
};
use kavka_protocol::{Decompressor, RecordColumns};

#[global_allocator]
static ALLOCATOR: CountingAllocator = COUNTING;

const TARGETS: [Target; 4] = [
    Target { case: "100B", against: "krafka", least: 4.0, aim: 5.0 },
    Target { case: "100B+2h", against: "krafka", least: 10.0, aim: 12.0 },
    Target { case: "1KiB", against: "crc", least: 0.70, aim: 0.75 },
    Target { case: "10KiB", against: "crc", least: 0.92, aim: 0.95 },
];

const NOTES: [&str; 2] = [
    "millions of records per second of one core; crc: hashing the same bytes and nothing else",
    "kavka reads headers (2h) when they are asked for, as kavka-headers does; krafka's zstd is pure Rust",
];

fn main() -> Result<()> {
    let mut bench = Bench::start(Options::from_arguments())?;
    for case in Case::all(&bench.options().clone()) {
        let case = case?;
        let [mut first, mut second, mut third] = [(); 3].map(|()| Decompressor::new());
        let mut columns = RecordColumns::new();
        let by_columns = || read_columns(&case.log, &mut second, &mut columns);
        let mut lanes = vec![
            Lane::here("kavka", || walk(&case.log, &mut first))?,
            Lane::here("kavka-columns", by_columns)?,
        ];
        if case.has_headers {
            lanes.push(Lane::here("kavka-headers", || walk_headers(&case.log, &mut third))?);
        }
        bench.decode(&case, lanes)?;
    }
    bench.finish("Decoding record batches, one core", &NOTES, &TARGETS)
}

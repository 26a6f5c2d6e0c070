//! Reading record batches: kavka beside other clients, and beside what the hardware allows.
//!
//! `cargo bench -p kavka-benches --bench decode -- --help` says what can be chosen. Checksums are verified by everybody.
//! kavka leaves headers undecoded until they are asked for: `kavka-headers` asks for all of them, as the rivals do.

use kavka_benches::{Bench, Case, Lane, Options, Result, Target, walk, walk_headers};
use kavka_protocol::Decompressor;

const TARGETS: [Target; 4] = [
    Target { case: "100B", against: "krafka", least: 4.0, aim: 5.0 },
    Target { case: "100B+2h", against: "krafka", least: 10.0, aim: 12.0 },
    Target { case: "1KiB", against: "crc", least: 0.70, aim: 0.75 },
    Target { case: "10KiB", against: "crc", least: 0.92, aim: 0.95 },
];

fn main() -> Result<()> {
    let mut bench = Bench::start(Options::from_arguments())?;
    for case in Case::all(&bench.options().clone()) {
        let case = case?;
        let (mut one, mut other) = (Decompressor::new(), Decompressor::new());
        let mut lanes = vec![Lane::here("kavka", || walk(&case.log, &mut one))?];
        if case.has_headers {
            lanes.push(Lane::here("kavka-headers", || walk_headers(&case.log, &mut other))?);
        }
        bench.decode(&case, lanes)?;
    }
    bench.finish("Decoding record batches, one core", &TARGETS)
}

//! Reading a topic: kavka beside other clients.
//!
//! `cargo bench -p kavka-benches --bench fetch -- --help` says what can be chosen. A stand-in for a broker serves the
//! same answers to everybody at the speed of memory, so that the client is what is measured. Everybody reads every byte
//! of every value; checksums are verified by all but librdkafka, which is faster without.

use kavka_benches::{
    Result,
    contest::{Contest, ContestOptions, ContestTarget, FetchCase, Programs},
};
use kavka_protocol::Compression;

const CASES: [FetchCase; 5] = [
    case("fetch-100B", "100B", Compression::None),
    case("fetch-1KiB", "1KiB", Compression::None),
    case("fetch-lz4", "1KiB", Compression::Lz4),
    case("fetch-zstd", "1KiB", Compression::Zstd),
    FetchCase { is_encrypted: true, ..case("fetch-100B-tls", "100B", Compression::None) },
];

const TARGETS: [ContestTarget; 5] = [
    ContestTarget { case: "fetch-100B", most: 0.55 },
    ContestTarget { case: "fetch-1KiB", most: 0.85 },
    ContestTarget { case: "fetch-lz4", most: 0.80 },
    ContestTarget { case: "fetch-zstd", most: 0.90 },
    ContestTarget { case: "fetch-100B-tls", most: 0.65 },
];

fn main() -> Result<()> {
    let programs = Programs {
        stand_in: env!("CARGO_BIN_EXE_stand-in").into(),
        kavka: env!("CARGO_BIN_EXE_kavka-timed").into(),
        kavka_counted: env!("CARGO_BIN_EXE_kavka-counted").into(),
    };
    let mut contest = Contest::start(ContestOptions::from_arguments(), programs)?;
    for case in &CASES {
        contest.fetch(case)?;
    }
    contest.finish("Fetching: what a client takes of the processor", &TARGETS)
}

const fn case(name: &'static str, shape: &'static str, codec: Compression) -> FetchCase {
    FetchCase { name, shape, codec, is_encrypted: false }
}

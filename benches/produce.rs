//! Writing to a topic: kavka beside other clients.
//!
//! `cargo bench -p kavka-benches --bench produce -- --help` says what can be chosen. A stand-in for a broker takes the
//! records, reads them and acknowledges them, so that the client is what is measured. Everybody writes the same records
//! to the same partitions and sees every one acknowledged by all replicas, as an idempotent producer where the client
//! has one (rskafka has not).

use kavka_benches::{
    Result,
    contest::{Contest, ContestOptions, ContestTarget, ProduceCase, Programs},
};
use kavka_protocol::Compression;

const CASES: [ProduceCase; 3] = [
    ProduceCase { name: "produce-100B", shape: "100B", codec: Compression::None },
    ProduceCase { name: "produce-1KiB", shape: "1KiB", codec: Compression::None },
    ProduceCase { name: "produce-lz4", shape: "1KiB", codec: Compression::Lz4 },
];

const TARGETS: [ContestTarget; 3] = [
    ContestTarget { case: "produce-100B", most: 0.50 },
    ContestTarget { case: "produce-1KiB", most: 0.75 },
    ContestTarget { case: "produce-lz4", most: 0.80 },
];

fn main() -> Result<()> {
    let programs = Programs {
        stand_in: env!("CARGO_BIN_EXE_stand-in").into(),
        kavka: env!("CARGO_BIN_EXE_kavka-timed").into(),
        kavka_counted: env!("CARGO_BIN_EXE_kavka-counted").into(),
    };
    let mut contest = Contest::start(ContestOptions::from_arguments(), programs)?;
    for case in &CASES {
        contest.produce(case)?;
    }
    contest.finish("Producing: what a client takes of the processor", &TARGETS)
}

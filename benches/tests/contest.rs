//! Contests in small: kavka alone, which gets figures only when it delivers exactly what is in the log.

use std::{collections::BTreeMap, fs};

use kavka_benches::contest::{Contest, ContestOptions, FetchCase, ProduceCase, Programs};
use kavka_protocol::Compression;
use tempfile::TempDir;

#[test]
fn kavka_reads_each_byte_of_the_log_once_whatever_the_way_the_codec_and_the_encryption() {
    for (shape, codec, is_encrypted) in [
        ("100B", Compression::None, false),
        ("1KiB", Compression::Zstd, false),
        ("100B", Compression::Lz4, true),
    ] {
        let case = FetchCase { name: "fetch", shape, codec, is_encrypted };
        let figures = figures("fetch/replay", |contest| contest.fetch(&case).unwrap());
        for client in ["kavka", "kavka-columns", "kavka-owned"] {
            let amplification = figures[&format!("fetch/replay,{client},amplification")];
            assert!((1.0..=1.02).contains(&amplification), "{client}, {codec}: {amplification}");
        }
    }
}

#[test]
fn kavka_writes_every_record_once_whatever_the_way_and_the_codec() {
    for (shape, codec) in [("100B", Compression::None), ("1KiB", Compression::Lz4)] {
        let case = ProduceCase { name: "produce", shape, codec };
        let figures = figures("produce/replay", |contest| contest.produce(&case).unwrap());
        for client in ["kavka", "kavka-single"] {
            assert!(figures[&format!("produce/replay,{client},rec_s")] > 0.0, "{client}, {codec}");
        }
    }
}

/// What a contest on one stage writes as CSV: `case,client,metric` and the value.
fn figures(stage: &str, hold: impl FnOnce(&mut Contest)) -> BTreeMap<String, f64> {
    let folder = TempDir::new().unwrap();
    let csv = folder.path().join("figures.csv");
    let options = ContestOptions {
        csv: Some(csv.clone()),
        volume: 3_000_000,
        repeats: 1,
        with_peers: false,
        filter: Some(stage.to_owned()),
        ..ContestOptions::default()
    };
    let mut contest = Contest::start(options, programs()).unwrap();
    hold(&mut contest);
    contest.finish("", &[]).unwrap();
    let csv = fs::read_to_string(csv).unwrap();
    let rows = csv.lines().skip(1).map(|row| {
        let (what, value) = row.rsplit_once(',').unwrap();
        (what.to_owned(), value.parse().unwrap())
    });
    rows.collect()
}

fn programs() -> Programs {
    Programs {
        stand_in: env!("CARGO_BIN_EXE_stand-in").into(),
        kavka: env!("CARGO_BIN_EXE_kavka-timed").into(),
        kavka_counted: env!("CARGO_BIN_EXE_kavka-counted").into(),
    }
}

//! Segment files that a broker wrote, printed by the example of the protocol crate and by Kafka's own tool.

#[path = "../../../protocol/examples/segment/dump.rs"]
mod dump;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use kavka_tests::java;
use kavka_tests::real_kafka::RealKafka;

use super::create_topic;

/// One file with batches of every codec, transactions that were committed and aborted, headers, nulls, and text beyond
/// ASCII.
pub(crate) async fn printed_as_by_kafkas_tool(kafka: &'static RealKafka) {
    create_topic(kafka.bootstrap_servers(), "segments", 1, &[]);
    for codec in CODECS {
        produce(kafka, "segments", &[&format!("compression.type={codec}")], &lines(codec));
    }
    let transactions = [
        &lines("aborted"),
        "\\A\n",
        &lines("again"),
        "\\A\n0\t\\N\t\\N\tno key\n",
        &lines("committed"),
    ]
    .concat();
    produce(kafka, "segments", &["transactional.id=segments"], &transactions);
    produce_headers(kafka);
    let files = segments(kafka, "segments");
    let printed = print(&files).expect("the files can be read");
    assert_eq!(Ok(&printed), kafkas_dump(&files).as_ref());
    let codecs = CODECS.map(|codec| format!("compresscodec: {codec}"));
    let markers = ["ABORT", "COMMIT", "headerKeys: [trace,trace,empty]", "isTransactional: true"];
    for expected in codecs.iter().map(String::as_str).chain(markers) {
        assert!(printed.contains(expected), "{expected} is missing in\n{printed}");
    }
}

/// Compaction leaves gaps, and batches with the time from which their tombstones may go.
pub(crate) async fn printed_after_compaction(kafka: &'static RealKafka) {
    let configs = [
        "cleanup.policy=compact",
        "message.timestamp.type=LogAppendTime",
        "min.cleanable.dirty.ratio=0.01",
        "segment.ms=100",
        "min.compaction.lag.ms=0",
        "max.compaction.lag.ms=100",
    ];
    create_topic(kafka.bootstrap_servers(), "segments-compacted", 1, &configs);
    // The cleaner leaves the active segment alone: each round ends one, until it has been at work and rests.
    loop {
        produce(kafka, "segments-compacted", &["compression.type=zstd"], &lines("compacted"));
        let files = segments(kafka, "segments-compacted");
        let Ok(printed) = print(&files) else { continue };
        if !printed.contains("deleteHorizonMs: OptionalLong[") {
            continue;
        }
        let expected = kafkas_dump(&files);
        let again = print(&segments(kafka, "segments-compacted"));
        if again.is_ok_and(|again| again == printed) {
            assert_eq!(Ok(printed), expected);
            return;
        }
    }
}

/// The segments of the only partition of `topic`, oldest first.
fn segments(kafka: &RealKafka, topic: &str) -> Vec<PathBuf> {
    let folder = kafka.log_directory(0).join(format!("{topic}-0"));
    let entries = fs::read_dir(&folder).expect("the partition's folder");
    let files = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut logs: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "log")).collect();
    logs.sort();
    logs
}

/// What the example prints.
fn print(files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut output = Vec::new();
    files.iter().try_for_each(|file| dump::dump(file, &mut output).map(drop))?;
    Ok(String::from_utf8(output)?)
}

fn kafkas_dump(files: &[PathBuf]) -> Result<String, String> {
    let files: Vec<_> = files.iter().map(|file| file.to_str().expect("a path in UTF-8")).collect();
    let files = files.join(",");
    let arguments = ["--print-data-log", "--deep-iteration", "--files", &files];
    java::run("org.apache.kafka.tools.DumpLogSegments", &arguments, None)
}

/// Records with and without values. Keys come back, so that there is something to compact, and the last of one has no
/// value.
fn lines(name: &str) -> String {
    let line = |n: u64| {
        let value = if n % 6 == 5 {
            "\\N".to_owned()
        } else {
            format!("{name} №{n} {}", "ж🔑x".repeat(9))
        };
        format!("0\t{}\tkey-{}\t{value}\n", 1_700_000_000_000 + n, n % 4)
    };
    (0..36).map(line).collect()
}

fn produce(kafka: &RealKafka, topic: &str, properties: &[&str], lines: &str) {
    java::produce(kafka.bootstrap_servers(), topic, properties, lines).expect("the producer runs");
}

/// The console producer can write headers: a key that comes twice, and one without anything.
fn produce_headers(kafka: &RealKafka) {
    let arguments = ["--bootstrap-server", kafka.bootstrap_servers(), "--topic", "segments"];
    let with_headers = ["--reader-property", "parse.headers=true"];
    let line = "trace:1,trace:2,empty:\tvalue\n".as_bytes();
    let class = "org.apache.kafka.tools.ConsoleProducer";
    java::run(class, &[&arguments[..], &with_headers].concat(), Some(line))
        .expect("the console producer runs");
}

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

//! Segment files that a broker wrote, printed by the example of the protocol crate and by Kafka's own tool.

#[path = "../../../protocol/examples/segment/dump.rs"]
mod dump;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use kavka_client::{Client, NewTopic, OutgoingRecord};
use kavka_tests::java;
use kavka_tests::real_kafka::RealKafka;

use super::{connect, create};

/// One file with batches of every codec, transactions that were committed and aborted, headers, nulls, and text beyond
/// ASCII.
pub(crate) async fn printed_as_by_kafkas_tool(kafka: &'static RealKafka) {
    let client = connect(kafka).await;
    create(&client, NewTopic::new("segments")).await;
    for codec in CODECS {
        produce(&client, "segments", codec).await;
    }
    java::produce(
        kafka.bootstrap_servers(),
        "segments",
        &["transactional.id=segments", "compression.type=gzip"],
        "0\t10\tk\taborted\n0\t20\tk\t\\N\n\\A\n\\A\n0\t\\N\t\\N\tno key\n0\t30\tk\tкey\n",
    )
    .expect("the producer runs");
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
    let client = connect(kafka).await;
    let new = NewTopic::new("segments-compacted")
        .with_config("cleanup.policy", "compact")
        .with_config("message.timestamp.type", "LogAppendTime")
        .with_config("min.cleanable.dirty.ratio", "0.01")
        .with_config("segment.ms", "100")
        .with_config("min.compaction.lag.ms", "0")
        .with_config("max.compaction.lag.ms", "100");
    create(&client, new).await;
    // The cleaner leaves the active segment alone: each round ends one, and has time for it.
    loop {
        produce(&client, "segments-compacted", "zstd").await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if compare_compacted(kafka) {
                return;
            }
        }
    }
}

/// Compares what both print once the cleaner has been at work and rests. Whether it did.
fn compare_compacted(kafka: &RealKafka) -> bool {
    let files = segments(kafka, "segments-compacted");
    let is_cleaned = |printed: &String| printed.contains("deleteHorizonMs: OptionalLong[");
    let Some(printed) = print(&files).ok().filter(is_cleaned) else { return false };
    let expected = kafkas_dump(&files);
    let again = print(&segments(kafka, "segments-compacted"));
    let is_at_rest = again.is_ok_and(|again| again == printed);
    if is_at_rest {
        assert_eq!(Ok(printed), expected);
    }
    is_at_rest
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
async fn produce(client: &Client, topic: &str, codec: &str) {
    let producer = client.producer([("compression.type", codec), ("batch.size", "1000")]);
    let producer = producer.expect("a producer");
    let texts = (0..36)
        .map(|number| {
            (format!("key-{}", number % 4), format!("{codec} №{number} {}", "ж🔑x".repeat(9)))
        })
        .collect::<Vec<_>>();
    let records = texts.iter().zip(0..).map(|((key, value), number)| {
        let record =
            OutgoingRecord::to(topic).partition(0).key(key.as_bytes()).timestamp(TIME + number);
        let record = if number % 6 == 5 { record } else { record.value(value.as_bytes()) };
        match number {
            7 => {
                record.header("trace", Some(b"1")).header("trace", Some(b"2")).header("empty", None)
            }
            _ => record,
        }
    });
    let delivery = producer.send_batch(records).await.expect("accepted");
    delivery.await.expect("delivered");
}

/// When the first record says that it was made, in ms since the epoch.
const TIME: i64 = 1_700_000_000_000;

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

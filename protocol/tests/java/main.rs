//! Kafka's own classes read what is written here. Ignored, by name, where Java or Maven is missing; a failure there
//! when `CI=true` or `KAVKA_KAFKA=require`.

#[allow(dead_code, reason = "the vectors' own tests use all of it")]
#[path = "../vectors/cases.rs"]
mod cases;
#[allow(dead_code, reason = "the vectors' own tests use all of it")]
#[path = "../vectors/file.rs"]
mod file;

use std::{
    env,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use kavka_protocol::Compression;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use crate::cases::{Encoding, FORMAT_2, Vector, rewrite_at};

fn main() {
    let test = || java_reads_batches().map_err(Failed::from);
    let trial = Trial::test("java::batches_of_every_codec_are_what_java_reads", test);
    let is_run = is_required() || (is_installed("java") && is_installed("mvn"));
    let trials = vec![trial.with_ignored_flag(!is_run)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn is_installed(tool: &str) -> bool {
    let found =
        Command::new(tool).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn is_required() -> bool {
    let is = |name, expected: &str| env::var(name).is_ok_and(|value| value == expected);
    is("CI", "true") || is("KAVKA_KAFKA", "require")
}

/// The cases of the golden vectors, written here and read by Java as it read its own.
fn java_reads_batches() -> Result<(), String> {
    let vectors = Vector::read(FORMAT_2);
    let mut written = Vec::new();
    for vector in &vectors {
        let produced = vectors.iter().find(|other| other.name == vector.name);
        let records = &produced.ok_or("no vector of that name")?.records;
        let encodings = vector.encodings.iter();
        let rewritten = encodings.flat_map(|encoding| {
            let written = levels(encoding.codec).map(|level| rewrite_at(level, encoding, records));
            written.flatten().map(move |bytes| (vector, encoding, bytes))
        });
        written.extend(rewritten);
    }
    let counted = Compression::ALL
        .map(|codec| written.iter().filter(|(_, encoding, _)| encoding.codec == codec).count());
    assert!(counted.iter().all(|count| *count >= 20), "too few of a codec: {counted:?}");
    let answers = read_by_java(written.iter().map(|(_, _, bytes)| bytes))?;
    assert_eq!(answers.len(), written.len());
    for ((vector, encoding, _), answer) in written.iter().zip(&answers) {
        check_answer(vector, encoding, answer);
    }
    Ok(())
}

/// The usual level, and for lz4, of which there are two encoders, all of them.
fn levels(codec: Compression) -> impl Iterator<Item = Option<i32>> {
    let levels = codec.levels().filter(|_| codec == Compression::Lz4);
    std::iter::once(None).chain(levels.into_iter().flatten().map(Some))
}

fn check_answer(vector: &Vector, encoding: &Encoding, answer: &Value) {
    let context = vector.context(encoding);
    assert_eq!(answer["records"], vector.fields, "{context}");
    let batches = answer["batches"].as_array().expect("batches");
    assert_eq!(batches.len(), encoding.batches.len(), "{context}");
    for (batch, expected) in batches.iter().zip(&encoding.batches) {
        let (mut batch, mut expected) = (batch.clone(), expected.clone());
        // Two encoders of one format need not write the same bytes.
        if encoding.codec != Compression::None {
            for fields in [&mut batch, &mut expected] {
                for name in ["crc", "sizeInBytes"] {
                    fields[name].take();
                }
            }
        }
        assert_eq!(batch, expected, "{context}");
    }
}

/// One line of base64 in, one of JSON out.
fn read_by_java<'b>(slices: impl Iterator<Item = &'b Bytes>) -> Result<Vec<Value>, String> {
    let lines: String = slices.map(|bytes| BASE64_STANDARD.encode(bytes) + "\n").collect();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/java/run");
    let mut child = Command::new(&program)
        .args(["RecordVectors", "read"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let mut stdin = child.stdin.take().ok_or("java has no input")?;
    let feeder = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().map_err(|error| format!("java: {error}"))?;
    if !output.status.success() {
        return Err(format!("java: {}", String::from_utf8_lossy(&output.stderr)));
    }
    feeder.join().map_err(|_| "feeding java panicked")?.map_err(|error| error.to_string())?;
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
}

//! Apache Kafka's jars and how to run a class of them.
//!
//! The jars are ordinary Maven artifacts; they are resolved once into a cache folder keyed by version, so that
//! a second run fetches nothing.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The Kafka version the suite runs against unless `KAVKA_KAFKA_VERSION` names another.
pub const KAFKA_VERSION: &str = "4.3.1";

/// Whether this machine has what real Kafka needs; otherwise the reason why not.
pub fn available() -> Result<(), String> {
    static AVAILABLE: OnceLock<Result<(), String>> = OnceLock::new();
    AVAILABLE.get_or_init(|| ["java", "mvn"].into_iter().try_for_each(is_installed)).clone()
}

fn is_installed(tool: &str) -> Result<(), String> {
    let found =
        Command::new(tool).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("`{tool}` is not installed")),
    }
}

/// Whether a missing real Kafka is a failure rather than a reason to ignore a test.
pub fn is_required() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
        || env::var("KAVKA_KAFKA").is_ok_and(|value| value == "require")
}

/// The version the suite runs against.
pub fn version() -> String {
    env::var("KAVKA_KAFKA_VERSION").unwrap_or_else(|_| KAFKA_VERSION.to_owned())
}

/// The class path of the jars of one version of Kafka, resolving them on first use.
fn class_path(version: &str) -> Result<String, String> {
    static RESOLVING: Mutex<()> = Mutex::new(());
    // Who fails has left nothing behind that would harm the next.
    let _one_at_a_time = RESOLVING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = cache().join("kafka").join(version);
    if !folder.join("complete").exists() {
        fetch(version, &folder)?;
    }
    Ok(format!("{}/*", folder.display()))
}

/// A `java` command with the jars of one version of Kafka on its class path; add a class and its arguments.
pub fn command_version(version: &str, heap: &str) -> Result<Command, String> {
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}")).arg("-cp").arg(class_path(version)?);
    Ok(command)
}

/// Runs one of Kafka's tools to its end, feeding `input`, and returns what it printed.
pub fn run<S: AsRef<OsStr>>(
    class: &str,
    arguments: &[S],
    input: Option<&[u8]>,
) -> Result<String, String> {
    run_version(&version(), class, arguments, input)
}

/// The same with the jars of another version.
pub fn run_version<S: AsRef<OsStr>>(
    version: &str,
    class: &str,
    arguments: &[S],
    input: Option<&[u8]>,
) -> Result<String, String> {
    let mut child = command_version(version, "1g")?
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg(class)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{class}: {error}"))?;
    let feeder = child.stdin.take().zip(input.map(<[u8]>::to_vec)).map(|(mut stdin, input)| {
        std::thread::spawn(move || stdin.write_all(&input).map_err(|error| error.to_string()))
    });
    let output = child.wait_with_output().map_err(|error| format!("{class}: {error}"))?;
    if let Some(feeder) = feeder {
        feeder.join().map_err(|_| format!("{class}: its input thread panicked"))??;
    }
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|error| format!("{class}: {error}"));
    }
    Err(format!("{class}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Sends `lines` (see `java/Produce.java`) with Kafka's own producer and returns how many it sent.
pub fn produce(
    bootstrap_servers: &str,
    topic: &str,
    properties: &[&str],
    lines: &str,
) -> Result<u64, String> {
    produce_version(&version(), bootstrap_servers, topic, properties, lines)
}

/// The same with the producer of another version.
pub fn produce_version(
    version: &str,
    bootstrap_servers: &str,
    topic: &str,
    properties: &[&str],
    lines: &str,
) -> Result<u64, String> {
    let bootstrap = format!("bootstrap.servers={bootstrap_servers}");
    let arguments = [&[topic, bootstrap.as_str()], properties].concat();
    let sent = run_version(version, &program("Produce"), &arguments, Some(lines.as_bytes()))?;
    sent.trim().parse().map_err(|_| format!("the producer printed {sent:?}"))
}

/// Reads a topic from its beginning to its end with Kafka's own consumer, see `java/Consume.java`: partition,
/// offset, timestamp, key and value of every record.
pub fn consume(
    bootstrap_servers: &str,
    topic: &str,
    properties: &[&str],
) -> Result<Vec<Vec<String>>, String> {
    let bootstrap = format!("bootstrap.servers={bootstrap_servers}");
    let arguments = [&[topic, bootstrap.as_str()], properties].concat();
    let printed = run(&program("Consume"), &arguments, None)?;
    Ok(printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// The path of one of our programs in Java.
pub fn program(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("java");
    folder.join(name).with_extension("java").display().to_string()
}

fn fetch(version: &str, folder: &Path) -> Result<(), String> {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/pom.xml");
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(pom)
        .arg(format!("-Dkafka.version={version}"))
        .arg(format!("-Dscala.version={}", scala_version(version)))
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .arg("dependency:copy-dependencies")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("mvn: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "mvn could not resolve Kafka {version}: {}",
            String::from_utf8_lossy(&output.stdout)
        ));
    }
    fs::write(folder.join("complete"), version)
        .map_err(|error| format!("{}: {error}", folder.display()))
}

/// The newest Scala that a version of Kafka is built for.
fn scala_version(version: &str) -> &'static str {
    if version.starts_with("1.") { "2.12" } else { "2.13" }
}

fn cache() -> PathBuf {
    env::var_os("KAVKA_CACHE").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache/kavka"),
        PathBuf::from,
    )
}

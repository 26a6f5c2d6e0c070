//! The walls between the crates: who depends on whom, which words a crate never contains, how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kavka_tests::trial;
use libtest_mimic::Trial;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::plain("architecture::crates_depend_only_downwards", crates_depend_only_downwards),
        trial::plain(
            "architecture::shared_libraries_have_one_version",
            shared_libraries_have_one_version,
        ),
        trial::plain(
            "architecture::no_crate_contains_a_forbidden_word",
            no_crate_contains_a_forbidden_word,
        ),
        trial::plain(
            "architecture::no_file_is_longer_than_the_cap",
            no_file_is_longer_than_the_cap,
        ),
        trial::plain("architecture::a_planted_violation_is_found", a_planted_violation_is_found),
    ]
}

/// What each crate may use of ours, and which libraries it must never use (normal dependencies).
const EDGES: [(&str, &[&str], &[&str]); 6] = [
    (
        "kavka-broker",
        &["kavka-protocol"],
        &["kafka-protocol", "arrow-array", "datafusion", "sqlparser"],
    ),
    (
        "kavka-cli",
        &["kavka-broker", "kavka-client", "kavka-connector", "kavka-sql"],
        &["kafka-protocol", "datafusion"],
    ),
    (
        "kavka-client",
        &["kavka-protocol"],
        &["arrow-array", "arrow-schema", "datafusion", "sqlparser"],
    ),
    ("kavka-connector", &["kavka-client"], &["datafusion", "kafka-protocol"]),
    ("kavka-protocol", &[], &["arrow-array", "datafusion", "sqlparser", "tokio"]),
    ("kavka-sql", &["kavka-connector"], &["kafka-protocol"]),
];

/// Words that must not appear in a folder's code, comments and tests aside.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("protocol/src", &["tokio", "async", "std::net", "std::fs", "Instant::now", "arrow"]),
    ("client/src", &["arrow", "sqlparser"]),
    // What is waited for must not depend on a clock that somebody sets.
    ("client/src/io", &["SystemTime"]),
    (
        "client/src/state",
        &["tokio", "async", "Instant::now", "SystemTime", "rand::rng", "fastrand::Rng::new"],
    ),
    ("connector/src", &["std::net", "tokio::net", "kafka_protocol", "datafusion"]),
    ("sql/src", &["std::net", "tokio::net", "kafka_protocol"]),
];

/// Libraries whose types cross our crates, or that link C: two versions of one would be two worlds.
const SINGLE: [&str; 7] =
    ["arrow-array", "arrow-schema", "bytes", "rustls", "sqlparser", "zstd", "zstd-sys"];

/// The longest a source file may be, in lines.
const CAP: usize = 600;

fn crates_depend_only_downwards() {
    let metadata = metadata();
    for (name, ours, denied) in EDGES {
        let dependencies = dependencies(&metadata, name);
        let upward: Vec<_> = dependencies
            .iter()
            .filter(|d| d.starts_with("kavka-") && !ours.contains(&d.as_str()))
            .collect();
        assert!(upward.is_empty(), "{name} must not depend on {upward:?}");
        let unwanted: Vec<_> = denied.iter().filter(|d| dependencies.contains(**d)).collect();
        assert!(unwanted.is_empty(), "{name} must not depend on {unwanted:?}");
    }
}

fn shared_libraries_have_one_version() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    for library in SINGLE {
        let versions = lock.matches(&format!("name = \"{library}\"\n")).count();
        assert!(versions <= 1, "{versions} versions of {library} in Cargo.lock");
    }
}

fn no_crate_contains_a_forbidden_word() {
    let mut found = Vec::new();
    for (folder, words) in FORBIDDEN {
        for file in sources(&root().join(folder)).into_iter().filter(|file| !is_test(file)) {
            let text = fs::read_to_string(&file).expect("a source file");
            found.extend(
                violations(&text, words)
                    .into_iter()
                    .map(|(line, word)| format!("{}:{line}: {word}", file.display())),
            );
        }
    }
    assert!(found.is_empty(), "forbidden words:\n{}", found.join("\n"));
}

fn no_file_is_longer_than_the_cap() {
    let long: Vec<String> =
        ["protocol", "client", "connector", "sql", "broker", "cli", "tests", "benches"]
            .iter()
            .flat_map(|folder| sources(&root().join(folder)))
            .filter_map(|file| {
                let lines = fs::read_to_string(&file).expect("a source file").lines().count();
                (lines > CAP).then(|| format!("{}: {lines} lines", file.display()))
            })
            .collect();
    assert!(long.is_empty(), "longer than {CAP} lines:\n{}", long.join("\n"));
}

/// The word check must be able to fail: planted code is found, comments, tests and longer words are not.
fn a_planted_violation_is_found() {
    let planted = "//! no async here\nfn f() {}\n// tokio\npub async fn g() {}\nlet narrow = asynchronous;\n\
                   #[cfg(test)]\nmod tests {\n    use tokio::test;\n}\n";
    assert_eq!(violations(planted, &["async", "tokio", "arrow"]), [(4, "async")]);
}

/// Lines and words of `text` that break the rule; what follows a file's `#[cfg(test)] mod` is its tests.
fn violations<'w>(text: &str, words: &[&'w str]) -> Vec<(usize, &'w str)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let tests_follow =
            lines.peek().is_some_and(|(_, next)| next.trim_start().starts_with("mod "));
        if line.trim() == "#[cfg(test)]" && tests_follow {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        found.extend(
            words.iter().filter(|word| contains_word(code, word)).map(|word| (number + 1, *word)),
        );
    }
    found
}

fn contains_word(code: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(start, _)| {
        !code[..start].ends_with(is_word) && !code[start + word.len()..].starts_with(is_word)
    })
}

fn dependencies(metadata: &Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages
        .iter()
        .find(|p| p["name"] == package)
        .unwrap_or_else(|| panic!("no package {package}"));
    let normal = package["dependencies"]
        .as_array()
        .expect("dependencies")
        .iter()
        .filter(|d| d["kind"].is_null());
    normal.map(|d| d["name"].as_str().expect("a name").to_owned()).collect()
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Tests of a file that outgrew it live in `foo/tests.rs` or `foo/tests/`; the suite is nothing else.
fn is_test(file: &Path) -> bool {
    let inside = file.strip_prefix(root()).unwrap_or(file);
    let is_named_so =
        |part: &Path| part.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing");
    inside.starts_with("tests/suite")
        || inside.iter().skip(1).any(|part| is_named_so(Path::new(part)))
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate has a parent")
        .to_path_buf()
}

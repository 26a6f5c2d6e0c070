//! Every target over its committed corpus, and over cheap mutations of it; the fuzzer does the same
//! with more patience.

use std::{fs, path::PathBuf};

use super::{TARGETS, measure_with};
use crate::allocations::peak_allocation;

/// The inputs of `target` in the repository.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn measured() {
    measure_with(|work| peak_allocation(work).1);
}

#[test]
fn every_property_holds_for_the_corpora() {
    measured();
    for (target, run) in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{target} has no corpus");
        for (_, input) in inputs {
            run(&input);
        }
    }
}

#[test]
fn every_property_holds_for_truncated_and_mangled_samples() {
    measured();
    for (_, run) in TARGETS {
        run(&[]);
    }
    for (target, run) in TARGETS {
        for (_, input) in corpus(target).iter().filter(|(path, _)| is_sample(path)) {
            // Some of the places, so that large samples take no longer than small ones.
            let step = 1 + input.len() / PLACES;
            for at in (0..input.len()).step_by(step) {
                run(&input[..at]);
                for flip in [0x01, 0x80, 0xff] {
                    let mut mangled = input.clone();
                    mangled[at] ^= flip;
                    run(&mangled);
                }
            }
        }
    }
}

/// What was made by hand, unlike what a fuzzer found.
fn is_sample(path: &std::path::Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sample-"))
}

#[test]
fn every_target_has_a_program() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let entries = fs::read_dir(folder).unwrap();
    let mut programs: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".rs", ""))
        .collect();
    programs.sort();
    let mut targets: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    if cfg!(not(feature = "broker")) {
        targets.push("request_any".to_owned());
        targets.sort();
    }
    assert_eq!(programs, targets);
}

/// How many places of a sample are mangled.
const PLACES: usize = 60;

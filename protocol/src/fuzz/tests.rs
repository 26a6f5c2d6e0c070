//! Every target over the samples, the golden vectors and what fuzzers have found, and over cheap
//! mutations of the samples; the fuzzer does the same with more patience.

use std::{collections::HashSet, fs, path::PathBuf};

use super::{
    TARGETS, Target, measure_with,
    seeds::{crowded, samples},
    vectors,
};
use crate::allocations::peak_allocation;

fn fuzz_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn program(target: &str) -> Target {
    measure_with(|work| peak_allocation(work).1);
    TARGETS.iter().find(|(name, _)| *name == target).expect("a target").1
}

#[test]
fn every_property_holds_for_samples_of_every_target() {
    let mut tried = HashSet::new();
    for (target, _, input) in samples() {
        program(target)(&input);
        tried.insert(target);
    }
    assert!(TARGETS.iter().all(|(name, _)| tried.contains(name)));
}

#[test]
fn every_property_holds_for_messages_that_are_full() {
    for (target, name, input) in crowded() {
        assert!((63_000..65_536).contains(&input.len()), "{name}: {} bytes", input.len());
        program(target)(&input);
    }
}

#[test]
fn every_property_holds_for_what_java_wrote() {
    let inputs = vectors::inputs();
    assert!(inputs.len() > 1000, "{}", inputs.len());
    for (target, _, input) in inputs {
        program(target)(&input);
    }
}

#[test]
fn every_property_holds_for_what_fuzzers_have_found() {
    for entry in fs::read_dir(fuzz_folder().join("corpus")).unwrap() {
        let folder = entry.unwrap().path();
        let target = folder.file_name().unwrap().to_str().unwrap();
        if !TARGETS.iter().any(|(name, _)| *name == target) {
            continue;
        }
        for entry in fs::read_dir(&folder).unwrap() {
            program(target)(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn every_property_holds_for_truncated_and_mangled_samples() {
    for (target, _, input) in samples() {
        let run = program(target);
        run(&[]);
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

#[test]
fn every_target_has_a_program() {
    let entries = fs::read_dir(fuzz_folder().join("fuzz_targets")).unwrap();
    let mut programs: Vec<_> = entries
        .map(|entry| entry.unwrap())
        // The other crates' programs say which crate they are of.
        .filter(|entry| !fs::read_to_string(entry.path()).unwrap().contains("(kavka_"))
        .map(|entry| entry.file_name().into_string().unwrap().replace(".rs", ""))
        .collect();
    programs.sort();
    assert!(TARGETS.iter().map(|(name, _)| *name).eq(&programs), "{programs:?}");
}

/// How many places of a sample are mangled.
const PLACES: usize = 60;

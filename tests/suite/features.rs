//! The client's table of features: whoever reads `yes` finds the test that shows it.

use std::fs;

use kavka_tests::trial;
use libtest_mimic::Trial;

use crate::architecture::{root, sources};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::plain("features::every_yes_has_a_test", every_yes_has_a_test),
        trial::plain("features::every_test_that_is_named_exists", every_test_that_is_named_exists),
    ]
}

fn every_yes_has_a_test() {
    assert!(rows().count() > 60);
    for [feature, here, tests] in rows() {
        let is_there = here.starts_with("yes") || here.starts_with("partly: ");
        assert!(is_there || here.starts_with("not "), "{feature}: {here}");
        assert!(!is_there || names(tests).next().is_some(), "{feature} has no test");
    }
}

fn every_test_that_is_named_exists() {
    let folders = ["broker", "client", "protocol", "tests"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| sources(folder));
    let code = files.map(|file| fs::read_to_string(file).expect("a source")).collect::<String>();
    for [feature, _, tests] in rows() {
        for name in names(tests) {
            let is_there = exists(&code, name);
            assert!(is_there, "{feature}: there is no test {name}");
        }
    }
    let nobodys = ["a_test", "that_nobody_wrote"].join("_");
    assert!(!exists(&code, &nobodys));
}

/// Whether there is a function of this name, or a test of the suite that is called by it.
fn exists(code: &str, name: &str) -> bool {
    let ways = [format!("fn {name}("), format!("\"{name}\""), format!("::{name}\"")];
    ways.iter().any(|way| code.contains(way.as_str()))
}

/// The cells of the tables' rows.
fn rows() -> impl Iterator<Item = [&'static str; 3]> {
    let lines = include_str!("../../client/FEATURES.md").lines();
    let rows = lines.filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let cells = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("three cells: {row}"))
    });
    cells.filter(|[_, here, _]: &[&str; 3]| *here != "here")
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

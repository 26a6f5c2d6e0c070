//! The README's examples really run.

#[expect(unreachable_pub, reason = "readers of the README would write it in a library")]
mod example;

use kavka_tests::{embedded, sql, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::plain(
            "readme::the_rust_example_is_the_one_that_runs_here",
            the_rust_example_is_the_one_that_runs_here,
        ),
        trial::conversation("readme::the_rust_example_runs", the_rust_example_runs),
        trial::conversation("readme::the_sql_example_runs", the_sql_example_runs),
    ]
}

fn the_rust_example_is_the_one_that_runs_here() {
    assert_eq!(block("rust").trim(), include_str!("readme/example.rs").trim());
}

async fn the_rust_example_runs() {
    let broker = embedded::broker().await;
    let read =
        example::write_and_read(&broker.bootstrap_servers()).await.expect("the example runs");
    assert_eq!(read, ["hello"]);
}

async fn the_sql_example_runs() {
    let broker = embedded::broker().await;
    let session = sql::session(&broker.bootstrap_servers());
    let mut last = Vec::new();
    for statement in session.parse_script(block("sql")).expect("the script is one") {
        last = sql::rows(&session, &statement.text).await;
    }
    assert_eq!(last, [["ada", "12.50"], ["max", "7.25"]]);
}

/// The README's block of code in `language`.
fn block(language: &str) -> &'static str {
    let readme = include_str!("../../README.md");
    let (_, after) =
        readme.split_once(&format!("```{language}\n")).expect("the README has the block");
    after.split_once("```").expect("the block ends").0
}

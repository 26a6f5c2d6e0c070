//! The table of properties as Markdown, for the documentation:
//!
//! ```text
//! cargo run -p kavka-client --example properties > client/src/config/keys.md
//! ```
//!
//! With names it prints the rows of these, as the README has them.

use kavka_client::{PropertyDef, property_definitions};

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |definition: &&PropertyDef| names.iter().any(|name| name == definition.name());
    match names.is_empty() {
        true => print!("{INTRODUCTION}{}", table(property_definitions().iter())),
        false => print!("{}", table(property_definitions().iter().filter(is_wanted))),
    }
}

fn table<'d>(definitions: impl Iterator<Item = &'d PropertyDef>) -> String {
    let rows = definitions.map(row);
    HEADER.iter().map(|line| (*line).to_owned()).chain(rows).map(|line| line + "\n").collect()
}

fn row(definition: &PropertyDef) -> String {
    let default = match definition.default_value() {
        None | Some("") => String::new(),
        Some(default) => format!("`{default}`"),
    };
    let cells = [
        format!("`{}`", definition.name()),
        default,
        definition.kind().to_string(),
        definition.role().to_string(),
        definition.support().to_string(),
        definition.description().to_owned(),
    ];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

const HEADER: [&str; 2] =
    ["| property | default | values | read by | works | |", "|---|---|---|---|---|---|"];

const INTRODUCTION: &str = "\
# Properties

What the producer, the consumer and the admin client of Apache Kafka 4.3 can be told, with its names and defaults, and
whether it works here: *yes*; *only the default*, so that another value is refused by name; *not yet*, where a value is
checked and nothing depends on it; or *Java only*, accepted without a meaning. `kavka properties` prints the same.

";

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "cargo run -p kavka-client --example properties";

    #[test]
    fn the_documented_table_is_the_one_in_force() {
        let documented = include_str!("../src/config/keys.md");
        let (_, rows) = documented.split_once(HEADER[0]).expect("the table");
        let generated = table(property_definitions().iter());
        let same = generated.strip_prefix(HEADER[0]) == Some(rows);
        assert!(
            same,
            "client/src/config/keys.md is out of date: {COMMAND} > client/src/config/keys.md"
        );
    }

    #[test]
    fn the_readme_shows_rows_of_the_table() {
        let readme = include_str!("../../README.md");
        let rows: Vec<&str> = readme
            .lines()
            .skip_while(|line| *line != HEADER[0])
            .skip(HEADER.len())
            .take_while(|line| line.starts_with('|'))
            .collect();
        assert!(rows.len() >= 10, "the README shows the most used properties");
        let names = rows.iter().filter_map(|line| line.split('`').nth(1)).collect::<Vec<_>>();
        let shown = |definition: &&PropertyDef| names.contains(&definition.name());
        let generated = table(property_definitions().iter().filter(shown));
        let advice = format!(
            "replace the table in README.md by the output of {COMMAND} {}",
            names.join(" ")
        );
        assert_eq!(generated.lines().skip(HEADER.len()).collect::<Vec<_>>(), rows, "{advice}");
    }
}

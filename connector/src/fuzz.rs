//! What fuzz targets do with their input, and what must hold then; a property that does not hold is a panic.
//!
//! They are plain functions so that a test on the stable toolchain runs them, too. The library has them only with the
//! feature `fuzzing`.

use std::sync::LazyLock;

use arrow_array::Array;
use arrow_schema::Fields;

use crate::ddl::{TableDefinition, parse_create_table};
use crate::format::{self, DeserializationSchema, FormatOptions, FormatTarget};
use crate::schema::Columns;

/// What is done with one input.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] =
    &[("create_table", fuzz_create_table), ("json_rows", fuzz_json_rows)];

/// A statement is an error with a place, or a table whose text is read back as the same table.
pub fn fuzz_create_table(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(table) = parse_create_table(text) {
        let shown = table.to_string();
        let again: TableDefinition = parse_create_table(&shown).expect("what is shown is a table");
        assert_eq!(shown, again.to_string());
        let _ = Columns::new(&table);
    }
}

/// Messages, one to a line; the first byte chooses the options.
///
/// A message that is an error leaves no trace, each column has as many values as there are rows, and which messages are
/// skipped does not depend on the columns that are wanted.
pub fn fuzz_json_rows(input: &[u8]) {
    let Some((choice, messages)) = input.split_first() else { return };
    let options = OPTIONS[usize::from(*choice) % OPTIONS.len()];
    let mut all = decoder(options, (0..FIELDS.len()).collect());
    let mut none = decoder(options, Vec::new());
    let is_ignoring = options.iter().any(|(name, _)| *name == "ignore-parse-errors");
    for message in messages.split(|byte| *byte == b'\n') {
        let before = all.rows();
        let outcome = all.append(Some(message));
        let count = outcome.as_ref().map_or(0, |rows| rows.count);
        assert_eq!(all.rows(), before + count);
        let unseen = none.append(Some(message));
        match (&outcome, &unseen) {
            (Ok(seen), Ok(unseen)) => assert_eq!(seen, unseen),
            // What is wrong inside of a column goes unnoticed where nobody wants the column.
            (Err(_), _) => assert!(!is_ignoring),
            (Ok(_), Err(error)) => panic!("{error}"),
        }
    }
    let rows = all.rows();
    let arrays = all.finish().expect("columns");
    assert!(arrays.iter().all(|array| array.len() == rows));
    assert_eq!(all.rows(), 0);
}

fn decoder(options: &[(&str, &str)], wanted: Vec<usize>) -> Box<dyn DeserializationSchema> {
    let options = FormatOptions::new("json.", options.iter().copied());
    let target = FormatTarget { fields: FIELDS.clone(), wanted, options };
    format::format("json").and_then(|format| format.decoder(&target)).expect("a decoder")
}

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let table = parse_create_table(TABLE).expect("a table");
    Columns::new(&table).expect("columns").physical().to_vec().into()
});

const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL, name STRING, tags ARRAY<STRING>, \
    address ROW<city STRING, lines ARRAY<ROW<n INT NOT NULL>>>, counts MAP<STRING, INT>, price DECIMAL(10, 2), \
    at TIMESTAMP(3), instant TIMESTAMP_LTZ(9), day DATE, clock TIME(3), bytes BYTES, x FLOAT, y DOUBLE, \
    flag BOOLEAN, small TINYINT, gap INTERVAL YEAR TO MONTH, nothing NULL) WITH ('connector' = 'kafka')";

/// What the first byte of an input chooses from.
const OPTIONS: [&[(&str, &str)]; 4] = [
    &[],
    &[("ignore-parse-errors", "true")],
    &[("fail-on-missing-field", "true")],
    &[("timestamp-format.standard", "ISO-8601-WITH-OFFSET"), ("ignore-parse-errors", "true")],
];

/// What a fuzzer begins with: a target, a name, and an input.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let statements = STATEMENTS.iter().map(|text| ("create_table", text.as_bytes().to_vec()));
    let messages = (0..4_u8).flat_map(|choice| {
        MESSAGES.iter().map(move |text| ("json_rows", [&[choice], text.as_bytes()].concat()))
    });
    let numbered = statements.chain(messages).enumerate();
    numbered.map(|(number, (target, input))| (target, number.to_string(), input)).collect()
}

const STATEMENTS: &[&str] = &[
    TABLE,
    "CREATE TABLE IF NOT EXISTS `a`.b.`c``d` (\n id INT COMMENT 'it''s', two AS id * 2, p INT METADATA FROM 'partition' \
     VIRTUAL, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED\n) \
     COMMENT U&'\\0041' WITH ('topic' = 't', 'properties.ssl.key.password' = '${env:X}') -- end",
    "CREATE TABLE t (a ROW<b MAP<STRING, ARRAY<INT NOT NULL>>> ARRAY MULTISET, c ARRAY<ARRAY<INT>>)",
];

const MESSAGES: &[&str] = &[
    "{\"id\":1,\"name\":\"\\u00e9\\n\",\"tags\":[\"a\",null],\"address\":{\"city\":\"x\",\"lines\":[{\"n\":1}]},\
     \"counts\":{\"k\":1,\"k\":2},\"price\":12.345,\"at\":\"2020-01-02 03:04:05.678\",\
     \"instant\":\"2020-01-02T03:04:05.123456789+02:00\",\"day\":\"2020-02-29\",\"clock\":\"12:34:56.789\",\
     \"bytes\":\"aGk=\",\"x\":1.5e3,\"y\":\"NaN\",\"flag\":true,\"small\":-128,\"gap\":14,\"nothing\":{}}",
    "[{\"id\":1},{\"id\":\"2\",\"x\":[]},{\"name\":1},null]\n{\"id\":9007199254740993}\n\n{\"id\":",
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_target_has_a_program() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
        for (target, _) in TARGETS {
            let program = fs::read_to_string(programs.join(format!("{target}.rs"))).unwrap();
            assert!(program.contains(&format!("(kavka_connector, fuzz_{target})")), "{program}");
        }
    }

    #[test]
    fn every_property_holds_for_samples_cut_and_mangled() {
        for (target, _, input) in seeds() {
            let run = TARGETS.iter().find(|(name, _)| *name == target).expect("a target").1;
            run(&input);
            for at in 0..input.len() {
                run(&input[..at]);
                for flip in [0x01, 0x10, 0x80] {
                    let mut mangled = input.clone();
                    mangled[at] ^= flip;
                    run(&mangled);
                }
            }
        }
    }
}

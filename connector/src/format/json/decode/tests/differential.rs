//! The same messages through another decoder, where both mean the same.

use arrow_array::{Array, RecordBatch};
use arrow_json::ReaderBuilder;

use super::*;

fn fields() -> Vec<Field> {
    vec![
        nullable("a", DataType::Int64),
        nullable("b", DataType::Float64),
        nullable("c", DataType::Utf8View),
        nullable("d", DataType::Boolean),
        nullable("e", list(DataType::Int32)),
        nullable(
            "f",
            row(vec![nullable("x", DataType::Utf8View), nullable("y", DataType::Float32)]),
        ),
        nullable("g", DataType::Decimal128(20, 4)),
        nullable("h", map(nullable("value", DataType::Int16))),
    ]
}

/// A sequence of numbers that looks like chance and is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

fn message(chance: &mut Chance) -> String {
    let texts = [
        r#""""#,
        r#""plain""#,
        r#""\u00e9\n\"\\ \/""#,
        r#""\ud83d\ude00""#,
        "\"ünï and a text that is long\"",
        "null",
    ];
    let numbers = ["0", "-1", "1.5", "1e3", "-2.5E-3", "123456789.125", "null"];
    let integers =
        ["0", "-7", "123456789012345678", "9223372036854775807", "-9223372036854775808", "null"];
    let lists = ["[]", "[1]", "[1, null ,-3]", "null"];
    let maps = ["{}", r#"{"k":1}"#, r#"{"k":null,"a longer key than usual":-5}"#, "null"];
    let unknown = [r#"{"deep":[{"er":[]}]}"#, "[[],[{}]]", r#""\\""#, "1e-5", "null", "true"];
    let decimals = ["0", "1.25", "-12345.6789", "1234567890123456.7891", "null"];
    let inner = format!(r#"{{"y":{},"x":{}}}"#, chance.of(&numbers), chance.of(&texts));
    let mut parts = vec![
        format!(r#""a":{}"#, chance.of(&integers)),
        format!(r#""b" : {}"#, chance.of(&numbers)),
        format!(r#""c":{}"#, chance.of(&texts)),
        format!("\"d\":\t{}", chance.of(&["true", "false", "null"])),
        format!(r#""e":{}"#, chance.of(&lists)),
        format!(r#""f":{}"#, if chance.below(4) == 0 { "null" } else { &inner }),
        format!(r#""g":{}"#, chance.of(&decimals)),
        format!(r#""h":{}"#, chance.of(&maps)),
        format!(r#""unknown":{}"#, chance.of(&unknown)),
    ];
    for at in (1..parts.len()).rev() {
        if chance.below(2) == 0 {
            parts.swap(at, chance.below(at as u64 + 1) as usize);
        }
    }
    parts.truncate(parts.len() - chance.below(4) as usize);
    format!("{{{}}}", parts.join(chance.of(&[",", " ,\n", ", "])))
}

#[test]
fn both_decoders_read_the_same_rows() {
    let mut chance = Chance(42);
    let messages: Vec<_> = (0..5000).map(|_| message(&mut chance)).collect();
    let mut ours = decoder(fields(), &[]);
    let schema = Arc::new(Schema::new(fields()));
    let mut theirs =
        ReaderBuilder::new(schema.clone()).with_batch_size(messages.len()).build_decoder().unwrap();
    for message in &messages {
        assert_eq!(append(&mut *ours, message), Ok(1), "{message}");
        theirs.decode(message.as_bytes()).unwrap();
    }
    let ours = RecordBatch::try_new(schema, ours.finish().unwrap()).unwrap();
    let theirs = theirs.flush().unwrap().unwrap();
    for (at, message) in messages.iter().enumerate() {
        for (left, right) in ours.columns().iter().zip(theirs.columns()) {
            assert_eq!(&left.slice(at, 1), &right.slice(at, 1), "{message}");
        }
    }
}

#[test]
fn what_is_written_is_read_by_both() {
    let mut chance = Chance(7);
    let mut ours = decoder(fields(), &[]);
    (0..1000).for_each(|_| assert_eq!(append(&mut *ours, &message(&mut chance)), Ok(1)));
    let schema = Arc::new(Schema::new(fields()));
    let batch = RecordBatch::try_new(schema.clone(), ours.finish().unwrap()).unwrap();
    let target = FormatTarget::new(fields(), FormatOptions::default());
    let mut encoder = crate::format::json::Json.encoder(&target).unwrap();
    encoder.encode(&batch).unwrap();
    let mut theirs = ReaderBuilder::new(schema).with_batch_size(1000).build_decoder().unwrap();
    for row in 0..batch.num_rows() {
        let message = encoder.row(row).unwrap();
        theirs.decode(message).unwrap();
        ours.append(Some(message)).unwrap();
    }
    let theirs = theirs.flush().unwrap().unwrap();
    for ((column, ours), theirs) in
        batch.columns().iter().zip(ours.finish().unwrap()).zip(theirs.columns())
    {
        assert_eq!((column, column), (&ours, theirs));
    }
}

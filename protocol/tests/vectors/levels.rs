//! What lz4 makes of the text in `java/Lz4Vectors.java` at each level.

use std::fmt::Write;

use kavka_protocol::{Compression, Compressor};

use crate::file::table;

#[test]
fn no_level_of_lz4_makes_more_than_javas_by_a_fiftieth() {
    let text = text();
    let mut rows = table("lz4-levels.tsv").into_iter();
    assert_eq!(rows.next().unwrap(), ["text", &crc32c::crc32c(text.as_bytes()).to_string()]);
    let mut compressor = Compressor::new();
    let mut levels = Compression::Lz4.levels().unwrap();
    for row in rows {
        let (level, java): (i32, usize) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        assert_eq!(levels.next(), Some(level));
        let ours = compressor.compress(Compression::Lz4, Some(level), text.as_bytes()).unwrap();
        assert!(ours.len() <= java + java / 50, "level {level}: {} and {java} bytes", ours.len());
    }
    assert_eq!(levels.next(), None);
}

fn text() -> String {
    let mut state = 1;
    let mut text = String::new();
    while text.len() < SIZE {
        let (id, user) = (number(&mut state) % (1 << 32), number(&mut state) % 50_000);
        write!(text, r#"{{"id":{id},"user":"u{user}","note":""#).unwrap();
        for _ in 0..8 {
            let word = number(&mut state) % WORDS.len() as u64;
            write!(text, "{} ", WORDS[word as usize]).unwrap();
        }
        text.push_str("\"}");
    }
    text.truncate(SIZE);
    text
}

/// The next number of SplitMix64.
fn number(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

const SIZE: usize = 200_000;
const WORDS: [&str; 16] = [
    "about", "account", "basket", "billing", "carrier", "courier", "customer", "delayed",
    "discount", "express", "invoice", "order", "package", "payment", "refund", "voucher",
];

//! The committed files.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Value;

/// The JSON values of a file that has one in each line.
pub(crate) fn json_lines(name: &str) -> Vec<Value> {
    let text = text(name);
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The fields of a file that separates them by tabs.
pub(crate) fn table(name: &str) -> Vec<Vec<String>> {
    let text = text(name);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Bytes in base64; null is `None`.
pub(crate) fn bytes(value: &Value) -> Option<Bytes> {
    let text = value.as_str()?;
    Some(BASE64_STANDARD.decode(text).expect("base64").into())
}

/// Bytes in hexadecimal.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! What the Java client wrote, as inputs of the targets.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::seeds::Seed;
use crate::{ApiKey, SPOKEN};

pub(super) fn inputs() -> Vec<Seed> {
    let mut inputs: Vec<_> = lines(MESSAGES).filter_map(|line| message(&line)).collect();
    inputs.extend(lines(CONSUMER_PROTOCOL).map(|line| consumer_protocol(&line)));
    for (format, file) in RECORDS.iter().enumerate() {
        for (line, vector) in lines(file).enumerate() {
            for (codec, encoding) in vector["encodings"].as_object().unwrap() {
                let name = format!("v{format}-{line}-{codec}");
                log(&name, codec, &bytes(&encoding["bytes"]), &mut inputs);
            }
        }
    }
    inputs
}

fn lines(file: &str) -> impl Iterator<Item = Value> {
    file.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn message(vector: &Value) -> Option<Seed> {
    let text = |field: &str| vector[field].as_str().unwrap();
    let named = |(api, _): &&(ApiKey, _)| format!("{api:?}") == text("api");
    let (api, versions) = SPOKEN.iter().find(named)?;
    let version = i16::try_from(vector["version"].as_i64()?).ok()?;
    let place = SPOKEN.iter().position(|(key, _)| key == api)?;
    let mut input = vec![u8::try_from(place).ok()?, u8::try_from(version - versions.min).ok()?];
    let is_request = text("kind") == "Request";
    if !is_request {
        input.extend(bytes(&vector["header"]));
    }
    input.extend(bytes(&vector["body"]));
    let target = if is_request { "request_any" } else { "response_any" };
    Some((target, format!("{}-v{version}-{}", text("api"), text("shape")).to_lowercase(), input))
}

fn consumer_protocol(vector: &Value) -> Seed {
    let [kind, shape] = ["kind", "shape"].map(|field| vector[field].as_str().unwrap());
    let name = format!("{kind}-v{}-{shape}-{}", vector["version"], vector["unknown"]);
    ("consumer_protocol", name.to_lowercase(), bytes(&vector["bytes"]))
}

fn log(name: &str, codec: &str, bytes: &[u8], inputs: &mut Vec<Seed>) {
    for target in ["batch_header_walk", "record_batch_crc"] {
        inputs.push((target, name.to_owned(), bytes.to_vec()));
    }
    if codec == "none" && !name.starts_with("v2") {
        for flags in [0, 1, 3, 11] {
            let input = [&[flags, 1][..], bytes].concat();
            inputs.push(("legacy_message_set", format!("{name}-{flags}"), input));
        }
    }
    // Of format 2 also the records of the first batch by themselves.
    let Some((header, stored)) = bytes.split_at_checked(61).filter(|_| name.starts_with("v2"))
    else {
        return;
    };
    let length = usize::try_from(i32::from_be_bytes(header[8..12].try_into().unwrap())).unwrap();
    let stored = &stored[..length - 49];
    let (target, skipped) = match codec {
        "gzip" => ("gzip", 0),
        "snappy" => ("snappy_xerial", 16),
        "lz4" => ("lz4", 0),
        "zstd" => ("zstd", 0),
        _ => {
            let input = [&[header[60], header[59], 0, 0, 0, 0, 0, 0][..], stored].concat();
            inputs.push(("record_body", name.to_owned(), input));
            return;
        }
    };
    if let Some(stored) = stored.get(skipped..) {
        inputs.push((target, name.to_owned(), stored.to_vec()));
    }
}

const MESSAGES: &str = include_str!("../../vectors/messages.jsonl");
const CONSUMER_PROTOCOL: &str = include_str!("../../vectors/consumer-protocol.jsonl");
const RECORDS: [&str; 3] = [
    include_str!("../../vectors/records-v0.jsonl"),
    include_str!("../../vectors/records-v1.jsonl"),
    include_str!("../../vectors/records-v2.jsonl"),
];

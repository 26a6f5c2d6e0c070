//! Subscriptions and assignments. Nothing but their rules covers them: what a changed byte makes of one may be another
//! one, but then one that can be written and read again.

use bytes::Bytes;

use super::{MASKS, SMALL, WALK_RATIO, changed, places};
use crate::{
    allocations::peak_allocation,
    consumer_protocol::{Message, Vector, known},
};

#[test]
fn those_cut_short_are_errors() {
    for vector in Vector::read() {
        let fields = vector.bytes.len() - vector.unknown;
        let whole = Message::decode(&vector.kind, vector.bytes.clone());
        for length in 0..vector.bytes.len() {
            let cut = Message::decode(&vector.kind, vector.bytes.slice(..length));
            // What is not known is not missed.
            match length < fields {
                true => assert!(cut.is_err(), "{vector} cut to {length}: {cut:?}"),
                false => assert_eq!(cut, whole, "{vector} cut to {length}"),
            }
        }
    }
}

#[test]
fn changed_ones_are_errors_or_others() {
    for vector in Vector::read() {
        for place in places(vector.bytes.len()) {
            for mask in MASKS {
                let context = format!("{vector} with byte {place} ^ {mask:#04x}");
                check(&vector.kind, changed(&vector.bytes, place, mask).into(), &context);
            }
        }
    }
}

fn check(kind: &str, bytes: Bytes, context: &str) {
    let version = bytes.first_chunk().copied().map(i16::from_be_bytes);
    let allowed = SMALL + WALK_RATIO * bytes.len();
    let (read, peak) = peak_allocation(|| Message::decode(kind, bytes));
    assert!(peak <= allowed, "{context}: {peak} bytes");
    let (Ok(message), Some(version)) = (read, version) else { return };
    let written = message.encode(known(version)).expect("what was read can be written");
    let again = Message::decode(kind, written.clone()).expect("what was written can be read");
    // Read once it has the order that it is written in.
    assert_eq!(again.encode(known(version)), Ok(written), "{context}");
}

//! The same vectors cut short and with bytes changed: an error or what was written, never a panic, and
//! never more memory than the bytes can be worth.

mod batches;
mod consumer_protocol;
mod messages;

/// Every place in something small, some 30 in what is larger.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(if length > LARGE { length / 30 } else { 1 })
}

fn changed(bytes: &[u8], place: usize, mask: u8) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[place] ^= mask;
    changed
}

/// The lowest bit, the sign, and all.
const MASKS: [u8; 3] = [0x01, 0x80, 0xff];
/// Vectors up to this size are damaged at every byte.
const LARGE: usize = 2000;
/// What is not worth counting.
const SMALL: usize = 64 << 10;
/// What codecs of our own may make of a byte.
const WALK_RATIO: usize = 16;

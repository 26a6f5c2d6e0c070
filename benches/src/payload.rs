//! Values that look like events and compress like them.

use std::fmt::Write;

use fastrand::Rng;

/// Makes values of one size. The same sizes in the same order give the same bytes.
pub(crate) struct Payloads {
    random: Rng,
    size: usize,
    next: String,
}

impl Payloads {
    pub(crate) fn new(size: usize) -> Self {
        Self { random: Rng::with_seed(SEED), size, next: String::new() }
    }

    /// The next value: JSON, cut off at the size.
    pub(crate) fn next(&mut self) -> &[u8] {
        self.next.clear();
        while self.next.len() < self.size {
            let (id, amount) = (self.random.u32(..), self.random.u32(..100_000));
            let user = self.random.u32(..50_000);
            let _ =
                write!(self.next, r#"{{"id":{id},"user":"u{user:05}","amount":{amount},"note":""#);
            for _ in 0..WORDS_PER_NOTE {
                self.next.push_str(WORDS[self.random.usize(..WORDS.len())]);
                self.next.push(' ');
            }
            self.next.push_str("\"}");
        }
        &self.next.as_bytes()[..self.size]
    }
}

/// Anything, but always the same.
const SEED: u64 = 4;
const WORDS_PER_NOTE: usize = 8;
const WORDS: [&str; 32] = [
    "about", "account", "after", "basket", "before", "billing", "carrier", "courier", "customer",
    "delayed", "deliver", "discount", "express", "fragile", "gift", "invoice", "loyalty", "north",
    "order", "package", "paid", "parcel", "payment", "please", "refund", "return", "shipping",
    "south", "standard", "store", "voucher", "wrapped",
];

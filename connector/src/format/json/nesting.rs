//! Which of the open brackets are objects, one bit each.

use crate::format::json::scanner::MAX_DEPTH;

/// A stack of open objects and arrays, at most [`MAX_DEPTH`] of them.
pub(super) struct Nesting {
    depth: usize,
    objects: [u64; MAX_DEPTH.div_ceil(64)],
}

impl Default for Nesting {
    fn default() -> Self {
        Self { depth: 0, objects: [0; MAX_DEPTH.div_ceil(64)] }
    }
}

impl Nesting {
    /// An object or an array begins. The scanner has refused to go deeper than there is room.
    pub(super) fn open(&mut self, is_object: bool) {
        if let Some(word) = self.objects.get_mut(self.depth / 64) {
            let bit = 1 << (self.depth % 64);
            *word = if is_object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
    }

    /// The innermost one ends; says how.
    pub(super) fn close(&mut self) -> &'static [u8] {
        let closing: &[u8] = if self.is_object() { b"}" } else { b"]" };
        self.depth -= 1;
        closing
    }

    pub(super) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Whether the innermost one is an object.
    pub(super) fn is_object(&self) -> bool {
        let innermost = self.depth.wrapping_sub(1);
        self.objects.get(innermost / 64).is_some_and(|word| word >> (innermost % 64) & 1 == 1)
    }

    /// What ends the innermost one.
    pub(super) fn closing(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}

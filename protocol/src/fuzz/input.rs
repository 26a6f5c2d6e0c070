//! Reads choices off the bytes of a fuzzer; where they end, every choice is zero.

/// The rest of the bytes.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.bytes(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// Fewer than `length` where there are no more.
    pub(super) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes of a length that is read first, or null.
    pub(super) fn nullable_bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.byte()).checked_sub(1)?;
        Some(self.bytes(length))
    }
}

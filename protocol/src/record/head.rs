//! The numbers in front of a record's key and value, read out of one piece of memory: it is long enough for all of them,
//! so that nothing has to be checked between one and the next.

use crate::varint::take_long_form;

/// Reads numbers off the front of `SIZE` bytes, which is a power of two.
///
/// What does not fit, or is not there, is `None` and left to the reader that knows how to name faults.
pub(super) struct Head<'b, const SIZE: usize> {
    bytes: &'b [u8; SIZE],
    at: usize,
}

impl<'b, const SIZE: usize> Head<'b, SIZE> {
    #[inline]
    pub(super) fn new(bytes: &'b [u8]) -> Option<Self> {
        bytes.first_chunk().map(|bytes| Self { bytes, at: 0 })
    }

    /// How many bytes have been read.
    #[inline]
    pub(super) const fn size(&self) -> usize {
        self.at
    }

    /// Passes over one byte.
    #[inline]
    pub(super) const fn skip_byte(&mut self) {
        self.at += 1;
    }

    /// The next number of 64 bits, still zig-zag coded.
    #[inline]
    pub(super) fn number64(&mut self) -> Option<u64> {
        self.number(u64::BITS)
    }

    /// The next number of 32 bits, still zig-zag coded.
    #[inline]
    pub(super) fn number32(&mut self) -> Option<u32> {
        u32::try_from(self.number(u32::BITS)?).ok()
    }

    #[inline]
    fn number(&mut self, bits: u32) -> Option<u64> {
        let low = self.byte();
        if low < CONTINUES {
            return Some(low);
        }
        let high = self.byte();
        if high < CONTINUES {
            return Some(low & PAYLOAD | high << 7);
        }
        let (number, at) = long_number(self.bytes, self.at - 2, bits)?;
        self.at = at;
        Some(number)
    }

    /// The length of bytes that follow; the outer `None` is for lengths below -1, the inner for null.
    #[inline]
    pub(super) fn length(&mut self) -> Option<Option<usize>> {
        match self.number32()? {
            NULL => Some(None),
            number if number & 1 == 0 => Some(Some((number >> 1) as usize)),
            _ => None,
        }
    }

    #[inline]
    fn byte(&mut self) -> u64 {
        // The piece is longer than the numbers that are read from it; the remainder spares a check of that.
        let byte = self.bytes.get(self.at % SIZE).copied().unwrap_or_default();
        self.at += 1;
        byte.into()
    }
}

/// A number of three bytes or more, and where it ends.
#[inline(never)]
fn long_number(bytes: &[u8], at: usize, bits: u32) -> Option<(u64, usize)> {
    let mut rest = bytes.get(at..)?;
    let number = take_long_form(&mut rest, bits, "number").ok()?;
    Some((number, bytes.len() - rest.len()))
}

/// Set in every byte of a number but the last.
const CONTINUES: u64 = 0x80;
/// The bits of a byte that belong to the number.
const PAYLOAD: u64 = 0x7f;
/// The length -1, zig-zag coded.
const NULL: u32 = 1;

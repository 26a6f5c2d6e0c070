//! The numbers in front of a record's key and value, read out of a register: there are enough bytes for all of them, so
//! that nothing has to be checked between one and the next.

use crate::varint::take_long_form;

/// Reads numbers off the front of a piece of memory that is longer than they are.
///
/// What does not fit, or is not there, is `None` and left to the reader that knows how to name faults.
pub(super) struct Head<'b> {
    bytes: &'b [u8; SIZE],
    at: usize,
    /// The bytes from there on, the first one lowest; after four numbers in a row it may be used up.
    word: u64,
}

impl<'b> Head<'b> {
    #[inline]
    pub(super) fn new(bytes: &'b [u8]) -> Option<Self> {
        let bytes = bytes.first_chunk()?;
        Some(Self { bytes, at: 0, word: word_at(bytes, 0)? })
    }

    /// How many bytes have been read.
    #[inline]
    pub(super) const fn size(&self) -> usize {
        self.at
    }

    /// Makes sure that there are bytes for four numbers more.
    #[inline]
    pub(super) fn refill(&mut self) -> Option<()> {
        self.word = word_at(self.bytes, self.at)?;
        Some(())
    }

    /// Passes over one byte.
    #[inline]
    pub(super) const fn skip_byte(&mut self) {
        self.pass(1);
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
        let word = self.word;
        if word & CONTINUES == 0 {
            self.pass(1);
            return Some(word & PAYLOAD);
        }
        if word & CONTINUES << 8 == 0 {
            self.pass(2);
            return Some(word & PAYLOAD | word >> 1 & PAYLOAD << 7);
        }
        let number;
        (number, self.at) = long_number(self.bytes, self.at, bits)?;
        self.refill()?;
        Some(number)
    }

    /// The length of bytes that follow; the outer `None` is for lengths below -1, the inner for null.
    #[inline]
    pub(super) fn length(&mut self) -> Option<Option<usize>> {
        length(self.number32()?)
    }

    #[inline]
    const fn pass(&mut self, bytes: usize) {
        self.at += bytes;
        self.word >>= 8 * bytes;
    }
}

/// The length at the front of `bytes`, and what follows it; the outer `None` is for what is no length.
#[inline]
pub(super) fn take_length(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (number, rest) = match *bytes {
        [low, ref rest @ ..] if low < 0x80 => (u32::from(low), rest),
        [low, high, ref rest @ ..] if high < 0x80 => {
            (u32::from(low & 0x7f) | u32::from(high) << 7, rest)
        }
        _ => take_long_number(bytes)?,
    };
    Some((length(number)?, rest))
}

#[inline(never)]
fn take_long_number(mut bytes: &[u8]) -> Option<(u32, &[u8])> {
    let number = take_long_form(&mut bytes, u32::BITS, "number").ok()?;
    Some((u32::try_from(number).ok()?, bytes))
}

#[inline]
const fn length(number: u32) -> Option<Option<usize>> {
    match number {
        NULL => Some(None),
        number if number & 1 == 0 => Some(Some((number >> 1) as usize)),
        _ => None,
    }
}

#[inline]
fn word_at(bytes: &[u8; SIZE], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// A number of three bytes or more, and where it ends.
#[inline(never)]
fn long_number(bytes: &[u8], at: usize, bits: u32) -> Option<(u64, usize)> {
    let mut rest = bytes.get(at..)?;
    let number = take_long_form(&mut rest, bits, "number").ok()?;
    Some((number, bytes.len() - rest.len()))
}

/// More than the numbers before a key take in nearly all records; those of the others are left to the careful reader.
const SIZE: usize = 32;
/// Set in every byte of a number but the last.
const CONTINUES: u64 = 0x80;
/// The bits of a byte that belong to the number.
const PAYLOAD: u64 = 0x7f;
/// The length -1, zig-zag coded.
const NULL: u32 = 1;

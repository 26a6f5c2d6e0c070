//! Variable-length integers: zig-zag coded in records, unsigned in flexible messages.
//!
//! Reading takes the bytes off the front of a slice. One and two bytes, which nearly all lengths
//! and deltas have, are read without a loop.

use bytes::{BufMut, BytesMut};

use crate::error::DecodeError;

/// Takes a zig-zag coded 32-bit number off the front of `input`.
#[inline]
pub fn take_varint(input: &mut &[u8], field: &'static str) -> Result<i32, DecodeError> {
    take_unsigned_varint(input, field).map(unzigzag32)
}

/// Takes a zig-zag coded 64-bit number off the front of `input`.
#[inline]
pub fn take_varlong(input: &mut &[u8], field: &'static str) -> Result<i64, DecodeError> {
    match **input {
        [a, ref rest @ ..] if a < CONTINUES => {
            *input = rest;
            Ok(unzigzag64(u64::from(a)))
        }
        [a, b, ref rest @ ..] if b < CONTINUES => {
            *input = rest;
            Ok(unzigzag64(u64::from(a & PAYLOAD) | u64::from(b) << 7))
        }
        _ => take_long_form(input, 64, field).map(unzigzag64),
    }
}

/// Takes an unsigned 32-bit number off the front of `input`.
#[inline]
pub fn take_unsigned_varint(input: &mut &[u8], field: &'static str) -> Result<u32, DecodeError> {
    match **input {
        [a, ref rest @ ..] if a < CONTINUES => {
            *input = rest;
            Ok(u32::from(a))
        }
        [a, b, ref rest @ ..] if b < CONTINUES => {
            *input = rest;
            Ok(u32::from(a & PAYLOAD) | u32::from(b) << 7)
        }
        _ => {
            let number = take_long_form(input, 32, field)?;
            u32::try_from(number).map_err(|_| DecodeError::Varint { field })
        }
    }
}

/// Appends `number` zig-zag coded.
#[inline]
pub fn put_varint(output: &mut impl BufMut, number: i32) {
    put_unsigned_varlong(output, u64::from(zigzag32(number)));
}

/// Appends `number` zig-zag coded.
#[inline]
pub fn put_varlong(output: &mut impl BufMut, number: i64) {
    put_unsigned_varlong(output, zigzag64(number));
}

/// Appends `number` without a sign.
#[inline]
pub fn put_unsigned_varint(output: &mut impl BufMut, number: u32) {
    put_unsigned_varlong(output, u64::from(number));
}

/// Zig-zag coded numbers on their way to the end of a buffer, eight bytes at a time.
///
/// They are put together in a register: bytes written one by one and read again as a word make the
/// processor wait.
pub(crate) struct Numbers<'b> {
    output: &'b mut BytesMut,
    word: u64,
    /// How many bytes of the word are in use.
    size: usize,
}

impl<'b> Numbers<'b> {
    /// None yet.
    #[inline]
    pub(crate) const fn new(output: &'b mut BytesMut) -> Self {
        Self { output, word: 0, size: 0 }
    }

    /// Adds a number of at most 32 bits.
    #[inline]
    pub(crate) fn put_varint(&mut self, number: i32) {
        self.put(zigzag32(number).into());
    }

    /// Adds a number of at most 64 bits.
    #[inline]
    pub(crate) fn put_varlong(&mut self, number: i64) {
        self.put(zigzag64(number));
    }

    /// Appends what has not been appended yet and gives the buffer back.
    #[inline]
    pub(crate) fn finish(mut self) -> &'b mut BytesMut {
        self.flush();
        self.output
    }

    // A call costs as much as the number; nearly all have one byte or two.
    #[inline(always)]
    fn put(&mut self, number: u64) {
        let (low, high) = (number & u64::from(PAYLOAD), number >> 7);
        if high == 0 {
            self.push(low, 1);
        } else if high < u64::from(CONTINUES) {
            self.push(low | u64::from(CONTINUES) | high << 8, 2);
        } else {
            self.put_long(number);
        }
    }

    #[cold]
    fn put_long(&mut self, mut number: u64) {
        while number >= u64::from(CONTINUES) {
            self.push(number & u64::from(PAYLOAD) | u64::from(CONTINUES), 1);
            number >>= 7;
        }
        self.push(number, 1);
    }

    #[inline(always)]
    fn push(&mut self, bytes: u64, size: usize) {
        if self.size + size > WORD_SIZE {
            self.flush();
        }
        self.word |= bytes << (8 * self.size);
        self.size += size;
    }

    #[inline]
    fn flush(&mut self) {
        let end = self.output.len() + self.size;
        // A copy of a size that the compiler knows is one instruction; any other is a call.
        self.output.extend_from_slice(&self.word.to_le_bytes());
        self.output.truncate(end);
        (self.word, self.size) = (0, 0);
    }
}

/// How many bytes [`put_varint`] writes for `number`.
#[inline]
pub const fn varint_size(number: i32) -> usize {
    unsigned_varint_size(zigzag32(number))
}

/// How many bytes [`put_varlong`] writes for `number`.
#[inline]
pub const fn varlong_size(number: i64) -> usize {
    groups_of_seven(u64::BITS - zigzag64(number).leading_zeros())
}

/// How many bytes [`put_unsigned_varint`] writes for `number`.
#[inline]
pub const fn unsigned_varint_size(number: u32) -> usize {
    groups_of_seven(u32::BITS - number.leading_zeros())
}

/// Takes a number of at most `bits` bits off the front of `input`, in whatever number of bytes.
#[cold]
pub(crate) fn take_long_form(
    input: &mut &[u8],
    bits: u32,
    field: &'static str,
) -> Result<u64, DecodeError> {
    let mut number = 0u64;
    let mut shift = 0;
    let mut bytes = input.iter();
    while let Some(&byte) = bytes.next() {
        let group = u64::from(byte & PAYLOAD);
        if shift >= bits || group << shift >> shift != group {
            return Err(DecodeError::Varint { field });
        }
        number |= group << shift;
        if byte < CONTINUES {
            *input = bytes.as_slice();
            return Ok(number);
        }
        shift += 7;
    }
    Err(DecodeError::Truncated { field, needed: input.len() + 1, remaining: input.len() })
}

#[inline]
fn put_unsigned_varlong(output: &mut impl BufMut, mut number: u64) {
    while number >= u64::from(CONTINUES) {
        output.put_u8(number.to_le_bytes()[0] | CONTINUES);
        number >>= 7;
    }
    output.put_u8(number.to_le_bytes()[0]);
}

#[inline]
const fn zigzag32(number: i32) -> u32 {
    ((number << 1) ^ (number >> 31)).cast_unsigned()
}

#[inline]
pub(crate) const fn unzigzag32(number: u32) -> i32 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[inline]
const fn zigzag64(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

#[inline]
pub(crate) const fn unzigzag64(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

const fn groups_of_seven(bits: u32) -> usize {
    // The division by seven, rounded up, for up to 64 bits; zero takes one byte although it has no significant bit.
    ((bits * 9 + 64) / 64) as usize
}

const WORD_SIZE: usize = 8;
/// Set in every byte of a number but the last.
const CONTINUES: u8 = 0x80;
/// The bits of a byte that belong to the number.
const PAYLOAD: u8 = 0x7f;

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [i64; 17] = [
        0,
        1,
        -1,
        63,
        -64,
        64,
        -65,
        8191,
        -8192,
        8192,
        1 << 20,
        i32::MAX as i64,
        i32::MIN as i64,
        1 << 40,
        -(1 << 40),
        i64::MAX,
        i64::MIN,
    ];

    #[test]
    fn numbers_survive_the_round_trip_in_the_size_announced() {
        for number in NUMBERS {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, number);
            assert_eq!(bytes.len(), varlong_size(number), "{number}");
            bytes.push(0xaa);
            let mut input = bytes.as_slice();
            assert_eq!(take_varlong(&mut input, "n"), Ok(number));
            assert_eq!(input, [0xaa]);
        }
    }

    #[test]
    fn short_numbers_survive_the_round_trip_in_the_size_announced() {
        for number in NUMBERS.into_iter().filter_map(|number| i32::try_from(number).ok()) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            assert_eq!(bytes.len(), varint_size(number), "{number}");
            assert_eq!(take_varint(&mut bytes.as_slice(), "n"), Ok(number));
        }
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let mut bytes = Vec::new();
            put_unsigned_varint(&mut bytes, number);
            assert_eq!(bytes.len(), unsigned_varint_size(number), "{number}");
            assert_eq!(take_unsigned_varint(&mut bytes.as_slice(), "n"), Ok(number));
        }
    }

    #[test]
    fn numbers_gathered_have_the_bytes_of_numbers_put_one_by_one() {
        let (mut gathered, mut expected) = (BytesMut::from(&b"before"[..]), b"before".to_vec());
        let mut numbers = super::Numbers::new(&mut gathered);
        for number in NUMBERS.into_iter().chain(NUMBERS.into_iter().rev()) {
            numbers.put_varlong(number);
            put_varlong(&mut expected, number);
            if let Ok(number) = i32::try_from(number) {
                numbers.put_varint(number);
                put_varint(&mut expected, number);
            }
        }
        numbers.finish().extend_from_slice(b"after");
        expected.extend_from_slice(b"after");
        assert_eq!(gathered, expected);
    }

    #[test]
    fn known_numbers_have_kafkas_bytes() {
        for (number, expected) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (8191, &[0xfe, 0x7f]),
            (8192, &[0x80, 0x80, 0x01]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            assert_eq!(bytes, expected, "{number}");
        }
    }

    #[test]
    fn a_number_that_does_not_end_is_truncated() {
        for bytes in [&[][..], &[0x80], &[0xff, 0xff], &[0xff; 4]] {
            let error = take_varint(&mut &*bytes, "n");
            assert!(matches!(error, Err(DecodeError::Truncated { field: "n", .. })), "{bytes:?}");
        }
    }

    #[test]
    fn a_number_wider_than_its_type_is_refused() {
        let too_wide = Err(DecodeError::Varint { field: "n" });
        assert_eq!(take_varint(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..], "n"), too_wide);
        assert_eq!(take_varint(&mut &[0x80; 9][..], "n"), too_wide);
        let too_wide = Err(DecodeError::Varint { field: "n" });
        let mut bytes = [0xff; 10];
        bytes[9] = 0x02;
        assert_eq!(take_varlong(&mut &bytes[..], "n"), too_wide);
        assert_eq!(take_varlong(&mut &[0x80; 11][..], "n"), too_wide);
    }
}

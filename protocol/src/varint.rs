//! Variable-length integers: zig-zag coded in records, unsigned in flexible messages.
//!
//! Reading takes the bytes off the front of a slice. One and two bytes, which nearly all lengths
//! and deltas have, are read without a loop.

use bytes::BufMut;

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

#[cold]
fn take_long_form(input: &mut &[u8], bits: u32, field: &'static str) -> Result<u64, DecodeError> {
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
const fn unzigzag32(number: u32) -> i32 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[inline]
const fn zigzag64(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

#[inline]
const fn unzigzag64(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

const fn groups_of_seven(bits: u32) -> usize {
    // Zero takes one byte although it has no significant bit.
    if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

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

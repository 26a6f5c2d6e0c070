//! A bounded reader over received bytes: every read names its field, and nothing reads past the end.

use crate::{
    error::DecodeError,
    varint::{take_unsigned_varint, take_varint, take_varlong},
};

/// Reads big-endian fields off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// A reader that starts at the first of `bytes`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let remaining = self.rest.len();
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| truncated(field, length, remaining))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let remaining = self.rest.len();
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| truncated(field, N, remaining))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte with a sign.
    #[inline]
    pub fn i8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        self.array(field).map(i8::from_be_bytes)
    }

    /// Two bytes with a sign.
    #[inline]
    pub fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.array(field).map(i16::from_be_bytes)
    }

    /// Four bytes with a sign.
    #[inline]
    pub fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_be_bytes)
    }

    /// Four bytes without a sign.
    #[inline]
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Eight bytes with a sign.
    #[inline]
    pub fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A zig-zag coded number of at most 32 bits.
    #[inline]
    pub fn varint(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        take_varint(&mut self.rest, field)
    }

    /// A zig-zag coded number of at most 64 bits.
    #[inline]
    pub fn varlong(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        take_varlong(&mut self.rest, field)
    }

    /// An unsigned variable-length number of at most 32 bits.
    #[inline]
    pub fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        take_unsigned_varint(&mut self.rest, field)
    }

    /// The bytes of a field whose length is a zig-zag number before it; `-1` is null.
    #[inline]
    pub fn varint_bytes(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, DecodeError> {
        let length = self.varint(field)?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(length) else {
            let limit = self.rest.len();
            return Err(DecodeError::Length { field, length: length.into(), minimum: 0, limit });
        };
        self.take(length, field).map(Some)
    }

    /// Ends the reading: bytes left over are an error.
    #[inline]
    pub const fn finish(self, field: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing { field, bytes: self.rest.len() })
    }

    /// What has not been read yet.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have not been read yet.
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Made only where it is needed: errors can hold others, and even one that is not used is dropped.
#[cold]
const fn truncated(field: &'static str, needed: usize, remaining: usize) -> DecodeError {
    DecodeError::Truncated { field, needed, remaining }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_names_its_field_and_takes_nothing() {
        let mut cursor = Cursor::new(&[0, 0, 1]);
        let short = DecodeError::Truncated { field: "partition", needed: 4, remaining: 3 };
        assert_eq!(cursor.i32("partition"), Err(short));
        assert_eq!(cursor.remaining(), 3);
    }

    #[test]
    fn numbers_are_read_in_network_order() {
        let mut cursor = Cursor::new(&[0xff, 0xff, 0xfe, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(cursor.i8("a"), Ok(-1));
        assert_eq!(cursor.i16("b"), Ok(-2));
        assert_eq!(cursor.i32("c"), Ok(0x0000_0100));
        assert_eq!(cursor.take(1, "d"), Ok(&[2][..]));
        assert_eq!(cursor.i64("e"), Ok(3));
        assert_eq!(cursor.finish("all"), Ok(()));
    }

    #[test]
    fn a_length_before_bytes_is_checked() {
        assert_eq!(Cursor::new(&[0x01]).varint_bytes("key"), Ok(None));
        assert_eq!(Cursor::new(&[0x00]).varint_bytes("key"), Ok(Some(&[][..])));
        assert_eq!(Cursor::new(&[0x04, 7, 8, 9]).varint_bytes("key"), Ok(Some(&[7, 8][..])));
        let negative = DecodeError::Length { field: "key", length: -2, minimum: 0, limit: 0 };
        assert_eq!(Cursor::new(&[0x03]).varint_bytes("key"), Err(negative));
        let short = DecodeError::Truncated { field: "key", needed: 2, remaining: 1 };
        assert_eq!(Cursor::new(&[0x04, 7]).varint_bytes("key"), Err(short));
    }

    #[test]
    fn bytes_left_over_are_counted() {
        let left = DecodeError::Trailing { field: "record", bytes: 2 };
        assert_eq!(Cursor::new(&[0, 0]).finish("record"), Err(left));
    }
}

//! Lengths as they are on the wire, in both forms that the protocol has for them.

use crate::{cursor::Cursor, error::DecodeError};

/// The length of bytes, or the number of elements, that follow.
pub(super) fn long_length(
    cursor: &mut Cursor<'_>,
    flexible: bool,
    field: &'static str,
) -> Result<i64, DecodeError> {
    match flexible {
        true => compact_length(cursor, field),
        false => cursor.i32(field).map(i64::from),
    }
}

/// The length of a string that follows.
pub(super) fn string_length(
    cursor: &mut Cursor<'_>,
    flexible: bool,
    field: &'static str,
) -> Result<i64, DecodeError> {
    match flexible {
        true => compact_length(cursor, field),
        false => cursor.i16(field).map(i64::from),
    }
}

/// What a length as it was `declared` means: `-1` is null, other negative numbers are nonsense.
pub(super) fn checked_length(
    declared: i64,
    field: &'static str,
    limit: usize,
) -> Result<Option<usize>, DecodeError> {
    match usize::try_from(declared) {
        Ok(length) if length <= limit => Ok(Some(length)),
        Err(_) if declared == -1 => Ok(None),
        _ => Err(DecodeError::Length { field, length: declared, minimum: 0, limit }),
    }
}

/// A length that is written as one more than it is, so that null is 0.
fn compact_length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<i64, DecodeError> {
    Ok(i64::from(cursor.unsigned_varint(field)?) - 1)
}

//! Fields of hand-coded messages, in both forms the protocol has for strings, arrays and bytes:
//! lengths of fixed size in older versions, variable-length ones in flexible versions.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::length::{checked_length, long_length, string_length};
use crate::{
    cursor::Cursor,
    error::{DecodeError, EncodeError},
    limits::Limits,
    varint::put_unsigned_varint,
};

/// Reads the fields of one message; strings and bytes stay slices of it.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    bytes: Bytes,
    flexible: bool,
    string_limit: usize,
}

impl Fields {
    pub(crate) fn new(bytes: Bytes, flexible: bool, limits: &Limits) -> Self {
        Self { bytes, flexible, string_limit: limits.string_length }
    }

    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.read(|cursor| cursor.i16(field))
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.read(|cursor| cursor.i32(field))
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.read(|cursor| cursor.i64(field))
    }

    pub(crate) fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        let bytes = self.take(size_of::<Uuid>(), field)?;
        // There are that many.
        Ok(Uuid::from_slice(&bytes).unwrap_or_default())
    }

    /// A string that may not be null.
    pub(crate) fn string(&mut self, field: &'static str) -> Result<StrBytes, DecodeError> {
        self.nullable_string(field)?.ok_or(DecodeError::Null { field })
    }

    /// A string; null is `None`.
    pub(crate) fn nullable_string(
        &mut self,
        field: &'static str,
    ) -> Result<Option<StrBytes>, DecodeError> {
        let flexible = self.flexible;
        let declared = self.read(|cursor| string_length(cursor, flexible, field))?;
        let length = checked_length(declared, field, self.string_limit)?;
        let bytes = length.map(|length| self.take(length, field)).transpose()?;
        bytes
            .map(|bytes| StrBytes::from_utf8(bytes).map_err(|_| DecodeError::Utf8 { field }))
            .transpose()
    }

    /// Bytes; null is `None`.
    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<Option<Bytes>, DecodeError> {
        let length = checked_length(self.long_length(field)?, field, usize::MAX)?;
        length.map(|length| self.take(length, field)).transpose()
    }

    /// The number of elements of an array, each of at least `element` bytes; null is `None`.
    pub(crate) fn count(
        &mut self,
        field: &'static str,
        element: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let count = self.long_length(field)?;
        let limit = self.bytes.len() / element.max(1);
        match usize::try_from(count) {
            Ok(count) if count <= limit => Ok(Some(count)),
            Err(_) if count == -1 => Ok(None),
            _ => Err(DecodeError::Count { field, count, limit }),
        }
    }

    /// The tagged fields that end a structure in flexible versions, each handed to `read`.
    pub(crate) fn tags(
        &mut self,
        mut read: impl FnMut(u32, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.read(|cursor| cursor.unsigned_varint("tagged fields"))? {
            let tag = self.read(|cursor| cursor.unsigned_varint("tag"))?;
            let size = self.read(|cursor| cursor.unsigned_varint("tagged field"))?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes = self.take(size, "tagged field")?;
            read(tag, &mut Self { bytes, flexible: true, string_limit: self.string_limit })?;
        }
        Ok(())
    }

    pub(crate) fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(()))
    }

    /// What has not been read yet.
    pub(crate) fn into_rest(self) -> Bytes {
        self.bytes
    }

    /// Ends the reading: bytes left over are an error.
    pub(crate) fn finish(&self, field: &'static str) -> Result<(), DecodeError> {
        Cursor::new(&self.bytes).finish(field)
    }

    fn long_length(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let flexible = self.flexible;
        self.read(|cursor| long_length(cursor, flexible, field))
    }

    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut cursor = Cursor::new(&self.bytes);
        let value = read(&mut cursor)?;
        let taken = self.bytes.len() - cursor.remaining();
        bytes::Buf::advance(&mut self.bytes, taken);
        Ok(value)
    }

    fn take(&mut self, length: usize, field: &'static str) -> Result<Bytes, DecodeError> {
        let remaining = self.bytes.len();
        if length > remaining {
            return Err(DecodeError::Truncated { field, needed: length, remaining });
        }
        Ok(self.bytes.split_to(length))
    }
}

/// Writes a string with a two-byte length.
pub(crate) fn put_short_string(
    fields: &mut BytesMut,
    field: &'static str,
    string: Option<&str>,
) -> Result<(), EncodeError> {
    let Some(string) = string else {
        fields.put_i16(-1);
        return Ok(());
    };
    let limit = usize::from(i16::MAX.unsigned_abs());
    let length = string.len();
    let short =
        i16::try_from(length).map_err(|_| EncodeError::TooLarge { field, length, limit })?;
    fields.put_i16(short);
    fields.put_slice(string.as_bytes());
    Ok(())
}

/// Writes a string in the form of the version.
pub(crate) fn put_string(
    fields: &mut BytesMut,
    flexible: bool,
    field: &'static str,
    string: Option<&str>,
) -> Result<(), EncodeError> {
    if !flexible {
        return put_short_string(fields, field, string);
    }
    let length = string.unwrap_or_default().len();
    let limit = usize::from(i16::MAX.unsigned_abs());
    // The form has room for more, but Kafka refuses it.
    if length > limit {
        return Err(EncodeError::TooLarge { field, length, limit });
    }
    put_length(fields, true, field, string.map(str::len))?;
    fields.put_slice(string.unwrap_or_default().as_bytes());
    Ok(())
}

/// Writes the length of bytes or of an array in the form of the version.
pub(crate) fn put_length(
    fields: &mut BytesMut,
    flexible: bool,
    field: &'static str,
    length: Option<usize>,
) -> Result<(), EncodeError> {
    let limit = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
    let number = match length {
        None => -1,
        Some(length) => i32::try_from(length)
            .ok()
            .filter(|length| *length < i32::MAX)
            .ok_or(EncodeError::TooLarge { field, length, limit })?,
    };
    match flexible {
        true => put_unsigned_varint(fields, (number + 1).unsigned_abs()),
        false => fields.put_i32(number),
    }
    Ok(())
}

/// Ends a structure of a flexible version without tagged fields.
pub(crate) fn put_no_tags(fields: &mut BytesMut, flexible: bool) {
    if flexible {
        fields.put_u8(0);
    }
}

//! The guard in front of `kafka-protocol`.
//!
//! Its decoders reserve memory for as many elements as an array announces, so ten hostile bytes
//! could abort the process. Nothing reaches them before a walk by the message's layout, which
//! reserves nothing, has proved that every count, length and tag is honest.

use bytes::Bytes;
use kafka_protocol::protocol::Decodable;

use super::{
    layout::{Field, Kind, Layout},
    length::{checked_length, long_length, string_length},
};
use crate::{
    api::{codec_version, spoken},
    cursor::Cursor,
    error::DecodeError,
    limits::Limits,
};

/// Decodes `body`, all of it, as the message `M`, which has this `layout`, in `version`.
pub(super) fn decode<M: Decodable>(
    mut body: Bytes,
    layout: Layout,
    version: i16,
    limits: &Limits,
) -> Result<M, DecodeError> {
    let api = layout.api;
    // The layouts are right in the versions spoken; in others the codec might read something else.
    if !spoken(api).is_some_and(|spoken| (spoken.min..=spoken.max).contains(&version)) {
        return Err(DecodeError::Unsupported { what: "message version", value: version.into() });
    }
    check(&body, layout, version, limits).map_err(|fault| DecodeError::Malformed {
        api,
        version,
        fault: Box::new(fault),
    })?;
    let fault = |cause| DecodeError::Message { api, version, cause };
    let decoded = M::decode(&mut body, codec_version(api, version));
    let message = decoded.map_err(|error| fault(error.to_string().trim_end().to_owned()))?;
    match body.len() {
        0 => Ok(message),
        left => Err(fault(format!("{left} bytes follow the last field"))),
    }
}

/// Walks all of `body` without reserving anything.
pub(super) fn check(
    body: &[u8],
    layout: Layout,
    version: i16,
    limits: &Limits,
) -> Result<(), DecodeError> {
    let flexible = version >= layout.flexible_since;
    let string_limit = limits.string_length;
    let mut walk = Walk { rest: Cursor::new(body), version, flexible, string_limit, opaque: 0 };
    walk.fields(layout.fields)?;
    walk.rest.finish("the last field")?;
    let length = body.len() - walk.opaque;
    let limit = limits.control_message_size;
    if length > limit {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        return Err(DecodeError::Length { field: "control message", length, minimum: 0, limit });
    }
    Ok(())
}

/// A walk over one message.
#[derive(Clone, Copy)]
struct Walk<'a> {
    rest: Cursor<'a>,
    version: i16,
    flexible: bool,
    string_limit: usize,
    /// How many bytes were such that nothing is made of them.
    opaque: usize,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), DecodeError> {
        for field in fields.iter().filter(|field| field.tag.is_none()) {
            if field.is_in(self.version) {
                self.value(field.name, field.kind, field.is_nullable(self.version))?;
            }
        }
        if self.flexible { self.tagged_fields(fields) } else { Ok(()) }
    }

    fn value(&mut self, name: &'static str, kind: Kind, nullable: bool) -> Result<(), DecodeError> {
        match kind {
            Kind::Fixed(size) => self.rest.take(size, name).map(|_| ()),
            Kind::Text => self.text(name, nullable),
            Kind::Opaque => self.opaque(name, nullable),
            Kind::Array(element) => self.array(name, *element, nullable),
            Kind::Struct(fields) => self.fields(fields),
        }
    }

    fn text(&mut self, name: &'static str, nullable: bool) -> Result<(), DecodeError> {
        let declared = string_length(&mut self.rest, self.flexible, name)?;
        let Some(length) = checked_length(declared, name, self.string_limit)? else {
            return null(name, nullable);
        };
        let text = self.rest.take(length, name)?;
        std::str::from_utf8(text).map(|_| ()).map_err(|_| DecodeError::Utf8 { field: name })
    }

    fn opaque(&mut self, name: &'static str, nullable: bool) -> Result<(), DecodeError> {
        let declared = long_length(&mut self.rest, self.flexible, name)?;
        let Some(length) = checked_length(declared, name, usize::MAX)? else {
            return null(name, nullable);
        };
        self.opaque += self.rest.take(length, name)?.len();
        Ok(())
    }

    fn array(
        &mut self,
        name: &'static str,
        element: Kind,
        nullable: bool,
    ) -> Result<(), DecodeError> {
        let declared = long_length(&mut self.rest, self.flexible, name)?;
        if declared == -1 {
            return null(name, nullable);
        }
        let least_size = element.least_size(self.version, self.flexible).max(1);
        let limit = self.rest.remaining() / least_size;
        let count = usize::try_from(declared).ok().filter(|count| *count <= limit);
        let Some(count) = count else {
            return Err(DecodeError::Count { field: name, count: declared, limit });
        };
        if let Kind::Fixed(size) = element {
            return self.rest.take(count * size, name).map(|_| ());
        }
        (0..count).try_for_each(|_| self.value(name, element, false))
    }

    /// The tagged fields that end a structure; those nobody here knows are passed over.
    fn tagged_fields(&mut self, fields: &'static [Field]) -> Result<(), DecodeError> {
        let count = self.rest.unsigned_varint("tagged fields")?;
        let limit = self.rest.remaining() / LEAST_TAGGED_FIELD;
        if usize::try_from(count).map_or(true, |count| count > limit) {
            let count = count.into();
            return Err(DecodeError::Count { field: "tagged fields", count, limit });
        }
        for _ in 0..count {
            let tag = self.rest.unsigned_varint("tag")?;
            if i32::try_from(tag).is_err() {
                return Err(DecodeError::Value { field: "tag", value: tag.into() });
            }
            let size = self.rest.unsigned_varint("tagged field size")?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes = self.rest.take(size, "tagged field")?;
            if let Some(field) = fields.iter().find(|field| field.tag == Some(tag)) {
                self.tagged_field(field, bytes)?;
            }
        }
        Ok(())
    }

    /// The codec does not look at the size of a tagged field that it knows, so it has to be right.
    fn tagged_field(&mut self, field: &'static Field, bytes: &[u8]) -> Result<(), DecodeError> {
        if !field.is_in(self.version) {
            let value = self.version.into();
            return Err(DecodeError::Unsupported { what: "tagged field in version", value });
        }
        let mut inner = Walk { rest: Cursor::new(bytes), opaque: 0, ..*self };
        inner.value(field.name, field.kind, field.is_nullable(self.version))?;
        inner.rest.finish(field.name)
    }
}

fn null(field: &'static str, nullable: bool) -> Result<(), DecodeError> {
    if nullable { Ok(()) } else { Err(DecodeError::Null { field }) }
}

/// A tag and a size.
const LEAST_TAGGED_FIELD: usize = 2;

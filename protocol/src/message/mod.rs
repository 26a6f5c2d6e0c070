//! Whole messages: requests into frames, answers into values.
//!
//! Control messages go through the generated codec of `kafka-protocol`, behind a guard (see
//! [`guard`]); the two that carry records, Fetch answers and Produce requests, have codecs of
//! their own that leave the records where they are.

mod fetch;
pub(crate) mod fields;
mod guard;
mod layout;
mod length;
mod produce;
#[cfg(feature = "broker")]
pub mod server;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod synthetic;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse},
    protocol::HeaderVersion,
};

pub use kafka_protocol::{
    messages,
    protocol::{Request, StrBytes},
};

pub use self::{
    fetch::{FetchResponse, FetchedPartition, FetchedTopic},
    produce::{PartitionBatch, ProduceBatches, encode_produce},
};
use crate::{
    api::codec_version,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
    error_code::ErrorCode,
    frame::{Frame, LENGTH_SIZE},
    ids::CorrelationId,
    limits::Limits,
};

/// Encodes `request` as one frame.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: CorrelationId,
    client_id: &str,
) -> Result<Frame, EncodeError> {
    let api = api_of::<R>().ok_or(EncodeError::Value { field: "api key", value: R::KEY.into() })?;
    let error = |error: _| encode_error(api, version, &error);
    let size = request.compute_size(codec_version(api, version)).map_err(error)?;
    let mut fields = BytesMut::with_capacity(LENGTH_SIZE + HEADER_ROOM + client_id.len() + size);
    let header_version = R::header_version(version);
    put_request_header(&mut fields, api, version, header_version, correlation_id, client_id)?;
    request.encode(&mut fields, codec_version(api, version)).map_err(error)?;
    Frame::assemble(fields, Vec::new())
}

/// Decodes the answer to an `R` that was sent in `version`.
///
/// `answer` is one frame without its length, starting with the correlation id. No array is reserved
/// that the answer could not hold, and the usual [`Limits`] apply.
pub fn decode_response<R: Request>(
    answer: Bytes,
    version: i16,
) -> Result<R::Response, DecodeError> {
    decode_response_within::<R>(answer, version, &Limits::default())
}

/// Decodes the answer to an `R` as [`decode_response`] does, within other limits.
pub fn decode_response_within<R: Request>(
    answer: Bytes,
    version: i16,
    limits: &Limits,
) -> Result<R::Response, DecodeError> {
    let unknown = DecodeError::Unsupported { what: "answer to api key", value: R::KEY.into() };
    let layout = api_of::<R>().and_then(layout::answer_to).ok_or(unknown)?;
    let header_version = <R::Response as HeaderVersion>::header_version(version);
    let body = response_body(answer, header_version)?;
    guard::decode(body, layout, version, limits)
}

/// Decodes the answer to an ApiVersions request that was sent in `version`.
///
/// A broker that does not speak `version` answers in version 0, with UNSUPPORTED_VERSION and the
/// versions it does speak; ask again in [`api_versions_fallback`](crate::api_versions_fallback).
pub fn decode_api_versions(
    answer: Bytes,
    version: i16,
) -> Result<ApiVersionsResponse, DecodeError> {
    let mut cursor = Cursor::new(&answer);
    cursor.i32("correlation id")?;
    let error = ErrorCode::from_code(cursor.i16("error code")?);
    let version = if error == Some(ErrorCode::UnsupportedVersion) { 0 } else { version };
    decode_response::<ApiVersionsRequest>(answer, version)
}

/// Which request an answer belongs to.
pub fn correlation_id(answer: &[u8]) -> Result<CorrelationId, DecodeError> {
    Cursor::new(answer).i32("correlation id").map(CorrelationId)
}

/// What follows the header of an answer.
fn response_body(answer: Bytes, header_version: i16) -> Result<Bytes, DecodeError> {
    let mut header = fields::Fields::new(answer, header_version >= 1, &Limits::default());
    header.i32("correlation id")?;
    header.skip_tags()?;
    Ok(header.into_rest())
}

/// Writes room for the frame's length and the request header.
fn put_request_header(
    fields: &mut BytesMut,
    api: ApiKey,
    version: i16,
    header_version: i16,
    correlation_id: CorrelationId,
    client_id: &str,
) -> Result<(), EncodeError> {
    fields.put_bytes(0, LENGTH_SIZE);
    fields.put_i16(api as i16);
    fields.put_i16(version);
    fields.put_i32(correlation_id.0);
    // The client id keeps its two-byte length in every header version.
    fields::put_short_string(fields, "client id", Some(client_id))?;
    if header_version >= 2 {
        fields.put_u8(0);
    }
    Ok(())
}

/// Reads the tagged fields in front of `bytes` and returns what follows them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn tagged_fields(
    bytes: Bytes,
    mut read: impl FnMut(u32, Bytes),
) -> Result<Bytes, DecodeError> {
    let mut fields = fields::Fields::new(bytes, true, &Limits::default());
    fields.tags(|tag, field| {
        read(tag, field.clone().into_rest());
        Ok(())
    })?;
    Ok(fields.into_rest())
}

fn api_of<R: Request>() -> Option<ApiKey> {
    ApiKey::try_from(R::KEY).ok()
}

fn encode_error(api: ApiKey, version: i16, error: &impl std::fmt::Display) -> EncodeError {
    EncodeError::Message { api, version, cause: error.to_string() }
}

/// Room for a request header without its client id: key, version, correlation id, length, tags.
const HEADER_ROOM: usize = 2 + 2 + 4 + 2 + 1;

#[cfg(test)]
mod tests;

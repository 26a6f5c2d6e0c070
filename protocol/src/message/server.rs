//! The broker's half: requests out of frames, answers into frames.

mod fetch;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::ApiKey,
    protocol::{Encodable, HeaderVersion, Request},
};

pub use self::fetch::{FetchAnswer, PartitionAnswer, encode_fetch};
use super::{api_of, encode_error, fields::Fields, guard, layout};
use crate::{
    api::codec_version,
    error::{DecodeError, EncodeError},
    frame::{Frame, LENGTH_SIZE},
    ids::CorrelationId,
    limits::Limits,
};

/// A request of which only the header has been read.
#[derive(Debug, Clone)]
pub struct RequestFrame {
    /// The API asked for.
    pub api_key: ApiKey,
    /// The version of the request, whether or not it is spoken here.
    pub version: i16,
    /// What the answer has to begin with.
    pub correlation_id: CorrelationId,
    /// Who asks.
    pub client_id: Option<String>,
    /// The request itself.
    pub body: Bytes,
}

/// Reads the header of a request. `frame` is one frame without its length.
///
/// An API nobody knows is an error, a version nobody speaks is not: ApiVersions is answered
/// whatever its version is.
pub fn decode_request_frame(frame: Bytes) -> Result<RequestFrame, DecodeError> {
    let limits = Limits::default();
    let mut header = Fields::new(frame, false, &limits);
    let key = header.i16("api key")?;
    let api_key = ApiKey::try_from(key)
        .map_err(|()| DecodeError::Unsupported { what: "api key", value: key.into() })?;
    let version = header.i16("api version")?;
    let correlation_id = CorrelationId(header.i32("correlation id")?);
    let client_id = header.nullable_string("client id")?.map(|id| id.as_str().to_owned());
    let flexible = api_key.request_header_version(version) >= 2;
    let mut header = Fields::new(header.into_rest(), flexible, &limits);
    header.skip_tags()?;
    Ok(RequestFrame { api_key, version, correlation_id, client_id, body: header.into_rest() })
}

/// Decodes the body of `request` as an `R`. No array is reserved that the request could not hold, and
/// the usual [`Limits`] apply.
pub fn decode_request_body<R: Request>(request: &RequestFrame) -> Result<R, DecodeError> {
    decode_request_body_within(request, &Limits::default())
}

/// Decodes the body of `request` as [`decode_request_body`] does, within other limits.
pub fn decode_request_body_within<R: Request>(
    request: &RequestFrame,
    limits: &Limits,
) -> Result<R, DecodeError> {
    let unknown = DecodeError::Unsupported { what: "request with api key", value: R::KEY.into() };
    let layout = api_of::<R>().and_then(layout::request_of).ok_or(unknown)?;
    guard::decode(request.body.clone(), layout, request.version, limits)
}

/// Encodes the answer to an `R` that came in `version`.
pub fn encode_response<R: Request>(
    response: &R::Response,
    version: i16,
    correlation_id: CorrelationId,
) -> Result<Frame, EncodeError> {
    let api = api_of::<R>().ok_or(EncodeError::Value { field: "api key", value: R::KEY.into() })?;
    let error = |error: _| encode_error(api, version, &error);
    let size = response.compute_size(codec_version(api, version)).map_err(error)?;
    let mut fields = BytesMut::with_capacity(LENGTH_SIZE + HEADER_SIZE + size);
    let header_version = <R::Response as HeaderVersion>::header_version(version);
    put_response_header(&mut fields, correlation_id, header_version);
    response.encode(&mut fields, codec_version(api, version)).map_err(error)?;
    Frame::assemble(fields, Vec::new())
}

/// Writes room for the frame's length and the header of an answer.
fn put_response_header(fields: &mut BytesMut, correlation_id: CorrelationId, header_version: i16) {
    fields.put_bytes(0, LENGTH_SIZE);
    fields.put_i32(correlation_id.0);
    if header_version >= 1 {
        fields.put_u8(0);
    }
}

/// A correlation id and no tagged fields.
const HEADER_SIZE: usize = 4 + 1;

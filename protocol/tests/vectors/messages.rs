//! Requests and responses at every version spoken, in both directions.

use std::{collections::BTreeSet, fmt::Debug};

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        ApiVersionsRequest, CreateTopicsRequest, DeleteTopicsRequest, FetchRequest,
        InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest,
        ProduceRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
    },
    protocol::{Decodable, Encodable, Request},
};
use kavka_protocol::{
    CorrelationId, DecodeError, SPOKEN, decode_response, encode_request,
    server::{decode_request_body, decode_request_frame, encode_response},
};
use serde_json::Value;

use crate::{
    fields::{difference, fields},
    file,
};

/// One message of one version, filled in one way.
pub(crate) struct Vector {
    pub(crate) api: String,
    pub(crate) is_request: bool,
    pub(crate) version: i16,
    pub(crate) shape: String,
    pub(crate) header: Bytes,
    pub(crate) body: Bytes,
    /// What Java reads.
    pub(crate) fields: Value,
}

impl Vector {
    pub(crate) fn read() -> Vec<Self> {
        file::json_lines("messages.jsonl").iter().map(Self::of).collect()
    }

    fn of(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        Self {
            api: text("api"),
            is_request: line["kind"] == "Request",
            version: line["version"].as_i64().unwrap().try_into().unwrap(),
            shape: text("shape"),
            header: file::bytes(&line["header"]).unwrap(),
            body: file::bytes(&line["body"]).unwrap(),
            fields: line["fields"].clone(),
        }
    }

    /// The message as it travels, without its length.
    pub(crate) fn frame(&self) -> Bytes {
        [&self.header[..], &self.body].concat().into()
    }

    pub(crate) fn context(&self) -> String {
        let kind = if self.is_request { "request" } else { "response" };
        format!("{} {kind}, version {}, {}", self.api, self.version, self.shape)
    }

    /// Whether the header is as it is written here: with a client id and without tagged fields.
    pub(crate) fn has_our_header(&self) -> bool {
        self.shape != "tagged" && (self.shape != "nulls" || !self.is_request)
    }
}

/// What is done with the messages of an API, whose types it is called with.
pub(crate) trait Check {
    fn check<R: Request + Message>(&mut self, vector: &Vector)
    where
        R::Response: Message;
}

/// What messages have in common.
pub(crate) trait Message: Debug + PartialEq + Encodable + Decodable {}

impl<M: Debug + PartialEq + Encodable + Decodable> Message for M {}

/// Calls `check` with every vector and the types of its API.
///
/// Fetch responses are left out: they have a codec of their own.
pub(crate) fn check_all(check: &mut impl Check) {
    let vectors = Vector::read().into_iter();
    for vector in vectors.filter(|vector| vector.is_request || vector.api != "Fetch") {
        with_types(&vector, check);
    }
}

fn with_types(vector: &Vector, check: &mut impl Check) {
    match vector.api.as_str() {
        "ApiVersions" => check.check::<ApiVersionsRequest>(vector),
        "CreateTopics" => check.check::<CreateTopicsRequest>(vector),
        "DeleteTopics" => check.check::<DeleteTopicsRequest>(vector),
        "Fetch" => check.check::<FetchRequest>(vector),
        "InitProducerId" => check.check::<InitProducerIdRequest>(vector),
        "ListOffsets" => check.check::<ListOffsetsRequest>(vector),
        "Metadata" => check.check::<MetadataRequest>(vector),
        "OffsetForLeaderEpoch" => check.check::<OffsetForLeaderEpochRequest>(vector),
        "Produce" => check.check::<ProduceRequest>(vector),
        "SaslAuthenticate" => check.check::<SaslAuthenticateRequest>(vector),
        "SaslHandshake" => check.check::<SaslHandshakeRequest>(vector),
        api => panic!("{api} has vectors, but nothing that reads them"),
    }
}

/// Reads a request as a broker does.
pub(crate) fn decode_request<R: Request>(frame: Bytes) -> Result<R, DecodeError> {
    decode_request_body(&decode_request_frame(frame)?)
}

#[test]
fn every_version_spoken_is_there_in_every_shape() {
    let vectors = Vector::read();
    let all = vectors
        .iter()
        .map(|vector| (vector.api.clone(), vector.is_request, vector.version, &*vector.shape));
    let found: BTreeSet<_> = all.collect();
    assert_eq!(found.len(), vectors.len());
    let mut expected = BTreeSet::new();
    for (api, versions) in SPOKEN {
        for version in versions.min..=versions.max {
            for is_request in [true, false] {
                let flexible = api.request_header_version(version) >= 2;
                for shape in SHAPES.into_iter().filter(|shape| *shape != "tagged" || flexible) {
                    expected.insert((format!("{api:?}"), is_request, version, shape));
                }
            }
        }
    }
    assert_eq!(found, expected, "run protocol/vectors/write after a change of what is spoken");
}

struct Fields;

impl Check for Fields {
    fn check<R: Request + Message>(&mut self, vector: &Vector)
    where
        R::Response: Message,
    {
        let read = match vector.is_request {
            true => fields(&decode_request::<R>(vector.frame()).unwrap()),
            false => fields(&decode_response::<R>(vector.frame(), vector.version).unwrap()),
        };
        assert_eq!(difference(&vector.fields, &read), None, "{}", vector.context());
    }
}

#[test]
fn fields_are_those_that_java_reads() {
    check_all(&mut Fields);
}

struct Bodies;

impl Check for Bodies {
    fn check<R: Request + Message>(&mut self, vector: &Vector)
    where
        R::Response: Message,
    {
        let (version, id) = (vector.version, CorrelationId(42));
        let frame = match vector.is_request {
            true => {
                let request = decode_request::<R>(vector.frame()).unwrap();
                encode_request(&request, version, id, "kavka").unwrap()
            }
            false => {
                let response = decode_response::<R>(vector.frame(), version).unwrap();
                encode_response::<R>(&response, version, id).unwrap()
            }
        };
        check_written(&frame.chunks().concat(), vector);
    }
}

/// That `frame` is the vector behind its length.
pub(crate) fn check_written(frame: &[u8], vector: &Vector) {
    let (length, written) = frame.split_at(4);
    assert_eq!(length, u32::try_from(written.len()).unwrap().to_be_bytes());
    let expected = if vector.has_our_header() { vector.frame() } else { vector.body.clone() };
    let place = written.len().saturating_sub(expected.len());
    let place = if vector.has_our_header() { 0 } else { place };
    assert_eq!(Bytes::copy_from_slice(&written[place..]), expected, "{}", vector.context());
}

#[test]
fn messages_are_written_with_javas_bytes() {
    check_all(&mut Bodies);
}

#[test]
fn request_headers_are_read_whoever_wrote_them() {
    for vector in Vector::read().iter().filter(|vector| vector.is_request) {
        let request = decode_request_frame(vector.frame()).unwrap();
        assert_eq!(format!("{:?}", request.api_key), vector.api);
        assert_eq!(request.version, vector.version);
        assert_eq!(request.correlation_id, CorrelationId(42));
        let client_id = (vector.shape != "nulls").then_some("kavka");
        assert_eq!(request.client_id.as_deref(), client_id, "{}", vector.context());
        assert_eq!(request.body, vector.body, "{}", vector.context());
    }
}

const SHAPES: [&str; 7] = ["defaults", "greatest", "least", "many", "nulls", "plain", "tagged"];

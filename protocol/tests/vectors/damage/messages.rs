//! Requests and responses. No checksum covers them: what a changed byte makes of one may be another one, but
//! then one that can be written and read again.

use std::fmt;

use bytes::Bytes;
use kafka_protocol::protocol::Request;
use kavka_protocol::{
    CorrelationId, DecodeError, FetchResponse, Frame, decode_response, encode_request,
    server::encode_response,
};

use super::{MASKS, SMALL, WALK_RATIO, changed, places};
use crate::{
    allocations::peak_allocation,
    messages::{Check, Message, Vector, check_all, decode_request},
};

struct Cuts;

impl Check for Cuts {
    fn check<R: Request + Message>(&mut self, vector: &Vector)
    where
        R::Response: Message,
    {
        let frame = vector.frame();
        for length in places(frame.len()) {
            let cut = frame.slice(..length);
            let is_refused = match vector.is_request {
                true => decode_request::<R>(cut).is_err(),
                false => decode_response::<R>(cut, vector.version).is_err(),
            };
            assert!(is_refused, "{} cut to {length}", vector.context());
        }
    }
}

#[test]
fn messages_cut_short_are_errors() {
    check_all(&mut Cuts);
}

struct Changes;

impl Check for Changes {
    fn check<R: Request + Message>(&mut self, vector: &Vector)
    where
        R::Response: Message,
    {
        let (version, id) = (vector.version, CorrelationId(1));
        let allowed = SMALL + vector.frame().len() * GREATEST_RATIO;
        for change in changes(vector) {
            let bytes = &change.bytes;
            let peak = match vector.is_request {
                true => check_request::<R>(&change),
                false => check_again(
                    || decode_response::<R>(bytes.clone(), version),
                    |response| encode_response::<R>(response, version, id).ok(),
                    |frame| decode_response::<R>(frame, version),
                    &change,
                ),
            };
            assert!(peak <= allowed, "{change}: {peak} bytes");
        }
    }
}

/// A changed header may say that it is another request, of another version, which is not written again.
fn check_request<R: Request + Message>(change: &Change<'_>) -> usize {
    let Change { vector, bytes, place, .. } = change;
    check_again(
        || decode_request::<R>(bytes.clone()),
        |request| {
            let encoded = encode_request(request, vector.version, CorrelationId(1), "kavka").ok();
            encoded.filter(|_| *place >= vector.header.len())
        },
        decode_request::<R>,
        change,
    )
}

/// Decodes, and what was decoded is written and decoded again; returns the memory that the first took.
fn check_again<M: Message>(
    decode: impl Fn() -> Result<M, DecodeError>,
    encode: impl Fn(&M) -> Option<Frame>,
    decode_again: impl Fn(Bytes) -> Result<M, DecodeError>,
    change: &Change<'_>,
) -> usize {
    let (decoded, peak) = peak_allocation(decode);
    if let Ok(message) = decoded
        && let Some(frame) = encode(&message)
    {
        let again = decode_again(frame.chunks().concat().split_off(4).into());
        assert_eq!(again, Ok(message), "{change}");
    }
    peak
}

/// A vector with one byte changed.
struct Change<'v> {
    vector: &'v Vector,
    bytes: Bytes,
    place: usize,
    mask: u8,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with byte {} ^ {:#04x}", self.vector.context(), self.place, self.mask)
    }
}

fn changes(vector: &Vector) -> impl Iterator<Item = Change<'_>> {
    let frame = vector.frame();
    let changes = move |(place, mask)| {
        let bytes = changed(&frame, place, mask).into();
        Change { vector, bytes, place, mask }
    };
    let places = places(vector.header.len() + vector.body.len());
    places.flat_map(|place| MASKS.map(|mask| (place, mask))).map(changes)
}

#[test]
fn changed_messages_are_errors_or_other_messages() {
    check_all(&mut Changes);
}

#[test]
fn changed_fetch_responses_are_walked_without_a_copy() {
    let vectors = Vector::read().into_iter();
    for vector in vectors.filter(|vector| vector.api == "Fetch" && !vector.is_request) {
        for change in changes(&vector) {
            let bytes = change.bytes.clone();
            let allowed = SMALL + bytes.len() * WALK_RATIO;
            let walk = || {
                let Ok(response) = FetchResponse::parse(bytes, vector.version) else { return };
                response.partitions().for_each(drop);
            };
            let ((), peak) = peak_allocation(walk);
            assert!(peak <= allowed, "{change}: {peak} bytes");
        }
    }
}

/// A counted element may be one byte on the wire and 120 in memory.
const GREATEST_RATIO: usize = 128;

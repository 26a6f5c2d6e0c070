//! The rules of a connection, on hand-made time and hand-encoded answers.

use kavka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};
use kavka_protocol::server::{RequestFrame, decode_request_body, decode_request_frame};

use bytes::BytesMut;
use kavka_protocol::{UnsupportedApi, VersionRange, split_frame};

use super::*;
use crate::testing::{answer_bytes, api_versions, api_versions_with, metadata};

mod sasl;

type Ticket = &'static str;

impl Source for BytesMut {
    fn peek(&self) -> &[u8] {
        self
    }

    fn next_frame(&mut self, limit: usize) -> Result<Option<Bytes>, DecodeError> {
        split_frame(self, limit)
    }
}

/// A connection with the bytes it has written and the time it believes it is.
struct Wire {
    connection: Connection<Ticket>,
    written: BytesMut,
    now: Instant,
}

impl Wire {
    fn connecting() -> Self {
        Self::connecting_with(None)
    }

    fn connecting_with(sasl: Option<SaslPlan>) -> Self {
        Self::connecting_as(sasl, 0.0)
    }

    fn connecting_as(sasl: Option<SaslPlan>, jitter: f64) -> Self {
        let settings = ConnectionSettings {
            client_id: "tests".to_owned(),
            request_timeout: secs(30),
            max_idle: secs(540),
            sasl,
        };
        let now = Instant::now();
        let connection = Connection::new(Arc::new(settings), jitter, now);
        Self { connection, written: BytesMut::new(), now }
    }

    fn connected() -> Self {
        let mut wire = Self::connecting();
        wire.connection.handle_connected(wire.now);
        wire
    }

    fn ready() -> Self {
        let mut wire = Self::connected();
        let request = wire.flush_one();
        wire.answer::<ApiVersionsRequest>(&request, &api_versions());
        wire
    }

    fn send(&mut self, ticket: Ticket) {
        self.send_within(ticket, secs(30));
    }

    fn send_within(&mut self, ticket: Ticket, timeout: Duration) {
        assert!(self.connection.send(request(timeout), ticket, self.now).is_ok());
    }

    /// Lets the socket take everything.
    fn flush(&mut self) -> Vec<RequestFrame> {
        while let Some(chunk) = self.connection.poll_transmit() {
            self.written.extend_from_slice(&chunk);
            self.connection.handle_written(chunk.len(), self.now);
        }
        let frames = std::iter::from_fn(|| split_frame(&mut self.written, FRAME_LIMIT).unwrap());
        frames.map(|frame| decode_request_frame(frame).unwrap()).collect()
    }

    fn flush_one(&mut self) -> RequestFrame {
        let mut requests = self.flush();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }

    fn answer<R: kavka_protocol::Request>(&mut self, to: &RequestFrame, response: &R::Response) {
        self.receive(&answer_bytes::<R>(response, to.version, to.correlation_id));
    }

    fn answer_metadata(&mut self, to: &RequestFrame) {
        self.answer::<MetadataRequest>(to, &metadata(&[(1, "a", 9092)]));
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.connection.handle_input(&mut BytesMut::from(bytes), self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_timeout(self.now);
    }

    fn outcomes(&mut self) -> Vec<(Ticket, Result<Answer, Failure>)> {
        std::iter::from_fn(|| self.connection.poll_answer()).collect()
    }

    /// Tickets that failed, with the reason and whether the request had been written.
    fn failures(&mut self) -> Vec<(Ticket, FailureReason, bool)> {
        let failed = |(ticket, outcome): (_, Result<Answer, Failure>)| {
            let failure = outcome.expect_err("no answer was given");
            (ticket, failure.reason, failure.was_written)
        };
        self.outcomes().into_iter().map(failed).collect()
    }

    fn reason(&self) -> Option<CloseReason> {
        self.connection.closed().map(|(reason, _)| reason.clone())
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn request(timeout: Duration) -> Outgoing {
    Outgoing::new(ApiKey::Metadata, timeout, |version, correlation, client_id| {
        encode_request(&MetadataRequest::default(), version, correlation, client_id)
    })
}

fn closed(reason: CloseReason) -> FailureReason {
    FailureReason::Closed(reason)
}

/// Whether a broker takes it for the name or the version of a client; it answers INVALID_REQUEST to others (KIP-511).
fn is_software_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && name.chars().all(|c| is_plain(c) || matches!(c, '.' | '-'))
}

#[test]
fn the_handshake_names_the_client_and_goes_first() {
    let mut wire = Wire::connecting();
    wire.send("early");
    wire.connection.handle_connected(wire.now);
    let first = wire.flush_one();
    assert_eq!((first.api_key, first.version), (ApiKey::ApiVersions, 3));
    assert_eq!(first.client_id.as_deref(), Some("tests"));
    let body: ApiVersionsRequest = decode_request_body(&first).unwrap();
    assert_eq!(&*body.client_software_name, "kavka");
    assert!(is_software_name(&body.client_software_version), "{}", body.client_software_version);
    wire.answer::<ApiVersionsRequest>(&first, &api_versions());
    assert_eq!(wire.flush_one().api_key, ApiKey::Metadata);
}

#[test]
fn a_broker_that_does_not_speak_the_version_is_asked_in_one_it_does() {
    for (offered, expected) in
        [(vec![(ApiKey::ApiVersions, VersionRange { min: 0, max: 2 })], 2), (Vec::new(), 0)]
    {
        let mut wire = Wire::connected();
        let first = wire.flush_one();
        let refusal = api_versions_with(&offered).with_error_code(35);
        wire.receive(&answer_bytes::<ApiVersionsRequest>(&refusal, 0, first.correlation_id));
        let second = wire.flush_one();
        assert_eq!((second.api_key, second.version), (ApiKey::ApiVersions, expected));
        wire.answer::<ApiVersionsRequest>(&second, &api_versions());
        assert!(wire.connection.was_ready());
    }
}

#[test]
fn a_broker_that_refuses_twice_is_given_up() {
    let mut wire = Wire::connected();
    let refusal = ApiVersionsResponse::default().with_error_code(35);
    for _ in 0..2 {
        let request = wire.flush_one();
        wire.receive(&answer_bytes::<ApiVersionsRequest>(&refusal, 0, request.correlation_id));
    }
    assert_eq!(wire.reason(), Some(CloseReason::HandshakeRefused(ErrorCode::UnsupportedVersion)));
}

#[test]
fn answers_go_to_requests_in_order() {
    let mut wire = Wire::ready();
    wire.send("first");
    wire.send("second");
    let requests = wire.flush();
    wire.answer_metadata(&requests[0]);
    wire.answer_metadata(&requests[1]);
    let tickets: Vec<_> =
        wire.outcomes().into_iter().map(|(t, outcome)| (t, outcome.is_ok())).collect();
    assert_eq!(tickets, [("first", true), ("second", true)]);
}

#[test]
fn an_answer_may_arrive_byte_by_byte() {
    let mut wire = Wire::ready();
    wire.send("slow");
    let request = wire.flush_one();
    let cluster = metadata(&[(1, "a", 9092)]);
    let bytes = answer_bytes::<MetadataRequest>(&cluster, request.version, request.correlation_id);
    let mut input = BytesMut::new();
    for byte in &bytes {
        assert!(wire.outcomes().is_empty());
        input.extend_from_slice(&[*byte]);
        wire.connection.handle_input(&mut input, wire.now);
    }
    assert_eq!(wire.outcomes()[0].1.as_ref().unwrap().bytes, bytes.slice(4..));
}

#[test]
fn an_answer_out_of_order_closes_the_connection() {
    let mut wire = Wire::ready();
    wire.send("first");
    wire.send("second");
    let requests = wire.flush();
    wire.answer_metadata(&requests[1]);
    let (expected, found) = (requests[0].correlation_id, requests[1].correlation_id);
    let reason = CloseReason::Misordered { expected, found };
    assert_eq!(wire.reason(), Some(reason.clone()));
    let failures = wire.failures();
    assert_eq!(
        failures,
        [("first", closed(reason.clone()), true), ("second", closed(reason), true)]
    );
}

#[test]
fn an_answer_nobody_asked_for_closes_the_connection() {
    let mut wire = Wire::ready();
    wire.receive(&[0, 0, 0, 4, 0, 0, 0, 9]);
    assert!(matches!(wire.reason(), Some(CloseReason::Misordered { .. })));
}

#[test]
fn a_lost_connection_says_of_each_request_whether_it_was_written() {
    let mut wire = Wire::ready();
    wire.send("written");
    wire.flush();
    wire.send("half written");
    wire.send("not written");
    wire.connection.handle_written(5, wire.now);
    wire.connection.handle_end(wire.now);
    assert_eq!(
        wire.failures(),
        [
            ("written", closed(CloseReason::EndedUnanswered), true),
            ("half written", closed(CloseReason::EndedUnanswered), false),
            ("not written", closed(CloseReason::EndedUnanswered), false),
        ]
    );
    assert!(wire.connection.poll_transmit().is_none());
}

#[test]
fn a_request_written_to_its_last_byte_counts_as_written() {
    let mut wire = Wire::ready();
    wire.send("only");
    let length = wire.connection.poll_transmit().unwrap().len();
    wire.connection.handle_written(length - 1, wire.now);
    wire.connection.handle_written(1, wire.now);
    wire.connection.handle_end(wire.now);
    assert_eq!(wire.failures(), [("only", closed(CloseReason::EndedUnanswered), true)]);
}

#[test]
fn every_ticket_fails_once_and_a_closed_connection_takes_no_more() {
    let mut wire = Wire::ready();
    wire.send("one");
    wire.connection.close(CloseReason::Ended, wire.now);
    wire.connection.close(CloseReason::Idle, wire.now);
    wire.pass(secs(3600));
    assert_eq!(wire.failures().len(), 1);
    let (_, ticket) = wire.connection.send(request(secs(1)), "late", wire.now).err().unwrap();
    assert_eq!(ticket, "late");
}

#[test]
fn the_time_of_a_request_runs_while_the_connection_is_still_being_made() {
    let mut wire = Wire::connecting();
    wire.send_within("short", secs(1));
    wire.send_within("long", secs(9));
    assert_eq!(wire.connection.poll_timeout(), Some(wire.now + secs(1)));
    wire.pass(secs(1));
    assert_eq!(wire.failures(), [("short", FailureReason::TimedOut(secs(1)), false)]);
    assert!(wire.connection.is_open());
}

#[test]
fn an_overdue_answer_closes_the_connection() {
    let mut wire = Wire::ready();
    wire.send_within("overdue", secs(1));
    wire.send_within("other", secs(9));
    wire.flush();
    wire.pass(secs(1));
    assert_eq!(
        wire.failures(),
        [
            ("overdue", FailureReason::TimedOut(secs(1)), true),
            ("other", closed(CloseReason::RequestTimedOut(ApiKey::Metadata)), true),
        ]
    );
}

#[test]
fn a_stalled_write_is_overdue_too() {
    let mut wire = Wire::ready();
    wire.send_within("stalled", secs(1));
    wire.pass(secs(1));
    assert_eq!(wire.failures(), [("stalled", FailureReason::TimedOut(secs(1)), false)]);
    assert!(wire.connection.is_closed());
}

#[test]
fn a_peer_that_says_nothing_in_the_handshake_is_given_up() {
    let mut wire = Wire::connected();
    wire.flush();
    assert_eq!(wire.connection.poll_timeout(), Some(wire.now + secs(30)));
    wire.pass(secs(30));
    assert_eq!(wire.reason(), Some(CloseReason::HandshakeTimedOut(secs(30))));
}

#[test]
fn a_request_without_answer_is_done_when_it_is_written() {
    let mut wire = Wire::ready();
    let sent = wire.connection.send(request(secs(1)).without_answer(), "acks=0", wire.now);
    assert!(sent.is_ok());
    assert!(wire.outcomes().is_empty());
    wire.send("answered");
    let requests = wire.flush();
    let done = wire.outcomes();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].0, done[0].1.as_ref().unwrap().bytes.len()), ("acks=0", 0));
    wire.answer_metadata(&requests[1]);
    assert_eq!(wire.outcomes()[0].0, "answered");
}

#[test]
fn an_api_the_broker_lacks_fails_its_request_only() {
    let mut wire = Wire::connected();
    let handshake = wire.flush_one();
    let offered = [(ApiKey::Fetch, VersionRange { min: 4, max: 11 })];
    wire.answer::<ApiVersionsRequest>(&handshake, &api_versions_with(&offered));
    wire.send("metadata");
    assert!(matches!(
        wire.failures()[..],
        [("metadata", FailureReason::Unsupported(UnsupportedApi { theirs: None, .. }), false)]
    ));
    assert!(wire.connection.is_open());
}

#[test]
fn a_request_that_needs_a_newer_version_says_so() {
    let mut wire = Wire::ready();
    let request = request(secs(1)).needs_version(99);
    assert!(wire.connection.send(request, "new", wire.now).is_ok());
    let reason = wire.failures().remove(0).1;
    assert!(matches!(reason, FailureReason::TooOld { needed: 99, .. }), "{reason:?}");
    assert!(wire.connection.is_open());
}

#[test]
fn draining_finishes_what_is_under_way_and_takes_no_more() {
    let mut wire = Wire::ready();
    wire.send("last");
    let request = wire.flush_one();
    wire.connection.drain(wire.now);
    assert!(!wire.connection.is_open() && !wire.connection.is_closed());
    wire.answer_metadata(&request);
    assert!(wire.outcomes()[0].1.is_ok());
    assert_eq!(wire.reason(), Some(CloseReason::Retired));
}

#[test]
fn a_draining_connection_closes_when_what_waits_has_become_too_old() {
    let mut wire = throttled();
    wire.send_within("late", Duration::ZERO);
    wire.connection.drain(wire.now);
    assert_eq!(wire.reason(), None);
    wire.pass(secs(70));
    assert!(matches!(wire.failures()[0], ("late", FailureReason::TimedOut(_), false)));
    assert_eq!(wire.reason(), Some(CloseReason::Retired));
}

#[test]
fn what_is_overdue_when_the_connection_becomes_ready_is_not_sent() {
    let mut wire = Wire::connected();
    let request = wire.flush_one();
    wire.send_within("late", secs(5));
    wire.send_within("in time", secs(7));
    // The broker's answer and the timeout have come together, and the answer is looked at first.
    wire.now += secs(6);
    wire.answer::<ApiVersionsRequest>(&request, &api_versions());
    assert_eq!(wire.flush().len(), 1);
    assert!(matches!(wire.failures()[0], ("late", FailureReason::TimedOut(_), false)));
}

/// A connection whose broker has just asked to be left alone for 70 s.
fn throttled() -> Wire {
    let mut wire = Wire::ready();
    wire.send("throttled");
    let request = wire.flush_one();
    let answer = metadata(&[(1, "a", 9092)]).with_throttle_time_ms(70_000);
    wire.answer::<MetadataRequest>(&request, &answer);
    assert_eq!(wire.outcomes().len(), 1);
    wire
}

#[test]
fn a_broker_that_asks_to_be_left_alone_is() {
    let mut wire = throttled();
    wire.send_within("patient", secs(30));
    assert_eq!(wire.flush().len(), 0);
    assert_eq!(wire.connection.poll_timeout(), Some(wire.now + secs(70)));
    wire.pass(secs(69));
    assert_eq!(wire.flush().len(), 0);
    wire.pass(secs(1));
    let request = wire.flush_one();
    wire.pass(secs(29));
    wire.answer_metadata(&request);
    assert!(wire.outcomes()[0].1.is_ok(), "its time runs from the end of the quiet");
}

#[test]
fn what_was_sent_before_a_throttle_is_answered_after_it() {
    let mut wire = Wire::ready();
    wire.send_within("sent", secs(30));
    let request = wire.flush_one();
    wire.connection.handle_throttle(secs(70), wire.now);
    wire.pass(secs(99));
    assert!(wire.connection.is_open());
    wire.answer_metadata(&request);
    assert!(wire.outcomes()[0].1.is_ok());
}

#[test]
fn a_shorter_throttle_does_not_end_a_longer_one() {
    let mut wire = throttled();
    wire.connection.handle_throttle(secs(1), wire.now);
    wire.send("patient");
    wire.pass(secs(2));
    assert_eq!(wire.flush().len(), 0);
}

#[test]
fn a_connection_that_drains_sends_what_it_has_when_the_throttle_is_over() {
    let mut wire = throttled();
    wire.send("last");
    wire.connection.drain(wire.now);
    assert!(!wire.connection.is_closed());
    wire.pass(secs(70));
    let request = wire.flush_one();
    wire.answer_metadata(&request);
    assert!(wire.outcomes()[0].1.is_ok());
    assert_eq!(wire.reason(), Some(CloseReason::Retired));
}

#[test]
fn an_idle_connection_closes_and_a_busy_one_does_not() {
    let mut wire = Wire::ready();
    wire.pass(secs(539));
    wire.send_within("busy", secs(3600));
    let request = wire.flush_one();
    wire.pass(secs(541));
    assert!(wire.connection.is_open());
    wire.answer_metadata(&request);
    assert_eq!(wire.connection.poll_timeout(), Some(wire.now + secs(540)));
    wire.pass(secs(540));
    assert_eq!(wire.reason(), Some(CloseReason::Idle));
}

#[test]
fn a_peer_that_is_not_kafka_is_recognised_by_its_first_bytes() {
    for (bytes, other) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], "HTTP"),
        (b"<!DOCTYPE HTML>\n<html lang=\"en\">", "HTTP"),
        (&[0x15, 0x03, 0x03, 0, 2, 2, 0x46], "TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
        (b"-ERR unknown command\r\n", "something else"),
        (&[0xff, 0xff, 0xff, 0xff], "something else"),
        (&[0, 0, 0, 4, 0, 0, 0, 77], "something else"),
    ] {
        let mut wire = Wire::connected();
        wire.flush();
        let mut input = BytesMut::from(&bytes[..3]);
        wire.connection.handle_input(&mut input, wire.now);
        assert_eq!(wire.reason(), None);
        input.extend_from_slice(&bytes[3..]);
        wire.connection.handle_input(&mut input, wire.now);
        assert_eq!(wire.reason(), Some(CloseReason::NotKafka(other)), "{bytes:?}");
    }
}

#[test]
fn a_server_that_reads_lines_takes_the_handshake_for_a_whole_request() {
    let mut wire = Wire::connected();
    let bytes: Vec<u8> = std::iter::from_fn(|| wire.connection.poll_transmit()).flatten().collect();
    assert!(bytes.windows(4).any(|window| window == b"\r\n\r\n"));
}

#[test]
fn a_peer_that_closes_during_the_handshake_is_told_from_a_lost_connection() {
    let mut wire = Wire::connected();
    wire.connection.handle_end(wire.now);
    assert_eq!(wire.reason(), Some(CloseReason::EndedInHandshake));
}

#[test]
fn a_frame_of_negative_length_closes_the_connection() {
    let mut wire = Wire::ready();
    wire.receive(&[0x80, 0, 0, 0]);
    assert!(matches!(wire.reason(), Some(CloseReason::Garbled(_))));
}

#[test]
fn a_frame_too_short_to_be_an_answer_closes_the_connection() {
    let mut wire = Wire::ready();
    wire.receive(&[0, 0, 0, 2, 1, 2]);
    assert!(matches!(wire.reason(), Some(CloseReason::Garbled(_))));
}

//! Authentication before the first request, and again when the session is about to end.

use kavka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kavka_protocol::{SaslCredentials, SaslMechanism};

use super::*;
use crate::state::authentication::{AuthenticationFailure, Work, WorkDone};

fn plan() -> Option<SaslPlan> {
    let (mechanism, timeout) = (SaslMechanism::Plain, secs(10));
    Some(SaslPlan { mechanism, timeout, renew_after: 0.8 })
}

/// As far as ApiVersions, with a request that waits.
fn greeted() -> Wire {
    greeted_as(0.0)
}

fn greeted_as(jitter: f64) -> Wire {
    let mut wire = Wire::connecting_as(plan(), jitter);
    wire.send("first");
    wire.connection.handle_connected(wire.now);
    let request = wire.flush_one();
    wire.answer::<ApiVersionsRequest>(&request, &api_versions());
    wire
}

/// Goes through SaslHandshake and the work, and returns the SaslAuthenticate.
fn credentials_sent(wire: &mut Wire) -> RequestFrame {
    let request = wire.flush_one();
    assert_eq!((request.api_key, request.version), (ApiKey::SaslHandshake, 1));
    let body: SaslHandshakeRequest = decode_request_body(&request).unwrap();
    assert_eq!(&*body.mechanism, "PLAIN");
    credentials_wanted(wire, &request)
}

/// Answers the SaslHandshake `request`, goes through the work and returns the SaslAuthenticate.
fn credentials_wanted(wire: &mut Wire, request: &RequestFrame) -> RequestFrame {
    assert!(wire.connection.poll_work().is_none());
    wire.answer::<SaslHandshakeRequest>(request, &SaslHandshakeResponse::default());
    assert!(matches!(wire.connection.poll_work(), Some(Work::Credentials)));
    assert!(wire.connection.poll_work().is_none());
    let (username, password) = ("alice".to_owned(), "secret".to_owned());
    let user = SaslCredentials::Password { username, password, is_delegation_token: false };
    wire.connection.handle_work(WorkDone::Credentials(user, "nonce".to_owned()), wire.now);
    let request = wire.flush_one();
    assert_eq!((request.api_key, request.version), (ApiKey::SaslAuthenticate, 2));
    request
}

fn authenticated(wire: &mut Wire, lifetime: Duration) {
    let request = credentials_sent(wire);
    consent(wire, &request, lifetime);
}

fn consent(wire: &mut Wire, request: &RequestFrame, lifetime: Duration) {
    let millis = i64::try_from(lifetime.as_millis()).unwrap();
    let consent = SaslAuthenticateResponse::default().with_session_lifetime_ms(millis);
    wire.answer::<SaslAuthenticateRequest>(request, &consent);
}

#[test]
fn nothing_is_asked_before_the_broker_knows_the_client() {
    let mut wire = greeted();
    wire.send("second");
    authenticated(&mut wire, Duration::ZERO);
    let requests = wire.flush();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.api_key == ApiKey::Metadata));
    assert!(wire.connection.was_ready());
}

#[test]
fn a_session_is_renewed_before_the_first_request_after_four_fifths_of_its_life() {
    let mut wire = greeted();
    authenticated(&mut wire, secs(100));
    let first = wire.flush_one();
    wire.answer_metadata(&first);
    wire.pass(secs(79));
    wire.send("in time");
    let long = wire.flush_one();
    assert_eq!(long.api_key, ApiKey::Metadata);
    wire.pass(secs(1));
    assert!(wire.flush().is_empty(), "nobody asks for anything");
    wire.send("later");
    let handshake = wire.flush_one();
    assert_eq!(handshake.api_key, ApiKey::SaslHandshake);
    // The broker answers in order.
    wire.answer_metadata(&long);
    wire.answer::<SaslHandshakeRequest>(&handshake, &SaslHandshakeResponse::default());
    assert_eq!(wire.outcomes().len(), 2);
    assert!(matches!(wire.connection.poll_work(), Some(Work::Credentials)));
    let (username, password) = ("alice".to_owned(), "secret".to_owned());
    let user = SaslCredentials::Password { username, password, is_delegation_token: false };
    wire.connection.handle_work(WorkDone::Credentials(user, "nonce".to_owned()), wire.now);
    let request = wire.flush_one();
    let consent = SaslAuthenticateResponse::default().with_session_lifetime_ms(100_000);
    wire.answer::<SaslAuthenticateRequest>(&request, &consent);
    assert_eq!(wire.flush_one().api_key, ApiKey::Metadata);
    wire.send("soon after");
    assert_eq!(wire.flush_one().api_key, ApiKey::Metadata);
}

#[test]
fn a_connection_that_drains_while_it_renews_its_session_sends_what_waits_and_closes() {
    let mut wire = greeted();
    authenticated(&mut wire, secs(10));
    let first = wire.flush_one();
    wire.answer_metadata(&first);
    wire.pass(secs(9));
    wire.send("last");
    wire.connection.drain(wire.now);
    assert!(!wire.connection.is_open());
    authenticated(&mut wire, secs(10));
    let last = wire.flush_one();
    wire.answer_metadata(&last);
    assert_eq!(wire.reason(), Some(CloseReason::Retired));
    assert!(wire.outcomes().iter().all(|(_, outcome)| outcome.is_ok()));
}

#[test]
fn a_refusal_fails_what_waits_and_says_that_it_was_never_sent() {
    let mut wire = greeted();
    let request = credentials_sent(&mut wire);
    let refusal = SaslAuthenticateResponse::default().with_error_code(58);
    wire.answer::<SaslAuthenticateRequest>(&request, &refusal);
    let failures = wire.failures();
    assert_eq!(failures.len(), 1);
    let (ticket, reason, was_written) = &failures[0];
    assert_eq!((*ticket, *was_written), ("first", false));
    assert!(matches!(
        reason,
        FailureReason::Closed(CloseReason::AuthenticationFailed(AuthenticationFailure::Refused {
            code: ErrorCode::SaslAuthenticationFailed,
            ..
        }))
    ));
    assert!(!wire.connection.was_ready());
}

#[test]
fn an_end_or_silence_during_authentication_is_told_from_others() {
    let mut wire = greeted();
    credentials_sent(&mut wire);
    wire.connection.handle_end(wire.now);
    assert_eq!(wire.reason(), Some(CloseReason::EndedInAuthentication(SaslMechanism::Plain)));

    let mut wire = greeted();
    credentials_sent(&mut wire);
    assert_eq!(wire.connection.poll_timeout(), Some(wire.now + secs(10)));
    wire.pass(secs(10));
    assert_eq!(wire.reason(), Some(CloseReason::AuthenticationTimedOut(secs(10))));
}

#[test]
fn a_broker_without_sasl_authenticate_is_too_old() {
    let mut wire = Wire::connecting_with(plan());
    wire.connection.handle_connected(wire.now);
    let request = wire.flush_one();
    let mut versions = api_versions();
    versions.api_keys.retain(|api| api.api_key != ApiKey::SaslAuthenticate as i16);
    wire.answer::<ApiVersionsRequest>(&request, &versions);
    let request = wire.flush_one();
    wire.answer::<SaslHandshakeRequest>(&request, &SaslHandshakeResponse::default());
    wire.connection.poll_work().unwrap();
    let (username, password) = ("alice".to_owned(), "secret".to_owned());
    let user = SaslCredentials::Password { username, password, is_delegation_token: false };
    wire.connection.handle_work(WorkDone::Credentials(user, "nonce".to_owned()), wire.now);
    assert!(matches!(wire.reason(), Some(CloseReason::NoSasl(_))));
}

#[test]
fn an_end_upon_the_first_request_hints_at_authentication() {
    let mut wire = Wire::ready();
    wire.send("first");
    wire.flush_one();
    wire.connection.handle_end(wire.now);
    assert_eq!(wire.reason(), Some(CloseReason::EndedUnanswered));
}

#[test]
fn an_unknown_peer_cannot_announce_a_large_answer() {
    let mut wire = greeted();
    wire.flush();
    wire.receive(&(2_u32 << 20).to_be_bytes());
    assert!(matches!(wire.reason(), Some(CloseReason::Malformed(_))));
}

/// A connection whose session is being renewed while a request is still to be answered.
fn renewing_behind(patience: Duration) -> (Wire, RequestFrame, RequestFrame) {
    let mut wire = greeted();
    authenticated(&mut wire, secs(100));
    let first = wire.flush_one();
    wire.answer_metadata(&first);
    wire.pass(secs(80) - Duration::from_millis(1));
    wire.send_within("long", patience);
    let long = wire.flush_one();
    wire.pass(Duration::from_millis(1));
    wire.send_within("next", secs(300));
    let handshake = wire.flush_one();
    wire.outcomes();
    (wire, long, handshake)
}

#[test]
fn the_time_of_a_renewal_begins_when_what_was_sent_before_is_answered() {
    let (mut wire, long, handshake) = renewing_behind(secs(60));
    wire.pass(secs(50));
    assert_eq!(wire.reason(), None, "the broker has not come to the renewal yet");
    wire.answer_metadata(&long);
    wire.pass(secs(9));
    let request = credentials_wanted(&mut wire, &handshake);
    consent(&mut wire, &request, secs(100));
    assert_eq!(wire.flush_one().api_key, ApiKey::Metadata);
    assert!(wire.outcomes()[0].1.is_ok());

    let (mut wire, long, _) = renewing_behind(secs(60));
    wire.answer_metadata(&long);
    wire.pass(secs(10));
    assert_eq!(wire.reason(), Some(CloseReason::AuthenticationTimedOut(secs(10))));
}

#[test]
fn a_throttle_gives_a_renewal_as_much_more_time() {
    let (mut wire, long, _) = renewing_behind(secs(60));
    let answer = metadata(&[(1, "a", 9092)]).with_throttle_time_ms(70_000);
    wire.answer::<MetadataRequest>(&long, &answer);
    wire.pass(secs(79));
    assert_eq!(wire.reason(), None);
    wire.pass(secs(1));
    assert_eq!(wire.reason(), Some(CloseReason::AuthenticationTimedOut(secs(10))));

    let (mut wire, long, _) = renewing_behind(secs(60));
    wire.answer_metadata(&long);
    wire.connection.handle_throttle(secs(70), wire.now);
    wire.pass(secs(79));
    assert_eq!(wire.reason(), None, "what says so may be an answer that others read");
}

#[test]
fn sessions_that_began_together_are_renewed_apart() {
    for (jitter, renewed_after) in [(0.0, 80), (0.5, 85), (1.0, 90)] {
        let mut wire = greeted_as(jitter);
        authenticated(&mut wire, secs(100));
        let first = wire.flush_one();
        wire.answer_metadata(&first);
        wire.pass(secs(renewed_after - 1));
        wire.send("before");
        assert_eq!(wire.flush_one().api_key, ApiKey::Metadata, "{jitter}");
        wire.pass(secs(2));
        wire.send("after");
        assert_eq!(wire.flush_one().api_key, ApiKey::SaslHandshake, "{jitter}");
    }
    for renew_after in [0.95, 1.0] {
        let plan = SaslPlan { renew_after, ..plan().unwrap() };
        assert_eq!(plan.part_before_renewal(0.7), renew_after, "no later than it says");
    }
}

#[test]
fn an_end_upon_the_first_request_of_a_client_that_is_known_is_no_question_of_authentication() {
    let mut wire = greeted();
    authenticated(&mut wire, Duration::ZERO);
    wire.flush_one();
    wire.connection.handle_end(wire.now);
    assert_eq!(wire.reason(), Some(CloseReason::Ended));
}

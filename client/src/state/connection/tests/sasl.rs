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
    let mut wire = Wire::connecting_with(plan());
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
    assert!(wire.connection.poll_work().is_none());
    wire.answer::<SaslHandshakeRequest>(&request, &SaslHandshakeResponse::default());
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
    let millis = i64::try_from(lifetime.as_millis()).unwrap();
    let consent = SaslAuthenticateResponse::default().with_session_lifetime_ms(millis);
    wire.answer::<SaslAuthenticateRequest>(&request, &consent);
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

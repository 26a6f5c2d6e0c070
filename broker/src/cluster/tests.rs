//! Requests and their answers without a socket.

mod epochs;
mod fetch;
mod produce;
mod replicas;
mod sessions;
mod topic_ids;
mod topics;

use std::time::Duration;

use kavka_protocol::{
    ApiKey, CorrelationId, ErrorCode, SPOKEN, VersionTable, decode_api_versions, encode_request,
    messages::{
        ApiVersionsRequest, FindCoordinatorRequest, InitProducerIdRequest, MetadataRequest,
        TransactionalId,
    },
};

use super::*;
use crate::testing::{World, api_versions};

#[test]
fn everything_spoken_is_served_and_advertised() {
    for version in 0..=4 {
        let mut world = World::new(1);
        let table = VersionTable::negotiate(&world.ask(&api_versions(), version));
        // It believes everybody, and offers no way to say who one is.
        let sasl = [ApiKey::SaslAuthenticate, ApiKey::SaslHandshake];
        for (api, versions) in SPOKEN.iter().filter(|(api, _)| !sasl.contains(api)) {
            assert_eq!(table.version_of(*api), Ok(versions.max), "{api:?}");
        }
    }
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let mut world = World::new(1);
    world.cluster.script.cap(ApiKey::ApiVersions, 2);
    let answer = world.ask_bytes(&api_versions(), 4);
    let response = decode_api_versions(answer, 4).unwrap();
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
    assert_eq!(world.settle_api_versions(), 2);
}

#[test]
fn a_client_that_does_not_say_properly_who_it_is_is_told_nothing() {
    for (name, version) in [
        ("", ""),
        ("kavka", ""),
        ("", "1.0"),
        ("-kavka", "1.0"),
        ("kavka", "1.0."),
        ("ka vka", "1"),
    ] {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(name.to_owned().into())
            .with_client_software_version(version.to_owned().into());
        for (spoken, expected) in [(3, Some(ErrorCode::InvalidRequest)), (2, None)] {
            let answer = World::new(1).ask(&request, spoken);
            assert_eq!(ErrorCode::from_code(answer.error_code), expected, "{name:?} {version:?}");
            assert_eq!(answer.api_keys.is_empty(), expected.is_some());
        }
    }
    for (name, version) in [("k", "1"), ("apache-kafka-java", "4.3.1"), ("a.-b", "0-rc.1")] {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(name.to_owned().into())
            .with_client_software_version(version.to_owned().into());
        assert_eq!(World::new(1).ask(&request, 4).error_code, 0, "{name:?} {version:?}");
    }
}

#[test]
fn a_capped_api_is_advertised_and_served_up_to_the_cap() {
    let mut world = World::new(1);
    world.cluster.script.cap(ApiKey::Metadata, 5);
    world.cluster.script.cap(ApiKey::InitProducerId, -1);
    let table = VersionTable::negotiate(&world.ask(&api_versions(), 3));
    assert_eq!(table.version_of(ApiKey::Metadata), Ok(5));
    assert_eq!(table.version_of(ApiKey::InitProducerId).unwrap_err().theirs, None);
    world.ask(&MetadataRequest::default(), 5);
    let frame = encode_request(&MetadataRequest::default(), 6, CorrelationId(1), "test").unwrap();
    let refused = world.send(&frame).unwrap_err();
    assert!(matches!(refused, HandleError::Version { api: ApiKey::Metadata, version: 6 }));
}

#[test]
fn an_api_that_is_not_served_ends_the_connection() {
    let frame =
        encode_request(&FindCoordinatorRequest::default(), 4, CorrelationId(1), "test").unwrap();
    let refused = World::new(1).send(&frame).unwrap_err();
    assert_eq!(refused.to_string(), "unsupported: FindCoordinator version=4");
}

fn without_transactions() -> InitProducerIdRequest {
    InitProducerIdRequest::default().with_transactional_id(None)
}

#[test]
fn producer_ids_are_never_handed_out_twice() {
    for version in 0..=5 {
        let mut world = World::new(1);
        let first = world.ask(&without_transactions(), version);
        let second = world.ask(&without_transactions(), version);
        assert_eq!((first.error_code, first.producer_epoch), (0, 0));
        assert_ne!(first.producer_id, second.producer_id);
    }
}

#[test]
fn a_transactional_id_is_refused() {
    for id in ["tx", ""] {
        let id = TransactionalId(id.to_owned().into());
        let request = InitProducerIdRequest::default().with_transactional_id(Some(id));
        let answer = World::new(1).ask(&request, 5);
        assert_eq!(answer.error_code, ErrorCode::InvalidRequest.code());
        assert_eq!(answer.producer_id.0, -1);
    }
}

#[test]
fn the_script_fails_as_many_requests_as_it_says() {
    let mut world = World::new(1);
    world.cluster.script.fail(ApiKey::InitProducerId, ErrorCode::ConcurrentTransactions, 2);
    let codes = [51, 51, 0].map(|_| world.ask(&without_transactions(), 4).error_code);
    assert_eq!(codes, [51, 51, 0]);
    assert_eq!(world.cluster.script.received(ApiKey::InitProducerId), 3);
    assert_eq!(world.cluster.script.received(ApiKey::Fetch), 0);
}

#[test]
fn the_script_delays_an_answer() {
    let mut world = World::new(1);
    let delay = Duration::from_secs(3);
    world.cluster.script.delay(ApiKey::InitProducerId, delay);
    let request = without_transactions();
    let frame = encode_request(&request, 4, CorrelationId(1), "test").unwrap();
    for expected in [delay, Duration::ZERO] {
        let step = world.send(&frame).unwrap();
        assert!(matches!(step, Step::Reply { delay, .. } if delay == expected));
    }
}

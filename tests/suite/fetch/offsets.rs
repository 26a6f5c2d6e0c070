//! Offsets that only newer brokers can be asked for.

use kavka_client::protocol::ApiKey;
use kavka_client::{Client, ErrorKind, OffsetSpec};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::world::{World, properties, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::conversation(
        "fetch::offsets::a_broker_that_is_too_old_for_a_question_is_named",
        a_broker_that_is_too_old_for_a_question_is_named,
    )]
}

/// The broker has no tiered storage, as Kafka is by default.
async fn a_broker_that_is_too_old_for_a_question_is_named() {
    let world = World::start(1, 1).await;
    for (spec, since, expected) in [
        (OffsetSpec::MaxTimestamp, 7, None),
        (OffsetSpec::EarliestLocal, 8, Some(0)),
        (OffsetSpec::LatestTiered, 9, None),
        (OffsetSpec::EarliestPendingUpload, 11, None),
    ] {
        world.broker.control().api_versions(ApiKey::ListOffsets, since);
        let client = Client::connect(properties(&world.broker)).await.unwrap();
        let listed = client.list_offsets(&[(tp(0), spec)]).await.unwrap();
        assert_eq!(listed[0].offset, expected, "{spec:?}");
        world.broker.control().api_versions(ApiKey::ListOffsets, since - 1);
        let client = Client::connect(properties(&world.broker)).await.unwrap();
        let error = client.list_offsets(&[(tp(0), spec)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let spoken = format!("speaks ListOffsets only up to version {}", since - 1);
        for part in [&*world.broker.bootstrap_servers(), &*spoken] {
            assert!(error.to_string().contains(part), "{part} in {error}");
        }
    }
}

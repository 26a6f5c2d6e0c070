//! Reading from replicas (KIP-392).

use kavka_protocol::{
    BrokerId, ErrorCode, FetchResponse, FetchedPartition, StrBytes, TopicPartition,
    messages::{FetchRequest, MetadataRequest},
};

use crate::{
    BrokerConfig,
    testing::{World, batch, create, fetch, offsets},
};

/// Nodes 1 to 3 in the racks a, b and c; node 1 leads, node 2 has a copy of five records.
fn world() -> World {
    let racks = ["a", "b", "c"].map(str::to_owned).to_vec();
    let mut world = World::with(BrokerConfig { nodes: 3, racks, ..BrokerConfig::default() });
    let mut request = create("orders", 1, &[]);
    request.topics[0].replication_factor = 2;
    world.ask(&request, 7);
    world.produce(&TopicPartition::new("orders", 0), batch(5));
    world
}

fn from(rack: &'static str) -> FetchRequest {
    fetch(&[("orders", 0, 2)]).with_rack_id(StrBytes::from_static_str(rack))
}

fn ask(world: &mut World, node: i32, request: &FetchRequest, version: i16) -> FetchedPartition {
    world.node = BrokerId(node);
    world.fetch(request, version).remove(0)
}

#[test]
fn metadata_says_the_racks() {
    let brokers = world().ask(&MetadataRequest::default(), 12).brokers;
    let racks: Vec<_> = brokers.iter().map(|broker| broker.rack.as_deref()).collect();
    assert_eq!(racks, [Some("a"), Some("b"), Some("c")]);
    assert_eq!(World::new(1).ask(&MetadataRequest::default(), 12).brokers[0].rack, None);
}

#[test]
fn the_leader_sends_readers_to_the_replica_in_their_rack_and_gives_no_records() {
    for (rack, named) in [("b", Some(BrokerId(2))), ("a", None), ("c", None), ("", None)] {
        let answer = ask(&mut world(), 1, &from(rack), 12);
        assert_eq!((answer.preferred_read_replica, answer.error), (named, None), "rack {rack:?}");
        assert_eq!(answer.high_watermark, Some(5));
        assert_eq!(answer.records.is_empty(), named.is_some());
    }
}

#[test]
fn the_leader_names_the_replica_also_where_a_session_has_no_other_news() {
    let mut world = world();
    let begun = world.ask_bytes(&from("b").with_session_epoch(0), 12);
    let id = FetchResponse::parse(begun, 12).unwrap().session_id();
    for epoch in [1, 2] {
        let request = fetch(&[]).with_session_id(id).with_session_epoch(epoch);
        let request = request.with_rack_id(StrBytes::from_static_str("b"));
        let named: Vec<_> =
            world.fetch(&request, 12).into_iter().map(|one| one.preferred_read_replica).collect();
        assert_eq!(named, [Some(BrokerId(2))], "request {epoch} of the session");
    }
}

#[test]
fn every_replica_serves_readers_and_names_no_other() {
    for rack in ["b", "a", ""] {
        let answer = ask(&mut world(), 2, &from(rack), 12);
        assert_eq!((answer.preferred_read_replica, answer.error), (None, None));
        assert_eq!(offsets(&answer.records), [0, 1, 2, 3, 4]);
    }
    let stranger = ask(&mut world(), 3, &from("c"), 12);
    assert_eq!(stranger.error, Some(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn before_version_11_only_the_leader_serves() {
    let answer = ask(&mut world(), 1, &from(""), 10);
    assert_eq!((answer.error, answer.preferred_read_replica), (None, None));
    let follower = ask(&mut world(), 2, &from(""), 10);
    assert_eq!(follower.error, Some(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn a_follower_fences_epochs_as_the_leader_does() {
    let mut request = from("b");
    request.topics[0].partitions[0].current_leader_epoch = 1;
    let ahead = ask(&mut world(), 2, &request, 12);
    assert_eq!(ahead.error, Some(ErrorCode::UnknownLeaderEpoch));
}

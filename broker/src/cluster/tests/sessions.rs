//! Fetch sessions: what a request within one means, and what an answer leaves out.

use bytes::Bytes;
use kavka_protocol::{
    BrokerId, CorrelationId, ErrorCode, FetchResponse, Offset, TopicPartition, encode_request,
    messages::{FetchRequest, TopicName, fetch_request::ForgottenTopic},
};

use crate::testing::{World, answer, batch, batch_of_size, create, fetch, offsets, parked};

const NEWEST: i16 = 12;

fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

/// A topic of three partitions with two records in each, and a session that has been told of them.
struct Session {
    world: World,
    id: i32,
}

/// The session's id, the error of the whole, and the partitions with their offsets.
type Answer = (i32, Option<ErrorCode>, Vec<(i32, Vec<Offset>)>);

impl Session {
    fn begin() -> Self {
        let mut world = World::new(2);
        let mut request = create("orders", 3, &[]);
        request.topics[0].replication_factor = 1;
        world.ask(&request, 7);
        for partition in 0..3 {
            let log = world.cluster.partition_mut("orders", partition).unwrap();
            if log.leader() != BrokerId(1) {
                log.move_leader(BrokerId(1));
            }
            world.produce(&tp(partition), batch(2));
        }
        let request = wanting(&[0, 1, 2], 0).with_session_epoch(0);
        let (id, error, told) = read(world.ask_bytes(&request, NEWEST));
        assert_eq!(error, None);
        assert_eq!(told, [(0, vec![0, 1]), (1, vec![0, 1]), (2, vec![0, 1])]);
        assert_ne!(id, 0);
        Self { world, id }
    }

    /// The session's reader has read everything.
    fn at_the_end() -> Self {
        let mut session = Self::begin();
        let (id, error, told) = session.ask(wanting(&[0, 1, 2], 2), 1);
        assert_eq!((id, error, told), (session.id, None, vec![]));
        session
    }

    fn ask(&mut self, request: FetchRequest, epoch: i32) -> Answer {
        let request = request.with_session_id(self.id).with_session_epoch(epoch);
        read(self.world.ask_bytes(&request, NEWEST))
    }
}

fn wanting(partitions: &[i32], offset: Offset) -> FetchRequest {
    let positions: Vec<_> = partitions.iter().map(|index| ("orders", *index, offset)).collect();
    fetch(&positions).with_max_wait_ms(0)
}

fn forgetting(partitions: &[i32]) -> FetchRequest {
    let topic = ForgottenTopic::default().with_topic(TopicName("orders".to_owned().into()));
    wanting(&[], 0).with_forgotten_topics_data(vec![topic.with_partitions(partitions.to_vec())])
}

fn read(answer: Bytes) -> Answer {
    let response = FetchResponse::parse(answer, NEWEST).unwrap();
    let partitions = response.partitions().map(|partition| {
        let partition = partition.unwrap();
        (partition.partition, offsets(&partition.records))
    });
    (response.session_id(), response.error(), partitions.collect())
}

#[test]
fn an_answer_within_a_session_names_only_what_is_news() {
    let mut session = Session::at_the_end();
    session.world.produce(&tp(1), batch(3));
    let (_, _, told) = session.ask(wanting(&[], 0), 2);
    assert_eq!(told, [(1, vec![2, 3, 4])]);
    let (_, _, told) = session.ask(wanting(&[1], 5), 3);
    assert_eq!(told, [], "the reader knows that the log ends there");
    session.world.cluster.partition_mut("orders", 0).unwrap().log.delete_before(1);
    let (_, _, told) = session.ask(wanting(&[], 0), 4);
    assert_eq!(told, [(0, vec![])], "the log begins elsewhere");
    assert_eq!(session.ask(wanting(&[], 0), 5).2, []);
}

#[test]
fn what_a_request_names_is_added_or_moved_and_what_it_forgets_is_gone() {
    let mut session = Session::at_the_end();
    let (_, _, told) = session.ask(wanting(&[2], 1), 2);
    assert_eq!(told, [(2, vec![0, 1])], "the batch that holds the new position");
    assert_eq!(session.ask(wanting(&[2], 2), 3).2, []);
    assert_eq!(session.ask(forgetting(&[2]), 4).2, []);
    session.world.produce(&tp(2), batch(1));
    assert_eq!(session.ask(wanting(&[], 0), 5).2, []);
    assert_eq!(session.ask(wanting(&[2], 2), 6).2, [(2, vec![2])]);
}

#[test]
fn an_error_is_repeated_until_it_is_gone_and_then_the_partition_is_told_again() {
    let mut session = Session::at_the_end();
    let partition = |session: &mut Session, leader| {
        let partition = session.world.cluster.partition_mut("orders", 1).unwrap();
        partition.move_leader(BrokerId(leader));
    };
    partition(&mut session, 2);
    assert_eq!(session.ask(wanting(&[], 0), 2).2, [(1, vec![])]);
    assert_eq!(session.ask(wanting(&[], 0), 3).2, [(1, vec![])]);
    partition(&mut session, 1);
    assert_eq!(session.ask(wanting(&[], 0), 4).2, [(1, vec![])]);
    assert_eq!(session.ask(wanting(&[], 0), 5).2, []);
}

#[test]
fn an_end_that_has_moved_is_told_once_also_without_records() {
    let mut session = Session::at_the_end();
    for partition in [0, 1] {
        session.world.produce(&tp(partition), batch_of_size(1000));
    }
    let small = wanting(&[], 0).with_max_bytes(1000);
    assert_eq!(session.ask(small.clone(), 2).2, [(0, vec![2]), (1, vec![])]);
    assert_eq!(session.ask(small, 3).2, [(1, vec![2])], "partition 0 has had its turn");
}

#[test]
fn what_gave_records_comes_last_the_next_time() {
    let mut session = Session::at_the_end();
    for partition in 0..3 {
        session.world.produce(&tp(partition), batch_of_size(1000));
        session.world.produce(&tp(partition), batch_of_size(1000));
    }
    let small = wanting(&[], 0).with_max_bytes(1000);
    let served = [2, 3, 4, 5].map(|epoch| session.ask(small.clone(), epoch).2[0].0);
    assert_eq!(served, [0, 1, 2, 0]);
}

#[test]
fn what_the_node_does_not_know_comes_last_with_a_session_and_without() {
    for epoch in [-1, 0] {
        let mut session = Session::at_the_end();
        let (_, _, told) = session.ask(wanting(&[9, 0, 8, 2], 0), epoch);
        let told: Vec<_> = told.into_iter().map(|(partition, _)| partition).collect();
        assert_eq!(told, [0, 2, 9, 8], "{epoch}");
    }
    let mut session = Session::at_the_end();
    session.ask(wanting(&[9, 2], 2), 2);
    session.ask(forgetting(&[2]), 3);
    session.ask(wanting(&[2], 2), 4);
    session.world.produce(&tp(2), batch(1));
    assert_eq!(session.ask(wanting(&[], 0), 5).2, [(2, vec![2]), (9, vec![])]);
}

#[test]
fn a_session_remembers_partitions_in_the_order_of_its_first_answer() {
    let mut session = Session::at_the_end();
    let (id, _, told) = session.ask(wanting(&[3, 0], 2), 0);
    assert_eq!(told, [(0, vec![]), (3, vec![])], "there is no partition 3");
    session.id = id;
    session.world.cluster.add_partitions("orders", 4);
    session.world.cluster.partition_mut("orders", 3).unwrap().move_leader(BrokerId(1));
    for partition in [0, 3] {
        session.world.produce(&tp(partition), batch(3));
    }
    let told = session.ask(wanting(&[3], 0), 1).2;
    assert_eq!(told, [(0, vec![2, 3, 4]), (3, vec![0, 1, 2])]);
}

#[test]
fn a_request_out_of_turn_or_of_no_session_is_refused() {
    let mut session = Session::at_the_end();
    let out_of_turn = Some(ErrorCode::InvalidFetchSessionEpoch);
    for epoch in [1, 3, -2, i32::MAX] {
        let answer = session.ask(wanting(&[], 0), epoch);
        assert_eq!(answer, (0, out_of_turn, vec![]), "{epoch}");
    }
    assert_eq!(session.ask(wanting(&[], 0), 2), (session.id, None, vec![]));
    session.id += 1;
    let unknown = Some(ErrorCode::FetchSessionIdNotFound);
    assert_eq!(session.ask(wanting(&[], 0), 3), (0, unknown, vec![]));
}

#[test]
fn a_session_ends_when_its_reader_wants_that_or_nothing_any_more() {
    let unknown = Some(ErrorCode::FetchSessionIdNotFound);
    for (what, last, epoch) in [
        ("no session", wanting(&[0], 2), -1),
        ("nothing", forgetting(&[0, 1, 2]), 2),
        ("another session", wanting(&[0], 2), 0),
    ] {
        let mut session = Session::at_the_end();
        let (next, error, _) = session.ask(last, epoch);
        assert_eq!((next == 0, error), (epoch != 0, None), "{what}");
        assert_ne!(next, session.id, "{what}");
        for epoch in [1, 2, 3] {
            assert_eq!(session.ask(wanting(&[], 0), epoch).1, unknown, "{what}");
        }
    }
}

#[test]
fn a_request_that_waits_within_a_session_is_taken_in_once() {
    let mut session = Session::at_the_end();
    let patient = fetch(&[]).with_session_id(session.id).with_session_epoch(2);
    let frame = encode_request(&patient, NEWEST, CorrelationId(5), "test").unwrap();
    let waiting = parked(session.world.send(&frame).unwrap());
    let waiting = parked(session.world.resume(waiting));
    session.world.produce(&tp(2), batch(1));
    let answer = read(answer(session.world.resume(waiting)));
    assert_eq!(answer, (session.id, None, vec![(2, vec![2])]));
    assert_eq!(session.ask(wanting(&[2], 3), 3).1, None);
}

#[test]
fn versions_before_sessions_have_none() {
    for version in [4, 6] {
        let mut world = World::with_topic("orders");
        world.produce(&tp(0), batch(1));
        let partitions = world.fetch(&wanting(&[0], 0), version);
        assert_eq!(offsets(&partitions[0].records), [0]);
        assert_eq!(world.fetch(&wanting(&[0], 1), version).len(), 1, "told although it is no news");
    }
}

use super::*;
use crate::testing::fetch;

const NODE: BrokerId = BrokerId(1);
const VERSION: i16 = FIRST_WITH_IDS - 1;

/// A request for so many partitions and a session.
fn full(partitions: i32) -> FetchRequest {
    let positions: Vec<_> = (0..partitions).map(|partition| ("orders", partition, 0)).collect();
    fetch(&positions).with_session_epoch(INITIAL_EPOCH)
}

/// The id of the session that begins with a request for so many partitions.
fn begin(sessions: &mut FetchSessions, node: BrokerId, partitions: i32, now: Instant) -> SessionId {
    let context = sessions.open(node, VERSION, &full(partitions), now).unwrap();
    let answers = vec![PartitionAnswer::default(); context.wanted.len()];
    sessions.close(node, context, answers, now).0
}

fn proceed(
    sessions: &mut FetchSessions,
    id: SessionId,
    epoch: i32,
    now: Instant,
) -> Result<(), ErrorCode> {
    let request = fetch(&[]).with_session_id(id).with_session_epoch(epoch);
    sessions.open(NODE, VERSION, &request, now).map(drop)
}

#[test]
fn a_session_is_known_to_its_node_only() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    let id = begin(&mut sessions, BrokerId(2), 1, now);
    assert_ne!(id, NO_SESSION);
    let unknown = Err(ErrorCode::FetchSessionIdNotFound);
    assert_eq!(proceed(&mut sessions, id, 1, now), unknown);
    sessions.open(NODE, VERSION, &full(1).with_session_id(id), now).unwrap();
    assert!(sessions.sessions.contains_key(&id), "node 1 cannot end it either");
}

#[test]
fn a_node_without_room_keeps_the_sessions_it_has() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    sessions.limit(2);
    let first = begin(&mut sessions, NODE, 1, now);
    let second = begin(&mut sessions, NODE, 9, now);
    assert_eq!(begin(&mut sessions, NODE, 99, now), NO_SESSION);
    assert_ne!(begin(&mut sessions, BrokerId(2), 1, now), NO_SESSION, "another node has room");
    assert_eq!([first, second].map(|id| proceed(&mut sessions, id, 1, now)), [Ok(()); 2]);
}

#[test]
fn a_session_nobody_uses_makes_room() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    sessions.limit(2);
    let quiet = begin(&mut sessions, NODE, 9, now);
    let busy = begin(&mut sessions, NODE, 1, now);
    proceed(&mut sessions, busy, 1, now + Duration::from_secs(1)).unwrap();
    assert_eq!(begin(&mut sessions, NODE, 1, now + EVICTION), NO_SESSION);
    let late = now + EVICTION + Duration::from_millis(1);
    assert_ne!(begin(&mut sessions, NODE, 1, late), NO_SESSION);
    assert_eq!(proceed(&mut sessions, quiet, 1, late), Err(ErrorCode::FetchSessionIdNotFound));
    assert_eq!(proceed(&mut sessions, busy, 2, late), Ok(()));
}

#[test]
fn a_larger_session_takes_the_place_of_a_smaller_one_that_is_not_young() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    sessions.limit(2);
    let small = begin(&mut sessions, NODE, 2, now);
    let large = begin(&mut sessions, NODE, 5, now);
    let late = now + EVICTION + Duration::from_millis(1);
    for id in [small, large] {
        proceed(&mut sessions, id, 1, now + EVICTION).unwrap();
    }
    assert_eq!(begin(&mut sessions, NODE, 3, late), NO_SESSION, "both were young when last used");
    for id in [small, large] {
        proceed(&mut sessions, id, 2, late).unwrap();
    }
    assert_eq!(begin(&mut sessions, NODE, 2, late), NO_SESSION, "no larger than the smallest");
    assert_ne!(begin(&mut sessions, NODE, 3, late), NO_SESSION);
    assert_eq!(proceed(&mut sessions, small, 3, late), Err(ErrorCode::FetchSessionIdNotFound));
    assert_eq!(proceed(&mut sessions, large, 3, late), Ok(()));
}

#[test]
fn the_number_after_the_greatest_is_1() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    let id = begin(&mut sessions, NODE, 1, now);
    sessions.sessions.get_mut(&id).unwrap().epoch = i32::MAX;
    assert_eq!(proceed(&mut sessions, id, i32::MAX, now), Ok(()));
    assert_eq!(proceed(&mut sessions, id, 1, now), Ok(()));
}

#[test]
fn a_session_has_names_or_ids_and_never_both() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    let id = begin(&mut sessions, NODE, 1, now);
    let request = fetch(&[]).with_session_id(id).with_session_epoch(1);
    let mixed = sessions.open(NODE, FIRST_WITH_IDS, &request, now).map(drop);
    assert_eq!(mixed, Err(ErrorCode::FetchSessionTopicIdError));
    assert_eq!(proceed(&mut sessions, id, 1, now), Ok(()));
}

#[test]
fn fewer_slots_end_sessions_at_once() {
    let (mut sessions, now) = (FetchSessions::default(), Instant::now());
    let id = begin(&mut sessions, NODE, 1, now);
    sessions.limit(0);
    assert_eq!(proceed(&mut sessions, id, 1, now), Err(ErrorCode::FetchSessionIdNotFound));
    assert_eq!(begin(&mut sessions, NODE, 1, now), NO_SESSION);
}

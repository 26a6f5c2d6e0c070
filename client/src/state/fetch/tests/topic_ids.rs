//! Topics that are deleted and created again under the same name (KIP-516).

use uuid::Uuid;

use super::*;
use crate::error::ErrorKind;

fn id(number: u128) -> TopicId {
    TopicId(Uuid::from_u128(number))
}

/// Partition 0 of the topic with the id 1, read up to offset 10 by that id.
fn reading(properties: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(properties);
    bench.known.topic_id = Some(id(1));
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::At(0))]);
    bench.fetch();
    bench.answer(1, vec![by_id(1, 20, &[batch(0, 10)])]);
    assert_eq!(bench.deliver(), [(0, 0, 10)]);
    bench
}

fn by_id(number: u128, end: Offset, records: &[Bytes]) -> FetchedPartition {
    FetchedPartition { topic: FetchedTopic::Id(id(number)), ..fetched(0, end, records) }
}

fn recreate(bench: &mut Bench, number: u128) {
    bench.known.topic_id = Some(id(number));
    bench.lead(0, 1, 0);
    bench.metadata();
}

/// The leader says where the log begins or ends.
fn look_up(bench: &mut Bench, offset: Offset) -> End {
    let plan = bench.fetcher.poll_lookup().expect("a lookup");
    let answer = LookupAnswer { topic_partition: tp(0), offset: Ok(Some(offset)) };
    bench.fetcher.handle_lookup(&plan, Ok(vec![answer]), bench.now);
    plan.partitions[0].end
}

#[test]
fn a_partition_is_asked_for_by_the_id_of_its_topic() {
    let mut bench = reading(&[]);
    let plan = bench.fetcher.poll_fetch().unwrap();
    assert_eq!(plan.session.partitions[0].topic_id, Some(id(1)));
    assert!(plan.session.has_topic_ids);
    bench.answer(1, vec![by_id(2, 20, &[batch(10, 5)])]);
    assert_eq!(bench.deliver(), [], "nobody asked for this topic");
}

#[test]
fn a_topic_created_anew_is_begun_where_the_policy_says_and_the_application_is_told() {
    for (policy, end, to) in [("earliest", End::Earliest, 0), ("latest", End::Latest, 3)] {
        let mut bench = reading(&[("auto.offset.reset", policy)]);
        recreate(&mut bench, 2);
        assert_eq!(bench.fetch(), None);
        assert_eq!(look_up(&mut bench, to), end);
        let cause = ResetCause::Recreated;
        let reset = PositionReset { topic_partition: tp(0), from: 10, to, cause };
        assert_eq!(bench.delivery().unwrap().resets, [reset]);
        let plan = bench.fetcher.poll_fetch().unwrap();
        let asked = &plan.session.partitions[0];
        assert_eq!((asked.topic_id, asked.offset), (Some(id(2)), to));
    }
}

#[test]
fn what_was_fetched_of_the_old_topic_is_delivered_first() {
    let mut bench = reading(&[("auto.offset.reset", "earliest")]);
    bench.fetch();
    bench.answer(1, vec![by_id(1, 20, &[batch(10, 5)])]);
    bench.fetch();
    recreate(&mut bench, 2);
    bench.answer(1, vec![by_id(1, 20, &[batch(15, 5)])]);
    assert_eq!(bench.fetcher.poll_lookup(), None);
    assert_eq!(bench.deliver(), [(0, 10, 15)]);
    look_up(&mut bench, 0);
    assert_eq!(bench.delivery().unwrap().resets[0].from, 15);
}

#[test]
fn a_broker_that_does_not_know_the_id_makes_the_metadata_be_asked_anew() {
    for code in [ErrorCode::UnknownTopicId, ErrorCode::InconsistentTopicId] {
        let mut bench = reading(&[("auto.offset.reset", "earliest")]);
        bench.fetch();
        let refused = FetchedPartition { error: Some(code), ..by_id(1, 0, &[]) };
        bench.answer(1, vec![refused]);
        bench.known.topic_id = Some(id(2));
        bench.refresh();
        assert_eq!(look_up(&mut bench, 0), End::Earliest, "{code}");
    }
}

#[test]
fn without_a_policy_it_is_an_error_until_the_application_seeks() {
    let mut bench = reading(&[("auto.offset.reset", "none")]);
    recreate(&mut bench, 2);
    for _ in 0..2 {
        let error = bench.failure();
        assert_eq!(error.kind(), ErrorKind::TopicRecreated);
        assert_eq!(
            (error.place().topic_partition.clone(), error.place().offset),
            (Some(tp(0)), Some(10))
        );
        assert_eq!((bench.fetch(), bench.state(0)), (None, FetchState::Orphaned));
        bench.refresh();
    }
    bench.fetcher.seek(&tp(0), StartOffset::At(2));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 2)])));
    bench.answer(1, vec![by_id(2, 20, &[batch(2, 2)])]);
    assert_eq!(bench.deliver(), [(0, 2, 4)]);
}

#[test]
fn a_position_that_nothing_was_read_at_is_taken_as_one_in_the_new_topic() {
    let mut bench = Bench::new(&[("auto.offset.reset", "latest")]);
    bench.known.topic_id = Some(id(1));
    bench.lead(0, 1, 5);
    bench.assign([(0, StartOffset::At(4))]);
    bench.fetch();
    let unknown = FetchedPartition { error: Some(ErrorCode::UnknownTopicId), ..by_id(1, 0, &[]) };
    bench.answer(1, vec![unknown]);
    bench.known.topic_id = Some(id(2));
    bench.lead(0, 1, 0);
    bench.refresh();
    let plan = bench.fetcher.poll_fetch().unwrap();
    let asked = &plan.session.partitions[0];
    assert_eq!((asked.topic_id, asked.offset), (Some(id(2)), 4));
}

#[test]
fn where_topics_are_asked_for_by_name_the_cluster_has_to_confirm_the_id_first() {
    for (is_confirmed, expected) in [(true, None), (false, Some((1, vec![(0, 10)])))] {
        // Until then it may be another topic that was read.
        let mut bench = Bench::new(&[("auto.offset.reset", "latest")]);
        bench.known.topic_id = Some(id(1));
        bench.lead(0, 1, 5);
        bench.assign([(0, StartOffset::At(0))]);
        bench.fetch();
        bench.answer(1, vec![fetched(0, 20, &[batch_of_epoch(-1, 0, 10)])]);
        bench.deliver();
        if is_confirmed {
            bench.refresh();
        }
        recreate(&mut bench, 2);
        assert_eq!(bench.fetch(), expected, "confirmed: {is_confirmed}");
    }
}

#[test]
fn brokers_without_ids_are_asked_by_name() {
    let mut bench = Bench::reading(1, &[]);
    assert!(!bench.fetcher.poll_fetch().unwrap().session.has_topic_ids);
}

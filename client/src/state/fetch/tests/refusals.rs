//! Errors of partitions and brokers: what is tried again, where, and what the application hears.

use kavka_protocol::ProducerId;

use super::parts::transactional;
use super::*;
use crate::error::ErrorKind;

fn refuse(bench: &mut Bench, code: ErrorCode) {
    bench.fetch().expect("a fetch to refuse");
    bench.answer(1, vec![refused(0, code)]);
}

#[test]
fn every_error_code_is_retried_refreshed_or_reported() {
    use ErrorCode::*;
    for (code, refreshes, reported) in [
        (NotLeaderOrFollower, true, false),
        (FencedLeaderEpoch, true, false),
        (LeaderNotAvailable, true, false),
        (ReplicaNotAvailable, true, false),
        (UnknownTopicOrPartition, true, false),
        (KafkaStorageError, true, false),
        (UnknownLeaderEpoch, false, false),
        (OffsetNotAvailable, false, false),
        (CorruptMessage, false, true),
        (TopicAuthorizationFailed, false, true),
        (UnknownServerError, false, true),
        (Unknown(999), false, true),
    ] {
        let mut bench = Bench::reading(1, &[]);
        refuse(&mut bench, code);
        assert_eq!(bench.fetcher.poll_metadata().is_some(), refreshes, "{code}");
        assert_eq!(bench.fetch(), None, "{code}: not at once");
        assert_eq!(bench.position(0), Some(0), "{code}");
        if reported {
            let error = bench.failure();
            assert_eq!(error.kind(), ErrorKind::Broker(code));
            let at = error.place();
            assert_eq!(
                (&at.topic_partition, at.offset, at.broker),
                (&Some(tp(0)), Some(0), Some(BrokerId(1)))
            );
        } else {
            assert!(bench.delivery().is_none(), "{code}");
            bench.wait();
        }
        assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])), "{code}: asked for again");
    }
}

#[test]
fn a_leader_that_moved_is_followed_at_once() {
    let mut bench = Bench::reading(1, &[]);
    refuse(&mut bench, ErrorCode::NotLeaderOrFollower);
    bench.lead(0, 2, 6);
    bench.refresh();
    assert_eq!(bench.fetch(), Some((2, vec![(0, 0)])));
}

#[test]
fn a_broker_that_names_the_leader_saves_the_refresh_once() {
    let mut bench = Bench::reading(1, &[]);
    for is_first in [true, false] {
        bench.fetch();
        let mut partition = refused(0, ErrorCode::NotLeaderOrFollower);
        partition.current_leader = Some((BrokerId(2), LeaderEpoch(6)));
        bench.answer(1, vec![partition]);
        let (topic_partition, leader, epoch) = (tp(0), BrokerId(2), LeaderEpoch(6));
        let hint = LeaderHint { topic_partition, topic_id: None, leader, epoch };
        assert_eq!(bench.fetcher.poll_leader_hint(), is_first.then_some(hint));
        assert_eq!(bench.fetcher.poll_metadata().is_some(), !is_first);
        bench.wait();
    }
}

#[test]
fn refusals_in_a_row_wait_longer_and_refresh_in_the_end() {
    let mut bench = Bench::reading(1, &[]);
    let mut waits = Vec::new();
    for _ in 0..6 {
        refuse(&mut bench, ErrorCode::UnknownLeaderEpoch);
        waits.push(bench.wait().as_millis());
    }
    assert_about(&waits, &[100, 200, 400, 800, 1000, 1000]);
    assert!(bench.fetcher.poll_metadata().is_some(), "perhaps somebody else leads it");
}

#[test]
fn partitions_that_were_refused_together_are_asked_for_together() {
    let mut bench = Bench::reading(3, &[]);
    bench.fetch();
    let refused_all = (0..3).map(|partition| refused(partition, ErrorCode::OffsetNotAvailable));
    bench.answer(1, refused_all.collect());
    assert_eq!(bench.fetch(), None);
    bench.wait();
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0), (1, 0), (2, 0)])));
}

#[test]
fn success_ends_the_row_of_refusals() {
    let mut bench = Bench::reading(1, &[]);
    for records in [vec![batch(0, 1)], vec![], vec![batch(1, 1)]] {
        refuse(&mut bench, ErrorCode::OffsetNotAvailable);
        assert_about(&[bench.wait().as_millis()], &[100]);
        bench.fetch();
        bench.answer(1, vec![fetched(0, 9, &records)]);
    }
}

#[test]
fn one_refused_partition_does_not_stop_the_others() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    bench.answer(
        1,
        vec![refused(0, ErrorCode::TopicAuthorizationFailed), fetched(1, 9, &[batch(0, 1)])],
    );
    assert_eq!(bench.fetch(), Some((1, vec![(1, 1)])));
    bench.failure();
    assert_eq!(bench.deliver(), [(1, 0, 1)]);
}

#[test]
fn a_failure_is_told_after_the_data_before_it() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4)])]);
    refuse(&mut bench, ErrorCode::TopicAuthorizationFailed);
    assert_eq!(bench.deliver(), [(0, 0, 4)]);
    assert_eq!(bench.failure().place().offset, Some(4));
}

#[test]
fn damaged_bytes_are_an_error_with_the_place_and_the_position_stays() {
    let mut damaged = BytesMut::from(&batch(4, 1)[..]);
    damaged[16] = 77;
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    bench.answer(1, vec![fetched(0, 9, &[batch(0, 4), damaged.freeze(), batch(5, 1)])]);
    assert_eq!(bench.deliver(), [(0, 0, 4)], "what came before is not lost");
    let error = bench.failure();
    assert_eq!(error.kind(), ErrorKind::CorruptData);
    assert_eq!(
        (error.place().topic_partition.clone(), error.place().offset),
        (Some(tp(0)), Some(4))
    );
    assert_eq!(bench.position(0), Some(4));
    assert_eq!(bench.fetch(), Some((1, vec![(0, 4)])), "the next poll may find it repaired");
}

#[test]
fn a_damaged_marker_of_an_aborted_transaction_is_an_error_as_long_as_it_matters() {
    let mut marker = transactional(7, 1).to_vec();
    marker[22] |= 0x20; // control: not what its checksum says
    let log = [batch(0, 4), transactional(4, 3), marker.into(), batch(8, 1)];
    let aborted = AbortedTransactions::from_iter([(ProducerId(7), 4)]);
    for (isolation, whole) in [("read_committed", false), ("read_uncommitted", true)] {
        let mut bench = Bench::reading(1, &[("isolation.level", isolation)]);
        bench.fetch();
        let aborted_transactions = aborted.clone();
        bench.answer(1, vec![FetchedPartition { aborted_transactions, ..fetched(0, 9, &log) }]);
        if whole {
            assert_eq!(bench.deliver(), [(0, 0, 9)]);
            continue;
        }
        assert_eq!(bench.deliver(), [(0, 0, 7)]);
        let error = bench.failure();
        assert_eq!((error.kind(), error.place().offset), (ErrorKind::CorruptData, Some(7)));
        assert_eq!(bench.fetch(), Some((1, vec![(0, 7)])), "and the position stays");
    }
}

#[test]
fn a_seek_past_a_failure_takes_it_back() {
    let mut bench = Bench::reading(1, &[]);
    refuse(&mut bench, ErrorCode::TopicAuthorizationFailed);
    bench.fetcher.seek(&tp(0), StartOffset::At(6));
    assert!(bench.delivery().is_none());
    assert_eq!(bench.fetch(), Some((1, vec![(0, 6)])));
}

#[test]
fn bytes_without_a_whole_batch_are_asked_for_again_but_not_for_ever_at_once() {
    let mut bench = Bench::reading(1, &[]);
    let mut waits = 0;
    for _ in 0..5 {
        while bench.fetch().is_none() {
            bench.wait();
            waits += 1;
        }
        bench.answer(1, vec![fetched(0, 9, &[batch(0, 1).slice(..50)])]);
        assert!(bench.delivery().is_none());
    }
    assert_eq!(waits, 3);
}

#[test]
fn a_broker_that_fails_is_asked_again_later_and_the_metadata_refreshed() {
    let mut bench = Bench::reading(1, &[]);
    let mut waits = Vec::new();
    for _ in 0..5 {
        bench.fetch().unwrap();
        let lost = Error::new(ErrorKind::ConnectionLost, "reset by peer");
        bench.fetcher.handle_fetch(BrokerId(1), Err(lost), bench.now);
        bench.refresh();
        assert!(bench.delivery().is_none(), "handled inside");
        waits.push(bench.wait().as_millis());
    }
    assert_about(&waits, &[100, 200, 400, 800, 1000]);
}

#[test]
fn the_partitions_of_a_failed_broker_go_to_their_new_leader_at_once() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    let lost = Error::new(ErrorKind::Unreachable, "refused");
    bench.fetcher.handle_fetch(BrokerId(1), Err(lost), bench.now);
    bench.lead(1, 2, 6);
    bench.refresh();
    assert_eq!(bench.fetch(), Some((2, vec![(1, 0)])));
    assert_eq!(bench.fetch(), None, "broker 1 rests");
}

#[test]
fn a_broker_failure_that_time_will_not_mend_is_told() {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let error = Error::new(ErrorKind::NotKafka, "an HTTP server");
    bench.fetcher.handle_fetch(BrokerId(1), Err(error), bench.now);
    let error = bench.failure();
    assert_eq!((error.kind(), error.place().broker), (ErrorKind::NotKafka, Some(BrokerId(1))));
}

#[test]
fn a_partition_without_leader_is_waited_for() {
    let mut bench = Bench::reading(1, &[]);
    bench.known.leaders.insert(tp(0), Leadership::Leaderless);
    bench.metadata();
    for _ in 0..3 {
        assert_eq!((bench.fetch(), bench.state(0)), (None, FetchState::NoLeader));
        bench.wait();
        bench.refresh();
    }
    assert!(bench.delivery().is_none());
    bench.lead(0, 3, 9);
    bench.metadata();
    assert_eq!(bench.fetch(), Some((3, vec![(0, 0)])));
}

#[test]
fn a_topic_that_stays_missing_is_gone_and_one_that_was_just_made_is_not() {
    for (part, kind) in [
        (MissingPart::Topic, ErrorKind::UnknownTopic),
        (MissingPart::Partition, ErrorKind::UnknownPartition),
    ] {
        let mut bench = Bench::reading(1, &[]);
        bench.known.leaders.insert(tp(0), Leadership::Missing(part));
        bench.metadata();
        let mut waited = Duration::ZERO;
        while bench.state(0) != FetchState::Failed {
            assert!(bench.delivery().is_none());
            waited += bench.wait();
            bench.refresh();
        }
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
        let error = bench.failure();
        assert_eq!((error.kind(), error.place().topic_partition.clone()), (kind, Some(tp(0))));
        while bench.fetcher.poll_timeout().is_some() {
            bench.wait();
        }
        bench.refresh();
    }
}

#[test]
fn metadata_that_comes_more_often_does_not_make_a_topic_gone_sooner() {
    let mut bench = Bench::reading(1, &[]);
    bench.known.leaders.insert(tp(0), Leadership::Missing(MissingPart::Topic));
    for _ in 0..50 {
        bench.metadata();
    }
    assert!(bench.delivery().is_none());
}

#[test]
fn a_topic_that_the_cluster_does_not_tell_about_is_an_error() {
    let refused = ErrorCode::TopicAuthorizationFailed;
    let mut bench = Bench::reading(1, &[]);
    bench.known.leaders.insert(tp(0), Leadership::Refused(refused));
    bench.metadata();
    let error = bench.failure();
    assert_eq!(
        (error.kind(), error.place().topic_partition.clone()),
        (ErrorKind::Broker(refused), Some(tp(0)))
    );
}

#[test]
fn what_is_known_already_is_looked_at_before_the_cluster_is_asked() {
    let mut bench = Bench::new(&[]);
    bench.fetcher.assign(vec![(tp(0), StartOffset::At(0))]);
    assert_eq!(bench.fetcher.poll_metadata(), Some(MetadataNeed::Known));
    assert_eq!(bench.fetcher.poll_metadata(), None);
    bench.metadata();
    bench.lead(0, 1, 5);
    bench.refresh();
    assert_eq!(bench.fetch(), Some((1, vec![(0, 0)])));
    bench.fetcher.assign(vec![(tp(0), StartOffset::At(0))]);
    assert_eq!(bench.fetcher.poll_metadata(), Some(MetadataNeed::Known));
    bench.metadata();
    assert_eq!(bench.fetcher.poll_metadata(), None);
}

#[test]
fn there_is_one_request_for_metadata_at_a_time() {
    let mut bench = Bench::new(&[]);
    bench.fetcher.assign(vec![(tp(0), StartOffset::At(0))]);
    bench.metadata();
    assert_eq!(bench.fetcher.poll_metadata(), Some(MetadataNeed::Fresh));
    bench.metadata();
    assert_eq!(bench.fetcher.poll_metadata(), None);
}

//! ListOffsets as it goes over the wire: questions about partitions, and what their leaders say.

use std::time::Duration;

use kavka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kavka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kavka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use kavka_protocol::{ErrorCode, IsolationLevel, LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::network::{by_topic, topic_name, wire_isolation, wire_millis};
use crate::topic::OffsetSpec;

/// What is asked about one partition.
pub(crate) struct Question<'q> {
    pub(crate) topic_partition: &'q TopicPartition,
    /// That of the leader who is asked.
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) spec: OffsetSpec,
}

/// What a leader says about one partition.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer<'r> {
    pub(crate) topic: &'r str,
    pub(crate) partition: i32,
    pub(crate) found: Result<Found, ErrorCode>,
}

/// The place that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// `None` when no record is at or after the time asked for.
    pub(crate) offset: Option<Offset>,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

/// The request, and the least version that can express it. Under `ReadCommitted` the end of a partition
/// is its last stable offset, otherwise its high watermark.
pub(crate) fn request<'q>(
    questions: impl IntoIterator<Item = Question<'q>>,
    isolation: IsolationLevel,
    timeout: Duration,
) -> (ListOffsetsRequest, i16) {
    let mut least_version = match isolation {
        IsolationLevel::ReadUncommitted => 0,
        IsolationLevel::ReadCommitted => LAST_STABLE_OFFSET_VERSION,
    };
    let partitions =
        questions.into_iter().map(|Question { topic_partition, leader_epoch, spec }| {
            least_version = least_version.max(spec_version(spec));
            let partition = ListOffsetsPartition::default()
                .with_partition_index(topic_partition.partition)
                .with_current_leader_epoch(LeaderEpoch::to_wire(leader_epoch))
                .with_timestamp(wire_timestamp(spec));
            (&*topic_partition.topic, partition)
        });
    let topics = by_topic(partitions).into_iter().map(|(topic, partitions)| {
        ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(partitions)
    });
    let request = ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(wire_isolation(isolation))
        .with_timeout_ms(wire_millis(timeout))
        .with_topics(topics.collect());
    (request, least_version)
}

/// What the leader says about each partition, in its order.
pub(crate) fn answers(response: &ListOffsetsResponse) -> impl Iterator<Item = Answer<'_>> {
    response.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|answer| Answer {
            topic: &topic.name.0,
            partition: answer.partition_index,
            found: ErrorCode::from_code(answer.error_code).map_or_else(|| Ok(found(answer)), Err),
        })
    })
}

fn found(answer: &ListOffsetsPartitionResponse) -> Found {
    Found {
        offset: Some(answer.offset).filter(|offset| *offset >= 0),
        timestamp: Some(answer.timestamp).filter(|timestamp| *timestamp >= 0),
        leader_epoch: LeaderEpoch::from_wire(answer.leader_epoch),
    }
}

/// No record is older than the epoch, and negative numbers stand for other things.
fn wire_timestamp(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Earliest => -2,
        OffsetSpec::EarliestLocal => -4,
        OffsetSpec::EarliestPendingUpload => -6,
        OffsetSpec::Latest => -1,
        OffsetSpec::LatestTiered => -5,
        OffsetSpec::Timestamp(timestamp) => timestamp.max(0),
        OffsetSpec::MaxTimestamp => -3,
    }
}

/// The first version that can ask for it: KIP-734, KIP-405, KIP-1005, KIP-1023.
fn spec_version(spec: OffsetSpec) -> i16 {
    match spec {
        OffsetSpec::Earliest | OffsetSpec::Latest | OffsetSpec::Timestamp(_) => 0,
        OffsetSpec::MaxTimestamp => 7,
        OffsetSpec::EarliestLocal => 8,
        OffsetSpec::LatestTiered => 9,
        OffsetSpec::EarliestPendingUpload => 11,
    }
}

/// The first version that knows isolation levels.
const LAST_STABLE_OFFSET_VERSION: i16 = 2;

#[cfg(test)]
mod tests {
    use kavka_protocol::messages::list_offsets_response::ListOffsetsTopicResponse;

    use super::*;

    #[test]
    fn a_question_needs_the_version_that_knows_what_it_asks_for() {
        use IsolationLevel::{ReadCommitted, ReadUncommitted};
        let orders = TopicPartition::new("orders", 3);
        for (spec, isolation, least) in [
            (OffsetSpec::Latest, ReadUncommitted, 0),
            (OffsetSpec::Latest, ReadCommitted, 2),
            (OffsetSpec::MaxTimestamp, ReadUncommitted, 7),
            (OffsetSpec::MaxTimestamp, ReadCommitted, 7),
            (OffsetSpec::EarliestLocal, ReadUncommitted, 8),
            (OffsetSpec::LatestTiered, ReadUncommitted, 9),
            (OffsetSpec::EarliestPendingUpload, ReadUncommitted, 11),
        ] {
            let leader_epoch = Some(LeaderEpoch(4));
            let question = Question { topic_partition: &orders, leader_epoch, spec };
            let (request, version) = request([question], isolation, Duration::from_secs(30));
            assert_eq!(version, least, "{spec:?} {isolation:?}");
            assert_eq!(request.isolation_level, wire_isolation(isolation));
            let asked = &request.topics[0].partitions[0];
            assert_eq!((asked.partition_index, asked.current_leader_epoch), (3, 4));
        }
    }

    #[test]
    fn a_request_needs_the_version_of_the_newest_question_in_it() {
        let orders = TopicPartition::new("orders", 3);
        let specs = [OffsetSpec::LatestTiered, OffsetSpec::MaxTimestamp, OffsetSpec::Latest];
        let questions =
            specs.map(|spec| Question { topic_partition: &orders, leader_epoch: None, spec });
        let committed = IsolationLevel::ReadCommitted;
        assert_eq!(request(questions, committed, Duration::from_secs(30)).1, 9);
    }

    #[test]
    fn negative_numbers_stand_for_nothing() {
        let partition = |index: i32, code: i16| {
            let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
            answer.with_error_code(code).with_offset(-1).with_timestamp(-1).with_leader_epoch(-1)
        };
        let topic = ListOffsetsTopicResponse::default()
            .with_name(topic_name("orders"))
            .with_partitions(vec![partition(0, 0), partition(1, 6)]);
        let response = ListOffsetsResponse::default().with_topics(vec![topic]);
        let nothing = Found { offset: None, timestamp: None, leader_epoch: None };
        let expected = [(0, Ok(nothing)), (1, Err(ErrorCode::NotLeaderOrFollower))]
            .map(|(partition, found)| Answer { topic: "orders", partition, found });
        assert_eq!(answers(&response).collect::<Vec<_>>(), expected);
    }
}

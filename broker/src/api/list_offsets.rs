//! ListOffsets (versions 1 to 11): the ends of a log, or the record at a time.

use kavka_protocol::{
    Decompressor, ErrorCode, LeaderEpoch, Offset, Timestamp,
    messages::{
        ListOffsetsRequest, ListOffsetsResponse,
        list_offsets_request::ListOffsetsPartition,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
};

use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    log::FoundRecord,
    topic::Partition,
};

/// Looks up each partition; isolation makes no difference where there are no transactions.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: ListOffsetsRequest = call.body()?;
    let mut decompressor = Decompressor::default();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let answer = |asked: &ListOffsetsPartition| {
            let listed = list(cluster, call, &topic.name, asked, &mut decompressor);
            partition(call.request.version, asked.partition_index, listed)
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        let listed = ListOffsetsTopicResponse::default().with_name(topic.name);
        topics.push(listed.with_partitions(partitions));
    }
    let response = ListOffsetsResponse::default().with_topics(topics);
    call.reply::<ListOffsetsRequest>(&response)
}

/// What was found; all absent when nothing is as late as was asked.
#[derive(Default)]
struct Listed {
    offset: Option<Offset>,
    timestamp: Option<Timestamp>,
    leader_epoch: Option<LeaderEpoch>,
}

impl From<Option<FoundRecord>> for Listed {
    fn from(found: Option<FoundRecord>) -> Self {
        found.map_or_else(Self::default, |found| Self {
            offset: Some(found.offset),
            timestamp: Some(found.timestamp),
            leader_epoch: found.leader_epoch,
        })
    }
}

fn partition(
    version: i16,
    index: i32,
    listed: Result<Listed, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match listed {
        Err(error) => answer.with_error_code(error.code()).with_offset(-1).with_timestamp(-1),
        Ok(listed) => {
            let epoch = listed.leader_epoch.filter(|_| version >= 4);
            answer
                .with_offset(listed.offset.unwrap_or(-1))
                .with_timestamp(listed.timestamp.unwrap_or(-1))
                .with_leader_epoch(LeaderEpoch::to_wire(epoch))
        }
    }
}

fn list(
    cluster: &mut Cluster,
    call: &Call<'_>,
    topic: &str,
    asked: &ListOffsetsPartition,
    decompressor: &mut Decompressor,
) -> Result<Listed, ErrorCode> {
    call.permit()?;
    let epoch = LeaderEpoch::from_wire(asked.current_leader_epoch);
    let partition = cluster.led_by(call.peer.node, topic, asked.partition_index, epoch)?;
    let log = &partition.log;
    // What was appended has been checked, except for records that only a reader decompresses.
    let corrupt = |_| ErrorCode::CorruptMessage;
    match (asked.timestamp, call.request.version) {
        (LATEST, _) => Ok(at(log.end(), Some(partition.leader_epoch))),
        (EARLIEST, _) | (EARLIEST_LOCAL, 8..) => Ok(at(log.start(), start_epoch(partition))),
        (MAX_TIMESTAMP, 7..) => Ok(log.find_max_timestamp(decompressor).map_err(corrupt)?.into()),
        // Nothing is tiered, so nothing is the latest of it, nor is anything about to be.
        (LATEST_TIERED, 9..) | (EARLIEST_PENDING_UPLOAD, 11..) => Ok(Listed::default()),
        (timestamp @ 0.., _) => {
            Ok(log.find_timestamp(timestamp, decompressor).map_err(corrupt)?.into())
        }
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

fn at(offset: Offset, leader_epoch: Option<LeaderEpoch>) -> Listed {
    Listed { offset: Some(offset), timestamp: None, leader_epoch }
}

fn start_epoch(partition: &Partition) -> Option<LeaderEpoch> {
    partition.log.start_epoch().or(Some(partition.leader_epoch))
}

/// Asks for the offset the next record will get.
const LATEST: i64 = -1;
/// Asks for the first offset that is still there.
const EARLIEST: i64 = -2;
/// Asks for the record with the greatest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
/// Asks for the first offset on the broker itself (KIP-405).
const EARLIEST_LOCAL: i64 = -4;
/// Asks for the last offset in tiered storage (KIP-1005).
const LATEST_TIERED: i64 = -5;
/// Asks for the first offset not yet in tiered storage.
const EARLIEST_PENDING_UPLOAD: i64 = -6;

//! OffsetForLeaderEpoch (versions 2 to 4, KIP-320): up to where a leader wrote.

use kavka_protocol::{
    ErrorCode, LeaderEpoch,
    messages::{
        OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        offset_for_leader_epoch_request::OffsetForLeaderPartition,
        offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
    },
};

use super::wire_code;
use crate::cluster::{Call, Cluster, HandleError, Handled};

/// Looks up each partition; only its leader knows.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: OffsetForLeaderEpochRequest = call.body()?;
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partitions.iter();
        let ends = partitions.map(|asked| end(cluster, call, &topic.topic, asked)).collect();
        let result = OffsetForLeaderTopicResult::default().with_topic(topic.topic);
        topics.push(result.with_partitions(ends));
    }
    let response = OffsetForLeaderEpochResponse::default().with_topics(topics);
    call.reply::<OffsetForLeaderEpochRequest>(&response)
}

fn end(
    cluster: &mut Cluster,
    call: &Call<'_>,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> EpochEndOffset {
    let found = find(cluster, call, topic, asked);
    let (epoch, offset) = found.unwrap_or_default().unzip();
    EpochEndOffset::default()
        .with_partition(asked.partition)
        .with_error_code(wire_code(found.err()))
        .with_leader_epoch(LeaderEpoch::to_wire(epoch))
        .with_end_offset(offset.unwrap_or(UNKNOWN_OFFSET))
}

fn find(
    cluster: &mut Cluster,
    call: &Call<'_>,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<(LeaderEpoch, i64)>, ErrorCode> {
    call.permit()?;
    let current = LeaderEpoch::from_wire(asked.current_leader_epoch);
    let partition = cluster.led_by(call.peer.node, topic, asked.partition, current)?;
    let epoch = LeaderEpoch::from_wire(asked.leader_epoch);
    Ok(epoch.and_then(|epoch| partition.end_of_epoch(epoch)))
}

/// Kafka's `UNDEFINED_EPOCH_OFFSET`.
const UNKNOWN_OFFSET: i64 = -1;

//! Fetch (versions 4 to 12) with long poll and sessions (KIP-227).

use std::time::{Duration, Instant};

use kavka_protocol::{
    ErrorCode, LeaderEpoch, Offset,
    messages::{FetchRequest, fetch_request::FetchPartition},
    server::{FetchAnswer, PartitionAnswer, encode_fetch},
};

use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    fetch_session::FetchContext,
    topic::Partition,
};

/// Answers as soon as there are enough bytes or an error, at the latest when `max_wait_ms` is over.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: FetchRequest = call.body()?;
    let (node, now) = (call.peer.node, call.now.instant);
    let opened = match call.until {
        None => cluster.fetch_sessions.open(node, &request, now),
        Some(_) => cluster.fetch_sessions.reopen(node, &request),
    };
    let context = match opened {
        Ok(context) => context,
        Err(error) => {
            return reply(call, &FetchAnswer { error: Some(error), ..FetchAnswer::default() });
        }
    };
    let until = call.until.unwrap_or_else(|| deadline(call, &request));
    let partitions = read(cluster, call, &context, &request);
    if now < until && is_too_little(&partitions, &request) {
        return Ok(Handled::Park(until));
    }
    let (session_id, partitions) = cluster.fetch_sessions.close(node, context, partitions, now);
    reply(call, &FetchAnswer { session_id, partitions, ..FetchAnswer::default() })
}

fn reply(call: &Call<'_>, answer: &FetchAnswer) -> Result<Handled, HandleError> {
    let (version, correlation_id) = (call.request.version, call.request.correlation_id);
    Ok(Handled::Reply(encode_fetch(answer, version, correlation_id)?))
}

fn deadline(call: &Call<'_>, request: &FetchRequest) -> Instant {
    let patience = u64::try_from(request.max_wait_ms).unwrap_or(0);
    call.now.instant + Duration::from_millis(patience)
}

fn is_too_little(partitions: &[PartitionAnswer], request: &FetchRequest) -> bool {
    // More than an answer may hold would never be enough.
    let enough = usize::try_from(request.min_bytes).unwrap_or(0).min(limit(request));
    let size: usize = partitions.iter().map(size_of_records).sum();
    let is_news = |one: &PartitionAnswer| one.error.is_some() || one.diverging_epoch.is_some();
    let failed = partitions.iter().any(is_news);
    size < enough && !failed && !partitions.is_empty()
}

/// How many bytes the answer may hold.
fn limit(request: &FetchRequest) -> usize {
    usize::try_from(request.max_bytes).unwrap_or(0).min(FETCH_MAX_BYTES)
}

fn size_of_records(partition: &PartitionAnswer) -> usize {
    partition.records.iter().map(bytes::Bytes::len).sum()
}

/// Reads the partitions in their order until the bytes of the request are used up.
fn read(
    cluster: &mut Cluster,
    call: &Call<'_>,
    context: &FetchContext,
    request: &FetchRequest,
) -> Vec<PartitionAnswer> {
    let mut left = limit(request);
    let mut is_first = true;
    let mut answers = Vec::with_capacity(context.wanted.len());
    for (topic, asked) in &context.wanted {
        let answer = read_partition(cluster, call, topic, asked, left, is_first);
        let answer = answer.unwrap_or_else(|error| refuse(cluster, call, topic, asked, error));
        left = left.saturating_sub(size_of_records(&answer));
        // One batch comes however large it is, or its reader would never get past it.
        is_first &= answer.records.is_empty();
        let topic = topic.0.clone();
        answers.push(PartitionAnswer { topic, partition: asked.partition, ..answer });
    }
    answers
}

fn read_partition(
    cluster: &mut Cluster,
    call: &Call<'_>,
    topic: &str,
    asked: &FetchPartition,
    left: usize,
    is_first: bool,
) -> Result<PartitionAnswer, ErrorCode> {
    call.permit()?;
    let epoch = LeaderEpoch::from_wire(asked.current_leader_epoch);
    let partition = cluster.led_by(call.peer.node, topic, asked.partition, epoch)?;
    let log = &partition.log;
    let answer = PartitionAnswer {
        high_watermark: Some(log.end()),
        last_stable_offset: Some(log.end()),
        log_start_offset: Some(log.start()),
        ..PartitionAnswer::default()
    };
    if let Some(end) = diverging_epoch(partition, asked)? {
        return Ok(PartitionAnswer { diverging_epoch: Some(end), ..answer });
    }
    if !(log.start()..=log.end()).contains(&asked.fetch_offset) {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let limit = usize::try_from(asked.partition_max_bytes).unwrap_or(0).min(left);
    Ok(PartitionAnswer { records: log.read(asked.fetch_offset, limit, is_first), ..answer })
}

/// Where the log leaves the one that the reader knows, if that is before the position (KIP-320).
fn diverging_epoch(
    partition: &Partition,
    asked: &FetchPartition,
) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    let Some(last) = LeaderEpoch::from_wire(asked.last_fetched_epoch) else { return Ok(None) };
    let (epoch, end) = partition.end_of_epoch(last).ok_or(ErrorCode::OffsetOutOfRange)?;
    if asked.fetch_offset < partition.log.start() {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    Ok((epoch < last || end < asked.fetch_offset).then_some((epoch, end)))
}

fn refuse(
    cluster: &Cluster,
    call: &Call<'_>,
    topic: &str,
    asked: &FetchPartition,
    error: ErrorCode,
) -> PartitionAnswer {
    let moved = matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
    let tells = call.request.version >= FIRST_WITH_LEADERS || cluster.script.hints_leaders;
    let leader = cluster.current_leader(topic, asked.partition);
    let current_leader = leader.filter(|_| moved && tells);
    PartitionAnswer { error: Some(error), current_leader, ..PartitionAnswer::default() }
}

/// The broker's own `fetch.max.bytes`, as it is by default.
const FETCH_MAX_BYTES: usize = 55 << 20;

/// From this version on brokers say who leads a partition now (KIP-951). There has been room for it
/// since version 12, which they leave empty.
const FIRST_WITH_LEADERS: i16 = 16;

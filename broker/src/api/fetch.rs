//! Fetch (versions 4 to 18) with long poll and sessions (KIP-227).

use std::time::{Duration, Instant};

use kavka_protocol::{
    BrokerId, ErrorCode, LeaderEpoch, Offset, TopicId,
    messages::{FetchRequest, fetch_request::FetchPartition},
    server::{FetchAnswer, PartitionAnswer, encode_fetch},
};

use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    fetch_session::{FetchContext, WantedTopic},
    topic::Partition,
};

/// Answers as soon as there are enough bytes or an error, at the latest when `max_wait_ms` is over.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: FetchRequest = call.body()?;
    let (node, now) = (call.peer.node, call.now.instant);
    let opened = match call.until {
        None => cluster.fetch_sessions.open(node, call.request.version, &request, now),
        Some(_) => cluster.fetch_sessions.reopen(node, call.request.version, &request),
    };
    let mut context = match opened {
        Ok(context) => context,
        Err(error) => {
            return reply(call, &FetchAnswer { error: Some(error), ..FetchAnswer::default() });
        }
    };
    context.wanted.sort_by_cached_key(|(topic, asked)| place(cluster, topic, asked.partition));
    let until = call.until.unwrap_or_else(|| deadline(call, &request));
    let partitions = read(cluster, call, &context, &request);
    if now < until && is_too_little(&partitions, &request) {
        return Ok(Handled::Park(until));
    }
    let (session_id, partitions) = cluster.fetch_sessions.close(node, context, partitions, now);
    cluster.fetched_bytes += partitions.iter().map(size_of_records).sum::<usize>() as u64;
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
    let is_news = |one: &PartitionAnswer| {
        one.error.is_some() || one.diverging_epoch.is_some() || one.preferred_read_replica.is_some()
    };
    size < enough && !partitions.iter().any(is_news) && !partitions.is_empty()
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
    cluster: &Cluster,
    call: &Call<'_>,
    context: &FetchContext,
    request: &FetchRequest,
) -> Vec<PartitionAnswer> {
    let mut room = Room { left: limit(request), is_first: true };
    let mut answers = Vec::with_capacity(context.wanted.len());
    let version = call.request.version;
    let reader = Reader { node: call.peer.node, version, rack: &request.rack_id };
    for (topic, asked) in &context.wanted {
        let name = topic_name(cluster, topic);
        let answer = call.permit().and_then(|()| {
            let name = name.ok_or(ErrorCode::UnknownTopicId)?;
            read_partition(cluster, &reader, name, asked, &room)
        });
        let refuse = |error| refuse(cluster, call, name.unwrap_or_default(), asked, error);
        let answer = answer.unwrap_or_else(refuse);
        room.left = room.left.saturating_sub(size_of_records(&answer));
        // One batch comes however large it is, or its reader would never get past it.
        room.is_first &= answer.records.is_empty();
        let (topic_id, topic) = (topic.id, topic.name.0.clone());
        answers.push(PartitionAnswer { topic, topic_id, partition: asked.partition, ..answer });
    }
    answers
}

/// The name of the topic that is meant, if there is one.
fn topic_name<'a>(cluster: &'a Cluster, topic: &'a WantedTopic) -> Option<&'a str> {
    match topic.id {
        None => Some(&topic.name),
        Some(TopicId(id)) => cluster.topic_by_id(id).map(|(name, _)| &**name),
    }
}

/// Where a partition comes in an answer, and in a session that begins with it: what the cluster knows
/// is read first, as by Kafka.
fn place(cluster: &Cluster, topic: &WantedTopic, partition: i32) -> Place {
    match topic_name(cluster, topic) {
        None => Place::UnknownTopicId,
        Some(name) if cluster.partition(name, partition).is_none() => Place::UnknownPartition,
        Some(_) => Place::Known,
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Known,
    UnknownTopicId,
    UnknownPartition,
}

/// Who reads, and at which node.
struct Reader<'a> {
    node: BrokerId,
    version: i16,
    rack: &'a str,
}

/// What fits into the answer yet.
struct Room {
    left: usize,
    /// Whether there is nothing in it.
    is_first: bool,
}

fn read_partition(
    cluster: &Cluster,
    reader: &Reader<'_>,
    topic: &str,
    asked: &FetchPartition,
    room: &Room,
) -> Result<PartitionAnswer, ErrorCode> {
    let epoch = LeaderEpoch::from_wire(asked.current_leader_epoch);
    let partition = cluster.replicated_by(reader.node, topic, asked.partition, epoch)?;
    let is_leader = partition.leader() == reader.node;
    if !is_leader && reader.version < FOLLOWERS_SERVE {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    let log = &partition.log;
    let answer = PartitionAnswer {
        high_watermark: Some(log.end()),
        last_stable_offset: Some(log.end()),
        log_start_offset: Some(log.start()),
        ..PartitionAnswer::default()
    };
    let nearest = cluster.nearest_replica(partition, reader.rack);
    if is_leader && nearest.is_some() {
        return Ok(PartitionAnswer { preferred_read_replica: nearest, ..answer });
    }
    if let Some(end) = diverging_epoch(partition, asked)? {
        return Ok(PartitionAnswer { diverging_epoch: Some(end), ..answer });
    }
    if !(log.start()..=log.end()).contains(&asked.fetch_offset) {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let limit = usize::try_from(asked.partition_max_bytes).unwrap_or(0).min(room.left);
    Ok(PartitionAnswer { records: log.read(asked.fetch_offset, limit, room.is_first), ..answer })
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

/// The first version in which every replica serves readers, and the leader may send them to another
/// one (KIP-392).
const FOLLOWERS_SERVE: i16 = 11;

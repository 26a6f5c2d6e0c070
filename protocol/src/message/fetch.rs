//! Fetch answers (versions 4 to 18), walked partition by partition; records stay slices of the
//! answer.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

use super::fields::Fields;
use crate::{
    error::DecodeError,
    error_code::ErrorCode,
    ids::{BrokerId, LeaderEpoch, Offset, ProducerId, TopicId},
    limits::Limits,
    record::AbortedTransactions,
};

/// The answer to one Fetch request. Partitions are read when they are asked for.
#[derive(Debug, Clone)]
pub struct FetchResponse {
    throttle: Duration,
    error: Option<ErrorCode>,
    session_id: i32,
    topics: usize,
    version: i16,
    /// Everything after the number of topics.
    rest: Fields,
}

impl FetchResponse {
    /// Reads what stands before the topics. `answer` is one frame without its length. The usual
    /// [`Limits`] apply.
    pub fn parse(answer: Bytes, version: i16) -> Result<Self, DecodeError> {
        Self::parse_within(answer, version, &Limits::default())
    }

    /// Reads what stands before the topics as [`parse`](Self::parse) does, within other limits.
    pub fn parse_within(answer: Bytes, version: i16, limits: &Limits) -> Result<Self, DecodeError> {
        if !(OLDEST..=NEWEST).contains(&version) {
            return Err(DecodeError::Unsupported { what: "Fetch version", value: version.into() });
        }
        let flexible = version >= FLEXIBLE;
        let mut fields = Fields::new(answer, flexible, limits);
        fields.i32("correlation id")?;
        fields.skip_tags()?;
        let throttle = u64::try_from(fields.i32("throttle time")?).unwrap_or(0);
        let (mut error, mut session_id) = (None, 0);
        if version >= 7 {
            error = ErrorCode::from_code(fields.i16("error code")?);
            session_id = fields.i32("session id")?;
        }
        let least = if version < BY_ID { LEAST_TOPIC } else { LEAST_TOPIC_BY_ID };
        let topics = fields.count("topics", least)?.ok_or(DecodeError::Null { field: "topics" })?;
        let throttle = Duration::from_millis(throttle);
        Ok(Self { throttle, error, session_id, topics, version, rest: fields })
    }

    /// How long the broker held this answer back, or asks its client to wait.
    pub fn throttle(&self) -> Duration {
        self.throttle
    }

    /// The error of the request as a whole.
    pub fn error(&self) -> Option<ErrorCode> {
        self.error
    }

    /// The fetch session; 0 when there is none.
    pub fn session_id(&self) -> i32 {
        self.session_id
    }

    /// The partitions in the order of the answer. After an error there are no more.
    pub fn partitions(
        &self,
    ) -> impl Iterator<Item = Result<FetchedPartition, DecodeError>> + use<> {
        Partitions {
            fields: self.rest.clone(),
            version: self.version,
            topics: self.topics,
            partitions: 0,
            topic: None,
            done: false,
        }
    }
}

/// Which topic a fetched partition belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedTopic {
    /// By name, a slice of the answer: up to version 12.
    Name(StrBytes),
    /// By id.
    Id(TopicId),
}

impl FetchedTopic {
    /// The id, if the topic was asked for by it.
    pub fn id(&self) -> Option<TopicId> {
        match self {
            Self::Name(_) => None,
            Self::Id(id) => Some(*id),
        }
    }
}

/// What was fetched from one partition.
#[derive(Debug, Clone)]
pub struct FetchedPartition {
    /// The topic.
    pub topic: FetchedTopic,
    /// The partition's number.
    pub partition: i32,
    /// Why nothing was fetched.
    pub error: Option<ErrorCode>,
    /// The end of what is replicated.
    pub high_watermark: Option<Offset>,
    /// The end of what no open transaction can still change.
    pub last_stable_offset: Option<Offset>,
    /// The first offset the partition still holds.
    pub log_start_offset: Option<Offset>,
    /// Transactions that were aborted within `records`.
    pub aborted_transactions: AbortedTransactions,
    /// The latest epoch of this log that is not later than the one asked about, and where its records
    /// end: what a reader has seen from there on is not in this log (KIP-320). Only for those who said
    /// the epoch of the record before their position.
    pub diverging_epoch: Option<(LeaderEpoch, Offset)>,
    /// The replica to fetch from instead.
    pub preferred_read_replica: Option<BrokerId>,
    /// Who leads the partition, as far as the broker asked knows.
    pub current_leader: Option<(BrokerId, LeaderEpoch)>,
    /// Record batches, the last of which may be cut off.
    pub records: Bytes,
}

/// Walks the partitions of an answer.
struct Partitions {
    fields: Fields,
    version: i16,
    /// Topics not begun yet.
    topics: usize,
    /// Partitions of `topic` not read yet.
    partitions: usize,
    topic: Option<FetchedTopic>,
    done: bool,
}

impl Iterator for Partitions {
    type Item = Result<FetchedPartition, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let partition = self.advance().transpose();
        self.done = !matches!(partition, Some(Ok(_)));
        partition
    }
}

impl Partitions {
    fn advance(&mut self) -> Result<Option<FetchedPartition>, DecodeError> {
        loop {
            match (&self.topic, self.partitions) {
                (Some(topic), 1..) => {
                    let topic = topic.clone();
                    self.partitions -= 1;
                    return self.partition(topic).map(Some);
                }
                (Some(_), 0) => {
                    self.fields.skip_tags()?;
                    self.topic = None;
                }
                (None, _) if self.topics == 0 => {
                    self.fields.skip_tags()?;
                    return self.fields.finish("Fetch answer").map(|()| None);
                }
                (None, _) => self.begin_topic()?,
            }
        }
    }

    fn begin_topic(&mut self) -> Result<(), DecodeError> {
        self.topics -= 1;
        self.topic = Some(match self.version {
            ..BY_ID => FetchedTopic::Name(self.fields.string("topic")?),
            _ => FetchedTopic::Id(TopicId(self.fields.uuid("topic id")?)),
        });
        let count = self.fields.count("partitions", LEAST_PARTITION)?;
        self.partitions = count.ok_or(DecodeError::Null { field: "partitions" })?;
        Ok(())
    }

    fn partition(&mut self, topic: FetchedTopic) -> Result<FetchedPartition, DecodeError> {
        let version = self.version;
        let fields = &mut self.fields;
        let partition = fields.i32("partition")?;
        let error = ErrorCode::from_code(fields.i16("partition error code")?);
        let high_watermark = offset(fields.i64("high watermark")?);
        let last_stable_offset = offset(fields.i64("last stable offset")?);
        let log_start_offset =
            if version >= 5 { offset(fields.i64("log start offset")?) } else { None };
        let aborted_transactions = aborted_transactions(fields)?;
        let preferred_read_replica = match version {
            11.. => BrokerId::from_wire(fields.i32("preferred read replica")?),
            _ => None,
        };
        let records = fields.bytes("records")?.unwrap_or_default();
        let (mut diverging_epoch, mut current_leader) = (None, None);
        fields.tags(|tag, field| {
            match tag {
                DIVERGING_EPOCH => diverging_epoch = read_diverging_epoch(field)?,
                CURRENT_LEADER => current_leader = read_current_leader(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(FetchedPartition {
            topic,
            partition,
            error,
            high_watermark,
            last_stable_offset,
            log_start_offset,
            aborted_transactions,
            diverging_epoch,
            preferred_read_replica,
            current_leader,
            records,
        })
    }
}

fn offset(number: i64) -> Option<Offset> {
    (number >= 0).then_some(number)
}

/// Most answers have none, and then nothing is allocated.
fn aborted_transactions(fields: &mut Fields) -> Result<AbortedTransactions, DecodeError> {
    let count = fields.count("aborted transactions", LEAST_ABORTED)?.unwrap_or(0);
    if count == 0 {
        return Ok(AbortedTransactions::default());
    }
    let mut aborted = Vec::with_capacity(count);
    for _ in 0..count {
        let producer_id = ProducerId(fields.i64("aborted producer id")?);
        let first_offset = fields.i64("first aborted offset")?;
        fields.skip_tags()?;
        aborted.push((producer_id, first_offset));
    }
    Ok(AbortedTransactions::from_iter(aborted))
}

fn read_diverging_epoch(fields: &mut Fields) -> Result<Option<(LeaderEpoch, Offset)>, DecodeError> {
    let epoch = LeaderEpoch::from_wire(fields.i32("diverging epoch")?);
    let end = offset(fields.i64("end of the diverging epoch")?);
    fields.skip_tags()?;
    Ok(epoch.zip(end))
}

fn read_current_leader(
    fields: &mut Fields,
) -> Result<Option<(BrokerId, LeaderEpoch)>, DecodeError> {
    let leader = BrokerId::from_wire(fields.i32("current leader id")?);
    let epoch = LeaderEpoch::from_wire(fields.i32("current leader epoch")?);
    fields.skip_tags()?;
    Ok(leader.zip(epoch))
}

/// The first version that returns record batches of format 2.
pub(super) const OLDEST: i16 = 4;

pub(super) const NEWEST: i16 = 18;

/// The first version that gives the ids of topics instead of their names (KIP-516).
pub(super) const BY_ID: i16 = 13;

/// The first version with variable-length lengths and tagged fields.
pub(super) const FLEXIBLE: i16 = 12;

/// The tag under which a partition says where its log leaves the one that was read before.
pub(super) const DIVERGING_EPOCH: u32 = 0;

/// The tag under which a partition names its leader.
pub(super) const CURRENT_LEADER: u32 = 1;

/// An empty name and an empty array of partitions, in the shortest form there is.
const LEAST_TOPIC: usize = 2;

/// An id, an empty array of partitions and no tagged fields.
const LEAST_TOPIC_BY_ID: usize = 16 + 1 + 1;

/// Partition, error code, two offsets, no aborted transactions, no records.
const LEAST_PARTITION: usize = 4 + 2 + 8 + 8 + 1 + 1;

/// A producer id and an offset.
const LEAST_ABORTED: usize = 16;

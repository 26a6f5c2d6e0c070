//! What Kafka's LogValidator demands of a produced batch before it may enter a log.
//!
//! Where Kafka keeps what no reader could make sense of (offset deltas out of order, bytes behind the
//! batch), the batch is refused here: only a broken client sends such.

use bytes::Bytes;
use kavka_protocol::{
    BatchBody, BatchView, Batches, Compression, Cursor, DecodeError, Decompressor, ErrorCode,
    Offset, RecordView, Timestamp, TimestampType,
};

use crate::topic_config::TopicConfig;

/// A batch that may be appended, and what its header has to say then.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) batch: BatchView,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) max_timestamp: Option<Timestamp>,
}

/// Why a batch is not appended.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorCode,
    /// What the error code does not say already.
    pub(crate) message: Option<&'static str>,
    /// Which of its records are to blame, if single ones are: their places and what is wrong.
    pub(crate) records: Vec<(i32, String)>,
    /// Where the log begins, if it came to one.
    pub(crate) log_start: Option<Offset>,
}

impl Refusal {
    /// The same of a log that begins at `log_start`. Kafka does not say so of a batch that is damaged,
    /// too large, or more than its producer may send.
    pub(crate) fn by_log(self, log_start: Offset) -> Self {
        use ErrorCode::{CorruptMessage, MessageTooLarge, UnsupportedCompressionType};
        let is_told =
            !matches!(self.error, CorruptMessage | MessageTooLarge | UnsupportedCompressionType);
        Self { log_start: is_told.then_some(log_start), ..self }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        Self { error, message: None, records: Vec::new(), log_start: None }
    }
}

/// Checks the batch `records`, which came to a topic with `config` in a Produce of `version`.
pub(crate) fn validate(
    records: Bytes,
    version: i16,
    config: &TopicConfig,
    decompressor: &mut Decompressor,
    now: Timestamp,
) -> Result<Accepted, Refusal> {
    check_prefix(&records, config.max_message_bytes)?;
    let batch = parse(records)?;
    if batch.compression() == Compression::Zstd && version < FIRST_WITH_ZSTD {
        return Err(ErrorCode::UnsupportedCompressionType.into());
    }
    let body = batch.body(decompressor).map_err(|error| unreadable(&error))?;
    check_header(&batch)?;
    let greatest = check_records(&body, &RecordRules::new(config, &batch, now))?;
    let timestamp_type = config.timestamp_type;
    let is_append_time = timestamp_type == TimestampType::LogAppendTime;
    let max_timestamp = if is_append_time { Some(now) } else { greatest };
    Ok(Accepted { batch, timestamp_type, max_timestamp })
}

/// Checks what is demanded before any log looks at `records`: that they are one batch of the present
/// format, whether it is damaged or not.
pub(crate) fn check_frame(records: &[u8]) -> Result<(), Refusal> {
    // Too little to tell whether it is a batch.
    let incomplete = |_| ErrorCode::InvalidRecord;
    let impossible = || Refusal { message: Some(NO_BATCH), ..ErrorCode::CorruptMessage.into() };
    let mut cursor = Cursor::new(records);
    cursor.i64("batch base offset").map_err(incomplete)?;
    let length = cursor.i32("batch length").map_err(incomplete)?;
    cursor.i32("batch leader epoch").map_err(incomplete)?;
    let magic = cursor.i8("batch magic").map_err(incomplete)?;
    let length = usize::try_from(length).ok().filter(|length| *length >= LEAST_LENGTH);
    let size = length.ok_or_else(impossible)? + LOG_OVERHEAD;
    if !(0..=NEWEST_MAGIC).contains(&magic) {
        return Err(impossible());
    }
    if size != records.len() || magic != NEWEST_MAGIC {
        return Err(ErrorCode::InvalidRecord.into());
    }
    Ok(())
}

/// What is looked at first must be right also where the checksum is not.
fn check_prefix(records: &[u8], max_message_bytes: usize) -> Result<(), ErrorCode> {
    let base_offset = Cursor::new(records).i64("batch base offset");
    if base_offset != Ok(0) {
        return Err(ErrorCode::InvalidRecord);
    }
    if records.len() > max_message_bytes {
        return Err(ErrorCode::MessageTooLarge);
    }
    Ok(())
}

fn parse(records: Bytes) -> Result<BatchView, ErrorCode> {
    match Batches::new(records.clone()).next() {
        Some(Ok(batch)) => Ok(batch),
        // What a damaged header seems to say is not what its producer did wrong.
        _ if is_damaged(&records) => Err(ErrorCode::CorruptMessage),
        // Kafka stumbles over a codec that nobody has.
        Some(Err(DecodeError::Unsupported { .. })) => Err(ErrorCode::UnknownServerError),
        _ => Err(ErrorCode::InvalidRecord),
    }
}

/// Whether the checksum is wrong, for a batch whose header cannot be read.
fn is_damaged(batch: &[u8]) -> bool {
    let stored = batch.get(CRC_AT..).and_then(|batch| batch.first_chunk());
    let hashed = batch.get(HASHED_FROM..).map(crc32c::crc32c);
    stored.copied().map(u32::from_be_bytes) != hashed
}

fn unreadable(error: &DecodeError) -> ErrorCode {
    match error {
        DecodeError::Checksum { .. } => ErrorCode::CorruptMessage,
        DecodeError::Count { .. } => ErrorCode::InvalidRecord,
        // More than is kept in memory for anybody.
        DecodeError::DecompressedSize { .. } => ErrorCode::MessageTooLarge,
        // Kafka takes what it cannot decompress for a fault of its own.
        _ => ErrorCode::UnknownServerError,
    }
}

/// A producer's batch has an offset for each record and nothing but data.
fn check_header(batch: &BatchView) -> Result<(), ErrorCode> {
    let count = batch.record_count();
    let is_dense =
        usize::try_from(batch.header().last_offset_delta).is_ok_and(|last| last + 1 == count);
    if !is_dense || batch.is_control() {
        return Err(ErrorCode::InvalidRecord);
    }
    if batch.is_transactional() {
        return Err(ErrorCode::InvalidTxnState);
    }
    Ok(())
}

/// The greatest timestamp of the records, if all of them are as they have to be.
fn check_records(body: &BatchBody, rules: &RecordRules) -> Result<Option<Timestamp>, Refusal> {
    let malformed = |_| ErrorCode::InvalidRecord;
    let mut greatest = None;
    let mut faults = Vec::new();
    for (place, record) in (0..).zip(body.records()) {
        let record = record.map_err(malformed)?;
        for header in record.headers() {
            header.map_err(malformed)?;
        }
        if let Some(fault) = rules.fault(&record) {
            faults.push((place, fault));
        }
        greatest = greatest.max(record.timestamp().filter(|timestamp| *timestamp >= 0));
    }
    if faults.is_empty() { Ok(greatest) } else { Err(rules.refuse(&faults)) }
}

/// What single records have to keep to.
struct RecordRules {
    needs_key: bool,
    timestamp_type: TimestampType,
    /// Whether the producer says that the time is that of the append, which only a broker knows.
    claims_append_time: bool,
    earliest: Timestamp,
    latest: Timestamp,
}

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    NoKey,
    AppendTime,
    OutOfRange(Timestamp),
}

impl RecordRules {
    fn new(config: &TopicConfig, batch: &BatchView, now: Timestamp) -> Self {
        Self {
            needs_key: config.is_compacted,
            timestamp_type: config.timestamp_type,
            claims_append_time: batch.timestamp_type() == TimestampType::LogAppendTime,
            earliest: now.saturating_sub(config.timestamp_before_max),
            latest: now.saturating_add(config.timestamp_after_max),
        }
    }

    #[inline]
    fn fault(&self, record: &RecordView<'_>) -> Option<Fault> {
        if self.needs_key && record.key().is_none() {
            return Some(Fault::NoKey);
        }
        match (self.timestamp_type, record.timestamp()) {
            (TimestampType::CreateTime, Some(time)) => {
                let is_in_range = self.earliest <= time && time <= self.latest;
                (!is_in_range).then_some(Fault::OutOfRange(time))
            }
            _ => self.claims_append_time.then_some(Fault::AppendTime),
        }
    }

    #[cold]
    fn refuse(&self, faults: &[(i32, Fault)]) -> Refusal {
        let (error, message) = match faults.iter().all(|(_, fault)| *fault == Fault::NoKey) {
            true => (ErrorCode::InvalidRecord, NO_KEYS),
            false => (ErrorCode::InvalidTimestamp, NOT_IN_TIME),
        };
        let records = faults.iter().map(|(place, fault)| (*place, self.explain(*fault))).collect();
        Refusal { error, message: Some(message), records, log_start: None }
    }

    fn explain(&self, fault: Fault) -> String {
        match fault {
            Fault::NoKey => "the record has no key, by which the topic is compacted".to_owned(),
            Fault::AppendTime => {
                "the record claims the time of its append, which only the broker can set".to_owned()
            }
            Fault::OutOfRange(time) => format!(
                "the record's timestamp {time} is not from {} to {}, which the topic's \
                 message.timestamp.before.max.ms and message.timestamp.after.max.ms allow now",
                self.earliest, self.latest
            ),
        }
    }
}

const NO_BATCH: &str = "The length or the format of the batch cannot be.";
const NO_KEYS: &str = "Records of a compacted topic need a key.";
const NOT_IN_TIME: &str = "The topic does not accept the timestamps of some records.";

/// Where the checksum lies, and from where on it counts.
const CRC_AT: usize = 17;
const HASHED_FROM: usize = 21;

/// The base offset and the length, which the length does not count.
const LOG_OVERHEAD: usize = 12;

/// What Kafka's oldest format has at least after its length.
const LEAST_LENGTH: usize = 14;

/// Record batches (KIP-98); the older formats are for reading what is in logs already.
const NEWEST_MAGIC: i8 = 2;

/// Producers that speak an older version would not know what zstd is (KIP-110).
const FIRST_WITH_ZSTD: i16 = 7;

#[cfg(test)]
mod tests;

//! [`Replay`]: serves a recording.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use kavka_bench_line::Tally;
use kavka_protocol::{
    ApiKey, ErrorCode,
    messages::{FetchRequest, fetch_request::FetchPartition},
    server::{FetchAnswer, PartitionAnswer, RequestFrame, decode_request_body, encode_fetch},
};

use super::{Answer, Broker, TOPIC, control::Cluster};
use crate::{Recording, Result};

/// A broker whose one topic is a recording.
#[derive(Debug)]
pub struct Replay {
    cluster: Cluster,
    recording: Recording,
}

impl Replay {
    /// Serves `recording` at `address`.
    pub fn new(address: SocketAddr, recording: Recording) -> Self {
        let cluster = Cluster::new(address, recording.partitions(), recording.end());
        Self { cluster, recording }
    }

    /// Answers as a broker does: what is there within the limits of the request, and when there is nothing, that,
    /// after the time the request allows for something to come.
    fn fetch(&self, request: &FetchRequest) -> (FetchAnswer, Duration) {
        if request.session_id != 0 {
            let error = Some(ErrorCode::FetchSessionIdNotFound);
            return (FetchAnswer { error, ..FetchAnswer::default() }, Duration::ZERO);
        }
        let mut left = usize::try_from(request.max_bytes).unwrap_or(0);
        let mut partitions = Vec::new();
        for topic in &request.topics {
            for asked in &topic.partitions {
                let is_known = topic.topic.as_str() == TOPIC;
                let answer = self.read(asked, is_known, left, left_whole(&partitions));
                left = left.saturating_sub(size(&answer));
                let topic = topic.topic.0.clone();
                partitions.push(PartitionAnswer { topic, ..answer });
            }
        }
        let is_empty = partitions.iter().all(|p| p.records.is_empty() && p.error.is_none());
        let patience = u64::try_from(request.max_wait_ms).unwrap_or(0);
        let delay = if is_empty { Duration::from_millis(patience) } else { Duration::ZERO };
        (FetchAnswer { partitions, ..FetchAnswer::default() }, delay)
    }

    fn read(
        &self,
        asked: &FetchPartition,
        is_known: bool,
        left: usize,
        is_first: bool,
    ) -> PartitionAnswer {
        let partition = asked.partition;
        let end = self.recording.end();
        let refused =
            |error| PartitionAnswer { partition, error: Some(error), ..Default::default() };
        if !is_known || !(0..self.recording.partitions()).contains(&partition) {
            return refused(ErrorCode::UnknownTopicOrPartition);
        }
        if !(0..=end).contains(&asked.fetch_offset) {
            return refused(ErrorCode::OffsetOutOfRange);
        }
        let limit = usize::try_from(asked.partition_max_bytes).unwrap_or(0).min(left);
        PartitionAnswer {
            partition,
            high_watermark: Some(end),
            last_stable_offset: Some(end),
            log_start_offset: Some(0),
            records: self.recording.read(asked.fetch_offset, limit, is_first),
            ..PartitionAnswer::default()
        }
    }
}

impl Broker for Replay {
    fn answer(&self, request: &RequestFrame) -> Result<Answer> {
        if let Some(answer) = self.cluster.answer(request)? {
            return Ok(answer);
        }
        if request.api_key != ApiKey::Fetch {
            return Err(format!("{:?} cannot be replayed", request.api_key).into());
        }
        let (answer, delay) = self.fetch(&decode_request_body(request)?);
        let frame = encode_fetch(&answer, request.version, request.correlation_id)?;
        Ok(if delay.is_zero() { Answer::Now(frame) } else { Answer::Later(frame, delay) })
    }

    fn take_tally(&self) -> Tally {
        Tally::default()
    }
}

/// Whether no partition has given anything so far.
fn left_whole(partitions: &[PartitionAnswer]) -> bool {
    partitions.iter().all(|partition| partition.records.is_empty())
}

fn size(answer: &PartitionAnswer) -> usize {
    answer.records.iter().map(Bytes::len).sum()
}

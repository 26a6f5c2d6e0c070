//! [`Sink`]: takes what is written and acknowledges it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use kavka_bench_line::Tally;
use kavka_protocol::{
    ApiKey, Batches, Decompressor, Offset, ProducerId, Sequence,
    messages::{
        ProduceRequest, ProduceResponse,
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    },
    server::{RequestFrame, decode_request_body, encode_response},
};

use super::{Answer, Broker, control::Cluster};
use crate::Result;

/// A broker that reads every record of every batch, checks that none is missing or out of order, and forgets it.
pub struct Sink {
    cluster: Cluster,
    account: Mutex<Account>,
}

/// What has been written.
#[derive(Default)]
struct Account {
    tally: Tally,
    ends: HashMap<i32, Offset>,
    /// The sequence number that comes next, by producer and partition.
    sequences: HashMap<(ProducerId, i32), Sequence>,
    decompressor: Decompressor,
}

impl Sink {
    /// Takes records for `partitions` partitions at `address`.
    pub fn new(address: SocketAddr, partitions: i32) -> Self {
        Self { cluster: Cluster::new(address, partitions, 0), account: Mutex::default() }
    }

    fn produce(&self, request: ProduceRequest) -> Result<ProduceResponse> {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let mut topics = Vec::new();
        for topic in request.topic_data {
            let mut partitions = Vec::new();
            for data in topic.partition_data {
                let base_offset = account.append(data.index, data.records.unwrap_or_default())?;
                partitions.push(
                    PartitionProduceResponse::default()
                        .with_index(data.index)
                        .with_base_offset(base_offset)
                        .with_log_append_time_ms(-1),
                );
            }
            topics.push(
                TopicProduceResponse::default()
                    .with_name(topic.name)
                    .with_partition_responses(partitions),
            );
        }
        Ok(ProduceResponse::default().with_responses(topics))
    }
}

impl Account {
    /// Adds batches to the end of a partition; the offset of the first of their records.
    fn append(&mut self, partition: i32, records: Bytes) -> Result<Offset> {
        let base_offset = *self.ends.entry(partition).or_default();
        for batch in Batches::new(records) {
            let batch = batch?;
            let header = batch.header();
            if let Some(producer) = header.producer_id {
                let first = Sequence::new(0);
                let expected = self.sequences.entry((producer, partition)).or_insert(first);
                let found = header.base_sequence;
                if found != Some(*expected) {
                    let what = format!("partition {partition}: {found:?} follows, not {expected}");
                    return Err(what.into());
                }
                *expected = expected.plus(header.record_count);
            }
            let end = self.ends.entry(partition).or_default();
            for record in batch.body(&mut self.decompressor)?.records() {
                self.tally.add(*end, record?.value().unwrap_or_default());
                *end += 1;
            }
        }
        Ok(base_offset)
    }
}

impl Broker for Sink {
    fn answer(&self, request: &RequestFrame) -> Result<Answer> {
        if let Some(answer) = self.cluster.answer(request)? {
            return Ok(answer);
        }
        if request.api_key != ApiKey::Produce {
            return Err(format!("{:?} is nothing that a sink takes", request.api_key).into());
        }
        let produce: ProduceRequest = decode_request_body(request)?;
        let is_silent = produce.acks == 0;
        let response = self.produce(produce)?;
        let (version, correlation_id) = (request.version, request.correlation_id);
        match is_silent {
            true => Ok(Answer::Silence),
            false => {
                let frame = encode_response::<ProduceRequest>(&response, version, correlation_id)?;
                Ok(Answer::Now(frame))
            }
        }
    }

    fn take_tally(&self) -> Tally {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let Account { tally, .. } = std::mem::take(&mut *account);
        tally
    }
}

//! Conversations of a sender with brokers that are played by the tests.

mod availability;
mod model;
mod random;
mod rules;

use std::time::{Duration, Instant};

use kavka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kavka_protocol::messages::{ProduceResponse, TopicName};
use kavka_protocol::{
    Batches, BrokerId, Compression, Decompressor, ErrorCode, ProducerEpoch, ProducerId, StrBytes,
    TopicPartition,
};
use uuid::Uuid;

use super::{Answer, ProducePlan, Sender, SenderSettings};
use crate::error::{Error, ErrorKind};
use crate::state::backoff::Backoff;
use crate::state::produce::{
    Accumulator, Identity, Limits, PartitionIndex, Record, Refusal, Settled,
};

const DELIVERY: Duration = Duration::from_secs(120);
const BACKOFF: Duration = Duration::from_millis(100);

/// A sender with the accumulator it takes from.
struct Fixture {
    accumulator: Accumulator<usize>,
    sender: Sender<usize>,
    partitions: Vec<PartitionIndex>,
    now: Instant,
}

impl Fixture {
    fn new(settings: SenderSettings, partitions: i32) -> Self {
        let mut accumulator = Accumulator::new(limits(settings.delivery_timeout));
        let named = (0..partitions).map(|number| TopicPartition::new("orders", number));
        let partitions = named.map(|named| accumulator.partition(&named)).collect();
        Self { accumulator, sender: Sender::new(settings), partitions, now: Instant::now() }
    }

    fn append(&mut self, partition: usize, value: &str, ticket: usize) -> Result<usize, Refusal> {
        let record =
            Record { timestamp: 7, key: None, value: Some(value.as_bytes()), headers: &[] };
        let index = self.partitions[partition];
        let appended = self.accumulator.append(index, record, true, self.now, |_| ticket)?;
        Ok(*appended.ticket)
    }

    /// What is to be sent now.
    fn plans(&mut self) -> Vec<ProducePlan> {
        while let Some(index) = self.accumulator.poll_ready(self.now) {
            self.sender.handle_ready(index);
        }
        for expired in self.accumulator.expire(self.now) {
            self.sender.handle_expired(expired);
        }
        self.sender.handle_timeout(self.now);
        let take = |index| self.accumulator.take(index);
        let mut take = take;
        std::iter::from_fn(|| self.sender.poll_request(self.now, &mut take)).collect()
    }

    fn settled(&mut self) -> Vec<Settled<usize>> {
        let settled: Vec<_> = std::iter::from_fn(|| self.sender.poll_settled()).collect();
        settled.iter().for_each(|settled| self.accumulator.handle_settled(settled));
        settled
    }
}

fn settings() -> SenderSettings {
    SenderSettings {
        is_idempotent: true,
        max_in_flight: 5,
        max_request_size: 1 << 20,
        availability_timeout: None,
        retries: u32::MAX,
        delivery_timeout: DELIVERY,
        backoff: Backoff::new(BACKOFF, Duration::from_secs(1), 0),
        compression: Compression::None,
        compression_level: None,
    }
}

fn limits(delivery_timeout: Duration) -> Limits {
    Limits {
        batch_size: 200,
        linger: Duration::ZERO,
        buffer_memory: 1 << 20,
        max_request_size: 1 << 20,
        delivery_timeout,
        compression: Compression::None,
        compression_level: None,
    }
}

fn identity(id: i64) -> Identity {
    Identity { producer_id: ProducerId(id), producer_epoch: ProducerEpoch(0) }
}

/// A broker's answer about some partitions: code and base offset of each.
fn response(partitions: impl IntoIterator<Item = (i32, Result<i64, ErrorCode>)>) -> Answer {
    let answers = partitions.into_iter().map(|(partition, result)| {
        let (code, offset) = match result {
            Ok(offset) => (0, offset),
            Err(code) => (code.code(), -1),
        };
        let answer = PartitionProduceResponse::default();
        answer.with_index(partition).with_error_code(code).with_base_offset(offset)
    });
    let topic = TopicProduceResponse::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partition_responses(answers.collect());
    Answer::Response(ProduceResponse::default().with_responses(vec![topic]))
}

/// The answer as it is from version 13 on.
fn by_id(answer: Answer, id: Uuid) -> Answer {
    let Answer::Response(mut response) = answer else { return answer };
    for topic in &mut response.responses {
        topic.name = TopicName::default();
        topic.topic_id = id;
    }
    Answer::Response(response)
}

fn lost(may_have_been_written: bool) -> Answer {
    let error = Error::new(ErrorKind::ConnectionLost, "the connection ended");
    Answer::Lost(error.with_maybe_written(may_have_been_written))
}

/// The values in a batch on the wire.
fn values(wire: &bytes::Bytes) -> Vec<String> {
    let view = Batches::new(wire.clone()).next().unwrap().unwrap();
    let body = view.body(&mut Decompressor::new()).unwrap();
    let texts = body.records().map(|record| record.unwrap().value().unwrap().to_vec());
    texts.map(|text| String::from_utf8(text).unwrap()).collect()
}

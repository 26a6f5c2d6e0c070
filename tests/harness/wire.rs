//! Requests as bytes, also such as no client sends.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kavka_protocol::messages::produce_response::PartitionProduceResponse;
use kavka_protocol::{
    CorrelationId, Frame, PartitionBatch, ProduceBatches, Request, TopicId, TopicPartition,
    decode_response, encode_produce, encode_request, messages, split_frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};

/// One connection to a broker, without a client.
pub struct Wire {
    stream: TcpStream,
    received: BytesMut,
}

impl Wire {
    /// Connects, and says nothing.
    pub async fn connect(address: impl ToSocketAddrs) -> Self {
        let stream = TcpStream::connect(address).await.expect("the broker listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, received: BytesMut::new() }
    }

    /// Sends a request and takes the next frame for its answer.
    pub async fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let answer = self.ask_bytes(request, version).await;
        decode_response::<R>(answer, version).expect("an answer")
    }

    /// The same for an answer that is to be decoded otherwise.
    pub async fn ask_bytes<R: Request>(&mut self, request: &R, version: i16) -> Bytes {
        let frame = encode_request(request, version, CorrelationId(1), "tests").expect("a request");
        self.exchange(&frame).await
    }

    /// Appends one batch as it is.
    pub async fn produce(
        &mut self,
        partition: &TopicPartition,
        records: Bytes,
        version: i16,
    ) -> PartitionProduceResponse {
        self.produce_to(partition, None, records, version).await
    }

    /// Appends one batch as it is to a topic that is meant by its id, where `version` has ids.
    pub async fn produce_to(
        &mut self,
        partition: &TopicPartition,
        topic_id: Option<TopicId>,
        records: Bytes,
        version: i16,
    ) -> PartitionProduceResponse {
        let request = ProduceBatches {
            acks: -1,
            timeout: Duration::from_secs(30),
            transactional_id: None,
            batches: &[PartitionBatch { topic_partition: partition.clone(), topic_id, records }],
        };
        let frame = encode_produce(&request, version, CorrelationId(1), "tests").expect("a batch");
        let answer = self.exchange(&frame).await;
        let response = decode_response::<messages::ProduceRequest>(answer, version);
        response.expect("an answer").responses.remove(0).partition_responses.remove(0)
    }

    async fn exchange(&mut self, frame: &Frame) -> Bytes {
        for chunk in frame.chunks() {
            self.stream.write_all(chunk).await.expect("the broker reads");
        }
        loop {
            if let Some(answer) = split_frame(&mut self.received, ANSWER_LIMIT).expect("a frame") {
                return answer;
            }
            let read = self.stream.read_buf(&mut self.received).await.expect("the broker answers");
            assert_ne!(read, 0, "the broker hung up");
        }
    }
}

/// Longer than anything a test asks for.
const ANSWER_LIMIT: usize = 64 << 20;

//! What the tests of this crate share: record batches, and a client for a cluster without IO.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use kavka_protocol::{
    BatchBuilder, Batches, BrokerId, Compression, Compressor, CorrelationId, Decompressor,
    FetchResponse, FetchedPartition, Frame, Offset, PartitionBatch, ProducerEpoch, ProducerId,
    ProducerStamp, Request, Sequence, Timestamp, TopicPartition, api_versions_fallback,
    decode_api_versions, decode_response, encode_produce, encode_request,
    messages::{
        ApiVersionsRequest, CreateTopicsRequest, FetchRequest, ProduceRequest, TopicName,
        create_topics_request::{CreatableTopic, CreatableTopicConfig},
        fetch_request::{FetchPartition, FetchTopic},
        produce_response::PartitionProduceResponse,
    },
    server::decode_request_frame,
};

use crate::{
    BrokerConfig,
    cluster::{Cluster, HandleError, Now, Parked, Peer, Step},
};

/// A batch whose records have the given times; their values are their places in the batch.
pub(crate) fn batch_of(
    times: &[Timestamp],
    compression: Compression,
    stamp: Option<ProducerStamp>,
) -> Bytes {
    let mut builder = BatchBuilder::new(compression, None);
    for (place, time) in times.iter().enumerate() {
        let value = place.to_string();
        builder.append(*time, None, Some(value.as_bytes()), []).unwrap();
    }
    builder.seal(&mut Compressor::default()).unwrap().stamp(stamp)
}

/// A batch of `count` records, all of time 1000.
pub(crate) fn batch(count: usize) -> Bytes {
    batch_of(&vec![1000; count], Compression::None, None)
}

/// A batch of one record of about `size` bytes.
pub(crate) fn batch_of_size(size: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None, None);
    builder.append(1000, None, Some(&vec![b'x'; size - 80]), []).unwrap();
    builder.seal(&mut Compressor::default()).unwrap().stamp(None)
}

/// The batch with other bytes at a place.
pub(crate) fn damaged(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let mut batch = BytesMut::from(&batch[..]);
    batch[place..place + bytes.len()].copy_from_slice(bytes);
    batch.freeze()
}

/// The batch with other bytes at a place and the right checksum.
pub(crate) fn forged(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let batch = damaged(batch, place, bytes);
    damaged(&batch, 17, &crc32c::crc32c(&batch[21..]).to_be_bytes())
}

pub(crate) fn stamp(epoch: i16, sequence: i32) -> ProducerStamp {
    ProducerStamp {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: Sequence::new(sequence),
        is_transactional: false,
    }
}

/// The offsets of all records in `records`.
pub(crate) fn offsets(records: &Bytes) -> Vec<Offset> {
    let mut decompressor = Decompressor::default();
    let mut offsets = Vec::new();
    for batch in Batches::new(records.clone()) {
        let body = batch.unwrap().body(&mut decompressor).unwrap();
        offsets.extend(body.records().map(|record| record.unwrap().offset()));
    }
    offsets
}

/// A client that says who it is.
pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name("kavka-tests".to_owned().into())
        .with_client_software_version("0.1.0".to_owned().into())
}

pub(crate) fn create(
    topic: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> CreateTopicsRequest {
    let config = |(name, value): &(&str, &str)| {
        let config = CreatableTopicConfig::default().with_name((*name).to_owned().into());
        config.with_value(Some((*value).to_owned().into()))
    };
    let topic = CreatableTopic::default()
        .with_name(TopicName(topic.to_owned().into()))
        .with_num_partitions(partitions)
        .with_replication_factor(-1)
        .with_configs(configs.iter().map(config).collect());
    CreateTopicsRequest::default().with_topics(vec![topic])
}

/// A request for a megabyte of each of the partitions, that waits a second for the first byte.
pub(crate) fn fetch(positions: &[(&str, i32, Offset)]) -> FetchRequest {
    let topic = |(topic, partition, offset): &(&str, i32, Offset)| {
        let partition = FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default().with_topic(TopicName((*topic).to_owned().into()));
        topic.with_partitions(vec![partition])
    };
    FetchRequest::default()
        .with_max_wait_ms(1000)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(positions.iter().map(topic).collect())
}

/// A frame without its length, as it arrives.
pub(crate) fn arrived(frame: &Frame) -> Bytes {
    Bytes::from(frame.chunks().concat()).slice(4..)
}

pub(crate) fn walk(answer: Bytes, version: i16) -> Vec<FetchedPartition> {
    let response = FetchResponse::parse(answer, version).unwrap();
    response.partitions().map(Result::unwrap).collect()
}

/// A cluster and a clock that only moves when told to.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) now: Now,
    /// The node that is asked.
    pub(crate) node: BrokerId,
}

impl World {
    pub(crate) fn new(nodes: u16) -> Self {
        Self::with(BrokerConfig { nodes: nodes.into(), ..BrokerConfig::default() })
    }

    pub(crate) fn with(config: BrokerConfig) -> Self {
        let ports = 9001..=9000 + u16::try_from(config.nodes).unwrap();
        let nodes: Vec<_> =
            ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        let now = Now { instant: Instant::now(), timestamp: 1_700_000_000_000 };
        Self { cluster: Cluster::new(&config, &nodes), now, node: BrokerId(1) }
    }

    /// A cluster of one node with a topic of one partition.
    pub(crate) fn with_topic(topic: &str) -> Self {
        let mut world = Self::new(1);
        world.ask(&create(topic, 1, &[]), 7);
        world
    }

    pub(crate) fn after(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.timestamp += i64::try_from(time.as_millis()).unwrap();
    }

    pub(crate) fn send(&mut self, frame: &Frame) -> Result<Step, HandleError> {
        let request = decode_request_frame(arrived(frame))?;
        let peer = Peer { node: self.node, host: Ipv4Addr::LOCALHOST.into() };
        self.cluster.handle(peer, request, self.now)
    }

    pub(crate) fn resume(&mut self, parked: Parked) -> Step {
        self.cluster.resume(parked, self.now).unwrap()
    }

    /// Sends a request that is answered at once.
    pub(crate) fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let answer = self.ask_bytes(request, version);
        decode_response::<R>(answer, version).unwrap()
    }

    pub(crate) fn ask_bytes<R: Request>(&mut self, request: &R, version: i16) -> Bytes {
        let frame = encode_request(request, version, CorrelationId(5), "test").unwrap();
        answer(self.send(&frame).unwrap())
    }

    pub(crate) fn fetch(&mut self, request: &FetchRequest, version: i16) -> Vec<FetchedPartition> {
        walk(self.ask_bytes(request, version), version)
    }

    /// Produces one batch with `acks=all`, in the newest version.
    pub(crate) fn produce(
        &mut self,
        tp: &TopicPartition,
        batch: Bytes,
    ) -> PartitionProduceResponse {
        let frame = produce_frame(tp, batch, -1, NEWEST_PRODUCE);
        let answer = answer(self.send(&frame).unwrap());
        let response = decode_response::<ProduceRequest>(answer, NEWEST_PRODUCE).unwrap();
        response.responses[0].partition_responses[0].clone()
    }

    /// The newest version of ApiVersions that is answered, as a client finds it.
    pub(crate) fn settle_api_versions(&mut self) -> i16 {
        let newest = 4;
        let answer = self.ask_bytes(&api_versions(), newest);
        let response = decode_api_versions(answer, newest).unwrap();
        if response.error_code == 0 { newest } else { api_versions_fallback(&response) }
    }
}

pub(crate) fn produce_frame(tp: &TopicPartition, batch: Bytes, acks: i16, version: i16) -> Frame {
    let request = kavka_protocol::ProduceBatches {
        acks,
        timeout: Duration::from_secs(1),
        transactional_id: None,
        batches: &[PartitionBatch::by_name(tp.clone(), batch)],
    };
    encode_produce(&request, version, CorrelationId(5), "test").unwrap()
}

/// The answer in a step that has one.
pub(crate) fn answer(step: Step) -> Bytes {
    match step {
        Step::Reply { frame, .. } => arrived(&frame),
        step => panic!("no answer but {step:?}"),
    }
}

pub(crate) fn parked(step: Step) -> Parked {
    match step {
        Step::Park(parked) => *parked,
        step => panic!("not parked but {step:?}"),
    }
}

/// The newest version that names topics.
pub(crate) const NEWEST_PRODUCE: i16 = 12;

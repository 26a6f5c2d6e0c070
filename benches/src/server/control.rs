//! The requests that come before records do: which versions are spoken, who leads the partitions, where they end.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicI64, Ordering},
};

use kavka_protocol::{
    ApiKey, ErrorCode, Offset, StrBytes, VersionRange,
    messages::{
        self, ApiVersionsRequest, ApiVersionsResponse, InitProducerIdRequest,
        InitProducerIdResponse, ListOffsetsRequest, ListOffsetsResponse, MetadataRequest,
        MetadataResponse, TopicName,
        api_versions_response::ApiVersion,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
    },
    server::{RequestFrame, decode_request_body, encode_response},
    spoken,
};

use super::{Answer, TOPIC};
use crate::Result;

/// A cluster of one broker that leads every partition of one topic.
#[derive(Debug)]
pub(super) struct Cluster {
    address: SocketAddr,
    partitions: i32,
    end: Offset,
    next_producer_id: AtomicI64,
}

impl Cluster {
    /// Each partition ends before the offset `end`.
    pub(super) fn new(address: SocketAddr, partitions: i32, end: Offset) -> Self {
        Self { address, partitions, end, next_producer_id: AtomicI64::new(FIRST_PRODUCER_ID) }
    }

    /// The answer to `request` if it is one of those.
    pub(super) fn answer(&self, request: &RequestFrame) -> Result<Option<Answer>> {
        let (version, correlation_id) = (request.version, request.correlation_id);
        let is_spoken = offered(request.api_key)
            .is_some_and(|spoken| (spoken.min..=spoken.max).contains(&version));
        let frame = match request.api_key {
            ApiKey::ApiVersions => {
                let (version, response) = api_versions(is_spoken, version);
                encode_response::<ApiVersionsRequest>(&response, version, correlation_id)?
            }
            api if !is_spoken => return Err(not_spoken(api, version)),
            ApiKey::Metadata => {
                let response = self.metadata(&decode_request_body(request)?, version);
                encode_response::<MetadataRequest>(&response, version, correlation_id)?
            }
            ApiKey::ListOffsets => {
                let response = self.list_offsets(&decode_request_body(request)?);
                encode_response::<ListOffsetsRequest>(&response, version, correlation_id)?
            }
            ApiKey::InitProducerId => {
                let id = self.next_producer_id.fetch_add(1, Ordering::Relaxed);
                let response =
                    InitProducerIdResponse::default().with_producer_id(messages::ProducerId(id));
                encode_response::<InitProducerIdRequest>(&response, version, correlation_id)?
            }
            _ => return Ok(None),
        };
        Ok(Some(Answer::Now(frame)))
    }

    fn metadata(&self, request: &MetadataRequest, version: i16) -> MetadataResponse {
        let broker = MetadataResponseBroker::default()
            .with_node_id(BROKER)
            .with_host(StrBytes::from_string(self.address.ip().to_string()))
            .with_port(self.address.port().into());
        let asked = request.topics.iter().flatten().filter_map(|topic| topic.name.clone());
        let topics = match &request.topics {
            Some(_) => asked.map(|name| self.topic(name, version)).collect(),
            None => vec![self.topic(TopicName(StrBytes::from_static_str(TOPIC)), version)],
        };
        MetadataResponse::default()
            .with_brokers(vec![broker])
            .with_cluster_id((version >= 2).then(|| StrBytes::from_static_str("benchmark")))
            .with_controller_id(BROKER)
            .with_topics(topics)
    }

    fn topic(&self, name: TopicName, version: i16) -> MetadataResponseTopic {
        let topic = MetadataResponseTopic::default();
        if name.as_str() != TOPIC {
            let code = ErrorCode::UnknownTopicOrPartition.code();
            return topic.with_name(Some(name)).with_error_code(code);
        }
        let partitions = (0..self.partitions).map(|index| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(BROKER)
                .with_leader_epoch(if version >= 7 { 0 } else { -1 })
                .with_replica_nodes(vec![BROKER])
                .with_isr_nodes(vec![BROKER])
        });
        topic.with_name(Some(name)).with_partitions(partitions.collect())
    }

    fn list_offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                ListOffsetsPartitionResponse::default()
                    .with_partition_index(asked.partition_index)
                    .with_offset(if asked.timestamp == LATEST { self.end } else { 0 })
            });
            ListOffsetsTopicResponse::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }
}

/// The versions of `api` that are served. The one topic has a name and no id, as before version 13.
pub(super) fn offered(api: ApiKey) -> Option<VersionRange> {
    let spoken = spoken(api)?;
    let newest = match api {
        ApiKey::Fetch | ApiKey::Produce => LAST_BY_NAME,
        _ => spoken.max,
    };
    Some(VersionRange { max: newest.min(spoken.max), ..spoken })
}

/// What is spoken, in the form of version 0 where the version asked in is not.
fn api_versions(is_spoken: bool, version: i16) -> (i16, ApiVersionsResponse) {
    let offers = SERVED.iter().filter_map(|api| {
        let versions = offered(*api)?;
        let offer = ApiVersion::default().with_api_key(*api as i16);
        Some(offer.with_min_version(versions.min).with_max_version(versions.max))
    });
    let response = ApiVersionsResponse::default()
        .with_api_keys(offers.collect())
        .with_finalized_features_epoch(-1);
    match is_spoken {
        true => (version, response),
        false => (0, response.with_error_code(ErrorCode::UnsupportedVersion.code())),
    }
}

fn not_spoken(api: ApiKey, version: i16) -> Box<dyn std::error::Error> {
    let ours = offered(api);
    format!("{api:?} version {version} was asked, {ours:?} is spoken").into()
}

/// Later versions of Fetch and Produce have topic ids (KIP-516).
const LAST_BY_NAME: i16 = 12;

const SERVED: [ApiKey; 6] = [
    ApiKey::ApiVersions,
    ApiKey::Fetch,
    ApiKey::InitProducerId,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::Produce,
];
const BROKER: messages::BrokerId = messages::BrokerId(1);
const FIRST_PRODUCER_ID: i64 = 4000;
/// The timestamp that stands for the end of a partition.
const LATEST: i64 = -1;

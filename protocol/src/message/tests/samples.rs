//! Answers with every array filled as far as the version allows.

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        ApiVersionsResponse, BrokerId, CreateTopicsResponse, DeleteTopicsResponse, FetchResponse,
        InitProducerIdResponse, ListOffsetsResponse, MetadataResponse,
        OffsetForLeaderEpochResponse, ProduceResponse, ProducerId, SaslAuthenticateResponse,
        SaslHandshakeResponse, TopicName,
        api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey},
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
        delete_topics_response::DeletableTopicResult,
        fetch_response::{
            self, AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData,
        },
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
        offset_for_leader_epoch_response::{self, OffsetForLeaderTopicResult},
        produce_response::{
            BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
            TopicProduceResponse,
        },
    },
    protocol::StrBytes,
};
use uuid::Uuid;

pub(super) fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic() -> TopicName {
    TopicName(text("orders"))
}

const ID: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

pub(super) fn api_versions(version: i16) -> ApiVersionsResponse {
    let api = |key| ApiVersion::default().with_api_key(key).with_max_version(9);
    let mut response =
        ApiVersionsResponse::default().with_error_code(3).with_api_keys(vec![api(0), api(1)]);
    if version >= 1 {
        response.throttle_time_ms = 5;
    }
    if version >= 3 {
        let name = || text("metadata.version");
        response.supported_features =
            vec![SupportedFeatureKey::default().with_name(name()).with_max_version(9)];
        response.finalized_features_epoch = 12;
        response.finalized_features =
            vec![FinalizedFeatureKey::default().with_name(name()).with_max_version_level(7)];
        response.zk_migration_ready = true;
    }
    response
}

pub(super) fn create_topics(version: i16) -> CreateTopicsResponse {
    let mut topic = CreatableTopicResult::default()
        .with_name(topic())
        .with_error_code(36)
        .with_error_message(Some(text("exists")));
    if version >= 5 {
        let config = CreatableTopicConfigs::default()
            .with_name(text("retention.bytes"))
            .with_value(Some(text("100")))
            .with_read_only(true)
            .with_config_source(1);
        topic.configs = Some(vec![config.clone(), config]);
        topic.topic_config_error_code = 29;
        topic.num_partitions = 3;
        topic.replication_factor = 1;
    }
    if version >= 7 {
        topic.topic_id = ID;
    }
    CreateTopicsResponse::default().with_throttle_time_ms(1).with_topics(vec![topic.clone(), topic])
}

pub(super) fn delete_topics(version: i16) -> DeleteTopicsResponse {
    let mut topic = DeletableTopicResult::default().with_name(Some(topic())).with_error_code(3);
    if version >= 5 {
        topic.error_message = Some(text("no such topic"));
    }
    if version >= 6 {
        topic.topic_id = ID;
    }
    DeleteTopicsResponse::default().with_responses(vec![topic.clone(), topic])
}

/// One partition with everything, one with records only and one with nothing.
pub(super) fn fetch(version: i16) -> FetchResponse {
    let aborted = |id, offset| {
        AbortedTransaction::default().with_producer_id(ProducerId(id)).with_first_offset(offset)
    };
    let mut full = PartitionData::default()
        .with_error_code(6)
        .with_high_watermark(1000)
        .with_last_stable_offset(990)
        .with_aborted_transactions(Some(vec![aborted(8, 20), aborted(9, 30)]))
        .with_records(Some(Bytes::from_static(b"records of orders-0")));
    if version >= 5 {
        full.log_start_offset = 3;
    }
    if version >= 11 {
        full.preferred_read_replica = BrokerId(4);
    }
    if version >= 12 {
        full.current_leader = fetch_response::LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(2))
            .with_leader_epoch(6);
        full.diverging_epoch = EpochEndOffset::default().with_epoch(2).with_end_offset(5);
    }
    let records = PartitionData::default()
        .with_partition_index(1)
        .with_records(Some(Bytes::from_static(b"records of orders-1")));
    let empty = PartitionData::default()
        .with_partition_index(5)
        .with_high_watermark(-1)
        .with_aborted_transactions(None)
        .with_records(None);
    let topic = |name, id| match version {
        ..13 => FetchableTopicResponse::default().with_topic(TopicName(text(name))),
        _ => FetchableTopicResponse::default().with_topic_id(Uuid::from_u128(id)),
    };
    let mut response = FetchResponse::default().with_throttle_time_ms(25).with_responses(vec![
        topic("orders", 1).with_partitions(vec![full, records]),
        topic("users", 2).with_partitions(vec![empty]),
    ]);
    if version >= 16 {
        let endpoint = fetch_response::NodeEndpoint::default().with_host(text("localhost"));
        response.node_endpoints = vec![endpoint];
    }
    if version >= 7 {
        response.error_code = 70;
        response.session_id = 77;
    }
    response
}

pub(super) fn init_producer_id(_version: i16) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(15)
        .with_producer_id(ProducerId(4000))
        .with_producer_epoch(2)
}

pub(super) fn list_offsets(version: i16) -> ListOffsetsResponse {
    let mut partition = ListOffsetsPartitionResponse::default()
        .with_partition_index(2)
        .with_error_code(6)
        .with_timestamp(1_700_000_000_000)
        .with_offset(99);
    if version >= 4 {
        partition.leader_epoch = 4;
    }
    let topic = ListOffsetsTopicResponse::default()
        .with_name(topic())
        .with_partitions(vec![partition.clone(), partition]);
    ListOffsetsResponse::default().with_topics(vec![topic.clone(), topic])
}

pub(super) fn offset_for_leader_epoch(_version: i16) -> OffsetForLeaderEpochResponse {
    let partition = offset_for_leader_epoch_response::EpochEndOffset::default()
        .with_partition(2)
        .with_error_code(74)
        .with_leader_epoch(4)
        .with_end_offset(99);
    let topic = OffsetForLeaderTopicResult::default()
        .with_topic(topic())
        .with_partitions(vec![partition.clone(), partition]);
    OffsetForLeaderEpochResponse::default()
        .with_throttle_time_ms(1)
        .with_topics(vec![topic.clone(), topic])
}

pub(super) fn metadata(version: i16) -> MetadataResponse {
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(1))
        .with_host(text("localhost"))
        .with_port(9092)
        .with_rack(Some(text("rack")));
    let mut partition = MetadataResponsePartition::default()
        .with_partition_index(1)
        .with_leader_id(BrokerId(1))
        .with_replica_nodes(vec![BrokerId(1), BrokerId(2)])
        .with_isr_nodes(vec![BrokerId(1)]);
    if version >= 5 {
        partition.offline_replicas = vec![BrokerId(2)];
    }
    if version >= 7 {
        partition.leader_epoch = 8;
    }
    let mut topic = MetadataResponseTopic::default()
        .with_name(Some(topic()))
        .with_partitions(vec![partition.clone(), partition]);
    if version >= 10 {
        topic.topic_id = ID;
    }
    let mut response = MetadataResponse::default()
        .with_brokers(vec![broker.clone(), broker])
        .with_controller_id(BrokerId(1))
        .with_topics(vec![topic.clone(), topic]);
    if version >= 2 {
        response.cluster_id = Some(text("cluster"));
    }
    if version >= 13 {
        response.error_code = 129;
    }
    response
}

pub(super) fn produce(version: i16) -> ProduceResponse {
    let mut partition = PartitionProduceResponse::default()
        .with_index(1)
        .with_error_code(87)
        .with_base_offset(500)
        .with_log_append_time_ms(1_700_000_000_000);
    if version >= 5 {
        partition.log_start_offset = 10;
    }
    if version >= 8 {
        let record = BatchIndexAndErrorMessage::default()
            .with_batch_index(3)
            .with_batch_index_error_message(Some(text("no key")));
        partition.record_errors = vec![record.clone(), record];
        partition.error_message = Some(text("bad records"));
    }
    let mut response = ProduceResponse::default();
    if version >= 10 {
        partition.current_leader =
            LeaderIdAndEpoch::default().with_leader_id(BrokerId(2)).with_leader_epoch(6);
        response.node_endpoints = vec![
            NodeEndpoint::default()
                .with_node_id(BrokerId(2))
                .with_host(text("localhost"))
                .with_port(9093),
        ];
    }
    let named = match version {
        ..13 => TopicProduceResponse::default().with_name(topic()),
        _ => TopicProduceResponse::default().with_topic_id(Uuid::from_u128(1)),
    };
    let topic = named.with_partition_responses(vec![partition.clone(), partition]);
    response.with_responses(vec![topic.clone(), topic])
}

pub(super) fn sasl_authenticate(version: i16) -> SaslAuthenticateResponse {
    let lifetime = if version >= 1 { 3_600_000 } else { 0 };
    SaslAuthenticateResponse::default()
        .with_error_code(58)
        .with_error_message(Some(StrBytes::from_static_str("no")))
        .with_auth_bytes(Bytes::from_static(b"v=proof"))
        .with_session_lifetime_ms(lifetime)
}

pub(super) fn sasl_handshake(_version: i16) -> SaslHandshakeResponse {
    let mechanisms = ["PLAIN", "OAUTHBEARER"].map(StrBytes::from_static_str);
    SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(mechanisms.to_vec())
}

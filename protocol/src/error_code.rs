//! The error codes a broker answers with (as of Kafka 4.3), and what a client does about each.

use std::fmt;

/// What a client does about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Ask the same broker again after a backoff.
    Retry,
    /// The metadata is out of date: refresh it, then ask whoever is responsible now.
    RefreshMetadata,
    /// The coordinator has moved: look it up, then ask again.
    FindCoordinator,
    /// Someone newer has taken over this identity; going on with it would never succeed.
    Fenced,
    /// Asking again would give the same answer.
    Fatal,
}

/// Declares `ErrorCode` from one row per code, so that number, name, disposition and sentence
/// cannot drift apart.
macro_rules! error_codes {
    ($($code:literal $variant:ident $name:ident $disposition:ident $description:literal,)*) => {
        /// An error code as a broker sends it; 0 (no error) is not one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $description] $variant,)*
            /// A code newer than this table.
            Unknown(i16),
        }

        impl ErrorCode {
            /// Every code of the table, ascending.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The error a code on the wire stands for; `None` for 0, which says that all is well.
            pub fn from_code(code: i16) -> Option<Self> {
                match code {
                    0 => None,
                    $($code => Some(Self::$variant),)*
                    code => Some(Self::Unknown(code)),
                }
            }

            /// The number on the wire.
            pub fn code(self) -> i16 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// Kafka's name for the code.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                    Self::Unknown(_) => "UNKNOWN_ERROR_CODE",
                }
            }

            /// One sentence about what the broker means.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)*
                    Self::Unknown(_) => "The broker answered with an error code newer than this client.",
                }
            }

            /// What a client does about it.
            pub fn disposition(self) -> Disposition {
                match self {
                    $(Self::$variant => Disposition::$disposition,)*
                    Self::Unknown(_) => Disposition::Fatal,
                }
            }
        }
    };
}

error_codes! {
    -1 UnknownServerError UNKNOWN_SERVER_ERROR Fatal "The broker met an unexpected error; its log says which.",
    1 OffsetOutOfRange OFFSET_OUT_OF_RANGE Fatal "The offset lies outside of what the partition still holds.",
    2 CorruptMessage CORRUPT_MESSAGE Retry "The broker found a damaged record batch, or one without a key in a compacted topic.",
    3 UnknownTopicOrPartition UNKNOWN_TOPIC_OR_PARTITION RefreshMetadata "The broker does not host this topic or partition.",
    4 InvalidFetchSize INVALID_FETCH_SIZE Fatal "The fetch asks for an impossible number of bytes.",
    5 LeaderNotAvailable LEADER_NOT_AVAILABLE RefreshMetadata "The partition has no leader for the moment; an election is going on.",
    6 NotLeaderOrFollower NOT_LEADER_OR_FOLLOWER RefreshMetadata "The broker is not the leader, or not a replica, of this partition.",
    7 RequestTimedOut REQUEST_TIMED_OUT Retry "The broker could not finish the request within its timeout.",
    8 BrokerNotAvailable BROKER_NOT_AVAILABLE Fatal "The broker is not available.",
    9 ReplicaNotAvailable REPLICA_NOT_AVAILABLE RefreshMetadata "The replica is not available on this broker.",
    10 MessageTooLarge MESSAGE_TOO_LARGE Fatal "The record batch is larger than the topic's max.message.bytes.",
    11 StaleControllerEpoch STALE_CONTROLLER_EPOCH Fatal "The controller has moved to another broker.",
    12 OffsetMetadataTooLarge OFFSET_METADATA_TOO_LARGE Fatal "The metadata committed with an offset is too long.",
    13 NetworkException NETWORK_EXCEPTION RefreshMetadata "The broker lost a connection it needed before the answer arrived.",
    14 CoordinatorLoadInProgress COORDINATOR_LOAD_IN_PROGRESS Retry "The coordinator is still loading its state.",
    15 CoordinatorNotAvailable COORDINATOR_NOT_AVAILABLE FindCoordinator "The group or transaction coordinator is not available.",
    16 NotCoordinator NOT_COORDINATOR FindCoordinator "The broker is not the coordinator of this group or transaction.",
    17 InvalidTopicException INVALID_TOPIC_EXCEPTION Fatal "The topic name is not legal, or the topic is internal and may not be written.",
    18 RecordListTooLarge RECORD_LIST_TOO_LARGE Fatal "The record batch is larger than a log segment of the broker.",
    19 NotEnoughReplicas NOT_ENOUGH_REPLICAS Retry "Fewer replicas are in sync than min.insync.replicas demands; nothing was written.",
    20 NotEnoughReplicasAfterAppend NOT_ENOUGH_REPLICAS_AFTER_APPEND Retry "The records were written, but to fewer replicas than min.insync.replicas demands.",
    21 InvalidRequiredAcks INVALID_REQUIRED_ACKS Fatal "The number of required acknowledgements is not 0, 1 or -1.",
    22 IllegalGeneration ILLEGAL_GENERATION Fatal "The group has moved on to another generation.",
    23 InconsistentGroupProtocol INCONSISTENT_GROUP_PROTOCOL Fatal "The group's other members speak none of the protocols this member offers.",
    24 InvalidGroupId INVALID_GROUP_ID Fatal "The group id is not legal.",
    25 UnknownMemberId UNKNOWN_MEMBER_ID Fatal "The coordinator does not know this member.",
    26 InvalidSessionTimeout INVALID_SESSION_TIMEOUT Fatal "The session timeout lies outside of what the broker allows.",
    27 RebalanceInProgress REBALANCE_IN_PROGRESS Fatal "The group is rebalancing; the member has to join again.",
    28 InvalidCommitOffsetSize INVALID_COMMIT_OFFSET_SIZE Fatal "The offsets to commit take too much room.",
    29 TopicAuthorizationFailed TOPIC_AUTHORIZATION_FAILED Fatal "The user may not do this with the topic.",
    30 GroupAuthorizationFailed GROUP_AUTHORIZATION_FAILED Fatal "The user may not do this with the consumer group.",
    31 ClusterAuthorizationFailed CLUSTER_AUTHORIZATION_FAILED Fatal "The user may not do this in the cluster.",
    32 InvalidTimestamp INVALID_TIMESTAMP Fatal "The record's timestamp is further from the broker's clock than the topic allows.",
    33 UnsupportedSaslMechanism UNSUPPORTED_SASL_MECHANISM Fatal "The broker does not offer this SASL mechanism.",
    34 IllegalSaslState ILLEGAL_SASL_STATE Fatal "The request does not fit the state of the SASL exchange.",
    35 UnsupportedVersion UNSUPPORTED_VERSION Fatal "The broker does not speak this version of the request.",
    36 TopicAlreadyExists TOPIC_ALREADY_EXISTS Fatal "A topic of this name exists already.",
    37 InvalidPartitions INVALID_PARTITIONS Fatal "The number of partitions is not possible.",
    38 InvalidReplicationFactor INVALID_REPLICATION_FACTOR Fatal "The replication factor is not possible, for example larger than the number of brokers.",
    39 InvalidReplicaAssignment INVALID_REPLICA_ASSIGNMENT Fatal "The replica assignment is not possible.",
    40 InvalidConfig INVALID_CONFIG Fatal "A configuration value is not legal.",
    41 NotController NOT_CONTROLLER RefreshMetadata "The broker is not the controller of the cluster.",
    42 InvalidRequest INVALID_REQUEST Fatal "The broker cannot make sense of the request; its log says why.",
    43 UnsupportedForMessageFormat UNSUPPORTED_FOR_MESSAGE_FORMAT Fatal "The log's message format is too old for this request.",
    44 PolicyViolation POLICY_VIOLATION Fatal "The request violates a policy set on the broker.",
    45 OutOfOrderSequenceNumber OUT_OF_ORDER_SEQUENCE_NUMBER Fatal "A record batch of this producer is missing before this one.",
    46 DuplicateSequenceNumber DUPLICATE_SEQUENCE_NUMBER Fatal "The record batch was written before; its offset is no longer known.",
    47 InvalidProducerEpoch INVALID_PRODUCER_EPOCH Fenced "The producer's epoch is old: another instance took over, or its transaction timed out.",
    48 InvalidTxnState INVALID_TXN_STATE Fatal "The transaction is not in a state that allows this.",
    49 InvalidProducerIdMapping INVALID_PRODUCER_ID_MAPPING Fatal "The producer id does not belong to this transactional id.",
    50 InvalidTransactionTimeout INVALID_TRANSACTION_TIMEOUT Fatal "The transaction timeout exceeds the broker's transaction.max.timeout.ms.",
    51 ConcurrentTransactions CONCURRENT_TRANSACTIONS Retry "Another operation on the same transaction is still going on.",
    52 TransactionCoordinatorFenced TRANSACTION_COORDINATOR_FENCED Fenced "The transaction coordinator was replaced by a newer one.",
    53 TransactionalIdAuthorizationFailed TRANSACTIONAL_ID_AUTHORIZATION_FAILED Fatal "The user may not use this transactional id.",
    54 SecurityDisabled SECURITY_DISABLED Fatal "The broker has no authorizer, so it has no such security feature.",
    55 OperationNotAttempted OPERATION_NOT_ATTEMPTED Fatal "The broker stopped before this part because another part of the request failed.",
    56 KafkaStorageError KAFKA_STORAGE_ERROR RefreshMetadata "The broker's disk failed under the partition's log.",
    57 LogDirNotFound LOG_DIR_NOT_FOUND Fatal "The broker has no such log directory.",
    58 SaslAuthenticationFailed SASL_AUTHENTICATION_FAILED Fatal "The broker did not accept the credentials.",
    59 UnknownProducerId UNKNOWN_PRODUCER_ID Fatal "The broker no longer knows this producer id in the partition.",
    60 ReassignmentInProgress REASSIGNMENT_IN_PROGRESS Fatal "The partitions are being reassigned already.",
    61 DelegationTokenAuthDisabled DELEGATION_TOKEN_AUTH_DISABLED Fatal "The broker has delegation tokens switched off.",
    62 DelegationTokenNotFound DELEGATION_TOKEN_NOT_FOUND Fatal "The broker does not know this delegation token.",
    63 DelegationTokenOwnerMismatch DELEGATION_TOKEN_OWNER_MISMATCH Fatal "The delegation token belongs to someone else.",
    64 DelegationTokenRequestNotAllowed DELEGATION_TOKEN_REQUEST_NOT_ALLOWED Fatal "Delegation tokens cannot be requested over this kind of connection.",
    65 DelegationTokenAuthorizationFailed DELEGATION_TOKEN_AUTHORIZATION_FAILED Fatal "The user may not do this with delegation tokens.",
    66 DelegationTokenExpired DELEGATION_TOKEN_EXPIRED Fatal "The delegation token has expired.",
    67 InvalidPrincipalType INVALID_PRINCIPAL_TYPE Fatal "The principal's type is not supported.",
    68 NonEmptyGroup NON_EMPTY_GROUP Fatal "The group still has members.",
    69 GroupIdNotFound GROUP_ID_NOT_FOUND Fatal "There is no group of this id.",
    70 FetchSessionIdNotFound FETCH_SESSION_ID_NOT_FOUND Retry "The broker does not know this fetch session; a new one has to be opened.",
    71 InvalidFetchSessionEpoch INVALID_FETCH_SESSION_EPOCH Retry "The fetch session is at another epoch; a new one has to be opened.",
    72 ListenerNotFound LISTENER_NOT_FOUND RefreshMetadata "The partition's leader has no listener of the name this client came by.",
    73 TopicDeletionDisabled TOPIC_DELETION_DISABLED Fatal "The broker has topic deletion switched off.",
    74 FencedLeaderEpoch FENCED_LEADER_EPOCH RefreshMetadata "The leader epoch in the request is older than the broker's.",
    75 UnknownLeaderEpoch UNKNOWN_LEADER_EPOCH Retry "The leader epoch in the request is newer than the broker's.",
    76 UnsupportedCompressionType UNSUPPORTED_COMPRESSION_TYPE Fatal "The broker does not support this compression codec.",
    77 StaleBrokerEpoch STALE_BROKER_EPOCH Fatal "The broker has registered anew; its old epoch no longer counts.",
    78 OffsetNotAvailable OFFSET_NOT_AVAILABLE Retry "The new leader does not know yet up to where the log is replicated.",
    79 MemberIdRequired MEMBER_ID_REQUIRED Fatal "The member has to join again with the member id it was just given.",
    80 PreferredLeaderNotAvailable PREFERRED_LEADER_NOT_AVAILABLE RefreshMetadata "The preferred leader is not available.",
    81 GroupMaxSizeReached GROUP_MAX_SIZE_REACHED Fatal "The group is full.",
    82 FencedInstanceId FENCED_INSTANCE_ID Fenced "Another member has taken over this group.instance.id.",
    83 EligibleLeadersNotAvailable ELIGIBLE_LEADERS_NOT_AVAILABLE RefreshMetadata "No replica that may become leader is available.",
    84 ElectionNotNeeded ELECTION_NOT_NEEDED RefreshMetadata "The partition has its desired leader already.",
    85 NoReassignmentInProgress NO_REASSIGNMENT_IN_PROGRESS Fatal "The partition is not being reassigned.",
    86 GroupSubscribedToTopic GROUP_SUBSCRIBED_TO_TOPIC Fatal "The group is subscribed to the topic, so its offsets may not be deleted.",
    87 InvalidRecord INVALID_RECORD Fatal "The broker's validation refused a record.",
    88 UnstableOffsetCommit UNSTABLE_OFFSET_COMMIT Retry "Offsets of a transaction still open are waiting to become stable.",
    89 ThrottlingQuotaExceeded THROTTLING_QUOTA_EXCEEDED Retry "A quota on such requests is used up for the moment.",
    90 ProducerFenced PRODUCER_FENCED Fenced "A newer producer with the same transactional id has taken over.",
    91 ResourceNotFound RESOURCE_NOT_FOUND Fatal "There is no such resource.",
    92 DuplicateResource DUPLICATE_RESOURCE Fatal "The resource exists already.",
    93 UnacceptableCredential UNACCEPTABLE_CREDENTIAL Fatal "The credentials to store do not meet the requirements.",
    94 InconsistentVoterSet INCONSISTENT_VOTER_SET Fatal "The set of voters differs from the one expected.",
    95 InvalidUpdateVersion INVALID_UPDATE_VERSION Fatal "The feature version to set is not possible.",
    96 FeatureUpdateFailed FEATURE_UPDATE_FAILED Fatal "The finalized features could not be changed.",
    97 PrincipalDeserializationFailure PRINCIPAL_DESERIALIZATION_FAILURE Fatal "The forwarded principal could not be read.",
    98 SnapshotNotFound SNAPSHOT_NOT_FOUND Fatal "There is no such snapshot.",
    99 PositionOutOfRange POSITION_OUT_OF_RANGE Fatal "The position lies outside of the snapshot.",
    100 UnknownTopicId UNKNOWN_TOPIC_ID RefreshMetadata "The broker does not host a topic of this id.",
    101 DuplicateBrokerRegistration DUPLICATE_BROKER_REGISTRATION Fatal "A broker of this id is registered already.",
    102 BrokerIdNotRegistered BROKER_ID_NOT_REGISTERED Fatal "The broker is not registered with the controller.",
    103 InconsistentTopicId INCONSISTENT_TOPIC_ID RefreshMetadata "The topic id in the log differs from the one in the request.",
    104 InconsistentClusterId INCONSISTENT_CLUSTER_ID Fatal "The cluster id differs from the one in the request.",
    105 TransactionalIdNotFound TRANSACTIONAL_ID_NOT_FOUND Fatal "There is no such transactional id.",
    106 FetchSessionTopicIdError FETCH_SESSION_TOPIC_ID_ERROR Retry "The fetch session mixes topic ids and topic names; a new one has to be opened.",
    107 IneligibleReplica INELIGIBLE_REPLICA Fatal "The replica may not join the in-sync replicas.",
    108 NewLeaderElected NEW_LEADER_ELECTED Fatal "The change made another broker the leader.",
    109 OffsetMovedToTieredStorage OFFSET_MOVED_TO_TIERED_STORAGE Fatal "The offset was moved to tiered storage.",
    110 FencedMemberEpoch FENCED_MEMBER_EPOCH Fenced "The member's epoch is older than the coordinator's; it has to join again.",
    111 UnreleasedInstanceId UNRELEASED_INSTANCE_ID Fatal "The group.instance.id still belongs to another member.",
    112 UnsupportedAssignor UNSUPPORTED_ASSIGNOR Fatal "The group does not support this assignor.",
    113 StaleMemberEpoch STALE_MEMBER_EPOCH Fatal "The member's epoch is old; its next heartbeat brings the new one.",
    114 MismatchedEndpointType MISMATCHED_ENDPOINT_TYPE Fatal "The request was sent to the wrong kind of endpoint, controller or broker.",
    115 UnsupportedEndpointType UNSUPPORTED_ENDPOINT_TYPE Fatal "This kind of endpoint is not supported.",
    116 UnknownControllerId UNKNOWN_CONTROLLER_ID Fatal "There is no such controller.",
    117 UnknownSubscriptionId UNKNOWN_SUBSCRIPTION_ID Fatal "The telemetry subscription has changed; it has to be asked for again.",
    118 TelemetryTooLarge TELEMETRY_TOO_LARGE Fatal "The telemetry is larger than the broker accepts.",
    119 InvalidRegistration INVALID_REGISTRATION Fatal "The controller finds the broker's registration not valid.",
    120 TransactionAbortable TRANSACTION_ABORTABLE Fatal "The transaction failed and has to be aborted.",
    121 InvalidRecordState INVALID_RECORD_STATE Fatal "The shared record is in another state than the acknowledgement supposes.",
    122 ShareSessionNotFound SHARE_SESSION_NOT_FOUND Retry "The broker does not know this share session; a new one has to be opened.",
    123 InvalidShareSessionEpoch INVALID_SHARE_SESSION_EPOCH Retry "The share session is at another epoch; a new one has to be opened.",
    124 FencedStateEpoch FENCED_STATE_EPOCH Fenced "The share coordinator's state epoch is old.",
    125 InvalidVoterKey INVALID_VOTER_KEY Fatal "The voter's key differs from the one recorded.",
    126 DuplicateVoter DUPLICATE_VOTER Fatal "The voter is in the set of voters already.",
    127 VoterNotFound VOTER_NOT_FOUND Fatal "The voter is not in the set of voters.",
    128 InvalidRegularExpression INVALID_REGULAR_EXPRESSION Fatal "The regular expression of the subscription is not valid.",
    129 RebootstrapRequired REBOOTSTRAP_REQUIRED Fatal "The client's metadata is too old; it has to start from its bootstrap servers.",
    130 StreamsInvalidTopology STREAMS_INVALID_TOPOLOGY Fatal "The streams topology is not valid.",
    131 StreamsInvalidTopologyEpoch STREAMS_INVALID_TOPOLOGY_EPOCH Fatal "The epoch of the streams topology is not valid.",
    132 StreamsTopologyFenced STREAMS_TOPOLOGY_FENCED Fenced "The epoch of the streams topology is old.",
    133 ShareSessionLimitReached SHARE_SESSION_LIMIT_REACHED Retry "The broker has no room for another share session.",
}

impl ErrorCode {
    /// Whether asking again, here or elsewhere, can succeed.
    pub fn is_retriable(self) -> bool {
        matches!(
            self.disposition(),
            Disposition::Retry | Disposition::RefreshMetadata | Disposition::FindCoordinator
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka 4.3's own client treats as retriable.
    const RETRIABLE: &[i16] = &[
        2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84,
        88, 89, 100, 103, 106, 122, 123, 133,
    ];

    #[test]
    fn the_table_has_every_code_of_kafka_4_3_once() {
        let codes: Vec<i16> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
        let expected: Vec<i16> = (-1..=133).filter(|code| *code != 0).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_code_survives_the_round_trip() {
        for code in i16::MIN..=i16::MAX {
            assert_eq!(ErrorCode::from_code(code).map_or(0, ErrorCode::code), code);
        }
    }

    #[test]
    fn codes_are_retriable_where_kafkas_client_retries() {
        for error in ErrorCode::ALL {
            assert_eq!(error.is_retriable(), RETRIABLE.contains(&error.code()), "{error}");
        }
    }

    #[test]
    fn an_unknown_code_is_kept_and_fatal() {
        let error = ErrorCode::from_code(4711).unwrap();
        assert_eq!(error.to_string(), "UNKNOWN_ERROR_CODE (4711)");
        assert_eq!(error.disposition(), Disposition::Fatal);
    }

    #[test]
    fn a_code_is_shown_with_kafkas_name_and_number() {
        assert_eq!(ErrorCode::NotLeaderOrFollower.to_string(), "NOT_LEADER_OR_FOLLOWER (6)");
    }
}

//! The requests that a broker decodes.

use super::{
    Field,
    Kind::{Fixed, Struct, Text},
    array, fixed, opaque, structure, text,
};
use crate::api::ApiKey;

/// By API, with the first flexible version of each.
pub(super) const REQUESTS: &[(ApiKey, i16, &[Field])] = &[
    (ApiKey::ApiVersions, 3, API_VERSIONS),
    (ApiKey::CreateTopics, 5, CREATE_TOPICS),
    (ApiKey::DeleteTopics, 4, DELETE_TOPICS),
    (ApiKey::Fetch, 12, FETCH),
    (ApiKey::InitProducerId, 2, INIT_PRODUCER_ID),
    (ApiKey::ListOffsets, 6, LIST_OFFSETS),
    (ApiKey::Metadata, 9, METADATA),
    (ApiKey::OffsetForLeaderEpoch, 4, OFFSET_FOR_LEADER_EPOCH),
    (ApiKey::Produce, 9, PRODUCE),
    (ApiKey::SaslAuthenticate, 2, SASL_AUTHENTICATE),
    (ApiKey::SaslHandshake, i16::MAX, SASL_HANDSHAKE),
];

const API_VERSIONS: &[Field] =
    &[text("client software name").since(3), text("client software version").since(3)];

const CREATE_TOPICS: &[Field] = &[
    array(
        "topics",
        &Struct(&[
            text("name"),
            fixed("num partitions", 4),
            fixed("replication factor", 2),
            array(
                "assignments",
                &Struct(&[fixed("partition index", 4), array("broker ids", &Fixed(4))]),
            ),
            array("configs", &Struct(&[text("name"), text("value").nullable(0)])),
        ]),
    ),
    fixed("timeout ms", 4),
    fixed("validate only", 1).since(1),
];

const DELETE_TOPICS: &[Field] = &[
    array("topics", &Struct(&[text("name").since(6).nullable(6), fixed("topic id", 16).since(6)]))
        .since(6),
    array("topic names", &Text).until(5),
    fixed("timeout ms", 4),
];

const FETCH: &[Field] = &[
    text("cluster id").tagged(0).since(12).nullable(12),
    fixed("replica id", 4).until(14),
    structure(
        "replica state",
        &[fixed("replica id", 4).since(15), fixed("replica epoch", 8).since(15)],
    )
    .tagged(1)
    .since(15),
    fixed("max wait ms", 4),
    fixed("min bytes", 4),
    fixed("max bytes", 4).since(3),
    fixed("isolation level", 1).since(4),
    fixed("session id", 4).since(7),
    fixed("session epoch", 4).since(7),
    array(
        "topics",
        &Struct(&[
            text("topic").until(12),
            fixed("topic id", 16).since(13),
            array(
                "partitions",
                &Struct(&[
                    fixed("partition", 4),
                    fixed("current leader epoch", 4).since(9),
                    fixed("fetch offset", 8),
                    fixed("last fetched epoch", 4).since(12),
                    fixed("log start offset", 8).since(5),
                    fixed("partition max bytes", 4),
                    fixed("replica directory id", 16).tagged(0).since(17),
                    fixed("high watermark", 8).tagged(1).since(18),
                ]),
            ),
        ]),
    ),
    array(
        "forgotten topics data",
        &Struct(&[
            text("topic").since(7).until(12),
            fixed("topic id", 16).since(13),
            array("partitions", &Fixed(4)).since(7),
        ]),
    )
    .since(7),
    text("rack id").since(11),
];

const INIT_PRODUCER_ID: &[Field] = &[
    text("transactional id").nullable(0),
    fixed("transaction timeout ms", 4),
    fixed("producer id", 8).since(3),
    fixed("producer epoch", 2).since(3),
    fixed("enable 2pc", 1).since(6),
    fixed("keep prepared txn", 1).since(6),
];

const LIST_OFFSETS: &[Field] = &[
    fixed("replica id", 4),
    fixed("isolation level", 1).since(2),
    array(
        "topics",
        &Struct(&[
            text("name"),
            array(
                "partitions",
                &Struct(&[
                    fixed("partition index", 4),
                    fixed("current leader epoch", 4).since(4),
                    fixed("timestamp", 8),
                    fixed("max num offsets", 4).until(0),
                ]),
            ),
        ]),
    ),
    fixed("timeout ms", 4).since(10),
];

const METADATA: &[Field] = &[
    array("topics", &Struct(&[fixed("topic id", 16).since(10), text("name").nullable(10)]))
        .nullable(1),
    fixed("allow auto topic creation", 1).since(4),
    fixed("include cluster authorized operations", 1).since(8).until(10),
    fixed("include topic authorized operations", 1).since(8),
];

const OFFSET_FOR_LEADER_EPOCH: &[Field] = &[
    fixed("replica id", 4).since(3),
    array(
        "topics",
        &Struct(&[
            text("topic"),
            array(
                "partitions",
                &Struct(&[
                    fixed("partition", 4),
                    fixed("current leader epoch", 4).since(2),
                    fixed("leader epoch", 4),
                ]),
            ),
        ]),
    ),
];

const PRODUCE: &[Field] = &[
    text("transactional id").since(3).nullable(3),
    fixed("acks", 2),
    fixed("timeout ms", 4),
    array(
        "topic data",
        &Struct(&[
            text("name").until(12),
            fixed("topic id", 16).since(13),
            array("partition data", &Struct(&[fixed("index", 4), opaque("records").nullable(0)])),
        ]),
    ),
];

const SASL_AUTHENTICATE: &[Field] = &[opaque("auth bytes")];

const SASL_HANDSHAKE: &[Field] = &[text("mechanism")];

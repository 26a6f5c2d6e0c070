//! The answers that a client decodes.

use super::{
    Field,
    Kind::{Fixed, Struct, Text},
    array, fixed, opaque, structure, text,
};
use crate::api::ApiKey;

/// By API, with the first flexible version of each.
pub(super) const ANSWERS: &[(ApiKey, i16, &[Field])] = &[
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

const API_VERSIONS: &[Field] = &[
    fixed("error code", 2),
    array(
        "api keys",
        &Struct(&[fixed("api key", 2), fixed("min version", 2), fixed("max version", 2)]),
    ),
    fixed("throttle time ms", 4).since(1),
    array(
        "supported features",
        &Struct(&[
            text("name").since(3),
            fixed("min version", 2).since(3),
            fixed("max version", 2).since(3),
        ]),
    )
    .tagged(0)
    .since(3),
    fixed("finalized features epoch", 8).tagged(1).since(3),
    array(
        "finalized features",
        &Struct(&[
            text("name").since(3),
            fixed("max version level", 2).since(3),
            fixed("min version level", 2).since(3),
        ]),
    )
    .tagged(2)
    .since(3),
    fixed("zk migration ready", 1).tagged(3).since(3),
];

const CREATE_TOPICS: &[Field] = &[
    fixed("throttle time ms", 4).since(2),
    array(
        "topics",
        &Struct(&[
            text("name"),
            fixed("topic id", 16).since(7),
            fixed("error code", 2),
            text("error message").since(1).nullable(0),
            fixed("topic config error code", 2).tagged(0).since(5),
            fixed("num partitions", 4).since(5),
            fixed("replication factor", 2).since(5),
            array(
                "configs",
                &Struct(&[
                    text("name").since(5),
                    text("value").since(5).nullable(5),
                    fixed("read only", 1).since(5),
                    fixed("config source", 1).since(5),
                    fixed("is sensitive", 1).since(5),
                ]),
            )
            .since(5)
            .nullable(5),
        ]),
    ),
];

const DELETE_TOPICS: &[Field] = &[
    fixed("throttle time ms", 4).since(1),
    array(
        "responses",
        &Struct(&[
            text("name").nullable(6),
            fixed("topic id", 16).since(6),
            fixed("error code", 2),
            text("error message").since(5).nullable(5),
        ]),
    ),
];

const FETCH: &[Field] = &[
    fixed("throttle time ms", 4).since(1),
    fixed("error code", 2).since(7),
    fixed("session id", 4).since(7),
    array(
        "responses",
        &Struct(&[
            text("topic").until(12),
            fixed("topic id", 16).since(13),
            array(
                "partitions",
                &Struct(&[
                    fixed("partition index", 4),
                    fixed("error code", 2),
                    fixed("high watermark", 8),
                    fixed("last stable offset", 8).since(4),
                    fixed("log start offset", 8).since(5),
                    structure(
                        "diverging epoch",
                        &[fixed("epoch", 4).since(12), fixed("end offset", 8).since(12)],
                    )
                    .tagged(0)
                    .since(12),
                    structure(
                        "current leader",
                        &[fixed("leader id", 4).since(12), fixed("leader epoch", 4).since(12)],
                    )
                    .tagged(1)
                    .since(12),
                    structure("snapshot id", &[fixed("end offset", 8), fixed("epoch", 4)])
                        .tagged(2)
                        .since(12),
                    array(
                        "aborted transactions",
                        &Struct(&[
                            fixed("producer id", 8).since(4),
                            fixed("first offset", 8).since(4),
                        ]),
                    )
                    .since(4)
                    .nullable(4),
                    fixed("preferred read replica", 4).since(11),
                    opaque("records").nullable(0),
                ]),
            ),
        ]),
    ),
    array(
        "node endpoints",
        &Struct(&[
            fixed("node id", 4).since(16),
            text("host").since(16),
            fixed("port", 4).since(16),
            text("rack").since(16).nullable(16),
        ]),
    )
    .tagged(0)
    .since(16),
];

const INIT_PRODUCER_ID: &[Field] = &[
    fixed("throttle time ms", 4),
    fixed("error code", 2),
    fixed("producer id", 8),
    fixed("producer epoch", 2),
    fixed("ongoing txn producer id", 8).since(6),
    fixed("ongoing txn producer epoch", 2).since(6),
];

const LIST_OFFSETS: &[Field] = &[
    fixed("throttle time ms", 4).since(2),
    array(
        "topics",
        &Struct(&[
            text("name"),
            array(
                "partitions",
                &Struct(&[
                    fixed("partition index", 4),
                    fixed("error code", 2),
                    array("old style offsets", &Fixed(8)).until(0),
                    fixed("timestamp", 8).since(1),
                    fixed("offset", 8).since(1),
                    fixed("leader epoch", 4).since(4),
                ]),
            ),
        ]),
    ),
];

const METADATA: &[Field] = &[
    fixed("throttle time ms", 4).since(3),
    array(
        "brokers",
        &Struct(&[
            fixed("node id", 4),
            text("host"),
            fixed("port", 4),
            text("rack").since(1).nullable(1),
        ]),
    ),
    text("cluster id").since(2).nullable(2),
    fixed("controller id", 4).since(1),
    array(
        "topics",
        &Struct(&[
            fixed("error code", 2),
            text("name").nullable(12),
            fixed("topic id", 16).since(10),
            fixed("is internal", 1).since(1),
            array(
                "partitions",
                &Struct(&[
                    fixed("error code", 2),
                    fixed("partition index", 4),
                    fixed("leader id", 4),
                    fixed("leader epoch", 4).since(7),
                    array("replica nodes", &Fixed(4)),
                    array("isr nodes", &Fixed(4)),
                    array("offline replicas", &Fixed(4)).since(5),
                ]),
            ),
            fixed("topic authorized operations", 4).since(8),
        ]),
    ),
    fixed("cluster authorized operations", 4).since(8).until(10),
    fixed("error code", 2).since(13),
];

const OFFSET_FOR_LEADER_EPOCH: &[Field] = &[
    fixed("throttle time ms", 4).since(2),
    array(
        "topics",
        &Struct(&[
            text("topic"),
            array(
                "partitions",
                &Struct(&[
                    fixed("error code", 2),
                    fixed("partition", 4),
                    fixed("leader epoch", 4).since(1),
                    fixed("end offset", 8),
                ]),
            ),
        ]),
    ),
];

const PRODUCE: &[Field] = &[
    array(
        "responses",
        &Struct(&[
            text("name").until(12),
            fixed("topic id", 16).since(13),
            array(
                "partition responses",
                &Struct(&[
                    fixed("index", 4),
                    fixed("error code", 2),
                    fixed("base offset", 8),
                    fixed("log append time ms", 8).since(2),
                    fixed("log start offset", 8).since(5),
                    array(
                        "record errors",
                        &Struct(&[
                            fixed("batch index", 4).since(8),
                            text("batch index error message").since(8).nullable(8),
                        ]),
                    )
                    .since(8),
                    text("error message").since(8).nullable(8),
                    structure(
                        "current leader",
                        &[fixed("leader id", 4).since(10), fixed("leader epoch", 4).since(10)],
                    )
                    .tagged(0)
                    .since(10),
                ]),
            ),
        ]),
    ),
    fixed("throttle time ms", 4).since(1),
    array(
        "node endpoints",
        &Struct(&[
            fixed("node id", 4).since(10),
            text("host").since(10),
            fixed("port", 4).since(10),
            text("rack").since(10).nullable(10),
        ]),
    )
    .tagged(0)
    .since(10),
];

const SASL_AUTHENTICATE: &[Field] = &[
    fixed("error code", 2),
    text("error message").nullable(0),
    opaque("auth bytes"),
    fixed("session lifetime ms", 8).since(1),
];

const SASL_HANDSHAKE: &[Field] = &[fixed("error code", 2), array("mechanisms", &Text)];

//! What clients, consumers and producers have done so far: snapshots for whoever asks, and the same
//! numbers for the recorder of the `metrics` facade that the application has installed, if any.
//!
//! Everything is counted once per request, answer or batch, never per record.

mod brokers;
mod consumer;
mod count;
mod producer;
#[cfg(test)]
mod tests;

use metrics::Unit;

pub(crate) use brokers::{BrokerCounts, Brokers, MetadataCounts};
pub use brokers::{BrokerStats, ClientStats};
pub use consumer::ConsumerStats;
pub(crate) use producer::ProducerCounts;
pub use producer::{ProducedStats, ProducerStats};

/// Tells the application's recorder what the numbers mean.
pub(crate) fn describe() {
    for (name, unit, meaning) in METRICS {
        metrics::describe_counter!(*name, *unit, *meaning);
    }
}

/// Every number that is told to a recorder, sorted.
#[rustfmt::skip]
const METRICS: &[(&str, Unit, &str)] = &[
    ("kavka_connections_closed_total", Unit::Count, "connections that ended"),
    ("kavka_connections_failed_total", Unit::Count, "attempts to connect that came to nothing"),
    ("kavka_connections_made_total", Unit::Count, "connections that were made"),
    ("kavka_metadata_failures_total", Unit::Count, "refreshes of metadata that no broker answered"),
    ("kavka_metadata_refreshes_total", Unit::Count, "refreshes of metadata"),
    ("kavka_produce_failed_records_total", Unit::Count, "records that were given up"),
    ("kavka_produce_queue_microseconds_total", Unit::Microseconds, "time that batches waited to be sent"),
    ("kavka_produce_retries_total", Unit::Count, "batches that were sent again"),
    ("kavka_produced_batches_total", Unit::Count, "batches that were sent"),
    ("kavka_produced_bytes_total", Unit::Bytes, "bytes of batches that were sent, compressed, every time"),
    ("kavka_produced_records_total", Unit::Count, "records that were acknowledged"),
    ("kavka_received_bytes_total", Unit::Bytes, "bytes read from sockets"),
    ("kavka_request_failures_total", Unit::Count, "requests that ended without an answer"),
    ("kavka_requests_total", Unit::Count, "requests handed to a connection"),
    ("kavka_responses_total", Unit::Count, "requests that were answered"),
    ("kavka_sent_bytes_total", Unit::Bytes, "bytes written to sockets"),
    ("kavka_throttle_milliseconds_total", Unit::Milliseconds, "time for which brokers wanted to be left alone"),
];

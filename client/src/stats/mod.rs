//! What clients, consumers and producers have done so far: snapshots for whoever asks, and the same
//! numbers for the recorder of the `metrics` facade that the application has installed, if any.
//!
//! Everything is counted once per request, answer, hand-out or batch, never per record.

mod brokers;
mod consumer;
mod count;
mod fetches;
mod producer;
#[cfg(test)]
mod tests;

use metrics::Unit;

pub(crate) use brokers::{BrokerCounts, Brokers, MetadataCounts};
pub use brokers::{BrokerStats, ClientStats};
pub use consumer::{Consumed, ConsumedStats, ConsumerStats, PrefetchStats};
pub(crate) use consumer::{ConsumerCounts, Counted};
pub(crate) use fetches::FetchCounts;
pub use fetches::FetchStats;
pub(crate) use producer::ProducerCounts;
pub use producer::{ProducedStats, ProducerStats};

/// Tells the application's recorder what the numbers mean.
pub(crate) fn describe() {
    for (name, unit, meaning) in COUNTERS {
        metrics::describe_counter!(*name, *unit, *meaning);
    }
    for (name, unit, meaning) in GAUGES {
        metrics::describe_gauge!(*name, *unit, *meaning);
    }
}

/// Every number that only grows and is told to a recorder, sorted.
#[rustfmt::skip]
const COUNTERS: &[(&str, Unit, &str)] = &[
    ("kavka_connections_closed_total", Unit::Count, "connections that ended"),
    ("kavka_connections_failed_total", Unit::Count, "attempts to connect that came to nothing"),
    ("kavka_connections_made_total", Unit::Count, "connections that were made"),
    ("kavka_consume_failures_total", Unit::Count, "errors about a partition that polls returned"),
    ("kavka_consumed_batches_total", Unit::Count, "batches that were handed out"),
    ("kavka_consumed_bytes_total", Unit::Bytes, "bytes of batches that were handed out, compressed"),
    ("kavka_consumed_records_total", Unit::Count, "records that were handed out"),
    ("kavka_fetch_failures_total", Unit::Count, "fetches that ended without an answer or were refused"),
    ("kavka_fetch_latency_microseconds_total", Unit::Microseconds, "time that answers to fetches took"),
    ("kavka_fetch_requests_total", Unit::Count, "fetches that were sent"),
    ("kavka_fetch_responses_total", Unit::Count, "fetches that were answered"),
    ("kavka_fetch_throttle_milliseconds_total", Unit::Milliseconds, "time for which answers to fetches wanted no more of them"),
    ("kavka_fetched_bytes_total", Unit::Bytes, "bytes of batches that arrived, compressed, handed out or not"),
    ("kavka_metadata_failures_total", Unit::Count, "refreshes of metadata that no broker answered"),
    ("kavka_metadata_refreshes_total", Unit::Count, "refreshes of metadata"),
    ("kavka_passed_over_offsets_total", Unit::Count, "offsets that a reset passed over"),
    ("kavka_position_resets_total", Unit::Count, "positions that had to be left"),
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

/// Every number that goes up and down and is told to a recorder, sorted.
#[rustfmt::skip]
const GAUGES: &[(&str, Unit, &str)] = &[
    ("kavka_position", Unit::Count, "the offset to be handed out next, as of the last hand-out"),
    ("kavka_records_lag", Unit::Count, "offsets left to be read, as of the last answer or hand-out; none once nobody reads"),
];

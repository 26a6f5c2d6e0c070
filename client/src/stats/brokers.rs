//! What a client does over its connections, by broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kavka_protocol::BrokerId;

use super::count::{Count, Labels};

/// What a [`Client`](crate::Client) has done so far, its producers and consumers included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// By broker, ascending; what went to addresses of `bootstrap.servers` comes first.
    pub brokers: Vec<BrokerStats>,
    /// How often the cluster was asked for metadata, to keep what is known of it fresh.
    pub metadata_refreshes: u64,
    /// How often none of its brokers answered that.
    pub metadata_failures: u64,
}

/// What a client has done so far over its connections to one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerStats {
    /// Which broker; `None` for the addresses of `bootstrap.servers`.
    pub broker: Option<BrokerId>,
    /// Connections that are open now.
    pub connections: u64,
    /// Connections that were made, TLS included.
    pub connections_made: u64,
    /// Attempts to make a connection that came to nothing.
    pub connections_failed: u64,
    /// Requests that were handed to a connection, whether or not it could send them.
    pub requests: u64,
    /// Requests that were answered, or written where no answer is wanted.
    pub responses: u64,
    /// Requests that ended without an answer.
    pub failures: u64,
    /// Bytes written to sockets, without what TLS adds.
    pub bytes_sent: u64,
    /// Bytes read from sockets, without what TLS adds.
    pub bytes_received: u64,
    /// For how long the broker wanted to be left alone, all its wishes together (KIP-219).
    pub throttle_time: Duration,
}

/// The counts behind [`BrokerStats`].
pub(crate) struct BrokerCounts {
    pub(crate) connections_made: Count,
    pub(crate) connections_failed: Count,
    pub(crate) connections_closed: Count,
    pub(crate) requests: Count,
    pub(crate) responses: Count,
    pub(crate) failures: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_received: Count,
    pub(crate) throttle_time: Count,
}

/// The counts of every broker that something was sent to.
pub(crate) struct Brokers {
    labels: Labels,
    counts: BTreeMap<Option<BrokerId>, Arc<BrokerCounts>>,
}

/// The counts behind the rest of [`ClientStats`].
pub(crate) struct MetadataCounts {
    pub(crate) refreshes: Count,
    pub(crate) failures: Count,
}

impl ClientStats {
    /// What went to all brokers together; `broker` is `None`.
    pub fn total(&self) -> BrokerStats {
        self.brokers.iter().fold(BrokerStats::default(), |total, one| BrokerStats {
            broker: None,
            connections: total.connections + one.connections,
            connections_made: total.connections_made + one.connections_made,
            connections_failed: total.connections_failed + one.connections_failed,
            requests: total.requests + one.requests,
            responses: total.responses + one.responses,
            failures: total.failures + one.failures,
            bytes_sent: total.bytes_sent + one.bytes_sent,
            bytes_received: total.bytes_received + one.bytes_received,
            throttle_time: total.throttle_time + one.throttle_time,
        })
    }
}

impl BrokerStats {
    /// Requests that wait to be sent or to be answered.
    pub fn requests_in_flight(&self) -> u64 {
        self.requests.saturating_sub(self.responses + self.failures)
    }
}

impl Brokers {
    pub(crate) fn new(client_id: &str) -> Self {
        Self { labels: Labels::of_client(client_id), counts: BTreeMap::new() }
    }

    /// The counts of one broker, or of the addresses that are asked before any is known.
    pub(crate) fn counts(&mut self, broker: Option<BrokerId>) -> Arc<BrokerCounts> {
        let new = || {
            let name = broker.map_or_else(|| "bootstrap".to_owned(), |broker| broker.to_string());
            Arc::new(BrokerCounts::new(&self.labels.with("broker", name)))
        };
        Arc::clone(self.counts.entry(broker).or_insert_with(new))
    }

    pub(crate) fn snapshot(&self) -> Vec<BrokerStats> {
        self.counts.iter().map(|(broker, counts)| counts.snapshot(*broker)).collect()
    }
}

impl BrokerCounts {
    fn new(labels: &Labels) -> Self {
        Self {
            connections_made: Count::new("kavka_connections_made_total", labels),
            connections_failed: Count::new("kavka_connections_failed_total", labels),
            connections_closed: Count::new("kavka_connections_closed_total", labels),
            requests: Count::new("kavka_requests_total", labels),
            responses: Count::new("kavka_responses_total", labels),
            failures: Count::new("kavka_request_failures_total", labels),
            bytes_sent: Count::new("kavka_sent_bytes_total", labels),
            bytes_received: Count::new("kavka_received_bytes_total", labels),
            throttle_time: Count::new("kavka_throttle_milliseconds_total", labels),
        }
    }

    /// What is counted later is read first: so nothing has ended that has not begun.
    fn snapshot(&self, broker: Option<BrokerId>) -> BrokerStats {
        let closed = self.connections_closed.get();
        let (responses, failures) = (self.responses.get(), self.failures.get());
        let connections_made = self.connections_made.get();
        BrokerStats {
            broker,
            connections: connections_made.saturating_sub(closed),
            connections_made,
            connections_failed: self.connections_failed.get(),
            requests: self.requests.get(),
            responses,
            failures,
            bytes_sent: self.bytes_sent.get(),
            bytes_received: self.bytes_received.get(),
            throttle_time: self.throttle_time.get_millis(),
        }
    }
}

impl MetadataCounts {
    pub(crate) fn new(client_id: &str) -> Self {
        let labels = Labels::of_client(client_id);
        Self {
            refreshes: Count::new("kavka_metadata_refreshes_total", &labels),
            failures: Count::new("kavka_metadata_failures_total", &labels),
        }
    }
}

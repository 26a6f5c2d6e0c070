//! What a consumer asks brokers for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kavka_protocol::BrokerId;

use super::count::{Count, Labels};
use crate::state::fetch::FetchAnswer;

/// What a [`Consumer`](crate::Consumer) has asked one broker for so far: its Fetch requests only; see
/// [`BrokerStats`](crate::BrokerStats) for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchStats {
    /// Which broker.
    pub broker: BrokerId,
    /// Requests that were made.
    pub requests: u64,
    /// Requests that were answered (Java's `fetch-total`).
    pub responses: u64,
    /// Requests that ended without an answer, or were refused as a whole.
    pub failures: u64,
    /// The size of the batches that the answers brought, whether or not they were handed out.
    pub bytes: u64,
    /// How long the answers took, all together: brokers wait up to `fetch.max.wait.ms` for something to
    /// answer with. (Java's `fetch-latency-avg` is this by `responses`.)
    pub latency: Duration,
    /// For how long the broker wanted to be left alone, all its wishes together (KIP-219).
    pub throttle_time: Duration,
}

/// The counts behind [`FetchStats`].
#[derive(Debug)]
pub(crate) struct FetchCounts {
    labels: Labels,
    brokers: Mutex<BTreeMap<BrokerId, BrokerFetches>>,
}

#[derive(Debug)]
struct BrokerFetches {
    requests: Count,
    responses: Count,
    failures: Count,
    bytes: Count,
    latency_micros: Count,
    throttle_time: Count,
}

impl FetchCounts {
    pub(crate) fn new(client_id: &str) -> Self {
        Self { labels: Labels::of_client(client_id), brokers: Mutex::default() }
    }

    /// A request goes to `broker`.
    pub(crate) fn note_sent(&self, broker: BrokerId) {
        self.with(broker, |counts| counts.requests.add(1));
    }

    /// A request to `broker` is over, after so long; `None`: in vain.
    pub(crate) fn note_ended(
        &self,
        broker: BrokerId,
        answer: Option<&FetchAnswer>,
        latency: Duration,
    ) {
        self.with(broker, |counts| match answer {
            Some(answer) => {
                counts.responses.add(1);
                counts.bytes.add(answer.partitions.iter().map(|one| one.records.len()).sum());
                counts.latency_micros.add_micros(latency);
                counts.throttle_time.add_millis(answer.throttle);
            }
            None => counts.failures.add(1),
        });
    }

    pub(crate) fn snapshot(&self) -> Vec<FetchStats> {
        let brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        brokers.iter().map(|(broker, counts)| counts.snapshot(*broker)).collect()
    }

    fn with(&self, broker: BrokerId, count: impl FnOnce(&BrokerFetches)) {
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || BrokerFetches::new(&self.labels.with("broker", broker));
        count(brokers.entry(broker).or_insert_with(new));
    }
}

impl BrokerFetches {
    fn new(labels: &Labels) -> Self {
        Self {
            requests: Count::new("kavka_fetch_requests_total", labels),
            responses: Count::new("kavka_fetch_responses_total", labels),
            failures: Count::new("kavka_fetch_failures_total", labels),
            bytes: Count::new("kavka_fetched_bytes_total", labels),
            latency_micros: Count::new("kavka_fetch_latency_microseconds_total", labels),
            throttle_time: Count::new("kavka_fetch_throttle_milliseconds_total", labels),
        }
    }

    fn snapshot(&self, broker: BrokerId) -> FetchStats {
        FetchStats {
            broker,
            requests: self.requests.get(),
            responses: self.responses.get(),
            failures: self.failures.get(),
            bytes: self.bytes.get(),
            latency: Duration::from_micros(self.latency_micros.get()),
            throttle_time: self.throttle_time.get_millis(),
        }
    }
}

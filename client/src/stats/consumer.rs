//! What a consumer takes of its memory.

/// What a [`Consumer`](crate::Consumer) takes of `kavka.prefetch.bytes` at this moment, all in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// Its share of the budget: the consumers of one client have equal shares.
    pub budget_bytes: usize,
    /// What requests on their way may bring.
    pub in_flight_bytes: usize,
    /// What was fetched and waits to be handed out.
    pub buffered_bytes: usize,
    /// What was handed out and not dropped yet.
    pub held_bytes: usize,
}

impl ConsumerStats {
    /// What is taken, for whatever purpose. It exceeds the budget where one batch does, where batches are
    /// opened to be handed out in parts, and while everything that was fetched is of paused partitions.
    pub fn used_bytes(&self) -> usize {
        self.in_flight_bytes.saturating_add(self.buffered_bytes).saturating_add(self.held_bytes)
    }
}

//! The consumers of one client: how they share `kavka.prefetch.bytes`, and what tells them apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The consumers of one client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consumers(Arc<AtomicU64>);

/// One consumer's membership among those of its client, as long as it lives.
#[derive(Debug)]
pub(crate) struct Membership {
    id: u64,
    prefetch_bytes: usize,
    consumers: Consumers,
}

impl Consumers {
    /// Counts one more consumer, which would fetch `prefetch_bytes` ahead if it were alone.
    pub(crate) fn join(&self, prefetch_bytes: usize) -> Membership {
        let id = self.0.fetch_add(1, Ordering::Relaxed);
        Membership { id, prefetch_bytes, consumers: self.clone() }
    }
}

impl Membership {
    /// A number that no other consumer of the client has or had.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The part of the budget at this moment: it shrinks when the client gets more consumers.
    pub(crate) fn budget(&self) -> usize {
        // One reference is the client's own.
        let consumers = Arc::strong_count(&self.consumers.0) - 1;
        self.prefetch_bytes / consumers.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_of_one_client_share_equally_while_they_live() {
        let consumers = Consumers::default();
        let first = consumers.join(900);
        assert_eq!(first.budget(), 900);
        let others = [consumers.join(900), consumers.join(300)];
        assert_eq!((first.budget(), others[1].budget()), (300, 100));
        drop(others);
        assert_eq!(first.budget(), 900);
    }

    #[test]
    fn no_two_consumers_have_the_same_number() {
        let consumers = Consumers::default();
        let first = consumers.join(1).id();
        let second = consumers.join(1).id();
        assert_ne!(first, second);
    }
}

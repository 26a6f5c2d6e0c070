//! How the consumers of one client share `kavka.prefetch.bytes`.

use std::sync::Arc;

/// How many consumers a client has; every [`Budget`] counts as one while it lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConsumerCount(Arc<()>);

/// One consumer's part of the bytes that may be fetched ahead.
#[derive(Debug)]
pub(crate) struct Budget {
    of_all: usize,
    count: ConsumerCount,
}

impl Budget {
    /// A part of `of_all` bytes for one more of the consumers that `count` counts.
    pub(crate) fn new(of_all: usize, count: &ConsumerCount) -> Self {
        Self { of_all, count: count.clone() }
    }

    /// The part at this moment: it shrinks when the client gets more consumers.
    pub(crate) fn bytes(&self) -> usize {
        let consumers = Arc::strong_count(&self.count.0) - 1;
        self.of_all / consumers.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_of_one_client_share_equally_while_they_live() {
        let count = ConsumerCount::default();
        let first = Budget::new(900, &count);
        assert_eq!(first.bytes(), 900);
        let others = [Budget::new(900, &count), Budget::new(300, &count)];
        assert_eq!((first.bytes(), others[1].bytes()), (300, 100));
        drop(others);
        assert_eq!(first.bytes(), 900);
    }
}

//! [`RowLimit`]: the rows a scan may still hand out, shared by its partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A number of rows that all partitions of a scan draw from. When it is used up, every one of them ends, also those
/// that wait for records.
#[derive(Clone, Debug)]
pub(crate) struct RowLimit {
    rows: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    remaining: AtomicUsize,
    used_up: Notify,
}

impl RowLimit {
    pub(crate) fn new(rows: usize) -> Self {
        let remaining = AtomicUsize::new(rows);
        Self { rows, shared: Arc::new(Shared { remaining, used_up: Notify::new() }) }
    }

    /// The limit as it was given.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The same limit with nothing drawn from it yet.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.rows)
    }

    /// Draws up to `rows` rows and says how many there were.
    pub(crate) fn draw(&self, rows: usize) -> usize {
        let remaining = &self.shared.remaining;
        let less = |left: usize| Some(left.saturating_sub(rows));
        // The closure never refuses, so both arms hold the number from before.
        let before = match remaining.fetch_update(Ordering::AcqRel, Ordering::Acquire, less) {
            Ok(before) | Err(before) => before,
        };
        if before <= rows {
            self.shared.used_up.notify_waiters();
        }
        before.min(rows)
    }

    /// Waits until no row is left.
    pub(crate) async fn used_up(&self) {
        let notified = self.shared.used_up.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if self.shared.remaining.load(Ordering::Acquire) > 0 {
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_draw_from_one_budget() {
        let limit = RowLimit::new(5);
        let other = limit.clone();
        assert_eq!([limit.draw(3), other.draw(3), limit.draw(3)], [3, 2, 0]);
        assert_eq!(limit.renewed().draw(9), 5);
    }

    #[tokio::test]
    async fn whoever_waits_learns_that_it_is_used_up() {
        let limit = RowLimit::new(1);
        let waiter = limit.clone();
        let waiting = async { waiter.used_up().await };
        let drawing = async { limit.draw(1) };
        let ((), drawn) = tokio::join!(waiting, drawing);
        assert_eq!(drawn, 1);
        limit.used_up().await;
    }
}

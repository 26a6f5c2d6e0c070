//! What a consumer and its task share: the machine under one lock, and who is to be woken.
//!
//! Both sides look at the machine first and sleep only when it has nothing for them; a wake-up that
//! comes in between is kept by its `Notify`. So none can be lost, whoever is faster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kavka_protocol::Decompressor;
use tokio::sync::Notify;

use super::fetch::{Fetch, FetchedBatches};
use crate::error::{Error, Result};
use crate::state::fetch::{Delivery, Fetcher, Handout, Unopened};
use crate::stats::{ConsumerStats, FetchCounts};

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the application.
    news: Notify,
    account: Arc<Account>,
    /// What brokers were asked for.
    pub(super) fetches: FetchCounts,
}

#[derive(Debug)]
struct State {
    fetcher: Fetcher,
    /// Whether the task has ended, so that nothing more will come.
    is_over: bool,
}

/// What the application has dropped and the machine does not know yet. It outlives the consumer, as
/// what was handed out does.
#[derive(Debug, Default)]
struct Account {
    released: AtomicUsize,
    /// Wakes the task.
    wake: Notify,
}

/// What the machine has for the application.
enum Taken {
    Fetch(Fetch),
    Unopened(Unopened),
}

/// A part of the byte budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    bytes: usize,
    account: Arc<Account>,
}

impl Shared {
    pub(super) fn new(fetcher: Fetcher, fetches: FetchCounts) -> Self {
        let state = Mutex::new(State { fetcher, is_over: false });
        Self { state, news: Notify::new(), account: Arc::default(), fetches }
    }

    /// Looks at the machine.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Fetcher) -> R) -> R {
        self.lock(|state| look(&mut state.fetcher))
    }

    /// Does what the application asks, and lets the task act on it.
    pub(super) fn change<R>(&self, act: impl FnOnce(&mut Fetcher) -> R) -> R {
        let result = self.with(act);
        self.account.wake.notify_one();
        result
    }

    /// Waits for what the application should get, at most `limit` records. Nothing leaves the machine
    /// before the future is ready, so dropping it loses nothing. A batch that has to be cut is opened
    /// by whoever polls.
    pub(super) async fn next(
        &self,
        limit: Option<usize>,
        decompressor: &mut Decompressor,
    ) -> Result<Fetch> {
        loop {
            match self.take(limit) {
                Some(Ok(Taken::Fetch(fetch))) => {
                    self.account.wake.notify_one();
                    return Ok(fetch);
                }
                Some(Ok(Taken::Unopened(unopened))) => {
                    let body = unopened.batch.body(decompressor);
                    self.with(|fetcher| fetcher.handle_opened(&unopened, body));
                }
                Some(Err(error)) => {
                    self.account.wake.notify_one();
                    return Err(error);
                }
                None => self.news.notified().await,
            }
        }
    }

    /// Wakes the application if there is something for it.
    pub(super) fn notify_application(&self) {
        if self.with(|fetcher| fetcher.has_news()) {
            self.news.notify_one();
        }
    }

    /// Waits until the application has done something.
    pub(super) async fn application_acted(&self) {
        self.account.wake.notified().await;
    }

    /// Tells the machine what the application has dropped meanwhile.
    pub(super) fn settle(&self) {
        let released = self.account.released.swap(0, Ordering::AcqRel);
        if released > 0 {
            self.with(|fetcher| fetcher.release(released));
        }
    }

    /// What was done so far, and what is held.
    pub(super) fn stats(&self) -> ConsumerStats {
        self.settle();
        let brokers = self.fetches.snapshot();
        self.with(|fetcher| ConsumerStats {
            partitions: fetcher.consumed(),
            earlier: fetcher.consumed_earlier(),
            brokers,
            prefetch: fetcher.prefetch(),
        })
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.lock(|state| state.is_over = true);
        self.news.notify_one();
    }

    fn take(&self, limit: Option<usize>) -> Option<Result<Taken>> {
        self.lock(|state| match state.fetcher.poll_delivery(limit) {
            Some(Ok(Handout::Delivery(delivery))) => Some(Ok(Taken::Fetch(self.fetch(delivery)))),
            Some(Ok(Handout::Unopened(unopened))) => Some(Ok(Taken::Unopened(unopened))),
            Some(Err(error)) => Some(Err(error)),
            None => state.is_over.then(|| Err(Error::closed("consumer"))),
        })
    }

    fn fetch(&self, Delivery { pieces, ends, resets }: Delivery) -> Fetch {
        let partitions = pieces.into_iter().map(|piece| {
            let hold = Hold::new(piece.size, &self.account);
            FetchedBatches::new(piece, hold)
        });
        Fetch::new(partitions.collect(), ends, resets)
    }

    fn lock<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Hold {
    /// How much of the budget it is.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn new(bytes: usize, account: &Arc<Account>) -> Self {
        Self { bytes, account: Arc::clone(account) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.account.released.fetch_add(self.bytes, Ordering::AcqRel);
        self.account.wake.notify_one();
    }
}

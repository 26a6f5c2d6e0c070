//! [`MetadataCache`]: the metadata machine as the client's parts share it, and the task that keeps
//! it fresh.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kavka_protocol::messages::MetadataResponse;
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, TopicPartition};
use tokio::sync::{Notify, oneshot, watch};
use tracing::Instrument;

use crate::error::{Error, ErrorKind, Result};
use crate::io::{BoxFuture, now, sleep_until};
use crate::network::Network;
use crate::state::metadata::{
    Interest, Leader, LeaderHint, Metadata, MetadataSettings, Refresh, Waiter,
};
use crate::topic::{Cluster, TopicMetadata};

/// What is known about the cluster; looking never waits.
pub(crate) struct MetadataCache {
    machine: Mutex<Metadata<oneshot::Sender<()>>>,
    wake: Notify,
    changes: watch::Sender<u64>,
}

impl MetadataCache {
    pub(crate) fn new(settings: MetadataSettings, seed: u64) -> Self {
        let machine = Mutex::new(Metadata::new(settings, seed, now()));
        Self { machine, wake: Notify::new(), changes: watch::Sender::new(0) }
    }

    /// Who leads `tp`, as far as is known.
    pub(crate) fn leader(&self, tp: &TopicPartition) -> Option<Leader> {
        self.with(|metadata| metadata.leader(tp, now()))
    }

    /// What is known of `topic`.
    pub(crate) fn topic(&self, topic: &str) -> Option<Arc<TopicMetadata>> {
        self.with(|metadata| metadata.topic(topic, now()).cloned())
    }

    /// What is known of `topic`; does not keep it known, as all other looks do.
    pub(crate) fn peek(&self, topic: &str) -> Option<Arc<TopicMetadata>> {
        self.with(|metadata| metadata.peek(topic).cloned())
    }

    /// What was wrong with `topic` when the cluster was last asked.
    pub(crate) fn topic_error(&self, topic: &str) -> Option<ErrorCode> {
        self.with(|metadata| metadata.error(topic))
    }

    /// Why brokers refuse to say anything, if that was their last word and will not pass by itself.
    pub(crate) fn refusal(&self) -> Option<Error> {
        self.trouble().filter(|error| !error.is_retriable())
    }

    pub(crate) fn cluster(&self) -> Cluster {
        self.with(|metadata| metadata.cluster().clone())
    }

    /// Whether the cluster has this broker, as far as is known.
    pub(crate) fn has_broker(&self, id: BrokerId) -> bool {
        self.with(|metadata| metadata.cluster().brokers.iter().any(|broker| broker.id == id))
    }

    /// Keeps `topic` known from now on, as long as somebody looks at it now and then.
    pub(crate) fn track(&self, topic: &str, interest: Interest) {
        self.track_all([topic], interest);
    }

    /// The same for many: all that are not known are asked for at once.
    pub(crate) fn track_all<'t>(
        &self,
        topics: impl IntoIterator<Item = &'t str>,
        interest: Interest,
    ) {
        self.with(|metadata| {
            let now = now();
            topics.into_iter().for_each(|topic| metadata.track(topic, interest, now));
        });
        self.wake.notify_one();
    }

    /// Something does not fit what is known. May be called often: the time between refreshes grows
    /// while they bring nothing new.
    pub(crate) fn request_refresh(&self) {
        self.with(|metadata| metadata.request_refresh(now()));
        self.wake.notify_one();
    }

    /// A broker named the leader of a partition; says whether that is news that can be used. If it
    /// is not, a refresh is under way.
    pub(crate) fn handle_leader_hint(&self, hint: &LeaderHint) -> bool {
        let adopted = self.with(|metadata| metadata.handle_leader_hint(hint, now()));
        self.publish();
        self.wake.notify_one();
        adopted
    }

    /// A number that grows with every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until `topic` is known with at least one partition.
    ///
    /// A reader is told soon that a topic does not exist; a writer waits until `deadline` for the
    /// broker to create it. Both are told at once when brokers refuse to say anything, for instance
    /// because they do not know this client. Dropping the future only stops the waiting.
    pub(crate) async fn wait_for_topic(
        &self,
        topic: &str,
        interest: Interest,
        deadline: Instant,
    ) -> Result<Arc<TopicMetadata>> {
        let started = now();
        let mut was_told = false;
        loop {
            if let Some(known) = self.usable(topic) {
                return Ok(known);
            }
            let news = self.next_news(topic, interest);
            if let Some(known) = self.usable(topic) {
                return Ok(known);
            }
            // What was refused to somebody before may be granted now.
            if let Some(refusal) = self.refusal().filter(|_| was_told) {
                return Err(refusal.about_topic(topic));
            }
            let error = self.topic_error(topic);
            if let Some(code) = error.filter(|code| is_final(*code, interest, started)) {
                return Err(topic_error(topic, code));
            }
            if tokio::time::timeout_at(deadline.into(), news).await.is_err() {
                return Err(error.map_or_else(|| self.no_answer(), |code| topic_error(topic, code)));
            }
            was_told = true;
        }
    }

    /// Waits until the cluster has been asked about `topic` once more, then as `wait_for_topic`.
    pub(crate) async fn ask_again(
        &self,
        topic: &str,
        interest: Interest,
        deadline: Instant,
    ) -> Result<Arc<TopicMetadata>> {
        let news = self.next_news(topic, interest);
        // Without news in time, what is known so far is the answer.
        let _ = tokio::time::timeout_at(deadline.into(), news).await;
        self.wait_for_topic(topic, interest, deadline).await
    }

    /// Takes over what a broker said in an answer that was asked for elsewhere.
    pub(crate) fn handle_news(&self, response: &MetadataResponse) {
        self.with(|metadata| metadata.handle_news(response));
        self.publish();
    }

    /// Forgets the cluster `asked`, unless another is known by now; says whether it did.
    pub(crate) fn rebootstrap(&self, asked: &Cluster) -> bool {
        let forgot = self.with(|metadata| metadata.rebootstrap(asked));
        self.publish();
        forgot
    }

    /// Asks the cluster whenever that is due, until it is dropped.
    pub(crate) async fn keep_fresh(&self, network: &Network) {
        let mut failing = false;
        loop {
            let Some(refresh) = self.with(|metadata| metadata.poll_refresh(now())) else {
                tokio::select! {
                    () = sleep_until(self.with(|metadata| metadata.poll_timeout())) => {}
                    () = self.wake.notified() => {}
                }
                continue;
            };
            let span = tracing::debug_span!("metadata_refresh", topics = ?refresh.topics);
            failing = match self.refresh(network, refresh).instrument(span).await {
                Ok(()) => false,
                Err(error) if failing => {
                    tracing::debug!(%error, "metadata still cannot be refreshed");
                    true
                }
                Err(error) => {
                    tracing::warn!(%error, "metadata cannot be refreshed; trying on");
                    true
                }
            };
        }
    }

    async fn refresh(&self, network: &Network, refresh: Refresh) -> Result<()> {
        let Refresh { topics, may_create } = refresh;
        network.counts.refreshes.add(1);
        let answer = network.metadata(Some(topics), may_create, self.is_lost(network)).await;
        if answer.is_err() {
            network.counts.failures.add(1);
        }
        self.with(|metadata| match &answer {
            Ok(response) => metadata.handle_response(response, now()),
            Err(error) => metadata.handle_failure(error.clone(), now()),
        });
        self.publish();
        answer.map(drop)
    }

    /// Whether brokers have been asked in vain for so long that the bootstrap addresses are to be
    /// asked first (KIP-1102).
    fn is_lost(&self, network: &Network) -> bool {
        let silent_since = self.with(|metadata| metadata.silent_since());
        let limit = network.config.rebootstrap_after;
        limit.zip(silent_since).is_some_and(|(limit, since)| now() >= since + limit)
    }

    fn trouble(&self) -> Option<Error> {
        self.with(|metadata| metadata.trouble().cloned())
    }

    fn no_answer(&self) -> Error {
        let nobody = Error::new(ErrorKind::Timeout, "no broker answered in time");
        let error = match self.trouble() {
            Some(trouble) => nobody.advise(&format!("the last trouble: {}", trouble.message())),
            None => nobody,
        };
        error.with_api(ApiKey::Metadata)
    }

    fn usable(&self, topic: &str) -> Option<Arc<TopicMetadata>> {
        self.topic(topic).filter(|known| !known.partitions.is_empty())
    }

    /// Ready at the next word of the cluster about `topic`, which is asked for at once, or when brokers
    /// refuse to say anything.
    pub(crate) fn next_news(&self, topic: &str, interest: Interest) -> oneshot::Receiver<()> {
        let (ticket, news) = oneshot::channel();
        self.with(|metadata| metadata.wait(topic, interest, ticket, now()));
        self.wake.notify_one();
        news
    }

    /// Ready when the cluster has been asked about each of `topics`, which happens at once, and has
    /// answered or refused to. Dropping the future only stops the waiting.
    pub(crate) fn news_of<'t>(
        &self,
        topics: impl IntoIterator<Item = &'t str>,
        interest: Interest,
    ) -> BoxFuture<'static, ()> {
        let topics = topics.into_iter();
        let news: Vec<_> = topics.map(|topic| self.next_news(topic, interest)).collect();
        Box::pin(async move {
            // One answer usually brings them all.
            for told in news {
                // Nobody left to tell is as good an end of the waiting as the news.
                let _ = told.await;
            }
        })
    }

    /// Tells everybody who waits.
    fn publish(&self) {
        let (revision, woken) = self.with(|metadata| {
            let woken: Vec<_> = std::iter::from_fn(|| metadata.poll_woken()).collect();
            (metadata.revision(), woken)
        });
        for waiter in woken {
            let _ = waiter.send(());
        }
        self.changes.send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }

    fn with<R>(&self, act: impl FnOnce(&mut Metadata<oneshot::Sender<()>>) -> R) -> R {
        act(&mut self.machine.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waiter for oneshot::Sender<()> {
    fn is_gone(&self) -> bool {
        self.is_closed()
    }
}

/// Whether there is no point in waiting. A topic that was just created is not known to every broker
/// at once, so that even a reader is patient for a moment.
fn is_final(code: ErrorCode, interest: Interest, started: Instant) -> bool {
    match (code, interest) {
        (ErrorCode::UnknownTopicOrPartition, Interest::Read) => now() >= started + PROPAGATION,
        (code, _) => !code.is_retriable(),
    }
}

/// What the cluster said about one topic, as an error.
pub(crate) fn topic_error(topic: &str, code: ErrorCode) -> Error {
    match code {
        ErrorCode::UnknownTopicOrPartition => Error::unknown_topic(topic),
        code => Error::broker(code).about_topic(topic).with_api(ApiKey::Metadata),
    }
}

/// How long news of a topic may take from one broker to all.
pub(crate) const PROPAGATION: Duration = Duration::from_millis(500);

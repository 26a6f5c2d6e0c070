//! The task of one producer: seals, sends and settles what the handles have appended.

use std::collections::{BTreeSet, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use kavka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse,
};
use kavka_protocol::{
    ApiKey, BrokerId, Compression, ErrorCode, ProduceBatches, ProducerEpoch, ProducerId,
    TopicPartition, decode_response, encode_produce,
};
use tokio::sync::watch;

use super::builder::nearby;
use super::delivery::Ticket;
use super::interest;
use super::shared::Shared;
use crate::client::Client;
use crate::config::{Acks, ProducerConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{BoxFuture, Lane, PendingAnswer, Target, finished, now, sleep_until};
use crate::network::wire_millis;
use crate::state::backoff::Backoff;
use crate::state::connection::{Answer as RawAnswer, Outgoing, throttle};
use crate::state::produce::{
    Answer, Identity, PartitionIndex, ProducePlan, RequestNumber, Sender, SenderSettings,
};
use crate::state::timers::earliest;

/// Carries out what one producer's machines decide.
pub(super) struct Driver {
    client: Client,
    config: Arc<ProducerConfig>,
    shared: Arc<Shared>,
    sender: Sender<Ticket>,
    requests: Vec<Sent>,
    /// Ready when the cluster has named this producer, or not.
    identity: Option<BoxFuture<'static, Result<Identity>>>,
    /// Every partition that ever had something to send.
    partitions: HashMap<PartitionIndex, TopicPartition>,
    /// Ready when the cluster has been asked about topics whose leaders are missing.
    news: Option<BoxFuture<'static, ()>>,
    changes: watch::Receiver<u64>,
}

/// A request on its way.
struct Sent {
    number: RequestNumber,
    broker: BrokerId,
    answer: PendingAnswer,
}

impl Driver {
    pub(super) fn new(client: Client, config: &Arc<ProducerConfig>, shared: Arc<Shared>) -> Self {
        let changes = client.metadata().changes();
        let sender = Sender::new(settings(config, fastrand::u64(..)));
        Self {
            client,
            config: Arc::clone(config),
            shared,
            sender,
            requests: Vec::new(),
            identity: None,
            partitions: HashMap::new(),
            news: None,
            changes,
        }
    }

    /// Runs until the producer ends.
    pub(super) async fn run(mut self) {
        while !self.shared.is_over() {
            self.act().await;
            let timeout = self.poll_timeout();
            tokio::select! {
                (sent, answer) = next_answer(&mut self.requests) => self.handle_answer(&sent, answer),
                result = finished(&mut self.identity) => self.handle_identity(result),
                _ = self.changes.changed() => self.handle_metadata(),
                () = finished(&mut self.news) => self.handle_metadata(),
                () = self.shared.woken() => {}
                () = sleep_until(timeout) => {}
            }
        }
    }

    /// Carries out everything that is due.
    async fn act(&mut self) {
        self.settle();
        self.collect();
        self.pass_on_news();
        self.seek_leaders();
        if self.sender.poll_identity(now()) {
            self.identity = Some(Box::pin(identify(self.client.clone())));
        }
        while let Some(plan) = self.poll_plan() {
            self.submit(plan);
            // Sealing takes its time: what was sealed can leave, others can work.
            tokio::task::yield_now().await;
        }
        self.settle();
        if let Some(silent) = self.sender.poll_unavailable(now()) {
            tracing::debug!(?silent, "brokers whose partitions records without a key avoid");
            self.shared.lock().topics.change_surroundings(|around| around.silent = silent);
        }
        if let Some(error) = self.sender.fatal() {
            self.shared.end(error.clone());
        }
    }

    /// Lets the sender know of everything that has become due or too old.
    fn collect(&mut self) {
        let now = now();
        let (ready, expired) = self.shared.with(|state| {
            let accumulator = &mut state.accumulator;
            let expired = accumulator.expire(now);
            let ready = std::iter::from_fn(|| accumulator.poll_ready(now)).collect::<Vec<_>>();
            let named =
                ready.into_iter().map(|index| (index, accumulator.topic_partition(index).clone()));
            (named.collect::<Vec<_>>(), expired)
        });
        expired.into_iter().for_each(|batch| self.sender.handle_expired(batch));
        for (index, topic_partition) in ready {
            self.look_up(index, &topic_partition);
            self.partitions.entry(index).or_insert(topic_partition);
            self.sender.handle_ready(index);
        }
        self.sender.handle_timeout(now);
    }

    /// Lets the sender know which topic has the partition's name and who leads it.
    fn look_up(&mut self, index: PartitionIndex, topic_partition: &TopicPartition) {
        let metadata = self.client.metadata();
        let known = metadata.topic(&topic_partition.topic);
        self.sender.handle_topic(index, known.as_ref().and_then(|known| known.id));
        let leader = known.and_then(|known| known.partition(topic_partition.partition)?.leader);
        if leader.is_none() {
            // Metadata forgets topics that nobody has used for long.
            metadata.track(&topic_partition.topic, interest(&self.client));
            metadata.request_refresh();
        }
        self.sender.handle_leader(index, leader);
    }

    /// Asks about partitions that have something to send and no leader, again and again until they
    /// have one: what a broker says may be out of date, and topics that nobody asks about are
    /// forgotten.
    fn seek_leaders(&mut self) {
        if self.news.is_some() {
            return;
        }
        let topics = self.busy_topics(self.sender.leaderless());
        if !topics.is_empty() {
            let (topics, interest) = (topics.iter().map(|topic| &**topic), interest(&self.client));
            self.news = Some(self.client.metadata().news_of(topics, interest));
        }
    }

    /// The topics of those partitions that have something to send.
    fn busy_topics(&self, among: impl Iterator<Item = PartitionIndex>) -> BTreeSet<Arc<str>> {
        let state = self.shared.lock();
        among
            .filter(|index| {
                self.sender.has_batches(*index) || state.accumulator.waiting(*index) > 0
            })
            .filter_map(|index| self.partitions.get(&index))
            .map(|topic_partition| Arc::clone(&topic_partition.topic))
            .collect()
    }

    /// Keeps everything known that there is something to send to.
    fn track_busy(&self) {
        let interest = interest(&self.client);
        for topic in self.busy_topics(self.partitions.keys().copied()) {
            self.client.metadata().track(&topic, interest);
        }
    }

    /// Tells the metadata what brokers said about leaders.
    fn pass_on_news(&mut self) {
        let metadata = self.client.metadata();
        let mut is_news = false;
        while let Some(hint) = self.sender.poll_hint() {
            is_news |= metadata.handle_leader_hint(&hint);
        }
        if self.sender.take_stale() {
            self.track_busy();
            metadata.request_refresh();
        }
        if is_news {
            self.handle_metadata();
        }
    }

    fn poll_plan(&mut self) -> Option<ProducePlan> {
        let shared = &self.shared;
        self.sender.poll_request(now(), |index| shared.with(|state| state.accumulator.take(index)))
    }

    fn submit(&mut self, plan: ProducePlan) {
        let ProducePlan { number, broker, batches, waited } = plan;
        self.shared.counts.note_sent(&batches, &waited);
        let (acks, timeout) = (self.config.acks, self.config.request_timeout);
        // Without an answer nobody would learn that an id is out of date, but a name has a topic.
        let has_topic_ids =
            acks != Acks::None && batches.iter().all(|batch| batch.topic_id.is_some());
        let outgoing =
            Outgoing::new(ApiKey::Produce, timeout, move |version, correlation, client_id| {
                let (acks, transactional_id, batches) = (acks.code(), None, &batches);
                let request = ProduceBatches { acks, timeout, transactional_id, batches };
                encode_produce(&request, version, correlation, client_id)
            });
        let outgoing = outgoing.needs_version(least_version(self.config.compression));
        let outgoing = match has_topic_ids {
            true => outgoing,
            false => outgoing.up_to_version(LAST_VERSION_BY_NAME),
        };
        let outgoing = if acks == Acks::None { outgoing.without_answer() } else { outgoing };
        let answer = self.client.send_frame(broker, Lane::Produce, outgoing);
        self.requests.push(Sent { number, broker, answer });
    }

    fn handle_answer(&mut self, sent: &Sent, answer: Result<RawAnswer>) {
        let answer = match answer {
            Ok(_) if self.config.acks == Acks::None => Answer::Unasked,
            Ok(raw) => match decode_response::<ProduceRequest>(raw.bytes, raw.version) {
                Ok(response) => Answer::Response(self.heed(sent.broker, raw.version, response)),
                Err(error) => Answer::Lost(Error::from(error).with_maybe_written(true)),
            },
            Err(error) => Answer::Lost(self.explained(error)),
        };
        self.sender.handle_answer(sent.number, answer, now());
    }

    /// With what the reader can do about it.
    fn explained(&self, error: Error) -> Error {
        let is_zstd = self.config.compression == Compression::Zstd;
        match error.kind() {
            ErrorKind::Unsupported if is_zstd => error.advise(
                "zstd came with Kafka 2.1: set compression.type to another codec for older brokers",
            ),
            _ => error,
        }
    }

    /// Lets the connection, which other producers use too, rest for as long as the broker asks for
    /// (KIP-219). What an old broker says it has waited itself is taken out.
    fn heed(
        &self,
        broker: BrokerId,
        version: i16,
        mut response: ProduceResponse,
    ) -> ProduceResponse {
        let throttle = throttle(ApiKey::Produce, version, response.throttle_time_ms);
        response.throttle_time_ms = wire_millis(throttle);
        if !throttle.is_zero() {
            let pool = &self.client.network().pool;
            pool.throttle(Target::Broker(broker), Lane::Produce, throttle);
        }
        response
    }

    fn handle_identity(&mut self, result: Result<Identity>) {
        self.sender.handle_identity(result, now());
    }

    /// The metadata has changed. Topics that there is nothing to send to may be forgotten.
    fn handle_metadata(&mut self) {
        self.track_busy();
        let metadata = self.client.metadata();
        let nearby = nearby(&self.client, &self.config);
        self.shared.lock().topics.change_surroundings(|around| around.nearby = nearby);
        let names = self.shared.lock().topics.names();
        for known in names.iter().filter_map(|name| metadata.peek(name)) {
            if let Err(error) = self.shared.learn(&known) {
                tracing::warn!(%error, "what was known of the topic before still counts");
            }
        }
        for (index, TopicPartition { topic, partition }) in &self.partitions {
            let known = metadata.peek(topic);
            self.sender.handle_topic(*index, known.as_ref().and_then(|known| known.id));
            let leader = known.and_then(|known| known.partition(*partition)?.leader);
            self.sender.handle_leader(*index, leader);
        }
    }

    fn settle(&mut self) {
        let settled = std::iter::from_fn(|| self.sender.poll_settled()).collect();
        self.shared.settle(settled, self.sender.take_spares());
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let accumulator = self.shared.lock().accumulator.poll_timeout();
        earliest([accumulator, self.sender.poll_timeout()])
    }
}

impl Drop for Driver {
    /// Whoever still waits learns that nobody is at work any more, also when the runtime ends.
    fn drop(&mut self) {
        let error = self.shared.end(Error::closed("producer"));
        self.sender.give_up(&error);
        self.settle();
        let left = self
            .shared
            .with(|state| std::iter::from_fn(|| state.accumulator.poll_any()).collect::<Vec<_>>());
        let settled = left.into_iter().map(|batch| {
            let error = error.clone().with_topic_partition(batch.topic_partition().clone());
            batch.settle(error.with_maybe_written(false))
        });
        self.shared.settle(settled.collect(), Vec::new());
    }
}

/// Asks the cluster for a producer id.
async fn identify(client: Client) -> Result<Identity> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(i32::MAX);
    let response: InitProducerIdResponse = client.call_any(&request).await?;
    let at = |error: Error| error.with_api(ApiKey::InitProducerId);
    if let Some(code) = ErrorCode::from_code(response.error_code) {
        return Err(at(Error::broker(code)));
    }
    let producer_id = ProducerId::from_wire(response.producer_id.0);
    let producer_epoch = ProducerEpoch::from_wire(response.producer_epoch);
    match (producer_id, producer_epoch) {
        (Some(producer_id), Some(producer_epoch)) => Ok(Identity { producer_id, producer_epoch }),
        _ => Err(at(Error::new(ErrorKind::MalformedAnswer, "the answer names no producer id"))),
    }
}

/// The next request to end; those that ended at the same time come in the order of sending.
async fn next_answer(requests: &mut Vec<Sent>) -> (Sent, Result<RawAnswer>) {
    poll_fn(|context| {
        let ended = requests.iter_mut().enumerate().find_map(|(place, sent)| {
            match Pin::new(&mut sent.answer).poll(context) {
                Poll::Ready(answer) => Some((place, answer)),
                Poll::Pending => None,
            }
        });
        match ended {
            Some((place, answer)) => Poll::Ready((requests.remove(place), answer)),
            None => Poll::Pending,
        }
    })
    .await
}

/// The last Produce version that names topics; later ones have their ids (KIP-516).
const LAST_VERSION_BY_NAME: i16 = 12;

/// The first version of Produce in which brokers take what is compressed like this (KIP-110).
fn least_version(compression: Compression) -> i16 {
    match compression {
        Compression::Zstd => 7,
        _ => 0,
    }
}

fn settings(config: &ProducerConfig, seed: u64) -> SenderSettings {
    SenderSettings {
        is_idempotent: config.enable_idempotence,
        max_in_flight: config.max_in_flight.max(1),
        max_request_size: config.max_request_size,
        availability_timeout: config.partitioner_availability_timeout,
        retries: config.retries,
        delivery_timeout: config.delivery_timeout,
        backoff: Backoff::new(config.retry_backoff, config.retry_backoff_max, seed),
        compression: config.compression,
        compression_level: config.compression_level,
    }
}

//! The task of one consumer: sends what the machine plans, brings it the answers, sleeps.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use kavka_protocol::messages::{FetchRequest, ListOffsetsResponse, OffsetForLeaderEpochResponse};
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, TopicId, TopicPartition, encode_request};
use tokio::sync::watch;

use super::membership::Membership;
use super::request::{
    LAST_VERSION_BY_NAME, VALIDATION_VERSION, farewell, fetch_request, fetched, looked_up,
    lookup_request, validated, validation_request,
};
use super::shared::Shared;
use crate::client::Client;
use crate::config::ConsumerConfig;
use crate::error::Result;
use crate::io::{BoxFuture, Lane, PendingAnswer, Target, finished, now, sleep_until};
use crate::metadata::MetadataCache;
use crate::state::connection::{Answer, Outgoing};
use crate::state::fetch::{
    ClusterView, FetchPlan, Leadership, LookupPlan, MetadataNeed, MissingPart, PositionReset,
    ResetCause, ValidationPlan,
};
use crate::state::metadata::{Interest, Leader, LeaderHint};

/// Carries out what one consumer's machine plans.
pub(super) struct Driver {
    client: Client,
    config: Arc<ConsumerConfig>,
    shared: Arc<Shared>,
    membership: Membership,
    exchanges: Vec<Exchange>,
    /// Ready when the cluster has been asked anew.
    refresh: Option<BoxFuture<'static, ()>>,
    changes: watch::Receiver<u64>,
}

/// A request on its way.
enum Exchange {
    Fetch {
        broker: BrokerId,
        sent: Instant,
        answer: PendingAnswer,
    },
    Lookup {
        plan: LookupPlan,
        answer: BoxFuture<'static, Result<ListOffsetsResponse>>,
    },
    Validation {
        plan: ValidationPlan,
        answer: BoxFuture<'static, Result<OffsetForLeaderEpochResponse>>,
    },
}

/// A request that is over.
enum Ended {
    Fetch { broker: BrokerId, sent: Instant, answer: Result<Answer> },
    Lookup { plan: LookupPlan, answer: Result<ListOffsetsResponse> },
    Validation { plan: ValidationPlan, answer: Result<OffsetForLeaderEpochResponse> },
}

/// The next thing that the machine wants done.
enum Due {
    Fetch(FetchPlan),
    Hint(LeaderHint),
    Lookup(LookupPlan),
    Metadata(MetadataNeed),
    Reset(PositionReset),
    Validation(ValidationPlan),
}

impl Driver {
    pub(super) fn new(
        client: Client,
        config: Arc<ConsumerConfig>,
        shared: Arc<Shared>,
        membership: Membership,
    ) -> Self {
        let changes = client.metadata().changes();
        let (exchanges, refresh) = (Vec::new(), None);
        Self { client, config, shared, membership, exchanges, refresh, changes }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(mut self) {
        loop {
            self.act();
            // The requests above are under way before the application gets what led to them.
            self.shared.notify_application();
            let timeout = self.shared.with(|fetcher| fetcher.poll_timeout());
            tokio::select! {
                ended = next_ended(&mut self.exchanges) => self.handle_ended(ended),
                () = finished(&mut self.refresh) => self.handle_refresh(),
                _ = self.changes.changed() => self.handle_metadata(),
                () = self.shared.application_acted() => {}
                () = sleep_until(timeout) => self.shared.with(|fetcher| fetcher.handle_timeout(now())),
            }
        }
    }

    /// Carries out everything that is due.
    fn act(&mut self) {
        self.shared.settle();
        self.shared.with(|fetcher| fetcher.set_budget(self.membership.budget()));
        while let Some(due) = self.poll_due() {
            match due {
                Due::Fetch(plan) => self.fetch(plan),
                Due::Hint(hint) => {
                    self.client.metadata().handle_leader_hint(&hint);
                }
                Due::Lookup(plan) => self.look_up(plan),
                Due::Metadata(MetadataNeed::Known) => self.handle_metadata(),
                Due::Metadata(MetadataNeed::Fresh) => self.refresh(),
                Due::Reset(reset) => warn_about(&reset),
                Due::Validation(plan) => self.validate(plan),
            }
        }
    }

    fn poll_due(&self) -> Option<Due> {
        self.shared.with(|fetcher| {
            None.or_else(|| fetcher.poll_fetch().map(Due::Fetch))
                .or_else(|| fetcher.poll_reset().map(Due::Reset))
                .or_else(|| fetcher.poll_lookup().map(Due::Lookup))
                .or_else(|| fetcher.poll_validation().map(Due::Validation))
                .or_else(|| fetcher.poll_leader_hint().map(Due::Hint))
                .or_else(|| fetcher.poll_metadata().map(Due::Metadata))
        })
    }

    fn fetch(&mut self, plan: FetchPlan) {
        let (broker, config) = (plan.broker, Arc::clone(&self.config));
        let newest = if plan.session.has_topic_ids { i16::MAX } else { LAST_VERSION_BY_NAME };
        let build = move |version| fetch_request(&plan, &config, version);
        let answer = self.send(broker, newest, build);
        self.shared.fetches.note_sent(broker);
        self.exchanges.push(Exchange::Fetch { broker, sent: now(), answer });
    }

    fn send(
        &self,
        broker: BrokerId,
        newest: i16,
        build: impl FnOnce(i16) -> FetchRequest + Send + 'static,
    ) -> PendingAnswer {
        // The broker may hold the answer back for as long as the request says.
        let timeout = self.config.request_timeout + self.config.fetch_max_wait;
        let outgoing =
            Outgoing::new(ApiKey::Fetch, timeout, move |version, correlation, client| {
                encode_request(&build(version), version, correlation, client)
            });
        self.client.send_frame(broker, self.lane(), outgoing.up_to_version(newest))
    }

    fn lane(&self) -> Lane {
        Lane::Fetch(self.membership.id())
    }

    fn look_up(&mut self, plan: LookupPlan) {
        let (request, least_version) = lookup_request(&plan, &self.config);
        let target = Target::Broker(plan.broker);
        let network = self.client.network();
        let answer = network.call_at(target, Lane::General, least_version, move |_| request);
        self.exchanges.push(Exchange::Lookup { plan, answer: Box::pin(answer) });
    }

    fn validate(&mut self, plan: ValidationPlan) {
        let (target, request) = (Target::Broker(plan.broker), validation_request(&plan));
        let network = self.client.network();
        let answer = network.call_at(target, Lane::General, VALIDATION_VERSION, move |_| request);
        self.exchanges.push(Exchange::Validation { plan, answer: Box::pin(answer) });
    }

    /// Asks for news of every topic.
    fn refresh(&mut self) {
        if self.refresh.is_some() {
            return;
        }
        let metadata = self.client.metadata();
        let news = self.shared.with(|fetcher| metadata.news_of(fetcher.topics(), Interest::Read));
        self.refresh = Some(news);
    }

    fn handle_ended(&mut self, ended: Ended) {
        match ended {
            Ended::Fetch { broker, sent, answer } => {
                let answer = answer.and_then(fetched);
                let latency = now().saturating_duration_since(sent);
                self.shared.fetches.note_ended(broker, answer.as_ref().ok(), latency);
                self.shared.with(|fetcher| fetcher.handle_fetch(broker, answer, now()));
            }
            Ended::Lookup { plan, answer } => {
                let answers = answer.map(|response| looked_up(&response));
                self.shared.with(|fetcher| fetcher.handle_lookup(&plan, answers, now()));
            }
            Ended::Validation { plan, answer } => {
                let answers = answer.map(|response| validated(&response));
                self.shared.with(|fetcher| fetcher.handle_validation(&plan, answers, now()));
            }
        }
    }

    fn handle_metadata(&mut self) {
        self.changes.mark_unchanged();
        self.shared.with(|fetcher| fetcher.handle_metadata(self.client.metadata(), now()));
    }

    fn handle_refresh(&mut self) {
        if let Some(refusal) = self.client.metadata().refusal() {
            return self.shared.with(|fetcher| fetcher.handle_refused_refresh(refusal));
        }
        self.shared.with(|fetcher| fetcher.handle_refresh(self.client.metadata(), now()));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.end();
        for (broker, session) in self.shared.with(|fetcher| fetcher.sessions()) {
            // Brokers have room for a thousand sessions. Nobody waits for the answer.
            drop(self.send(broker, i16::MAX, move |_| farewell(session)));
        }
        self.client.network().pool.retire_lane(self.lane());
    }
}

impl Exchange {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        match self {
            Self::Fetch { broker, sent, answer } => {
                let (broker, sent) = (*broker, *sent);
                Pin::new(answer).poll(context).map(|answer| Ended::Fetch { broker, sent, answer })
            }
            Self::Lookup { plan, answer } => answer
                .as_mut()
                .poll(context)
                .map(|answer| Ended::Lookup { plan: plan.clone(), answer }),
            Self::Validation { plan, answer } => answer
                .as_mut()
                .poll(context)
                .map(|answer| Ended::Validation { plan: plan.clone(), answer }),
        }
    }
}

/// Says in the log what an application that does not look at [`Fetch::resets`] would never know.
///
/// [`Fetch::resets`]: super::Fetch::resets
fn warn_about(reset: &PositionReset) {
    let PositionReset { topic_partition, from, to, cause } = reset;
    let passed_over = reset.passed_over();
    match cause {
        ResetCause::OutOfRange => tracing::warn!(
            %topic_partition, from, to, passed_over,
            "the position is outside of the log; reading goes on by auto.offset.reset"
        ),
        ResetCause::Recreated => tracing::warn!(
            %topic_partition, from, to, passed_over,
            "the topic was deleted and created again; reading goes on by auto.offset.reset"
        ),
        ResetCause::Truncated => tracing::warn!(
            %topic_partition, from, to, passed_over,
            "the log was truncated: some of what was read is not in it any more"
        ),
    }
}

/// Waits for the first of the requests to be over; there are at most two per broker.
async fn next_ended(exchanges: &mut Vec<Exchange>) -> Ended {
    poll_fn(|context| {
        for at in 0..exchanges.len() {
            if let Poll::Ready(ended) = exchanges[at].poll(context) {
                exchanges.swap_remove(at);
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    })
    .await
}

impl ClusterView for MetadataCache {
    fn leadership(&self, partition: &TopicPartition) -> Leadership {
        let Some(topic) = self.topic(&partition.topic) else {
            return match self.topic_error(&partition.topic) {
                None => Leadership::Unknown,
                Some(ErrorCode::UnknownTopicOrPartition) => Leadership::Missing(MissingPart::Topic),
                Some(code) if code.is_retriable() => Leadership::Leaderless,
                Some(code) => Leadership::Refused(code),
            };
        };
        match topic.partition(partition.partition) {
            None => Leadership::Missing(MissingPart::Partition),
            Some(known) => match known.leader {
                Some(broker) => Leadership::Led(Leader { broker, epoch: known.leader_epoch }),
                None => Leadership::Leaderless,
            },
        }
    }

    fn topic_id(&self, partition: &TopicPartition) -> Option<TopicId> {
        self.topic(&partition.topic)?.id
    }

    fn is_online(&self, partition: &TopicPartition, broker: BrokerId) -> bool {
        let topic = self.topic(&partition.topic);
        let known = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
        let has_copy = known.is_some_and(|known| {
            known.replicas.contains(&broker) && !known.offline.contains(&broker)
        });
        has_copy && self.has_broker(broker)
    }
}

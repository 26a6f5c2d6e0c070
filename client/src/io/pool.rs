//! [`Pool`]: the connections of one client, by broker and lane.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use kavka_protocol::{ApiKey, BrokerId, ErrorCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::buffers::Buffers;
use super::connect::Connect;
use super::driver::{Dial, Link, Ticket};
use crate::config::{ClientConfig, Endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::security::Login;
use crate::state::authentication::AuthenticationFailure;
use crate::state::backoff::Backoff;
use crate::state::connection::{
    Answer, CloseReason, ConnectionSettings, Failure, FailureReason, Outgoing, SaslPlan,
};
use crate::stats::{BrokerStats, Brokers};
use crate::topic::BrokerNode;

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The address at this place of `bootstrap.servers`, before any broker is known.
    Bootstrap(usize),
    Broker(BrokerId),
}

/// Requests that may have to wait for one another; each lane has a connection of its own, so that a
/// fetch which waits for data holds nothing up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// The fetches of one consumer: those of another may wait for data as well.
    Fetch(u64),
    General,
    Produce,
}

/// The connections of one client. Dropping it ends their tasks.
pub(crate) struct Pool {
    connect: Arc<dyn Connect>,
    runtime: Handle,
    settings: Arc<ConnectionSettings>,
    reconnect_backoff: Backoff,
    setup_timeout: Backoff,
    /// Memory for large answers, of all connections.
    buffers: Arc<Buffers>,
    login: Option<Arc<Login>>,
    state: Mutex<State>,
}

struct State {
    endpoints: HashMap<Target, Endpoint>,
    slots: HashMap<(Target, Lane), Slot>,
    brokers: Brokers,
    /// Owns every task, also those of connections that are only finishing.
    tasks: JoinSet<()>,
}

/// The present connection of one broker and lane, and how the ones before it went.
struct Slot {
    link: Arc<Link>,
    reconnect_backoff: Backoff,
    setup_timeout: Backoff,
}

/// The answer to one request, when it comes.
///
/// Dropping it gives up the answer, not the request; the connection is not affected.
pub(crate) struct PendingAnswer {
    api: ApiKey,
    target: Target,
    endpoint: Option<Endpoint>,
    answer: oneshot::Receiver<Result<Answer, Failure>>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    api: ApiKey,
    target: Target,
    endpoint: Option<Endpoint>,
}

impl Pool {
    /// No connection is made before the first request. `seed` spreads out reconnections.
    pub(crate) fn new(
        config: &ClientConfig,
        connect: Arc<dyn Connect>,
        runtime: Handle,
        seed: u64,
    ) -> Self {
        let bootstrap = config.bootstrap_servers.iter().cloned().enumerate();
        let endpoints = bootstrap.map(|(at, endpoint)| (Target::Bootstrap(at), endpoint)).collect();
        let settings = Arc::new(ConnectionSettings {
            client_id: config.client_id.clone(),
            request_timeout: config.request_timeout,
            max_idle: config.connections_max_idle,
            sasl: sasl_plan(config),
        });
        let reconnect_backoff =
            Backoff::new(config.reconnect_backoff, config.reconnect_backoff_max, seed);
        let (first, max) = (config.connection_setup_timeout, config.connection_setup_timeout_max);
        let setup_timeout = Backoff::new(first, max, seed);
        let (slots, tasks) = (HashMap::new(), JoinSet::new());
        let brokers = Brokers::new(&config.client_id);
        let state = Mutex::new(State { endpoints, slots, brokers, tasks });
        let buffers = Arc::default();
        let login = config.security.sasl.as_ref().and_then(|sasl| sasl.login.clone());
        Self { connect, runtime, settings, reconnect_backoff, setup_timeout, buffers, login, state }
    }

    /// Queues a request at once: those for one target and lane leave in the order of the calls. Its
    /// time runs from now and covers connecting, writing and the answer.
    pub(crate) fn send(&self, target: Target, lane: Lane, request: Outgoing) -> PendingAnswer {
        let (ticket, answer) = oneshot::channel();
        let api = request.api();
        let endpoint = self.with(|state| {
            let endpoint = state.endpoints.get(&target).cloned()?;
            self.enqueue(state, (target, lane), &endpoint, request, ticket);
            Some(endpoint)
        });
        PendingAnswer { api, target, endpoint, answer }
    }

    /// The broker wants to be left alone for so long (KIP-219), which it says where the connection
    /// itself does not look: requests of this lane wait.
    pub(crate) fn throttle(&self, target: Target, lane: Lane, throttle: Duration) {
        self.with(|state| {
            if let Some(slot) = state.slots.get(&(target, lane)) {
                slot.link.throttle(throttle);
            }
        });
    }

    /// Learns where brokers listen. Connections to addresses that no longer hold finish what they
    /// have and close.
    pub(crate) fn set_brokers(&self, brokers: &[BrokerNode]) {
        self.with(|state| {
            state.endpoints.retain(|target, _| matches!(target, Target::Bootstrap(_)));
            for broker in brokers {
                let endpoint = Endpoint::new(Arc::clone(&broker.host), broker.port);
                state.endpoints.insert(Target::Broker(broker.id), endpoint);
            }
            let endpoints = &state.endpoints;
            retire(&mut state.slots, |(target, _), slot| {
                endpoints.get(target) != Some(slot.link.endpoint())
            });
        });
    }

    /// Closes the connections made to addresses of `bootstrap.servers` when they have finished.
    pub(crate) fn retire_bootstrap(&self) {
        self.with(|state| {
            retire(&mut state.slots, |(target, _), _| matches!(target, Target::Bootstrap(_)));
        });
    }

    /// Closes the connections of a lane that nobody sends on any more, when they have finished.
    pub(crate) fn retire_lane(&self, lane: Lane) {
        self.with(|state| retire(&mut state.slots, |(_, of), _| *of == lane));
    }

    /// What was done so far over the connections, by broker.
    pub(crate) fn stats(&self) -> Vec<BrokerStats> {
        self.with(|state| state.brokers.snapshot())
    }

    fn enqueue(
        &self,
        state: &mut State,
        key: (Target, Lane),
        endpoint: &Endpoint,
        request: Outgoing,
        ticket: Ticket,
    ) {
        let refused = match state.slots.get(&key) {
            Some(slot) => slot.link.send(request, ticket).err(),
            None => Some((request, ticket)),
        };
        if let Some((request, ticket)) = refused {
            let (slot, dial) = self.open(state, key, endpoint.clone());
            // A link takes requests until its task, which may run elsewhere at once, has closed it.
            let _ = slot.link.send(request, ticket);
            let (target, lane) = key;
            let span = tracing::debug_span!("connection", ?target, ?lane, %endpoint);
            state
                .tasks
                .spawn_on(Arc::clone(&slot.link).drive(dial).instrument(span), &self.runtime);
            state.slots.insert(key, slot);
        }
    }

    /// A new connection in place of the previous one, to be made once the backoff after that has
    /// passed.
    fn open(&self, state: &mut State, key: (Target, Lane), endpoint: Endpoint) -> (Slot, Dial) {
        let counts = state.brokers.counts(key.0.broker());
        let link = Arc::new(Link::new(endpoint, Arc::clone(&self.settings), counts));
        let mut slot = match state.slots.remove(&key) {
            Some(previous) => previous,
            None => Slot {
                link: Arc::clone(&link),
                reconnect_backoff: self.reconnect_backoff.clone(),
                setup_timeout: self.setup_timeout.clone(),
            },
        };
        let not_before = slot.not_before();
        let timeout = slot.setup_timeout.next();
        slot.link = link;
        while state.tasks.try_join_next().is_some() {}
        let (connect, buffers) = (Arc::clone(&self.connect), Arc::clone(&self.buffers));
        let login = self.login.clone();
        (slot, Dial { connect, buffers, login, not_before, timeout })
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Target {
    /// The broker that is meant, if it is known which one.
    fn broker(self) -> Option<BrokerId> {
        match self {
            Self::Bootstrap(_) => None,
            Self::Broker(broker) => Some(broker),
        }
    }
}

impl Slot {
    /// When to connect again, judged by how the present link ended.
    fn not_before(&mut self) -> Option<Instant> {
        let (was_ready, failed_at) = self.link.with(|connection| {
            let failed_at = connection.closed().and_then(|(reason, at)| match reason {
                CloseReason::Idle | CloseReason::Retired => None,
                _ => Some(at),
            });
            (connection.was_ready(), failed_at)
        });
        if was_ready {
            self.reconnect_backoff.reset();
            self.setup_timeout.reset();
        }
        failed_at.map(|at| at + self.reconnect_backoff.next())
    }
}

impl PendingAnswer {
    /// Where this request goes, for errors about what comes back.
    pub(crate) fn place(&self) -> Destination {
        Destination { api: self.api, target: self.target, endpoint: self.endpoint.clone() }
    }

    fn error(&self, failure: Failure) -> Error {
        let endpoint = self.endpoint.as_ref().map(ToString::to_string).unwrap_or_default();
        let Failure { reason, was_written } = failure;
        let maybe_written = was_written && changes_anything(self.api);
        self.place().on(explain(reason, &endpoint, was_written)).with_maybe_written(maybe_written)
    }
}

impl Destination {
    /// `error` with what is known about where it happened.
    pub(crate) fn on(&self, error: Error) -> Error {
        let error = match &self.endpoint {
            Some(endpoint) => error.with_address(endpoint.to_string()),
            None => error,
        };
        match self.target {
            Target::Bootstrap(_) => error.with_api(self.api),
            Target::Broker(broker) => error.with_api(self.api).with_broker(broker),
        }
    }
}

impl Future for PendingAnswer {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|received| match received {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(self.error(failure)),
            Err(_) if self.endpoint.is_none() => {
                let message = "it is not among the cluster's brokers; metadata must be refreshed";
                Err(self.place().on(Error::new(ErrorKind::Unreachable, message)))
            }
            Err(_) => {
                let maybe_written = changes_anything(self.api);
                Err(self.place().on(Error::closed("client")).with_maybe_written(maybe_written))
            }
        })
    }
}

/// How every connection authenticates.
fn sasl_plan(config: &ClientConfig) -> Option<SaslPlan> {
    let sasl = config.security.sasl.as_ref()?;
    let (mechanism, renew_after) = (sasl.mechanism, sasl.renew_after);
    Some(SaslPlan { mechanism, timeout: config.connection_setup_timeout, renew_after })
}

/// Lets those connections finish that are no longer needed.
fn retire(
    slots: &mut HashMap<(Target, Lane), Slot>,
    is_retired: impl Fn(&(Target, Lane), &Slot) -> bool,
) {
    for (_, slot) in slots.extract_if(|key, slot| is_retired(key, slot)) {
        slot.link.drain();
    }
}

/// Whether a request of `api` leaves traces, so that it matters whether it got through.
fn changes_anything(api: ApiKey) -> bool {
    !matches!(
        api,
        ApiKey::ApiVersions
            | ApiKey::Fetch
            | ApiKey::InitProducerId
            | ApiKey::ListOffsets
            | ApiKey::Metadata
            | ApiKey::OffsetForLeaderEpoch
    )
}

fn explain(reason: FailureReason, endpoint: &str, was_written: bool) -> Error {
    match reason {
        FailureReason::Closed(reason) => {
            let cause = reason.to_string();
            let kind = kind(&reason);
            Error::new(kind, format!("{endpoint} {cause}"))
        }
        FailureReason::Encode(error) => error.into(),
        FailureReason::TimedOut(limit) => {
            let missed = if was_written { "did not answer" } else { "could not be sent a request" };
            let message = format!("{endpoint} {missed} within {} ms", limit.as_millis());
            Error::new(ErrorKind::Timeout, message)
        }
        FailureReason::TooOld { api, version, needed } => {
            let message = format!(
                "{endpoint} speaks {api:?} only up to version {version}; what is asked for needs \
                 version {needed} of it, and a newer broker"
            );
            Error::new(ErrorKind::Unsupported, message)
        }
        FailureReason::Unsupported(unsupported) => unsupported.into(),
    }
}

fn kind(reason: &CloseReason) -> ErrorKind {
    match reason {
        CloseReason::Abandoned => ErrorKind::Closed,
        CloseReason::AuthenticationFailed(failure) => authentication_kind(failure),
        CloseReason::AuthenticationTimedOut(_) => ErrorKind::Timeout,
        CloseReason::ConnectFailed(_) => ErrorKind::Unreachable,
        CloseReason::ConnectTimedOut(_) | CloseReason::HandshakeTimedOut(_) => ErrorKind::Timeout,
        CloseReason::Ended
        | CloseReason::EndedInAuthentication(_)
        | CloseReason::EndedInHandshake
        | CloseReason::EndedUnanswered
        | CloseReason::Garbled(_)
        | CloseReason::Idle
        | CloseReason::Io(_)
        | CloseReason::Misordered { .. }
        | CloseReason::RequestTimedOut(_)
        | CloseReason::Retired => ErrorKind::ConnectionLost,
        CloseReason::HandshakeRefused(code) => ErrorKind::Broker(*code),
        CloseReason::Malformed(_) => ErrorKind::MalformedAnswer,
        CloseReason::NoSasl(_) => ErrorKind::Unsupported,
        CloseReason::NotKafka(_) => ErrorKind::NotKafka,
        CloseReason::Untrusted(_) => ErrorKind::Authentication,
    }
}

fn authentication_kind(failure: &AuthenticationFailure) -> ErrorKind {
    match failure {
        AuthenticationFailure::Exchange(..) => ErrorKind::Authentication,
        AuthenticationFailure::Mechanism { .. } => {
            ErrorKind::Broker(ErrorCode::UnsupportedSaslMechanism)
        }
        // Whoever gives out tokens may do so again later.
        AuthenticationFailure::NoCredentials(_) => ErrorKind::Unreachable,
        AuthenticationFailure::Refused { code, .. } => ErrorKind::Broker(*code),
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

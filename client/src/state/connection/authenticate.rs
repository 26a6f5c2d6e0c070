//! Authentication within a [`Connection`]: before its first request, and again before the broker's
//! patience with the session ends (KIP-368).

use std::time::{Duration, Instant};

use bytes::Bytes;
use kavka_protocol::{
    ApiKey, CorrelationId, Request, SaslMechanism, VersionTable, correlation_id, decode_response,
    encode_request,
    messages::{SaslAuthenticateRequest, SaslHandshakeRequest},
};

use super::{CloseReason, Connection, Phase};
use crate::state::authentication::{Authentication, Next, Work, WorkDone};
use crate::state::timers::is_reached;

/// How connections authenticate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaslPlan {
    pub(crate) mechanism: SaslMechanism,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// The part of a session's lifetime after which it is renewed at the earliest.
    pub(crate) renew_after: f64,
}

impl SaslPlan {
    /// The part of its lifetime after which a connection renews its session. Connections made together
    /// do so apart, and in time for a broker whose clock is another.
    pub(super) fn part_before_renewal(&self, jitter: f64) -> f64 {
        let earliest = self.renew_after;
        let latest = (earliest + SPREAD).min(LATEST).max(earliest);
        earliest + (latest - earliest) * jitter
    }
}

/// An authentication under way.
pub(super) struct Authenticating {
    versions: VersionTable,
    machine: Authentication,
    /// The request that is to be answered next; `None` while there is work to do here.
    awaited: Option<(ApiKey, i16, CorrelationId)>,
    work: Option<Work>,
    /// When it must be done, once the broker has answered everything that was sent before.
    pub(super) deadline: Option<Instant>,
    timeout: Duration,
    /// Whether the connection is to close as soon as its requests are done.
    pub(super) drains: bool,
}

impl<T> Connection<T> {
    /// Something to be done elsewhere before the authentication goes on.
    pub(crate) fn poll_work(&mut self) -> Option<Work> {
        match &mut self.phase {
            Phase::Authenticating(state) => state.work.take(),
            _ => None,
        }
    }

    /// It has been done.
    pub(crate) fn handle_work(&mut self, done: WorkDone, now: Instant) {
        let Phase::Authenticating(state) = &mut self.phase else { return };
        let next = state.machine.handle_work(done);
        match next {
            Ok(next) => self.follow(next, now),
            Err(failure) => self.close(CloseReason::AuthenticationFailed(failure), now),
        }
    }

    /// Begins if that is how this connection is made; otherwise it is ready.
    pub(super) fn authenticate(&mut self, versions: VersionTable, drains: bool, now: Instant) {
        let Some(plan) = self.settings.sasl else { return self.become_ready(versions, now) };
        let (machine, next) = Authentication::begin(plan.mechanism);
        self.phase = Phase::Authenticating(Box::new(Authenticating {
            versions,
            machine,
            awaited: None,
            work: None,
            deadline: None,
            timeout: plan.timeout,
            drains,
        }));
        self.time_authentication(now);
        self.follow(next, now);
    }

    /// The time of an authentication runs from when the broker comes to it: after what it was sent
    /// before, since it answers in order, and after the rest that it asks for.
    pub(super) fn time_authentication(&mut self, now: Instant) {
        let begins = self.quiet_until.map_or(now, |until| until.max(now));
        if let Phase::Authenticating(state) = &mut self.phase
            && self.in_flight.is_empty()
        {
            state.deadline = state.deadline.max(Some(begins + state.timeout));
        }
    }

    /// Renews the session if it is time and there is something to send. What was sent already is
    /// answered first, as always.
    pub(super) fn renew_session(&mut self, now: Instant) {
        if self.waiting.is_empty() || !is_reached(self.renew_at, now) {
            return;
        }
        match &mut self.phase {
            Phase::Ready(versions) => {
                let versions = std::mem::take(versions);
                self.authenticate(versions, false, now);
            }
            Phase::Draining(versions) => {
                let versions = std::mem::take(versions);
                self.authenticate(versions, true, now);
            }
            _ => {}
        }
    }

    pub(super) fn handle_authentication_answer(&mut self, frame: Bytes, now: Instant) {
        let Phase::Authenticating(state) = &mut self.phase else { return };
        let found = correlation_id(&frame);
        let Some((api, version, _)) = state.awaited.take_if(|(_, _, due)| found == Ok(*due)) else {
            return self.close(CloseReason::NotKafka("something else"), now);
        };
        let next = match api {
            ApiKey::SaslHandshake => decode_response::<SaslHandshakeRequest>(frame, version)
                .map(|answer| state.machine.handle_handshake(&answer)),
            _ => decode_response::<SaslAuthenticateRequest>(frame, version)
                .map(|answer| state.machine.handle_authenticate(&answer)),
        };
        match next {
            Ok(Ok(next)) => self.follow(next, now),
            Ok(Err(failure)) => self.close(CloseReason::AuthenticationFailed(failure), now),
            Err(error) => self.close(CloseReason::Malformed(error), now),
        }
    }

    /// Why a connection that is authenticating ends when the other side closes it.
    pub(super) fn end_of_authentication(&self) -> Option<CloseReason> {
        match &self.phase {
            Phase::Authenticating(state) => {
                Some(CloseReason::EndedInAuthentication(state.machine.mechanism()))
            }
            _ => None,
        }
    }

    /// Whether it has taken too long, and how long it may take.
    pub(super) fn overdue_authentication(&self, now: Instant) -> Option<Duration> {
        match &self.phase {
            Phase::Authenticating(state) if is_reached(state.deadline, now) => Some(state.timeout),
            _ => None,
        }
    }

    fn follow(&mut self, next: Next, now: Instant) {
        match next {
            Next::Handshake(request) => self.ask(ApiKey::SaslHandshake, &request, now),
            Next::Authenticate(request) => self.ask(ApiKey::SaslAuthenticate, &request, now),
            Next::Work(work) => {
                if let Phase::Authenticating(state) = &mut self.phase {
                    state.work = Some(work);
                }
            }
            Next::Done { lifetime } => self.authenticated(lifetime, now),
        }
    }

    fn ask<R: Request>(&mut self, api: ApiKey, request: &R, now: Instant) {
        let correlation = self.take_correlation();
        let Phase::Authenticating(state) = &mut self.phase else { return };
        let version = match state.versions.version_of(api) {
            Ok(version) => version,
            Err(unsupported) => return self.close(CloseReason::NoSasl(unsupported), now),
        };
        state.awaited = Some((api, version, correlation));
        match encode_request(request, version, correlation, &self.settings.client_id) {
            Ok(frame) => drop(self.transmit(frame)),
            Err(error) => self.close(CloseReason::Io(error.to_string().into()), now),
        }
    }

    fn authenticated(&mut self, lifetime: Option<Duration>, now: Instant) {
        let Phase::Authenticating(state) = &mut self.phase else { return };
        let (versions, drains) = (std::mem::take(&mut state.versions), state.drains);
        let part = self.settings.sasl.map_or(1.0, |plan| plan.part_before_renewal(self.jitter));
        self.renew_at = lifetime.map(|lifetime| now + lifetime.min(LONGEST).mul_f64(part));
        self.become_ready(versions, now);
        if drains {
            self.drain(now);
        }
    }
}

/// How far apart sessions of the same lifetime are renewed, as a part of it: as far as Java's.
const SPREAD: f64 = 0.1;

/// Java renews no session later.
const LATEST: f64 = 0.95;

/// A year: sessions may be said to last longer than there is time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

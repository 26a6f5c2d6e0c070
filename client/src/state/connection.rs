//! [`Connection`]: one conversation with one broker, from the handshake to the last answer.

mod authenticate;
mod close;
mod outgoing;
mod throttle;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kavka_protocol::{
    ApiKey, CorrelationId, DecodeError, ErrorCode, Frame, StrBytes, VersionTable,
    api_versions_fallback, correlation_id, decode_api_versions, encode_request,
    messages::ApiVersionsRequest,
};

use self::authenticate::Authenticating;
pub(crate) use self::authenticate::SaslPlan;
pub(crate) use self::close::CloseReason;
use self::close::foreign_protocol;
pub(crate) use self::outgoing::{Answer, Failure, FailureReason, Outgoing};
pub(crate) use self::throttle::throttle;
use self::throttle::throttle_in;
use super::timers::{earliest, is_reached};

/// One connection to one broker.
///
/// `send` queues requests in the order they are to leave, in any phase. The owner reports what
/// happens to the socket through `handle_*`, writes what `poll_transmit` yields and hands out what
/// `poll_answer` yields. Answers come in the order of requests. Every ticket comes back exactly once;
/// a failure says whether all bytes of the request had been handed to the socket. A broker that asks
/// to be left alone (KIP-219) is sent nothing meanwhile, and the time of requests runs from its end.
///
/// `T` is the owner's ticket for one request; the machine only keeps it.
pub(crate) struct Connection<T> {
    phase: Phase,
    settings: Arc<ConnectionSettings>,
    /// Not encoded yet: the versions to use are known only after the handshake.
    waiting: VecDeque<Waiting<T>>,
    /// Encoded and expecting an answer, in order.
    in_flight: VecDeque<InFlight<T>>,
    /// Encoded, done once written: the broker will not answer.
    unanswered: VecDeque<InFlight<T>>,
    outbox: VecDeque<Bytes>,
    finished: VecDeque<(T, Result<Answer, Failure>)>,
    next_correlation: i32,
    queued_bytes: u64,
    written_bytes: u64,
    last_used: Instant,
    /// Nothing is encoded before: the broker takes nothing from this connection until then.
    quiet_until: Option<Instant>,
    /// For how long the broker wanted to be left alone, as far as nobody has taken note of it.
    throttle_time: Duration,
    /// When the next request must wait for the session to be renewed.
    renew_at: Option<Instant>,
    /// From 0 to 1: tells this connection from others in what all would do at the same time.
    jitter: f64,
    was_ready: bool,
    /// Whether a request was ever answered.
    was_answered: bool,
}

/// What has arrived on a connection.
pub(crate) trait Source {
    /// The first bytes that no frame was made of yet, as far as they are at hand.
    fn peek(&self) -> &[u8];

    /// Takes out the next frame, without its length; `None` until all of it has arrived. One longer
    /// than `limit` is an error.
    fn next_frame(&mut self, limit: usize) -> Result<Option<Bytes>, DecodeError>;
}

/// What a connection needs to know.
#[derive(Debug)]
pub(crate) struct ConnectionSettings {
    pub(crate) client_id: String,
    pub(crate) request_timeout: Duration,
    pub(crate) max_idle: Duration,
    /// How to authenticate, if that is asked for.
    pub(crate) sasl: Option<SaslPlan>,
}

/// Connecting → Handshake → Authenticating → Ready → Draining, and from each of them → Closed.
///
/// Without SASL nothing is Authenticating; with it, Ready and Draining go back there from time to time.
enum Phase {
    Connecting,
    Handshake {
        version: i16,
        correlation: CorrelationId,
        deadline: Instant,
    },
    Authenticating(Box<Authenticating>),
    Ready(VersionTable),
    /// Takes no more requests; closes when those it has are answered.
    Draining(VersionTable),
    Closed(CloseReason, Instant),
}

struct Waiting<T> {
    request: Outgoing,
    deadline: Instant,
    ticket: T,
}

struct InFlight<T> {
    api: ApiKey,
    version: i16,
    correlation: CorrelationId,
    timeout: Duration,
    deadline: Instant,
    /// The count of bytes handed over when the last of this request has been.
    end: u64,
    ticket: T,
}

impl<T> Connection<T> {
    /// A connection that is still being made. `jitter`, from 0 to 1, is another one for each.
    pub(crate) fn new(settings: Arc<ConnectionSettings>, jitter: f64, now: Instant) -> Self {
        Self {
            phase: Phase::Connecting,
            settings,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            unanswered: VecDeque::new(),
            outbox: VecDeque::new(),
            finished: VecDeque::new(),
            next_correlation: FIRST_CORRELATION,
            queued_bytes: 0,
            written_bytes: 0,
            last_used: now,
            quiet_until: None,
            throttle_time: Duration::ZERO,
            renew_at: None,
            jitter,
            was_ready: false,
            was_answered: false,
        }
    }

    /// Queues a request, whose time starts now. A connection that takes no more gives it back.
    pub(crate) fn send(
        &mut self,
        request: Outgoing,
        ticket: T,
        now: Instant,
    ) -> Result<(), (Outgoing, T)> {
        if !self.is_open() {
            return Err((request, ticket));
        }
        let deadline = self.quiet_until.unwrap_or(now).max(now) + request.timeout;
        self.waiting.push_back(Waiting { request, deadline, ticket });
        self.last_used = now;
        self.encode_waiting(now);
        Ok(())
    }

    /// The socket is there: the handshake begins.
    pub(crate) fn handle_connected(&mut self, now: Instant) {
        self.begin_handshake(HANDSHAKE_VERSION, now);
    }

    /// Bytes have come into `input`; whole frames are taken out of it.
    pub(crate) fn handle_input(&mut self, input: &mut impl Source, now: Instant) {
        self.last_used = now;
        while !self.is_closed() {
            if let Phase::Handshake { .. } = self.phase
                && let Some(other) = foreign_protocol(input.peek())
            {
                return self.close(CloseReason::NotKafka(other), now);
            }
            match input.next_frame(self.frame_limit()) {
                Ok(Some(frame)) => self.handle_frame(frame, now),
                Ok(None) => return,
                Err(error) => return self.close(self.malformed(error), now),
            }
        }
    }

    /// The socket took `count` more of the bytes given out.
    pub(crate) fn handle_written(&mut self, count: usize, now: Instant) {
        self.last_used = now;
        self.written_bytes += count as u64;
        while let Some(done) = self.unanswered.pop_front_if(|r| r.end <= self.written_bytes) {
            let answer = Answer { bytes: Bytes::new(), version: done.version };
            self.finished.push_back((done.ticket, Ok(answer)));
        }
        self.close_if_drained(now);
    }

    /// The other side will send nothing more.
    pub(crate) fn handle_end(&mut self, now: Instant) {
        match self.phase {
            Phase::Handshake { .. } => self.close(CloseReason::EndedInHandshake, now),
            _ => self.close(self.end_of_authentication().unwrap_or_else(|| self.end()), now),
        }
    }

    /// The broker wants to be left alone for so long, said an answer whose `throttle` could not be
    /// seen here. What it has been sent already it answers only afterwards.
    pub(crate) fn handle_throttle(&mut self, throttle: Duration, now: Instant) {
        self.throttle_time += throttle;
        let until = now + throttle;
        if throttle.is_zero() || self.quiet_until.is_some_and(|known| known >= until) {
            return;
        }
        self.quiet_until = Some(until);
        for waiting in &mut self.waiting {
            waiting.deadline = waiting.deadline.max(until + waiting.request.timeout);
        }
        for sent in self.in_flight.iter_mut().chain(&mut self.unanswered) {
            sent.deadline = sent.deadline.max(until + sent.timeout);
        }
        self.time_authentication(now);
    }

    /// Time has passed: requests that took too long fail, and a connection on which an answer is
    /// overdue is of no more use.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.expire_waiting(now);
        self.encode_waiting(now);
        if let Phase::Handshake { deadline, .. } = self.phase
            && deadline <= now
        {
            return self.close(CloseReason::HandshakeTimedOut(self.settings.request_timeout), now);
        }
        if let Some(limit) = self.overdue_authentication(now) {
            return self.close(CloseReason::AuthenticationTimedOut(limit), now);
        }
        let overdue = self.sent().find(|sent| sent.deadline <= now).map(|sent| sent.api);
        if let Some(api) = overdue {
            return self.close(CloseReason::RequestTimedOut(api), now);
        }
        if is_reached(self.idle_deadline(), now) {
            return self.close(CloseReason::Idle, now);
        }
        self.close_if_drained(now);
    }

    /// Takes no more requests, and closes as soon as the present ones are done.
    pub(crate) fn drain(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Connecting | Phase::Handshake { .. } => self.close(CloseReason::Retired, now),
            // Nothing has been sent yet that would have to be waited for.
            Phase::Authenticating(_) if !self.was_ready => self.close(CloseReason::Retired, now),
            Phase::Authenticating(state) => state.drains = true,
            Phase::Ready(versions) => {
                self.phase = Phase::Draining(std::mem::take(versions));
                self.close_if_drained(now);
            }
            Phase::Draining(_) | Phase::Closed(..) => {}
        }
    }

    /// Ends the connection. Requests whose time is up are told that, the others why it closed.
    pub(crate) fn close(&mut self, reason: CloseReason, now: Instant) {
        if self.is_closed() {
            return;
        }
        self.phase = Phase::Closed(reason.clone(), now);
        self.outbox.clear();
        let sent = std::mem::take(&mut self.in_flight).into_iter();
        for request in sent.chain(std::mem::take(&mut self.unanswered)) {
            let reason = match request.deadline <= now {
                true => FailureReason::TimedOut(request.timeout),
                false => FailureReason::Closed(reason.clone()),
            };
            let was_written = request.end <= self.written_bytes;
            self.finished.push_back((request.ticket, Err(Failure { reason, was_written })));
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.fail(waiting.ticket, FailureReason::Closed(reason.clone()));
        }
    }

    /// The next bytes to write.
    pub(crate) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.outbox.pop_front()
    }

    /// The next request that is done, one way or the other.
    pub(crate) fn poll_answer(&mut self) -> Option<(T, Result<Answer, Failure>)> {
        self.finished.pop_front()
    }

    /// When `handle_timeout` is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let handshake = match self.phase {
            Phase::Handshake { deadline, .. } => Some(deadline),
            Phase::Authenticating(ref state) => state.deadline,
            _ => None,
        };
        let waiting = self.waiting.iter().map(|waiting| waiting.deadline).min();
        let sent = self.sent().map(|sent| sent.deadline).min();
        let quiet = self.quiet_until.filter(|_| !self.waiting.is_empty());
        earliest([handshake, waiting, sent, quiet, self.idle_deadline()])
    }

    /// For how long the broker wanted to be left alone since this was last asked.
    pub(crate) fn take_throttle_time(&mut self) -> Duration {
        std::mem::take(&mut self.throttle_time)
    }

    /// Whether it takes requests.
    pub(crate) fn is_open(&self) -> bool {
        match &self.phase {
            Phase::Authenticating(state) => !state.drains,
            phase => !matches!(phase, Phase::Draining(_) | Phase::Closed(..)),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(..))
    }

    /// Why and when it closed, once it has.
    pub(crate) fn closed(&self) -> Option<(&CloseReason, Instant)> {
        match &self.phase {
            Phase::Closed(reason, at) => Some((reason, *at)),
            _ => None,
        }
    }

    /// Whether the handshake was ever completed.
    pub(crate) fn was_ready(&self) -> bool {
        self.was_ready
    }

    fn begin_handshake(&mut self, version: i16, now: Instant) {
        let correlation = self.take_correlation();
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("kavka"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        match encode_request(&request, version, correlation, &self.settings.client_id) {
            Ok(frame) => {
                let deadline = now + self.settings.request_timeout;
                self.phase = Phase::Handshake { version, correlation, deadline };
                self.transmit(frame);
            }
            Err(error) => self.close(CloseReason::Io(error.to_string().into()), now),
        }
    }

    fn handle_frame(&mut self, frame: Bytes, now: Instant) {
        match self.phase {
            Phase::Handshake { version, correlation, .. } => {
                self.handle_versions(frame, version, correlation, now);
            }
            // What was sent before a session is renewed is answered before.
            Phase::Authenticating(_) if self.in_flight.is_empty() => {
                self.handle_authentication_answer(frame, now);
            }
            _ => self.handle_answer(frame, now),
        }
    }

    fn handle_versions(&mut self, frame: Bytes, sent: i16, expected: CorrelationId, now: Instant) {
        if correlation_id(&frame) != Ok(expected) {
            return self.close(CloseReason::NotKafka("something else"), now);
        }
        let answer = match decode_api_versions(frame, sent) {
            Ok(answer) => answer,
            Err(error) => return self.close(CloseReason::Malformed(error), now),
        };
        match ErrorCode::from_code(answer.error_code) {
            None => {
                let throttle = throttle(ApiKey::ApiVersions, sent, answer.throttle_time_ms);
                self.handle_throttle(throttle, now);
                self.authenticate(VersionTable::negotiate(&answer), false, now);
            }
            Some(ErrorCode::UnsupportedVersion) if api_versions_fallback(&answer) < sent => {
                self.begin_handshake(api_versions_fallback(&answer), now);
            }
            Some(code) => self.close(CloseReason::HandshakeRefused(code), now),
        }
    }

    fn become_ready(&mut self, versions: VersionTable, now: Instant) {
        self.phase = Phase::Ready(versions);
        self.was_ready = true;
        self.expire_waiting(now);
        self.encode_waiting(now);
    }

    /// An answer belongs to the oldest request, or the two sides disagree about everything that
    /// follows.
    fn handle_answer(&mut self, frame: Bytes, now: Instant) {
        let found = match correlation_id(&frame) {
            Ok(found) => found,
            Err(error) => return self.close(self.malformed(error), now),
        };
        let expected = self.in_flight.front().map(|request| request.correlation);
        match self.in_flight.pop_front_if(|request| request.correlation == found) {
            Some(request) => {
                self.was_answered = true;
                let throttle = throttle_in(request.api, request.version, &frame);
                self.handle_throttle(throttle, now);
                self.time_authentication(now);
                let answer = Answer { bytes: frame, version: request.version };
                self.finished.push_back((request.ticket, Ok(answer)));
                self.close_if_drained(now);
            }
            None => {
                let expected = expected.unwrap_or(CorrelationId(self.next_correlation));
                self.close(CloseReason::Misordered { expected, found }, now);
            }
        }
    }

    fn encode_waiting(&mut self, now: Instant) {
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        if self.quiet_until.is_none() {
            self.renew_session(now);
        }
        while self.quiet_until.is_none()
            && matches!(self.phase, Phase::Ready(_) | Phase::Draining(_))
            && let Some(next) = self.waiting.pop_front()
        {
            self.encode(next);
        }
    }

    fn encode(&mut self, Waiting { request, deadline, ticket }: Waiting<T>) {
        let (Phase::Ready(versions) | Phase::Draining(versions)) = &self.phase else {
            return self.waiting.push_front(Waiting { request, deadline, ticket });
        };
        let version = match request.version(versions) {
            Ok(version) => version,
            Err(reason) => return self.fail(ticket, reason),
        };
        let correlation = self.take_correlation();
        let frame = match (request.encode)(version, correlation, &self.settings.client_id) {
            Ok(frame) => frame,
            Err(error) => return self.fail(ticket, FailureReason::Encode(error)),
        };
        let end = self.transmit(frame);
        let (api, timeout) = (request.api, request.timeout);
        let sent = InFlight { api, version, correlation, timeout, deadline, end, ticket };
        match request.is_answered {
            true => self.in_flight.push_back(sent),
            false => self.unanswered.push_back(sent),
        }
    }

    /// Queues the bytes and returns the count of all bytes queued so far.
    fn transmit(&mut self, frame: Frame) -> u64 {
        self.queued_bytes += frame.len() as u64;
        self.outbox.extend(frame.into_chunks());
        self.queued_bytes
    }

    fn fail(&mut self, ticket: T, reason: FailureReason) {
        self.finished.push_back((ticket, Err(Failure { reason, was_written: false })));
    }

    fn expire_waiting(&mut self, now: Instant) {
        if !self.waiting.iter().any(|waiting| waiting.deadline <= now) {
            return;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting.deadline <= now {
                true => self.fail(waiting.ticket, FailureReason::TimedOut(waiting.request.timeout)),
                false => self.waiting.push_back(waiting),
            }
        }
    }

    fn close_if_drained(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Draining(_)) && self.is_quiet() {
            self.close(CloseReason::Retired, now);
        }
    }

    /// Why it ends when the other side closes it. Brokers that ask for SASL do so upon the first request
    /// of a client that does not begin with it.
    fn end(&self) -> CloseReason {
        let is_hint = self.settings.sasl.is_none() && !self.was_answered;
        match is_hint && !self.in_flight.is_empty() {
            true => CloseReason::EndedUnanswered,
            false => CloseReason::Ended,
        }
    }

    /// Why it ends when what has come is no frame: a peer that spoke Kafka before was disturbed.
    fn malformed(&self, error: DecodeError) -> CloseReason {
        match self.was_ready {
            true => CloseReason::Garbled(error),
            false => CloseReason::Malformed(error),
        }
    }

    /// How long an answer may be. A peer that is not known yet is not trusted with memory.
    fn frame_limit(&self) -> usize {
        if self.was_ready { FRAME_LIMIT } else { FIRST_FRAME_LIMIT }
    }

    /// Whether nothing is under way.
    fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty() && self.unanswered.is_empty()
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let may_close = matches!(self.phase, Phase::Ready(_)) && self.is_quiet();
        may_close.then(|| self.last_used + self.settings.max_idle)
    }

    fn sent(&self) -> impl Iterator<Item = &InFlight<T>> {
        self.in_flight.iter().chain(&self.unanswered)
    }

    fn take_correlation(&mut self) -> CorrelationId {
        let correlation = CorrelationId(self.next_correlation);
        self.next_correlation = self.next_correlation.checked_add(1).unwrap_or_default();
        correlation
    }
}

/// Two line breaks: a server that reads lines, as those of HTTP do, takes the first request for a
/// complete one and answers, where it would otherwise wait for more.
const FIRST_CORRELATION: i32 = i32::from_be_bytes(*b"\r\n\r\n");

/// Understood by every broker since 2.4, and the first to carry the name of the client (KIP-511).
const HANDSHAKE_VERSION: i16 = 3;

/// Answers are limited by `fetch.max.bytes`, except for a single batch, which a broker limits by its
/// `message.max.bytes`.
const FRAME_LIMIT: usize = i32::MAX.unsigned_abs() as usize;

/// The answers of the handshake and of an authentication have a few kilobytes.
const FIRST_FRAME_LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests;

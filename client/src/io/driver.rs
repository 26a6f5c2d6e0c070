//! One task per connection: it reads, writes and keeps time, and decides nothing.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, oneshot};

use super::buffers::Buffers;
use super::connect::{BoxFuture, Connect, in_words};
use super::input::Input;
use super::sasl;
use super::stream::Stream;
use super::{finished, now, sleep_until};
use crate::config::Endpoint;
use crate::security::Login;
use crate::security::tls::{HandshakeError, refused_after_handshake};
use crate::state::authentication::WorkDone;
use crate::state::connection::{
    Answer, CloseReason, Connection, ConnectionSettings, Failure, Outgoing,
};
use crate::stats::BrokerCounts;

/// Where the answer to one request goes; nobody may be waiting any more.
pub(super) type Ticket = oneshot::Sender<Result<Answer, Failure>>;

/// A connection as both its task and its users see it.
pub(super) struct Link {
    endpoint: Endpoint,
    counts: Arc<BrokerCounts>,
    machine: Mutex<Connection<Ticket>>,
    wake: Notify,
}

/// How a link gets its socket.
pub(super) struct Dial {
    pub(super) connect: Arc<dyn Connect>,
    pub(super) buffers: Arc<Buffers>,
    pub(super) login: Option<Arc<Login>>,
    pub(super) not_before: Option<Instant>,
    pub(super) timeout: Duration,
}

impl Link {
    pub(super) fn new(
        endpoint: Endpoint,
        settings: Arc<ConnectionSettings>,
        counts: Arc<BrokerCounts>,
    ) -> Self {
        let machine = Mutex::new(Connection::new(settings, fastrand::f64(), now()));
        Self { endpoint, counts, machine, wake: Notify::new() }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Queues a request; a link that takes no more gives it back.
    pub(super) fn send(&self, request: Outgoing, ticket: Ticket) -> Result<(), (Outgoing, Ticket)> {
        self.with(|connection| connection.send(request, ticket, now()))?;
        self.counts.requests.add(1);
        self.wake.notify_one();
        Ok(())
    }

    /// Lets the present requests finish and closes then.
    pub(super) fn drain(&self) {
        self.with(|connection| connection.drain(now()));
        self.wake.notify_one();
    }

    /// The broker wants to be left alone for so long.
    pub(super) fn throttle(&self, throttle: Duration) {
        self.with(|connection| connection.handle_throttle(throttle, now()));
        self.wake.notify_one();
    }

    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Connection<Ticket>) -> R) -> R {
        act(&mut self.machine.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lives as long as the connection; dropping it closes the socket.
    pub(super) async fn drive(self: Arc<Self>, dial: Dial) {
        let _abandoned = Abandoned(&self);
        let (input, login) = (Input::new(Arc::clone(&dial.buffers)), dial.login.clone());
        if let Some(stream) = self.dial(dial).await {
            self.with(|connection| connection.handle_connected(now()));
            let _open = Open::new(&self.counts);
            let (reader, writer) = tokio::io::split(stream);
            let (output, work) = (VecDeque::new(), None);
            Driver { link: &self, reader, writer, input, output, login, work }.run().await;
        }
        self.with(|connection| {
            if let Some((reason, _)) = connection.closed() {
                tracing::debug!("{} {reason}", self.endpoint);
            }
        });
    }

    /// Connects while watching over the time of requests that already wait.
    async fn dial(&self, dial: Dial) -> Option<Stream> {
        let mut dialling = std::pin::pin!(self.connect(dial));
        loop {
            self.settle(None);
            if self.with(|connection| connection.is_closed()) {
                return None;
            }
            tokio::select! {
                stream = &mut dialling => match stream {
                    Ok(stream) => return Some(stream),
                    Err(reason) => {
                        self.counts.connections_failed.add(1);
                        self.with(|connection| connection.close(reason, now()));
                    }
                },
                () = sleep_until(self.with(|connection| connection.poll_timeout())) => {
                    self.with(|connection| connection.handle_timeout(now()));
                }
                () = self.wake.notified() => {}
            }
        }
    }

    async fn connect(&self, dial: Dial) -> Result<Stream, CloseReason> {
        if let Some(not_before) = dial.not_before {
            tokio::time::sleep_until(not_before.into()).await;
        }
        let connecting = dial.connect.connect(&self.endpoint);
        match tokio::time::timeout(dial.timeout, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(match HandshakeError::of(&error) {
                Some(error) => CloseReason::Untrusted(error.to_string().into()),
                None => CloseReason::ConnectFailed(in_words(&error).into()),
            }),
            Err(_) => Err(CloseReason::ConnectTimedOut(dial.timeout)),
        }
    }

    /// Hands out what is done, and moves what is to be written to `output`.
    fn settle(&self, output: Option<&mut VecDeque<Bytes>>) {
        let (throttle, done) = self.with(|connection| {
            if let Some(output) = output {
                output.extend(std::iter::from_fn(|| connection.poll_transmit()));
            }
            let done: Vec<_> = std::iter::from_fn(|| connection.poll_answer()).collect();
            (connection.take_throttle_time(), done)
        });
        self.counts.throttle_time.add_millis(throttle);
        for (ticket, answer) in done {
            let ended = if answer.is_ok() { &self.counts.responses } else { &self.counts.failures };
            ended.add(1);
            // Whoever asked may have gone; the connection goes on all the same.
            let _ = ticket.send(answer);
        }
    }
}

/// Fails what is pending when a link's task ends before its connection does, for then nobody would
/// watch over its requests.
struct Abandoned<'l>(&'l Link);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.with(|connection| connection.close(CloseReason::Abandoned, now()));
        self.0.settle(None);
    }
}

/// Counts a connection as open for as long as this lives.
struct Open<'l>(&'l BrokerCounts);

impl<'l> Open<'l> {
    fn new(counts: &'l BrokerCounts) -> Self {
        counts.connections_made.add(1);
        Self(counts)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections_closed.add(1);
    }
}

/// The running half of a link.
struct Driver<'l> {
    link: &'l Link,
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    input: Input,
    output: VecDeque<Bytes>,
    login: Option<Arc<Login>>,
    /// What an authentication waits for.
    work: Option<BoxFuture<'static, WorkDone>>,
}

impl Driver<'_> {
    async fn run(mut self) {
        loop {
            self.link.settle(Some(&mut self.output));
            if self.link.with(|connection| connection.is_closed()) {
                return;
            }
            if let Some(work) = self.link.with(|connection| connection.poll_work()) {
                self.work = Some(sasl::perform(work, self.login.clone()));
            }
            tokio::select! {
                read = self.input.read(&mut self.reader) => self.handle_read(read),
                written = write(&mut self.writer, &self.output), if !self.output.is_empty() => {
                    self.handle_write(written);
                }
                () = sleep_until(self.link.with(|connection| connection.poll_timeout())) => {
                    self.link.with(|connection| connection.handle_timeout(now()));
                }
                done = finished(&mut self.work) => {
                    self.link.with(|connection| connection.handle_work(done, now()));
                }
                () = self.link.wake.notified() => {}
            }
        }
    }

    fn handle_read(&mut self, read: io::Result<usize>) {
        let input = &mut self.input;
        self.link.counts.bytes_received.add(*read.as_ref().unwrap_or(&0));
        self.link.with(|connection| match read {
            Ok(0) => connection.handle_end(now()),
            Ok(_) => connection.handle_input(input, now()),
            Err(error) => connection.close(lost(&error), now()),
        });
    }

    fn handle_write(&mut self, written: io::Result<usize>) {
        match written {
            Ok(count) => {
                self.link.counts.bytes_sent.add(count);
                advance(&mut self.output, count);
                self.link.with(|connection| connection.handle_written(count, now()));
            }
            Err(error) => {
                self.link.with(|connection| connection.close(lost(&error), now()));
            }
        }
    }
}

/// Why a connection that was there is there no longer.
fn lost(error: &io::Error) -> CloseReason {
    match refused_after_handshake(error) {
        Some(error) => CloseReason::Untrusted(error.to_string().into()),
        None => CloseReason::Io(in_words(error).into()),
    }
}

/// Writes what the socket takes at once. Dropped before it is ready, it has written nothing.
async fn write(writer: &mut WriteHalf<Stream>, output: &VecDeque<Bytes>) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let count = output.len().min(MAX_SLICES);
    for (slice, chunk) in slices.iter_mut().zip(output) {
        *slice = IoSlice::new(chunk);
    }
    let slices = slices.get(..count).unwrap_or_default();
    match writer.write_vectored(slices).await {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}

/// Forgets `count` bytes that have been written.
fn advance(output: &mut VecDeque<Bytes>, mut count: usize) {
    while let Some(chunk) = output.front_mut() {
        if count < chunk.len() {
            return chunk.advance(count);
        }
        count -= chunk.len();
        output.pop_front();
    }
}

/// Chunks given to the socket in one call; a produce request has two per partition.
const MAX_SLICES: usize = 64;

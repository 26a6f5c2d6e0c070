//! The shell: one task per node accepts, one task per connection reads a request, has the cluster
//! answer it, and writes the answer. Requests of one connection are answered one after the other.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{Buf, Bytes, BytesMut};
use kavka_protocol::{BrokerId, Frame, Limits, server::decode_request_frame, split_frame};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::Instant,
};

use crate::cluster::{Cluster, HandleError, Now, Parked, Peer, Step};

/// The cluster and the news that something in it changed.
#[derive(Debug)]
pub(crate) struct Shared {
    cluster: Mutex<Cluster>,
    changes: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster: Mutex::new(cluster), changes: watch::Sender::new(0) }
    }

    /// Runs `act` on the cluster; afterwards wakes those who wait for what it changed.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Cluster, Now) -> T) -> T {
        let mut cluster = self.lock();
        let result = act(&mut cluster, now());
        let changes = cluster.changes();
        drop(cluster);
        self.changes.send_if_modified(|seen| std::mem::replace(seen, changes) != changes);
        result
    }

    /// A handler that panicked has failed its own connection; the others go on.
    fn lock(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Now {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let timestamp = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Now { instant: Instant::now().into_std(), timestamp }
}

/// Accepts connections for `node` until the task is ended; its connections end with it.
pub(crate) async fn serve(shared: Arc<Shared>, node: BrokerId, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(converse(Arc::clone(&shared), node, stream, client));
                }
                Err(error) => {
                    tracing::warn!(%node, %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection from beginning to end.
async fn converse(shared: Arc<Shared>, node: BrokerId, stream: TcpStream, client: SocketAddr) {
    let conversation = async {
        stream.set_nodelay(true)?;
        let peer = Peer { node, host: stream.local_addr()?.ip() };
        Connection::new(shared, peer, stream).run().await
    };
    match conversation.await {
        Ok(()) => tracing::debug!(%node, %client, "connection closed"),
        Err(Ended::Io(error)) => tracing::debug!(%node, %client, %error, "connection lost"),
        Err(Ended::Request(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(%node, %client, error, "closing the connection: bad request");
        }
    }
}

/// Why a connection ended without the client's doing.
enum Ended {
    Io(io::Error),
    Request(HandleError),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<E: Into<HandleError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Request(error.into())
    }
}

struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
    stream: TcpStream,
    received: BytesMut,
    changes: watch::Receiver<u64>,
}

impl Connection {
    fn new(shared: Arc<Shared>, peer: Peer, stream: TcpStream) -> Self {
        let changes = shared.changes.subscribe();
        Self { shared, peer, stream, received: BytesMut::new(), changes }
    }

    async fn run(mut self) -> Result<(), Ended> {
        while let Some(frame) = self.read_frame().await? {
            let request = decode_request_frame(frame)?;
            // What changes from here on is news to a request that parks.
            self.changes.mark_unchanged();
            let mut step =
                self.shared.with(|cluster, now| cluster.handle(self.peer, request, now))?;
            while let Step::Park(parked) = step {
                step = self.wait(parked).await?;
            }
            match step {
                Step::Reply { frame, delay } => self.reply(frame, delay).await?,
                Step::Silent => {}
                Step::Park(_) | Step::Close => return Ok(()),
            }
        }
        Ok(())
    }

    /// The next request; `None` when the client has closed the connection.
    async fn read_frame(&mut self) -> Result<Option<Bytes>, Ended> {
        loop {
            if let Some(frame) = split_frame(&mut self.received, Limits::DEFAULT.frame_size)? {
                return Ok(Some(frame));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Waits for a change or the end of the request's patience, then has it looked at again.
    async fn wait(&mut self, parked: Box<Parked>) -> Result<Step, Ended> {
        let until = Instant::from_std(parked.until);
        tokio::select! {
            // The sender lives in `shared`, so waiting for it does not fail.
            _ = self.changes.changed() => {}
            () = tokio::time::sleep_until(until) => {}
        }
        Ok(self.shared.with(|cluster, now| cluster.resume(*parked, now))?)
    }

    async fn reply(&mut self, frame: Frame, delay: Duration) -> io::Result<()> {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut chunks = Chunks::from(frame);
        self.stream.write_all_buf(&mut chunks).await
    }
}

/// The chunks of a frame as one buffer, so that they are written together and not joined.
struct Chunks(VecDeque<Bytes>);

impl From<Frame> for Chunks {
    fn from(frame: Frame) -> Self {
        Self(frame.into_chunks().into())
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn has_remaining(&self) -> bool {
        !self.0.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |chunk| chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.0);
        filled.map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(chunk) = self.0.front_mut().filter(|_| count > 0) {
            let taken = count.min(chunk.len());
            chunk.advance(taken);
            count -= taken;
            if chunk.is_empty() {
                self.0.pop_front();
            }
        }
    }
}

/// How long to leave the listener alone after it failed, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

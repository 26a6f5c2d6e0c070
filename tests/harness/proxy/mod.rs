//! TCP proxies between a client and the brokers of a cluster, real or in-process, which do wrong what a
//! test tells them to.
//!
//! A client finds its way through them by [`Proxies::connect`]: brokers may be known under whatever address
//! they advertise, and any number of tests can each have proxies of their own before the same cluster.

mod conversation;
mod faults;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use kavka_client::{BoxFuture, Connect, Endpoint, Stream, TcpConnect};
use kavka_protocol::ApiKey;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use conversation::converse;
use faults::Script;
pub use faults::{Conditions, End, Fault};

/// A proxy before every node of a cluster.
pub struct Proxies(Vec<Proxy>);

/// A proxy before one broker. Dropping it closes its connections.
pub struct Proxy {
    broker: SocketAddr,
    address: SocketAddr,
    /// Bound and not listening: whoever connects there is refused.
    refusing: TcpSocket,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Whether a client that wants to connect gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It does.
    Open,
    /// It is refused.
    Refused,
    /// Its packets are lost: it is never told anything.
    Lost,
}

struct Shared {
    script: Mutex<Script>,
    conditions: watch::Sender<Conditions>,
    reach: watch::Sender<Reach>,
    /// How often a client has wanted to connect, how many connections there ever were, and how many
    /// faults have happened.
    attempted: watch::Sender<usize>,
    accepted: watch::Sender<usize>,
    happened: watch::Sender<usize>,
    /// How often all connections were ended, and how the last time.
    ends: watch::Sender<(usize, End)>,
}

/// Leads a client's connections through proxies.
#[derive(Clone)]
struct Detour(HashMap<SocketAddr, Way>);

#[derive(Clone)]
struct Way {
    open: SocketAddr,
    refusing: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxies {
    /// Proxies before brokers that listen on these addresses, an IP and a port each.
    pub async fn before(bootstrap_servers: &str) -> Self {
        let mut proxies = Vec::new();
        for (address, seed) in bootstrap_servers.split(',').zip(1..) {
            proxies.push(Proxy::before(address.parse().expect("an address"), seed).await);
        }
        Self(proxies)
    }

    /// What connects a client through them. Brokers without a proxy are connected to directly.
    pub fn connect(&self) -> impl Connect + use<> {
        Detour(self.0.iter().map(|proxy| (proxy.broker, proxy.way())).collect())
    }

    /// The proxy before the node at this place.
    pub fn node(&self, index: usize) -> &Proxy {
        &self.0[index]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Proxy> {
        self.0.iter()
    }

    /// The same conditions for all.
    pub fn set(&self, conditions: Conditions) {
        self.iter().for_each(|proxy| proxy.set(conditions));
    }

    /// How many faults have happened at all of them.
    pub fn happened(&self) -> usize {
        self.iter().map(Proxy::happened).sum()
    }
}

impl Proxy {
    async fn before(broker: SocketAddr, seed: u64) -> Self {
        let refusing = TcpSocket::new_v4().expect("a socket");
        refusing.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(Script::new(seed)),
            conditions: watch::Sender::new(Conditions::default()),
            reach: watch::Sender::new(Reach::Open),
            attempted: watch::Sender::new(0),
            accepted: watch::Sender::new(0),
            happened: watch::Sender::new(0),
            ends: watch::Sender::new((0, End::Close)),
        });
        let task = tokio::spawn(serve(Arc::clone(&shared), listener, broker));
        Self { broker, address, refusing, shared, task }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What holds from now on, for present connections as for new ones.
    pub fn set(&self, conditions: Conditions) {
        self.shared.conditions.send_replace(conditions);
    }

    /// Whether new connections come about.
    pub fn reach(&self, reach: Reach) {
        self.shared.reach.send_replace(reach);
    }

    /// `fault` happens to the next request of `api`, or to its answer; several happen in this order.
    pub fn once(&self, api: ApiKey, fault: Fault) {
        self.shared.with(|script| script.add(api, fault));
    }

    /// Ends every present connection.
    pub fn end_all(&self, end: End) {
        self.shared.ends.send_modify(|ends| *ends = (ends.0 + 1, end));
    }

    /// How many faults have happened.
    pub fn happened(&self) -> usize {
        *self.shared.happened.borrow()
    }

    /// How many connections were ever made.
    pub fn accepted(&self) -> usize {
        *self.shared.accepted.borrow()
    }

    /// Waits until so many more faults have happened than when this is called, not when it is first polled.
    pub fn more_happened(&self, count: usize) -> impl Future<Output = ()> {
        more(&self.shared.happened, count)
    }

    /// Waits until so many more connections were made than now.
    pub async fn more_accepted(&self, count: usize) {
        more(&self.shared.accepted, count).await;
    }

    /// Waits until a client has wanted to connect so many more times than now.
    pub async fn more_attempted(&self, count: usize) {
        more(&self.shared.attempted, count).await;
    }

    fn way(&self) -> Way {
        let refusing = self.refusing.local_addr().expect("an address");
        Way { open: self.address, refusing, shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        let mut script = self.script.lock().expect("nobody panics with it");
        let result = act(&mut script);
        let happened = script.happened;
        self.happened.send_if_modified(|seen| std::mem::replace(seen, happened) != happened);
        result
    }

    async fn end_of_silence(&self) {
        let mut conditions = self.conditions.subscribe();
        // The sender is this one.
        let _ = conditions.wait_for(|conditions| !conditions.is_silent).await;
    }
}

impl Connect for Detour {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            let address: Option<SocketAddr> = format!("{}:{}", to.host, to.port).parse().ok();
            let Some(way) = address.and_then(|address| self.0.get(&address)) else {
                return TcpConnect::default().connect(to).await;
            };
            way.shared.attempted.send_modify(|attempted| *attempted += 1);
            let mut reach = way.shared.reach.subscribe();
            let reach = reach.wait_for(|reach| *reach != Reach::Lost).await;
            let is_open = reach.is_ok_and(|reach| *reach == Reach::Open);
            let address = if is_open { way.open } else { way.refusing };
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::from(stream))
        })
    }
}

fn more(counter: &watch::Sender<usize>, count: usize) -> impl Future<Output = ()> + use<> {
    let mut counter = counter.subscribe();
    let due = *counter.borrow_and_update() + count;
    async move {
        counter.wait_for(|reached| *reached >= due).await.expect("the proxy is there");
    }
}

/// Accepts until it is ended; its connections end with it.
async fn serve(shared: Arc<Shared>, listener: TcpListener, broker: SocketAddr) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                shared.accepted.send_modify(|accepted| *accepted += 1);
                conversations.spawn(lead(Arc::clone(&shared), client, broker));
            }
            Some(_) = conversations.join_next() => {}
        }
    }
}

async fn lead(shared: Arc<Shared>, client: TcpStream, broker: SocketAddr) {
    // Where the broker is not there, its client sees the connection end.
    let Ok(broker) = TcpStream::connect(broker).await else { return };
    let unbuffered = client.set_nodelay(true).and(broker.set_nodelay(true));
    if unbuffered.is_ok() {
        converse(&shared, client, broker).await;
    }
}

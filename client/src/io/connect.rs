//! Making connections: the [`Connect`] trait, and [`TcpConnect`], which races a host's addresses.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::race::race;
use super::stream::Stream;
use crate::config::Endpoint;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes the connections of a client; the place to put a tunnel, a proxy or a pipe in tests.
pub trait Connect: Send + Sync {
    /// Connects to a broker. The caller limits the time by dropping the future.
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>>;
}

/// Connects over TCP.
///
/// Every address of the host is tried: the next one when the one before has failed or has been
/// silent for a quarter of a second, and the first to accept is taken. A host's addresses are looked
/// up anew for every connection, so that one which moves is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnect {
    /// Size of the socket's receive buffer, if not the operating system's choice.
    pub receive_buffer: Option<u32>,
    /// Size of the socket's send buffer, if not the operating system's choice.
    pub send_buffer: Option<u32>,
}

impl Connect for TcpConnect {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            let addresses = resolve(to).await?;
            self.race(addresses).await.map(Stream::from)
        })
    }
}

impl TcpConnect {
    async fn race(self, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
        let attempts = addresses.into_iter().map(|address| -> BoxFuture<'_, _> {
            Box::pin(async move { self.open(address).await.map_err(|error| (address, error)) })
        });
        race(attempts, HEAD_START).await.map_err(|failures| combined(&failures))
    }

    async fn open(self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A peer that vanished is noticed even while nothing is asked of it, as in Java.
        socket.set_keepalive(true)?;
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn resolve(to: &Endpoint) -> io::Result<Vec<SocketAddr>> {
    let found = lookup_host((&*to.host, to.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| unresolved(to, &error))?.collect();
    match addresses.is_empty() {
        true => Err(unresolved(to, &"no address")),
        false => Ok(addresses),
    }
}

fn unresolved(to: &Endpoint, why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("host {} cannot be resolved: {why}", to.host))
}

/// One error that says what every address answered.
fn combined(failures: &[(SocketAddr, io::Error)]) -> io::Error {
    let kind = failures.first().map_or(io::ErrorKind::NotFound, |(_, error)| error.kind());
    let tried: Vec<String> = failures
        .iter()
        .map(|(address, error)| format!("{} ({address})", in_words(error)))
        .collect();
    io::Error::new(kind, tried.join(", "))
}

/// What went wrong, without the number the operating system has for it.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) if error.kind().to_string() != "uncategorized error" => error.kind().to_string(),
        _ => error.to_string(),
    }
}

/// How long an address may be silent before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_one_that_accepts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let bad = free_address().await;
        let stream = TcpConnect::default().race(vec![bad, good]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    #[tokio::test]
    async fn the_error_names_every_address_tried() {
        let (first, second) = (free_address().await, free_address().await);
        let error = TcpConnect::default().race(vec![first, second]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let text = error.to_string();
        for address in [first, second] {
            assert!(text.contains(&format!("connection refused ({address})")), "{text}");
        }
    }

    #[tokio::test]
    async fn a_host_without_address_is_named() {
        let endpoint = Endpoint::new("no-such-host.invalid", 9092);
        let error = TcpConnect::default().connect(&endpoint).await.unwrap_err();
        assert!(error.to_string().starts_with("host no-such-host.invalid cannot be resolved"));
    }

    /// An address nobody listens on.
    async fn free_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }
}

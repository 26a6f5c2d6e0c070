//! Peers that are no Kafka broker, or a hostile one.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use kavka_protocol::server::{RequestFrame, decode_request_frame};
use kavka_protocol::split_frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on a free port that answers as it was told; it ends when dropped.
pub struct Peer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Peer {
    /// Answers whatever comes first with `answer` and closes.
    pub async fn saying(answer: &'static [u8]) -> Self {
        Self::serve(move |mut stream| async move {
            let mut first = [0; 1024];
            if stream.read(&mut first).await.is_ok() {
                let _ = stream.write_all(answer).await;
            }
        })
        .await
    }

    /// Accepts connections and never says anything.
    pub async fn silent() -> Self {
        Self::serve(|mut stream| async move {
            let mut ignored = Vec::new();
            let _ = stream.read_to_end(&mut ignored).await;
        })
        .await
    }

    /// Answers every request with the frame (without its length) that `answer` makes of it.
    pub async fn answering(answer: fn(&RequestFrame) -> Vec<u8>) -> Self {
        Self::serve(move |stream| converse(stream, answer)).await
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    async fn serve<F>(mut each: impl FnMut(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(each(stream));
            }
        });
        Self { address, task }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address where nobody listens.
pub async fn refused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn converse(mut stream: TcpStream, answer: fn(&RequestFrame) -> Vec<u8>) {
    let mut received = BytesMut::new();
    while stream.read_buf(&mut received).await.is_ok_and(|count| count > 0) {
        while let Ok(Some(frame)) = split_frame(&mut received, 1 << 20) {
            if send(&mut stream, frame, answer).await.is_none() {
                return;
            }
        }
    }
}

async fn send(
    stream: &mut TcpStream,
    frame: Bytes,
    answer: fn(&RequestFrame) -> Vec<u8>,
) -> Option<()> {
    let body = answer(&decode_request_frame(frame).ok()?);
    stream.write_all(&u32::try_from(body.len()).ok()?.to_be_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()
}

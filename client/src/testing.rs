//! What tests of this crate share: the other end of a connection, spoken by hand.

mod said;
mod told;

use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use kavka_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
use kavka_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kavka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use kavka_protocol::server::{
    RequestFrame, decode_request_body, decode_request_frame, encode_response,
};
use kavka_protocol::{ApiKey, CorrelationId, Request, SPOKEN, StrBytes, VersionRange, split_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::config::Endpoint;
use crate::io::{BoxFuture, Connect, Stream};
use crate::network::topic_name;
pub(crate) use said::Said;
pub(crate) use told::Told;

/// Connects to whoever accepts at the [`Listener`].
pub(crate) struct Pipes {
    accept: mpsc::UnboundedSender<(Endpoint, Peer)>,
    refused: Vec<&'static str>,
    silent: Vec<&'static str>,
}

/// Where connections made through [`Pipes`] arrive.
pub(crate) struct Listener(mpsc::UnboundedReceiver<(Endpoint, Peer)>);

/// A broker's end of one connection.
pub(crate) struct Peer {
    stream: DuplexStream,
    input: BytesMut,
}

/// Both ends of a network without sockets.
pub(crate) fn network() -> (Pipes, Listener) {
    let (accept, accepted) = mpsc::unbounded_channel();
    (Pipes { accept, refused: Vec::new(), silent: Vec::new() }, Listener(accepted))
}

impl Pipes {
    /// Nobody listens on `host`.
    pub(crate) fn refusing(mut self, host: &'static str) -> Self {
        self.refused.push(host);
        self
    }

    /// Packets to `host` are lost.
    pub(crate) fn losing(mut self, host: &'static str) -> Self {
        self.silent.push(host);
        self
    }
}

impl Connect for Pipes {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            if self.silent.contains(&&*to.host) {
                std::future::pending::<()>().await;
            }
            if self.refused.contains(&&*to.host) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = duplex(1 << 16);
            let peer = Peer { stream: theirs, input: BytesMut::new() };
            let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            self.accept.send((to.clone(), peer)).map_err(refused)?;
            Ok(Stream::new(ours))
        })
    }
}

impl Listener {
    pub(crate) async fn accept(&mut self) -> (Endpoint, Peer) {
        self.0.recv().await.expect("the client is still there")
    }

    /// Accepts and answers the handshake.
    pub(crate) async fn accept_ready(&mut self) -> (Endpoint, Peer) {
        let (endpoint, mut peer) = self.accept().await;
        peer.handshake().await;
        (endpoint, peer)
    }
}

impl Peer {
    /// The next request; `None` when the client closed.
    pub(crate) async fn next_request(&mut self) -> Option<RequestFrame> {
        loop {
            if let Some(frame) = split_frame(&mut self.input, 1 << 24).unwrap() {
                return Some(decode_request_frame(frame).unwrap());
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next request, which must be of `api`.
    pub(crate) async fn expect(&mut self, api: ApiKey) -> RequestFrame {
        let request = self.next_request().await.expect("the client is still connected");
        assert_eq!(request.api_key, api);
        request
    }

    pub(crate) async fn handshake(&mut self) {
        let request = self.expect(ApiKey::ApiVersions).await;
        self.answer::<ApiVersionsRequest>(&request, &api_versions()).await;
    }

    /// Answers the next request, which must be for metadata, and returns it.
    pub(crate) async fn answer_metadata(&mut self, response: &MetadataResponse) -> MetadataRequest {
        let request = self.expect(ApiKey::Metadata).await;
        self.answer::<MetadataRequest>(&request, response).await;
        decode_request_body(&request).unwrap()
    }

    pub(crate) async fn answer<R: Request>(&mut self, to: &RequestFrame, response: &R::Response) {
        self.send(&answer_bytes::<R>(response, to.version, to.correlation_id)).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}

/// An answer as it goes over the wire.
pub(crate) fn answer_bytes<R: Request>(
    response: &R::Response,
    version: i16,
    correlation: CorrelationId,
) -> Bytes {
    let frame = encode_response::<R>(response, version, correlation).unwrap();
    frame.chunks().concat().into()
}

/// A broker that speaks whatever is spoken here.
pub(crate) fn api_versions() -> ApiVersionsResponse {
    api_versions_with(SPOKEN)
}

pub(crate) fn api_versions_with(spoken: &[(ApiKey, VersionRange)]) -> ApiVersionsResponse {
    let keys = spoken.iter().map(|(api, versions)| {
        ApiVersion::default()
            .with_api_key(*api as i16)
            .with_min_version(versions.min)
            .with_max_version(versions.max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

/// A cluster of brokers at `host:port`, the first being the controller.
pub(crate) fn metadata(brokers: &[(i32, &str, u16)]) -> MetadataResponse {
    let nodes = brokers.iter().map(|(id, host, port)| {
        MetadataResponseBroker::default()
            .with_node_id((*id).into())
            .with_host(StrBytes::from_string((*host).to_owned()))
            .with_port(i32::from(*port))
    });
    let controller = brokers.first().map_or(-1, |(id, ..)| *id);
    MetadataResponse::default()
        .with_brokers(nodes.collect())
        .with_controller_id(controller.into())
        .with_cluster_id(Some(StrBytes::from_static_str("cluster")))
}

/// A topic whose partitions, from 0, have these leaders and epochs.
pub(crate) fn topic(name: &str, leaders: &[(i32, i32)]) -> MetadataResponseTopic {
    let partitions = leaders.iter().zip(0..).map(|((leader, epoch), index)| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id((*leader).into())
            .with_leader_epoch(*epoch)
    });
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(name)))
        .with_partitions(partitions.collect())
}

/// Answers requests on every connection as `respond` says; `None` leaves one unanswered. Handshakes
/// are answered without asking.
pub(crate) fn serve(
    mut listener: Listener,
    respond: impl FnMut(&Endpoint, &RequestFrame) -> Option<Bytes> + Send + 'static,
) {
    let respond = Arc::new(Mutex::new(respond));
    tokio::spawn(async move {
        while let Some((endpoint, mut peer)) = listener.0.recv().await {
            let respond = Arc::clone(&respond);
            tokio::spawn(async move {
                while let Some(request) = peer.next_request().await {
                    let answer = match request.api_key {
                        ApiKey::ApiVersions => {
                            Some(reply::<ApiVersionsRequest>(&request, &api_versions()))
                        }
                        _ => respond.lock().unwrap()(&endpoint, &request),
                    };
                    if let Some(answer) = answer {
                        peer.send(&answer).await;
                    }
                }
            });
        }
    });
}

/// The bytes of an answer to `request`.
pub(crate) fn reply<R: Request>(request: &RequestFrame, response: &R::Response) -> Bytes {
    answer_bytes::<R>(response, request.version, request.correlation_id)
}

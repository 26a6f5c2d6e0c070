//! [`TlsConnect`]: connections with TLS over connections of any kind.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::explain::{self, HandshakeError};
use super::stream::TlsStream;
use crate::config::Endpoint;
use crate::io::{BoxFuture, Connect, Stream};

/// Adds TLS to what another [`Connect`] makes. The handshake is part of connecting.
pub(crate) struct TlsConnect {
    connect: Arc<dyn Connect>,
    connector: TlsConnector,
    /// The trust store in words.
    store: Arc<str>,
}

impl TlsConnect {
    pub(crate) fn new(
        connect: Arc<dyn Connect>,
        config: Arc<ClientConfig>,
        store: impl Into<Arc<str>>,
    ) -> Self {
        Self { connect, connector: TlsConnector::from(config), store: store.into() }
    }

    async fn shake_hands(&self, stream: Stream, with: &Endpoint) -> io::Result<Stream> {
        let host = with.host.to_string();
        let name = ServerName::try_from(host).map_err(|_| {
            HandshakeError::new("its name cannot stand in a certificate; check bootstrap.servers")
        })?;
        match self.connector.connect(name, stream).await {
            Ok(stream) => Ok(Stream::new(TlsStream::new(stream))),
            Err(error) => Err(explain::handshake(error, &with.host, &self.store)),
        }
    }
}

impl Connect for TlsConnect {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            let stream = self.connect.connect(to).await?;
            self.shake_hands(stream, to).await
        })
    }
}

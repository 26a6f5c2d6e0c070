//! TLS as the application has configured it, with a broker behind a rustls server in memory.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{copy_bidirectional, duplex};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::Endpoint;
use crate::io::{BoxFuture, Stream};
use crate::security::tls::provider;
use crate::testing::{Pipes, metadata, network, reply, serve};

/// Takes TLS off before the pipes.
struct TlsBrokers {
    brokers: Pipes,
    acceptor: TlsAcceptor,
}

impl Connect for TlsBrokers {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, std::io::Result<Stream>> {
        Box::pin(async move {
            let mut broker = self.brokers.connect(to).await?;
            let (ours, theirs) = duplex(1 << 14);
            let accepting = self.acceptor.accept(theirs);
            tokio::spawn(async move {
                let mut client = accepting.await?;
                copy_bidirectional(&mut client, &mut broker).await
            });
            Ok(Stream::new(ours))
        })
    }
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(&pem(name)).map(Result::unwrap).collect()
}

/// Trusts only who has signed `names`.
fn trusting(names: &[&str]) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in names.iter().flat_map(|name| certificates(name)) {
        roots.add(certificate).unwrap();
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider().unwrap()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}

/// A cluster of one broker that speaks only TLS, and `properties` that lead to it.
fn builder(properties: &[(&str, &str)]) -> ClientBuilder {
    let (brokers, listener) = network();
    serve(listener, |_, request| {
        let cluster = metadata(&[(1, "localhost", 9093)]);
        Some(reply::<kavka_protocol::messages::MetadataRequest>(request, &cluster))
    });
    let server = ServerConfig::builder_with_provider(Arc::new(provider().unwrap()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let key = PrivateKeyDer::from_pem_slice(&pem("server-key.pem")).unwrap();
    let server = server.with_single_cert(certificates("server.pem"), key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let properties = [&[("bootstrap.servers", "localhost:9093")], properties].concat();
    ClientBuilder::new(Properties::from_iter(properties))
        .with_connect(TlsBrokers { brokers, acceptor })
}

#[tokio::test]
async fn the_applications_own_tls_is_spoken_whatever_the_properties_say() {
    let properties =
        [("security.protocol", "SSL"), ("ssl.truststore.location", "/no/such/store.jks")];
    let client = builder(&properties).with_tls(trusting(&["ca.pem"])).connect().await.unwrap();
    assert_eq!(client.network().metadata.cluster().brokers.len(), 1);

    let ca = String::from_utf8(pem("ca.pem")).unwrap();
    let properties = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", &ca),
    ];
    builder(&properties).connect().await.unwrap();
    let refused = builder(&properties).with_tls(trusting(&[])).connect().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Authentication);
    let text = refused.to_string();
    assert!(text.contains("is signed by nobody in the application's TLS configuration"), "{text}");
}

#[tokio::test]
async fn the_applications_own_tls_is_not_spoken_where_none_is_asked_for() {
    let (pipes, listener) = network();
    serve(listener, |_, request| {
        let cluster = metadata(&[(1, "localhost", 9092)]);
        Some(reply::<kavka_protocol::messages::MetadataRequest>(request, &cluster))
    });
    let builder = ClientBuilder::new([("bootstrap.servers", "localhost:9092")]);
    builder.with_connect(pipes).with_tls(trusting(&[])).connect().await.unwrap();
}

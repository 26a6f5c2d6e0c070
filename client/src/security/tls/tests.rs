//! Handshakes with a rustls server in memory.

use std::path::Path;

use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::Endpoint;
use crate::io::{BoxFuture, Connect, Stream};
use crate::security::store::{Role, StoreType};

/// Hands out one end of a pipe.
struct Pipe(Mutex<Option<DuplexStream>>);

impl Connect for Pipe {
    fn connect<'a>(&'a self, _to: &'a Endpoint) -> BoxFuture<'a, std::io::Result<Stream>> {
        Box::pin(async { Ok(Stream::new(self.0.lock().await.take().unwrap())) })
    }
}

fn path(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).display().to_string()
}

fn text(name: &str) -> Secret {
    Secret::new(std::fs::read_to_string(path(name)).unwrap())
}

fn file(role: Role, name: &str, declared: StoreType, password: Option<&str>) -> StoreSettings {
    let (location, password) = (path(name), password.map(Secret::new));
    StoreSettings { role, location, declared, password, key_password: None }
}

fn settings(trusted: &str) -> TlsSettings {
    TlsSettings {
        trust: Trust::File(file(Role::Trust, trusted, StoreType::Pem, None)),
        key: None,
        checks_host_name: true,
        versions: vec![TlsVersion::V1_2, TlsVersion::V1_3],
        cipher_suites: Vec::new(),
    }
}

/// What a broker with `certificate` shows and asks for.
fn server(certificate: &str, wants_certificate: bool, versions: &[TlsVersion]) -> TlsAcceptor {
    let provider = Arc::new(provider::provider().unwrap());
    let versions: Vec<_> = versions.iter().map(|version| version.supported()).collect();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .unwrap();
    let builder = if wants_certificate {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(store::trusted_in_text(&text("ca.pem")).unwrap().remove(0)).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let KeyMaterial { chain, key } =
        store::key_in_text(&text(certificate), &text("server-key.pem"), None).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

/// Connects to `host` and exchanges a word; the error as a connection would report it.
async fn talk(settings: &TlsSettings, server: TlsAcceptor, host: &str) -> Result<(), String> {
    let (ours, theirs) = duplex(1 << 14);
    let serving = tokio::spawn(async move {
        let mut stream = server.accept(theirs).await?;
        let mut word = [0; 4];
        stream.read_exact(&mut word).await?;
        stream.write_all(&word).await?;
        stream.flush().await?;
        // Stays until the client has gone.
        let _ = stream.read(&mut word).await;
        std::io::Result::Ok(())
    });
    let outcome = exchange(settings, ours, host).await;
    let _ = serving.await.unwrap();
    outcome
}

async fn exchange(settings: &TlsSettings, ours: DuplexStream, host: &str) -> Result<(), String> {
    let config = settings.load().map_err(|error| error.to_string())?;
    let pipe = Arc::new(Pipe(Mutex::new(Some(ours))));
    let connect = TlsConnect::new(pipe, config, settings.trust.to_string());
    let words = |error: std::io::Error| match refused_after_handshake(&error) {
        Some(refused) => refused.to_string(),
        None => error.to_string(),
    };
    let mut stream = connect.connect(&Endpoint::new(host, 9093)).await.map_err(words)?;
    stream.write_all(b"ping").await.map_err(words)?;
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.map_err(words)?;
    Ok(())
}

const BOTH: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

#[tokio::test]
async fn certificates_are_believed_or_refused_by_javas_rules_and_the_reason_is_said() {
    for (certificate, trusted, host, expected) in [
        ("server.pem", "ca.pem", "localhost", None),
        ("server.pem", "ca.pem", "127.0.0.1", None),
        ("server-without-san.pem", "ca.pem", "localhost", None),
        ("server-self-signed.pem", "server-self-signed.pem", "localhost", None),
        ("server-self-signed-ca.pem", "server-self-signed-ca.pem", "localhost", None),
        // In the trust store itself, and no authority for others.
        ("server.pem", "server.pem", "localhost", None),
        (
            "server-self-signed.pem",
            "server-self-signed.pem",
            "elsewhere",
            Some("not for elsewhere; connect by"),
        ),
        (
            "server.pem",
            "server-self-signed.pem",
            "localhost",
            Some("is signed by nobody in ssl.truststore.location="),
        ),
        (
            "server-self-signed.pem",
            "ca.pem",
            "localhost",
            Some("is signed by nobody in ssl.truststore.location="),
        ),
        (
            "server-elsewhere.pem",
            "ca.pem",
            "localhost",
            Some("its certificate is for elsewhere.example, not for localhost"),
        ),
        ("server-without-san.pem", "ca.pem", "127.0.0.1", Some("not for 127.0.0.1")),
        (
            "server-expired.pem",
            "ca.pem",
            "localhost",
            Some("its certificate expired on Jan  2 00:00:00 2020"),
        ),
        (
            "server-expired.pem",
            "server-expired.pem",
            "localhost",
            Some("its certificate expired on Jan  2 00:00:00 2020"),
        ),
    ] {
        let outcome = talk(&settings(trusted), server(certificate, false, &BOTH), host).await;
        match (outcome, expected) {
            (Ok(()), None) => {}
            (Err(text), Some(expected)) => {
                assert!(text.contains(expected), "{certificate}: {text}")
            }
            (outcome, _) => panic!("{certificate} trusting {trusted} for {host}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn the_host_name_check_alone_can_be_left_out() {
    let mut settings = settings("ca.pem");
    settings.checks_host_name = false;
    talk(&settings, server("server-elsewhere.pem", false, &BOTH), "localhost").await.unwrap();
    let refused =
        talk(&settings, server("server-self-signed.pem", false, &BOTH), "localhost").await;
    assert!(refused.unwrap_err().contains("is signed by nobody"));
}

#[tokio::test]
async fn a_client_certificate_from_any_store_is_accepted_in_both_versions() {
    let stores = [
        file(Role::Key, "client.p12", StoreType::Pkcs12, Some("store-secret")),
        file(Role::Key, "client-one-password.jks", StoreType::Jks, Some("store-secret")),
    ];
    let inline = KeySource::Text {
        chain: text("client.pem"),
        key: text("client-key-encrypted.pem"),
        password: Some(Secret::new("key-secret")),
    };
    for version in BOTH {
        for key in stores.iter().cloned().map(KeySource::File).chain([inline.clone()]) {
            let mut settings = settings("ca.pem");
            settings.key = Some(key);
            talk(&settings, server("server.pem", true, &[version]), "localhost").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_broker_that_wants_a_certificate_says_so() {
    let refused = talk(&settings("ca.pem"), server("server.pem", true, &BOTH), "localhost").await;
    let expected = "it wants a certificate from this client; set ssl.keystore.location";
    assert_eq!(refused.unwrap_err(), expected);
}

#[tokio::test]
async fn a_key_that_does_not_belong_to_its_certificate_is_found_before_connecting() {
    let mut settings = settings("ca.pem");
    let (chain, key) = (text("client.pem"), text("server-key.pem"));
    settings.key = Some(KeySource::Text { chain, key, password: None });
    let text = settings.load().unwrap_err().to_string();
    assert!(text.contains("the private key does not belong to the first certificate"), "{text}");
}

#[tokio::test]
async fn versions_that_are_not_enabled_are_not_spoken() {
    let mut settings = settings("ca.pem");
    settings.versions = vec![TlsVersion::V1_3];
    let old = server("server.pem", false, &[TlsVersion::V1_2]);
    let text = talk(&settings, old, "localhost").await.unwrap_err();
    assert!(text.contains("no TLS version or cipher suite in common"), "{text}");
}

#[tokio::test]
async fn peers_without_tls_are_recognised() {
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "it does not speak TLS there"),
        (b"", "it closed the connection during the TLS handshake"),
    ] {
        let (ours, mut theirs) = duplex(1 << 14);
        let serving = tokio::spawn(async move {
            let _ = theirs.read(&mut [0; 1 << 14]).await;
            theirs.write_all(answer).await
        });
        let text = exchange(&settings("ca.pem"), ours, "localhost").await.unwrap_err();
        assert!(text.contains(expected), "{text}");
        serving.await.unwrap().unwrap();
    }
}

/// A broker whose certificate was replaced, or that was restarted and knows nothing of earlier sessions, is
/// greeted as if for the first time; one that remembers is greeted shortly.
#[tokio::test]
async fn sessions_are_resumed_with_those_who_remember_and_begun_anew_with_others() {
    for version in BOTH {
        let pipe = Arc::new(Pipe(Mutex::new(None)));
        let connect = TlsConnect::new(pipe.clone(), settings("ca.pem").load().unwrap(), "");
        let [first, restarted] = [(); 2].map(|()| server("server.pem", false, &[version]));
        let replaced = server("server-without-san.pem", false, &[version]);
        for (server, expected) in [
            (&first, HandshakeKind::Full),
            (&first, HandshakeKind::Resumed),
            (&restarted, HandshakeKind::Full),
            (&restarted, HandshakeKind::Resumed),
            (&replaced, HandshakeKind::Full),
            (&first, HandshakeKind::Full),
        ] {
            let (ours, theirs) = duplex(1 << 14);
            pipe.0.lock().await.replace(ours);
            let server = server.clone();
            let serving = tokio::spawn(async move {
                let mut stream = server.accept(theirs).await.unwrap();
                let mut word = [0; 4];
                stream.read_exact(&mut word).await.unwrap();
                stream.write_all(&word).await.unwrap();
                stream.flush().await.unwrap();
                stream.get_ref().1.handshake_kind()
            });
            let mut stream = connect.connect(&Endpoint::new("localhost", 9093)).await.unwrap();
            stream.write_all(b"ping").await.unwrap();
            stream.read_exact(&mut [0; 4]).await.unwrap();
            assert_eq!(serving.await.unwrap(), Some(expected), "{version:?}");
        }
    }
}

/// The pipe takes little at once, and nobody flushes.
#[tokio::test]
async fn everything_written_arrives_without_a_flush_while_the_owner_reads() {
    const LENGTH: usize = 300_000;
    let (ours, theirs) = duplex(1000);
    let acceptor = server("server.pem", false, &BOTH);
    let serving = tokio::spawn(async move {
        let mut stream = acceptor.accept(theirs).await.unwrap();
        let mut received = vec![0; LENGTH];
        stream.read_exact(&mut received).await.unwrap();
        stream.write_all(b"done").await.unwrap();
        stream.flush().await.unwrap();
        let _ = stream.read(&mut [0]).await;
        received
    });
    let pipe = Arc::new(Pipe(Mutex::new(Some(ours))));
    let connect = TlsConnect::new(pipe, settings("ca.pem").load().unwrap(), "");
    let mut stream = connect.connect(&Endpoint::new("localhost", 9093)).await.unwrap();
    let sent: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
    stream.write_all(&sent).await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    drop(stream);
    assert!(serving.await.unwrap() == sent);
}

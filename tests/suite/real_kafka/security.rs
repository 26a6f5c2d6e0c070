//! Every way to talk to brokers that ask who one is: written and read back on three nodes of real Kafka.

mod delegation;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kavka_client::protocol::{Decompressor, ErrorCode};
use kavka_client::{
    BoxFuture, Client, ClientBuilder, Connect, Endpoint, Error, ErrorKind, OutgoingRecord,
    Properties, StartOffset, StaticToken, Stream, TcpConnect, Token,
};
use kavka_tests::secured_kafka::{SecuredKafka, fixture};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::create_topic;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::secured("records_go_both_ways_over_tls_with_every_kind_of_store", tls),
        trial::secured("a_client_certificate_is_shown_from_every_kind_of_store", mutual_tls),
        trial::secured("every_mechanism_is_spoken_in_the_clear", sasl_plaintext),
        trial::secured("every_mechanism_is_spoken_over_tls", sasl_ssl),
        trial::secured("a_delegation_token_is_shown_with_scram", delegation::token),
        trial::secured("sessions_are_renewed_on_the_same_connections", renewal),
        trial::secured("what_the_broker_does_not_accept_is_said", refusals),
    ]
}

type Set = Vec<(&'static str, String)>;

fn trust() -> Set {
    vec![("ssl.truststore.location", fixture("ca.pem")), ("ssl.truststore.type", "PEM".to_owned())]
}

fn store(prefix: &'static str, name: &str, kind: &str, password: &str) -> Set {
    let names = match prefix {
        "key" => ["ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.password"],
        _ => ["ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.password"],
    };
    names.into_iter().zip([fixture(name), kind.to_owned(), password.to_owned()]).collect()
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).expect("a fixture")
}

fn sasl(mechanism: &str, jaas: &str) -> Set {
    vec![("sasl.mechanism", mechanism.to_owned()), ("sasl.jaas.config", jaas.to_owned())]
}

/// Every mechanism with what lets alice in.
fn logins() -> Vec<Set> {
    let package = "org.apache.kafka.common.security";
    let user = r#"required username="alice" password="alice-secret";"#;
    vec![
        sasl("PLAIN", &format!("{package}.plain.PlainLoginModule {user}")),
        // As it is written in a statement of Flink SQL.
        sasl("PLAIN", r#"PlainLoginModule required username=\"alice\" password=\"alice-secret\";"#),
        sasl("SCRAM-SHA-256", &format!("{package}.scram.ScramLoginModule {user}")),
        sasl(
            "SCRAM-SHA-512",
            &format!("org.example.shaded.{package}.scram.ScramLoginModule {user}"),
        ),
        sasl(
            "OAUTHBEARER",
            r#"OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";"#,
        ),
    ]
}

fn builder(kafka: &SecuredKafka, listener: &str, properties: &[(&str, String)]) -> ClientBuilder {
    let (address, protocol) = kafka.listener(listener);
    let mut set = Properties::from([
        ("bootstrap.servers", address),
        ("security.protocol", protocol),
        ("default.api.timeout.ms", "30000"),
    ]);
    for (name, value) in properties {
        set.set(*name, value.as_str());
    }
    ClientBuilder::new(set)
}

async fn works(kafka: &SecuredKafka, listener: &str, properties: &[(&str, String)]) {
    let client = builder(kafka, listener, properties).connect().await;
    let client = client.unwrap_or_else(|error| panic!("{listener} {properties:?}: {error}"));
    write_and_read(&client, TOPIC).await;
}

async fn refused(kafka: &SecuredKafka, listener: &str, properties: &[(&str, String)]) -> Error {
    match builder(kafka, listener, properties).connect().await {
        Ok(_) => panic!("{listener} lets everybody in with {properties:?}"),
        Err(error) => error,
    }
}

/// Writes to every node, each of which leads a partition, and reads it back from there.
async fn write_and_read(client: &Client, topic: &str) {
    let known = client.topic(topic).await.expect("the topic");
    let leaders: BTreeSet<_> = known.partitions.iter().filter_map(|known| known.leader).collect();
    assert_eq!(leaders.len(), 3, "one for every node");
    for known in &known.partitions {
        write_and_read_one(client, topic, known.partition).await;
    }
}

/// Writes a record that is its own, and reads until it comes.
async fn write_and_read_one(client: &Client, topic: &str, partition: i32) {
    let value = format!("{:?}", Instant::now());
    let producer = client.producer([("linger.ms", "0")]).expect("a producer");
    let record = OutgoingRecord::to(topic).partition(partition).value(value.as_bytes());
    let delivery = producer.send(record).await.expect("accepted");
    let written = delivery.await.expect("acknowledged");
    let mut consumer = client.consumer([("fetch.max.wait.ms", "100")]).expect("a consumer");
    let offset = written.offset.expect("the broker says where it is");
    consumer.assign([(written.topic_partition, StartOffset::At(offset))]);
    let mut decompressor = Decompressor::default();
    loop {
        let fetch = consumer.poll().await.expect("fetched");
        for batch in fetch.partitions().flat_map(|fetched| fetched.batches()) {
            let body = batch.expect("whole").body(&mut decompressor).expect("intact");
            for record in body.records() {
                if record.expect("a record").value() == Some(value.as_bytes()) {
                    return;
                }
            }
        }
    }
}

async fn tls(kafka: SecuredKafka) {
    prepare(&kafka);
    let pem = vec![
        ("ssl.truststore.certificates", text("ca.pem")),
        ("ssl.truststore.type", "PEM".to_owned()),
    ];
    let itself = vec![("ssl.truststore.certificates", text("server.pem"))];
    for trusted in [
        trust(),
        pem,
        itself,
        store("trust", "trust.p12", "PKCS12", "trust-secret"),
        store("trust", "trust.jks", "JKS", "trust-secret"),
        store("trust", "trust.p12", "JKS", "trust-secret"),
    ] {
        works(&kafka, "SSL", &trusted).await;
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        let version = [("ssl.enabled.protocols", version.to_owned())];
        works(&kafka, "SSL", &[&trust()[..], &version].concat()).await;
    }
}

async fn mutual_tls(kafka: SecuredKafka) {
    prepare(&kafka);
    let own_password = vec![("ssl.key.password", "key-secret".to_owned())];
    let inline = vec![
        ("ssl.keystore.certificate.chain", text("client.pem")),
        ("ssl.keystore.key", text("client-key-encrypted.pem")),
        ("ssl.key.password", "key-secret".to_owned()),
    ];
    for key in [
        inline,
        store("key", "client.p12", "PKCS12", "store-secret"),
        store("key", "client-legacy.p12", "PKCS12", "store-secret"),
        store("key", "client-one-password.jks", "JKS", "store-secret"),
        [store("key", "client.jks", "JKS", "store-secret"), own_password].concat(),
    ] {
        works(&kafka, "MTLS", &[trust(), key].concat()).await;
    }
}

async fn sasl_plaintext(kafka: SecuredKafka) {
    prepare(&kafka);
    for login in logins() {
        works(&kafka, "SASL_PLAINTEXT", &login).await;
    }
}

async fn sasl_ssl(kafka: SecuredKafka) {
    prepare(&kafka);
    for login in logins() {
        works(&kafka, "SASL_SSL", &[trust(), login].concat()).await;
    }
    let mechanism = ("sasl.mechanism", "OAUTHBEARER".to_owned());
    let properties = [trust(), vec![mechanism]].concat();
    let builder = builder(&kafka, "SASL_SSL", &properties);
    let client = builder.with_token_provider(StaticToken::new(Token::new(TOKEN))).connect().await;
    write_and_read(&client.expect("the token is accepted"), TOPIC).await;

    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), format!("{TOKEN}\n")).expect("it can be written");
    let url = format!("file://{}", file.path().display());
    let url = vec![("sasl.oauthbearer.token.endpoint.url", url)];
    works(&kafka, "SASL_SSL", &[properties, url].concat()).await;
}

/// Counts the connections it makes.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Connect for Counted {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::Relaxed);
            TcpConnect::default().connect(to).await
        })
    }
}

/// The broker ends a session after three seconds, or with its token, and closes a connection that goes on
/// all the same.
async fn renewal(kafka: SecuredKafka) {
    prepare(&kafka);
    let token = r#"OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice"
        unsecuredLoginLifetimeSeconds="5";"#;
    let sessions = logins().into_iter().map(|login| ("SHORT", login));
    for (listener, login) in sessions.chain([("SASL_PLAINTEXT", sasl("OAUTHBEARER", token))]) {
        let connections = Counted::default();
        let builder = builder(&kafka, listener, &login).with_connect(connections.clone());
        let client = builder.connect().await.expect("alice is let in");
        let producer = client.producer([
            ("acks", "1"),
            ("enable.idempotence", "false"),
            ("linger.ms", "0"),
            ("retries", "0"),
        ]);
        let producer = producer.expect("a producer");
        let mut made = None;
        let until = Instant::now() + Duration::from_secs(8);
        while Instant::now() < until {
            let record = OutgoingRecord::to(TOPIC).partition(0).value(b"again");
            let delivery = producer.send(record).await.expect("accepted");
            delivery.await.expect("acknowledged at the first attempt");
            let count = connections.0.load(Ordering::Relaxed);
            assert_eq!(*made.get_or_insert(count), count, "a connection was lost: {login:?}");
        }
    }
}

async fn refusals(kafka: SecuredKafka) {
    let jaas = r#"PlainLoginModule required username="alice" password="hunter2";"#;
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let error = refused(&kafka, "SASL_PLAINTEXT", &sasl(mechanism, jaas)).await;
        assert_eq!(error.code(), Some(ErrorCode::SaslAuthenticationFailed), "{error}");
        let text = error.to_string();
        assert!(text.contains("refused this client's credentials for"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let error = refused(&kafka, "PLAIN_ONLY", &sasl("SCRAM-SHA-512", jaas)).await;
    assert_eq!(error.code(), Some(ErrorCode::UnsupportedSaslMechanism), "{error}");
    let expected = "does not accept the SASL mechanism SCRAM-SHA-512 there, only PLAIN";
    assert!(error.to_string().contains(expected), "{error}");

    for (listener, set, kind, expected) in [
        ("MTLS", trust(), ErrorKind::Authentication, "certificate from this client"),
        (
            "SSL",
            store("trust", "client.p12", "PKCS12", "store-secret"),
            ErrorKind::Authentication,
            "is signed by nobody in ssl.truststore.location=",
        ),
        (
            "SASL_PLAINTEXT",
            protocol("PLAINTEXT"),
            ErrorKind::ConnectionLost,
            "if it asks for SASL, set security.protocol",
        ),
        (
            "SASL_PLAINTEXT",
            [trust(), protocol("SSL")].concat(),
            ErrorKind::Unreachable,
            "closed the connection during the TLS handshake",
        ),
        (
            "SSL",
            protocol("PLAINTEXT"),
            ErrorKind::NotKafka,
            "set security.protocol to SSL or SASL_SSL",
        ),
        (
            "SSL",
            [trust(), protocol("SASL_SSL"), sasl("PLAIN", jaas)].concat(),
            ErrorKind::Broker(ErrorCode::IllegalSaslState),
            "does not authenticate with SASL there",
        ),
    ] {
        let error = refused(&kafka, listener, &set).await;
        let text = error.to_string();
        assert!(
            error.kind() == kind && text.contains(expected),
            "{listener} {:?}: {text}",
            error.kind()
        );
    }
}

fn protocol(name: &str) -> Set {
    vec![("security.protocol", name.to_owned())]
}

/// The topic of these tests, made once.
fn prepare(kafka: &SecuredKafka) {
    static MADE: std::sync::Once = std::sync::Once::new();
    MADE.call_once(|| create_topic(kafka.bootstrap_servers(), TOPIC, PARTITIONS, &[]));
}

const TOPIC: &str = "secured";

/// One for each node.
const PARTITIONS: usize = 3;

/// The header and the claims of an unsigned token that lives until 2100.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.\
    eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.";

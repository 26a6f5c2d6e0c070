//! Brokers that send the client back to `bootstrap.servers` (KIP-1102).

use std::collections::BTreeSet;
use std::io;

use super::*;
use crate::config::Endpoint;
use crate::io::{BoxFuture, Stream};

/// Whom the client asked for metadata, in turn, and what each host answers.
#[derive(Default)]
struct Script {
    asked: Vec<String>,
    /// Hosts that only say that the client has to start anew.
    outdated: Vec<&'static str>,
    /// Whether the others speak for a cluster whose only broker is `c`.
    moved: bool,
}

impl Script {
    fn answer(&mut self, host: &str) -> MetadataResponse {
        self.asked.push(host.to_owned());
        if self.outdated.contains(&host) {
            let code = ErrorCode::RebootstrapRequired.code();
            return MetadataResponse::default().with_error_code(code);
        }
        let (brokers, leader) = match self.moved {
            true => (&[(1, "c", 9092)][..], (1, 0)),
            false => (BROKERS, (2, 7)),
        };
        metadata(brokers).with_topics(vec![topic("orders", &[leader])])
    }
}

/// Notes the hosts that are connected to.
struct Noting(Pipes, Arc<Mutex<Vec<String>>>);

impl Connect for Noting {
    fn connect<'a>(&'a self, to: &'a Endpoint) -> BoxFuture<'a, io::Result<Stream>> {
        self.1.lock().unwrap().push(to.host.to_string());
        self.0.connect(to)
    }
}

/// A client of the brokers `a` and `b` behind `x`, which knows of `orders`.
async fn start(strategy: &str) -> (Client, Arc<Mutex<Script>>) {
    let (client, script, _) = noting(strategy).await;
    (client, script)
}

/// The same, and the hosts it connects to.
async fn noting(strategy: &str) -> (Client, Arc<Mutex<Script>>, Arc<Mutex<Vec<String>>>) {
    let (pipes, listener) = network();
    let connected = Arc::new(Mutex::new(Vec::new()));
    let connect = Noting(pipes, Arc::clone(&connected));
    let script = Arc::new(Mutex::new(Script::default()));
    let speaker = Arc::clone(&script);
    serve(listener, move |endpoint, request| {
        let answer = speaker.lock().unwrap().answer(&endpoint.host);
        Some(reply::<MetadataRequest>(request, &answer))
    });
    let properties = [("bootstrap.servers", "x:9092"), ("metadata.recovery.strategy", strategy)];
    let client = ClientBuilder::new(properties).with_connect(connect).connect().await.unwrap();
    let deadline = now() + Duration::from_secs(10);
    client.metadata().wait_for_topic("orders", Interest::Read, deadline).await.unwrap();
    script.lock().unwrap().asked.clear();
    (client, script, connected)
}

/// Every broker known to the client is outdated; `x` leads to another cluster.
fn move_away(script: &Mutex<Script>) {
    let mut script = script.lock().unwrap();
    (script.outdated, script.moved) = (vec!["a", "b"], true);
}

#[tokio::test(start_paused = true)]
async fn the_word_of_one_broker_is_enough_and_the_bootstrap_addresses_are_asked_at_once() {
    let (client, script) = start("rebootstrap").await;
    move_away(&script);
    let started = Clock::now();
    client.metadata().request_refresh();
    let orders = kavka_protocol::TopicPartition::new("orders", 0);
    let mut changes = client.metadata().changes();
    let moved = async {
        while client.metadata().leader(&orders).is_none_or(|leader| leader.broker != BrokerId(1)) {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), moved).await.expect("another leader");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(&*client.metadata().cluster().brokers[0].host, "c");
    let asked = script.lock().unwrap().asked.clone();
    assert!(matches!(&*asked[0], "a" | "b"), "{asked:?}");
    assert_eq!(asked[1..], ["x"]);
    // Broker 1 is another one now.
    assert_eq!(client.topic("orders").await.unwrap().partitions.len(), 1);
    assert_eq!(script.lock().unwrap().asked[2..], ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_single_call_is_sent_back_just_as_well() {
    let (client, script) = start("rebootstrap").await;
    move_away(&script);
    let found = client.topic("orders").await.unwrap();
    assert_eq!(found.partitions[0].leader, Some(BrokerId(1)));
    assert_eq!(script.lock().unwrap().asked[1..], ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_goes_back_asks_every_broker_and_says_what_they_say() {
    let (client, script) = start("none").await;
    move_away(&script);
    let deadline = now() + Duration::from_secs(60);
    let waiting = client.metadata().ask_again("payments", Interest::Read, deadline);
    let error = waiting.await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::RebootstrapRequired), "{error}");
    assert!(now() < deadline);
    let asked = script.lock().unwrap().asked.clone();
    assert!(!asked.contains(&"x".to_owned()), "{asked:?}");
    let orders = kavka_protocol::TopicPartition::new("orders", 0);
    assert!(client.metadata().leader(&orders).is_some(), "what was known still counts");
}

#[tokio::test(start_paused = true)]
async fn bootstrap_addresses_that_lead_back_to_themselves_are_asked_on_with_pauses() {
    let (client, script) = start("rebootstrap").await;
    move_away(&script);
    script.lock().unwrap().outdated.push("x");
    let started = Clock::now();
    let error = client.topic("orders").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("bootstrap.servers lead to"), "{error}");
    assert!(started.elapsed() > Duration::from_secs(50), "it may pass");
    let asked = script.lock().unwrap().asked.len();
    assert!(asked < 150, "{asked}");
    script.lock().unwrap().outdated.clear();
    assert!(client.topic("orders").await.is_ok());
}

/// A name may lead elsewhere by now, and what listens at an address may be another broker.
#[tokio::test(start_paused = true)]
async fn whoever_is_sent_back_connects_to_everybody_anew() {
    let (client, script, connected) = noting("rebootstrap").await;
    let connected = || connected.lock().unwrap().clone();
    let mut since = 0;
    for _ in 0..3 {
        // Whom of the two is asked is chance.
        for _ in 0..100 {
            client.topic("orders").await.unwrap();
        }
        let met = connected()[since..].iter().map(String::clone).collect::<BTreeSet<_>>();
        assert!(met.contains("a") && met.contains("b"), "{met:?}");
        script.lock().unwrap().outdated = vec!["a", "b"];
        since = connected().len();
        client.topic("orders").await.unwrap();
        assert_eq!(connected()[since..], ["x"]);
        script.lock().unwrap().outdated.clear();
    }
}

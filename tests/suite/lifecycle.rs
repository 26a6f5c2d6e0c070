//! What is left when clients, their calls and what they own are dropped: nothing written twice, no task, no
//! descriptor. On several threads and on one.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::time::Duration;

use kavka_broker::Broker;
use kavka_client::{Client, NewTopic, OutgoingRecord, Producer, Properties, StartOffset};
use kavka_protocol::{ApiKey, TopicPartition};
use kavka_tests::numbered::{self, Found};
use kavka_tests::{embedded, trial};
use libtest_mimic::Trial;
use tokio::runtime::Handle;

use crate::faults::{give_up_after, until_tasks};

pub(crate) fn trials() -> Vec<Trial> {
    let both = [
        both(
            "a_dropped_batch_is_accepted_from_its_start",
            a_dropped_batch_is_accepted_from_its_start,
        ),
        both("nothing_runs_on_after_its_owner", nothing_runs_on_after_its_owner),
    ];
    let alone = trial::apart(
        "lifecycle::clients_that_come_and_go_leave_nothing",
        clients_that_come_and_go_leave_nothing,
    );
    // It counts what Linux shows in /proc.
    both.into_iter().flatten().chain(cfg!(target_os = "linux").then_some(alone)).collect()
}

fn both<F>(name: &str, test: fn() -> F) -> [Trial; 2]
where
    F: Future<Output = ()> + 'static,
{
    let name = format!("lifecycle::{name}");
    let on_one_thread = format!("{name}_on_one_thread");
    [trial::conversation(&name, test), trial::single_threaded(&on_one_thread, test)]
}

async fn client(broker: &Broker) -> Client {
    Client::connect([("bootstrap.servers", broker.bootstrap_servers())]).await.unwrap()
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// The numbers in the one partition of a topic, in its order.
async fn numbers(client: &Client, topic: &str) -> Vec<i32> {
    numbered::records(client, topic, 0).await.iter().map(Found::number).collect()
}

/// A producer whose memory is used up most of the time, by a broker that takes its time.
fn hasty(broker: &Broker, client: &Client) -> Producer {
    for _ in 0..20 {
        broker.control().delay_next(ApiKey::Produce, Duration::from_millis(3));
    }
    let properties = [
        ("batch.size", "100"),
        ("buffer.memory", "400"),
        ("linger.ms", "0"),
        ("max.request.size", "400"),
    ];
    client.producer(properties).unwrap()
}

async fn a_dropped_batch_is_accepted_from_its_start() {
    const SIZE: usize = 10;
    let broker = embedded::broker().await;
    let client = client(&broker).await;
    let producer = hasty(&broker, &client);
    let mut completed = Vec::new();
    for round in 0..40 {
        let numbers = (0..SIZE).map(|number| (round * SIZE + number).to_string());
        let texts: Vec<_> = numbers.collect();
        let records = numbered::outgoing("t", &texts).map(|record| record.partition(0));
        let call = producer.send_batch(records);
        let sent = match round % 7 {
            6 => Some(call.await),
            polls => give_up_after(polls, call).await,
        };
        if let Some(sent) = sent {
            drop(sent.unwrap());
            completed.push(round);
        }
    }
    assert!((1..40).contains(&completed.len()), "{completed:?}");
    producer.flush().await.unwrap();
    let mut rounds: BTreeMap<usize, usize> = BTreeMap::new();
    let mut last = None;
    for number in numbers(&client, "t").await {
        assert!(last < Some(number), "{number} after {last:?}");
        last = Some(number);
        let number = usize::try_from(number).unwrap();
        let found = rounds.entry(number / SIZE).or_default();
        assert_eq!(number % SIZE, *found, "the first ones and no others");
        *found += 1;
    }
    assert!(completed.iter().all(|round| rounds.get(round) == Some(&SIZE)));
}

async fn nothing_runs_on_after_its_owner() {
    let broker = embedded::cluster(3).await;
    let before = tasks();
    let client = client(&broker).await;
    client.admin().create_topics(&[NewTopic::new("t").with_partitions(3)]).await.unwrap();
    let mut owners = Vec::new();
    for number in 0..3 {
        let producer = client.producer([("linger.ms", "60000")]).unwrap();
        drop(numbered::send(&producer, "t", number..number + 1).await);
        let mut consumer = client.consumer(Properties::default()).unwrap();
        let partitions = (0..3).map(|partition| TopicPartition::new("t", partition));
        consumer.assign(partitions.map(|partition| (partition, StartOffset::Earliest)));
        consumer.poll().await.unwrap();
        owners.push((producer, consumer));
    }
    assert!(tasks() >= before + 3 * 2, "a task for each of them");
    let (producer, consumer) = owners.pop().unwrap();
    drop(client);
    let delivery = producer.send(OutgoingRecord::to("t").value(b"7").partition(0)).await.unwrap();
    producer.flush().await.unwrap();
    assert!(delivery.await.unwrap().offset.is_some(), "they outlive the handle they came from");
    drop((owners, consumer, producer));
    until_tasks(before).await;
}

/// Ten thousand of them with `KAVKA_SCALE=full`.
async fn clients_that_come_and_go_leave_nothing(bootstrap_servers: String) {
    let is_full = std::env::var("KAVKA_SCALE").is_ok_and(|scale| scale == "full");
    for _ in 0..100 {
        come_and_go(&bootstrap_servers).await;
    }
    let (descriptors, before) = (settled(usize::MAX).await, tasks());
    let memory = allocated();
    for _ in 0..if is_full { 10_000 } else { 400 } {
        come_and_go(&bootstrap_servers).await;
    }
    // Fewer if a connection was still closing when they were counted first.
    settled(descriptors).await;
    until_tasks(before).await;
    let later = allocated();
    println!("{memory} KiB before, {later} KiB after");
    assert!(later < memory + NOISE, "{memory} KiB before, {later} KiB after");
}

/// A client that writes, reads and goes, without waiting for anything.
async fn come_and_go(bootstrap_servers: &str) {
    let client = Client::connect([("bootstrap.servers", bootstrap_servers)]).await.unwrap();
    let producer = client.producer([("linger.ms", "0")]).unwrap();
    let sent = producer.send(OutgoingRecord::to("t").value(b"v").partition(0)).await.unwrap();
    let written = sent.await.unwrap();
    let mut consumer = client.consumer(Properties::default()).unwrap();
    let start = StartOffset::At(written.offset.unwrap());
    consumer.assign([(TopicPartition::new("t", 0), start)]);
    while consumer.poll().await.unwrap().partitions().len() == 0 {}
}

/// How many descriptors there are as soon as there are no more than `limit`, and their number has stayed.
async fn settled(limit: usize) -> usize {
    let (mut last, mut same) = (usize::MAX, 0);
    loop {
        let count = fs::read_dir("/proc/self/fd").unwrap().count();
        same = if count == last { same + 1 } else { 0 };
        if same == STEADY && count <= limit {
            return count;
        }
        last = count;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The memory that this process has had from the system and keeps, in KiB: without the program itself.
fn allocated() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

/// What the allocator may keep more than before, in KiB; some hundred are usual.
const NOISE: u64 = 1024;

/// How often in a row the count must be the same.
const STEADY: usize = 20;

//! What clients leave behind that come and go: memory, descriptors and tasks of this process, which has
//! nothing else to do.
//!
//! ```text
//! kavka broker &
//! cargo run --release -p kavka-client --example lifecycle -- localhost:9092 10000
//! ```
//!
//! The number is how many clients, one after the other; each writes a record and reads it.

mod process;

use std::error::Error;
use std::fs;
use std::time::Duration;

use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, NewTopic, OutgoingRecord, Properties, StartOffset};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let servers = arguments.next().ok_or("which broker?")?;
    let cycles = arguments.next().as_deref().unwrap_or("10000").parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(watch(&servers, cycles))
}

async fn watch(servers: &str, cycles: u32) -> Result<(), Box<dyn Error>> {
    let topic = NewTopic::new(TOPIC);
    // Perhaps it is there already.
    let _ = Client::connect([("bootstrap.servers", servers)])
        .await?
        .admin()
        .create_topics(&[topic])
        .await?;
    for _ in 0..WARM_UP {
        come_and_go(servers).await?;
    }
    report(0).await?;
    for cycle in 1..=cycles {
        come_and_go(servers).await?;
        if cycle % cycles.div_ceil(REPORTS) == 0 {
            report(cycle).await?;
        }
    }
    Ok(())
}

/// A client that writes, reads and goes, without waiting for anything.
async fn come_and_go(servers: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::connect([("bootstrap.servers", servers)]).await?;
    let producer = client.producer([("linger.ms", "0")])?;
    let record = OutgoingRecord::to(TOPIC).value(b"v").partition(0);
    let written = producer.send(record).await?.await?;
    let start = StartOffset::At(written.offset.ok_or("no offset")?);
    let mut consumer = client.consumer(Properties::new())?;
    consumer.assign([(TopicPartition::new(TOPIC, 0), start)]);
    while consumer.poll().await?.partitions().len() == 0 {}
    Ok(())
}

async fn report(cycle: u32) -> Result<(), Box<dyn Error>> {
    tokio::time::sleep(SETTLE).await;
    let (memory, tasks) = (process::resident()?, process::tasks());
    let descriptors = fs::read_dir("/proc/self/fd")?.count();
    println!(
        "after {cycle:6} clients: {memory} KiB of memory, {descriptors} descriptors, {tasks} tasks"
    );
    Ok(())
}

const TOPIC: &str = "lifecycle";

/// Clients before anything is counted: by then every thread has what it keeps.
const WARM_UP: u32 = 500;

const REPORTS: u32 = 10;

/// Connections that were left have been closed by then.
const SETTLE: Duration = Duration::from_secs(1);

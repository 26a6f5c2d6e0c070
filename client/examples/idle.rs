//! What consumers cost that wait for records: processor time and memory of this process, which has nothing
//! else to do.
//!
//! ```text
//! kavka broker &
//! cargo run --release -p kavka-client --example idle -- localhost:9092 1000 30
//! ```
//!
//! The numbers are how many consumers, each of a client of its own, and for how many seconds they are watched.

mod process;

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, NewTopic, Properties, StartOffset};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let servers = arguments.next().ok_or("which broker?")?;
    let consumers = arguments.next().as_deref().unwrap_or("1000").parse()?;
    let watched = Duration::from_secs(arguments.next().as_deref().unwrap_or("30").parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch(&servers, consumers, watched))
}

async fn watch(servers: &str, consumers: u32, watched: Duration) -> Result<(), Box<dyn Error>> {
    let connect = || Client::connect([("bootstrap.servers", servers)]);
    // Perhaps it is there already.
    let _ = connect().await?.admin().create_topics(&[NewTopic::new(TOPIC)]).await?;
    for _ in 0..consumers {
        let mut consumer = connect().await?.consumer(Properties::new())?;
        consumer.assign([(TopicPartition::new(TOPIC, 0), StartOffset::Latest)]);
        tokio::spawn(async move { while consumer.poll().await.is_ok() {} });
    }
    tokio::time::sleep(SETTLE).await;
    let (start, before) = (Instant::now(), processor_time()?);
    tokio::time::sleep(watched).await;
    let (used, passed) = (processor_time()? - before, start.elapsed());
    let each = 100.0 * used.as_secs_f64() / passed.as_secs_f64() / f64::from(consumers);
    let (alive, memory) = (process::tasks(), process::resident()?);
    println!(
        "{consumers} consumers ({alive} tasks): {used:?} of processor time in {passed:.1?}, {each:.4} % of a core each; {memory} KiB of memory"
    );
    Ok(())
}

/// What this process has used, in whole ticks.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(TICK * u32::try_from(ticks.sum::<Result<u64, _>>()?)?)
}

const TOPIC: &str = "idle";

/// The first fetches are answered and connections that were needed once are idle by then.
const SETTLE: Duration = Duration::from_secs(5);

/// The unit of processor time on Linux.
const TICK: Duration = Duration::from_millis(10);

//! Records that are written and read all the time while something goes wrong.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kavka_client::{
    BatchDelivery, Client, Consumer, FetchedBatches, Producer, Properties, StartOffset,
};
use kavka_protocol::{Decompressor, TopicPartition};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::numbered::{self, Found};

/// A producer of numbered records, and a consumer that reads them at the same time.
pub struct Traffic {
    topic: String,
    producer: Producer,
    deliveries: Vec<BatchDelivery>,
    sent: i32,
    read: watch::Receiver<i32>,
    reader: JoinHandle<BTreeMap<i32, Vec<i32>>>,
    all: Arc<watch::Sender<i32>>,
}

impl Traffic {
    /// Begins to read `topic` from its first record; `properties` are for both sides.
    pub async fn start(client: &Client, topic: &str, properties: &[(&str, &str)]) -> Self {
        let properties: Properties = properties.iter().copied().collect();
        let producer = client.producer(properties.clone()).expect("a producer");
        let mut consumer = client.consumer(properties).expect("a consumer");
        let known = client.topic(topic).await.expect("the topic");
        consumer.assign(
            known
                .partitions
                .iter()
                .map(|known| (TopicPartition::new(topic, known.partition), StartOffset::Earliest)),
        );
        let (count, read) = watch::channel(0);
        let all = Arc::new(watch::Sender::new(i32::MAX));
        let reader = tokio::spawn(read_until(consumer, count, all.subscribe()));
        let (topic, deliveries) = (topic.to_owned(), Vec::new());
        Self { topic, producer, deliveries, sent: 0, read, reader, all }
    }

    /// Sends the next `count` numbers; ready when they are accepted.
    pub async fn send(&mut self, count: i32) {
        let numbers = self.sent..self.sent + count;
        self.sent = numbers.end;
        self.deliveries.push(numbered::send(&self.producer, &self.topic, numbers).await);
    }

    /// Waits until everything that was sent is acknowledged and read.
    pub async fn settled(&mut self) {
        for delivery in self.deliveries.drain(..) {
            delivery.await.expect("delivered");
        }
        let sent = self.sent;
        self.read.wait_for(|read| *read >= sent).await.expect("the reader goes on");
    }

    /// Sends a little all the time until `trouble` is over.
    pub async fn during<T>(&mut self, trouble: impl Future<Output = T>) -> T {
        let mut trouble = std::pin::pin!(trouble);
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = async {
                ticks.tick().await;
                self.send(AT_ONCE).await;
            };
            // A send that is given up would leave it open what was accepted: it is waited for.
            let mut step = std::pin::pin!(step);
            tokio::select! {
                () = &mut step => {}
                result = &mut trouble => {
                    step.await;
                    return result;
                }
            }
        }
    }

    /// Waits until everything is acknowledged, and checks that it was read exactly once and in order. How
    /// many records that were.
    pub async fn finish(mut self) -> i32 {
        self.settled().await;
        self.all.send_replace(self.sent);
        let numbers = self.reader.await.expect("the reader ends well");
        numbered::check(numbers, 0..self.sent);
        self.sent
    }
}

/// Reads until there are as many records as `all` says; the numbers of each partition, as they came.
async fn read_until(
    mut consumer: Consumer,
    count: watch::Sender<i32>,
    mut all: watch::Receiver<i32>,
) -> BTreeMap<i32, Vec<i32>> {
    let mut numbers = BTreeMap::<i32, Vec<i32>>::new();
    loop {
        tokio::select! {
            fetch = consumer.poll() => {
                for fetched in fetch.expect("fetched").into_partitions() {
                    let found = read(&fetched);
                    count.send_modify(|count| *count += found.len() as i32);
                    numbers.entry(fetched.topic_partition().partition).or_default().extend(found);
                }
            }
            _ = all.changed() => {}
        }
        if *count.borrow() >= *all.borrow() {
            return numbers;
        }
    }
}

fn read(fetched: &FetchedBatches) -> Vec<i32> {
    let mut decompressor = Decompressor::default();
    let mut found = Vec::new();
    for batch in fetched.batches() {
        let body = batch.expect("a batch").body(&mut decompressor).expect("a body");
        let numbers = body.records().map(|record| Found::new(&record.expect("a record")).number());
        found.extend(numbers);
    }
    found
}

/// How often something is sent.
const PACE: Duration = Duration::from_millis(5);

/// How much: enough for batches of several partitions.
const AT_ONCE: i32 = 40;

//! A cluster to read from, batches to read, and a reader that checks that each record comes once and in order.

use std::collections::HashMap;

use bytes::Bytes;
use kavka_broker::{Broker, BrokerConfig};
use kavka_client::protocol::{
    BatchBuilder, Compression, Compressor, Decompressor, Offset, TopicPartition,
};
use kavka_client::{Client, Consumer, Fetch, FetchedBatches, NewTopic, Properties};
use kavka_tests::wire::Wire;

use super::TOPIC;

/// A cluster with one topic, and a client of it.
pub(super) struct World {
    pub(super) broker: Broker,
    pub(super) client: Client,
}

impl World {
    pub(super) async fn start(nodes: usize, partitions: i32) -> Self {
        let config = BrokerConfig { nodes, ..BrokerConfig::default() };
        Self::with(config, NewTopic::new(TOPIC).with_partitions(partitions)).await
    }

    pub(super) async fn with(config: BrokerConfig, topic: NewTopic) -> Self {
        let broker = Broker::start(config).await.unwrap();
        let client = Client::connect(properties(&broker)).await.unwrap();
        client.admin().create_topics(&[topic]).await.unwrap();
        Self { broker, client }
    }

    pub(super) fn consumer(&self, overrides: &[(&str, &str)]) -> Consumer {
        let mut properties = Properties::new();
        for (name, value) in overrides {
            properties.set(*name, *value);
        }
        self.client.consumer(properties).unwrap()
    }

    /// Appends batches through the partition's leader, each as it is.
    pub(super) async fn write(&self, partition: i32, batches: Vec<Bytes>) {
        let topic = self.client.topic(TOPIC).await.unwrap();
        let leader = topic.partition(partition).unwrap().leader.unwrap();
        let at = usize::try_from(leader.0 - 1).unwrap();
        let mut wire = Wire::connect(self.broker.addresses()[at]).await;
        for batch in batches {
            assert_eq!(wire.produce(&tp(partition), batch, 8).await.error_code, 0);
        }
    }
}

pub(super) fn properties(broker: &Broker) -> Properties {
    Properties::from([("bootstrap.servers", broker.bootstrap_servers())])
}

/// `count` records whose values take `size` bytes.
pub(super) fn batch(codec: Compression, count: usize, size: usize) -> Bytes {
    let mut builder = BatchBuilder::new(codec, None);
    for index in 0..count {
        let (key, value) = (format!("key-{index}"), vec![b'a' + (index % 26) as u8; size]);
        let headers = [("trace", Some(&b"1"[..]))];
        builder.append(1_700_000_000_000, Some(key.as_bytes()), Some(&value), headers).unwrap();
    }
    builder.seal(&mut Compressor::default()).unwrap().stamp(None)
}

pub(super) fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, partition)
}

pub(super) async fn next_batches(consumer: &mut Consumer) -> FetchedBatches {
    loop {
        let fetch = consumer.poll().await.unwrap();
        if let Some(batches) = fetch.into_partitions().next() {
            return batches;
        }
    }
}

/// The offsets of the records in `batches`, whose content is checked on the way.
pub(super) fn offsets(batches: &FetchedBatches) -> Vec<Offset> {
    let mut decompressor = Decompressor::default();
    let mut offsets = Vec::new();
    let mut visible = batches.batches();
    for batch in &mut visible {
        let batch = batch.unwrap();
        let base = batch.base_offset();
        for record in batch.body(&mut decompressor).unwrap().records() {
            let record = record.unwrap();
            let index = record.offset() - base;
            assert_eq!(record.key(), Some(format!("key-{index}").as_bytes()));
            assert!(record.value().unwrap().iter().all(|b| *b == b'a' + (index % 26) as u8));
            assert_eq!(record.headers().len(), 1);
            offsets.push(record.offset());
        }
    }
    assert_eq!(visible.next_offset(), batches.next_offset());
    offsets
}

/// Checks that records come once and in order.
#[derive(Default)]
pub(super) struct Reader {
    next: HashMap<i32, Offset>,
    start: Offset,
    pub(super) ends: HashMap<i32, Offset>,
}

impl Reader {
    pub(super) fn starting_at(start: Offset) -> Self {
        Self { start, ..Self::default() }
    }

    /// `partition` starts at `offset`.
    pub(super) fn expect(&mut self, partition: i32, offset: Offset) {
        self.next.insert(partition, offset);
    }

    pub(super) fn next(&self, partition: i32) -> Offset {
        self.next.get(&partition).copied().unwrap_or(self.start)
    }

    pub(super) async fn read_until_ends(&mut self, consumer: &mut Consumer, ends: usize) {
        while self.ends.len() < ends {
            self.take(consumer.poll().await.unwrap());
        }
    }

    pub(super) fn take(&mut self, fetch: Fetch) {
        self.note_ends(&fetch);
        for batches in fetch.partitions() {
            self.check(batches);
        }
    }

    pub(super) fn note_ends(&mut self, fetch: &Fetch) {
        for (partition, offset) in fetch.ends() {
            self.ends.insert(partition.partition, *offset);
        }
    }

    pub(super) fn check(&mut self, batches: &FetchedBatches) {
        let partition = batches.topic_partition().partition;
        let mut next = self.next(partition);
        assert_eq!(batches.first_offset(), next, "partition {partition}");
        for offset in offsets(batches) {
            assert_eq!(offset, next, "partition {partition}");
            next += 1;
        }
        assert_eq!(batches.next_offset(), next, "partition {partition}");
        self.next.insert(partition, next);
    }
}

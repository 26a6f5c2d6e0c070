//! Numbered records: written by a producer, and found again exactly once and in order, or not.

use std::collections::BTreeMap;
use std::ops::Range;

use kavka_client::{
    BatchDelivery, Client, OffsetSpec, OutgoingRecord, Producer, Properties, StartOffset,
};
use kavka_protocol::{Decompressor, Offset, RecordView, TopicPartition};

/// A record as it was read back.
pub struct Found {
    /// Its place in the partition.
    pub offset: Offset,
    /// Its time, in ms since the epoch.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Sends numbers as keys and values; ready when they are accepted.
pub async fn send(producer: &Producer, topic: &str, numbers: Range<i32>) -> BatchDelivery {
    let records = texts(numbers);
    producer.send_batch(outgoing(topic, &records)).await.expect("accepted")
}

/// Numbers as text.
pub fn texts(numbers: Range<i32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// Records whose keys and values are `texts`.
pub fn outgoing<'t>(
    topic: &'t str,
    texts: &'t [String],
) -> impl Iterator<Item = OutgoingRecord<'t>> {
    texts
        .iter()
        .map(move |text| OutgoingRecord::to(topic).key(text.as_bytes()).value(text.as_bytes()))
}

/// Where a partition ends.
pub async fn end(client: &Client, topic: &str, partition: i32) -> Offset {
    let latest = [(TopicPartition::new(topic, partition), OffsetSpec::Latest)];
    let listed = client.list_offsets(&latest).await.expect("listed");
    listed[0].offset.expect("an end")
}

/// Everything that a partition holds by now.
pub async fn records(client: &Client, topic: &str, partition: i32) -> Vec<Found> {
    let end = end(client, topic, partition).await;
    let mut consumer = client.consumer(Properties::default()).expect("a consumer");
    let topic_partition = TopicPartition::new(topic, partition);
    consumer.assign([(topic_partition.clone(), StartOffset::Earliest)]);
    let (mut found, mut decompressor) = (Vec::new(), Decompressor::default());
    while consumer.position(&topic_partition).is_none_or(|position| position < end) {
        for fetched in consumer.poll().await.expect("polled").into_partitions() {
            for batch in fetched.batches() {
                let body = batch.expect("a batch").body(&mut decompressor).expect("a body");
                found.extend(body.records().map(|record| Found::new(&record.expect("a record"))));
            }
        }
    }
    found
}

/// The numbers in each partition, in the order of the log, which has no gaps.
pub async fn numbers(client: &Client, topic: &str) -> BTreeMap<i32, Vec<i32>> {
    let mut numbers = BTreeMap::new();
    for known in &client.topic(topic).await.expect("the topic").partitions {
        let found = records(client, topic, known.partition).await;
        let offsets = found.iter().map(|record| record.offset);
        assert!(offsets.zip(0..).all(|(found, due)| found == due), "offsets without gaps");
        numbers.insert(known.partition, found.iter().map(Found::number).collect());
    }
    numbers
}

/// Every number is there once, and each partition has its own in ascending order.
pub async fn holds(client: &Client, topic: &str, expected: Range<i32>) {
    check(numbers(client, topic).await, expected);
}

/// The same of numbers that were read in another way.
pub fn check(numbers: BTreeMap<i32, Vec<i32>>, expected: Range<i32>) {
    for (partition, numbers) in &numbers {
        let disorder = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
        assert_eq!(disorder, None, "order or repetition in partition {partition}");
    }
    let mut all: Vec<_> = numbers.into_values().flatten().collect();
    all.sort_unstable();
    assert_eq!(all.len(), expected.len(), "as many as were sent");
    assert!(all.into_iter().eq(expected));
}

impl Found {
    /// A copy of `record`.
    pub fn new(record: &RecordView<'_>) -> Self {
        let owned = |bytes: &[u8]| bytes.to_vec();
        let headers = record.headers().into_iter().map(|header| {
            let (name, value) = header.expect("a header");
            (owned(name), value.map(owned))
        });
        Self {
            offset: record.offset(),
            timestamp: record.timestamp().unwrap_or(-1),
            key: record.key().map(owned),
            value: record.value().map(owned),
            headers: headers.collect(),
        }
    }

    /// The number in its value.
    pub fn number(&self) -> i32 {
        let value = self.value.as_deref().expect("a value");
        std::str::from_utf8(value).expect("text").parse().expect("a number")
    }
}

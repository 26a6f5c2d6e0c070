use kavka_client::protocol::Decompressor;
use kavka_client::{Client, OutgoingRecord, StartOffset};

pub async fn write_and_read(brokers: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let client = Client::connect([("bootstrap.servers", brokers)]).await?;
    let producer = client.producer([("linger.ms", "5")])?;
    let record = OutgoingRecord::to("greetings").key(b"42").value(b"hello");
    let written = producer.send(record).await?.await?; // accepted, then acknowledged

    let mut consumer = client.consumer([("isolation.level", "read_committed")])?;
    consumer.assign([(written.topic_partition, StartOffset::Earliest)]);
    let (mut read, mut decompressor) = (Vec::new(), Decompressor::default());
    while read.is_empty() {
        for batch in consumer.poll().await?.partitions().flat_map(|fetched| fetched.batches()) {
            for record in batch?.body(&mut decompressor)?.records() {
                let value = record?.value().unwrap_or_default(); // borrows the fetched bytes
                read.push(String::from_utf8_lossy(value).into_owned());
            }
        }
    }
    Ok(read)
}

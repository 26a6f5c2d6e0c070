//! krafka: `poll` without a limit of records, or in its own measure of 500 each time; `enqueue` with a handle for every
//! record.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use kavka_bench_line::{Entries, Job, Meter, Work};
use krafka::{
    Compression, Kafka, Record,
    auth::{AuthConfig, TlsConfig},
    consumer::Consumer,
    producer::{DeliveryHandle, Producer},
};

use crate::{ANSWER_BYTES, BATCH_BYTES, BUFFER_BYTES, LINGER, PARTITION_BYTES, block_on, told};

/// Does `job` with krafka.
pub fn krafka(job: &Job, meter: &mut Meter) -> Result<(), String> {
    block_on(async {
        match job.work {
            Work::Fetch => fetch(job, meter).await,
            Work::Produce => produce(job, meter).await,
        }
    })
}

async fn fetch(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let consumer = consumer(job).await?;
    consumer.assign(&job.topic, (0..job.partitions).collect()).await.map_err(told)?;
    for partition in 0..job.partitions {
        consumer.seek(&job.topic, partition, 0).await.map_err(told)?;
    }
    while meter.is_waiting() {
        let records = consumer.poll(PATIENCE).await.map_err(told)?;
        if !records.is_empty() {
            meter.begin();
        }
        for record in records {
            meter.add(record.offset, record.value.as_deref().unwrap_or_default());
        }
    }
    Ok(())
}

async fn consumer(job: &Job) -> Result<Consumer, String> {
    let consumer = connect(job).await?.consumer_without_group();
    let consumer = match job.is_shipped {
        true => consumer,
        false => consumer
            .max_poll_records(-1)
            .max_partition_fetch_bytes(PARTITION_BYTES)
            .fetch_max_bytes(ANSWER_BYTES)
            .fetch_min_bytes(1)
            .fetch_max_wait(Duration::from_millis(500)),
    };
    consumer.build().await.map_err(told)
}

async fn produce(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let entries = Entries::of(job)?;
    let bytes = Bytes::copy_from_slice(entries.bytes());
    let producer = producer(job).await?;
    let mut handles = VecDeque::with_capacity(MOST_HANDLES);
    meter.begin();
    for turn in 0..job.records {
        let (key, value) = entries.places(turn);
        let record = Record::new(&*job.topic, bytes.slice(value))
            .key(bytes.slice(key))
            .partition(job.partition(turn));
        handles.push_back(producer.enqueue(record).await.map_err(told)?);
        if handles.len() == MOST_HANDLES {
            acknowledged(handles.drain(..MOST_HANDLES / 2), meter).await?;
        }
    }
    producer.flush().await.map_err(told)?;
    acknowledged(handles.drain(..), meter).await
}

async fn acknowledged(
    handles: impl Iterator<Item = DeliveryHandle>,
    meter: &mut Meter,
) -> Result<(), String> {
    for handle in handles {
        let _written = handle.await.map_err(told)?;
        meter.acknowledge(1);
    }
    Ok(())
}

async fn producer(job: &Job) -> Result<Producer, String> {
    let producer = connect(job).await?.producer().compression(compression(&job.codec)?);
    let producer = match job.is_shipped {
        true => producer,
        false => producer
            .batch_size(BATCH_BYTES)
            .linger(Duration::from_millis(LINGER))
            .buffer_memory(BUFFER_BYTES),
    };
    producer.build().await.map_err(told)
}

fn compression(name: &str) -> Result<Compression, String> {
    match name {
        "none" => Ok(Compression::None),
        "lz4" => Ok(Compression::Lz4),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(format!("no codec {name}")),
    }
}

async fn connect(job: &Job) -> Result<Kafka, String> {
    let kafka = Kafka::builder(&job.servers);
    let kafka = match &job.ca {
        None => kafka,
        Some(ca) => {
            let trust = TlsConfig::new().with_ca_cert(ca.display().to_string());
            kafka.security(AuthConfig::ssl(trust))
        }
    };
    kafka.connect().await.map_err(told)
}

const PATIENCE: Duration = Duration::from_secs(1);
/// More than the buffer holds of the largest records, so that it is the buffer that limits what is under way.
const MOST_HANDLES: usize = 200_000;

//! krafka: `poll` without a limit of records, or in its own measure of 500 each time.

use std::time::Duration;

use kavka_bench_line::{Job, Meter, Work};
use krafka::{
    Kafka,
    auth::{AuthConfig, TlsConfig},
    consumer::Consumer,
};

use crate::{ANSWER_BYTES, PARTITION_BYTES, block_on, told};

/// Does `job` with krafka.
pub fn krafka(job: &Job, meter: &mut Meter) -> Result<(), String> {
    block_on(async {
        match job.work {
            Work::Fetch => fetch(job, meter).await,
            Work::Produce => Err("not yet".to_owned()),
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

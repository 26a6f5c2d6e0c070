//! rskafka: a client for each partition, which fetches batches and writes batches that the caller has made; or its
//! stream of single records.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use chrono::Utc;
use futures::{Stream, StreamExt, stream};
use kavka_bench_line::{Entries, Job, Meter, Work};
use rskafka::{
    client::{
        Client, ClientBuilder,
        consumer::{StartOffset, StreamConsumerBuilder},
        partition::{Compression, PartitionClient, UnknownTopicHandling},
    },
    record::{Record, RecordAndOffset},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{BATCH_BYTES, PARTITION_BYTES, block_on, told};

/// Does `job` with rskafka.
pub fn rskafka(job: &Job, meter: &mut Meter) -> Result<(), String> {
    block_on(async {
        match (job.work, job.is_shipped) {
            (Work::Fetch, false) => fetch(job, meter).await,
            (Work::Fetch, true) => read_stream(job, meter).await,
            (Work::Produce, _) => produce(job, meter).await,
        }
    })
}

/// Batches of all partitions, each fetched as soon as the one before was taken.
async fn fetch(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let batches = partitions(job).await?.into_iter().map(|client| Box::pin(batches(client)));
    let mut batches = stream::select_all(batches);
    while meter.is_waiting() {
        let records = batches.next().await.ok_or("no more batches")??;
        if !records.is_empty() {
            meter.begin();
        }
        for RecordAndOffset { record, offset } in records {
            meter.add(offset, record.value.as_deref().unwrap_or_default());
        }
    }
    Ok(())
}

fn batches(client: PartitionClient) -> impl Stream<Item = Result<Vec<RecordAndOffset>, String>> {
    stream::try_unfold((client, 0), |(client, next)| async move {
        let fetched = client.fetch_records(next, 1..PARTITION_BYTES, 500).await;
        let (records, _) = fetched.map_err(told)?;
        let next = records.last().map_or(next, |record| record.offset + 1);
        Ok(Some((records, (client, next))))
    })
}

async fn read_stream(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let consumers = partitions(job)
        .await?
        .into_iter()
        .map(|client| StreamConsumerBuilder::new(Arc::new(client), StartOffset::Earliest).build());
    let mut records = stream::select_all(consumers);
    while meter.is_waiting() {
        let read = records.next().await.ok_or("no more records")?;
        let (RecordAndOffset { record, offset }, _) = read.map_err(told)?;
        meter.begin();
        meter.add(offset, record.value.as_deref().unwrap_or_default());
    }
    Ok(())
}

/// One batch of each partition is under way at a time: there is nothing else that keeps order.
async fn produce(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let entries = &Entries::of(job)?;
    let codec = compression(&job.codec)?;
    let clients = partitions(job).await?;
    meter.begin();
    let written = clients.iter().zip(0..).map(|(client, partition)| async move {
        let mut turns = job.turns_of(partition).peekable();
        let in_batch = BATCH_BYTES / (Entries::KEY_SIZE + job.value_size + RECORD_OVERHEAD);
        let mut acknowledged = 0;
        while turns.peek().is_some() {
            let batch = batch(entries, turns.by_ref().take(in_batch));
            let offsets = client.produce(batch, codec).await.map_err(told)?;
            acknowledged += offsets.len() as u64;
        }
        Ok::<_, String>(acknowledged)
    });
    for acknowledged in futures::future::try_join_all(written).await? {
        meter.acknowledge(acknowledged);
    }
    Ok(())
}

fn batch(entries: &Entries, turns: impl Iterator<Item = u64>) -> Vec<Record> {
    let timestamp = Utc::now();
    turns
        .map(|turn| {
            let (key, value) = entries.entry(turn);
            Record {
                key: Some(key.to_vec()),
                value: Some(value.to_vec()),
                headers: BTreeMap::new(),
                timestamp,
            }
        })
        .collect()
}

fn compression(name: &str) -> Result<Compression, String> {
    match name {
        "none" => Ok(Compression::NoCompression),
        "lz4" => Ok(Compression::Lz4),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(format!("no codec {name}")),
    }
}

async fn partitions(job: &Job) -> Result<Vec<PartitionClient>, String> {
    let client = connect(job).await?;
    let mut clients = Vec::new();
    for partition in 0..job.partitions {
        let handling = UnknownTopicHandling::Error;
        let partition = client.partition_client(&job.topic, partition, handling).await;
        clients.push(partition.map_err(told)?);
    }
    Ok(clients)
}

async fn connect(job: &Job) -> Result<Client, String> {
    let client = ClientBuilder::new(vec![job.servers.clone()]);
    let client = match &job.ca {
        None => client,
        Some(ca) => client.tls_config(trusting(ca)?.into()),
    };
    client.build().await.map_err(told)
}

fn trusting(ca: &Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let pem = fs::read(ca).map_err(told)?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(told)?).map_err(told)?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// What a record takes in a batch beside its key and value.
const RECORD_OVERHEAD: usize = 10;

//! Writing to a topic.

use std::collections::VecDeque;

use kavka_bench_line::{Entries, Job, Meter};
use kavka_client::{BatchDelivery, Client, Delivery, OutgoingRecord, Producer, Properties};

use super::properties;
use crate::Result;

/// Writes everything, in the style the job asks for: many records with each call, or one; or as a topic is filled that
/// others are to read.
pub(super) async fn produce(job: &Job, meter: &mut Meter) -> Result<()> {
    let entries = Entries::of(job)?;
    let client = Client::connect(properties(job)).await?;
    let producer = client.producer(settings(job)?)?;
    meter.begin();
    match &*job.style {
        "batches" | "fill" => send_batches(job, &entries, &producer, meter).await?,
        "single" => send_each(job, &entries, &producer, meter).await?,
        other => return Err(format!("no style {other}").into()),
    }
    Ok(())
}

fn settings(job: &Job) -> Result<Properties> {
    let mut settings = Properties::from([("compression.type", &*job.codec)]);
    if job.style == "fill" {
        // Batches of Java's default size, which hardly ever wait for more records.
        settings.set("batch.size", "16384").set("linger.ms", "1000");
    } else if !job.is_shipped {
        settings
            .set("batch.size", "262144")
            .set("linger.ms", "10")
            .set("buffer.memory", "67108864");
    }
    Ok(settings)
}

async fn send_batches(
    job: &Job,
    entries: &Entries,
    producer: &Producer,
    meter: &mut Meter,
) -> Result<()> {
    let mut deliveries: VecDeque<(u64, BatchDelivery)> = VecDeque::new();
    let mut turn = 0;
    while turn < job.records {
        let end = job.records.min(turn + CHUNK);
        let records = (turn..end).map(|turn| record(job, entries, turn));
        deliveries.push_back((end - turn, producer.send_batch(records).await?));
        turn = end;
        if deliveries.len() > MOST_DELIVERIES
            && let Some((records, delivery)) = deliveries.pop_front()
        {
            delivery.await?;
            meter.acknowledge(records);
        }
    }
    producer.flush().await?;
    for (records, delivery) in deliveries {
        delivery.await?;
        meter.acknowledge(records);
    }
    Ok(())
}

async fn send_each(
    job: &Job,
    entries: &Entries,
    producer: &Producer,
    meter: &mut Meter,
) -> Result<()> {
    let mut deliveries: VecDeque<Delivery> = VecDeque::new();
    for turn in 0..job.records {
        deliveries.push_back(producer.send(record(job, entries, turn)).await?);
        if deliveries.len() as u64 > MOST_DELIVERIES as u64 * CHUNK
            && let Some(delivery) = deliveries.pop_front()
        {
            delivery.await?;
            meter.acknowledge(1);
        }
    }
    producer.flush().await?;
    for delivery in deliveries {
        delivery.await?;
        meter.acknowledge(1);
    }
    Ok(())
}

#[inline]
fn record<'a>(job: &'a Job, entries: &'a Entries, turn: u64) -> OutgoingRecord<'a> {
    let (key, value) = entries.entry(turn);
    OutgoingRecord::to(&job.topic).partition(job.partition(turn)).key(key).value(value)
}

/// Records handed over with one call.
const CHUNK: u64 = 1000;
/// Calls whose records may be under way: more than the buffer holds, so that it is the buffer that limits.
const MOST_DELIVERIES: usize = 1000;

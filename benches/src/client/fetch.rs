//! Reading a topic.

use kavka_bench_line::{Job, Meter};
use kavka_client::{
    Client, FetchedBatches, StartOffset,
    protocol::{BatchBody, Decompressor, RecordColumns, TopicPartition},
};

use super::properties;
use crate::Result;

/// Reads everything, in the style the job asks for: records as borrowed views, as columns, or as copies that the
/// application owns.
pub(super) async fn fetch(job: &Job, meter: &mut Meter) -> Result<()> {
    let mut reader: Reader = match &*job.style {
        "borrowed" => Box::new(borrow),
        "columns" => {
            let mut columns = RecordColumns::new();
            Box::new(move |body, meter| read_columns(body, &mut columns, meter))
        }
        "owned" => Box::new(own),
        other => return Err(format!("no style {other}").into()),
    };
    let client = Client::connect(properties(job)).await?;
    // What everybody is told beside this is what kavka does by default.
    let mut consumer = client.consumer([("fetch.max.wait.ms", "500")])?;
    let partitions = 0..job.partitions;
    consumer.assign(
        partitions
            .map(|partition| (TopicPartition::new(&*job.topic, partition), StartOffset::Earliest)),
    );
    let mut decompressor = Decompressor::new();
    while meter.is_waiting() {
        for batches in consumer.poll().await?.into_partitions() {
            meter.begin();
            read(&batches, &mut decompressor, |body| reader(body, meter))?;
        }
    }
    Ok(())
}

/// What is done with the records of a batch.
type Reader = Box<dyn FnMut(&BatchBody, &mut Meter) -> Result<()>>;

fn read(
    batches: &FetchedBatches,
    decompressor: &mut Decompressor,
    mut reader: impl FnMut(&BatchBody) -> Result<()>,
) -> Result<()> {
    for batch in batches.batches() {
        reader(&batch?.body(decompressor)?)?;
    }
    Ok(())
}

fn borrow(body: &BatchBody, meter: &mut Meter) -> Result<()> {
    for record in body.records() {
        let record = record?;
        meter.add(record.offset(), record.value().unwrap_or_default());
    }
    Ok(())
}

fn read_columns(body: &BatchBody, columns: &mut RecordColumns, meter: &mut Meter) -> Result<()> {
    columns.clear();
    body.records().read_columns(usize::MAX, columns)?;
    for (offset, value) in columns.offsets().iter().zip(columns.values()) {
        meter.add(*offset, value.of(body.bytes()).unwrap_or_default());
    }
    Ok(())
}

/// A record as an application holds it that copies what it is given.
struct Owned {
    offset: i64,
    _timestamp: Option<i64>,
    _key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

fn own(body: &BatchBody, meter: &mut Meter) -> Result<()> {
    let owned: Result<Vec<_>, _> = body
        .records()
        .map(|record| {
            record.map(|record| Owned {
                offset: record.offset(),
                _timestamp: record.timestamp(),
                _key: record.key().map(<[u8]>::to_vec),
                value: record.value().map(<[u8]>::to_vec),
            })
        })
        .collect();
    for record in owned? {
        meter.add(record.offset, record.value.as_deref().unwrap_or_default());
    }
    Ok(())
}

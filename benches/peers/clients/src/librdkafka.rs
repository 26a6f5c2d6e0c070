//! librdkafka: batches out of the consumer's queue, or one message each time; `send`, with a callback for every message
//! or for those that failed.

use std::{
    ptr, slice,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use kavka_bench_line::{Entries, Job, Meter, Work};
use rdkafka::{
    ClientConfig, ClientContext, Message, Offset, TopicPartitionList,
    bindings::{
        rd_kafka_consume_batch_queue, rd_kafka_message_destroy, rd_kafka_message_t,
        rd_kafka_queue_destroy, rd_kafka_queue_get_consumer, rd_kafka_queue_t,
    },
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use crate::{ANSWER_BYTES, BATCH_BYTES, BUFFER_BYTES, LINGER, PARTITION_BYTES, told};

/// Does `job` with librdkafka.
pub fn librdkafka(job: &Job, meter: &mut Meter) -> Result<(), String> {
    match job.work {
        Work::Fetch => fetch(job, meter),
        Work::Produce => produce(job, meter),
    }
}

fn fetch(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let consumer: BaseConsumer = consumer_config(job).create().map_err(told)?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..job.partitions {
        partitions.add_partition_offset(&job.topic, partition, Offset::Offset(0)).map_err(told)?;
    }
    consumer.assign(&partitions).map_err(told)?;
    match job.is_shipped {
        true => poll(&consumer, meter),
        false => poll_batches(&consumer, meter),
    }
}

fn poll(consumer: &BaseConsumer, meter: &mut Meter) -> Result<(), String> {
    while meter.is_waiting() {
        if let Some(message) = consumer.poll(PATIENCE) {
            let message = message.map_err(told)?;
            meter.begin();
            meter.add(message.offset(), message.payload().unwrap_or_default());
        }
    }
    Ok(())
}

fn poll_batches(consumer: &BaseConsumer, meter: &mut Meter) -> Result<(), String> {
    let mut queue = Queue::of(consumer);
    while meter.is_waiting() {
        queue.poll(|offset, value| {
            meter.begin();
            meter.add(offset, value);
        })?;
    }
    Ok(())
}

/// The queue of a consumer, which the Rust crate does not open.
struct Queue<'c> {
    queue: *mut rd_kafka_queue_t,
    batch: Vec<*mut rd_kafka_message_t>,
    _consumer: &'c BaseConsumer,
}

#[expect(unsafe_code, reason = "the batches of librdkafka's queue are there in C only")]
impl<'c> Queue<'c> {
    fn of(consumer: &'c BaseConsumer) -> Self {
        // SAFETY: the client lives as long as the queue, and the reference is given back on drop.
        let queue = unsafe { rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Self { queue, batch: vec![ptr::null_mut(); MOST_MESSAGES], _consumer: consumer }
    }

    /// Calls `read` with offset and value of every message that is there.
    fn poll(&mut self, mut read: impl FnMut(i64, &[u8])) -> Result<(), String> {
        let (batch, room) = (self.batch.as_mut_ptr(), self.batch.len());
        // SAFETY: there is room for as many pointers as it is told.
        let count = unsafe { rd_kafka_consume_batch_queue(self.queue, 1000, batch, room) };
        let count = usize::try_from(count).map_err(|_| "the queue cannot be read")?;
        let mut failure = None;
        for message in self.batch.iter().take(count).copied() {
            // SAFETY: each pointer is to a message of ours until it is destroyed, once.
            unsafe {
                match RDKafkaErrorCode::from((*message).err) {
                    RDKafkaErrorCode::NoError => {
                        let (value, length) = ((*message).payload, (*message).len);
                        read((*message).offset, slice::from_raw_parts(value.cast(), length));
                    }
                    error => failure = Some(error),
                }
                rd_kafka_message_destroy(message);
            }
        }
        failure.map_or(Ok(()), |error| Err(told(error)))
    }
}

#[expect(unsafe_code, reason = "what was taken from C is given back")]
impl Drop for Queue<'_> {
    fn drop(&mut self) {
        // SAFETY: it was taken when this was made.
        unsafe { rd_kafka_queue_destroy(self.queue) }
    }
}

fn consumer_config(job: &Job) -> ClientConfig {
    let mut config = config(job);
    // It wants a group even where none is joined.
    config.set("group.id", "benchmark").set("enable.auto.commit", "false");
    if !job.is_shipped {
        config
            .set("check.crcs", "false")
            .set("enable.auto.offset.store", "false")
            .set("fetch.wait.max.ms", "500")
            .set("fetch.message.max.bytes", PARTITION_BYTES.to_string())
            .set("fetch.max.bytes", ANSWER_BYTES.to_string())
            .set("queued.min.messages", "1000000")
            .set("queued.max.messages.kbytes", "65536");
    }
    config
}

fn produce(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let entries = Entries::of(job)?;
    let producer: BaseProducer<Acknowledged> =
        producer_config(job).create_with_context(Acknowledged::default()).map_err(told)?;
    meter.begin();
    for turn in 0..job.records {
        let (key, value) = entries.entry(turn);
        let mut record =
            BaseRecord::to(&job.topic).key(key).payload(value).partition(job.partition(turn));
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(told(error));
            }
            producer.poll(QUEUE_PATIENCE);
            record = refused;
        }
        if turn % TURNS_BETWEEN_POLLS == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60)).map_err(told)?;
    let Acknowledged { delivered, failed } = producer.context().as_ref();
    match failed.load(Ordering::Relaxed) {
        0 => meter.acknowledge(delivered.load(Ordering::Relaxed)),
        failed => return Err(format!("{failed} messages failed")),
    }
    Ok(())
}

fn producer_config(job: &Job) -> ClientConfig {
    let mut config = config(job);
    config.set("compression.type", &job.codec);
    if !job.is_shipped {
        config
            .set("enable.idempotence", "true")
            .set("batch.size", BATCH_BYTES.to_string())
            .set("linger.ms", LINGER.to_string())
            .set("queue.buffering.max.kbytes", (BUFFER_BYTES >> 10).to_string())
            .set("queue.buffering.max.messages", "0")
            .set("batch.num.messages", "1000000");
    }
    config
}

/// Counts what became of messages.
#[derive(Default)]
struct Acknowledged {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn config(job: &Job) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &job.servers);
    if let Some(ca) = &job.ca {
        config.set("security.protocol", "ssl").set("ssl.ca.location", ca.display().to_string());
    }
    config
}

const PATIENCE: Duration = Duration::from_secs(1);
const QUEUE_PATIENCE: Duration = Duration::from_millis(10);
const TURNS_BETWEEN_POLLS: u64 = 1000;
/// Messages taken out of the queue at once.
const MOST_MESSAGES: usize = 10_000;

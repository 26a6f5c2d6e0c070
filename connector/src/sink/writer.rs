//! [`SinkWriter`]: rows to records, handed to one producer.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use chrono_tz::Tz;
use futures::FutureExt;
use kavka_client::{BatchDelivery, Client, OutgoingRecord, Producer};

use super::SinkPartitioner;
use super::headers::{HeaderRows, Headers};
use crate::cast::cast;
use crate::error::{Error, RowError};
use crate::format::{Payload, SerializationSchema};
use crate::schema::{METADATA_KEY, MetadataKey};

/// What one writer writes, and where to.
#[derive(Clone)]
pub(crate) struct SinkSpec {
    /// The table's name, for errors.
    pub(crate) table: String,
    pub(crate) topic: String,
    /// The columns of every batch.
    pub(crate) schema: SchemaRef,
    pub(crate) key: Option<Payload>,
    pub(crate) value: Payload,
    pub(crate) partitioner: SinkPartitioner,
    /// Which of the sink's writers this is, and how many there are.
    pub(crate) writer: usize,
    pub(crate) writers: usize,
    pub(crate) time_zone: Tz,
}

/// One of the writers of a sink.
///
/// Rows are on their way when [`write`](Self::write) returns and written when [`flush`](Self::flush) does. The first
/// record that cannot be delivered is the error of the next call of either.
pub struct SinkWriter {
    spec: SinkSpec,
    producer: Producer,
    key: Option<Part>,
    value: Part,
    timestamp: Option<(usize, FieldRef)>,
    headers: Option<usize>,
    partition: Option<i32>,
    pending: Vec<BatchDelivery>,
    rows: u64,
    bytes: u64,
}

/// An encoder and where in a batch its columns are.
struct Part {
    encoder: Box<dyn SerializationSchema>,
    columns: Vec<usize>,
}

impl SinkWriter {
    pub(crate) async fn new(
        client: &Client,
        producer: Producer,
        spec: SinkSpec,
    ) -> Result<Self, Error> {
        debug_assert!(spec.writer < spec.writers, "writers are counted from 0");
        let partition = match spec.partitioner {
            SinkPartitioner::Fixed => {
                let topic =
                    client.topic(&spec.topic).await.map_err(|error| cannot_write(&spec, error))?;
                let partitions: Vec<i32> =
                    topic.partitions.iter().map(|partition| partition.partition).collect();
                spec.partitioner.partition_of(spec.writer, &partitions)?
            }
            other => other.partition_of(spec.writer, &[])?,
        };
        Ok(Self {
            key: spec.key.as_ref().map(|key| Part::new(key, &spec.schema)).transpose()?,
            value: Part::new(&spec.value, &spec.schema)?,
            timestamp: metadata(&spec.schema, &[MetadataKey::Timestamp]),
            headers: metadata(&spec.schema, &[MetadataKey::Headers, MetadataKey::HeaderList])
                .map(|(at, _)| at),
            producer,
            partition,
            pending: Vec::new(),
            rows: 0,
            bytes: 0,
            spec,
        })
    }

    /// Hands the rows to the producer, waiting while its buffer is full. Dropping the future may leave some of the
    /// rows handed over and others not.
    ///
    /// # Errors
    /// A row that cannot be encoded, and then none of the batch is written; or an earlier record that could not be
    /// delivered.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.check_pending().await?;
        self.check_columns(batch)?;
        self.check_not_null(batch)?;
        self.encode(batch)?;
        let timestamps = self.timestamps(batch)?;
        let headers = self.headers.map(|at| Headers::of(batch.column(at))).transpose();
        let headers = headers.map_err(|error| self.bad_row(error))?;
        let headers = headers.as_ref().map(Headers::rows);
        self.hand_over(batch.num_rows(), timestamps.as_ref(), headers.as_ref()).await
    }

    /// Makes records of the rows that were encoded last, and gives them to the producer.
    async fn hand_over(
        &mut self,
        rows: usize,
        timestamps: Option<&ArrayRef>,
        headers: Option<&HeaderRows<'_>>,
    ) -> Result<(), Error> {
        let mut bytes = 0;
        let records = (0..rows).map(|row| {
            let key = self.key.as_ref().and_then(|key| key.encoder.row(row));
            let value = self.value.encoder.row(row);
            bytes += key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
            let mut record = OutgoingRecord::to(&self.spec.topic);
            record = self.partition.into_iter().fold(record, OutgoingRecord::partition);
            record = key.into_iter().fold(record, OutgoingRecord::key);
            record = value.into_iter().fold(record, OutgoingRecord::value);
            record = timestamp(timestamps, row).into_iter().fold(record, OutgoingRecord::timestamp);
            match headers {
                Some(headers) => record.headers(headers.row(row)),
                None => record,
            }
        });
        let delivery = self
            .producer
            .send_batch(records)
            .await
            .map_err(|error| cannot_write(&self.spec, error))?;
        self.pending.push(delivery);
        self.rows += rows as u64;
        self.bytes += bytes as u64;
        Ok(())
    }

    /// Waits until every row written so far is acknowledged. Dropping the future stops the waiting, not the rows.
    ///
    /// # Errors
    /// The first record that could not be delivered.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.producer.flush().await;
        // All of them are settled, and the flush has told of the first that failed: it is not told again.
        self.pending.clear();
        flushed.map_err(|error| undelivered(&self.spec, error))
    }

    /// The error of the next record that cannot be delivered; for ever pending while all can.
    ///
    /// Whoever waits for input waits for this too: a quiet input must not hide that rows were refused. Dropping the
    /// future loses nothing.
    pub async fn failure(&mut self) -> Error {
        while let Some(oldest) = self.pending.first_mut() {
            let outcome = oldest.await;
            self.pending.drain(..1);
            if let Err(error) = outcome {
                return undelivered(&self.spec, error);
            }
        }
        std::future::pending().await
    }

    /// Rows handed to the producer.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of keys and values handed to the producer.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets deliveries that are done, and reports the first that failed. Beyond a number of open ones the oldest
    /// is waited for, so that the list stays short.
    async fn check_pending(&mut self) -> Result<(), Error> {
        let mut open = Vec::with_capacity(self.pending.len());
        for mut delivery in self.pending.drain(..) {
            match (&mut delivery).now_or_never() {
                Some(result) => result.map_err(|error| undelivered(&self.spec, error))?,
                None => open.push(delivery),
            }
        }
        self.pending = open;
        if self.pending.len() >= MOST_PENDING {
            self.pending.remove(0).await.map_err(|error| undelivered(&self.spec, error))?;
        }
        Ok(())
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let encoded = self.value.encode(batch).and_then(|()| match &mut self.key {
            Some(key) => key.encode(batch),
            None => Ok(()),
        });
        encoded.map_err(|error| self.bad_row(error))
    }

    fn check_columns(&self, batch: &RecordBatch) -> Result<(), Error> {
        let (given, taken) = (batch.num_columns(), self.spec.schema.fields().len());
        if given == taken {
            return Ok(());
        }
        let table = &self.spec.table;
        Err(Error::schema(format!("table {table} takes {taken} columns, and {given} were given")))
    }

    /// Formats write a null wherever they find one, so a NOT NULL column is checked here, as Flink's sinks do.
    fn check_not_null(&self, batch: &RecordBatch) -> Result<(), Error> {
        let fields = self.spec.schema.fields().iter().zip(batch.columns());
        match fields
            .into_iter()
            .find(|(field, column)| !field.is_nullable() && column.null_count() > 0)
        {
            None => Ok(()),
            Some((field, _)) => Err(self.bad_row(
                RowError::new("Column is NOT NULL, however, a null value is being written into it")
                    .in_column(field.name()),
            )),
        }
    }

    /// The timestamps of a batch, if the table has a column for them.
    fn timestamps(&self, batch: &RecordBatch) -> Result<Option<ArrayRef>, Error> {
        let Some((at, field)) = &self.timestamp else { return Ok(None) };
        let target = DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, Some("UTC".into()));
        let bad = |error: RowError| self.bad_row(error.in_column(field.name()));
        let timestamps = cast(batch.column(*at), &target, self.spec.time_zone)
            .map_err(|error| bad(RowError::new("no timestamp of a record").with_source(error)))?;
        let counts = timestamps.as_primitive::<TimestampMillisecondType>();
        // The protocol would take it for a record without a timestamp.
        if let Some(negative) = counts.iter().flatten().find(|count| *count < 0) {
            return Err(bad(RowError::new(format!(
                "Invalid timestamp: {negative}. Timestamp should always be non-negative or null."
            ))));
        }
        Ok(Some(timestamps))
    }

    fn bad_row(&self, error: RowError) -> Error {
        Error::row(format!("cannot write a row to table {}", self.spec.table), error)
    }
}

impl Part {
    fn new(payload: &Payload, schema: &Schema) -> Result<Self, Error> {
        let columns = payload.columns.iter().map(|column| {
            let missing = || Error::schema(format!("column \"{}\" is not written", column.column));
            schema.index_of(&column.column).map_err(|_| missing())
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self { encoder: payload.format.encoder(&payload.target(|_| true))?, columns })
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let batch = batch
            .project(&self.columns)
            .map_err(|error| RowError::new("the columns do not fit").with_source(error))?;
        self.encoder.encode(&batch)
    }
}

fn timestamp(timestamps: Option<&ArrayRef>, row: usize) -> Option<i64> {
    let timestamps = timestamps?.as_primitive::<TimestampMillisecondType>();
    timestamps.is_valid(row).then(|| timestamps.value(row))
}

/// Where the column is that writes one of these keys.
fn metadata(schema: &Schema, keys: &[MetadataKey]) -> Option<(usize, FieldRef)> {
    let written = |field: &FieldRef| MetadataKey::from_name(field.metadata().get(METADATA_KEY)?);
    let at = schema
        .fields()
        .iter()
        .position(|field| written(field).is_some_and(|key| keys.contains(&key)))?;
    Some((at, schema.fields().get(at)?.clone()))
}

fn cannot_write(spec: &SinkSpec, error: kavka_client::Error) -> Error {
    Error::client(format!("cannot write to table {}", spec.table), error)
}

/// Flink's words, which users search for.
fn undelivered(spec: &SinkSpec, error: kavka_client::Error) -> Error {
    let table = &spec.table;
    let message = format!(
        "One or more Kafka Producer send requests have encountered exception, writing to table {table}"
    );
    Error::client(message, error)
}

/// Enough to keep a producer busy; each is a whole batch of rows.
const MOST_PENDING: usize = 256;

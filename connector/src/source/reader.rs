//! [`SourceReader`]: reads splits and hands out record batches.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use kavka_client::protocol::{
    BatchBody, DecodeError, Decompressor, LeaderEpoch, Offset, RecordsPosition, TimestampType,
    TopicPartition, VisibleBatches,
};
use kavka_client::{Consumer, FetchedBatches, PositionReset};

use super::assembler::{Assembler, AssemblerSpec, BadRecord, RecordContext};
use super::split::Split;
use crate::error::{Error, ErrorKind};

/// When rows are handed out before their fetch is through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// What becomes of a read when a topic is deleted under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoneTopic {
    /// It ends: the topic was asked for by name, or was to be read up to an end.
    Ends,
    /// It goes on with the other topics, and with this one when there is one of that name again.
    IsAwaited,
}

/// Reads its splits until each has reached its stop, and decodes on the caller's thread.
pub struct SourceReader {
    consumer: Consumer,
    /// Splits that are still read.
    open: Vec<Split>,
    assembler: Assembler,
    schema: SchemaRef,
    limits: BatchLimits,
    when_gone: GoneTopic,
    /// Topics that are gone and waited for.
    gone: BTreeSet<Arc<str>>,
    /// Fetched and not yet decoded.
    fetched: VecDeque<Undecoded>,
    progress: SourceProgress,
    passed_over: Vec<PassedOver>,
    decompressor: Decompressor,
    /// What comes after the rows that were decoded before it.
    failure: Option<Error>,
    /// A failure was handed out: what would come next is not what comes next in the topic.
    has_failed: bool,
}

/// One batch of rows, and how far each partition is with it.
#[derive(Clone, Debug)]
pub struct SourceBatch {
    /// The rows.
    pub batch: RecordBatch,
    /// Everything before these offsets is in this batch or an earlier one.
    pub progress: SourceProgress,
    /// Payload bytes that were decoded for these rows.
    pub bytes: usize,
}

/// For each partition that moved, the next offset to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceProgress(Vec<(TopicPartition, Offset)>);

/// Offsets of a split that were not read, because they lay outside of the log when their turn came: mostly because
/// retention had deleted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// How many offsets; each may have held a record.
    pub offsets: u64,
}

/// The rest of what one fetch brought of one partition.
struct Undecoded {
    fetched: FetchedBatches,
    batches: VisibleBatches,
    /// A batch that did not fit into the rows handed out last.
    open: Option<OpenBatch>,
    stop: Option<Offset>,
    /// The next offset to decode.
    next: Offset,
}

/// A batch whose records are decoded up to a position.
struct OpenBatch {
    body: BatchBody,
    position: RecordsPosition,
    timestamp_type: TimestampType,
    leader_epoch: Option<LeaderEpoch>,
    next_offset: Offset,
}

impl SourceProgress {
    /// The partitions that moved and where they are.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, Offset)> {
        self.0.iter().map(|(tp, next)| (tp, *next))
    }

    /// The error that the rows behind this progress, which nobody was given, could not be put together.
    #[cold]
    fn lost(&self, cause: Error) -> Error {
        let places: Vec<String> =
            self.iter().map(|(tp, next)| format!("{tp} before offset {next}")).collect();
        let message = format!("cannot put together the rows read of {}", places.join(", "));
        Error::new(cause.kind(), message).with_source(cause)
    }

    fn set(&mut self, tp: &TopicPartition, next: Offset) {
        match self.0.iter_mut().find(|(known, _)| known == tp) {
            Some((_, position)) => *position = next,
            None => self.0.push((tp.clone(), next)),
        }
    }
}

impl SourceReader {
    pub(crate) fn new(
        mut consumer: Consumer,
        splits: Vec<Split>,
        spec: &AssemblerSpec,
        limits: BatchLimits,
        when_gone: GoneTopic,
    ) -> Result<Self, Error> {
        let open: Vec<Split> = splits.into_iter().filter(|split| !split.is_empty()).collect();
        consumer.add(open.iter().map(Split::place));
        Ok(Self {
            consumer,
            open,
            assembler: Assembler::new(spec)?,
            schema: spec.schema.clone(),
            limits,
            when_gone,
            gone: BTreeSet::new(),
            fetched: VecDeque::new(),
            progress: SourceProgress::default(),
            passed_over: Vec::new(),
            decompressor: Decompressor::default(),
            failure: None,
            has_failed: false,
        })
    }

    /// Reads these splits too, from the next [`next`](Self::next) on. Their partitions are none that it reads already.
    pub fn add(&mut self, splits: Vec<Split>) {
        let splits: Vec<Split> = splits.into_iter().filter(|split| !split.is_empty()).collect();
        self.consumer.add(splits.iter().map(Split::place));
        self.open.extend(splits);
    }

    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next rows; `None` when every split is read to its stop. A read without stops waits for new records and
    /// hands out what there is rather than waiting for full batches.
    ///
    /// Dropping the future loses nothing: what was read comes with the next call.
    ///
    /// # Errors
    /// A record that cannot be decoded, after the rows before it were handed out; the error names topic, partition,
    /// offset and column. The reader is of no use afterwards. Whatever the consumer cannot handle itself; then calling
    /// again tries again.
    pub async fn next(&mut self) -> Result<Option<SourceBatch>, Error> {
        if self.has_failed {
            return Err(Error::new(
                ErrorKind::Row,
                "the reader has met a bad record and ended there",
            ));
        }
        loop {
            if let Some(batch) = self.decode()? {
                return Ok(Some(batch));
            }
            if let Some(failure) = self.failure.take() {
                self.has_failed = true;
                return Err(failure);
            }
            self.close_finished();
            if self.open.is_empty() {
                return Ok(None);
            }
            let fetch = match self.consumer.poll().await {
                Ok(fetch) => fetch,
                Err(error) if self.awaits(&error) => continue,
                Err(error) => return Err(Error::client("cannot read", error)),
            };
            self.note_resets(fetch.resets());
            for fetched in fetch.into_partitions() {
                let tp = fetched.topic_partition();
                self.gone.remove(&tp.topic);
                let split = self.open.iter().find(|split| split.topic_partition == *tp);
                let undecoded = split.map(|split| Undecoded::new(fetched, split.stop));
                self.fetched.extend(undecoded);
            }
        }
    }

    /// What was passed over since the last call. It comes after all rows before it, and also when no row follows.
    pub fn take_passed_over(&mut self) -> Vec<PassedOver> {
        std::mem::take(&mut self.passed_over)
    }

    /// Whether `error` is that a topic is gone which is waited for. It is said once.
    fn awaits(&mut self, error: &kavka_client::Error) -> bool {
        let is_gone = matches!(
            error.kind(),
            kavka_client::ErrorKind::UnknownTopic | kavka_client::ErrorKind::UnknownPartition
        );
        let (GoneTopic::IsAwaited, true, Some(tp)) =
            (self.when_gone, is_gone, &error.place().topic_partition)
        else {
            return false;
        };
        if self.gone.insert(Arc::clone(&tp.topic)) {
            tracing::warn!("topic {} is gone; the others that match are read on", tp.topic);
        }
        true
    }

    fn note_resets(&mut self, resets: &[PositionReset]) {
        for reset in resets {
            let tp = &reset.topic_partition;
            let Some(split) = self.open.iter().find(|split| split.topic_partition == *tp) else {
                continue;
            };
            // What lies behind the stop was not to be read.
            let end = split.stop.map_or(reset.to, |stop| stop.min(reset.to));
            let offsets = u64::try_from(end.saturating_sub(reset.from)).unwrap_or_default();
            if offsets > 0 {
                self.passed_over.push(PassedOver { topic_partition: tp.clone(), offsets });
            }
        }
    }

    /// Decodes what was fetched, up to a full batch. Rows that are there come out even when the batch is not full:
    /// nobody knows when the next fetch brings more.
    fn decode(&mut self) -> Result<Option<SourceBatch>, Error> {
        let Self { assembler, decompressor, limits, .. } = self;
        let mut target = Target { assembler, decompressor, limits: *limits };
        while self.failure.is_none() && !target.is_full() {
            let Some(undecoded) = self.fetched.front_mut() else { break };
            self.failure = undecoded.decode(&mut target).err();
            self.progress.set(undecoded.fetched.topic_partition(), undecoded.next);
            if undecoded.is_done() {
                self.fetched.pop_front();
            }
        }
        if self.assembler.rows() == 0 {
            return Ok(None);
        }
        let bytes = self.assembler.bytes();
        match self.assembler.finish() {
            Ok(batch) => {
                let progress = std::mem::take(&mut self.progress);
                Ok(Some(SourceBatch { batch, progress, bytes }))
            }
            Err(error) => {
                // Its rows are gone, so nothing may come after them.
                self.has_failed = true;
                Err(self.progress.lost(error))
            }
        }
    }

    /// A split is finished when the *position* has reached its stop: the records before it may be gone, or be the
    /// markers of transactions.
    fn close_finished(&mut self) {
        let consumer = &self.consumer;
        let (finished, open) =
            std::mem::take(&mut self.open).into_iter().partition::<Vec<_>, _>(|split| {
                let position = consumer.position(&split.topic_partition);
                split.stop.is_some_and(|stop| position.is_some_and(|position| position >= stop))
            });
        self.open = open;
        if !finished.is_empty() {
            let finished: Vec<_> =
                finished.into_iter().map(|split| split.topic_partition).collect();
            self.consumer.unassign(&finished);
        }
    }
}

/// Where decoded records go.
struct Target<'a> {
    assembler: &'a mut Assembler,
    decompressor: &'a mut Decompressor,
    limits: BatchLimits,
}

impl Target<'_> {
    fn is_full(&self) -> bool {
        self.assembler.rows() >= self.limits.rows || self.assembler.bytes() >= self.limits.bytes
    }
}

impl Undecoded {
    fn new(fetched: FetchedBatches, stop: Option<Offset>) -> Self {
        Self { batches: fetched.batches(), next: fetched.first_offset(), open: None, fetched, stop }
    }

    /// Decodes until the target is full or everything is decoded; `next` says how far it came.
    fn decode(&mut self, target: &mut Target<'_>) -> Result<(), Error> {
        while !target.is_full() && !self.is_done() {
            let open = match self.open.take() {
                Some(open) => Some(open),
                None => self.open_next(target.decompressor)?,
            };
            match open {
                Some(open) => self.append(open, target)?,
                None => self.next = self.fetched.next_offset(),
            }
        }
        Ok(())
    }

    fn open_next(&mut self, decompressor: &mut Decompressor) -> Result<Option<OpenBatch>, Error> {
        let Some(batch) = self.batches.next() else { return Ok(None) };
        let opened = batch.and_then(|batch| Ok((batch.body(decompressor)?, batch)));
        let (body, batch) = opened.map_err(|error| self.damaged(error))?;
        Ok(Some(OpenBatch {
            position: body.records().position(),
            body,
            timestamp_type: batch.timestamp_type(),
            leader_epoch: batch.leader_epoch(),
            next_offset: batch.next_offset(),
        }))
    }

    /// Appends records of one batch until the target is full, the stop is reached or there are no more.
    fn append(&mut self, mut open: OpenBatch, target: &mut Target<'_>) -> Result<(), Error> {
        let tp = self.fetched.topic_partition();
        let context = RecordContext {
            topic: &tp.topic,
            partition: tp.partition,
            leader_epoch: open.leader_epoch,
            timestamp_type: open.timestamp_type,
        };
        let mut records = open.body.resume(open.position);
        while !target.is_full() {
            let Some(record) = records.next() else {
                self.next = open.next_offset;
                return Ok(());
            };
            let record = record.map_err(|error| self.damaged(error))?;
            if let Some(stop) = self.stop.filter(|stop| record.offset() >= *stop) {
                self.next = stop;
                return Ok(());
            }
            let appended = target.assembler.append(&record, &context);
            appended.map_err(|bad| bad_record(tp, record.offset(), bad))?;
            self.next = record.offset() + 1;
        }
        open.position = records.position();
        self.open = Some(open);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.next >= self.fetched.next_offset() || self.stop.is_some_and(|stop| self.next >= stop)
    }

    fn damaged(&self, error: DecodeError) -> Error {
        Error::client("cannot read", self.fetched.damaged(self.next, error))
    }
}

fn bad_record(tp: &TopicPartition, offset: Offset, bad: BadRecord) -> Error {
    Error::row(
        format!(
            "Failed to deserialize consumer record due to the {} of {tp} at offset {offset}",
            bad.part
        ),
        bad.error,
    )
}

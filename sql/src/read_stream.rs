//! One reader of a scan: splits in, decoded, filtered and projected batches out.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder,
};
use futures::stream::{self, Stream, TryStreamExt};
use kavka_connector::client::protocol::{Offset, TopicPartition};
use kavka_connector::{ReaderSpec, SourceBatch, SourceReader, Split};

use crate::discovery::Search;
use crate::error::Error;
use crate::progress::QueryProgress;
use crate::read_exec::Scan;
use crate::row_limit::RowLimit;
use crate::splits::decode_splits;
use crate::unary::rows_that_meet;

/// What one reader works with.
pub(crate) struct ReadContext {
    pub(crate) scan: Scan,
    pub(crate) limit: Option<RowLimit>,
    pub(crate) batch_size: usize,
    pub(crate) progress: Arc<QueryProgress>,
    pub(crate) metrics: ExecutionPlanMetricsSet,
    pub(crate) partition: usize,
}

/// The rows of the splits that `descriptors` describes. Nothing is read before the first poll, and dropping the
/// stream ends the reading.
pub(crate) fn read_splits(
    descriptors: SendableRecordBatchStream,
    context: ReadContext,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let opened = stream::once(Reading::open(descriptors, context));
    opened.map_ok(|reading| stream::try_unfold(reading, Reading::step)).try_flatten()
}

struct Reading {
    reader: SourceReader,
    positions: Positions,
    scan: Scan,
    limit: Option<RowLimit>,
    search: Option<Search>,
    /// There is nothing to read until the search finds something.
    is_idle: bool,
    progress: Arc<QueryProgress>,
    metrics: ReadMetrics,
}

/// The next offset of each split.
struct Positions(HashMap<TopicPartition, Offset>);

/// What `EXPLAIN ANALYZE` shows.
struct ReadMetrics {
    baseline: BaselineMetrics,
    rows_read: Count,
    bytes_read: Count,
}

impl Reading {
    async fn open(descriptors: SendableRecordBatchStream, context: ReadContext) -> Result<Self> {
        let rows: Vec<RecordBatch> = descriptors.try_collect().await?;
        let splits: Result<Vec<_>> = rows.iter().map(decode_splits).collect();
        let ReadContext { scan, limit, batch_size, progress, metrics, partition } = context;
        let splits = splits?.concat();
        let starts = splits.iter().map(|split| (split.topic_partition.clone(), split.start));
        let positions = Positions(starts.collect());
        let spec = ReaderSpec {
            splits,
            projection: scan.columns.clone(),
            batch_size,
            is_bounded: scan.is_bounded,
            ..ReaderSpec::default()
        };
        let reader = scan.source.reader(spec)?;
        let metrics = ReadMetrics::new(&metrics, partition);
        // New partitions are the first reader's.
        let discovery = scan.discovery.clone().filter(|_| partition == 0);
        let search = discovery.map(|discovery| Search::new(scan.source.clone(), discovery));
        let is_idle = false;
        Ok(Self { reader, positions, scan, limit, search, is_idle, progress, metrics })
    }

    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        Ok(self.next().await?.map(|batch| (batch, self)))
    }

    /// The next batch with rows in it; `None` when the splits or the limit are used up.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(read) = self.read().await? else {
                self.metrics.baseline.done();
                return Ok(None);
            };
            let rows = {
                let _timer = self.metrics.baseline.elapsed_compute().timer();
                self.scan.apply(&read.batch)?
            };
            let rows = self.within_limit(rows);
            if rows.num_rows() > 0 {
                self.metrics.baseline.record_output(rows.num_rows());
                return Ok(Some(rows));
            }
            // A filter that matches nothing must not keep the thread from everybody else.
            tokio::task::consume_budget().await;
        }
    }

    async fn read(&mut self) -> Result<Option<SourceBatch>> {
        let read = loop {
            tokio::select! {
                biased;
                () = used_up(self.limit.as_ref()) => break Ok(None),
                found = next_found(self.search.as_mut()) => self.add(found),
                read = self.reader.next(), if !self.is_idle => match read {
                    Ok(None) if self.search.is_some() => self.is_idle = true,
                    read => break read,
                },
            }
        };
        self.progress.add_passed_over(self.reader.take_passed_over());
        let read = read.map_err(Error::from)?;
        if let Some(read) = &read {
            self.account(read);
        }
        Ok(read)
    }

    fn add(&mut self, found: Vec<Split>) {
        let starts = found.iter().map(|split| (split.topic_partition.clone(), split.start));
        self.positions.0.extend(starts);
        self.reader.add(found);
        self.is_idle = false;
    }

    fn account(&mut self, read: &SourceBatch) {
        self.metrics.rows_read.add(read.batch.num_rows());
        self.metrics.bytes_read.add(read.bytes);
        let passed = read.progress.iter().map(|(tp, next)| self.positions.advance(tp, next)).sum();
        self.progress.add_read(read.batch.num_rows() as u64, read.bytes as u64, passed);
    }

    fn within_limit(&self, rows: RecordBatch) -> RecordBatch {
        match &self.limit {
            Some(limit) => rows.slice(0, limit.draw(rows.num_rows())),
            None => rows,
        }
    }
}

/// For ever pending without a limit.
async fn used_up(limit: Option<&RowLimit>) {
    match limit {
        Some(limit) => limit.used_up().await,
        None => std::future::pending().await,
    }
}

/// For ever pending without a search.
async fn next_found(search: Option<&mut Search>) -> Vec<Split> {
    match search {
        Some(search) => search.next().await,
        None => std::future::pending().await,
    }
}

impl Positions {
    /// How many offsets lie between the last position of `tp` and `next`.
    fn advance(&mut self, tp: &TopicPartition, next: Offset) -> u64 {
        let Some(position) = self.0.get_mut(tp) else {
            return 0;
        };
        let passed = next.saturating_sub(std::mem::replace(position, next));
        u64::try_from(passed).unwrap_or_default()
    }
}

impl ReadMetrics {
    fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        Self {
            baseline: BaselineMetrics::new(metrics, partition),
            rows_read: MetricBuilder::new(metrics).counter("rows_read", partition),
            bytes_read: MetricBuilder::new(metrics).counter("bytes_read", partition),
        }
    }
}

impl Scan {
    /// The rows of `batch` that pass the filter, in the columns to hand on.
    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let projected = project(batch, &self.projection, &self.schema)?;
        let Some(predicate) = &self.predicate else {
            return Ok(projected);
        };
        Ok(filter_record_batch(&projected, &rows_that_meet(predicate, batch)?)?)
    }
}

fn project(batch: &RecordBatch, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
    let arrays = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}

//! What one fetched slice of a log shows to a reader: from its position on, without markers, and
//! under `read_committed` without what was aborted.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;

use crate::{
    error::DecodeError,
    ids::{LeaderEpoch, Offset, ProducerId},
    record::{BatchView, Batches, ControlType},
};

/// Which records of transactions a reader sees (`isolation.level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    /// All of them, as soon as they are in the log.
    #[default]
    ReadUncommitted,
    /// Those of committed transactions.
    ReadCommitted,
}

/// The aborted transactions that a broker names with a fetched slice: whose they are and where each
/// began. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbortedTransactions {
    /// By first offset, whatever order they came in; `None` is the usual case, without any.
    transactions: Option<Arc<[(ProducerId, Offset)]>>,
}

impl AbortedTransactions {
    /// The transactions by their first offset.
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, Offset)> + '_ {
        self.as_slice().iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether nothing was aborted.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    fn as_slice(&self) -> &[(ProducerId, Offset)] {
        self.transactions.as_deref().unwrap_or_default()
    }
}

impl FromIterator<(ProducerId, Offset)> for AbortedTransactions {
    fn from_iter<I: IntoIterator<Item = (ProducerId, Offset)>>(transactions: I) -> Self {
        let mut transactions: Vec<_> = transactions.into_iter().collect();
        if transactions.is_empty() {
            return Self::default();
        }
        // Some brokers send them in another order than that of the log.
        transactions.sort_unstable_by_key(|(producer, first)| (*first, *producer));
        Self { transactions: Some(transactions.into()) }
    }
}

/// The batches of a fetched slice that hold something for a reader.
///
/// Batches below the position, control batches, empty ones and, under `read_committed`, aborted ones
/// are passed over. Ends after the first error.
///
/// # Examples
/// What a reader at the offset 7 sees of a Fetch answer:
/// ```
/// # use bytes::{BufMut, Bytes};
/// use kavka_protocol::{Decompressor, FetchResponse, IsolationLevel, VisibleBatches};
/// # use kavka_protocol::{BatchBuilder, Compression, Compressor, DecodeError, LeaderEpoch, assign_offsets};
/// # let mut builder = BatchBuilder::new(Compression::Zstd, None);
/// # for value in ["a", "b", "c"] {
/// #     builder.append(1_700_000_000_000, None, Some(value.as_bytes()), []).unwrap();
/// # }
/// # let batch = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
/// # let mut batch = batch.to_vec();
/// # assign_offsets(&mut batch, 6, LeaderEpoch(0), None).unwrap();
/// # let mut answer = Vec::new();
/// # answer.put_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 6]);
/// # answer.put_slice(b"orders");
/// # answer.put_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
/// # answer.put_i64(9);
/// # answer.put_i64(9);
/// # answer.put_i32(0);
/// # answer.put_i32(batch.len().try_into().unwrap());
/// # answer.put_slice(&batch);
/// # let (answer, version) = (Bytes::from(answer), 4);
///
/// let mut decompressor = Decompressor::new();
/// let mut seen = Vec::new();
/// for partition in FetchResponse::parse(answer, version)?.partitions() {
///     let partition = partition?;
///     let isolation = IsolationLevel::ReadCommitted;
///     let aborted = partition.aborted_transactions;
///     let mut batches = VisibleBatches::new(partition.records, 7, isolation, aborted);
///     for batch in &mut batches {
///         // Checks the checksum and decompresses; the records are slices of what that gives.
///         let body = batch?.body(&mut decompressor)?;
///         for record in body.records() {
///             let record = record?;
///             seen.push((record.offset(), record.value().map(<[u8]>::to_vec)));
///         }
///     }
///     // Where the next fetch begins.
///     assert_eq!(batches.next_offset(), 9);
/// }
/// assert_eq!(seen, [(7, Some(b"b".to_vec())), (8, Some(b"c".to_vec()))]);
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VisibleBatches {
    batches: Batches,
    /// A batch that was opened before, and comes first.
    opened: Option<BatchView>,
    /// Where the reader is; below it nothing comes out, should the log say anything twice.
    next_offset: Offset,
    /// The epoch of the last batch that came out or was passed over.
    leader_epoch: Option<LeaderEpoch>,
    isolation: IsolationLevel,
    aborted: AbortedTransactions,
    /// How many of the aborted transactions have begun.
    begun: usize,
    /// Whose transaction at this point of the log will turn out to be aborted.
    aborting: HashSet<ProducerId>,
}

impl VisibleBatches {
    /// What `records` shows to a reader at the position `from`.
    pub fn new(
        records: Bytes,
        from: Offset,
        isolation: IsolationLevel,
        aborted: AbortedTransactions,
    ) -> Self {
        Self {
            batches: Batches::new(records),
            opened: None,
            next_offset: from,
            leader_epoch: None,
            isolation,
            aborted,
            begun: 0,
            aborting: HashSet::new(),
        }
    }

    /// Only `batch`, which reaches up to `next_offset` as far as the reader is concerned.
    pub fn of(batch: BatchView, next_offset: Offset) -> Self {
        let nothing = Self::new(
            Bytes::new(),
            next_offset,
            IsolationLevel::ReadUncommitted,
            AbortedTransactions::default(),
        );
        Self { opened: Some(batch), ..nothing }
    }

    /// The position after everything that came out or was passed over so far.
    pub const fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// How many bytes of the log are left to be walked.
    pub fn size_in_bytes(&self) -> usize {
        self.batches.rest().len()
    }

    /// The epoch of the leader that appended the last batch that came out or was passed over so far.
    pub const fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.leader_epoch
    }

    /// Splits off the next batches, as many as hold at most `limit` records together; the others stay
    /// here. What aborted transactions hide does not count.
    ///
    /// # Errors
    /// A damaged header, unless batches come before it.
    pub fn split_off_first(&mut self, limit: usize) -> Result<Self, DecodeError> {
        let mut before = self.clone();
        let (mut count, mut split) = (0, false);
        if let Some(opened) = &self.opened {
            count = opened.record_count();
            if count > limit {
                (before.opened, before.batches) = (None, Batches::new(Bytes::new()));
                return Ok(before);
            }
            (self.opened, split) = (None, true);
        }
        loop {
            let mut ahead = self.clone();
            match ahead.step() {
                Ok(None) => break,
                Ok(Some((batch, is_visible))) => {
                    count = count.saturating_add(if is_visible { batch.most_records() } else { 0 });
                    if count > limit {
                        break;
                    }
                }
                Err(error) if !split => return Err(error),
                Err(_) => break,
            }
            (*self, split) = (ahead, true);
        }
        let taken = before.batches.rest().len() - self.batches.rest().len();
        let records = before.batches.rest().slice(..taken);
        Ok(Self { batches: Batches::new(records), ..before })
    }

    fn take(&mut self) -> Result<Option<BatchView>, DecodeError> {
        while let Some((batch, is_visible)) = self.step()? {
            if is_visible {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// The next batch of the log, and whether it is one that comes out: for whoever has to know of the
    /// others, too.
    ///
    /// # Errors
    /// A damaged header, or a damaged marker of a transaction that may be one of the aborted.
    pub fn step(&mut self) -> Result<Option<(BatchView, bool)>, DecodeError> {
        if let Some(opened) = self.opened.take() {
            return Ok(Some((opened, true)));
        }
        let Some(batch) = self.batches.next().transpose()? else {
            return Ok(None);
        };
        let (is_visible, floor) = (self.is_visible(&batch)?, self.next_offset);
        self.next_offset = floor.max(batch.next_offset());
        self.leader_epoch = batch.leader_epoch();
        Ok(Some((batch.with_floor(floor), is_visible)))
    }

    fn is_visible(&mut self, batch: &BatchView) -> Result<bool, DecodeError> {
        let is_aborted =
            self.isolation == IsolationLevel::ReadCommitted && self.is_aborted(batch)?;
        let is_data = !batch.is_control() && batch.record_count() > 0;
        Ok(is_data && !is_aborted && batch.last_offset() >= self.next_offset)
    }

    /// A transaction is aborted from its first offset until the marker of its producer.
    fn is_aborted(&mut self, batch: &BatchView) -> Result<bool, DecodeError> {
        self.begin_aborted(batch.last_offset());
        let Some(producer) = batch.producer_id().filter(|id| self.aborting.contains(id)) else {
            return Ok(false);
        };
        if batch.is_control() {
            if batch.record_count() > 0 && ControlType::parse(batch)? == ControlType::Abort {
                self.aborting.remove(&producer);
            }
            return Ok(false);
        }
        Ok(batch.is_transactional())
    }

    fn begin_aborted(&mut self, until: Offset) {
        let rest = self.aborted.as_slice().get(self.begun..).unwrap_or_default();
        let begun = rest.iter().take_while(|(_, first)| *first <= until);
        for (producer, _) in begun.clone() {
            self.aborting.insert(*producer);
        }
        self.begun += begun.count();
    }
}

impl Iterator for VisibleBatches {
    type Item = Result<BatchView, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.take().transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.batches = Batches::new(Bytes::new());
        }
        batch
    }
}

impl std::iter::FusedIterator for VisibleBatches {}

/// The position after all of `records` for a reader at `from`; only headers are read.
pub fn next_offset_after(records: &Bytes, from: Offset) -> Result<Offset, DecodeError> {
    Batches::new(records.clone()).try_fold(from, |next, batch| Ok(batch?.next_offset().max(next)))
}

#[cfg(test)]
mod tests;

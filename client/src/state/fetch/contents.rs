//! `Contents`: how much of what was fetched is for the application, told by the headers of batches.

use kavka_protocol::{BatchView, VisibleBatches};

/// What some batches hold for the application; control batches and aborted ones hold nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// See [`BatchView::most_records`] for how exact it is.
    pub(crate) records: usize,
    /// A batch that is handed out in parts counts with the first of them.
    pub(crate) batches: usize,
    /// The size of those batches on the wire.
    pub(crate) bytes: usize,
}

impl Contents {
    /// Those of everything up to the end, or to where the log cannot be walked.
    pub(crate) fn of(batches: &VisibleBatches) -> Self {
        let mut contents = Self::default();
        batches.clone().map_while(Result::ok).for_each(|batch| contents.add(&batch));
        contents
    }

    pub(crate) fn of_batch(batch: &BatchView) -> Self {
        Self { records: batch.most_records(), batches: 1, bytes: batch.size_in_bytes() }
    }

    pub(crate) fn add(&mut self, batch: &BatchView) {
        let more = Self::of_batch(batch);
        self.records = self.records.saturating_add(more.records);
        self.batches += more.batches;
        self.bytes += more.bytes;
    }

    /// Takes out `part`.
    pub(crate) fn remove(&mut self, part: Self) {
        self.records = self.records.saturating_sub(part.records);
        self.batches = self.batches.saturating_sub(part.batches);
        self.bytes = self.bytes.saturating_sub(part.bytes);
    }
}

//! `Queue`: the pieces of one partition, handed out whole or in parts of so many records
//! (`max.poll.records`).
//!
//! Parts end between batches as long as they can. Only a batch that alone holds more records than are
//! wanted is opened, once, and its records are handed out from there on.

use std::collections::VecDeque;

use kavka_protocol::{BatchBody, BatchView, Offset, VisibleBatches};

use super::buffer::Piece;
use super::contents::Contents;
use super::stage::FetchPosition;

/// What was fetched of one partition and not handed out.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pieces: VecDeque<Piece>,
    /// What stands in front of the first piece.
    opened: Option<Opened>,
    /// Whether a part of the first piece was handed out.
    is_begun: bool,
}

/// A batch whose records are handed out part by part.
#[derive(Debug)]
struct Opened {
    batch: BatchView,
    /// The records that are left; `None` if they cannot be read, which is for the application to find.
    rest: Option<BatchBody>,
    from: Offset,
    /// Behind the batch.
    end: FetchPosition,
    /// Whether the batch was counted, with the first of its parts.
    is_counted: bool,
    /// What is left of the budget that it takes.
    size: usize,
}

/// What a queue has to hand out.
#[expect(clippy::large_enum_variant, reason = "taken apart where it arrives, and never stored")]
pub(crate) enum Part {
    Nothing,
    Piece(Piece),
    /// The next batch holds more records than are wanted.
    Unopened(BatchView),
}

impl Queue {
    pub(crate) fn push(&mut self, piece: Piece) {
        self.pieces.push_back(piece);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the rest of a piece comes next.
    pub(crate) fn is_begun(&self) -> bool {
        self.is_begun && !self.is_empty()
    }

    pub(crate) fn size(&self) -> usize {
        let opened = self.opened.as_ref().map_or(0, |opened| opened.size);
        opened + self.pieces.iter().map(|piece| piece.size).sum::<usize>()
    }

    /// The rest of the oldest piece, or as much of it as holds at most `limit` records.
    pub(crate) fn take(&mut self, limit: Option<usize>) -> Part {
        if self.opened.is_some() {
            return self.take_opened(limit.unwrap_or(usize::MAX));
        }
        let Some(limit) = limit else { return self.take_piece() };
        let Some(piece) = self.pieces.front_mut() else { return Part::Nothing };
        let mut rest = piece.batches.clone();
        // What cannot be walked is for the application to find.
        let Ok(batches) = rest.split_off_first(limit) else { return self.take_piece() };
        if rest.size_in_bytes() == 0 {
            return self.take_piece();
        }
        if batches.size_in_bytes() == 0 {
            return match rest.next() {
                Some(Ok(batch)) => Part::Unopened(batch),
                _ => self.take_piece(),
            };
        }
        let next = FetchPosition { offset: rest.next_offset(), epoch: rest.leader_epoch() };
        let (size, from) = (batches.size_in_bytes(), piece.from);
        let contents = Contents::of(&batches);
        let part = Piece { from, next, batches, contents, size, ..piece.clone() };
        piece.contents.remove(contents);
        (piece.from, piece.batches) = (next.offset, rest);
        piece.size = piece.size.saturating_sub(size);
        self.is_begun = true;
        Part::Piece(part)
    }

    /// The next batch was opened, unless something else has become of it. Says how much more it takes
    /// of the budget now.
    pub(crate) fn handle_opened(&mut self, batch: &BatchView, body: Option<BatchBody>) -> usize {
        let Some(piece) = self.pieces.front_mut().filter(|_| self.opened.is_none()) else {
            return 0;
        };
        let mut rest = piece.batches.clone();
        let next = rest.next().and_then(Result::ok);
        if next.is_none_or(|next| next.bytes().as_ptr() != batch.bytes().as_ptr()) {
            return 0;
        }
        let walked = piece.batches.size_in_bytes() - rest.size_in_bytes();
        let more = body.as_ref().map_or(0, |body| decompressed(body, batch));
        let end = FetchPosition { offset: rest.next_offset(), epoch: rest.leader_epoch() };
        piece.contents.remove(Contents::of_batch(batch));
        let (batch, from, size) = (batch.clone(), piece.from, walked + more);
        self.opened = Some(Opened { batch, rest: body, from, end, is_counted: false, size });
        (piece.from, piece.batches) = (end.offset, rest);
        piece.size = piece.size.saturating_sub(walked);
        self.is_begun = true;
        more
    }

    fn take_piece(&mut self) -> Part {
        self.is_begun = false;
        self.pieces.pop_front().map_or(Part::Nothing, Part::Piece)
    }

    /// The next records of the batch that is open.
    fn take_opened(&mut self, limit: usize) -> Part {
        let (Some(mut opened), Some(piece)) = (self.opened.take(), self.pieces.front()) else {
            return Part::Nothing;
        };
        let (batches, next, size) = opened.take(limit);
        let (from, contents) = (opened.from, opened.contents_of(&batches, next, limit));
        let mut part = Piece { from, next, batches, contents, size, ..piece.clone() };
        if next != opened.end {
            opened.from = next.offset;
            self.opened = Some(opened);
        } else if piece.batches.size_in_bytes() == 0 {
            part.next = piece.next;
            self.take_piece();
        }
        Part::Piece(part)
    }
}

impl Opened {
    /// The next records, where they end, and what they take of the budget.
    fn take(&mut self, limit: usize) -> (VisibleBatches, FetchPosition, usize) {
        let left = self.rest.as_ref().map_or(0, |rest| rest.header().record_count);
        let split = self.rest.as_mut().and_then(|rest| rest.split_off_first(limit).ok());
        let (batch, end, size) = match split {
            Some((first, Some(next))) => {
                let size = share(self.size, first.header().record_count, left);
                let end = FetchPosition { offset: next, epoch: self.end.epoch };
                (self.batch.clone().with_body(first), end, size)
            }
            Some((last, None)) => (self.batch.clone().with_body(last), self.end, self.size),
            None => (self.unreadable(), self.end, self.size),
        };
        self.size -= size;
        (VisibleBatches::of(batch, end.offset), end, size)
    }

    /// What this part of at most `limit` records, up to `next`, holds. What its header counts includes
    /// those before the position where reading began.
    fn contents_of(
        &mut self,
        part: &VisibleBatches,
        next: FetchPosition,
        limit: usize,
    ) -> Contents {
        let Contents { records, batches, bytes } = Contents::of(part);
        let offsets = next.offset.saturating_sub(self.from).max(0);
        let offsets = usize::try_from(offsets).unwrap_or(usize::MAX);
        let records = records.min(offsets).min(limit);
        match std::mem::replace(&mut self.is_counted, true) {
            false => Contents { records, batches, bytes },
            true => Contents { records, ..Contents::default() },
        }
    }

    /// The batch for somebody who will find out what is wrong with it.
    fn unreadable(&self) -> BatchView {
        match &self.rest {
            Some(rest) => self.batch.clone().with_body(rest.clone()),
            None => self.batch.clone(),
        }
    }
}

/// The memory that opening has taken.
fn decompressed(body: &BatchBody, batch: &BatchView) -> usize {
    let is_inside = batch.bytes().as_ptr_range().contains(&body.bytes().as_ptr());
    if is_inside { 0 } else { body.bytes().len() }
}

/// The part of `size` that falls to `count` records of `of`.
fn share(size: usize, count: i32, of: i32) -> usize {
    let (count, of) = (count.unsigned_abs() as usize, of.unsigned_abs() as usize);
    // Rounded down: what is left goes to the last of them.
    size.saturating_mul(count).checked_div(of).unwrap_or(size).min(size)
}

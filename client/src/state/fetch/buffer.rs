//! `Buffer`: what was fetched and not yet handed to the application, undecoded.
//!
//! Nothing leaves it but by being handed out, or because its partition got another position or
//! left the assignment: a paused partition keeps what it has.

use std::collections::{HashMap, VecDeque};

use kavka_protocol::{
    BatchBody, BatchView, BrokerId, DecodeError, Offset, TopicPartition, VisibleBatches,
};

use super::contents::Contents;
use super::parts::{Part, Queue};
use super::stage::FetchPosition;

/// A part of what one answer held for one partition, in whole batches as they came over the wire, or
/// some records of one batch.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) topic_partition: TopicPartition,
    /// Where it begins: records before it are not to be shown.
    pub(crate) from: Offset,
    /// Behind it.
    pub(crate) next: FetchPosition,
    pub(crate) batches: VisibleBatches,
    pub(crate) contents: Contents,
    /// What it takes of the budget: its bytes, as long as nobody has opened it.
    pub(crate) size: usize,
    pub(crate) broker: BrokerId,
    pub(crate) high_watermark: Option<Offset>,
}

/// The pieces of all partitions, in order within each.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    queues: HashMap<TopicPartition, Queue>,
    /// Every partition that has a piece, once; the one that was served last is at the back, except
    /// while it is in the middle of a piece.
    order: VecDeque<TopicPartition>,
    bytes: usize,
}

/// What is handed out at once.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) pieces: Vec<Piece>,
    /// A batch that has to be opened before anything can be handed out, since it holds too many records.
    pub(crate) unopened: Option<(TopicPartition, BatchView)>,
}

impl Buffer {
    pub(crate) fn push(&mut self, piece: Piece) {
        self.bytes += piece.size;
        let queue = self.queues.entry(piece.topic_partition.clone()).or_default();
        if queue.is_empty() {
            self.order.push_back(piece.topic_partition.clone());
        }
        queue.push(piece);
    }

    /// The oldest piece of each partition that `may_have` allows, longest waiting first; at most
    /// `limit` records of them, the rest of a piece before the next one.
    pub(crate) fn take(
        &mut self,
        limit: Option<usize>,
        may_have: impl Fn(&TopicPartition) -> bool,
    ) -> Taken {
        let (mut taken, mut left) = (Taken::default(), limit);
        let mut begun = Vec::new();
        for _ in 0..self.order.len() {
            if left == Some(0) {
                break;
            }
            let Some(partition) = self.order.pop_front() else { break };
            let Some(queue) = self.queues.get_mut(&partition) else { continue };
            if !may_have(&partition) {
                if queue.is_begun() {
                    begun.push(partition);
                } else {
                    self.order.push_back(partition);
                }
                continue;
            }
            match queue.take(left) {
                Part::Nothing => {}
                Part::Piece(piece) => {
                    self.bytes = self.bytes.saturating_sub(piece.size);
                    left = left.map(|left| left.saturating_sub(piece.contents.records));
                    taken.pieces.push(piece);
                }
                Part::Unopened(batch) => {
                    // What was found before comes first.
                    let is_first = taken.pieces.is_empty();
                    taken.unopened = is_first.then(|| (partition.clone(), batch));
                    self.order.push_front(partition);
                    break;
                }
            }
            if queue.is_begun() {
                self.order.push_front(partition);
            } else if !queue.is_empty() {
                self.order.push_back(partition);
            }
        }
        // Those in the middle of a piece have their turn as soon as they may.
        begun.into_iter().rev().for_each(|partition| self.order.push_front(partition));
        taken
    }

    /// Somebody has opened a batch of `partition`, or found that it cannot be; then it is handed out as
    /// it is.
    pub(crate) fn handle_opened(
        &mut self,
        partition: &TopicPartition,
        batch: &BatchView,
        body: Result<BatchBody, DecodeError>,
    ) {
        if let Some(queue) = self.queues.get_mut(partition) {
            self.bytes += queue.handle_opened(batch, body.ok());
        }
    }

    /// Forgets what `partition` has: its position is elsewhere now.
    pub(crate) fn discard(&mut self, partition: &TopicPartition) {
        let Some(queue) = self.queues.remove(partition) else { return };
        self.bytes = self.bytes.saturating_sub(queue.size());
        self.order.retain(|waiting| waiting != partition);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether `take` would yield anything.
    pub(crate) fn has_any(&self, may_have: impl Fn(&TopicPartition) -> bool) -> bool {
        self.order.iter().any(may_have)
    }

    pub(crate) fn is_empty_of(&self, partition: &TopicPartition) -> bool {
        self.queues.get(partition).is_none_or(Queue::is_empty)
    }

    /// How much is buffered altogether.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much is buffered of one partition.
    pub(crate) fn bytes_of(&self, partition: &TopicPartition) -> usize {
        self.queues.get(partition).map_or(0, Queue::size)
    }
}

/// How far a fetched slice of a log can be followed by its batch headers alone.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Behind the last whole batch; where the walk began when there is none.
    pub(crate) next: FetchPosition,
    /// How many bytes the whole batches take; what follows is cut off or damaged.
    pub(crate) length: usize,
    pub(crate) contents: Contents,
    /// What stopped the walk before the end.
    pub(crate) damage: Option<DecodeError>,
}

/// Walks the headers of `batches`, which were asked for at `from`. Control batches, aborted batches,
/// batches that compaction left empty and gaps between batches all move the offset.
pub(crate) fn walk(mut batches: VisibleBatches, from: FetchPosition) -> Walk {
    let contents = Contents::default();
    let mut walk = Walk { next: from, length: 0, contents, damage: None };
    loop {
        match batches.step() {
            Ok(Some((batch, is_visible))) => walk.pass(&batch, is_visible),
            Ok(None) => return walk,
            Err(error) => return Walk { damage: Some(error), ..walk },
        }
    }
}

impl Walk {
    fn pass(&mut self, batch: &BatchView, is_visible: bool) {
        self.length += batch.size_in_bytes();
        if batch.next_offset() > self.next.offset {
            let (offset, epoch) = (batch.next_offset(), batch.leader_epoch());
            self.next = FetchPosition { offset, epoch };
        }
        if is_visible {
            self.contents.add(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kavka_protocol::{AbortedTransactions, IsolationLevel};

    use super::*;

    fn piece(partition: i32, from: Offset, size: usize) -> Piece {
        Piece {
            topic_partition: TopicPartition::new("orders", partition),
            from,
            next: FetchPosition::unknown(from + 1),
            batches: VisibleBatches::new(
                Bytes::from(vec![0; size]),
                from,
                IsolationLevel::ReadUncommitted,
                AbortedTransactions::default(),
            ),
            contents: Contents::default(),
            size,
            broker: BrokerId(1),
            high_watermark: None,
        }
    }

    fn taken(buffer: &mut Buffer) -> Vec<(i32, Offset)> {
        let pieces = buffer.take(None, |_| true).pieces;
        pieces.iter().map(|piece| (piece.topic_partition.partition, piece.from)).collect()
    }

    #[test]
    fn each_partition_gets_one_piece_at_a_time_in_order() {
        let mut buffer = Buffer::default();
        for (partition, from) in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)] {
            buffer.push(piece(partition, from, 1));
        }
        assert_eq!(taken(&mut buffer), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(taken(&mut buffer), [(0, 1), (2, 1)]);
        assert_eq!(taken(&mut buffer), [(0, 2)]);
        assert_eq!(taken(&mut buffer), []);
    }

    #[test]
    fn what_may_not_be_taken_stays_and_is_counted() {
        let mut buffer = Buffer::default();
        buffer.push(piece(0, 0, 10));
        buffer.push(piece(1, 0, 20));
        let paused = TopicPartition::new("orders", 0);
        assert_eq!(buffer.take(None, |partition| *partition != paused).pieces.len(), 1);
        assert_eq!((buffer.bytes(), buffer.bytes_of(&paused)), (10, 10));
        assert_eq!(taken(&mut buffer), [(0, 0)]);
        assert_eq!(buffer.bytes(), 0);
    }

    #[test]
    fn discarding_one_partition_leaves_the_others() {
        let mut buffer = Buffer::default();
        for (partition, from) in [(0, 0), (1, 0), (0, 1)] {
            buffer.push(piece(partition, from, 5));
        }
        buffer.discard(&TopicPartition::new("orders", 0));
        assert_eq!(buffer.bytes(), 5);
        assert_eq!(taken(&mut buffer), [(1, 0)]);
    }
}

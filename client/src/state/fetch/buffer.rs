//! `Buffer`: what was fetched and not yet handed to the application, undecoded.
//!
//! Nothing leaves it but by being handed out, or because its partition got another position or
//! left the assignment: a paused partition keeps what it has.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use kavka_protocol::{AbortedTransactions, Batches, BrokerId, DecodeError, Offset, TopicPartition};

use super::positions::FetchPosition;

/// What one answer held for one partition: whole batches, still as they came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) topic_partition: TopicPartition,
    /// The offset asked for: records before it are not to be shown.
    pub(crate) from: Offset,
    /// Behind the last batch.
    pub(crate) next: FetchPosition,
    pub(crate) records: Bytes,
    pub(crate) aborted: AbortedTransactions,
    pub(crate) broker: BrokerId,
    pub(crate) high_watermark: Option<Offset>,
}

/// The pieces of all partitions, in order within each.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    queues: HashMap<TopicPartition, VecDeque<Piece>>,
    /// Every partition that has a piece, once; the one that was served last is at the back.
    order: VecDeque<TopicPartition>,
    bytes: usize,
}

impl Buffer {
    pub(crate) fn push(&mut self, piece: Piece) {
        self.bytes += piece.records.len();
        let queue = self.queues.entry(piece.topic_partition.clone()).or_default();
        if queue.is_empty() {
            self.order.push_back(piece.topic_partition.clone());
        }
        queue.push_back(piece);
    }

    /// The oldest piece of each partition that `may_have` allows, longest waiting first.
    pub(crate) fn take(&mut self, may_have: impl Fn(&TopicPartition) -> bool) -> Vec<Piece> {
        let mut taken = Vec::new();
        for _ in 0..self.order.len() {
            let Some(partition) = self.order.pop_front() else { break };
            let served = if may_have(&partition) { self.pop(&partition) } else { None };
            taken.extend(served);
            if !self.is_empty_of(&partition) {
                self.order.push_back(partition);
            }
        }
        taken
    }

    fn pop(&mut self, partition: &TopicPartition) -> Option<Piece> {
        let piece = self.queues.get_mut(partition)?.pop_front()?;
        self.bytes -= piece.records.len();
        Some(piece)
    }

    /// Forgets what `partition` has: its position is elsewhere now.
    pub(crate) fn discard(&mut self, partition: &TopicPartition) {
        let Some(queue) = self.queues.remove(partition) else { return };
        self.bytes -= queue.iter().map(|piece| piece.records.len()).sum::<usize>();
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
        self.queues.get(partition).is_none_or(VecDeque::is_empty)
    }

    /// How much is buffered altogether.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much is buffered of one partition.
    pub(crate) fn bytes_of(&self, partition: &TopicPartition) -> usize {
        let pieces = self.queues.get(partition).into_iter().flatten();
        pieces.map(|piece| piece.records.len()).sum()
    }
}

/// How far a fetched slice of a log can be followed by its batch headers alone.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Behind the last whole batch; where the walk began when there is none.
    pub(crate) next: FetchPosition,
    /// How many bytes the whole batches take; what follows is cut off or damaged.
    pub(crate) length: usize,
    /// What stopped the walk before the end.
    pub(crate) damage: Option<DecodeError>,
}

/// Walks the batch headers of `records`, which were asked for at `from`. Control batches, aborted
/// batches, batches that compaction left empty and gaps between batches all move the offset.
pub(crate) fn walk(records: &Bytes, from: FetchPosition) -> Walk {
    let mut walk = Walk { next: from, length: 0, damage: None };
    for batch in Batches::new(records.clone()) {
        match batch {
            Ok(batch) => {
                walk.length += batch.size_in_bytes();
                if batch.next_offset() > walk.next.offset {
                    let (offset, epoch) = (batch.next_offset(), batch.leader_epoch());
                    walk.next = FetchPosition { offset, epoch };
                }
            }
            Err(error) => {
                walk.damage = Some(error);
                break;
            }
        }
    }
    walk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(partition: i32, from: Offset, size: usize) -> Piece {
        Piece {
            topic_partition: TopicPartition::new("orders", partition),
            from,
            next: FetchPosition::unknown(from + 1),
            records: Bytes::from(vec![0; size]),
            aborted: AbortedTransactions::default(),
            broker: BrokerId(1),
            high_watermark: None,
        }
    }

    fn taken(buffer: &mut Buffer) -> Vec<(i32, Offset)> {
        let pieces = buffer.take(|_| true);
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
        assert_eq!(buffer.take(|partition| *partition != paused).len(), 1);
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

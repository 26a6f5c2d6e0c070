//! One partition at a time, so that batches fill, each for as many bytes as any other (KIP-480,
//! KIP-794).

use fastrand::Rng;

use super::Partitions;

/// Stays with a partition for about `batch.size` bytes, then moves on to another by chance.
pub(super) struct Sticky {
    batch_size: usize,
    random: Rng,
    current: Option<i32>,
    /// How many bytes went to the current partition.
    bytes: usize,
}

impl Sticky {
    pub(super) fn new(batch_size: usize, random: Rng) -> Self {
        Self { batch_size: batch_size.max(1), random, current: None, bytes: 0 }
    }

    #[inline]
    pub(super) fn choose(&mut self, partitions: &Partitions) -> i32 {
        match self.current {
            Some(current) if current < partitions.count => current,
            _ => self.move_on(partitions),
        }
    }

    /// Moves on where a batch ends, so that none is left half full; but not much later.
    #[inline]
    pub(super) fn handle_appended(&mut self, partition: i32, size: usize, is_batch_full: bool) {
        if self.current != Some(partition) {
            return;
        }
        self.bytes += size;
        let enough = if is_batch_full { self.batch_size } else { self.batch_size * 2 };
        if self.bytes >= enough {
            self.current = None;
        }
    }

    fn move_on(&mut self, partitions: &Partitions) -> i32 {
        self.bytes = 0;
        *self.current.insert(partitions.any(&mut self.random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sticky() -> Sticky {
        Sticky::new(100, Rng::with_seed(7))
    }

    fn partitions(count: i32) -> Partitions {
        Partitions { count, available: (0..count).collect() }
    }

    #[test]
    fn it_stays_until_a_batch_is_full_and_enough_bytes_were_sent() {
        for (size, is_batch_full, moves) in [
            (99, true, false),
            (100, true, true),
            (100, false, false),
            (199, false, false),
            (200, false, true),
        ] {
            let mut sticky = sticky();
            let first = sticky.choose(&partitions(1000));
            sticky.handle_appended(first, size, is_batch_full);
            assert_eq!(sticky.choose(&partitions(1000)) != first, moves, "{size} {is_batch_full}");
        }
    }

    #[test]
    fn every_partition_gets_about_as_much() {
        let mut sticky = sticky();
        let mut counts = [0_u32; 4];
        for _ in 0..4000 {
            let partition = sticky.choose(&partitions(4));
            counts[usize::try_from(partition).unwrap()] += 1;
            sticky.handle_appended(partition, 100, true);
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn only_partitions_with_a_leader_are_chosen_while_there_are_any() {
        let mut sticky = sticky();
        for available in [vec![2], vec![]] {
            let partitions = Partitions { count: 4, available };
            let chosen = sticky.choose(&partitions);
            assert!(partitions.available.contains(&chosen) || partitions.available.is_empty());
            assert!((0..4).contains(&chosen));
            sticky.handle_appended(chosen, 100, true);
        }
    }

    #[test]
    fn what_others_placed_does_not_count() {
        let mut sticky = sticky();
        let first = sticky.choose(&partitions(1000));
        sticky.handle_appended(first + 1, 1000, true);
        assert_eq!(sticky.choose(&partitions(1000)), first);
    }
}

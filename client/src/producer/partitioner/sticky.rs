//! One partition at a time, so that batches fill, each for as many bytes as any other, and less often
//! where batches wait because a broker is slow (KIP-480, KIP-794).

use fastrand::Rng;

use super::Partitions;

/// Stays with a partition for about `batch.size` bytes, then moves on to another by chance.
pub(super) struct Sticky {
    batch_size: usize,
    /// `partitioner.adaptive.partitioning.enable`
    is_adaptive: bool,
    random: Rng,
    current: Option<i32>,
    /// How many bytes went to the current partition.
    bytes: usize,
}

impl Sticky {
    pub(super) fn new(batch_size: usize, is_adaptive: bool, random: Rng) -> Self {
        Self { batch_size: batch_size.max(1), is_adaptive, random, current: None, bytes: 0 }
    }

    /// The partition for the next record; `waiting` says how many batches a partition has that wait.
    #[inline]
    pub(super) fn choose(
        &mut self,
        partitions: &Partitions,
        waiting: impl Fn(i32) -> usize,
    ) -> i32 {
        match self.current {
            Some(current) if current < partitions.count => current,
            _ => self.move_on(partitions, waiting),
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

    fn move_on(&mut self, partitions: &Partitions, waiting: impl Fn(i32) -> usize) -> i32 {
        self.bytes = 0;
        let favoured = match self.is_adaptive {
            true => partitions.any_but_busy(&mut self.random, waiting),
            false => None,
        };
        let next = favoured.unwrap_or_else(|| partitions.any(&mut self.random));
        *self.current.insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sticky() -> Sticky {
        Sticky::new(100, true, Rng::with_seed(7))
    }

    /// No batch waits anywhere.
    fn idle(_: i32) -> usize {
        0
    }

    fn of(count: i32, available: Vec<i32>) -> Partitions {
        Partitions { count, preferred: available.clone(), available }
    }

    fn partitions(count: i32) -> Partitions {
        of(count, (0..count).collect())
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
            let first = sticky.choose(&partitions(1000), idle);
            sticky.handle_appended(first, size, is_batch_full);
            assert_eq!(
                sticky.choose(&partitions(1000), idle) != first,
                moves,
                "{size} {is_batch_full}"
            );
        }
    }

    #[test]
    fn every_partition_gets_about_as_much() {
        let mut sticky = sticky();
        let mut counts = [0_u32; 4];
        for _ in 0..4000 {
            let partition = sticky.choose(&partitions(4), idle);
            counts[usize::try_from(partition).unwrap()] += 1;
            sticky.handle_appended(partition, 100, true);
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn only_partitions_with_a_leader_are_chosen_while_there_are_any() {
        let mut sticky = sticky();
        for available in [vec![2], vec![]] {
            let partitions = of(4, available);
            let chosen = sticky.choose(&partitions, idle);
            assert!(partitions.available.contains(&chosen) || partitions.available.is_empty());
            assert!((0..4).contains(&chosen));
            sticky.handle_appended(chosen, 100, true);
        }
    }

    #[test]
    fn what_others_placed_does_not_count() {
        let mut sticky = sticky();
        let first = sticky.choose(&partitions(1000), idle);
        sticky.handle_appended(first + 1, 1000, true);
        assert_eq!(sticky.choose(&partitions(1000), idle), first);
    }

    /// How often each of three partitions is chosen when so many batches of each wait.
    fn chosen(is_adaptive: bool, available: &[i32], waiting: [usize; 3]) -> [u32; 3] {
        let mut sticky = Sticky::new(100, is_adaptive, Rng::with_seed(7));
        let partitions = of(3, available.to_vec());
        let mut counts = [0; 3];
        for _ in 0..8000 {
            let at = |partition: i32| usize::try_from(partition).unwrap();
            let partition = sticky.choose(&partitions, |partition| waiting[at(partition)]);
            counts[at(partition)] += 1;
            sticky.handle_appended(partition, 100, true);
        }
        counts
    }

    #[test]
    fn partitions_where_batches_wait_are_chosen_less_often() {
        for (is_adaptive, waiting, expected) in [
            (true, [0, 3, 1], [4000, 1000, 3000]),
            (true, [2, 2, 2], [2667, 2667, 2667]),
            (false, [0, 3, 1], [2667, 2667, 2667]),
        ] {
            let counts = chosen(is_adaptive, &[0, 1, 2], waiting);
            for (count, about) in counts.into_iter().zip(expected) {
                assert!((about * 9 / 10..=about * 11 / 10).contains(&count), "{counts:?}");
            }
        }
    }

    #[test]
    fn a_partition_without_a_leader_is_not_favoured_for_having_nothing_to_wait_for() {
        let counts = chosen(true, &[0, 1], [5, 0, 0]);
        assert_eq!(counts[2], 0);
        assert!(counts[1] > 5 * counts[0], "{counts:?}");
    }
}

//! Every partition in turn, whatever the key.

use fastrand::Rng;

use super::Partitions;

/// Goes round the partitions that can be written to, from a random one on.
pub(super) struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    pub(super) fn new(mut random: Rng) -> Self {
        Self { next: usize::from(random.u16(..)) }
    }

    #[inline]
    pub(super) fn choose(&mut self, partitions: &Partitions) -> i32 {
        let turn = self.next;
        self.next = self.next.wrapping_add(1);
        match turn.checked_rem(partitions.available.len()) {
            Some(place) => partitions.available[place],
            None => i32::try_from(turn % MANY).unwrap_or_default() % partitions.count.max(1),
        }
    }
}

/// Beyond any number of partitions, and within the numbers of partitions.
const MANY: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_turn() {
        let mut round_robin = RoundRobin::new(Rng::with_seed(7));
        let partitions = Partitions { count: 3, available: vec![0, 1, 2], ..Partitions::default() };
        let first = round_robin.choose(&partitions);
        let turns: Vec<_> = (0..5).map(|_| round_robin.choose(&partitions)).collect();
        let expected: Vec<_> = (1..6).map(|distance| (first + distance) % 3).collect();
        assert_eq!(turns, expected);
    }

    #[test]
    fn partitions_without_a_leader_are_left_out_while_others_have_one() {
        let mut round_robin = RoundRobin::new(Rng::with_seed(7));
        let partitions = Partitions { count: 3, available: vec![1], ..Partitions::default() };
        assert!((0..5).all(|_| round_robin.choose(&partitions) == 1));
        let partitions = Partitions { count: 3, available: vec![], ..Partitions::default() };
        assert!((0..5).all(|_| (0..3).contains(&round_robin.choose(&partitions))));
    }
}

//! Clients take turns on the same bytes until time is up.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use kavka_bench_line::{Seen, Turn, turn};

use crate::{Result, allocations};

/// One client, ready to work on one case.
pub struct Lane<'c> {
    client: &'static str,
    /// How often a pass asks for memory.
    allocations: u64,
    /// What a pass comes across.
    seen: Seen,
    /// Bytes of the batches on the wire.
    wire_size: u64,
    turn: Box<dyn FnMut() -> Result<Turn> + 'c>,
}

impl<'c> Lane<'c> {
    /// Work that is done in this process.
    pub fn here<E: Into<Box<dyn std::error::Error>>>(
        client: &'static str,
        mut pass: impl FnMut() -> Result<Seen, E> + 'c,
    ) -> Result<Self> {
        Self::new(client, move || turn(allocations, &mut pass).map_err(Into::into))
    }

    /// Work whose turns `turn` reports; the first one says how much memory is asked for.
    pub(crate) fn new(
        client: &'static str,
        mut turn: impl FnMut() -> Result<Turn> + 'c,
    ) -> Result<Self> {
        let Turn { allocations, seen, .. } = turn()?;
        Ok(Self { client, allocations, seen, wire_size: 0, turn: Box::new(turn) })
    }

    /// The same work, whose allocations another process has counted.
    pub(crate) fn with_allocations(self, allocations: u64) -> Self {
        Self { allocations, ..self }
    }

    /// The same work, on batches that take `wire_size` bytes on the wire.
    pub(crate) fn with_wire_size(self, wire_size: u64) -> Self {
        Self { wire_size, ..self }
    }

    /// The client's name.
    pub fn client(&self) -> &'static str {
        self.client
    }

    /// What a pass comes across.
    pub fn seen(&self) -> Seen {
        self.seen
    }
}

/// How a client did in one case.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The client's name.
    pub client: &'static str,
    /// How often a pass asks for memory.
    pub allocations: u64,
    /// Bytes of the batches on the wire.
    pub(crate) wire_size: u64,
    /// The fastest pass of each turn.
    turns: Vec<Duration>,
}

impl Standing {
    /// What a pass takes: the median of the turns. The luckiest turn would not do, since a processor is faster at times,
    /// and not for everybody.
    pub fn time(&self) -> Duration {
        median(self.turns.iter().copied())
    }

    /// How many times as fast as `other` this is.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        quotient(other.time(), self.time())
    }

    /// The same from each part of the race alone, least and greatest: how far they agree is how far they can be trusted.
    pub fn ratio_range(&self, other: &Self) -> RangeInclusive<f64> {
        let ratios = (0..PARTS).map(|part| quotient(other.time_of(part), self.time_of(part)));
        let (least, greatest) = ratios
            .fold((f64::MAX, 0.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        least..=greatest
    }

    fn time_of(&self, part: usize) -> Duration {
        median(self.turns.iter().skip(part).step_by(PARTS).copied())
    }
}

/// Lets the lanes take turns for about `budget`. Every other round goes backwards, so that nobody always follows the
/// same neighbour.
pub(crate) fn race(lanes: &mut [Lane<'_>], budget: Duration) -> Result<Vec<Standing>> {
    let mut standings: Vec<_> = lanes.iter().map(standing).collect();
    let begun = Instant::now();
    for round in 0.. {
        if round >= PARTS && begun.elapsed() >= budget {
            break;
        }
        for index in 0..lanes.len() {
            let index = if round % 2 == 0 { index } else { lanes.len() - 1 - index };
            standings[index].turns.push((lanes[index].turn)()?.fastest);
        }
    }
    Ok(standings)
}

fn standing(lane: &Lane<'_>) -> Standing {
    let Lane { client, allocations, wire_size, .. } = *lane;
    Standing { client, allocations, wire_size, turns: Vec::new() }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn quotient(numerator: Duration, denominator: Duration) -> f64 {
    numerator.as_secs_f64() / denominator.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Odd, so that each part has rounds in both directions.
const PARTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_comes_from_the_medians_and_its_range_from_the_parts() {
        let slow = standing_of([30, 20, 30, 30, 40]);
        let fast = standing_of([10, 10, 10, 40, 10]);
        assert_eq!(fast.ratio_to(&slow), 3.0);
        assert_eq!(fast.ratio_range(&slow), 0.75..=4.0);
    }

    #[test]
    fn every_lane_has_its_turn_in_every_part() {
        let pass = || Ok::<_, std::fmt::Error>(Seen { records: 1, sum: 2 });
        let mut lanes = [Lane::here("a", pass).unwrap(), Lane::here("b", pass).unwrap()];
        let standings = race(&mut lanes, Duration::ZERO).unwrap();
        assert_eq!(standings.iter().map(|s| s.client).collect::<Vec<_>>(), ["a", "b"]);
        assert!(standings.iter().all(|standing| standing.turns.len() == PARTS));
    }

    fn standing_of(millis: [u64; PARTS]) -> Standing {
        let turns = millis.map(Duration::from_millis).to_vec();
        Standing { client: "any", allocations: 0, wire_size: 0, turns }
    }
}

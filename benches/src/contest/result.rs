//! What a contest found out about one client in one case.

use kavka_bench_line::Outcome;

/// One run of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Seconds.
    pub(super) elapsed: f64,
    /// Seconds of all the client's threads.
    pub(super) processor: f64,
    /// Bytes.
    pub(super) peak_memory: f64,
    /// Bytes that passed for each byte of the log; `None` where nobody counts them.
    pub(super) amplification: Option<f64>,
}

/// How a client did in one case.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) client: &'static str,
    pub(super) runs: Vec<Run>,
    pub(super) allocs_per_rec: Option<f64>,
    /// Why there are no figures.
    pub(super) failure: Option<String>,
}

/// One case and how everybody did.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) case: String,
    /// Bytes of keys and values.
    pub(super) payload: f64,
    pub(super) records: f64,
    pub(super) standings: Vec<Standing>,
}

impl Run {
    pub(super) fn new(outcome: &Outcome, amplification: Option<f64>) -> Self {
        Self {
            elapsed: outcome.elapsed.as_secs_f64(),
            processor: outcome.processor.as_secs_f64(),
            peak_memory: outcome.peak_memory as f64,
            amplification,
        }
    }
}

impl Standing {
    pub(super) fn new(client: &'static str) -> Self {
        Self { client, runs: Vec::new(), allocs_per_rec: None, failure: None }
    }

    /// Least, median and greatest of what `figure` says of the runs; `None` without runs, and after a failure.
    pub(super) fn spread(&self, figure: impl Fn(&Run) -> f64) -> Option<[f64; 3]> {
        let mut figures: Vec<f64> = self.runs.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        match (&self.failure, &figures[..]) {
            (None, [least, .., most]) => Some([*least, figures[figures.len() / 2], *most]),
            (None, [only]) => Some([*only; 3]),
            _ => None,
        }
    }

    /// Seconds of the processor.
    pub(super) fn processor(&self) -> Option<f64> {
        Some(self.spread(|run| run.processor)?[1])
    }

    /// How much more of the processor than `other` this needs, from the medians; and least and greatest of the rounds.
    pub(super) fn ratio_to(&self, other: &Self) -> Option<[f64; 3]> {
        let median = self.processor()? / other.processor()?;
        let rounds =
            self.runs.iter().zip(&other.runs).map(|(one, two)| one.processor / two.processor);
        let (least, most) = rounds
            .fold((f64::MAX, 0.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        Some([least, median, most])
    }
}

impl Measured {
    pub(super) fn of(&self, client: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.client == client)
    }

    /// The client other than kavka that needs least of the processor.
    pub(super) fn best_rival(&self) -> Option<&Standing> {
        let rivals = self.standings.iter().filter(|standing| !standing.client.starts_with("kavka"));
        let rivals = rivals.filter_map(|rival| Some((rival.processor()?, rival)));
        rivals.min_by(|(one, _), (two, _)| one.total_cmp(two)).map(|(_, rival)| rival)
    }

    /// Seconds of the processor for 10⁹ bytes of keys and values.
    pub(super) fn per_gb(&self, seconds: f64) -> f64 {
        seconds / (self.payload / 1e9)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A client whose runs took so many seconds of the processor.
    pub(in crate::contest) fn standing<const N: usize>(
        client: &'static str,
        seconds: [f64; N],
    ) -> Standing {
        let run =
            |processor| Run { elapsed: 2.0, processor, peak_memory: 5e6, amplification: Some(1.0) };
        let runs = seconds.map(run).to_vec();
        Standing { runs, allocs_per_rec: Some(0.5), ..Standing::new(client) }
    }

    #[test]
    fn a_ratio_comes_from_the_medians_and_its_range_from_the_rounds() {
        let (kavka, other) =
            (standing("kavka", [1.0, 2.0, 6.0]), standing("other", [4.0, 2.0, 4.0]));
        assert_eq!(kavka.ratio_to(&other), Some([0.25, 0.5, 1.5]));
        assert_eq!(kavka.spread(|run| run.processor), Some([1.0, 2.0, 6.0]));
        assert_eq!(standing("one", [3.0]).spread(|run| run.processor), Some([3.0; 3]));
    }

    #[test]
    fn the_best_rival_is_neither_kavka_in_another_way_nor_one_that_failed() {
        let failed =
            Standing { failure: Some("lost records".to_owned()), ..standing("fast", [0.1]) };
        let standings = vec![
            standing("kavka", [1.0]),
            standing("kavka-owned", [1.5]),
            failed,
            standing("slow", [4.0]),
            standing("better", [3.0]),
        ];
        let measured = Measured { case: "c".to_owned(), payload: 1e9, records: 1e6, standings };
        assert_eq!(measured.best_rival().map(|rival| rival.client), Some("better"));
    }
}

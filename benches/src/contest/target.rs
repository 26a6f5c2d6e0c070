//! What is to be reached: how much of the processor kavka takes, compared with the best of the others in the same run.

use std::fmt;

use super::result::Measured;

/// A part of what the best other client takes.
#[derive(Clone, Copy, Debug)]
pub struct ContestTarget {
    /// What the case's name begins with; what follows is where the other side is.
    pub case: &'static str,
    /// The most that kavka may take.
    pub most: f64,
}

impl ContestTarget {
    /// Judges every case that this is about.
    pub(super) fn judge<'m>(
        &'m self,
        measured: &'m [Measured],
    ) -> impl Iterator<Item = Judgement<'m>> {
        let cases = measured.iter().filter(|measured| {
            let rest = measured.case.strip_prefix(self.case);
            rest.is_some_and(|rest| rest == "/replay" || rest == "/kafka")
        });
        cases.filter_map(|measured| {
            let (kavka, rival) = (measured.of("kavka")?, measured.best_rival()?);
            let ratio = kavka.ratio_to(rival)?;
            Some(Judgement { case: &measured.case, rival: rival.client, ratio, most: self.most })
        })
    }
}

/// A target and how far it was reached; printed as a row of a table.
pub(super) struct Judgement<'m> {
    case: &'m str,
    rival: &'static str,
    ratio: [f64; 3],
    most: f64,
}

impl fmt::Display for Judgement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, rival, ratio: [least, ratio, greatest], most } = self;
        let what = format!("{case}: kavka / {rival}");
        let range = format!("{least:.2} to {greatest:.2}");
        let verdict = if ratio <= most { "held" } else { "MISSED" };
        write!(f, "{what:<44} {ratio:>6.2} {range:>15} {most:>7.2}  {verdict}")
    }
}

/// What the columns of a [`Judgement`] are.
pub(super) const HEADING: &str =
    "CPU-s/GB                                      found   in each round   at most";

#[cfg(test)]
mod tests {
    use super::super::result::tests::standing;
    use super::*;

    #[test]
    fn a_target_judges_its_case_wherever_the_other_side_is_and_no_other_case() {
        let target = ContestTarget { case: "fetch-100B", most: 0.5 };
        let measured = |case: &str, seconds| Measured {
            case: case.to_owned(),
            payload: 1e9,
            records: 1e6,
            standings: vec![standing("kavka", [seconds]), standing("rival", [4.0])],
        };
        let measured = [
            measured("fetch-100B/replay", 2.0),
            measured("fetch-100B/kafka", 2.1),
            measured("fetch-100B/replay/shipped", 1.0),
            measured("fetch-100B-tls/replay", 1.0),
        ];
        let verdicts: Vec<_> = target.judge(&measured).map(|row| row.to_string()).collect();
        assert_eq!(verdicts.len(), 2, "{verdicts:?}");
        assert!(verdicts[0].starts_with("fetch-100B/replay:") && verdicts[0].ends_with("held"));
        assert!(verdicts[1].starts_with("fetch-100B/kafka:") && verdicts[1].ends_with("MISSED"));
    }
}

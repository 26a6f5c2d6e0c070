//! What is to be reached: ratios between clients, measured in one run.

use std::fmt;

use crate::report::Measured;

/// How many times as fast as another client kavka is to be in one case.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The case's name.
    pub case: &'static str,
    /// The client to compare with.
    pub against: &'static str,
    /// The least ratio that will do.
    pub least: f64,
    /// The ratio that is hoped for.
    pub aim: f64,
}

impl Target {
    /// Judges what was measured; `None` when the case or the client did not take part.
    pub(crate) fn judge(&self, measured: &[Measured]) -> Option<Judgement<'_>> {
        let measured = measured.iter().find(|measured| measured.case == self.case)?;
        let (ours, theirs) = (measured.of("kavka")?, measured.of(self.against)?);
        let range = ours.ratio_range(theirs);
        Some(Judgement { target: self, ratio: ours.ratio_to(theirs), range })
    }
}

/// A target and how far it was reached; printed as a row of a table.
pub(crate) struct Judgement<'t> {
    target: &'t Target,
    ratio: f64,
    range: std::ops::RangeInclusive<f64>,
}

impl Judgement<'_> {
    fn verdict(&self) -> &'static str {
        match self.ratio {
            ratio if ratio >= self.target.aim => "held, aim reached",
            ratio if ratio >= self.target.least => "held",
            _ => "MISSED",
        }
    }
}

impl fmt::Display for Judgement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { case, against, least, aim } = self.target;
        let what = format!("{case}: kavka / {against}");
        let range = format!("{:.2} to {:.2}", self.range.start(), self.range.end());
        write!(f, "{what:<28} {:>6.2} {range:>15} {least:>7.2} {aim:>6.2}  ", self.ratio)?;
        f.write_str(self.verdict())
    }
}

/// What the columns of a [`Judgement`] are.
pub(crate) const HEADING: &str =
    "ratio                         found    in each part  target    aim";

//! What was measured, as a table and as CSV.

use std::fmt::Write;

use super::result::{Measured, Standing};
use crate::chart::{Bar, Panel};

impl Measured {
    /// The rows of the table.
    pub(super) fn table(&self) -> String {
        self.standings.iter().map(|standing| self.row(standing)).collect()
    }

    fn row(&self, standing: &Standing) -> String {
        let mut row = format!("{:<30} {:<14}", self.case, standing.client);
        let Some([least, median, most]) = standing.spread(|run| run.processor) else {
            let why = standing.failure.as_deref().unwrap_or("not run");
            let _ = writeln!(row, " {why}");
            return row;
        };
        let range = format!("{:.2}-{:.2}", self.per_gb(least), self.per_gb(most));
        let _ = write!(row, " {:>8.3} {range:>11}", self.per_gb(median));
        for (width, decimals, metric) in [
            (7, 0, "mb_s"),
            (7, 2, "mrec_s"),
            (7, 0, "rss_mb"),
            (7, 3, "allocs_per_rec"),
            (6, 3, "amplification"),
        ] {
            let figure = self.figure(standing, metric);
            let figure = figure.map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"));
            let _ = write!(row, " {figure:>width$}");
        }
        let kavka = self.of("kavka").and_then(|kavka| kavka.ratio_to(standing));
        let _ = writeln!(
            row,
            " {}",
            kavka.map_or(String::new(), |[_, ratio, _]| format!("{ratio:>8.2}"))
        );
        row
    }

    /// The rows `case,client,metric,value`; what nobody knows has no row.
    pub(super) fn csv(&self) -> String {
        let mut rows = String::new();
        for standing in &self.standings {
            for metric in METRICS {
                if let Some(value) = self.figure(standing, metric) {
                    let _ = writeln!(rows, "{},{},{metric},{value:.4}", self.case, standing.client);
                }
            }
        }
        rows
    }

    fn figure(&self, standing: &Standing, metric: &str) -> Option<f64> {
        let elapsed = || Some(standing.spread(|run| run.elapsed)?[1]);
        match metric {
            "mb_s" => Some(self.payload / 1e6 / elapsed()?),
            "rec_s" => Some(self.records / elapsed()?),
            "mrec_s" => Some(self.records / 1e6 / elapsed()?),
            "cpu_s_per_gb" => Some(self.per_gb(standing.processor()?)),
            "rss_mb" => {
                let bytes = standing.spread(|run| run.peak_memory)?[1];
                Some(bytes / 1e6).filter(|known| *known > 0.0)
            }
            "allocs_per_rec" => standing.processor().and(standing.allocs_per_rec),
            "amplification" => {
                standing.runs.first()?.amplification?;
                Some(standing.spread(|run| run.amplification.unwrap_or(f64::NAN))?[1])
            }
            _ => None,
        }
    }
}

/// The cases worth showing: where every client is at its best and alone.
pub(super) fn panels(measured: &[Measured]) -> Vec<Panel<'_>> {
    let shown = measured.iter().filter(|measured| measured.case.ends_with("/replay"));
    shown
        .map(|measured| {
            let bars = measured.standings.iter().filter_map(|standing| {
                let figure = measured.figure(standing, "cpu_s_per_gb")?;
                Some(Bar { label: standing.client, figure })
            });
            Panel { case: &measured.case, bars: bars.collect() }
        })
        .collect()
}

const METRICS: [&str; 6] =
    ["mb_s", "rec_s", "cpu_s_per_gb", "rss_mb", "allocs_per_rec", "amplification"];
/// What the chart says of its bars.
pub(super) const CHART_NOTES: [&str; 2] = [
    "seconds of one core for a gigabyte of keys and values; less is better",
    "the whole client, between socket and application, each with the settings and the allocator that suit it best",
];
/// What the columns of the table are.
pub(super) const TABLE_HEADING: &str = "\
case                           client         CPU-s/GB  least-most    MB/s  Mrec/s  RSS MB  allocs/r  wire kavka takes";
/// What the columns of the CSV are.
pub(super) const CSV_HEADING: &str = "case,client,metric,value\n";

#[cfg(test)]
mod tests {
    use super::super::result::{Run, tests::standing};
    use super::*;

    fn measured(standings: Vec<Standing>) -> Measured {
        Measured { case: "fetch-100B/replay".to_owned(), payload: 5e8, records: 4e6, standings }
    }

    #[test]
    fn the_csv_has_a_row_for_every_figure_that_is_known() {
        let csv = measured(vec![standing("kavka", [1.0, 3.0, 2.0])]).csv();
        let expected = "\
fetch-100B/replay,kavka,mb_s,250.0000
fetch-100B/replay,kavka,rec_s,2000000.0000
fetch-100B/replay,kavka,cpu_s_per_gb,4.0000
fetch-100B/replay,kavka,rss_mb,5.0000
fetch-100B/replay,kavka,allocs_per_rec,0.5000
fetch-100B/replay,kavka,amplification,1.0000
";
        assert_eq!(csv, expected);
        let mut unknown = standing("other", [1.0]);
        unknown.allocs_per_rec = None;
        unknown.runs = vec![Run { peak_memory: 0.0, amplification: None, ..unknown.runs[0] }];
        let csv = measured(vec![unknown]).csv();
        assert_eq!(csv.lines().count(), 3, "{csv}");
    }

    #[test]
    fn the_chart_shows_replays_with_equal_settings_and_whoever_has_figures() {
        let mut cases = vec![measured(vec![standing("kavka", [1.0])])];
        for case in ["fetch-100B/kafka", "fetch-100B/replay/shipped"] {
            cases.push(Measured { case: case.to_owned(), ..cases[0].clone() });
        }
        cases[0].standings.push(Standing::new("other"));
        let panels = panels(&cases);
        assert_eq!(panels.len(), 1);
        assert_eq!(panels[0].bars.iter().map(|bar| bar.figure).collect::<Vec<_>>(), [2.0]);
    }

    #[test]
    fn who_failed_has_no_figure_anywhere() {
        let failed = Standing { failure: Some("lost".to_owned()), ..standing("other", [1.0]) };
        let measured = measured(vec![standing("kavka", [1.0]), failed]);
        assert!(!measured.csv().contains("other"));
        let row = measured.table().lines().last().unwrap().to_owned();
        assert!(row.ends_with("other          lost"), "{row}");
    }
}

//! What was measured, as a table and as CSV.

use std::fmt::Write;

use crate::{Case, Standing};

/// One case and how everybody did.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) case: String,
    records: f64,
    batches: f64,
    plain_size: f64,
    standings: Vec<Standing>,
}

impl Measured {
    pub(crate) fn new(case: &Case, standings: Vec<Standing>) -> Self {
        Self {
            case: case.name.clone(),
            records: case.records as f64,
            batches: case.batches as f64,
            plain_size: case.plain_size as f64,
            standings,
        }
    }

    pub(crate) fn standings(&self) -> &[Standing] {
        &self.standings
    }

    pub(crate) fn of(&self, client: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.client == client)
    }

    /// Millions of records per second.
    pub(crate) fn mrec_s(&self, standing: &Standing) -> f64 {
        self.records / standing.time().as_secs_f64() / 1e6
    }

    /// Gigabytes per second of batches before compression.
    pub(crate) fn gb_s(&self, standing: &Standing) -> f64 {
        self.plain_size / standing.time().as_secs_f64() / 1e9
    }

    fn allocs_per_rec(&self, standing: &Standing) -> f64 {
        standing.allocations as f64 / self.records
    }

    /// How often a client asks for memory for each batch.
    pub(crate) fn allocs_per_batch(&self, standing: &Standing) -> f64 {
        standing.allocations as f64 / self.batches
    }

    /// The rows of the table.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        for standing in &self.standings {
            let row = format!(
                "{:<14} {:<14} {:>9.2} {:>7.2} {:>11.4}",
                self.case,
                standing.client,
                self.mrec_s(standing),
                self.gb_s(standing),
                self.allocs_per_rec(standing),
            );
            let of_crc = self.of("crc").map_or(f64::NAN, |crc| standing.ratio_to(crc));
            let kavka = self.of("kavka").map_or(f64::NAN, |kavka| kavka.ratio_to(standing));
            let _ = writeln!(table, "{row} {of_crc:>7.2} {kavka:>8.2}");
        }
        table
    }

    /// The rows `case,client,metric,value`.
    pub(crate) fn csv(&self) -> String {
        let mut rows = String::new();
        for standing in &self.standings {
            for (metric, value) in [
                ("mrec_s", self.mrec_s(standing)),
                ("gb_s", self.gb_s(standing)),
                ("allocs_per_rec", self.allocs_per_rec(standing)),
            ] {
                let _ = writeln!(rows, "{},{},{metric},{value:.4}", self.case, standing.client);
            }
        }
        rows
    }
}

/// What the columns of the table are.
pub(crate) const TABLE_HEADING: &str =
    "case           client            Mrec/s    GB/s  allocs/rec  of crc  kavka is";
/// What the columns of the CSV are.
pub(crate) const CSV_HEADING: &str = "case,client,metric,value\n";

//! What was measured, as a table and as CSV.

use std::fmt::Write;

use crate::{
    Case, Standing,
    chart::{Bar, Panel},
};

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

    /// Bytes that a record takes on the wire, its part of the batch's header included.
    fn bytes_per_rec(&self, standing: &Standing) -> f64 {
        standing.wire_size as f64 / self.records
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
                "{:<14} {:<14} {:>9.2} {:>7.2} {:>9.1} {:>11.4}",
                self.case,
                standing.client,
                self.mrec_s(standing),
                self.gb_s(standing),
                self.bytes_per_rec(standing),
                self.allocs_per_rec(standing),
            );
            let of_crc = self.of("crc").map_or(f64::NAN, |crc| standing.ratio_to(crc));
            let kavka = self.of("kavka").map_or(f64::NAN, |kavka| kavka.ratio_to(standing));
            let _ = writeln!(table, "{row} {of_crc:>7.2} {kavka:>8.2}");
        }
        table
    }

    /// The limits of the hardware are shown where nothing is compressed: with a codec they hash and copy other bytes
    /// than those that come out.
    fn panel(&self) -> Panel<'_> {
        let compressed = self.case.contains('/');
        let shown = self.standings.iter().filter(|standing| {
            standing.client != "memcpy" && !(compressed && standing.client == "crc")
        });
        let bar =
            |standing: &Standing| Bar { label: standing.client, figure: self.mrec_s(standing) };
        Panel { case: &self.case, bars: shown.map(bar).collect() }
    }

    /// The rows `case,client,metric,value`.
    pub(crate) fn csv(&self) -> String {
        let mut rows = String::new();
        for standing in &self.standings {
            for (metric, value) in [
                ("mrec_s", self.mrec_s(standing)),
                ("gb_s", self.gb_s(standing)),
                ("bytes_per_rec", self.bytes_per_rec(standing)),
                ("allocs_per_rec", self.allocs_per_rec(standing)),
            ] {
                let _ = writeln!(rows, "{},{},{metric},{value:.4}", self.case, standing.client);
            }
        }
        rows
    }
}

/// The cases worth showing.
pub(crate) fn panels(measured: &[Measured]) -> Vec<Panel<'_>> {
    let shown = CASES.iter().filter_map(|case| measured.iter().find(|m| m.case == *case));
    shown.map(Measured::panel).collect()
}

/// What the columns of the table are.
pub(crate) const TABLE_HEADING: &str =
    "case           client            Mrec/s    GB/s bytes/rec  allocs/rec  of crc  kavka is";
/// What the columns of the CSV are.
pub(crate) const CSV_HEADING: &str = "case,client,metric,value\n";
const CASES: [&str; 8] =
    ["100B", "100B+2h", "1KiB", "10KiB", "1KiB/lz4", "1KiB/zstd", "1KiB/snappy", "1KiB/gzip"];

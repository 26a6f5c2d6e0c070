//! Orders as JSON, the same for the same seed, with the totals that a query over them must give.

use std::collections::HashSet;
use std::fmt::Write;

use crate::random::Random;

/// The columns of an order as Flink would declare them.
pub const COLUMNS: &str = "id BIGINT, customer STRING, price DECIMAL(10, 2), currency STRING, event_time TIMESTAMP(3), \
     address ROW<city STRING, zip STRING>, tags ARRAY<STRING>";

/// What a query over all orders of a run must answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows in all, and per partition.
    pub rows: u64,
    /// Rows of each partition.
    pub rows_by_partition: Vec<u64>,
    /// Sum of `price`, in hundredths.
    pub cents: i128,
    /// Smallest and largest `event_time`, in ms since the epoch.
    pub event_times: Option<(i64, i64)>,
    customers: HashSet<u64>,
}

impl Totals {
    /// How many different customers ordered.
    pub fn customers(&self) -> usize {
        self.customers.len()
    }
}

/// A seeded generator of orders spread over `partitions` partitions.
pub struct Orders {
    random: Random,
    partitions: u64,
    totals: Totals,
}

impl Orders {
    /// The same `seed` gives the same orders.
    pub fn new(seed: u64, partitions: usize) -> Self {
        let totals = Totals { rows_by_partition: vec![0; partitions], ..Totals::default() };
        Self { random: Random::new(seed), partitions: partitions as u64, totals }
    }

    /// Appends the next order as a line for `Produce.java`: partition, timestamp, key, value.
    pub fn write_line(&mut self, line: &mut String) {
        let (id, random) = (self.totals.rows, self.random.number());
        let (partition, customer) = (random % self.partitions, (random >> 8) % CUSTOMERS);
        let (cents, time) =
            ((random >> 24) % 100_000, FIRST_EVENT + ((random >> 44) % DAY_MS) as i64);
        self.count(partition, customer, cents, time);
        let _ = writeln!(
            line,
            "{partition}\t{time}\tc-{customer:05}\t{{\"id\":{id},\"customer\":\"c-{customer:05}\",\"price\":{}.{:02},\
             \"currency\":\"{}\",\"event_time\":\"{}\",\"address\":{{\"city\":\"Z\\u00fcrich\",\"zip\":\"{:04}\"}},\
             \"tags\":[\"a\",\"b{}\"]}}",
            cents / 100,
            cents % 100,
            CURRENCIES[(random % 5) as usize],
            event_time_text(time),
            customer % 10_000,
            random % 7,
        );
    }

    /// What has been generated so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    fn count(&mut self, partition: u64, customer: u64, cents: u64, time: i64) {
        let totals = &mut self.totals;
        totals.rows += 1;
        totals.rows_by_partition[partition as usize] += 1;
        totals.cents += i128::from(cents);
        totals.customers.insert(customer);
        let (first, last) = totals.event_times.unwrap_or((time, time));
        totals.event_times = Some((first.min(time), last.max(time)));
    }
}

/// An event time of the generated day in the SQL standard of the `json` format.
pub fn event_time_text(time: i64) -> String {
    let ms = time - FIRST_EVENT;
    let (seconds, fraction) = (ms / 1_000, ms % 1_000);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!(".{fraction:03}").trim_end_matches('0').to_owned()
    };
    format!(
        "2026-01-02 {:02}:{:02}:{:02}{fraction}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

const CUSTOMERS: u64 = 50_000;
const CURRENCIES: [&str; 5] = ["EUR", "USD", "GBP", "CHF", "JPY"];
const DAY_MS: u64 = 86_400_000;

/// 2026-01-02 00:00:00 UTC.
const FIRST_EVENT: i64 = 1_767_312_000_000;

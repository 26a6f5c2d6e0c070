//! What can be said to the benchmarks of whole clients.

use std::{env, path::PathBuf, process};

use crate::options::{number, path};

/// How to run a contest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContestOptions {
    /// Where to write the figures as CSV.
    pub csv: Option<PathBuf>,
    /// Where to draw the chart.
    pub svg: Option<PathBuf>,
    /// Bytes of keys and values that a client reads or writes each time, at least.
    pub volume: u64,
    /// How often each client does each case.
    pub repeats: usize,
    /// Bytes of a batch on the wire.
    pub batch_size: usize,
    /// Whether rivals take part.
    pub with_peers: bool,
    /// Only cases whose name begins or ends so.
    pub filter: Option<String>,
    /// Only clients of these names.
    pub clients: Option<Vec<String>>,
}

impl ContestOptions {
    /// The program's arguments; ends the program where they ask for help or are not understood.
    pub fn from_arguments() -> Self {
        match Self::parse(env::args().skip(1)) {
            Ok(Some(options)) => options,
            Ok(None) => {
                println!("{HELP}");
                process::exit(0)
            }
            Err(error) => {
                eprintln!("{error}\n{HELP}");
                process::exit(2)
            }
        }
    }

    /// Whether a case of this name is asked for.
    pub fn wants(&self, case: &str) -> bool {
        let filter = self.filter.as_deref();
        filter.is_none_or(|filter| case.starts_with(filter) || case.ends_with(filter))
    }

    /// Whether a client of this name is asked for.
    pub fn wants_client(&self, client: &str) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.iter().any(|name| name == client))
    }

    fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                // What cargo itself says.
                "--bench" => {}
                "--help" | "-h" => return Ok(None),
                "--csv" => options.csv = Some(path(&value()?)),
                "--svg" => options.svg = Some(path(&value()?)),
                "--quick" => (options.volume, options.repeats) = (QUICK_VOLUME, QUICK_REPEATS),
                "--volume" => options.volume = number("bytes", &value()?)? as u64,
                "--repeats" => options.repeats = number("repeats", &value()?)?,
                "--batch" => options.batch_size = number("bytes", &value()?)?,
                "--clients" => {
                    options.clients = Some(value()?.split(',').map(str::to_owned).collect());
                }
                "--no-peers" => options.with_peers = false,
                other if other.starts_with('-') => return Err(format!("no option {other}")),
                _ => options.filter = Some(argument),
            }
        }
        Ok(Some(options))
    }
}

impl Default for ContestOptions {
    fn default() -> Self {
        Self {
            csv: None,
            svg: None,
            volume: VOLUME,
            repeats: REPEATS,
            batch_size: BATCH_SIZE,
            with_peers: true,
            filter: None,
            clients: None,
        }
    }
}

const HELP: &str = "\
[CASE]          only cases whose name begins or ends so, such as fetch-1KiB or /kafka
--quick         fewer bytes and one repeat: a few minutes for everything
--csv FILE      write case,client,metric,value; a relative path begins at the repository's folder
--svg FILE      draw the chart
--clients A,B   only these clients
--no-peers      leave the rivals out
--volume BYTES  keys and values in each case
--repeats N     how often each client does each case
--batch BYTES   size of a fetched batch on the wire";

const VOLUME: u64 = 1_000_000_000;
const QUICK_VOLUME: u64 = 100_000_000;
const REPEATS: usize = 3;
const QUICK_REPEATS: usize = 1;
/// What Java's producer makes by default.
const BATCH_SIZE: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_understood_in_any_order() {
        let given =
            ["fetch-1KiB", "--bench", "--quick", "--repeats", "5", "--clients", "kavka,krafka"];
        let options = ContestOptions::parse(given.map(String::from).into_iter()).unwrap().unwrap();
        let expected = ContestOptions {
            volume: QUICK_VOLUME,
            repeats: 5,
            filter: Some("fetch-1KiB".to_owned()),
            clients: Some(vec!["kavka".to_owned(), "krafka".to_owned()]),
            ..ContestOptions::default()
        };
        assert_eq!(options, expected);
        assert!(options.wants("fetch-1KiB/kafka") && !options.wants("fetch-100B/replay"));
        let ending = ContestOptions { filter: Some("/replay".to_owned()), ..options.clone() };
        assert!(ending.wants("fetch-100B/replay") && !ending.wants("fetch-100B/replay/shipped"));
        assert!(options.wants_client("krafka") && !options.wants_client("kavka-owned"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for given in [&["--fast"][..], &["--csv"], &["--repeats", "0"], &["--volume", "much"]] {
            let given = given.iter().map(|argument| (*argument).to_owned());
            assert!(ContestOptions::parse(given).is_err());
        }
    }
}

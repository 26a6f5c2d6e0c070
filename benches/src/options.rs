//! What can be said after `cargo bench -p kavka-benches --bench NAME --`.

use std::{
    env,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

/// How to run a benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where to write the figures as CSV.
    pub csv: Option<PathBuf>,
    /// Where to draw the chart.
    pub svg: Option<PathBuf>,
    /// How long the clients take turns on one case.
    pub budget: Duration,
    /// Whether rivals take part.
    pub with_peers: bool,
    /// Bytes of a batch, compression aside.
    pub batch_size: usize,
    /// Bytes of a log, compression aside.
    pub log_size: usize,
    /// Only cases whose name begins so.
    pub filter: Option<String>,
}

impl Options {
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
        self.filter.as_deref().is_none_or(|filter| case.starts_with(filter))
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
                "--quick" => options.budget = QUICK_BUDGET,
                "--no-peers" => options.with_peers = false,
                "--batch" => options.batch_size = number("bytes", &value()?)?,
                "--log" => options.log_size = number("bytes", &value()?)?,
                other if other.starts_with('-') => return Err(format!("no option {other}")),
                _ => options.filter = Some(argument),
            }
        }
        Ok(Some(options))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            csv: None,
            svg: None,
            budget: BUDGET,
            with_peers: true,
            batch_size: BATCH_SIZE,
            log_size: LOG_SIZE,
            filter: None,
        }
    }
}

/// Cargo starts benchmarks in their package's folder; who writes a relative path thinks of the repository's.
pub(crate) fn path(given: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("")).join(given)
}

/// A number of `what`, one at least.
pub(crate) fn number(what: &str, given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("not a number of {what}: {given}")),
    }
}

const HELP: &str = "\
[CASE]         only cases whose name begins so, such as 1KiB or 100B/lz4
--quick        fewer repeats: a minute or two for everything
--csv FILE     write case,client,metric,value; a relative path begins at the repository's folder
--svg FILE     draw the chart
--no-peers     leave the rivals out
--batch BYTES  size of a batch before compression
--log BYTES    size of a log before compression";

const BUDGET: Duration = Duration::from_secs(12);
const QUICK_BUDGET: Duration = Duration::from_secs(2);
/// The size that brokers accept by default, and that producers in a hurry reach.
const BATCH_SIZE: usize = 1_000_000;
/// Larger than a core's own cache, smaller than the one that cores share.
const LOG_SIZE: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_understood_in_any_order() {
        let given = ["--bench", "--quick", "1KiB", "--csv", "/tmp/f.csv", "--log", "5000"];
        let options = Options::parse(given.map(String::from).into_iter()).unwrap().unwrap();
        let expected = Options {
            budget: QUICK_BUDGET,
            csv: Some("/tmp/f.csv".into()),
            log_size: 5000,
            filter: Some("1KiB".to_owned()),
            ..Options::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for given in [&["--fast"][..], &["--csv"], &["--log", "0"], &["--batch", "many"]] {
            let given = given.iter().map(|argument| (*argument).to_owned());
            assert!(Options::parse(given).is_err());
        }
    }
}

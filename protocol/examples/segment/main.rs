//! Prints segment files of a Kafka log, byte for byte as Kafka's own tool does
//! (`kafka-dump-log.sh --print-data-log --files FILE`, version 4.3):
//!
//! ```text
//! cargo run -p kavka-protocol --example segment -- /var/lib/kafka/orders-0/00000000000000000000.log
//! ```
//!
//! Records of the metadata log and the checksums of messages inside of compressed ones (formats 0 and 1) are all that
//! it does not print.

mod dump;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        eprintln!("usage: segment FILE...");
        return ExitCode::FAILURE;
    }
    let mut output = BufWriter::new(io::stdout().lock());
    let dumped = files.iter().try_for_each(|file| {
        print(file, &mut output).map_err(|error| format!("cannot dump {}: {error}", file.display()))
    });
    if let Err(error) = dumped.and_then(|()| output.flush().map_err(|error| error.to_string())) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn print(file: &Path, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let gaps = dump::dump(file, output)?.to_string();
    if !gaps.is_empty() {
        eprint!("Non-consecutive offsets in {}\n{gaps}", fs::canonicalize(file)?.display());
    }
    Ok(())
}

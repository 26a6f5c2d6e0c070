//! A client's side: it does its job and says what came of it.

use std::{env, process, thread, time::Duration};

use crate::{Job, Meter};

/// Does the job that the program's arguments say, and prints the [`Outcome`](crate::Outcome) or why there is none.
///
/// `allocations` says how often memory has been asked for so far.
pub fn contend<E: ToString>(
    allocations: fn() -> u64,
    work: impl FnOnce(&Job, &mut Meter) -> Result<(), E>,
) {
    match run(allocations, work) {
        Ok(outcome) => println!("{outcome}"),
        Err(error) => fail(&error),
    }
}

fn run<E: ToString>(
    allocations: fn() -> u64,
    work: impl FnOnce(&Job, &mut Meter) -> Result<(), E>,
) -> Result<String, String> {
    let job = Job::parse(env::args().skip(1))?;
    let limit = job.limit;
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(limit));
        fail(&format!("not done after {limit} s"));
    });
    let mut meter = Meter::new(job.records, allocations);
    work(&job, &mut meter).map_err(|error| error.to_string())?;
    Ok(meter.finish()?.to_string())
}

fn fail(error: &str) -> ! {
    println!("error: {}", error.replace('\n', " "));
    process::exit(1)
}

//! The integration suite: one binary, one module per subject.

mod architecture;
mod bad_input;
mod faults;
mod features;
mod fetch;
mod lifecycle;
mod produce;
mod readme;
mod real_kafka;
mod source;
mod sql;

use libtest_mimic::Arguments;

fn main() {
    let trials = [
        architecture::trials(),
        bad_input::trials(),
        faults::trials(),
        features::trials(),
        fetch::trials(),
        lifecycle::trials(),
        produce::trials(),
        readme::trials(),
        real_kafka::trials(),
        source::trials(),
        sql::trials(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit();
}

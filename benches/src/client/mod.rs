//! kavka as a contestant: a whole client that does one [`Job`] and measures itself.

mod fetch;
mod produce;

use std::error::Error;

use kavka_bench_line::{Job, Meter, Work};
use kavka_client::Properties;

use crate::Result;

/// Does `job` on one thread.
pub fn work(job: &Job, meter: &mut Meter) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match job.work {
                Work::Fetch => fetch::fetch(job, meter).await,
                Work::Produce => produce::produce(job, meter).await,
            }
        })
    });
    done.map_err(|error| told(&*error))
}

/// What every client of kavka's is told.
fn properties(job: &Job) -> Properties {
    let mut properties = Properties::from([("bootstrap.servers", &*job.servers)]);
    if let Some(ca) = &job.ca {
        properties.set("security.protocol", "SSL");
        properties.set("ssl.truststore.type", "PEM");
        properties.set("ssl.truststore.location", ca.display().to_string());
    }
    properties
}

/// An error with what led to it.
fn told(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

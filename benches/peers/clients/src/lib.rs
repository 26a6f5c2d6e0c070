//! Other Kafka clients as contestants: each does one job, the way that suits it best, and measures itself.
//!
//! With settings that are the same for everybody, one request asks for the same number of bytes, batches have the same
//! size, and every acknowledgement is looked at. Everybody reads every byte of every value.

mod krafka;
mod librdkafka;
mod rskafka;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

pub use self::{krafka::krafka, librdkafka::librdkafka, rskafka::rskafka};

/// The `#[global_allocator]` of a program whose allocations are to be counted.
pub const COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often this process has asked for memory so far; 0 without that allocator.
pub fn allocations() -> u64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.allocations + stats.reallocations) as u64
}

/// On a runtime of one thread, since the processor that a client is given is one.
fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(told)?.block_on(future)
}

fn told(error: impl ToString) -> String {
    error.to_string()
}

/// Bytes of one partition in one answer, as Java's consumer asks by default.
const PARTITION_BYTES: i32 = 1 << 20;
/// Bytes of one answer.
const ANSWER_BYTES: i32 = 50 << 20;
/// Bytes of a batch that is written.
const BATCH_BYTES: usize = 256 << 10;
/// Milliseconds that a batch waits for more records.
const LINGER: u64 = 10;
/// Bytes of records that may wait to be sent.
const BUFFER_BYTES: usize = 64 << 20;

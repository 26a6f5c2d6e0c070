//! Other Kafka clients as contestants: each does one job, the way that suits it best, and measures itself.
//!
//! Everybody reads the same number of bytes in one request and looks at every byte of every value.

mod krafka;

pub use krafka::krafka;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The `#[global_allocator]` of a program whose allocations are to be counted.
pub const COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often this process has asked for memory so far; 0 without that allocator.
pub fn allocations() -> u64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.allocations + stats.reallocations) as u64
}

/// What most clients take their time for: a runtime of one thread, as the processor they are given is one.
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

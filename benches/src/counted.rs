//! The allocator of programs that count.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, which counts.
pub type CountingAllocator = &'static StatsAlloc<System>;

/// The `#[global_allocator]` of a program whose allocations are to be counted.
pub const COUNTING: CountingAllocator = &INSTRUMENTED_SYSTEM;

/// How often this process has asked for memory so far, a buffer's growth included; 0 without that allocator.
pub fn allocations() -> u64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.allocations + stats.reallocations) as u64
}

//! krafka, its allocations counted.

use std::{alloc::System, io};

use kavka_bench_line::serve;
use kavka_peers::Krafka;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> io::Result<()> {
    serve(Krafka::default(), || {
        let stats = ALLOCATOR.stats();
        (stats.allocations + stats.reallocations) as u64
    })
}

//! rskafka, its allocations counted.

use std::alloc::System;

use kavka_peer_clients::{COUNTING, allocations};
use stats_alloc::StatsAlloc;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = COUNTING;

fn main() {
    kavka_bench_line::contend(allocations, kavka_peer_clients::rskafka);
}

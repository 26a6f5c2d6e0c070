//! kavka, its allocations counted.

use kavka_benches::{COUNTING, CountingAllocator, allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = COUNTING;

fn main() {
    kavka_bench_line::contend(allocations, kavka_benches::client::work);
}

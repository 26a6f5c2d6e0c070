//! librdkafka with jemalloc, to be timed.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() {
    kavka_bench_line::contend(|| 0, kavka_peer_clients::librdkafka);
}

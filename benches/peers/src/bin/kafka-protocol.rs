//! kafka-protocol, to be timed.

use std::io;

use kavka_bench_line::serve;
use kavka_peers::KafkaProtocol;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> io::Result<()> {
    serve(KafkaProtocol::default(), || 0)
}

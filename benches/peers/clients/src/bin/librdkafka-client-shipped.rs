//! librdkafka, with the allocator it finds, to be timed.

fn main() {
    kavka_bench_line::contend(|| 0, kavka_peer_clients::librdkafka);
}

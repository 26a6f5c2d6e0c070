//! rskafka, to be timed.

fn main() {
    kavka_bench_line::contend(|| 0, kavka_peer_clients::rskafka);
}

#![no_main]

kavka_fuzz::program!(fuzz_batch_header_walk);

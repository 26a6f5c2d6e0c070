#![no_main]

kavka_fuzz::program!(fuzz_consumer_protocol);

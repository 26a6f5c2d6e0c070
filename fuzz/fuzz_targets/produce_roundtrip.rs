#![no_main]

kavka_fuzz::program!(fuzz_produce_roundtrip);

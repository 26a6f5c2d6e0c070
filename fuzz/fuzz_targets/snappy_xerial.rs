#![no_main]

kavka_fuzz::program!(fuzz_snappy_xerial);

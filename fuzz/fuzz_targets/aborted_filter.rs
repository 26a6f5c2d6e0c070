#![no_main]

kavka_fuzz::program!(fuzz_aborted_filter);

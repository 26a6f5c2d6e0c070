#![no_main]

kavka_fuzz::program!(fuzz_record_body);

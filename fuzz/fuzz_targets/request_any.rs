#![no_main]

kavka_fuzz::timed_program!(fuzz_request_any);

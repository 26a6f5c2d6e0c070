#![no_main]

kavka_fuzz::timed_program!(fuzz_response_any);

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kavka_protocol::fuzz::fuzz_fetch_response(data));

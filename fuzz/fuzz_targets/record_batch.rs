#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kavka_protocol::fuzz::fuzz_record_batch(data));

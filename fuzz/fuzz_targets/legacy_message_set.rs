#![no_main]

kavka_fuzz::program!(fuzz_legacy_message_set);

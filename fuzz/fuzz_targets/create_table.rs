#![no_main]

kavka_fuzz::program!(kavka_connector, fuzz_create_table);

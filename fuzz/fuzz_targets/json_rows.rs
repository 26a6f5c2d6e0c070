#![no_main]

kavka_fuzz::program!(kavka_connector, fuzz_json_rows);

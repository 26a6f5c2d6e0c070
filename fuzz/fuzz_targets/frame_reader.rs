#![no_main]

kavka_fuzz::program!(fuzz_frame_reader);

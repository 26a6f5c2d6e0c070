//! Writes what fuzzers begin with into `fuzz/seeds`, and what they only replay into `fuzz/crowded`, a folder for each
//! target.
//!
//! It is a program like those of the targets, so that it is built as they are, from the same libraries: what it does, it
//! does before its first input.
#![no_main]

use std::{fs, io, path::Path};

use kavka_protocol::fuzz::Seed;

libfuzzer_sys::fuzz_target!(init: write_all().expect("files can be written"), |_data: &[u8]| {});

fn write_all() -> io::Result<()> {
    let seeds = kavka_protocol::fuzz::seeds().into_iter().chain(kavka_connector::fuzz::seeds());
    write("seeds", seeds)?;
    write("crowded", kavka_protocol::fuzz::crowded())
}

fn write(name: &str, seeds: impl IntoIterator<Item = Seed>) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    for (target, name, bytes) in seeds {
        let folder = root.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

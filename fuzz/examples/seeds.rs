//! Writes what fuzzers begin with into `fuzz/seeds`, a folder for each target; `fuzz/run` does it before it fuzzes.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let all = kavka_protocol::fuzz::seeds().into_iter().chain(kavka_connector::fuzz::seeds());
    for (target, name, bytes) in all {
        let folder = seeds.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
